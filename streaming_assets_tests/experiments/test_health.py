"""Whether arms may be compared: the split against scipy's chi-square test, the balance before exposure, double exposure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from streaming_assets.experiments.health import Logged, health, sample_ratio_p
from streaming_assets.experiments.metrics import METRICS
from streaming_assets_tests.experiments.samples import experiment, listeners, of_arm, sums_of, weighted

SPLIT = "units_fall_into_variants_by_their_weights"
BALANCE = "variants_were_alike_before_exposure"
UNITS = listeners(31, 900, variants=("control", "treatment", "treatment"))
PRE_METRICS = (
    "session_minutes", "skip_rate", "sessions_per_user", "plays_per_user", "watch_hours", "creator_diversity",
    "genre_diversity",
)  # fmt: skip


def checked(units, logged=None, **changes):
    """{(check, subject): finding of it}."""
    found = health(experiment(**changes), sums_of(units), logged or Logged())
    return {(check.health_check, check.subject): check for check in found}


def split(units, **weights):
    return checked(units, assignment=weighted(**weights))[SPLIT, "all"]


# The split


@settings(max_examples=25, deadline=None)
@given(
    counts=st.tuples(*[st.integers(0, 10**6)] * 3).filter(lambda counts: sum(counts) > 1_000),
    weights=st.tuples(*[st.floats(10, 100)] * 3),
)
def test_the_split_of_three_arms_is_tested_as_scipy_does(counts, weights):
    names = ("control", "a", "b")
    expected = [sum(counts) * weight / sum(weights) for weight in weights]
    p = sample_ratio_p(dict(zip(names, counts, strict=True)), dict(zip(names, weights, strict=True)))
    assert p == pytest.approx(stats.chisquare(counts, expected).pvalue, rel=1e-9)


@pytest.mark.parametrize(("control", "treatment"), [(19, 1), (95, 5), (198, 2)])
def test_where_an_arm_is_to_have_few_the_split_is_tested_exactly(control, treatment):
    shares = {"control": 99, "treatment": 1}
    exact = stats.binomtest(treatment, control + treatment, 0.01).pvalue
    assert sample_ratio_p({"control": control, "treatment": treatment}, shares) == pytest.approx(exact)


def test_the_split_of_two_arms_by_hand():
    # (520 − 500)² / 500 · 2 = 1.6, one degree of freedom
    p = sample_ratio_p({"control": 520, "treatment": 480}, {"control": 50, "treatment": 50})
    assert p == pytest.approx(0.2059032, abs=1e-7)


def test_arms_are_matched_with_their_weights_by_name():
    p = sample_ratio_p({"treatment": 900, "control": 100}, {"control": 1, "treatment": 9})
    assert p == 1.0


def test_a_split_that_follows_unequal_weights_passes_and_is_told_with_what_was_expected():
    found = split(UNITS, control=1, treatment=2)
    # The weights are met to one of 10,000 buckets.
    assert (found.passed, found.value, found.units) == (True, pytest.approx(1.0, abs=0.01), 900)
    assert found.finding == "300 in control, 600 in treatment; expected 300, 600"


def test_the_same_split_does_not_pass_for_halves():
    found = split(UNITS, control=1, treatment=1)
    assert not found.passed
    assert found.value == pytest.approx(stats.chisquare([300, 600]).pvalue)


def test_an_arm_that_nobody_reached_is_named_and_counts_in_the_split():
    found = checked(UNITS, assignment=weighted(control=1, treatment=2, third=1))
    assert not found["every_variant_has_units", "all"].passed
    assert found["every_variant_has_units", "all"].finding == "no unit was exposed in third"
    assert not found[SPLIT, "all"].passed


def test_weights_of_one_in_a_thousand_are_met():
    p = sample_ratio_p({"control": 999_100, "treatment": 900}, {"control": 999, "treatment": 1})
    assert p == pytest.approx(stats.chisquare([999_100, 900], [999_000, 1_000]).pvalue)


def test_without_units_there_is_no_split_to_test():
    found = health(experiment(), {}, Logged())
    by_name = {check.health_check: check for check in found}
    assert (by_name[SPLIT].passed, by_name[SPLIT].value) == (True, None)
    assert not by_name["every_variant_has_units"].passed


def test_a_true_split_raises_an_alarm_in_one_of_a_thousand():
    rng = stats.multinomial(3000, [0.5, 0.3, 0.2], seed=6)
    names, weights = ("control", "a", "b"), {"control": 50, "a": 30, "b": 20}
    p = [sample_ratio_p(dict(zip(names, draw, strict=True)), weights) for draw in rng.rvs(3000)]
    assert sum(one < 0.001 for one in p) <= 10
    assert sum(one < 0.10 for one in p) / 3000 == pytest.approx(0.10, abs=0.02)


# Before exposure


def test_every_metric_with_a_pre_period_is_compared_before_exposure_in_every_variant():
    units = listeners(31, 900, variants=("control", "a", "b"))
    found = checked(units, assignment=weighted(control=1, a=1, b=1))
    assert {subject for check, subject in found if check == BALANCE} == {
        f"{name} in {variant}" for name in PRE_METRICS for variant in ("a", "b")
    }
    assert all(check.passed for (name, _), check in found.items() if name == BALANCE)


@pytest.mark.parametrize("name", ["watch_hours", "sessions_per_user", "creator_diversity"])
def test_the_balance_is_welchs_test_before_exposure_corrected_for_the_number_of_questions(name):
    column = METRICS[name].pre_numerator
    expected = stats.ttest_ind(*(of_arm(UNITS, arm)[column] for arm in ("treatment", "control")), equal_var=False)
    found = checked(UNITS)[BALANCE, f"{name} in treatment"]
    assert found.value == pytest.approx(min(1.0, expected.pvalue * len(PRE_METRICS)))
    assert found.units == 900


def test_a_treatment_of_heavy_listeners_is_noticed_though_the_split_is_right():
    treated = UNITS.variant == "treatment"
    heavier = UNITS.assign(pre_plays=UNITS.pre_plays + 6 * treated)
    found = checked(heavier, assignment=weighted(control=1, treatment=2))
    assert found[SPLIT, "all"].passed
    assert not found[BALANCE, "plays_per_user in treatment"].passed
    assert found[BALANCE, "watch_hours in treatment"].passed


def test_where_nobody_was_there_before_the_balance_has_nothing_to_say():
    found = checked(listeners(1, 200, new=1.0))[BALANCE, "session_minutes in treatment"]
    assert (found.passed, found.value) == (True, None)
    assert found.finding == "nothing to compare: too few units were there before exposure, or all were alike"


# Logged variants


@pytest.mark.parametrize(("in_several", "passed"), [(0, True), (10, True), (11, False)])
def test_up_to_one_unit_in_a_hundred_may_be_logged_in_two_variants(in_several, passed):
    logged = {"assignment": "logged", "exposure": "logged"}
    found = checked(UNITS, Logged(units=1000, in_several=in_several), **logged)["units_are_in_one_variant", "all"]
    assert (found.passed, found.value) == (passed, in_several / 1000)


@pytest.mark.parametrize(("in_unknown", "passed"), [(10, True), (11, False)])
def test_up_to_one_unit_in_a_hundred_may_be_logged_in_a_variant_that_nobody_configured(in_unknown, passed):
    logged = {"assignment": "logged", "exposure": "logged"}
    found = checked(UNITS, Logged(units=1000, in_unknown=in_unknown), **logged)
    assert found["logged_variants_are_configured", "all"].passed is passed


def test_nothing_logged_is_no_share():
    found = checked(UNITS, Logged(), assignment="logged", exposure="logged")["units_are_in_one_variant", "all"]
    assert (found.passed, found.value) == (True, 0.0)
