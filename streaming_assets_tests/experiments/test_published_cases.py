"""Cases that others published, computed from their sums by the functions that make our results.

Left out, because the method is another one than ours:
- GrowthBook's bucketing hash (fnv1a; ours is md5), Optimizely's sequential test of the split (ours is a chi-square test),
  Spotify's Beta-Binomial posterior (ours is normal), the normal mixture boundary of confseq (ours is the asymptotic
  confidence sequence, whose mixing parameter is chosen in closed form);
- of the difference of two proportions the Agresti–Caffo and Newcombe intervals (ours is the unpooled Wald interval);
- of a relative change the p-value (ours is of the absolute difference) and tea-tasting's interval on the logarithmic scale.
"""

import math

import numpy as np
import pytest
from scipy import stats

from streaming_assets.experiments import sequential
from streaming_assets.experiments.estimates import Adjustment, adjustment, arm, compare
from streaming_assets.experiments.inference import comparison, one_result
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.moments import active_name, moments_of, sum_name
from streaming_assets.experiments.multiplicity import benjamini_hochberg
from streaming_assets.experiments.power import required_units
from streaming_assets_tests.experiments.samples import experiment, sums_of_columns, sums_of_mean, sums_of_share

MEAN = METRICS["watch_hours"]
SHARE = METRICS["d1_retention"]
RATIO = METRICS["session_minutes"]


def arms(of, metric, control, treatment):
    return {"control": of(metric, *control), "treatment": of(metric, *treatment)}


# Means: growthbook/growthbook@8f1db44 packages/stats/tests/frequentist/test_tests.py:64, 85

GROWTHBOOK = arms(sums_of_mean, MEAN, (3407, 1396.87, 52377.9767), (3461, 2422.7, 134698.29))


def test_welch_abs_sufficient_stats():
    found = one_result(experiment(), MEAN, "treatment", "fixed", GROWTHBOOK)
    assert (found.effect, found.standard_error) == pytest.approx((0.29, 0.12478), abs=1e-5)
    assert (found.effect_low, found.effect_high) == pytest.approx((0.04538, 0.53462), abs=1e-5)
    assert found.p_value == pytest.approx(0.02016, abs=1e-5)


def test_welch_rel_delta():
    found = one_result(experiment(), MEAN, "treatment", "fixed", GROWTHBOOK)
    compared = comparison(MEAN, GROWTHBOOK, "treatment")
    assert (found.lift, compared.lift_se) == pytest.approx((0.70732, 0.37879), abs=1e-5)
    assert (found.lift_low, found.lift_high) == pytest.approx((-0.03526, 1.44989), abs=1e-5)
    # The published p is that of the relative change.
    p = 2 * stats.t.sf(compared.lift / compared.lift_se, compared.degrees)
    assert p == pytest.approx(0.06191, abs=1e-5)


def test_welch_ci_levels():
    # spotify/confidence@e1f8a49 tests/frequentist/test_ttest.py:161, 186
    found = comparison(MEAN, arms(sums_of_mean, MEAN, (104, 312, 984), (1009, 1969, 5767)), "treatment")
    assert found.effect == pytest.approx(-1.0485629, abs=1e-7)
    assert found.interval(0.05) == pytest.approx((-1.205402, -0.891723), abs=0.0012)
    assert found.interval(0.01) == pytest.approx((-1.255391, -0.841735), abs=0.0012)
    assert found.interval(0.001) == pytest.approx((-1.31414, -0.782024), abs=0.0012)


# Shares


def test_two_prop_ci_fagerland():
    # statsmodels/statsmodels@82c59e3 statsmodels/stats/tests/test_proportion.py:845 (R PropCIs), Wald
    found = one_result(experiment(), SHARE, "treatment", "fixed", arms(sums_of_share, SHARE, (34, 1), (34, 7)))
    assert (found.effect_low, found.effect_high) == pytest.approx((0.02916942, 0.32377176), abs=6e-7)


