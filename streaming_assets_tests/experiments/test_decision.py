"""What follows from an experiment's figures: every branch of the rule, and the sentences a product manager reads."""

import datetime as dt
import re

import pytest
from hypothesis import Phase, event, given, settings

from streaming_assets.experiments.decision import decide
from streaming_assets_tests.experiments.decisions import (
    END,
    MIDWAY,
    START,
    THREE_ARMS,
    better,
    check,
    constant,
    decided,
    evidence,
    found,
    from_zero,
    guardrail,
    holding,
    needing,
    sign,
    unclear,
    unmeasured,
    worse,
)

NOT_TO_BE_READ = "Results are not to be read until the cause is found."
WAITS = "It decides once, at its end on 2026-10-31: 12 days more (as of 2026-10-19)."
MAY_DECIDE = "It may decide on any day, at the latest on 2026-10-31: 12 days more (as of 2026-10-19)."
BETTER = "session_minutes of treatment +6.2 % (95 % interval +3.4 % to +9.0 %, p < 0.001)"
UNCLEAR = "session_minutes of treatment +1.5 % (95 % interval −1.2 % to +4.2 %, p = 0.280)"
WORSE = "session_minutes of treatment −4.8 % (95 % interval −7.5 % to −2.1 %, p < 0.001)"
NOTHING_SHOWN = "neither an improvement nor the lack of one is shown, and +2 % or better was asked for."
SEQUENTIAL = {"analysis": "sequential", "as_of": MIDWAY}


def fewer_return(worst_case=-0.15, p=0.000_01, **changes):
    """−10 % of units come back on the next day."""
    return guardrail("d1_retention", -0.1, -0.14, -0.06, p, worst_case, **changes)


def verdict_and_reasons(decision):
    return decision.verdict, list(decision.reasons)


# Before it begins


def test_an_experiment_that_starts_tomorrow_waits_and_names_its_first_day():
    decision = decided(as_of=dt.date(2026, 8, 31))
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        ["It has not begun: exposure starts on 2026-09-01, 1 day after 2026-08-31."],
    )
    assert decision.days_left == 61  # 1 day of August, 30 of September, 30 of October


def test_units_that_are_missing_because_it_has_not_begun_do_not_make_it_invalid():
    empty = check(finding="no unit was exposed in control, treatment", passed=False, value=0.0)
    assert decided(as_of=dt.date(2026, 8, 1), health=[empty]).verdict == "KEEP_RUNNING"


def test_a_calibration_that_has_not_begun_says_nothing_of_calibration():
    decision = decided(as_of=dt.date(2026, 8, 30), kind="aa")
    assert (decision.verdict, decision.is_calibrated) == ("KEEP_RUNNING", None)


# Invalid


def test_a_broken_split_makes_the_best_results_invalid():
    split = check(
        "units_fall_into_variants_by_their_weights",
        "5,400 in control, 4,600 in treatment; expected 5,000, 5,000",
        passed=False,
        value=1.3e-15,
        threshold=0.001,
    )
    decision = decided(better(), *holding(), health=[split], rollout={"population": 1_000_000})
    assert verdict_and_reasons(decision) == (
        "INVALID",
        [
            "Units did not fall into the variants by their weights: 5,400 in control, 4,600 in treatment; "
            "expected 5,000, 5,000 (p < 0.001).",
            NOT_TO_BE_READ,
        ],
    )
    assert (decision.primary, decision.rollout) == (None, None)


def test_arms_that_differed_before_exposure_are_invalid():
    imbalance = check(
        "variants_were_alike_before_exposure",
        "4.2 in treatment, 3.9 in control before exposure",
        subject="sessions_per_user in treatment",
        passed=False,
        value=0.000_31,
        threshold=0.001,
    )
    assert verdict_and_reasons(decided(better(), *holding(), health=[imbalance])) == (
        "INVALID",
        [
            "sessions_per_user in treatment was unlike control from the outset: 4.2 in treatment, 3.9 in control before "
            "exposure (p < 0.001).",
            NOT_TO_BE_READ,
        ],
    )


def test_more_than_one_per_cent_in_two_variants_is_invalid_and_reads_as_more_than_one_per_cent():
    several = check(
        "units_are_in_one_variant",
        "1,003 of 100,000 units were logged in several variants and are left out",
        passed=False,
        value=0.01003,
        threshold=0.01,
    )
    assert verdict_and_reasons(decided(better(), *holding(), health=[several])) == (
        "INVALID",
        [
            "The exposure log contradicts itself: 1,003 of 100,000 units were logged in several variants and are left out "
            "(1.003 %, at most 1 % is allowed).",
            NOT_TO_BE_READ,
        ],
    )


def test_units_logged_in_a_variant_that_nobody_configured_are_invalid():
    unknown = check(
        "logged_variants_are_configured",
        "700 of 10,000 units were logged in no configured variant and are left out",
        passed=False,
        value=0.07,
        threshold=0.01,
    )
    assert verdict_and_reasons(decided(better(), health=[unknown])) == (
        "INVALID",
        [
            "The exposure log does not fit the configuration: 700 of 10,000 units were logged in no configured variant and "
            "are left out (7.0 %, at most 1 % is allowed).",
            NOT_TO_BE_READ,
        ],
    )


