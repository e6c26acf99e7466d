"""Which checks stand failed, and which rows were checked, from evaluation to evaluation."""

import dataclasses
import datetime as dt
import json

from streaming_assets.lake.days import Days
from streaming_assets.lake.failures import (
    Verdict,
    blocked_days,
    checked_version,
    days_to_check,
    days_unseen,
    open_failures,
    record,
    unchecked,
)
from streaming_assets.lake.lake import Lake

from .rows import HOURS, march, table_of, write_hours

CHECK = "plays_add_up"
MORNING = dt.datetime(2024, 3, 10, 6)
NOON = dt.datetime(2024, 3, 10, 12)
MONTH = Days(march(1), march(5))
SUBJECTS = {"hours": HOURS.name}


def judge(
    lake: Lake,
    days: list[dt.date],
    *failing: dt.date,
    now: dt.datetime = MORNING,
    check: str = CHECK,
    subject: str = "hours",
    is_blocking: bool = True,
) -> None:
    """An evaluation of one check on some days, of which some fail."""
    verdict = Verdict(check, not failing, is_blocking, {"violations": len(failing)}, frozenset(failing) or None)
    record(lake, subject, HOURS.name, [verdict], days, lake.snapshot(HOURS.name).state, now)


def standing(lake: Lake) -> list[tuple[str, dt.date | None, dt.date | None]]:
    """As another process would read it."""
    rows = open_failures(Lake(lake.settings, lake.engine))
    return sorted((row.check, row.first_date, row.last_date) for row in rows)


def due(lake: Lake) -> set[dt.date]:
    return days_to_check(Lake(lake.settings, lake.engine), "hours", HOURS.name, HOURS.name, [CHECK])


def test_a_failed_check_stands_for_the_days_that_fail_as_few_ranges_as_can_be(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(1), march(2), march(4))
    assert standing(lake) == [(CHECK, march(1), march(2)), (CHECK, march(4), march(4))]
    (first, _) = sorted(open_failures(lake), key=lambda row: row.first_date or march(1))
    assert (first.asset, first.is_blocking, first.opened_at) == (HOURS.name, True, MORNING)
    assert json.loads(first.numbers) == {"violations": 3}


def test_a_check_that_cannot_tell_the_days_stands_for_all_that_were_evaluated(lake):
    write_hours(lake, MONTH, {march(1): 1})
    verdict = Verdict(CHECK, passed=False, is_blocking=True)
    record(lake, "hours", HOURS.name, [verdict], [march(4), march(2)], lake.snapshot(HOURS.name).state, MORNING)
    assert standing(lake) == [(CHECK, march(2), march(4))]


def test_a_passing_evaluation_closes_what_stood_open(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2))
    judge(lake, [march(2)])
    assert standing(lake) == []


def test_the_days_to_check_are_those_written_since_and_those_that_stand_failed(lake):
    write_hours(lake, MONTH, {march(1): 1})
    assert due(lake) == set(MONTH)
    judge(lake, list(MONTH), march(2))
    assert due(lake) == {march(2)}
    write_hours(lake, Days(march(4), march(5)), {march(4): 1})
    assert due(lake) == {march(2), march(4), march(5)}
    judge(lake, [march(2), march(4), march(5)])
    assert due(lake) == set()


def test_a_check_that_keeps_failing_keeps_the_time_when_it_first_failed(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2), now=MORNING)
    judge(lake, [march(2)], march(2), now=NOON)
    assert [row.opened_at for row in open_failures(lake)] == [MORNING]
    judge(lake, [march(2)], now=NOON)
    judge(lake, [march(2)], march(2), now=NOON)
    assert [row.opened_at for row in open_failures(lake)] == [NOON]


def test_a_day_that_fails_later_does_not_take_the_time_of_another_day(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2), now=MORNING)
    judge(lake, [march(2), march(5)], march(2), march(5), now=NOON)
    assert {row.first_date: row.opened_at for row in open_failures(lake)} == {march(2): MORNING, march(5): NOON}


def test_checks_and_subjects_do_not_close_each_other(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2))
    judge(lake, list(MONTH), march(3), check="another", subject="other")
    judge(lake, list(MONTH), check="another", subject="other")
    assert standing(lake) == [(CHECK, march(2), march(2))]


def test_the_same_check_of_another_table_stays_as_it_is(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2))
    record(lake, "users", "core/users", [Verdict(CHECK, True, True)], None, lake.snapshot("core/users").state, NOON)
    assert standing(lake) == [(CHECK, march(2), march(2))]


def test_a_check_of_a_table_without_days_stands_without_days(lake):
    record(lake, "users", "core/users", [Verdict(CHECK, False, True)], None, lake.snapshot("core/users").state, NOON)
    assert standing(lake) == [(CHECK, None, None)]
    assert str(open_failures(lake)[0]) == f"core/users: {CHECK}"
    record(lake, "users", "core/users", [Verdict(CHECK, True, True)], None, lake.snapshot("core/users").state, NOON)
    assert standing(lake) == []


def test_only_blocking_failures_of_the_group_block_days(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2), march(3))
    judge(lake, list(MONTH), march(5), check="warning", subject="other", is_blocking=False)
    failures = open_failures(lake)
    assert blocked_days(failures, "core") == {march(2), march(3)}
    assert blocked_days(failures, "raw") == set()