def test_cookie_cats_d1():
    # Cookie Cats, gate_30 against gate_40, day 1; github.com/PrernaShinde/cookiecats-ab-test
    cats = arms(sums_of_share, SHARE, (44700, 20034), (45489, 20119))
    found = one_result(experiment(), SHARE, "treatment", "fixed", cats)
    assert found.mean_control == pytest.approx(0.4481879194630872, abs=1e-10)
    assert found.mean_variant == pytest.approx(0.44228274967574577, abs=1e-10)
    assert found.effect == pytest.approx(-0.005905169787341458, abs=1e-10)
    assert found.p_value == pytest.approx(0.07440965529691913, abs=1e-10)
    assert stats.norm.ppf(found.p_value / 2) == pytest.approx(-1.7840862247974725, abs=1e-10)


# Ratios and means with a pre-period: the units of tea_tasting.make_users_data(n_users=100, covariates=True, rng=42)
# as counts, means, variances and covariances; e10v/tea-tasting@90306f1 tests/metrics/test_mean.py:174-235

ORDERS, SESSIONS, ORDERS_BEFORE, SESSIONS_BEFORE = range(4)
TEA_MEANS = {
    "control": (0.5660377358490566, 1.9811320754716981, 0.5283018867924528, 1.9245283018867925),
    "treatment": (0.3829787234042553, 1.8936170212765957, 0.3191489361702128, 1.9574468085106382),
}
TEA_COVARIANCES = {
    "control": (
        (0.7888243831640056, 0.3955007256894052, 0.7721335268505091, 0.6973875181422351),
        (0.3955007256894052, 0.9804063860667634, 0.3947750362844705, 1.113933236574746),
        (0.7721335268505091, 0.3947750362844705, 1.446298984034833, 1.2329462989840345),
        (0.6973875181422351, 1.113933236574746, 1.2329462989840345, 3.5326560232220605),
    ),
    "treatment": (
        (0.5023126734505089, 0.1503237742830711, 0.3751156336725256, 0.1470860314523588),
        (0.1503237742830711, 0.7927844588344124, 0.16512488436632747, 0.8432007400555042),
        (0.3751156336725256, 0.16512488436632747, 0.5698427382053656, 0.2747456059204441),
        (0.1470860314523588, 0.8432007400555042, 0.2747456059204441, 2.3894542090656805),
    ),
}
TEA_UNITS = {"control": 53, "treatment": 47}


def tea(metric, **columns):
    """Both arms' sums, each of our columns being one of theirs; every unit has a pre-period."""
    return {
        variant: _sums_of_moments(metric, n, columns, TEA_MEANS[variant], TEA_COVARIANCES[variant])
        for variant, n in TEA_UNITS.items()
    }


def _sums_of_moments(metric, n, columns, mean, cov):
    found = {sum_name(metric): n, sum_name(metric, "has_pre_period"): n}
    found |= {active_name(name): n for name in (metric.denominator, metric.pre_denominator) if name is not None}
    found[sum_name(metric, "has_pre_period", "has_pre_period")] = n
    for a, i in columns.items():
        found[sum_name(metric, a)] = n * mean[i]
        found[sum_name(metric, *sorted((a, "has_pre_period")))] = n * mean[i]
        for b, j in columns.items():
            found[sum_name(metric, *sorted((a, b)))] = cov[i][j] * (n - 1) + n * mean[i] * mean[j]
    return found


RATIO_OF_ORDERS = tea(
    RATIO,
    session_minutes=ORDERS,
    sessions=SESSIONS,
    pre_session_minutes=ORDERS_BEFORE,
    pre_sessions=SESSIONS_BEFORE,
)
MEAN_OF_SESSIONS = tea(MEAN, watch_hours=SESSIONS, pre_watch_hours=SESSIONS_BEFORE)


