"""Aggregates over all days, kept up to a day: always what one pass over everything gives."""

import datetime as dt

import pytest

from streaming_assets import contracts
from streaming_assets.assets.core import CONTENT_SEEN, FIRST_SEEN, USER_HABITS
from streaming_assets.assets.marts import FIRST_DAYS, TITLE_TOTALS, USER_TITLES
from streaming_assets.lake.days import ONE_DAY, Days, DayVersions
from streaming_assets.lake.fold import Fold, folded
from streaming_assets.lake.lake import Lake

from .rows import table_of

START = dt.date(2024, 1, 1)
FOLDS = (FIRST_SEEN, USER_HABITS, CONTENT_SEEN, TITLE_TOTALS, USER_TITLES, FIRST_DAYS)


def day(number: int) -> dt.date:
    return START + (number - 1) * ONE_DAY


def write(lake: Lake, first: int, last: int, changed: int = 0) -> None:
    """Days first … last of both daily tables: every third user plays every third day, what they play changes."""
    for name in {found.over for found in FOLDS}:
        contract = contracts.ALL[name]

        def build(part, contract=contract):
            return table_of(contract, [row for at in part for row in rows_of(at, changed)])

        lake.write_days(name, Days(day(first), day(last)), build, DayVersions(), weigh=name)


def rows_of(at: dt.date, changed: int) -> list[dict[str, object]]:
    number = (at - START).days + 1
    noon = dt.datetime.combine(at, dt.time(12, changed))
    if number == 20:
        return []
    return [
        {
            "user_id": f"u{number % 3}",
            "content_id": f"c{number % 5}",
            "title": f"title {number // 40}",
            "genre": None,
            "state": "CA" if number % 2 else None,
            "date": at,
            "plays": 1 + changed,
            "first_event_at": noon,
            "last_event_at": noon,
            "watch_seconds": 60.0,
            "completion_pct_n": changed,
            "completion_histogram": [changed, *[0] * 18, number],
        }
    ]


def found(lake: Lake, aggregate: Fold) -> list[dict[str, object]]:
    return by_key(folded(lake, aggregate), aggregate)


def at_once(lake: Lake, aggregate: Fold, days: Days | None = None) -> list[dict[str, object]]:
    return by_key(aggregate.fold(lake.read(aggregate.over, days)), aggregate)


def by_key(rows, aggregate: Fold) -> list[dict[str, object]]:
    columns = contracts.ALL[aggregate.kept].column_names
    return sorted(rows.select(*columns).to_pyarrow().to_pylist(), key=repr)


def kept_through(lake: Lake, aggregate: Fold) -> dt.date:
    return dt.date.fromisoformat(lake.snapshot(aggregate.kept).state.notes["through"])


@pytest.mark.parametrize("aggregate", FOLDS, ids=lambda found: found.kept)
def test_what_is_kept_and_the_newest_days_are_the_same_as_everything_at_once(lake, aggregate):
    write(lake, 1, 100)
    expected = at_once(lake, aggregate)
    assert len(expected) >= 3
    assert found(lake, aggregate) == expected
    assert kept_through(lake, aggregate) == day(70)
    assert found(lake, aggregate) == expected


@pytest.mark.parametrize("aggregate", FOLDS, ids=lambda found: found.kept)
@pytest.mark.parametrize("rewritten", [1, 70, 71, 100])
def test_a_day_written_again_counts_as_it_is_now_whether_it_was_kept_or_not(lake, aggregate, rewritten):
    write(lake, 1, 100)
    found(lake, aggregate)
    write(lake, rewritten, rewritten, changed=7)
    assert found(lake, aggregate) == at_once(lake, aggregate)


@pytest.mark.parametrize("aggregate", FOLDS, ids=lambda found: found.kept)
@pytest.mark.parametrize("last", [40, 70, 71, 99, 150])
def test_up_to_a_day_it_is_everything_up_to_that_day_whether_more_is_kept_or_less(lake, aggregate, last):
    write(lake, 1, 100)
    found(lake, aggregate)
    up_to = by_key(folded(lake, aggregate, day(last)), aggregate)
    assert up_to == at_once(lake, aggregate, Days(day(1), day(last)))


def test_a_day_before_all_others_counts(lake):
    write(lake, 2, 100)
    assert found(lake, FIRST_SEEN) == at_once(lake, FIRST_SEEN)
    write(lake, 1, 1)
    assert {row["user_id"]: row["first_event_at"] for row in found(lake, FIRST_SEEN)} == {
        "u1": dt.datetime(2024, 1, 1, 12),
        "u2": dt.datetime(2024, 1, 2, 12),
        "u0": dt.datetime(2024, 1, 3, 12),
    }


def test_a_day_that_was_emptied_no_longer_counts(lake):
    write(lake, 1, 100)
    found(lake, FIRST_SEEN)
    empty = table_of(contracts.ALL[FIRST_SEEN.over], [])
    lake.write_days(FIRST_SEEN.over, Days(day(1), day(1)), lambda part: empty, DayVersions(), weigh=FIRST_SEEN.over)
    first = {row["user_id"]: row["first_event_at"] for row in found(lake, FIRST_SEEN)}
    assert first["u1"] == dt.datetime(2024, 1, 4, 12)


def test_new_days_leave_what_is_kept_alone_until_there_are_many_of_them(lake):
    write(lake, 1, 100)
    found(lake, FIRST_SEEN)
    version = lake.snapshot(FIRST_SEEN.kept).state.version
    write(lake, 101, 130)
    assert found(lake, FIRST_SEEN) == at_once(lake, FIRST_SEEN)
    assert lake.snapshot(FIRST_SEEN.kept).state.version == version
    write(lake, 131, 131)
    assert found(lake, FIRST_SEEN) == at_once(lake, FIRST_SEEN)
    assert kept_through(lake, FIRST_SEEN) == day(101)


def test_when_every_day_is_gone_nothing_is_left_and_new_days_start_afresh(lake):
    write(lake, 1, 100)
    found(lake, FIRST_SEEN)
    empty = table_of(contracts.ALL[FIRST_SEEN.over], [])
    lake.write_days(FIRST_SEEN.over, Days(day(1), day(100)), lambda part: empty, DayVersions(), weigh=FIRST_SEEN.over)
    assert found(lake, FIRST_SEEN) == []
    write(lake, 90, 91)
    assert found(lake, FIRST_SEEN) == at_once(lake, FIRST_SEEN)


def test_a_table_without_rows_gives_no_rows_of_the_right_types(lake):
    rows = folded(lake, FIRST_SEEN)
    assert rows.schema() == contracts.ALL[FIRST_SEEN.kept].schema
    assert rows.to_pyarrow().num_rows == 0
