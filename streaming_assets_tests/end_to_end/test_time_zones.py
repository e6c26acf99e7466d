"""Days are days of the reporting zone, those with 23 and 25 hours too: a lake in Berlin's time over both clock changes."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets_tests.end_to_end.conftest import Moved

SPRING, AUTUMN = dt.date(2026, 3, 29), dt.date(2025, 10, 26)


@pytest.fixture(scope="module")
def core(moved_to_berlin: Moved) -> dict[str, pa.Table]:
    return moved_to_berlin.folder.core()


def of(rows: pa.Table, *columns: str, **wanted: Any) -> list[tuple[Any, ...]]:
    """Columns of the rows with the wanted values, sorted."""
    return sorted(
        tuple(row[name] for name in columns)
        for row in rows.to_pylist()
        if all(row[name] == value for name, value in wanted.items())
    )


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def hours(first: str, count: int) -> list[dt.datetime]:
    return [at(first) + dt.timedelta(hours=number) for number in range(count)]


def test_the_calendar_has_a_day_of_23_and_one_of_25_hours(core: dict[str, pa.Table]):
    assert of(core["core/calendar"], "starts_at", "ends_at", date=SPRING) == [
        (at("2026-03-28T23:00"), at("2026-03-29T22:00"))
    ]
    assert of(core["core/calendar"], "starts_at", "ends_at", date=AUTUMN) == [
        (at("2025-10-25T22:00"), at("2025-10-26T23:00"))
    ]


def test_hourly_activity_has_a_row_for_every_hour_that_there_was(core: dict[str, pa.Table]):
    assert [hour for (hour,) in of(core["core/hourly_activity"], "hour_at", date=SPRING)] == hours(
        "2026-03-28T23:00", 23
    )
    assert [hour for (hour,) in of(core["core/hourly_activity"], "hour_at", date=AUTUMN)] == hours(
        "2025-10-25T22:00", 25
    )


def test_plays_count_to_the_hour_in_which_they_started(core: dict[str, pa.Table]):
    found = of(core["core/hourly_activity"], "hour_at", "plays", "active_users", "watch_seconds", date=AUTUMN)
    assert [row for row in found if row[1]] == [
        (at("2025-10-26T00:00"), 1, 1, 600.0),
        (at("2025-10-26T01:00"), 1, 1, 600.0),
        (at("2025-10-26T22:00"), 1, 1, 1200.0),
    ]
    spring = of(core["core/hourly_activity"], "hour_at", "plays", date=SPRING)
    # Besides the steady users' 6 plays at 8, 13 and 21 o'clock UTC; the one at 23:10 UTC is of the spring owl.
    assert [row for row in spring if row[1]] == [
        (at("2026-03-28T23:00"), 1),
        (at("2026-03-29T00:00"), 1),
        (at("2026-03-29T01:00"), 1),
        (at("2026-03-29T08:00"), 6),
        (at("2026-03-29T13:00"), 6),
        (at("2026-03-29T21:00"), 7),
    ]


def test_a_day_ends_at_its_own_midnight(core: dict[str, pa.Table]):
    dates = {
        user: of(core["core/events"], "event_date", "local_hour", user_id=user)
        for user in ("last of day", "first of day")
    }
    assert dates == {"last of day": [(SPRING, 23)], "first of day": [(SPRING + dt.timedelta(days=1), 0)]}


def test_hours_that_come_twice_or_never_are_told_by_the_clock_on_the_wall(core: dict[str, pa.Table]):
    told = ("started_at", "event_date", "local_hour")
    assert of(core["core/events"], *told, user_id="autumn owl") == [
        (at("2025-10-26T00:40"), AUTUMN, 2),
        (at("2025-10-26T01:20"), AUTUMN, 2),
        (at("2025-10-26T22:50"), AUTUMN, 23),
    ]
    assert of(core["core/events"], *told, user_id="spring owl") == [
        (at("2026-03-28T22:50"), SPRING - dt.timedelta(days=1), 23),
        (at("2026-03-28T23:10"), SPRING, 0),
        (at("2026-03-29T00:50"), SPRING, 1),
        (at("2026-03-29T01:05"), SPRING, 3),
    ]


def test_a_session_goes_on_over_midnight_and_the_clock_change(core: dict[str, pa.Table]):
    told = ("session_date", "started_at", "ended_at", "plays", "plays_next_day", "duration_seconds")
    assert of(core["core/sessions"], *told, user_id="spring owl") == [
        (SPRING - dt.timedelta(days=1), at("2026-03-28T22:50"), at("2026-03-29T01:15"), 4, 3, 8700.0)
    ]
    assert of(core["core/sessions"], *told, user_id="autumn owl") == [
        (AUTUMN, at("2025-10-26T00:40"), at("2025-10-26T01:30"), 2, 0, 3000.0),
        (AUTUMN, at("2025-10-26T22:50"), at("2025-10-26T23:10"), 1, 0, 1200.0),
    ]


def test_users_days_and_partitions_are_days_of_the_zone(core: dict[str, pa.Table]):
    assert of(core["core/user_daily"], "date", "plays", user_id="spring owl") == [
        (SPRING - dt.timedelta(days=1), 1),
        (SPRING, 3),
    ]
    for table in (table for table in contracts.ALL.values() if table.group == "core" and table.day_column):
        days = set(core[table.name].column(table.day_column).to_pylist())
        assert {AUTUMN, SPRING} <= days, table.name
    assert of(core["core/events"], "user_id", event_date=AUTUMN - dt.timedelta(days=1)) == []
