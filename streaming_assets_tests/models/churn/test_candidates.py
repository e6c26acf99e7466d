import numpy as np
import pytest
from scipy.special import expit

from streaming_assets.contracts.models.churn import CANDIDATES
from streaming_assets.models.churn.calibration import Calibration, calibration, recentred
from streaming_assets.models.churn.candidates import fit, offered
from streaming_assets.models.churn.design import Design, design_of
from streaming_assets.models.churn.fits import history
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, split


@pytest.fixture(scope="module")
def learnt() -> tuple[Design, np.ndarray, np.ndarray]:
    """A design, its matrix and what came of 800 users."""
    rows = audience(800, split(1).train, EVERY_FAMILY)
    design = design_of(rows)
    return design, design.matrix(rows), rows["churned"].to_numpy(dtype=bool)


def test_all_candidates_are_offered_from_the_simplest_on(learnt):
    assert offered(learnt[0]) == CANDIDATES


def test_without_different_recencies_there_is_no_bg_nbd_and_recency_alone_is_the_base_rate():
    rows = audience(300, split(1).train, EVERY_FAMILY).assign(recency_hours=24.0)
    design = design_of(rows)
    assert "bg_nbd" not in offered(design)
    fitted = fit("recency_only", design, design.matrix(rows), rows["churned"].to_numpy(), 1)
    np.testing.assert_allclose(expit(fitted.log_odds(design, design.matrix(rows))), rows["churned"].mean())


def test_recency_alone_is_a_logistic_curve_over_the_logarithm_of_recency(learnt):
    design, matrix, churned = learnt
    fitted = fit("recency_only", design, matrix, churned, 1)
    said = expit(fitted.log_odds(design, matrix))
    # A maximum of the likelihood: residuals sum to 0 and are uncorrelated with what is known, but for the slight penalty.
    assert abs((said - churned).mean()) < 1e-6
    assert abs(np.corrcoef(said - churned, matrix[:, 0])[0, 1]) < 0.01
    assert np.count_nonzero(fitted.coefficients) == 1


@pytest.mark.parametrize("candidate", ["base_rate", "logistic_regression", "hist_gradient_boosting", "random_forest"])
def test_classes_keep_their_weights_so_that_the_mean_probability_is_the_rate(learnt, candidate):
    design, matrix, churned = learnt
    said = expit(fit(candidate, design, matrix, churned, 1).log_odds(design, matrix))
    assert said.mean() == pytest.approx(churned.mean(), abs=0.02)


def test_a_history_counts_the_active_days_after_the_first_of_the_days_watched():
    rows = audience(3, split(1).train, EVERY_FAMILY).assign(
        # 20 days ago for the first time, on 4 days since, last in the evening of the day before;
        # 60 days ago and never again; a user of two years, active on 30 of the 90 days, last at the start of a day.
        tenure_days=[20, 60, 700],
        observation_days=90,
        active_days_90=[5, 1, 30],
        recency_hours=[4.0, 60 * 24.0, 48.0],
    )
    visits, last, watched = history(design_of(rows), design_of(rows).matrix(rows))
    np.testing.assert_allclose(visits, [4, 0, 30], atol=1e-9)
    np.testing.assert_allclose(last, [19, 0, 88])
    np.testing.assert_allclose(watched, [20, 60, 90])


def test_calibration_finds_the_map_that_was_planted():
    random = np.random.default_rng(3)
    told = random.normal(-1, 2, 50_000)
    found = calibration(told, random.random(50_000) < expit(0.5 + 0.7 * told))
    assert found.intercept == pytest.approx(0.5, abs=0.04)
    assert found.slope == pytest.approx(0.7, abs=0.02)


def test_calibration_never_turns_a_ranking_round():
    told = np.linspace(-2, 2, 100)
    assert calibration(told, told < 0).slope == 0


def test_calibration_of_a_perfect_order_stays_finite():
    found = calibration(np.linspace(-2, 2, 100), np.linspace(-2, 2, 100) > 0)
    assert np.isfinite([found.intercept, found.slope]).all()


def test_what_is_always_the_same_is_only_moved():
    found = calibration(np.full(1000, -2.0), np.arange(1000) < 300)
    assert found.slope == 1
    assert expit(found(np.array([-2.0])))[0] == pytest.approx(0.3, abs=0.001)


def test_recentring_keeps_the_slope_and_makes_the_mean_the_rate():
    told = np.random.default_rng(4).normal(0, 3, 1000)
    found = recentred(Calibration(5.0, 0.5), told, np.arange(1000) < 120)
    assert found.slope == 0.5
    assert expit(found(told)).mean() == pytest.approx(0.12)