def test_an_arm_without_units_is_invalid_on_the_first_day_and_at_the_end():
    empty = check(finding="no unit was exposed in treatment", passed=False, value=0.0)
    expected = ("INVALID", ["There is nothing to compare: no unit was exposed in treatment.", NOT_TO_BE_READ])
    assert verdict_and_reasons(decided(health=[empty], as_of=START)) == expected
    assert verdict_and_reasons(decided(health=[empty])) == expected


def test_every_failed_check_is_told():
    empty = check(finding="no unit was exposed in treatment", passed=False, value=0.0)
    split = check(
        "units_fall_into_variants_by_their_weights",
        "40 in control, 0 in treatment; expected 20, 20",
        passed=False,
        value=2.5e-10,
        threshold=0.001,
    )
    assert len(decided(health=[empty, split]).reasons) == 3


def test_a_broken_split_stands_before_calibration():
    split = check(
        "units_fall_into_variants_by_their_weights", "9 in control", passed=False, value=1e-9, threshold=0.001
    )
    decision = decided(unclear(), health=[split], kind="aa")
    assert (decision.verdict, decision.is_calibrated) == ("INVALID", None)


# Calibration


def test_an_a_a_test_in_which_nothing_differs_looks_calibrated():
    decision = decided(unclear(), *holding(), kind="aa")
    # Holm over 0.28, 0.79, 0.88: the smallest is 3 × 0.28.
    assert verdict_and_reasons(decision) == (
        "CALIBRATION",
        [
            "It looks calibrated: no difference beyond chance in 3 comparisons, as it must be where nothing was changed "
            "(smallest corrected p = 0.840; below 0.01 would be an alarm)."
        ],
    )
    assert (decision.is_calibrated, decision.variant, decision.days_left) == (True, "treatment", 0)


def test_one_p_of_0_004_in_eleven_is_what_chance_does_to_an_a_a_test():
    # 11 × 0.004 = 0.044, which is not below 0.01.
    one = found("session_minutes", 0.03, 0.01, 0.05, 0.004)
    others = [
        found(metric, 0.001, -0.02, 0.022, 0.5, role="other", variant=variant)
        for variant in ("treatment", "other")
        for metric in ("watch_hours", "sessions_per_user", "d1_retention", "d7_retention", "genre_diversity")
    ]
    arms = {"salt": "aa", "variants": {"control": 1, "treatment": 1, "other": 1}}
    decision = decided(one, *others, kind="aa", assignment=arms)
    assert decision.is_calibrated is True
    assert "11 comparisons" in decision.reasons[0]
    assert "p = 0.044" in decision.reasons[0]


def test_an_a_a_test_with_a_difference_is_an_alarm_about_the_measuring_and_never_a_gain():
    decision = decided(better(), *holding(), kind="aa", rollout={"population": 1_000})
    assert verdict_and_reasons(decision) == (
        "CALIBRATION",
        [
            f"{BETTER}, though nothing was changed.",
            "The way of assigning or measuring is to be looked into before any experiment is believed.",
        ],
    )
    assert (decision.is_calibrated, decision.rollout) == (False, None)


def test_an_a_a_test_that_measures_nothing_is_neither_calibrated_nor_not():
    decision = decided(constant("session_minutes"), kind="aa")
    assert verdict_and_reasons(decision) == (
        "CALIBRATION",
        ["No metric can be measured, so that nothing is known of the calibration."],
    )
    assert decision.is_calibrated is None


def test_an_a_a_test_that_still_runs_says_so():
    decision = decided(unclear(), kind="aa", as_of=MIDWAY)
    assert decision.reasons[1] == "This is how it looks so far; it ends on 2026-10-31: 12 days more (as of 2026-10-19)."


def test_segments_and_other_methods_are_no_alarm_in_an_a_a_test():
    phones = better(dimension="platform", segment="phone")
    adjusted = better(method="cuped")
    assert decided(phones, adjusted, unclear(), kind="aa").is_calibrated is True


# A fixed analysis before the end


def test_a_fixed_analysis_that_looks_great_waits_for_the_end():
    decision = decided(better(), *holding(), as_of=MIDWAY, power=[needing(9_000)])
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        [
            WAITS,
            f"{BETTER} so far: it looks better, but a look before the end proves nothing.",
            "With 10,000 units a change of 2 % is found in 80 % of cases.",
        ],
    )
    assert decision.days_left == 12


def test_a_fixed_analysis_that_looks_harmful_waits_for_the_end():
    decision = decided(worse(), *holding(), as_of=MIDWAY)
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        [WAITS, f"{WORSE} so far: it looks worse, but a look before the end proves nothing."],
    )


def test_a_guardrail_that_looks_harmful_before_the_end_is_told_and_waits():
    decision = decided(better(), fewer_return(), as_of=MIDWAY)
    assert decision.verdict == "KEEP_RUNNING"
    assert decision.reasons[2] == (
        "Guardrail d1_retention of treatment −10.0 % (95 % interval −14.0 % to −6.0 %, p < 0.001) so far: it looks worse, "
        "but a look before the end proves nothing."
    )


