"""Effects, lifts, intervals and p-values against other people's code and against plain computations unit by unit."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from streaming_assets.experiments.estimates import adjustment, arm, compare, quantile
from streaming_assets.experiments.inference import comparison
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import moments_of
from streaming_assets_tests.experiments.samples import (
    listeners,
    of_arm,
    sums_of,
    sums_of_columns,
    sums_of_share,
    values,
)

UNITS = listeners(11, 600)
SUMS = sums_of(UNITS)
MEANS = ("sessions_per_user", "plays_per_user", "watch_hours", "creator_diversity", "sessions_in_first_7_days")
SHARES = ("d1_retention", "d7_retention", "d30_retention")
RATIOS = ("session_minutes", "skip_rate")


def compared(name, *, adjusted=False):
    return comparison(METRICS[name], SUMS, "treatment", adjusted=adjusted)


def both(name, units=UNITS):
    return values(units, METRICS[name], "control"), values(units, METRICS[name], "treatment")


# Means


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_means_are_compared_as_scipys_welch_test_does(name, alpha):
    control, treatment = both(name)
    expected = stats.ttest_ind(treatment, control, equal_var=False)
    found = compared(name)
    assert found.effect / found.se == pytest.approx(expected.statistic, rel=1e-9)
    assert found.degrees == pytest.approx(expected.df, rel=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    low, high = expected.confidence_interval(1 - alpha)
    assert found.interval(alpha) == pytest.approx((low, high), rel=1e-9)


def test_arms_of_unequal_size_and_spread_have_their_own_variances():
    metric = METRICS["watch_hours"]
    rng = np.random.default_rng(3)
    control, treatment = rng.normal(10, 1, 15), rng.normal(11, 6, 120)
    found = comparison(
        metric,
        {
            "control": sums_of_columns(metric, watch_hours=control),
            "treatment": sums_of_columns(metric, watch_hours=treatment),
        },
        "treatment",
    )
    expected = stats.ttest_ind(treatment, control, equal_var=False)
    assert (found.p_value, found.degrees) == pytest.approx((expected.pvalue, expected.df), rel=1e-9)


@pytest.mark.parametrize("name", MEANS)
def test_cohens_d_is_the_effect_in_pooled_standard_deviations(name):
    control, treatment = both(name)
    within = np.concatenate([control - control.mean(), treatment - treatment.mean()])
    spread = math.sqrt((within**2).sum() / (len(within) - 2))
    assert compared(name).cohens_d == pytest.approx((treatment.mean() - control.mean()) / spread, rel=1e-9)


@pytest.mark.parametrize("degrees", [1.0, 2.5, 30.0, 1e4, 1e8, math.inf])
@pytest.mark.parametrize("tail", [0.0005, 0.025, 0.1, 0.2])
def test_quantiles_are_those_of_students_t(tail, degrees):
    expected = stats.norm.isf(tail) if math.isinf(degrees) else stats.t.isf(tail, degrees)
    assert quantile(tail, degrees) == pytest.approx(expected, rel=1e-9)


# Shares


@pytest.mark.parametrize("name", SHARES)
def test_the_p_of_shares_is_that_of_the_uncorrected_chi_square_test_of_two_by_two(name):
    counts = [[own.sum(), len(own) - own.sum()] for own in both(name)]
    expected = stats.chi2_contingency(counts, correction=False)
    assert compared(name).p_value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("name", SHARES)
def test_the_interval_of_shares_is_unpooled(name):
    control, treatment = both(name)
    se = math.sqrt(sum(own.mean() * (1 - own.mean()) / len(own) for own in (control, treatment)))
    effect = treatment.mean() - control.mean()
    expected = (effect - 1.959963984540054 * se, effect + 1.959963984540054 * se)
    assert compared(name).interval(0.05) == pytest.approx(expected, rel=1e-9)


# Ratios


@pytest.mark.parametrize("name", RATIOS)
def test_a_ratio_is_that_of_sums_and_its_units_are_what_remains_of_each(name):
    metric = METRICS[name]
    ratios, remains = [], []
    for variant in ("control", "treatment"):
        own = of_arm(UNITS, variant)
        ratio = own[metric.numerator].sum() / own[metric.denominator].sum()
        ratios.append(ratio)
        # What a unit adds beyond its share of the denominator, by the mean denominator.
        remains.append((own[metric.numerator] - ratio * own[metric.denominator]) / own[metric.denominator].mean())
    found = compared(name)
    assert (found.mean_control, found.mean_variant) == pytest.approx(ratios, rel=1e-12)
    expected = stats.ttest_ind(remains[1] + ratios[1], remains[0] + ratios[0], equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval(0.05) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)


def redrawn(metric, units, rng, times):
    """The metric of as many samples of the arm's units, drawn with replacement."""
    picked = rng.integers(0, len(units), (times, len(units)))
    above = units[metric.numerator].to_numpy(float)[picked].sum(axis=1)
    below = len(units) if metric.denominator is None else units[metric.denominator].to_numpy(float)[picked].sum(axis=1)
    return above / below


