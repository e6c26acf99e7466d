"""Results as the pipeline makes them: what each row may say, and that no data makes it say nonsense."""

import math
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from streaming_assets.experiments.health import Logged, health
from streaming_assets.experiments.inference import comparison, one_result, results
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.power import power
from streaming_assets_tests.experiments.samples import (
    experiment,
    listeners,
    of_arm,
    sums_of,
    sums_of_mean,
    sums_of_share,
    values,
    weighted,
)

UNITS = listeners(21, 600)
SUMS = sums_of(UNITS)
GUARDED = experiment(
    guardrails={"skip_rate": 0.2, "sessions_per_user": 0.2, "d1_retention": 0.3},
    secondary=["watch_hours", "plays_per_user", "genre_diversity"],
)
PLANNED = 1000


def results_of(found_in, planned=PLANNED, by_segment=None, **changes):
    tried = experiment(**changes) if changes else GUARDED
    return results(tried, found_in, by_segment or {}, planned)


def row(found, metric, method="fixed", variant="treatment"):
    (one,) = (
        result
        for result in found
        if (result.metric, result.method, result.variant, result.dimension) == (metric, method, variant, "all")
    )
    return one


# Which rows there are, and what they say


def test_every_metric_has_a_row_per_variant_and_method_adjusted_ones_where_there_is_a_pre_period():
    units = listeners(3, 300, variants=("control", "a", "b"))
    found = results_of(sums_of(units), assignment=weighted(control=1, a=1, b=1))
    assert {(result.variant, result.metric, result.method) for result in found} == {
        (variant, metric.name, method)
        for variant in ("a", "b")
        for metric in METRICS.values()
        for method in ("fixed", "sequential", *(("cuped",) if metric.pre_columns else ()))
    }
    assert len(found) == len({(result.variant, result.metric, result.method) for result in found})


def test_two_variants_are_each_held_against_the_same_control():
    units = listeners(3, 300, variants=("control", "a", "b"))
    found = results_of(sums_of(units), assignment=weighted(control=1, a=1, b=1))
    for variant in ("a", "b"):
        own = stats.ttest_ind(of_arm(units, variant).watch_hours, of_arm(units, "control").watch_hours, equal_var=False)
        assert row(found, "watch_hours", variant=variant).p_value == pytest.approx(own.pvalue, rel=1e-9)


def test_units_are_those_that_are_eligible_for_the_metric():
    found = results_of(SUMS)
    for name, days in (("watch_hours", 0), ("d1_retention", 1), ("sessions_in_first_7_days", 6), ("d30_retention", 30)):
        known = UNITS[UNITS.days_observed >= days]
        expected = tuple(len(of_arm(known, variant)) for variant in ("control", "treatment"))
        assert (row(found, name).n_control, row(found, name).n_variant) == expected


def test_the_adjusted_row_tells_how_much_variance_it_saves():
    fixed, adjusted = (row(results_of(SUMS), "watch_hours", method) for method in ("fixed", "cuped"))
    assert adjusted.variance_reduction == pytest.approx(1 - (adjusted.standard_error / fixed.standard_error) ** 2)
    assert adjusted.variance_reduction > 0.05
    assert (adjusted.mean_control, adjusted.mean_variant) == (fixed.mean_control, fixed.mean_variant)
    assert fixed.variance_reduction is None


@pytest.mark.parametrize("seed", range(5))
def test_where_nobody_was_seen_before_the_adjusted_row_is_the_other_one_to_the_last_digit(seed):
    found = results_of(sums_of(listeners(seed, 175, new=1.0)))
    for name in ("session_minutes", "watch_hours", "skip_rate"):
        fixed, adjusted = (row(found, name, method) for method in ("fixed", "cuped"))
        told = {**asdict(adjusted), "method": "fixed", "p_adjusted": fixed.p_adjusted, "variance_reduction": None}
        assert told == asdict(fixed)
        assert adjusted.variance_reduction == 0


# Correction for several questions


@pytest.mark.parametrize("method", ["fixed", "cuped", "sequential"])
def test_the_primary_and_guardrails_are_corrected_by_holm_and_secondary_metrics_by_their_rate(method):
    found = results_of(SUMS)
    own = [result for result in found if result.method == method]
    decisive = sorted(
        (result for result in own if result.role in ("primary", "guardrail")), key=lambda result: result.p_value
    )
    highest = 0.0
    for rank, result in enumerate(decisive):
        highest = max(highest, min(1.0, result.p_value * (len(decisive) - rank)))
        assert result.p_adjusted == pytest.approx(highest)
    secondary = [result for result in own if result.role == "secondary"]
    expected = stats.false_discovery_control([result.p_value for result in secondary])
    assert [result.p_adjusted for result in secondary] == pytest.approx(expected)
    assert {result.p_adjusted for result in own if result.role == "other"} == {None}