def test_a_guardrail_that_looks_harmful_is_told_even_while_the_primary_metric_cannot_be_compared():
    young = unmeasured("d7_retention", n_control=0, n_variant=0)
    decision = decided(young, fewer_return(), primary="d7_retention", as_of=dt.date(2026, 9, 3))
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        [
            "It decides once, at its end on 2026-10-31: 58 days more (as of 2026-09-03).",
            "d7_retention of treatment cannot be compared yet: no unit of control has been observed long enough.",
            "Guardrail d1_retention of treatment −10.0 % (95 % interval −14.0 % to −6.0 %, p < 0.001) so far: it looks worse, "
            "but a look before the end proves nothing.",
        ],
    )


def test_what_is_not_significant_before_the_end_is_for_information_only():
    decision = decided(unclear(), *holding(), as_of=MIDWAY, power=[needing(38_000, days=112)])
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        [
            WAITS,
            f"{UNCLEAR} so far: for information only.",
            "Finding a change of 2 % in 80 % of cases takes 38,000 units of control and treatment; there are 10,000, and at "
            "the present pace the rest takes 112 days more.",
        ],
    )


def test_the_sequence_does_not_decide_a_fixed_analysis():
    rows = [worse(method="sequential"), better(method="cuped"), unclear(), *holding()]
    assert decided(*rows, as_of=MIDWAY).verdict == "KEEP_RUNNING"
    assert decided(*rows).verdict == "REVIEW"


@pytest.mark.parametrize(
    ("as_of", "verdict", "days_left", "told"),
    [
        (START, "KEEP_RUNNING", 60, "60 days more (as of 2026-09-01)"),
        (END - dt.timedelta(days=1), "KEEP_RUNNING", 1, "1 day more (as of 2026-10-30)"),
        (END, "SHIP", 0, ""),
        (END + dt.timedelta(days=9), "SHIP", 0, ""),
    ],
)
def test_the_end_day_itself_decides_and_the_day_before_does_not(as_of, verdict, days_left, told):
    decision = decided(better(), *holding(), as_of=as_of)
    assert (decision.verdict, decision.days_left) == (verdict, days_left)
    assert told in decision.reasons[0]


# A sequential analysis before the end


def test_a_sequential_analysis_ships_as_soon_as_it_is_shown():
    rows = [better(method="sequential"), *holding(method="sequential")]
    assert verdict_and_reasons(decided(*rows, **SEQUENTIAL)) == (
        "SHIP",
        [
            f"{BETTER}: significantly better, and +2 % or better was asked for.",
            "Guardrail skip_rate holds: at worst +0.8 %, +2 % is allowed.",
            "Guardrail d1_retention holds: at worst −1.6 %, −5 % is allowed.",
            "The sequential analysis allows this before the end on 2026-10-31.",
        ],
    )


def test_a_sequential_analysis_takes_harm_back_as_soon_as_it_is_shown():
    rows = [worse(method="sequential"), *holding(method="sequential")]
    decision = decided(*rows, **SEQUENTIAL)
    assert verdict_and_reasons(decision) == (
        "ROLLBACK",
        [f"{WORSE}: significantly worse.", "The sequential analysis allows this before the end on 2026-10-31."],
    )
    assert decision.days_left == 0


def test_the_fixed_test_does_not_decide_a_sequential_analysis():
    rows = [better(), *holding(), worse(method="cuped"), unclear(method="sequential")]
    assert decided(*rows, **SEQUENTIAL).verdict == "KEEP_RUNNING"
    assert decided(*rows, analysis="sequential").verdict == "REVIEW"


def test_a_sequential_analysis_under_100_units_per_arm_decides_nothing():
    few = unmeasured(
        "session_minutes", method="sequential", n_control=120, n_variant=97, mean_control=20.0, mean_variant=31.0,
        effect=11.0, standard_error=0.5, lift=0.55,
    )  # fmt: skip
    too_few = "treatment has 97 units, and a sequential analysis needs 100 in each variant."
    assert verdict_and_reasons(decided(few, **SEQUENTIAL)) == (
        "KEEP_RUNNING",
        [MAY_DECIDE, f"session_minutes of treatment cannot be compared yet: {too_few}"],
    )
    at_the_end = decided(few, analysis="sequential", guardrails={})
    assert verdict_and_reasons(at_the_end) == (
        "REVIEW",
        [f"session_minutes of treatment cannot be compared: {too_few}"],
    )


def test_a_sequential_analysis_waits_while_nothing_is_shown_and_needs_more_than_the_fixed_test():
    decision = decided(unclear(method="sequential"), **SEQUENTIAL, power=[needing(38_000, days=112)])
    assert verdict_and_reasons(decision) == (
        "KEEP_RUNNING",
        [
            MAY_DECIDE,
            f"{UNCLEAR} so far: {NOTHING_SHOWN}",
            "Finding a change of 2 % in 80 % of cases takes more than 38,000 units of control and treatment; there are "
            "10,000, and at the present pace the rest takes 112 days more.",
        ],
    )


def test_a_sequential_analysis_does_not_call_units_enough_that_are_so_for_the_fixed_test():
    decision = decided(unclear(method="sequential"), **SEQUENTIAL, power=[needing(9_000)])
    assert len(decision.reasons) == 2


