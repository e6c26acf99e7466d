"""Days of users as core tables have them, told from a cutoff: how many days before it, or after where negative."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis

from streaming_assets.contracts import core
from streaming_assets.contracts.models.churn import churn_snapshots
from streaming_assets.models.churn.snapshot import snapshots
from streaming_assets_tests.transforms.situations import calendar, rows_of, table

C = dt.date(2026, 6, 1)
EPOCH = dt.datetime(1970, 1, 1)
LAST_OF_LABEL = C + dt.timedelta(days=28)
Row = dict[str, Any]


def before(days: int) -> dt.date:
    return C - dt.timedelta(days=days)


def instant(days: int, clock: str = "12:00") -> dt.datetime:
    return dt.datetime.combine(before(days), dt.time.fromisoformat(clock))


def day(user_id: str, days_before: int, plays: int = 1, hours: float | None = None, **columns: Any) -> Row:
    """A row of core/user_daily; without hours no watch time is known."""
    numbers = dict.fromkeys((name for name, kind in core.user_daily.schema.items() if kind.is_numeric()), 0)
    known = {
        "user_id": user_id,
        "date": before(days_before),
        "plays": plays,
        "watch_seconds": 3600.0 * (hours or 0),
        "plays_with_watch_time": 0 if hours is None else plays,
    }
    return {**dict.fromkeys(core.user_daily.column_names), **numbers, **known, **columns}


def played(user_id: str, days_before: int, content_id: str = "c", clock: str = "12:00", **columns: Any) -> Row:
    """A row of core/user_content_daily, one play where nothing is said."""
    known = {
        "user_id": user_id,
        "content_id": content_id,
        "date": before(days_before),
        "plays": 1,
        "last_event_at": instant(days_before, clock),
    }
    return {**dict.fromkeys(core.user_content_daily.column_names), **known, **columns}


def session(user_id: str, days_before: int, stops: int = 0) -> Row:
    """A row of core/sessions."""
    known = {"user_id": user_id, "session_date": before(days_before), "buffer_events": stops}
    return {**dict.fromkeys(core.sessions.column_names), **known}


def record(user_id: str, days_before: int = 400, clock: str = "00:00", **columns: Any) -> Row:
    """A row of core/users that holds from an instant on."""
    known = {"user_id": user_id, "valid_from": instant(days_before, clock), "is_derived": False}
    return {**dict.fromkeys(core.users.column_names), **known, **columns}


def derived(rows: Iterable[Row], users: Iterable[Row]) -> list[Row]:
    """A row of core/users for each user of the rows who has no record."""
    unknown = {row["user_id"] for row in rows} - {row["user_id"] for row in users}
    return [{**record(user_id), "valid_from": EPOCH, "is_derived": True} for user_id in sorted(unknown)]


def title(content_id: str, genre: str | None, is_derived: bool = False) -> Row:
    """A row of core/content."""
    known = {"content_id": content_id, "genre": genre, "is_derived": is_derived}
    return {**dict.fromkeys(core.content.column_names), **known}


def tables(
    days: Iterable[Row],
    played: Iterable[Row] = (),
    sessions: Iterable[Row] = (),
    plays: Iterable[Row] = (),
    users: Iterable[Row] = (),
    content: Iterable[Row] = (),
    timezone: str = "UTC",
) -> dict[str, ibis.Table]:
    """What snapshots are made of; users without a record are those that the days name."""
    days, users = list(days), list(users)
    return {
        "user_daily": table(days, core.user_daily),
        "user_content_daily": table(played, core.user_content_daily),
        "sessions": table(sessions, core.sessions),
        "plays": table(plays, core.plays),
        "users": table([*users, *derived(days, users)], core.users),
        "content": table(content, core.content),
        "calendar": calendar(timezone, dt.date(2025, 12, 1), dt.date(2026, 9, 1)),
    }


def known_at(
    inputs: Mapping[str, ibis.Table],
    cutoffs: Sequence[dt.date] = (C,),
    as_of: dt.date = LAST_OF_LABEL,
    observation_days: int = 90,
) -> dict[Any, Row]:
    """Rows of the snapshots by user, or by user and cutoff where there are several cutoffs."""
    found = snapshots(cutoffs, as_of=as_of, observation_days=observation_days, **inputs)
    rows = rows_of(found, churn_snapshots, ["user_id", "cutoff"])
    return {row["user_id"] if len(cutoffs) == 1 else (row["user_id"], row["cutoff"]): row for row in rows}