def test_ratio_delta_greater_pooled():
    control, treatment = (arm(RATIO, moments_of(RATIO, RATIO_OF_ORDERS[name])) for name in TEA_UNITS)
    assert (control.value, treatment.value) == pytest.approx((0.2857142857142857, 0.20224719101123595), abs=1e-6)
    found = compare(RATIO, control, treatment)
    assert (found.effect, found.lift) == pytest.approx((-0.08346709470304975, -0.2921348314606741), abs=1e-6)
    # The published test pools the variance of both arms and looks at one side.
    degrees = control.n + treatment.n - 2
    pooled = ((control.n - 1) * control.variance + (treatment.n - 1) * treatment.variance) / degrees
    se = math.sqrt(pooled * (1 / control.n + 1 / treatment.n))
    assert found.effect / se == pytest.approx(-1.0794048813446926, abs=1e-6)
    assert stats.t.sf(found.effect / se, degrees) == pytest.approx(0.8584716347525132, abs=1e-6)
    assert found.effect - stats.t.isf(0.05, degrees) * se == pytest.approx(-0.21187246704082818, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "sums", "method", "effect", "low", "high", "p"),
    [
        (MEAN, MEAN_OF_SESSIONS, "fixed", -0.08751505419510242, -0.4607120380425294, 0.2856819296523246, 0.6427057619617466),
        (MEAN, MEAN_OF_SESSIONS, "cuped", -0.09834887955993166, -0.39568228211766115, 0.19898452299779784, 0.5131040185797047),
        (RATIO, RATIO_OF_ORDERS, "fixed", -0.08346709470304975, -0.23592986426446597, 0.06899567485836647, 0.2799601070110709),
        (RATIO, RATIO_OF_ORDERS, "cuped", -0.02022561679752835, -0.13255454661183272, 0.09210331301677602, 0.7216216788350075),
    ],
)  # fmt: skip
def test_effects_with_and_without_the_pre_period_are_those_of_tea_tasting_1_14(
    metric, sums, method, effect, low, high, p
):
    found = one_result(experiment(), metric, "treatment", method, sums)
    assert (found.effect, found.effect_low, found.effect_high) == pytest.approx((effect, low, high), abs=1e-9)
    assert found.p_value == pytest.approx(p, abs=1e-9)


def test_cuped_theta():
    # growthbook/growthbook@8f1db44 packages/stats/tests/test_shared_models.py:147
    one = sums_of_columns(
        MEAN, watch_hours=[2, 1, 5, 3], pre_watch_hours=[0.3, 0.5, 0.9, 22], has_pre_period=[1, 1, 1, 1]
    )
    found = adjustment(MEAN, moments_of(MEAN, one, one, adjustable=True))
    assert found.theta == pytest.approx(0.01864, abs=5e-6)


GOLDEN_CONTROL = sums_of_columns(
    RATIO,
    session_minutes=[12, 19, 16, 24, 21, 9, 14, 26],
    sessions=[1, 2, 1.5, 2.5, 2, 1, 1.5, 2.5],
    pre_session_minutes=[16, 11, 21, 19, 26, 11, 9, 21],
    pre_sessions=[1.5, 1, 2, 2, 2.5, 1, 1, 2],
    has_pre_period=np.ones(8),
)


@pytest.mark.parametrize(
    ("minutes", "lift", "se"),
    [
        ([17, 12, 23, 28, 12, 22, 29, 16], 0.103928, 0.0286196),
        ([14, 9, 17, 23, 9, 18, 22, 13], -0.1372068, 0.0223934),
    ],
    ids=["improving", "declining"],
)
def test_cuped_ratio_golden_se(minutes, lift, se):
    # growthbook/growthbook@8f1db44 packages/stats/tests/test_shared_models.py:377, theta fixed at 0.5
    treatment = sums_of_columns(
        RATIO,
        session_minutes=minutes,
        sessions=[1.5, 1, 2, 2.5, 1, 2, 2.5, 1.5],
        pre_session_minutes=[11, 17, 22, 27, 10, 27, 21, 16],
        pre_sessions=[1, 1.5, 2, 2.5, 1, 2.5, 2, 1.5],
        has_pre_period=np.ones(8),
    )
    half = Adjustment(theta=0.5, of_missing=0.0, pooled_pre=0.0)
    found = compare(
        RATIO, *(arm(RATIO, moments_of(RATIO, sums, adjustable=True), half) for sums in (GOLDEN_CONTROL, treatment))
    )
    assert (found.lift, found.lift_se) == pytest.approx((lift, se), abs=1e-6)


# Sequential: growthbook/growthbook@8f1db44 packages/stats/tests/frequentist/test_tests.py:198


def test_seq_asympcs_mean():
    sums = arms(sums_of_mean, MEAN, (3000, 1396.87, 52377.9767), (3461, 2422.7, 134698.29))
    found = one_result(experiment(), MEAN, "treatment", "sequential", sums, planned_units=1000)
    compared = comparison(MEAN, sums, "treatment")
    assert (found.lift, compared.lift_se) == pytest.approx((0.50336, 0.33341), abs=1e-5)
    assert (found.lift_low, found.lift_high) == pytest.approx((-0.55844, 1.56516), abs=1e-5)
    # The published p is that of the relative change.
    assert sequential.p_value(compared.lift, compared.lift_se, 6461, 0.05, 1000) == pytest.approx(1.0, abs=1e-5)