def test_a_sequential_gain_waits_for_the_guardrail_that_is_not_shown_to_hold():
    open_guardrail = guardrail("skip_rate", 0.004, -0.03, 0.038, 0.82, -0.0204, method="sequential")
    rows = [better(method="sequential"), open_guardrail, holding(method="sequential")[1]]
    assert verdict_and_reasons(decided(*rows, **SEQUENTIAL)) == (
        "KEEP_RUNNING",
        [
            MAY_DECIDE,
            f"{BETTER} so far: significantly better, and +2 % or better was asked for.",
            "Guardrail skip_rate of treatment is inconclusive: at worst +2.04 %, +2 % is allowed.",
        ],
    )


def test_a_sequential_gain_that_is_too_small_waits_for_the_end():
    small = found("session_minutes", 0.015, 0.004, 0.026, 0.006, method="sequential")
    decision = decided(small, *holding(method="sequential"), **SEQUENTIAL)
    assert decision.verdict == "KEEP_RUNNING"
    assert decision.reasons[1] == (
        "session_minutes of treatment +1.5 % (95 % interval +0.4 % to +2.6 %, p = 0.006) so far: significantly better, but "
        "+2 % or better was asked for."
    )


def test_a_sequential_analysis_that_can_no_longer_succeed_is_not_given_up_before_the_end():
    futile = found("session_minutes", 0.003, -0.006, 0.012, 0.9, method="sequential")
    decision = decided(futile, **SEQUENTIAL)
    assert decision.verdict == "KEEP_RUNNING"
    assert decision.reasons[1].endswith("so far: at best +1.2 %, but +2 % or better was asked for.")
    assert decided(futile, analysis="sequential").verdict == "DONT_SHIP"


# Harm


def test_a_worse_primary_metric_is_taken_back():
    decision = decided(worse(), *holding())
    assert verdict_and_reasons(decision) == ("ROLLBACK", [f"{WORSE}: significantly worse."])
    assert (decision.variant, decision.primary) == ("treatment", worse())


def test_a_worse_guardrail_is_taken_back_although_the_primary_metric_is_better():
    assert verdict_and_reasons(decided(better(), fewer_return(), holding()[0])) == (
        "ROLLBACK",
        [
            "Guardrail d1_retention of treatment −10.0 % (95 % interval −14.0 % to −6.0 %, p < 0.001): significantly worse.",
            f"{BETTER}: significantly better, which does not outweigh it.",
        ],
    )


def test_a_guardrail_that_is_worse_within_its_margin_is_still_worse():
    slightly = guardrail("d1_retention", -0.02, -0.031, -0.009, 0.000_4, -0.027)
    assert decided(better(), slightly, holding()[0]).verdict == "ROLLBACK"


def test_more_skips_are_worse_and_fewer_are_not():
    more = guardrail("skip_rate", 0.08, 0.05, 0.11, 0.000_1, -0.1)
    fewer = guardrail("skip_rate", -0.08, -0.11, -0.05, 0.000_1, 0.06)
    returning = holding()[1]
    assert decided(better(), more, returning).verdict == "ROLLBACK"
    assert decided(better(), fewer, returning).verdict == "SHIP"


def test_a_guardrail_with_p_0_03_among_five_is_not_significantly_worse():
    # Holm over six: primary 6 × 0.00002 = 0.00012; the next smallest of the five that remain 5 × 0.03 = 0.15.
    margins = dict.fromkeys(("d1_retention", "d7_retention", "skip_rate", "sessions_per_user", "watch_hours"), 0.05)
    dip = guardrail("d1_retention", -0.021, -0.04, -0.002, 0.03, -0.033, p_adjusted=0.15, margin=0.05)
    calm = [
        guardrail(name, 0.0, -0.02, 0.02, 1.0, -0.013, p_adjusted=1.0, margin=0.05)
        for name in margins
        if name != "d1_retention"
    ]
    decision = decided(better(p_adjusted=0.000_12), dip, *calm, guardrails=margins)
    assert decision.verdict == "SHIP"
    assert "Guardrail d1_retention holds: at worst −3.3 %, −5 % is allowed." in decision.reasons


def test_a_p_value_that_needed_its_correction_is_shown_with_it():
    loss = found("session_minutes", -0.02, -0.034, -0.006, 0.004, p_adjusted=0.012)
    assert decided(loss, *holding()).reasons[0] == (
        "session_minutes of treatment −2.0 % (95 % interval −3.4 % to −0.6 %, p = 0.004, corrected for 3 comparisons "
        "p = 0.012): significantly worse."
    )


def test_a_loss_that_the_correction_leaves_open_is_not_shipped_and_says_why_it_is_not_taken_back():
    loss = found("session_minutes", -0.02, -0.0385, -0.0015, 0.034, p_adjusted=0.102)
    assert verdict_and_reasons(decided(loss, *holding())) == (
        "DONT_SHIP",
        [
            "session_minutes of treatment −2.0 % (95 % interval −3.9 % to −0.1 %, p = 0.034, corrected for 3 comparisons "
            "p = 0.102): at best −0.1 %, but +2 % or better was asked for."
        ],
    )


def test_skips_that_appear_where_control_had_none_are_taken_back_without_a_lift():
    skips = from_zero("skip_rate", 0.02, 0.01, 0.03, 0.000_2)
    assert verdict_and_reasons(decided(skips, primary="skip_rate", guardrails={})) == (
        "ROLLBACK",
        [
            "skip_rate of treatment +0.02 from 0 in control (95 % interval +0.01 to +0.03, p < 0.001): significantly worse."
        ],
    )