def test_segments_are_of_the_primary_metric_where_both_arms_have_100_units():
    platform = np.where(UNITS.index < 450, "tv", "web")
    parts = {("platform", name): sums_of(UNITS[platform == name]) for name in ("tv", "web")}
    parts["plan", "basic"] = SUMS
    found = [result for result in results_of(SUMS, by_segment=parts) if result.dimension != "all"]
    assert [(result.dimension, result.segment, result.metric) for result in found] == [
        ("plan", "basic", "session_minutes"),
        ("platform", "tv", "session_minutes"),
    ]
    expected = stats.false_discovery_control([result.p_value for result in found])
    assert [result.p_adjusted for result in found] == pytest.approx(expected)
    assert found[0].p_value == row(results_of(SUMS), "session_minutes").p_value


@pytest.mark.parametrize(("units", "rows"), [(200, 1), (199, 0)])
def test_a_segment_of_100_units_per_arm_is_large_enough(units, rows):
    found = results_of(SUMS, by_segment={("platform", "tv"): sums_of(UNITS[:units])})
    assert len([result for result in found if result.dimension == "platform"]) == rows


# Guardrails


@pytest.mark.parametrize("name", ["sessions_per_user", "d1_retention"])
@pytest.mark.parametrize("alpha", [0.10, 0.01])
def test_a_guardrail_holds_when_a_one_sided_test_against_its_margin_says_so(name, alpha):
    metric = METRICS[name]
    control, treatment = (values(UNITS, metric, variant) for variant in ("control", "treatment"))
    for margin in (0.001, 0.05, 0.1, 0.15, 0.3, 0.8):
        found = one_result(
            experiment(guardrails={name: margin}, guardrail_alpha=alpha), metric, "treatment", "fixed", SUMS
        )
        shifted = treatment + margin * control.mean()
        if metric.is_share:
            se = math.sqrt(sum(own.var() / len(own) for own in (control, treatment)))
            p = stats.norm.sf((shifted.mean() - control.mean()) / se)
        else:
            p = stats.ttest_ind(shifted, control, equal_var=False, alternative="greater").pvalue
        assert found.is_non_inferior == (p < alpha)
        assert found.margin == margin


def test_the_worst_case_of_a_metric_where_less_is_better_is_its_upper_end():
    found = row(results_of(SUMS), "skip_rate")
    compared = comparison(METRICS["skip_rate"], SUMS, "treatment")
    upper = compared.effect + compared.quantile(0.10) * compared.se
    assert found.worst_case == pytest.approx(-upper / compared.mean_control)


def test_what_is_no_guardrail_has_no_margin():
    found = row(results_of(SUMS), "watch_hours")
    assert (found.margin, found.worst_case, found.is_non_inferior) == (None, None, None)


def test_whether_a_guardrail_holds_is_a_plain_truth_value_by_every_method():
    for result in results_of(SUMS):
        if result.role == "guardrail":
            assert type(result.is_non_inferior) is bool


# What to expect of shipping


@pytest.mark.parametrize("name", ["watch_hours", "skip_rate", "d1_retention"])
def test_chance_and_loss_are_those_of_a_normal_lift(name):
    metric = METRICS[name]
    found = row(results_of(SUMS), name)
    lift_se = comparison(metric, SUMS, "treatment").lift_se
    belief = stats.norm(metric.sign * found.lift, lift_se)
    assert found.chance_to_win == pytest.approx(belief.sf(0), rel=1e-9)
    assert found.expected_loss == pytest.approx(belief.expect(lambda x: max(-x, 0), lb=-3, ub=0), rel=1e-6)


def test_a_sure_gain_has_no_loss_and_a_sure_loss_is_lost_whole():
    metric = METRICS["watch_hours"]
    low, high = sums_of_mean(metric, 10**6, 10**6, 1.01e6), sums_of_mean(metric, 10**6, 2 * 10**6, 4.01e6)
    gained = one_result(GUARDED, metric, "treatment", "fixed", {"control": low, "treatment": high})
    lost = one_result(GUARDED, metric, "treatment", "fixed", {"control": high, "treatment": low})
    assert (gained.chance_to_win, gained.expected_loss) == (1.0, 0.0)
    assert (lost.chance_to_win, lost.expected_loss) == (0.0, pytest.approx(0.5))


