"""Sample sizes: simulated, against the noncentral t distribution, for unequal splits, and the days they take."""

import math
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from streaming_assets.contracts import experiments as contracts
from streaming_assets.experiments.inference import comparison
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.power import MOST_UNITS, power, required_units
from streaming_assets_tests.experiments.samples import experiment, listeners, sums_of, sums_of_share, weighted

UNITS = listeners(41, 600)
SUMS = sums_of(UNITS)
ASKED = experiment(
    primary="watch_hours", guardrails={"sessions_per_user": 0.05, "skip_rate": 0.02}, min_lift=0.03, secondary=[]
)


def told(found, metric, variant="treatment"):
    (one,) = (row for row in found if (row.metric, row.variant) == (metric, variant))
    return one


def share_found(n_control, n_treatment, spread, effect, alpha, seed=9, times=4000):
    """In what share of as many experiments Welch's test finds the effect."""
    rng = np.random.default_rng(seed)
    control = rng.normal(0.0, spread[0], (times, n_control))
    treatment = rng.normal(effect, spread[1], (times, n_treatment))
    return (stats.ttest_ind(treatment, control, axis=1, equal_var=False).pvalue < alpha).mean()


@pytest.mark.parametrize(("alpha", "wanted"), [(0.05, 0.80), (0.05, 0.95), (0.20, 0.80)])
def test_as_many_units_as_required_find_the_effect_as_often_as_asked(alpha, wanted):
    units = required_units(4 * 1.0**2, 0.25, alpha / 2, wanted)
    found = share_found(units // 2, units - units // 2, (1.0, 1.0), 0.25, alpha)
    assert found == pytest.approx(wanted, abs=0.025)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_unequal_splits_take_more_units_and_find_the_effect_as_often(share):
    spread = (1.0, 1.5)
    spread_of_one = spread[0] ** 2 / (1 - share) + spread[1] ** 2 / share
    units = required_units(spread_of_one, 0.3, 0.025, 0.80)
    n_treatment = round(units * share)
    assert share_found(units - n_treatment, n_treatment, spread, 0.3, 0.05) == pytest.approx(0.80, abs=0.03)


@pytest.mark.parametrize("effect", [0.05, 0.1, 0.2])
def test_required_units_are_those_of_the_noncentral_t_distribution(effect):
    units = required_units(4.0, effect, 0.025, 0.80)

    def exact(n):
        critical = stats.t.isf(0.025, n - 2)
        return stats.nct.sf(critical, n - 2, effect * math.sqrt(n / 4))

    # Student's t asks for a few units more than the normal distribution.
    assert exact(units + 8) > 0.80 > exact(units - 8)


def test_half_the_effect_takes_four_times_the_units():
    assert required_units(4.0, 0.05, 0.025, 0.8) == pytest.approx(4 * required_units(4.0, 0.1, 0.025, 0.8), abs=4)


# What rows say


def test_the_smallest_lift_that_is_found_takes_the_units_there_are():
    found = told(power(ASKED, SUMS, 10), "watch_hours")
    spread = sum(
        UNITS[UNITS.variant == arm].watch_hours.var() / (UNITS.variant == arm).sum() for arm in ("control", "treatment")
    )
    mean = UNITS[UNITS.variant == "control"].watch_hours.mean()
    expected = (stats.norm.isf(0.025) + stats.norm.isf(0.20)) * math.sqrt(spread) / mean
    assert found.detectable_lift == pytest.approx(expected, rel=1e-9)
    again = power(ASKED.model_copy(update={"min_lift": found.detectable_lift}), SUMS, 10)
    assert told(again, "watch_hours").units_needed == pytest.approx(600, abs=1)


def test_a_guardrail_is_looked_at_on_one_side_with_its_margin():
    found = told(power(ASKED, SUMS, 10), "sessions_per_user")
    assert (found.role, found.target_lift) == ("guardrail", 0.05)
    compared = comparison(METRICS["sessions_per_user"], SUMS, "treatment")
    expected = (stats.norm.isf(0.10) + stats.norm.isf(0.20)) * compared.se / compared.mean_control
    assert found.detectable_lift == pytest.approx(expected, rel=1e-9)
    assert found.units_needed == math.ceil(600 * (expected / 0.05) ** 2)


@pytest.mark.parametrize(
    ("weights", "n_control", "n_treatment"), [((50, 50), 1000, 1000), ((90, 10), 1800, 200), ((10, 90), 200, 1800)]
)
def test_units_needed_keep_to_the_weights(weights, n_control, n_treatment):
    metric = METRICS["d1_retention"]
    sums = {
        "control": {**SUMS["control"], **sums_of_share(metric, n_control, n_control * 2 // 5)},
        "treatment": {**SUMS["treatment"], **sums_of_share(metric, n_treatment, n_treatment * 2 // 5)},
    }
    split = experiment(
        primary="d1_retention", min_lift=0.05, assignment=weighted(control=weights[0], treatment=weights[1])
    )
    found = told(power(split, sums, 10), "d1_retention")
    # σ² = 0.4 · 0.6, effect = 0.05 · 0.4
    z = stats.norm.isf(0.025) + stats.norm.isf(0.20)
    expected = (z / 0.02) ** 2 * 0.24 * sum(100 / weight for weight in weights)
    assert found.units_needed == pytest.approx(expected, abs=1)


def test_days_are_those_until_the_missing_units_have_come_in():
    found = told(power(ASKED, SUMS, 100.0), "watch_hours")
    assert found.units == 600
    assert found.units_needed > 600
    assert found.days_still_needed == math.ceil((found.units_needed - 600) / 100)


def test_of_three_arms_only_the_two_that_are_compared_come_nearer_to_their_units():
    units = listeners(42, 900, variants=("control", "a", "b"))
    thirds = experiment(primary="watch_hours", min_lift=0.03, assignment=weighted(control=1, a=1, b=1))
    found = told(power(thirds, sums_of(units), 300.0), "watch_hours", "a")
    assert found.units == 600
    # 300 a day in all are 200 a day for control and a.
    assert found.days_still_needed == math.ceil((found.units_needed - 600) / 200)
    assert found.units_per_day == 300.0


def test_enough_units_need_no_more_days():
    found = told(power(ASKED.model_copy(update={"min_lift": 0.9}), SUMS, 0.0), "watch_hours")
    assert found.units_needed < 600
    assert found.days_still_needed == 0


def test_where_nobody_joins_any_more_the_days_are_unknown():
    assert told(power(ASKED, SUMS, 0.0), "watch_hours").days_still_needed is None


def test_without_a_lift_that_is_asked_for_there_is_only_what_can_be_found():
    found = told(power(experiment(primary="watch_hours"), SUMS, 10.0), "watch_hours")
    assert (found.target_lift, found.units_needed, found.days_still_needed) == (None, None, None)
    assert found.detectable_lift > 0


def test_units_are_counted_though_one_arm_has_none():
    found = told(power(ASKED, {"control": SUMS["control"]}, 10.0), "watch_hours")
    assert (found.units, found.detectable_lift, found.units_needed) == (300, None, None)


def test_a_lift_that_no_audience_could_show_takes_a_number_that_fits_its_column():
    assert required_units(4.0, 1e-200, 0.025, 0.80) == MOST_UNITS
    metric = METRICS["d30_retention"]
    one_of_many = {arm: {**own, **sums_of_share(metric, 5_000_000, 1)} for arm, own in SUMS.items()}
    rare = experiment(primary="d30_retention", min_lift=0.0001)
    found = power(rare, one_of_many, 1 / 7)
    assert told(found, "d30_retention").units_needed == MOST_UNITS
    rows = pa.Table.from_pylist([asdict(row) for row in found], schema=contracts.power.schema.to_pyarrow())
    assert rows.num_rows == len(METRICS)