# Shipping


def test_a_gain_with_guardrails_that_hold_is_shipped():
    decision = decided(better(), *holding())
    assert verdict_and_reasons(decision) == (
        "SHIP",
        [
            f"{BETTER}: significantly better, and +2 % or better was asked for.",
            "Guardrail skip_rate holds: at worst +0.8 %, +2 % is allowed.",
            "Guardrail d1_retention holds: at worst −1.6 %, −5 % is allowed.",
        ],
    )
    assert (decision.variant, decision.days_left, decision.primary) == ("treatment", 0, better())


def test_a_gain_of_just_what_was_asked_for_is_shipped():
    enough = found("session_minutes", 0.02, 0.004, 0.036, 0.014)
    assert decided(enough, guardrails={}).verdict == "SHIP"


def test_without_a_least_lift_any_significant_gain_is_shipped():
    tiny = found("session_minutes", 0.004, 0.001, 0.007, 0.009)
    assert verdict_and_reasons(decided(tiny, guardrails={}, min_lift=0)) == (
        "SHIP",
        [
            "session_minutes of treatment +0.4 % (95 % interval +0.1 % to +0.7 %, p = 0.009): significantly better, and an "
            "improvement was asked for."
        ],
    )


def test_where_fewer_skips_are_the_aim_a_falling_rate_is_shipped():
    fewer = found("skip_rate", -0.053, -0.08, -0.026, 0.000_1)
    assert verdict_and_reasons(decided(fewer, primary="skip_rate", guardrails={})) == (
        "SHIP",
        [
            "skip_rate of treatment −5.3 % (95 % interval −8.0 % to −2.6 %, p < 0.001): significantly better, and −2 % or "
            "better was asked for."
        ],
    )


def test_where_fewer_skips_are_the_aim_a_rising_rate_is_taken_back():
    more = found("skip_rate", 0.053, 0.026, 0.08, 0.000_1)
    assert decided(more, primary="skip_rate", guardrails={}).verdict == "ROLLBACK"


def test_where_fewer_skips_are_the_aim_the_lower_end_is_the_best_that_may_be():
    flat = found("skip_rate", 0.002, -0.014, 0.018, 0.81)
    assert verdict_and_reasons(decided(flat, primary="skip_rate", guardrails={})) == (
        "DONT_SHIP",
        [
            "skip_rate of treatment +0.2 % (95 % interval −1.4 % to +1.8 %, p = 0.810): at best −1.4 %, but −2 % or better "
            "was asked for."
        ],
    )


def test_a_secondary_metric_that_is_worse_does_not_hold_a_gain_back():
    shorter = found("watch_hours", -0.08, -0.1, -0.06, 0.000_01, role="secondary")
    assert decided(better(), *holding(), shorter, secondary=["watch_hours"]).verdict == "SHIP"


def test_a_segment_that_is_worse_does_not_stand_for_all_units():
    phones = worse(dimension="platform", segment="phone")
    assert decided(phones, better(), *holding()).verdict == "SHIP"


# Neither


def test_a_significant_gain_below_what_was_asked_for_is_for_a_person_to_decide():
    small = found("session_minutes", 0.015, 0.004, 0.026, 0.007)
    assert verdict_and_reasons(decided(small, *holding())) == (
        "REVIEW",
        [
            "session_minutes of treatment +1.5 % (95 % interval +0.4 % to +2.6 %, p = 0.007): significantly better, but "
            "+2 % or better was asked for."
        ],
    )


def test_a_gain_that_rounds_to_what_was_asked_for_is_told_from_it():
    nearly = found("session_minutes", 0.0196, 0.004, 0.0352, 0.014)
    assert decided(nearly, *holding()).reasons[0].startswith("session_minutes of treatment +1.96 % (")


def test_a_p_value_that_rounds_to_alpha_is_told_from_it():
    just = found("session_minutes", 0.03, 0.000_06, 0.059_94, 0.0496)
    assert (
        decided(just, guardrails={})
        .reasons[0]
        .startswith("session_minutes of treatment +3.0 % (95 % interval +0.01 % to +6.0 %, p = 0.0496)")
    )


def test_a_p_value_above_a_very_small_alpha_is_told_from_it():
    decision = decided(found("session_minutes", 0.05, 0.0, 0.1, 0.0007), guardrails={}, alpha=0.0005)
    assert decision.verdict == "REVIEW"
    assert "99.95 % interval" in decision.reasons[0]
    assert "p = 0.0007)" in decision.reasons[0]


def test_an_inconclusive_guardrail_is_named_with_how_bad_it_may_be():
    returning = guardrail("d1_retention", -0.012, -0.069, 0.045, 0.68, -0.063)
    assert verdict_and_reasons(decided(better(), returning, holding()[0])) == (
        "REVIEW",
        [
            f"{BETTER}: significantly better, and +2 % or better was asked for.",
            "Guardrail d1_retention of treatment is inconclusive: at worst −6.3 %, −5 % is allowed.",
        ],
    )


