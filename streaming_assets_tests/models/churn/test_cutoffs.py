"""Cutoffs: how much history a training wants, and that no stage knows what the next is asked."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_assets.models.churn.cutoffs import (
    GAP_DAYS,
    LABEL_DAYS,
    LEAST_OBSERVATION_DAYS,
    MOST_CUTOFFS,
    observation_days,
    scoring_cutoff,
    split,
)

FIRST = dt.date(2026, 1, 1)
ENOUGH = 115


def after(days):
    """The split of so many days of history."""
    return split(FIRST, FIRST + dt.timedelta(days=days - 1))


def days_from_first(cutoffs):
    return [(cutoff - FIRST).days for cutoff in cutoffs]


def counts(parts):
    return len(parts.train), len(parts.calibrate), len(parts.test)


def test_114_days_are_not_enough_history():
    assert after(ENOUGH - 1) is None


def test_115_days_give_one_cutoff_per_stage_29_days_apart():
    parts = after(ENOUGH)
    assert [days_from_first(stage) for stage in (parts.train, parts.calibrate, parts.test)] == [[28], [57], [86]]


def test_every_week_more_gives_a_cutoff_more_to_train_first_until_there_are_13():
    assert [counts(after(ENOUGH + 7 * weeks)) for weeks in range(12)] == [
        (1, 1, 1),
        (2, 1, 1),
        (2, 2, 1),
        (2, 2, 2),
        (3, 2, 2),
        (3, 3, 2),
        (3, 3, 3),
        (4, 3, 3),
        (4, 4, 3),
        (4, 4, 4),
        (5, 4, 4),
        (5, 4, 4),
    ]


def test_more_history_than_that_leaves_the_latest_cutoffs():
    assert after(1_000).test == tuple(FIRST + dt.timedelta(days=999 - 28 - 7 * week) for week in (3, 2, 1, 0))


def test_who_will_leave_is_asked_when_the_last_day_is_over():
    assert scoring_cutoff(dt.date(2026, 2, 28)) == dt.date(2026, 3, 1)


@given(st.integers(0, 400))
def test_no_stage_sees_what_the_next_is_asked_and_all_have_seen_enough(days):
    as_of = FIRST + dt.timedelta(days=days - 1)
    parts = split(FIRST, as_of)
    assert (parts is None) == (days < ENOUGH)
    if parts is None:
        return
    stages = (parts.train, parts.calibrate, parts.test)
    label_ends = [max(stage) + dt.timedelta(days=GAP_DAYS + LABEL_DAYS) for stage in stages]
    assert all(end <= min(following) for end, following in zip(label_ends[:-1], stages[1:], strict=True))
    assert label_ends[-1] == as_of + dt.timedelta(days=1)
    assert (parts.train[0] - FIRST).days >= LEAST_OBSERVATION_DAYS
    assert all(
        later - earlier == dt.timedelta(days=7) for stage in stages for earlier, later in itertools.pairwise(stage)
    )
    assert all(1 <= len(stage) <= most for stage, most in zip(stages, MOST_CUTOFFS.values(), strict=True))


@pytest.mark.parametrize(("days", "observed"), [(115, 28), (216, 28), (217, 60), (246, 60), (247, 90)])
def test_features_look_back_as_far_at_every_cutoff_of_a_training(days, observed):
    parts = after(days)
    found = observation_days(FIRST, parts)
    assert found == observed
    assert found <= (parts.train[0] - FIRST).days
