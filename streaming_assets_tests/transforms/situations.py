"""Situations for the transforms: events written as a person would tell them, and tables made of them."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets.contracts import core
from streaming_assets.transforms.calendar import days
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.sessions import sessions

FIRST_DAY = dt.date(2026, 3, 2)
MIDNIGHT = dt.datetime.combine(FIRST_DAY, dt.time())


def at(text: str) -> dt.datetime:
    """'20:15' or '20:15:30' on the first day, '+1d 00:20' on the one after, '-1d 23:00' on the one before."""
    day, _, clock = text.rpartition(" ")
    parts = [int(part) for part in clock.split(":")]
    offset = dt.timedelta(days=int(day.removesuffix("d")) if day else 0)
    return MIDNIGHT + offset + dt.timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2] if len(parts) > 2 else 0)


def event(user_id: str, started_at: dt.datetime, event_type: str = "play", **columns: Any) -> dict[str, Any]:
    """A row of core/events in UTC; what is not given is unknown."""
    known = {
        "user_id": user_id,
        "started_at": started_at,
        "event_type": event_type,
        "event_id": f"{user_id}-{started_at:%d%H%M%S%f}-{event_type}-{columns.get('content_id', 'c')}",
        "content_id": "c",
        "event_date": started_at.date(),
        "local_hour": started_at.hour,
    }
    return {**dict.fromkeys(core.events.column_names), **known, **columns}


def play(user_id: str, start: str, end: str | None = None, **columns: Any) -> dict[str, Any]:
    """A play from start to end; without an end its watch time is unknown."""
    watched = None if end is None else (at(end) - at(start)).total_seconds()
    return event(user_id, at(start), watch_seconds=watched, **columns)


def table(rows: Iterable[dict[str, Any]], contract: Any = core.events) -> ibis.Table:
    """Rows as a lazy table of a contract."""
    return ibis.memtable(pa.Table.from_pylist(list(rows), schema=contract.schema.to_pyarrow()), schema=contract.schema)


def calendar(
    timezone: str = "UTC", first: dt.date = dt.date(2026, 2, 1), last: dt.date = dt.date(2026, 5, 1)
) -> ibis.Table:
    return ibis.memtable(days(timezone, first, last), schema=core.calendar.schema)


def rows_of(result: ibis.Table, contract: Any, order_by: Any) -> list[dict[str, Any]]:
    """The result as rows of the contract, in an order."""
    found = result.select(*contract.column_names).cast(dict(contract.schema.items())).order_by(order_by)
    return found.to_pyarrow().to_pylist()


def plays_of(rows: Iterable[dict[str, Any]], gap_minutes: int = 30, timezone: str = "UTC") -> list[dict[str, Any]]:
    made = plays(table(rows), calendar(timezone), gap_minutes)
    return rows_of(made, core.plays, ["user_id", "started_at", "event_id"])


def sessions_of(rows: Iterable[dict[str, Any]], gap_minutes: int = 30, timezone: str = "UTC") -> list[dict[str, Any]]:
    """All sessions of the events, in order of user and start."""
    rows = list(rows)
    played = table(plays_of(rows, gap_minutes, timezone), core.plays)
    return rows_of(sessions(played, table(rows), calendar(timezone)), core.sessions, ["user_id", "started_at"])


def bounds(found: Iterable[dict[str, Any]]) -> list[tuple[dt.datetime, dt.datetime, int]]:
    return [(row["started_at"], row["ended_at"], row["plays"]) for row in found]