def test_a_guardrail_that_is_the_same_for_every_unit_seems_not_to_be_measured_and_is_not_passed():
    skips = constant("skip_rate", role="guardrail")
    assert verdict_and_reasons(decided(better(), skips, holding()[1])) == (
        "REVIEW",
        [
            f"{BETTER}: significantly better, and +2 % or better was asked for.",
            "Guardrail skip_rate of treatment cannot be judged: within each variant it is the same for every unit, so that it "
            "seems not to be measured.",
        ],
    )


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (unmeasured("d7_retention", n_variant=0), "no unit of treatment has been observed long enough."),
        (unmeasured("d7_retention", n_control=1), "control has 1 unit, and a decision needs 30 in each variant."),
        (from_zero("d7_retention", 0.02, 0.01, 0.03, 0.9), "it is 0 in control, so that there is no relative change."),
    ],
)
def test_a_guardrail_that_cannot_be_judged_says_why(row, why):
    decision = decided(better(), row, guardrails={"d7_retention": 0.05})
    assert decision.verdict == "REVIEW"
    assert decision.reasons[1] == f"Guardrail d7_retention of treatment cannot be judged: {why}"


def test_a_rate_of_plays_where_nobody_played_says_what_is_missing():
    skips = unmeasured("skip_rate", role="guardrail")
    assert decided(better(), skips, holding()[1]).reasons[1] == (
        "Guardrail skip_rate of treatment cannot be judged: in one of the variants hardly a unit has plays."
    )


def test_what_is_at_best_less_than_was_asked_for_is_not_shipped():
    flat = found("session_minutes", 0.003, -0.0124, 0.0184, 0.7)
    decision = decided(flat, *holding())
    assert verdict_and_reasons(decision) == (
        "DONT_SHIP",
        [
            "session_minutes of treatment +0.3 % (95 % interval −1.2 % to +1.8 %, p = 0.700): at best +1.8 %, but +2 % or "
            "better was asked for."
        ],
    )
    assert decision.days_left == 0


def test_an_upper_end_of_just_what_was_asked_for_is_not_ruled_out():
    assert decided(found("session_minutes", 0.003, -0.014, 0.02, 0.7), *holding()).verdict == "REVIEW"


def test_too_few_units_are_told_with_those_that_are_needed_and_the_days_they_take():
    decision = decided(unclear(), *holding(), power=[needing(38_000, days=112)])
    assert verdict_and_reasons(decision) == (
        "REVIEW",
        [
            f"{UNCLEAR}: {NOTHING_SHOWN}",
            "Finding a change of 2 % in 80 % of cases takes 38,000 units of control and treatment; there are 10,000, and at "
            "the present pace the rest takes 112 days more.",
        ],
    )


@pytest.mark.parametrize(
    ("power", "told"),
    [
        (needing(10_250, days=1), "there are 10,000, and at the present pace the rest takes 1 day more."),
        (needing(38_000, days=None), "there are 10,000, and no new ones come in."),
        (needing(9_000, days=0), "With 10,000 units a change of 2 % is found in 80 % of cases."),
        (needing(10_000, days=0), "With 10,000 units a change of 2 % is found in 80 % of cases."),
    ],
)
def test_the_pace_is_told_as_it_is(power, told):
    assert decided(unclear(), *holding(), power=[power]).reasons[1].endswith(told)


def test_without_a_least_lift_it_is_told_what_the_units_can_find():
    decision = decided(unclear(), *holding(), min_lift=0, power=[needing(None, target=None)])
    assert verdict_and_reasons(decision) == (
        "REVIEW",
        [
            f"{UNCLEAR}: neither an improvement nor the lack of one is shown, and an improvement was asked for.",
            "With 10,000 units a change of 3.9 % is found in 80 % of cases.",
        ],
    )


def test_the_power_of_another_variant_is_not_taken_for_that_of_the_one():
    decision = decided(unclear(), *holding(), power=[needing(38_000, days=112, variant="other")])
    assert decision.reasons == (f"{UNCLEAR}: {NOTHING_SHOWN}",)


def test_an_unclear_gain_names_its_open_guardrails_too():
    returning = guardrail("d1_retention", -0.012, -0.069, 0.045, 0.68, -0.063)
    assert decided(unclear(), returning, holding()[0]).reasons[-1] == (
        "Guardrail d1_retention of treatment is inconclusive: at worst −6.3 %, −5 % is allowed."
    )


def test_a_primary_metric_that_control_does_not_have_is_for_a_person_to_decide():
    returned = from_zero("d7_retention", 0.02, 0.01, 0.03, 0.000_2)
    assert verdict_and_reasons(decided(returned, primary="d7_retention", guardrails={})) == (
        "REVIEW",
        [
            "d7_retention of treatment +0.02 from 0 in control (95 % interval +0.01 to +0.03, p < 0.001): it is 0 in "
            "control, so that there is no relative change."
        ],
    )


def test_a_primary_metric_without_eligible_units_is_for_a_person_to_decide():
    nobody = unmeasured("d7_retention", n_control=0, n_variant=0)
    assert verdict_and_reasons(decided(nobody, primary="d7_retention", guardrails={})) == (
        "REVIEW",
        ["d7_retention of treatment cannot be compared: no unit of control has been observed long enough."],
    )


def test_a_primary_metric_that_is_not_in_the_results_is_for_a_person_to_decide():
    assert verdict_and_reasons(decided(guardrails={})) == (
        "REVIEW",
        ["session_minutes of treatment cannot be compared: it was not measured."],
    )


