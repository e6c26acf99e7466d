import numpy as np
import pytest

from streaming_assets.models.churn.bootstrap import Gain, Resampled
from streaming_assets.models.churn.gate import INCUMBENT, CalibrationError, challenger, clearly_better, verdict

SMALL, LARGE = CalibrationError(0.02, 0.01), CalibrationError(0.08, 0.04)


def held_out(certain: bool = True, **losses: float) -> Resampled:
    """Log losses on the held-out rows; in bootstrap samples nearly the same, or anything within a tenth of each other."""
    random = np.random.default_rng(1)
    spread = 0.0001 if certain else 0.1
    log_loss = {
        name: np.array([loss, *(loss * (1 + spread * random.uniform(-1, 1, 200)))]) for name, loss in losses.items()
    }
    return Resampled(log_loss, {name: np.full(201, 0.7) for name in losses})


def decided(resampled: Resampled, errors: dict[str, CalibrationError] | None = None):
    """The verdict on the candidates among these, in the order given."""
    names = tuple(name for name in resampled.log_loss if name != INCUMBENT)
    return verdict(names, resampled, {**dict.fromkeys(names, SMALL), **(errors or {})}, INCUMBENT in resampled.log_loss)


@pytest.mark.parametrize(
    ("gain", "better"),
    [
        (Gain(0.010, 0.001, 0.02), True),
        (Gain(0.009, 0.008, 0.01), False),
        (Gain(0.050, -0.001, 0.1), False),
    ],
)
def test_better_means_by_one_percent_and_with_an_interval_above_0(gain, better):
    assert clearly_better(gain) is better


def test_the_best_is_put_forward_where_it_is_clearly_better_than_the_simpler_ones():
    losses = held_out(base_rate=0.6, recency_only=0.55, logistic_regression=0.5, random_forest=0.499)
    assert challenger(tuple(losses.log_loss), losses) == "logistic_regression"


def test_the_simpler_one_is_put_forward_where_the_interval_of_the_gain_holds_0():
    losses = held_out(certain=False, recency_only=0.505, logistic_regression=0.495)
    assert challenger(tuple(losses.log_loss), losses) == "recency_only"


def test_small_steps_that_add_up_still_take_the_simplest_that_nothing_clearly_beats():
    losses = held_out(recency_only=0.500, logistic_regression=0.496, random_forest=0.492)
    assert challenger(tuple(losses.log_loss), losses) == "logistic_regression"


def test_where_recency_is_all_the_reason_says_that_the_simple_model_is_as_good():
    found = decided(held_out(base_rate=0.6, recency_only=0.5, logistic_regression=0.499, random_forest=0.51))
    assert (found.challenger, found.replaces) == ("recency_only", True)
    assert found.reason.startswith(
        "recency_only has a log loss of 0.5000, knowing recency alone. "
        "The simple model is as good: logistic_regression comes nearest, 0.2% better (90 % interval of the gain +0.2% to +0.2%)."
    )


def test_a_challenger_that_is_clearly_better_replaces_the_champion():
    found = decided(held_out(base_rate=0.6, recency_only=0.55, logistic_regression=0.50, incumbent=0.52))
    assert (found.challenger, found.replaces) == ("logistic_regression", True)
    assert "against the present champion on the same held-out cutoffs: 3.8% better" in found.reason


@pytest.mark.parametrize("incumbent", [0.504, 0.45])
def test_the_champion_stays_where_the_challenger_is_less_than_one_percent_better(incumbent):
    found = decided(held_out(base_rate=0.6, recency_only=0.55, logistic_regression=0.50, incumbent=incumbent))
    assert (found.challenger, found.replaces) == ("logistic_regression", False)
    assert "To replace it would take 1% with an interval above 0." in found.reason


def test_a_challenger_that_is_badly_calibrated_does_not_replace():
    found = decided(
        held_out(base_rate=0.6, recency_only=0.55, logistic_regression=0.40, incumbent=0.52),
        {"logistic_regression": LARGE},
    )
    assert found.replaces is False
    assert "its calibration error is 0.080, where 0.040 is allowed" in found.reason


def test_a_champion_that_the_base_rate_beats_does_not_stay():
    found = decided(held_out(base_rate=0.6, recency_only=0.61, logistic_regression=0.599, incumbent=0.602))
    assert found.replaces is True
    assert found.challenger == "base_rate"
    assert found.reason.startswith("The present champion is worse than the base rate on the held-out cutoffs.")


def test_without_a_champion_the_best_of_the_calibrated_candidates_becomes_it():
    found = decided(
        held_out(base_rate=0.6, recency_only=0.55, logistic_regression=0.40), {"logistic_regression": LARGE}
    )
    assert (found.challenger, found.replaces) == ("recency_only", True)
    assert found.reason.startswith("logistic_regression was passed over: its calibration error is 0.080")


def test_where_nothing_is_calibrated_the_base_rate_is_left():
    found = decided(held_out(base_rate=0.6, recency_only=0.5), {"base_rate": LARGE, "recency_only": LARGE})
    assert (found.challenger, found.replaces) == ("base_rate", True)


def test_a_calibration_error_is_small_up_to_three_percent_or_to_what_chance_gives():
    assert CalibrationError(0.03, 0.0).is_small
    assert CalibrationError(0.05, 0.05).is_small
    assert not CalibrationError(0.0301, 0.03).is_small
