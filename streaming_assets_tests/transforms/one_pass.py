"""Sessions by one pass over everything a user played, written from the definition: the truth for property tests."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

DAY = dt.timedelta(days=1)


def _is_full(day: dt.date, plays: list[tuple[dt.datetime, dt.datetime]], gap: dt.timedelta) -> bool:
    low = dt.datetime.combine(day, dt.time())
    high = low + DAY
    covered_until = low
    for start, end in sorted(plays):
        if start.date() not in (day - DAY, day):
            continue
        start, end = max(start, low), min(end, high)
        if end < low or start >= high:
            continue
        if start - covered_until > gap:
            return False
        covered_until = max(covered_until, end)
    return high - covered_until <= gap


def one_pass(
    events: Iterable[dict[str, Any]], gap_minutes: int
) -> list[tuple[str, dt.datetime, dt.datetime, int, int, bool]]:
    """(user, start, end, plays, plays on the next day, is cut) of every session, in UTC days."""
    gap = dt.timedelta(minutes=gap_minutes)
    found = []
    events = [row for row in events if row["event_type"] == "play"]
    for user in sorted({row["user_id"] for row in events}):
        plays = sorted(
            (row["started_at"], row["event_id"], row["started_at"] + dt.timedelta(seconds=row["watch_seconds"] or 0))
            for row in events
            if row["user_id"] == user
        )
        spans = [(start, end) for start, _, end in plays]
        days = {start.date() + number * DAY for start, _ in spans for number in (0, 1)}
        full = {day for day in days if _is_full(day, spans, gap)}
        sessions: list[list[tuple[dt.datetime, dt.datetime]]] = []
        busy_until = None
        for start, end in spans:
            previous = sessions[-1][-1][0].date() if sessions else None
            after_full = previous is not None and any(previous <= day < start.date() for day in full)
            if busy_until is None or start - busy_until > gap or after_full:
                sessions.append([])
            sessions[-1].append((start, end))
            busy_until = end if busy_until is None else max(busy_until, end)
        for session in sessions:
            first = session[0][0].date()
            natural = max(end for _, end in session)
            cuts = [dt.datetime.combine(day + DAY, dt.time()) for day in (first, first + DAY) if day in full]
            end = min([natural, *cuts])
            found.append(
                (
                    user,
                    session[0][0],
                    end,
                    len(session),
                    sum(start.date() > first for start, _ in session),
                    end < natural,
                )
            )
    return sorted(found)