@pytest.mark.parametrize("name", ["session_minutes", "skip_rate", "watch_hours"])
def test_standard_errors_of_effect_and_lift_are_those_of_redrawn_units(name):
    metric, rng = METRICS[name], np.random.default_rng(5)
    control, treatment = (redrawn(metric, of_arm(UNITS, arm), rng, 4000) for arm in ("control", "treatment"))
    found = compared(name)
    assert found.se == pytest.approx((treatment - control).std(), rel=0.08)
    assert found.lift_se == pytest.approx((treatment / control - 1).std(), rel=0.08)


def test_sessions_of_one_user_are_not_taken_for_sessions_of_many():
    # Each of 20 users has 50 sessions of the own length: to the plain t-test over sessions these are 1,000 facts.
    metric, rng = METRICS["session_minutes"], np.random.default_rng(8)
    lengths = {variant: rng.normal(30, 10, 20) for variant in ("control", "treatment")}
    sums = {
        variant: sums_of_columns(metric, session_minutes=50 * own, sessions=np.full(20, 50))
        for variant, own in lengths.items()
    }
    naive = stats.ttest_ind(*(np.repeat(lengths[variant], 50) for variant in ("treatment", "control")))
    honest = stats.ttest_ind(lengths["treatment"], lengths["control"], equal_var=False)
    found = comparison(metric, sums, "treatment")
    assert found.p_value == pytest.approx(honest.pvalue, rel=1e-9)
    assert found.p_value > 2 * naive.pvalue


# Lift


@pytest.mark.parametrize("adjusted", [False, True], ids=["unadjusted", "cuped"])
@pytest.mark.parametrize("name", [*RATIOS, *MEANS])
def test_the_variance_of_the_lift_is_that_of_its_slopes_taken_numerically(name, adjusted):
    metric = METRICS[name]
    moments = {arm: moments_of(metric, own, adjustable=adjusted) for arm, own in SUMS.items()}
    correction = adjustment(metric, moments_of(metric, *SUMS.values(), adjustable=True)) if adjusted else None

    def lift(means):
        shifted = (
            arm(metric, replace(own, mean=mean), correction)
            for own, mean in zip((moments["control"], moments["treatment"]), means, strict=True)
        )
        return compare(metric, *shifted).lift

    variance = 0.0
    middle = [moments[name].mean for name in ("control", "treatment")]
    for place, own in enumerate((moments["control"], moments["treatment"])):
        slopes = []
        for column in range(len(own.columns)):
            step = np.zeros(len(own.columns))
            step[column] = 1e-5 * max(own.mean[column], 1e-3)
            up, down = ([*middle], [*middle])
            up[place], down[place] = own.mean + step, own.mean - step
            slopes.append((lift(up) - lift(down)) / (2 * step[column]))
        variance += np.array(slopes) @ own.cov @ np.array(slopes) / own.n
    assert compared(name, adjusted=adjusted).lift_se == pytest.approx(math.sqrt(variance), rel=1e-5)


@pytest.mark.parametrize("name", [*MEANS, *SHARES])
def test_the_lift_is_the_effect_by_controls_mean_with_controls_doubt_counted_twice(name):
    control, treatment = both(name)
    ddof = 0 if name in SHARES else 1
    parts = (treatment.var(ddof=ddof) / len(treatment), control.var(ddof=ddof) / len(control))
    a, b = control.mean(), treatment.mean()
    found = compared(name)
    assert found.lift == pytest.approx(b / a - 1, rel=1e-9)
    assert found.lift_se == pytest.approx(math.sqrt(parts[0] / a**2 + parts[1] * b**2 / a**4), rel=1e-9)
    low, high = found.lift_interval(0.05)
    assert (low + high) / 2 == pytest.approx(found.lift)
    assert (high - low) / 2 == pytest.approx(found.quantile(0.025) * found.lift_se)


# The pre-period: means


def before(units, name):
    """The metric's pre-period of each unit with the mean of those that have one for the others, and who has none."""
    known = units.has_pre_period.to_numpy(bool)
    pre = units[METRICS[name].pre_numerator].to_numpy(float)
    return np.where(known, pre, pre[known].mean()), ~known


def by_least_squares(value, *covariates):
    """(coefficients without the intercept, share of the variance that is explained)."""
    design = np.column_stack([np.ones(len(value)), *covariates])
    found, *_ = np.linalg.lstsq(design, value, rcond=None)
    return found[1:], 1 - (value - design @ found).var() / value.var()


