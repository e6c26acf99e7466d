"""Confidence sequences: the published formula, their agreement with p, and that they hold however often one looks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from streaming_assets.experiments import sequential
from streaming_assets.experiments.inference import comparison, one_result
from streaming_assets.experiments.metrics import METRICS
from streaming_assets_tests.experiments.samples import experiment, sums_of_columns, sums_of_mean

ALPHAS = st.floats(0.001, 0.4)
UNITS = st.integers(200, 10**8)


def mixture_boundary(units, alpha, planned_units):
    """How many standard errors the sequence leaves, found from the mixture itself.

    A normal mixture of likelihood ratios over effects with variance ρ² per unit: the sequence ends where it reaches
    1 / alpha. The mixture is an integral over effects, taken numerically.
    """
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned_units)
    effects, step = np.linspace(-12 * rho, 12 * rho, 400_001, retstep=True)
    weights = stats.norm.pdf(effects, scale=rho) * step

    def log_evidence(z):
        return math.log(np.sum(weights * np.exp(effects * z * math.sqrt(units) - effects**2 * units / 2)))

    return optimize.brentq(lambda z: log_evidence(z) + math.log(alpha), 0, 20)


@pytest.mark.parametrize(
    ("units", "alpha", "planned"), [(200, 0.05, 1000), (1000, 0.05, 1000), (5000, 0.05, 1000), (800, 0.2, 3000)]
)
def test_the_sequence_ends_where_the_mixture_of_likelihood_ratios_reaches_one_by_alpha(units, alpha, planned):
    expected = mixture_boundary(units, alpha, planned)
    assert sequential.half_width(0.3, units, alpha, planned) == pytest.approx(0.3 * expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(se=st.floats(1e-6, 1e3), units=UNITS, alpha=ALPHAS, planned=st.integers(1, 10**8))
def test_the_half_width_is_the_papers_formula(se, units, alpha, planned):
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    sigma2 = se**2 * units
    expected = math.sqrt(sigma2) * math.sqrt(
        2 * (units * rho2 + 1) / (units**2 * rho2) * math.log(math.sqrt(units * rho2 + 1) / alpha)
    )
    assert sequential.half_width(se, units, alpha, planned) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(z=st.floats(-12, 12), units=UNITS, alpha=ALPHAS, planned=st.integers(100, 10**7))
def test_p_is_at_most_alpha_exactly_when_the_sequence_excludes_no_effect(z, units, alpha, planned):
    half = sequential.half_width(1.0, units, alpha, planned)
    p = sequential.p_value(z, 1.0, units, alpha, planned)
    assert 0 <= p <= 1
    if abs(abs(z) - half) > 1e-9:
        assert (p <= alpha) == (abs(z) > half)


@settings(max_examples=25, deadline=None)
@given(units=UNITS, alpha=ALPHAS, planned=st.integers(100, 10**7))
def test_to_look_whenever_one_likes_costs_width(units, alpha, planned):
    assert sequential.half_width(1.0, units, alpha, planned) > stats.norm.isf(alpha / 2)
    assert sequential.one_sided_width(1.0, units, alpha, planned) > stats.norm.isf(alpha)


@settings(max_examples=25, deadline=None)
@given(units=UNITS, alpha=st.floats(0.001, 0.2), planned=st.integers(100, 10**7))
def test_one_side_costs_a_little_more_than_half_of_both_at_twice_the_level(units, alpha, planned):
    one, both = (
        sequential.one_sided_width(1.0, units, alpha, planned),
        sequential.half_width(1.0, units, 2 * alpha, planned),
    )
    assert both < one < 1.2 * both


@pytest.mark.parametrize("planned", [1_000, 50_000])
def test_the_sequence_is_tightest_where_it_is_planned_to_be(planned):
    # At as many units no other plan gives less; the paper's choice is an approximation.
    tuned = sequential.half_width(1.0, planned, 0.05, planned)
    others = [sequential.half_width(1.0, planned, 0.05, planned * factor) for factor in np.geomspace(0.1, 10, 41)]
    assert tuned == pytest.approx(min(others), rel=1e-3)


def peeks(seed, experiments, looks, units_per_look):
    """(z, units) at every look of A/A experiments: effects in standard errors of running differences of two halves."""
    steps = np.random.default_rng(seed).normal(size=(experiments, looks))
    counts = np.arange(1, looks + 1)
    return steps.cumsum(axis=1) / np.sqrt(counts), counts * units_per_look


def test_an_experiment_without_an_effect_is_rarely_left_by_the_sequence_on_any_of_60_days():
    z, units = peeks(1, 4000, 60, 200)
    limits = np.array([sequential.half_width(1.0, int(count), 0.05, 12_000) for count in units])
    ever = (np.abs(z) > limits).any(axis=1).mean()
    assert ever <= 0.05
    # The fixed interval, looked at as often, is left by many.
    assert (np.abs(z) > 1.96).any(axis=1).mean() > 0.25


def test_the_one_sided_bound_is_rarely_above_the_truth_on_any_of_60_days():
    z, units = peeks(2, 4000, 60, 200)
    limits = np.array([sequential.one_sided_width(1.0, int(count), 0.10, 12_000) for count in units])
    assert 0.02 < (z > limits).any(axis=1).mean() <= 0.10


def test_a_one_sided_bound_keeps_its_level_for_the_mixture_over_good_effects():
    # At the bound, the mixture of likelihood ratios over effects above 0 has reached 1 / alpha.
    units, alpha, planned = 1_000, 0.10, 3_000
    rho = math.sqrt(sequential.tuned_to(planned, 2 * alpha))
    effects, step = np.linspace(0, 12 * rho, 400_001, retstep=True)
    weights = 2 * stats.norm.pdf(effects, scale=rho) * step
    z = sequential.one_sided_width(1.0, units, alpha, planned)
    evidence = np.sum(weights * np.exp(effects * z * math.sqrt(units) - effects**2 * units / 2))
    assert evidence >= 1 / alpha


def skewed_days(experiments, days, per_day):
    """For every A/A experiment the sums up to each day, of hours that few units have many of."""
    metric, hours = METRICS["watch_hours"], np.random.default_rng(12).gamma(0.5, 4.0, (experiments, 2, days, per_day))
    totals, squares = hours.sum(axis=3).cumsum(axis=2), (hours**2).sum(axis=3).cumsum(axis=2)
    for total, square in zip(totals, squares, strict=True):
        yield [
            {
                name: sums_of_mean(metric, per_day * (day + 1), total[arm, day], square[arm, day])
                for arm, name in enumerate(("control", "treatment"))
            }
            for day in range(days)
        ]


@pytest.mark.parametrize(("method", "least", "most"), [("sequential", 0.0, 0.05), ("fixed", 0.15, 1.0)])
def test_of_skewed_units_without_an_effect_only_the_sequence_may_be_looked_at_every_day(method, least, most):
    def found(sums):
        return one_result(experiment(), METRICS["watch_hours"], "treatment", method, sums, planned_units=2400).p_value

    alarms = [
        any(p is not None and p < 0.05 for p in map(found, known_by_day)) for known_by_day in skewed_days(300, 20, 60)
    ]
    assert least <= np.mean(alarms) <= most


def watched(n_control, n_treatment, seed=4):
    metric, rng = METRICS["watch_hours"], np.random.default_rng(seed)
    return {
        "control": sums_of_columns(metric, watch_hours=rng.gamma(2, 1, n_control)),
        "treatment": sums_of_columns(metric, watch_hours=rng.gamma(2, 1.2, n_treatment)),
    }


@pytest.mark.parametrize(("n_control", "n_treatment"), [(99, 100), (100, 99), (2, 5000)])
def test_under_100_units_in_an_arm_there_is_an_effect_but_no_sequence(n_control, n_treatment):
    guarded = experiment(guardrails={"watch_hours": 0.1})
    found = one_result(
        guarded, METRICS["watch_hours"], "treatment", "sequential", watched(n_control, n_treatment), 1000
    )
    assert found.effect is not None
    unknown = (found.effect_low, found.effect_high, found.lift_low, found.lift_high, found.p_value, found.worst_case)
    assert unknown == (None,) * 6
    assert found.is_non_inferior is None


def test_a_guardrail_is_judged_by_the_one_sided_sequence():
    metric, margin, units, planned = METRICS["watch_hours"], 0.1, 700, 1000
    sums = watched(300, 400)
    compared = comparison(metric, sums, "treatment")
    # The paper's one-sided sequence at 10 %, with ρ chosen for 20 % on both sides.
    scaled = units * (-2 * math.log(0.2) + math.log(-2 * math.log(0.2) + 1)) / planned
    below = compared.se * math.sqrt(2 * (scaled + 1) / scaled * math.log(1 + math.sqrt(scaled + 1) / 0.2))
    found = one_result(experiment(guardrails={metric.name: margin}), metric, "treatment", "sequential", sums, planned)
    assert found.worst_case == pytest.approx((compared.effect - below) / compared.mean_control, rel=1e-9)
    assert found.is_non_inferior == (found.worst_case > -margin)


def test_from_100_units_per_arm_the_sequence_is_around_the_same_effect_and_wider_than_the_fixed_interval():
    guarded = experiment(guardrails={"watch_hours": 0.1})
    fixed, found = (
        one_result(guarded, METRICS["watch_hours"], "treatment", method, watched(100, 100), 1000)
        for method in ("fixed", "sequential")
    )
    assert found.effect == fixed.effect
    assert found.effect_low < fixed.effect_low < fixed.effect_high < found.effect_high
    assert found.lift_low < fixed.lift_low < fixed.lift_high < found.lift_high
    assert found.p_value > fixed.p_value
    assert found.worst_case < fixed.worst_case
    assert (found.chance_to_win, found.expected_loss) == (None, None)
