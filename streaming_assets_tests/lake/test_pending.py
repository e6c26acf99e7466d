"""Which days are due, by hand: raw/events changed some days, tables were made from some version of it."""

import datetime as dt

from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.delta import State
from streaming_assets.lake.pending import (
    Window,
    achievable_versions,
    changed_inputs,
    required_versions,
    settled,
    stale_days,
    stamps,
    sufficient,
    unchecked_days,
)

from .rows import march

YEAR = Days(dt.date(2024, 1, 1), dt.date(2024, 12, 31))


def of_days(**versions: int) -> DayVersions:
    """of_days(d5=3): 5 March at version 3."""
    return DayVersions({march(int(name[1:])): version for name, version in versions.items()})


def test_a_changed_day_concerns_the_day_before_and_the_two_days_after():
    assert required_versions(State(days=of_days(d5=3)), YEAR) == of_days(d4=3, d5=3, d6=3, d7=3)


def test_days_around_a_blocked_one_can_be_had_only_as_far_as_its_events_are():
    required = DayVersions({march(day): 3 for day in range(1, 9)})
    events = State(days=DayVersions({march(day): 3 for day in range(1, 9)} | {march(5): 2}))
    assert achievable_versions(required, events, {march(5)}) == {
        **{march(day): 3 for day in (1, 2, 8)},
        **{march(day): 2 for day in (3, 4, 5, 6, 7)},
    }
    assert achievable_versions(required, State(), {march(5)})[march(4)] == 0


def test_where_changed_days_concern_the_same_day_the_later_change_counts():
    assert required_versions(State(days=of_days(d5=3, d6=2)), YEAR) == of_days(d4=3, d5=3, d6=3, d7=3, d8=2)


def test_days_that_are_no_partitions_are_not_required():
    within = Days(march(5), march(6))
    assert required_versions(State(days=of_days(d5=3)), within) == of_days(d5=3, d6=3)


def test_a_day_is_stale_until_it_was_computed_from_the_change_or_later():
    required = of_days(d4=3, d5=3, d6=3)
    assert stale_days(required, State(days=of_days(d4=2, d5=3, d6=9))) == {march(4)}
    assert stale_days(required, State()) == {march(4), march(5), march(6)}


def test_a_day_written_again_is_unchecked_until_its_checks_have_seen_that_version():
    table = State(written=of_days(d1=4, d2=6, d3=6))
    assert unchecked_days(table, 4) == {march(2), march(3)}
    assert unchecked_days(table, 6) == set()


def test_a_change_is_settled_when_no_day_that_it_concerns_is_waiting():
    raw = of_days(d1=7, d5=8, d9=9)
    assert settled(raw, unsettled=set()) == of_days(d1=1, d5=1, d9=1)
    # 4 March reads 2 … 5 March, so 5 March must stay as it is; 7 March reads it too.
    assert settled(raw, unsettled={march(4)}) == of_days(d1=1, d5=8, d9=1)
    assert settled(raw, unsettled={march(7)}) == of_days(d1=1, d5=8, d9=1)
    assert settled(raw, unsettled={march(3)}) == of_days(d1=7, d5=1, d9=1)


def test_settling_leaves_the_same_days_stale():
    raw, table = of_days(d1=7, d5=8, d9=9), State(days=of_days(d1=7, d2=7, d3=7, d4=8, d5=8, d6=8, d7=7, d8=9))
    stale = stale_days(required_versions(State(days=raw), YEAR), table)
    assert stale == {dt.date(2024, 2, 29), march(7), march(9), march(10), march(11)}
    assert stale_days(required_versions(State(days=settled(raw, stale)), YEAR), table) == stale


def test_a_stamp_says_no_more_than_what_is_asked_of_it():
    assert sufficient(of_days(d1=8, d2=2, d3=8), required=of_days(d1=3, d2=3)) == of_days(d1=3, d2=2, d3=8)


def test_days_are_stamped_with_the_version_that_was_read():
    assert stamps(Days(march(5), march(6)), 8, of_days(d5=3), [(State(days=of_days(d5=3)), Window())]) == of_days(
        d5=8, d6=8
    )


def test_a_table_is_no_further_than_an_input_that_is_behind_on_a_day_it_reads():
    behind = State(days=of_days(d4=1, d5=2, d6=3))
    required = of_days(d4=3, d5=3, d6=3)
    # Reading two days back and one ahead, 4 March is read for 3 … 6, 5 March for 4 … 7.
    assert stamps(Days(march(2), march(8)), 8, required, [(behind, Window(before=2, after=1))]) == of_days(
        d2=8, d3=1, d4=1, d5=1, d6=1, d7=2, d8=8
    )


def test_a_table_whose_input_was_never_computed_stays_stale():
    required = of_days(d5=3)
    found = stamps(Days(march(5), march(5)), 3, required, [(State(), Window())])
    assert stale_days(required, State(days=found)) == {march(5)}


def test_an_input_counts_as_changed_when_its_version_is_another_or_unknown():
    assert changed_inputs({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 0}) == ["b", "c"]