def test_odd_levels_and_margins_are_told_with_all_their_digits():
    at_99_5 = found("session_minutes", 0.062, 0.02, 0.104, 0.000_02)
    returning = guardrail("d1_retention", 0.001, -0.002, 0.004, 0.5, -0.0011, margin=0.0125)
    decision = decided(at_99_5, returning, guardrails={"d1_retention": 0.0125}, alpha=0.005, min_lift=0.0225)
    assert list(decision.reasons) == [
        "session_minutes of treatment +6.2 % (99.5 % interval +2.0 % to +10.4 %, p < 0.001): significantly better, and "
        "+2.25 % or better was asked for.",
        "Guardrail d1_retention holds: at worst −0.1 %, −1.25 % is allowed.",
    ]


# Several variants


def test_one_variant_would_ship_while_the_other_does_harm_that_comes_first():
    rows = [
        worse(variant="big_rows"),
        *holding(variant="big_rows"),
        better(variant="small_rows"),
        *holding(variant="small_rows"),
    ]
    decision = decided(*rows, assignment=THREE_ARMS)
    assert (decision.verdict, decision.variant) == ("ROLLBACK", "big_rows")
    assert decision.reasons[0] == (
        "session_minutes of big_rows −4.8 % (95 % interval −7.5 % to −2.1 %, p < 0.001): significantly worse."
    )
    assert decision.reasons[-1].startswith("small_rows: SHIP. session_minutes of small_rows +6.2 % (")


def test_harm_in_one_variant_stops_an_experiment_in_which_the_other_is_unclear():
    rows = [unclear(variant="big_rows"), worse(variant="small_rows")]
    decision = decided(*rows, assignment=THREE_ARMS, guardrails={})
    assert (decision.verdict, decision.variant) == ("ROLLBACK", "small_rows")
    assert decision.reasons[1].startswith("big_rows: REVIEW. session_minutes of big_rows +1.5 % (")


def test_of_two_variants_that_ship_the_greater_gain_is_taken():
    lesser = found("session_minutes", 0.04, 0.02, 0.06, 0.000_1, variant="big_rows")
    rows = [lesser, *holding(variant="big_rows"), better(variant="small_rows"), *holding(variant="small_rows")]
    decision = decided(*rows, assignment=THREE_ARMS)
    assert (decision.verdict, decision.variant) == ("SHIP", "small_rows")
    assert decision.reasons[-1].startswith("big_rows: SHIP. session_minutes of big_rows +4.0 % (")


def test_of_two_variants_that_cut_skips_the_deeper_cut_is_taken():
    rows = [
        found("skip_rate", -0.04, -0.06, -0.02, 0.000_1, variant="big_rows"),
        found("skip_rate", -0.07, -0.09, -0.05, 0.000_1, variant="small_rows"),
    ]
    decision = decided(*rows, assignment=THREE_ARMS, primary="skip_rate", guardrails={})
    assert (decision.verdict, decision.variant) == ("SHIP", "small_rows")


def test_two_variants_are_two_chances_so_that_p_0_03_does_not_ship():
    # Holm over two: 2 × 0.03 = 0.06.
    lucky = found("session_minutes", 0.025, 0.002, 0.048, 0.03, variant="small_rows")
    rows = [lucky, *holding(variant="small_rows"), unclear(variant="big_rows"), *holding(variant="big_rows")]
    decision = decided(*rows, assignment=THREE_ARMS)
    assert (decision.verdict, decision.variant) == ("REVIEW", "small_rows")
    assert decision.reasons[0] == (
        "session_minutes of small_rows +2.5 % (95 % interval +0.2 % to +4.8 %, p = 0.030, corrected for 2 comparisons "
        f"p = 0.060): {NOTHING_SHOWN}"
    )
    assert decided(found("session_minutes", 0.025, 0.002, 0.048, 0.03), *holding()).verdict == "SHIP"


def test_a_variant_beside_a_clear_winner_needs_no_correction_of_its_own():
    # Holm over two: 2 × 0.00002, then 1 × 0.03.
    second = found("session_minutes", 0.025, 0.002, 0.048, 0.03, variant="big_rows")
    rows = [second, *holding(variant="big_rows"), better(variant="small_rows"), *holding(variant="small_rows")]
    assert decided(*rows, assignment=THREE_ARMS).reasons[-1].startswith("big_rows: SHIP.")


def test_variants_that_both_wait_say_once_until_when():
    rows = [unclear(variant="big_rows"), better(variant="small_rows")]
    decision = decided(*rows, assignment=THREE_ARMS, as_of=MIDWAY)
    assert decision.variant == "small_rows"
    assert [reason for reason in decision.reasons if "2026-10-31" in reason] == [WAITS]
    assert decision.reasons[-1].startswith("big_rows: KEEP_RUNNING. session_minutes of big_rows +1.5 % (")


# What a roll-out would bring


def effects(**changes):
    """+0.4 sessions (0.1 to 0.7) and +0.05 hours (−0.05 to 0.15) per user."""
    return [
        found("sessions_per_user", 0.05, 0.0125, 0.0875, 0.009, role="other", **changes),
        found("watch_hours", 0.02, -0.02, 0.06, 0.32, role="other", **changes),
    ]