# Data at the edge


def flat(**columns):
    return UNITS.assign(**columns)


COUNTED = [name for metric in METRICS.values() for name in (*metric.columns, *metric.pre_columns)]
TREATED = UNITS.variant == "treatment"

EDGES = {
    "nobody": {},
    "control alone": sums_of(UNITS[~TREATED]),
    "treatment alone": sums_of(UNITS[TREATED]),
    "one unit each": sums_of(UNITS[:2]),
    "one unit in control": sums_of(UNITS[TREATED | (UNITS.index == 0)]),
    "two units each": sums_of(UNITS[:4]),
    "nobody is eligible yet": sums_of(flat(days_observed=0)),
    "all zero": sums_of(flat(**dict.fromkeys(COUNTED, 0))),
    "a tenth for everybody": sums_of(flat(**{name: 1 if name.startswith("retained") else 0.1 for name in COUNTED})),
    "one for everybody": sums_of(flat(**dict.fromkeys(COUNTED, 1))),
    "no denominators": sums_of(flat(sessions=0, plays=0, pre_sessions=0, pre_plays=0)),
    "no denominators in treatment": sums_of(
        flat(sessions=UNITS.sessions.where(~TREATED, 0), plays=UNITS.plays.where(~TREATED, 0))
    ),
    "nothing in control": sums_of(flat(**{name: UNITS[name].where(TREATED, 0) for name in COUNTED})),
    "nothing in treatment": sums_of(flat(**{name: UNITS[name].where(~TREATED, 0) for name in COUNTED})),
    "treatment is constant": sums_of(flat(**{name: UNITS[name].where(~TREATED, 1) for name in COUNTED})),
    "control is constant": sums_of(flat(**{name: UNITS[name].where(TREATED, 1) for name in COUNTED})),
    "nobody had a pre-period": sums_of(listeners(1, 400, new=1.0)),
    "everybody had a pre-period": sums_of(listeners(1, 400, new=0.0)),
    "all come back or none": sums_of(
        flat(**{name: TREATED.astype(int) for name in ("retained_d1", "retained_d7", "retained_d30")})
    ),
    "a pre-period in one arm only": sums_of(
        flat(
            has_pre_period=TREATED,
            **{name: UNITS[name].where(TREATED, 0) for name in COUNTED if name.startswith("pre_")},
        )
    ),
}


def assert_sound(result):
    for name, value in asdict(result).items():
        assert not isinstance(value, float) or math.isfinite(value), name
    if result.effect_low is not None:
        assert result.effect_low <= result.effect <= result.effect_high
    if result.lift_low is not None:
        assert result.lift_low <= result.lift <= result.lift_high
    for p in (result.p_value, result.p_adjusted, result.chance_to_win):
        assert p is None or 0 <= p <= 1
    assert result.expected_loss is None or result.expected_loss >= 0
    if result.mean_control is not None and result.mean_control > 0:
        assert np.sign(result.lift) == np.sign(result.effect)
    if result.mean_control == 0:
        assert (result.lift, result.lift_low, result.chance_to_win) == (None, None, None)


@pytest.mark.parametrize("sums", EDGES.values(), ids=EDGES)
def test_data_at_the_edge_give_sound_rows(sums):
    found = results_of(sums, by_segment={("platform", "tv"): sums})
    assert len(found) >= 30
    for result in found:
        assert_sound(result)


@pytest.mark.parametrize("sums", EDGES.values(), ids=EDGES)
def test_data_at_the_edge_leave_health_and_power_with_numbers(sums):
    for told in [*health(GUARDED, sums, Logged()), *power(GUARDED, sums, 10.0), *power(GUARDED, sums, 0.0)]:
        for name, value in asdict(told).items():
            assert not isinstance(value, float) or math.isfinite(value), name


@pytest.mark.parametrize("name", ["nobody", "control alone", "treatment alone", "one unit each", "one unit in control"])
def test_without_two_units_in_both_arms_there_is_no_effect(name):
    assert {result.effect for result in results_of(EDGES[name])} == {None}