def test_rows_are_unchecked_until_their_checks_have_run_and_again_when_they_are_written(lake):
    assert unchecked(lake, SUBJECTS) == []
    write_hours(lake, MONTH, {march(1): 1})
    assert unchecked(lake, SUBJECTS) == ["hours"]
    judge(lake, list(MONTH))
    assert unchecked(Lake(lake.settings, lake.engine), SUBJECTS) == []
    write_hours(lake, Days(march(5), march(5)), {march(5): 1})
    assert unchecked(lake, SUBJECTS) == ["hours"]


def test_checks_that_fail_have_seen_the_rows(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2))
    assert unchecked(lake, SUBJECTS) == []


def test_a_set_of_checks_that_never_ran_has_seen_nothing_however_often_the_others_ran(lake):
    subject, other = HOURS.name, f"{HOURS.name} reconciliation"
    for plays in (1, 2, 3):
        write_hours(lake, Days(march(1), march(plays)), {march(1): plays})
        judge(lake, list(MONTH), subject=subject)
    assert unchecked(lake, {subject: HOURS.name, other: HOURS.name}) == [other]
    assert days_to_check(lake, other, HOURS.name, HOURS.name, [CHECK]) == set(Days(march(1), march(3)))


def test_a_day_written_while_an_older_state_was_judged_stays_unchecked(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judged = lake.snapshot(HOURS.name).state
    write_hours(lake, Days(march(2), march(2)), {march(2): 2})
    record(lake, "hours", HOURS.name, [Verdict(CHECK, True, True)], list(MONTH), judged, NOON)
    assert due(lake) == {march(2)}


def test_a_table_without_days_is_unchecked_after_every_commit(lake):
    subjects = {"users": "core/users"}
    for version in (1, 2):
        lake.write("core/users", table_of(lake.snapshot("core/users").table, [{"user_id": "ann"}]))
        assert unchecked(lake, subjects) == ["users"]
        seen = lake.snapshot("core/users").state
        record(lake, "users", "core/users", [Verdict(CHECK, True, True)], None, seen, NOON)
        assert (unchecked(lake, subjects), checked_version(lake, "users")) == ([], version)


def leave_out(lake: Lake, left_out: set[dt.date], *failing: dt.date, now: dt.datetime = NOON) -> None:
    """An evaluation of the month's other days."""
    verdict = Verdict(CHECK, not failing, True, days=frozenset(failing) or None)
    judged = set(MONTH) - left_out
    state = lake.snapshot(HOURS.name).state
    record(lake, "hours", HOURS.name, [verdict], judged, state, now, left_out=left_out)


def hold(lake: Lake, *days: dt.date) -> None:
    """A blocking check of raw fails on these days."""
    verdict = Verdict("share", not days, True, days=frozenset(days) or None)
    record(lake, "raw/event_files", "raw/events", [verdict], None, lake.snapshot("raw/event_files").state, MORNING)


def test_rows_of_days_that_are_left_out_stand_as_they_are(lake):
    write_hours(lake, MONTH, {march(1): 1})
    judge(lake, list(MONTH), march(2), march(3), march(4), now=MORNING)
    leave_out(lake, {march(3)}, march(5))
    assert standing(lake) == [(CHECK, march(3), march(3)), (CHECK, march(5), march(5))]
    assert {row.first_date: row.opened_at for row in open_failures(lake)} == {march(3): MORNING, march(5): NOON}


def test_a_failure_of_all_evaluated_days_does_not_take_in_those_that_are_left_out(lake):
    write_hours(lake, MONTH, {march(1): 1})
    verdict = Verdict(CHECK, passed=False, is_blocking=True)
    days, state = [march(1), march(2), march(4), march(5)], lake.snapshot(HOURS.name).state
    record(lake, "hours", HOURS.name, [verdict], days, state, NOON, left_out=[march(3)])
    assert standing(lake) == [(CHECK, march(1), march(2)), (CHECK, march(4), march(5))]


def test_days_that_are_left_out_are_to_be_judged_as_soon_as_no_day_beside_them_is_held(lake):
    write_hours(lake, MONTH, {march(1): 1})
    hold(lake, march(3))
    leave_out(lake, {march(3), march(4)})
    assert due(lake) == {march(3), march(4)}
    assert (unchecked(lake, SUBJECTS), days_unseen(lake, "hours", HOURS.name)) == ([], set())
    hold(lake)
    assert (unchecked(lake, SUBJECTS), days_unseen(lake, "hours", HOURS.name)) == (["hours"], {march(3), march(4)})
    leave_out(lake, set())
    assert (unchecked(lake, SUBJECTS), due(lake)) == ([], set())


def test_what_was_judged_by_another_setting_is_unchecked(lake):
    write_hours(lake, MONTH, {march(1): 1})
    state = lake.snapshot(HOURS.name).state
    passed = [Verdict(CHECK, True, True)]
    record(lake, "hours", HOURS.name, passed, MONTH, state, NOON, judged_by=["max_rejected_share"])
    assert unchecked(lake, SUBJECTS) == []
    other = Lake(dataclasses.replace(lake.settings, max_rejected_share=0.5), lake.engine)
    assert unchecked(other, SUBJECTS) == ["hours"]
    record(other, "hours", HOURS.name, passed, MONTH, state, NOON, judged_by=["max_rejected_share"])
    assert unchecked(other, SUBJECTS) == []