def amounts(decision):
    return {name: pytest.approx((own.value, own.low, own.high)) for name, own in decision.rollout.items()}


def test_a_roll_out_to_a_million_users_adds_sessions_hours_and_value():
    decision = decided(better(), *holding(), *effects(), rollout={"population": 1_000_000, "value_per_session": 0.05})
    assert amounts(decision) == {
        "sessions": (400_000, 100_000, 700_000),
        "watch_hours": (50_000, -50_000, 150_000),
        "value": (20_000, 5_000, 35_000),
    }


def test_sessions_that_cost_have_their_interval_in_order():
    decision = decided(better(), *holding(), *effects(), rollout={"population": 1_000, "value_per_session": -0.5})
    assert amounts(decision)["value"] == (-200, -350, -50)


def test_without_a_value_per_session_no_value_is_made_up():
    decision = decided(better(), *holding(), *effects(), rollout={"population": 1_000})
    assert set(decision.rollout) == {"sessions", "watch_hours"}


def test_without_a_population_no_roll_out_is_modelled():
    assert decided(better(), *holding(), *effects(), rollout={"value_per_session": 0.05}).rollout is None


def test_without_sessions_or_hours_no_roll_out_is_modelled():
    assert decided(better(), *holding(), rollout={"population": 1_000, "value_per_session": 1.0}).rollout is None


def test_the_roll_out_is_that_of_the_variant_the_verdict_is_about():
    rows = [better(variant="small_rows"), *effects(variant="small_rows"), worse(variant="big_rows")]
    rows += [found("watch_hours", 0.04, 0.02, 0.06, 0.001, role="other", variant="big_rows")]
    decision = decided(*rows, assignment=THREE_ARMS, guardrails={}, rollout={"population": 1_000})
    assert amounts(decision) == {"watch_hours": (100, 50, 150)}


# Whatever was found


def deciding(found_of, variant, metric):
    """The row that counts, looked up apart from the code."""
    rows = {(row.variant, row.metric, row.method): row for row in found_of.results}
    return rows.get((variant, metric, found_of.experiment.analysis))


def is_early(found_of):
    return found_of.experiment.analysis == "fixed" and found_of.as_of < END


# Every example is many rows: shrinking one would take long and tell little more.
ANY = settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@ANY
@given(evidence())
def test_whatever_was_found_has_one_verdict_in_sentences(found_of):
    decision = decide(found_of)
    event(decision.verdict)
    assert decision.verdict in {
        "INVALID", "CALIBRATION", "ROLLBACK", "SHIP", "KEEP_RUNNING", "DONT_SHIP", "REVIEW"
    }  # fmt: skip
    assert decision.reasons
    for reason in decision.reasons:
        assert reason.endswith(".")
        assert not re.search(r"\b(nan|inf|None|True|False)\b", reason)
        assert not re.search(r"\b([A-Za-z_]+) \1\b", reason)
        assert not re.search(r"\b1 (days|units|comparisons)\b|(?<![\d,.])-\d", reason)
    assert decision.days_left == (max((END - found_of.as_of).days, 0) if decision.verdict == "KEEP_RUNNING" else 0)


@ANY
@given(evidence())
def test_nothing_ships_that_is_not_proven(found_of):
    decision = decide(found_of)
    if decision.verdict != "SHIP":
        return
    of = found_of.experiment
    primary = deciding(found_of, decision.variant, of.primary)
    assert all(one.passed for one in found_of.health)
    assert of.kind == "ab"
    assert not is_early(found_of)
    assert primary.p_value < of.alpha
    assert sign(of.primary) * primary.lift >= of.min_lift
    assert sign(of.primary) * primary.effect > 0
    assert all(
        deciding(found_of, decision.variant, name).worst_case > -margin for name, margin in of.guardrails.items()
    )


@ANY
@given(evidence())
def test_nothing_is_taken_back_that_is_not_significantly_worse(found_of):
    decision = decide(found_of)
    if decision.verdict != "ROLLBACK":
        return
    of = found_of.experiment
    rows = [deciding(found_of, decision.variant, metric) for metric in (of.primary, *of.guardrails)]
    assert any(
        row and row.p_adjusted is not None and row.p_adjusted < of.alpha and sign(row.metric) * row.effect < 0
        for row in rows
    )
    assert not is_early(found_of)


@ANY
@given(evidence())
def test_a_significantly_worse_metric_is_taken_back_unless_another_variant_ships(found_of):
    of, decision = found_of.experiment, decide(found_of)
    sound = all(one.passed for one in found_of.health) and of.kind == "ab" and found_of.as_of >= START
    rows = [deciding(found_of, variant, metric) for variant in of.treatments for metric in (of.primary, *of.guardrails)]
    harm = [row for row in rows if row and row.p_adjusted is not None and row.p_adjusted < of.alpha]
    harm = [row for row in harm if sign(row.metric) * row.effect < 0]
    if sound and harm and not is_early(found_of):
        assert decision.verdict in {"ROLLBACK", "SHIP"}
        assert decision.verdict == "ROLLBACK" or decision.variant not in {row.variant for row in harm}


@ANY
@given(evidence())
def test_a_roll_out_has_its_interval_in_order(found_of):
    for amount in (decide(found_of).rollout or {}).values():
        assert amount.low <= amount.value <= amount.high