@pytest.mark.parametrize("name", ["all zero", "a tenth for everybody", "one for everybody"])
def test_what_is_the_same_for_everybody_has_no_interval_no_p_and_passes_no_guardrail(name):
    for result in results_of(EDGES[name]):
        said = (result.effect_low, result.effect_high, result.p_value, result.chance_to_win, result.is_non_inferior)
        assert said == (None,) * 5
        assert result.standard_error in (0.0, None)


def test_shares_that_differ_completely_are_told_apart_though_they_have_no_interval():
    found = row(results_of(EDGES["all come back or none"]), "d1_retention")
    assert (found.mean_control, found.mean_variant, found.effect) == (0.0, 1.0, 1.0)
    assert (found.effect_low, found.effect_high, found.lift) == (None, None, None)
    assert found.p_value < 1e-50
    assert row(results_of(EDGES["all come back or none"]), "d1_retention", "sequential").p_value is None


@pytest.mark.parametrize("method", ["fixed", "sequential"])
def test_ten_million_units_with_hardly_any_spread_have_a_narrow_interval(method):
    metric, n = METRICS["watch_hours"], 10_000_000
    sums = {
        "control": sums_of_mean(metric, n, 100.0 * n, (100.0**2 + 0.01**2) * n),
        "treatment": sums_of_mean(metric, n, 100.001 * n, (100.001**2 + 0.01**2) * n),
    }
    found = one_result(GUARDED, metric, "treatment", method, sums, planned_units=2.0 * n)
    assert_sound(found)
    assert found.effect == pytest.approx(0.001, rel=1e-6)
    assert 0.0009 < found.effect_low < found.effect_high < 0.0011
    assert found.p_value < 1e-10


def test_one_unit_in_a_thousand_may_be_in_the_treatment():
    metric = METRICS["d1_retention"]
    sums = {"control": sums_of_share(metric, 999_000, 300_000), "treatment": sums_of_share(metric, 1_000, 340)}
    lopsided = experiment(assignment=weighted(control=999, treatment=1))
    found = one_result(lopsided, metric, "treatment", "fixed", sums)
    expected = stats.chi2_contingency([[300_000, 699_000], [340, 660]], correction=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


# Any data

FEW = st.integers(0, 3)


@st.composite
def small_tables(draw):
    """Up to a dozen units with anything the contract allows in their columns."""
    n = draw(st.integers(1, 12))
    known = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    units = pd.DataFrame(
        {
            "variant": draw(st.lists(st.sampled_from(["control", "treatment", "third"]), min_size=n, max_size=n)),
            "days_observed": draw(st.lists(st.sampled_from([0, 1, 6, 7, 30]), min_size=n, max_size=n)),
            "has_pre_period": known,
        }
    )
    scale = draw(st.sampled_from([1.0, 0.1, 1e-7, 1e9]))
    for name in sorted(set(COUNTED)):
        if name.startswith("retained"):
            units[name] = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
        else:
            found = np.array(draw(st.lists(FEW, min_size=n, max_size=n)), float) * scale
            units[name] = np.where(known, found, 0) if name.startswith("pre_") else found
    return units


@settings(max_examples=25, deadline=None)
@given(units=small_tables())
def test_any_units_give_sound_rows_and_health_and_power(units):
    three = experiment(
        assignment=weighted(control=2, treatment=1, third=1),
        guardrails={"skip_rate": 0.1, "d1_retention": 0.1},
        secondary=["watch_hours"],
        min_lift=0.01,
    )
    sums = sums_of(units)
    for result in results(three, sums, {("platform", "tv"): sums}, 100):
        assert_sound(result)
    for told in [*health(three, sums, Logged()), *power(three, sums, 3.0)]:
        assert all(not isinstance(value, float) or math.isfinite(value) for value in asdict(told).values())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 60), name=st.sampled_from(list(METRICS)))
def test_to_call_less_better_turns_the_chance_to_win_round(seed, n, name):
    metric = METRICS[name]
    turned = replace(metric, better="lower" if metric.better == "higher" else "higher")
    sums = sums_of(listeners(seed, n))
    there, back = (one_result(GUARDED, each, "treatment", "fixed", sums) for each in (metric, turned))
    assert there.effect == back.effect
    if there.chance_to_win is None:
        assert back.chance_to_win is None
    else:
        assert back.chance_to_win == pytest.approx(1 - there.chance_to_win, abs=1e-12)
        # What one side loses on average the other gains, but for the lift itself.
        assert back.expected_loss - there.expected_loss == pytest.approx(metric.sign * there.lift, abs=1e-9)
