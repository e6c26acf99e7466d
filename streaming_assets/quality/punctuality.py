"""Whether data come when they should, and days are computed when they can be: asked of the ledger, at a given time."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets.lake.pending import REACHES_AHEAD, REACHES_BACK

LIVE_WITHIN = dt.timedelta(days=2)
"""A file that was taken in this soon after its last event is of a service that runs."""


def is_live(ledger: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some file was taken in within two days of its last event; rows of raw/event_files."""
    return any(row["last_event_at"] and row["ingested_at"] - row["last_event_at"] <= LIVE_WITHIN for row in ledger)


def missing_days(
    ledger: Iterable[Mapping[str, Any]], days: Iterable[dt.date], yesterday: dt.date
) -> tuple[dt.date | None, Days | None]:
    """Of the days with events, the last one up to yesterday, and the days after it up to yesterday, which are missing.

    Later days say nothing of yesterday: a clock that runs ahead, or the night's first file, is not what was to come.
    None is missing of a lake that took in nothing but history, such as the sample, or that begins today.
    """
    last_day = max((day for day in days if day <= yesterday), default=None)
    if last_day is None or last_day == yesterday or not is_live(ledger):
        return last_day, None
    return last_day, Days(last_day + ONE_DAY, yesterday)


def hours_since_change(
    ledger: Iterable[Mapping[str, Any]], days: Iterable[dt.date], now: dt.datetime
) -> dict[dt.date, float]:
    """Per day, the hours since a file last changed rows that it is computed from; days that no file changed are left out."""
    changed: dict[dt.date, dt.datetime] = {}
    for row in ledger:
        for touched in row["touched_dates"]:
            for day in Days(touched, touched).around(REACHES_BACK, REACHES_AHEAD):
                changed[day] = max(changed.get(day, row["ingested_at"]), row["ingested_at"])
    return {day: hours_between(changed[day], now) for day in sorted(days) if day in changed}


def hours_between(earlier: dt.datetime, later: dt.datetime) -> float:
    """Hours, to a tenth."""
    return round((later - earlier) / dt.timedelta(hours=1), 1)
