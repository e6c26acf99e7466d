"""p-values of several questions: Holm and Benjamini–Hochberg by hand and by their step-wise rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.experiments.multiplicity import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12)
ALPHAS = st.sampled_from([0.01, 0.05, 0.1, 0.3])


def test_holm_asks_most_of_the_smallest():
    # 4 × 0.01; 3 × 0.02; 2 × 0.03 → not below the one before; 1 × 0.04 → likewise
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_of_a_guardrail_at_3_percent_among_five_is_no_alarm_at_5_percent():
    assert holm([0.03, 0.5, 0.7, 0.2, 0.9]) == pytest.approx([0.15, 1.0, 1.0, 0.8, 1.0])


def test_benjamini_and_hochberg_ask_by_rank():
    # 0.04 × 4/4; 0.03 × 4/3 and 0.02 × 4/2 → not above those behind them; 0.005 × 4/1
    assert benjamini_hochberg([0.04, 0.005, 0.03, 0.02]) == pytest.approx([0.04, 0.02, 0.04, 0.04])


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_one_question_needs_no_correction_and_none_has_no_answer(correct):
    assert correct([0.03]) == [0.03]
    assert correct([]) == []


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certainty_either_way_stays_what_it_is(correct, p):
    assert correct([p, p, p]) == [p, p, p]


def rejected_by_holm(p_values, alpha):
    """Step down: from the smallest as long as p ≤ alpha / questions left."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    rejected = set()
    for rank, place in enumerate(order):
        if p_values[place] * (len(order) - rank) > alpha:
            break
        rejected.add(place)
    return rejected


def rejected_by_benjamini_hochberg(p_values, alpha):
    """Step up: all up to the greatest rank k with p ≤ alpha · k / questions."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    ranks = [rank for rank, place in enumerate(order, 1) if p_values[place] * len(order) / rank <= alpha]
    return set(order[: max(ranks, default=0)])


@pytest.mark.parametrize(
    ("correct", "rejected"), [(holm, rejected_by_holm), (benjamini_hochberg, rejected_by_benjamini_hochberg)]
)
@settings(max_examples=25, deadline=None)
@given(p_values=P_VALUES, alpha=ALPHAS)
def test_what_is_at_most_alpha_is_what_the_step_wise_rule_finds(correct, rejected, p_values, alpha):
    adjusted = correct(p_values)
    # Not where p lies on the limit but for rounding.
    if all(abs(p - alpha) > 1e-9 for p in adjusted):
        assert {place for place, p in enumerate(adjusted) if p <= alpha} == rejected(p_values, alpha)


@settings(max_examples=25, deadline=None)
@given(p_values=P_VALUES)
def test_corrected_p_values_keep_their_order_and_are_never_smaller(p_values):
    by_holm, by_rate = holm(p_values), benjamini_hochberg(p_values)
    for p, rate, strict in zip(p_values, by_rate, by_holm, strict=True):
        assert p <= rate * (1 + 1e-12)
        assert rate <= strict * (1 + 1e-12)
        assert strict <= 1
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for found in (by_holm, by_rate):
        assert [found[place] for place in order] == sorted(found)