PRE_MEANS = ("sessions_per_user", "plays_per_user", "watch_hours", "creator_diversity", "genre_diversity")


@pytest.mark.parametrize("name", PRE_MEANS)
def test_cuped_takes_away_what_a_regression_on_the_pre_period_and_an_indicator_explains(name):
    value = UNITS[METRICS[name].numerator].to_numpy(float)
    pre, missing = before(UNITS, name)
    coefficients, _ = by_least_squares(value, pre, missing)
    left = pd.Series(value - coefficients[0] * pre - coefficients[1] * missing)
    control, treatment = (left[(UNITS.variant == arm).to_numpy()] for arm in ("control", "treatment"))
    expected = stats.ttest_ind(treatment, control, equal_var=False)
    found = compared(name, adjusted=True)
    assert found.effect == pytest.approx(treatment.mean() - control.mean(), rel=1e-9)
    assert found.interval(0.05) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.mean_control, found.mean_variant) == pytest.approx([own.mean() for own in both(name)])


@pytest.mark.parametrize("name", PRE_MEANS)
def test_the_variance_that_cuped_saves_is_the_share_that_the_regression_explains(name):
    # Both arms hold the same units, so that the pooled regression is that within the arms.
    twice = pd.concat([UNITS.assign(variant=arm) for arm in ("control", "treatment")], ignore_index=True)
    _, explained = by_least_squares(twice[METRICS[name].numerator].to_numpy(float), *before(twice, name))
    fixed, adjusted = (comparison(METRICS[name], sums_of(twice), "treatment", adjusted=on) for on in (False, True))
    assert 1 - (adjusted.se / fixed.se) ** 2 == pytest.approx(explained, rel=1e-9)
    assert explained > 0.05


def test_cuped_knows_metrics_that_mature_by_their_own_units_only():
    name = "sessions_in_first_7_days"
    known = UNITS[UNITS.days_observed >= 6]
    coefficients, _ = by_least_squares(known.sessions_first_7d.to_numpy(float), *before(known, name))
    found = adjustment(METRICS[name], moments_of(METRICS[name], *SUMS.values(), adjustable=True))
    assert (found.theta, found.of_missing) == pytest.approx(tuple(coefficients), rel=1e-9)


def test_cuped_without_any_pre_period_changes_nothing():
    new = listeners(2, 200, new=1.0)
    fixed, adjusted = (
        comparison(METRICS["watch_hours"], sums_of(new), "treatment", adjusted=on) for on in (False, True)
    )
    assert adjusted == fixed


@pytest.mark.parametrize("name", [*PRE_MEANS, *RATIOS])
def test_cuped_with_a_pre_period_that_is_the_same_for_every_unit_changes_nothing_but_by_the_indicator(name):
    metric = METRICS[name]
    same = UNITS.assign(**{column: np.where(UNITS.has_pre_period, 0.7, 0.0) for column in metric.pre_columns})
    found = adjustment(metric, moments_of(metric, *sums_of(same).values(), adjustable=True))
    assert found.theta == 0.0
    assert math.isfinite(found.of_missing)


def test_an_outcome_that_the_pre_period_tells_exactly_has_no_variance_left():
    foretold = UNITS.assign(watch_hours=0.3 * UNITS.pre_watch_hours + 0.1)
    found = comparison(METRICS["watch_hours"], sums_of(foretold), "treatment", adjusted=True)
    assert (found.se, found.p_value) == (0.0, None)
    assert found.effect == pytest.approx(0.0, abs=1e-12)


# The pre-period: ratios


@pytest.mark.parametrize("name", RATIOS)
def test_cuped_of_a_ratio_regresses_what_units_add_to_it_on_what_they_added_before(name):
    metric = METRICS[name]

    def added(units, above, below):
        ratio = units[above].sum() / units[below].sum()
        return ((units[above] - ratio * units[below]) / units[below].mean()).to_numpy(float)

    now = added(UNITS, metric.numerator, metric.denominator)
    earlier = added(UNITS, metric.pre_numerator, metric.pre_denominator)
    (theta, of_missing), _ = by_least_squares(now, earlier, ~UNITS.has_pre_period.to_numpy(bool))
    correction = adjustment(metric, moments_of(metric, *SUMS.values(), adjustable=True))
    assert (correction.theta, correction.of_missing) == pytest.approx((theta, of_missing), rel=1e-8, abs=1e-12)

    # Each arm linearised around its own ratios.
    left, middle = {}, {}
    for variant in ("control", "treatment"):
        own = of_arm(UNITS, variant)
        missing = (~own.has_pre_period).to_numpy(float)
        now = added(own, metric.numerator, metric.denominator)
        earlier = added(own, metric.pre_numerator, metric.pre_denominator)
        left[variant] = now - theta * earlier - of_missing * missing
        middle[variant] = (
            own[metric.numerator].sum() / own[metric.denominator].sum()
            - theta * own[metric.pre_numerator].sum() / own[metric.pre_denominator].sum()
            - of_missing * missing.mean()
        )
    found = compared(name, adjusted=True)
    assert found.effect == pytest.approx(middle["treatment"] - middle["control"], rel=1e-8)
    assert found.se == pytest.approx(math.sqrt(sum(own.var(ddof=1) / len(own) for own in left.values())), rel=1e-8)