# What to expect of shipping: growthbook/growthbook@8f1db44 packages/stats/tests/bayesian/test_tests.py:44


def test_bayes_binomial_flat():
    coin = arms(sums_of_share, SHARE, (100, 49), (100, 51))
    found = one_result(experiment(), SHARE, "treatment", "fixed", coin)
    assert (found.lift, comparison(SHARE, coin, "treatment").lift_se) == pytest.approx((0.04082, 0.14725), abs=1e-5)
    assert (found.lift_low, found.lift_high) == pytest.approx((-0.24779, 0.32943), abs=1e-5)
    assert found.chance_to_win == pytest.approx(0.60918, abs=1e-5)
    assert found.expected_loss == pytest.approx(0.04058, abs=1e-5)
    # Keeping control loses what the treatment would have gained: E[max(x, 0)] = E[max(−x, 0)] + E[x].
    assert found.expected_loss + found.lift == pytest.approx(0.0814, abs=1e-5)


def test_bh_growthbook():
    # growthbook/growthbook@8f1db44 packages/shared/test/experiments.test.ts:2009
    found = benjamini_hochberg([0.898, 0.138, 0.007, 0.964, 0.538, 0.006, 0.138])
    assert found == pytest.approx([0.964, 0.2415, 0.0245, 0.964, 0.7532, 0.0245, 0.2415], abs=1e-8)


# Guardrails: spotify/confidence@e1f8a49 tests/frequentist/test_ztest.py:2039, 2063; margin 2 %, one-sided 99 %

GUARDED = {"guardrail_alpha": 0.01}
SPOTIFY = {"control": (5000, 10021, 25142), "treatment": (5000, 9892, 24510)}


def test_noninferiority_spotify_where_an_increase_is_preferred():
    metric = METRICS["sessions_per_user"]
    sums = {name: sums_of_mean(metric, *told) for name, told in SPOTIFY.items()}
    found = one_result(experiment(guardrails={metric.name: 0.02}, **GUARDED), metric, "treatment", "fixed", sums)
    assert found.effect == pytest.approx(-0.0258, abs=1e-9)
    assert found.worst_case * found.mean_control == pytest.approx(-0.0723, abs=0.0006)
    assert found.is_non_inferior is False


def test_noninferiority_spotify_where_a_decrease_is_preferred():
    # A ratio whose denominator is 1 for every unit is a mean.
    metric = METRICS["skip_rate"]
    sums = {name: _ratio_over_ones(metric, *told) for name, told in SPOTIFY.items()}
    found = one_result(experiment(guardrails={metric.name: 0.02}, **GUARDED), metric, "treatment", "fixed", sums)
    assert found.effect == pytest.approx(-0.0258, abs=1e-9)
    assert -found.worst_case * found.mean_control == pytest.approx(0.0207, abs=0.0006)
    assert found.is_non_inferior is True


def _ratio_over_ones(metric, n, total, squares):
    return {
        sum_name(metric): n,
        active_name("plays"): n,
        sum_name(metric, "skips"): total,
        sum_name(metric, "plays"): n,
        sum_name(metric, "skips", "skips"): squares,
        sum_name(metric, "plays", "skips"): total,
        sum_name(metric, "plays", "plays"): n,
    }


# Sample size: spotify/confidence@e1f8a49 tests/samplesize/test_samplesizecalculator.py:9-50 (G*Power)


@pytest.mark.parametrize(
    ("variance", "mde", "alpha", "power", "units"),
    [
        (100, 0.3, 0.05, 0.85, 39906),
        (0.34 * 0.66, 0.003, 0.05, 0.85, 897348),
        (0.34 * 0.66, 0.003, 0.14, 0.85, 630710),
        (0.34 * 0.66, 0.003, 0.14, 0.67, 366424),
    ],
)
def test_sample_size_gpower(variance, mde, alpha, power, units):
    assert required_units(4 * variance, mde, alpha / 2, power) == pytest.approx(units, rel=0.005)