def test_an_arm_without_a_pre_period_stands_at_the_pooled_ratio_so_that_the_effect_is_not_moved():
    # Sessions of 30 minutes before and after; nobody in the treatment was there before.
    control = {
        "session_minutes": [60, 33, 90, 20, 31, 62] * 2,
        "sessions": [2, 1, 3, 1, 1, 2] * 2,
        "pre_session_minutes": [90, 35, 60, 25, 30, 60] * 2,
        "pre_sessions": [3, 1, 2, 1, 1, 2] * 2,
        "has_pre_period": [1] * 12,
    }
    treatment = {**control, **{name: [0] * 12 for name in ("pre_session_minutes", "pre_sessions", "has_pre_period")}}
    metric = METRICS["session_minutes"]
    sums = {
        "control": sums_of_columns(metric, **control),
        "treatment": sums_of_columns(metric, **treatment),
    }
    found = comparison(metric, sums, "treatment", adjusted=True)
    assert found.effect == pytest.approx(0.0, abs=1e-9)


# What does not vary


def test_a_ratio_that_is_the_same_for_every_unit_has_no_p_though_rounding_leaves_something():
    metric = METRICS["skip_rate"]
    plays = np.tile([3.0, 7.0, 11.0, 2.0, 9.0, 31.0], 2)
    sums = {
        "control": sums_of_columns(metric, skips=plays / 10, plays=plays),
        "treatment": sums_of_columns(metric, skips=plays / 5, plays=plays),
    }
    found = comparison(metric, sums, "treatment")
    assert found.effect == pytest.approx(0.1)
    assert (found.se, found.lift_se, found.p_value, found.cohens_d) == (0.0, 0.0, None, None)
    assert not found.varies


def test_one_arm_that_does_not_vary_leaves_the_others_degrees_of_freedom():
    metric = METRICS["watch_hours"]
    sums = {
        "control": sums_of_columns(metric, watch_hours=[1.0, 2.0, 3.0, 5.0]),
        "treatment": sums_of_columns(metric, watch_hours=[0.1] * 9),
    }
    found = comparison(metric, sums, "treatment")
    assert found.degrees == pytest.approx(3)
    assert 0 < found.p_value < 1


@pytest.mark.parametrize(("control", "treatment"), [(0, 0), (50, 50)])
def test_shares_of_none_or_all_in_both_arms_have_no_p(control, treatment):
    metric = METRICS["d1_retention"]
    sums = {"control": sums_of_share(metric, 50, control), "treatment": sums_of_share(metric, 50, treatment)}
    found = comparison(metric, sums, "treatment")
    assert (found.effect, found.se, found.p_value) == (0.0, 0.0, None)
    assert found.lift == (None if control == 0 else 0.0)


@pytest.mark.parametrize(("control", "treatment"), [(0, 50), (50, 0)])
def test_none_in_one_arm_and_all_in_the_other_is_a_difference(control, treatment):
    metric = METRICS["d1_retention"]
    sums = {"control": sums_of_share(metric, 50, control), "treatment": sums_of_share(metric, 50, treatment)}
    found = comparison(metric, sums, "treatment")
    # z = 1 / √(½ · ½ · 2/50) = 10
    assert found.p_value == pytest.approx(2 * stats.norm.sf(10), rel=1e-9)


# Nothing lasts less than a microsecond.
MINUTES = st.lists(st.just(0.0) | st.floats(1e-8, 500), min_size=2, max_size=40)


@settings(max_examples=25, deadline=None)
@given(control=MINUTES, treatment=MINUTES)
def test_swapping_the_arms_turns_the_effect_and_keeps_its_doubt(control, treatment):
    metric = METRICS["watch_hours"]
    a, b = (sums_of_columns(metric, watch_hours=own) for own in (control, treatment))
    there, back = (
        comparison(metric, {"control": first, "treatment": second}, "treatment") for first, second in ((a, b), (b, a))
    )
    assert back.effect == -there.effect
    assert back.se == pytest.approx(there.se)
    assert back.p_value == (None if there.p_value is None else pytest.approx(there.p_value))
