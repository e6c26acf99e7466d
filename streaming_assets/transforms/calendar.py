"""The reporting calendar: where days begin and how far local time is from UTC.

Zone arithmetic happens here and nowhere else; engines disagree on it silently.
"""

import datetime as dt
import itertools
from bisect import bisect_left
from zoneinfo import ZoneInfo

LAST_DAY = dt.date(2100, 12, 31)


Day = tuple[dt.date, dt.datetime, dt.datetime, dt.datetime | None, int]


def days(timezone: str, start: dt.date, last: dt.date = LAST_DAY) -> list[Day]:
    """(date, starts_at, ends_at, clock_changes_at, clock_shift_seconds) of every day from start to last.

    Instants are UTC without zone. A day whose midnight is skipped by a clock change starts at the change. Of two
    changes on one day the first is told.
    """
    zone = ZoneInfo(timezone)
    count = (last - start).days + 2
    dates = [start + dt.timedelta(days=number) for number in range(count)]
    starts = [_midnight_utc(date, zone) for date in dates]
    known = offsets(timezone, start, last)
    shifts = {at: (following - before) for (_, before), (at, following) in itertools.pairwise(known)}
    changes = sorted(shifts)
    found: list[Day] = []
    for date, starts_at, ends_at in zip(dates[:-1], starts[:-1], starts[1:], strict=True):
        place = bisect_left(changes, starts_at)
        change = changes[place] if place < len(changes) and changes[place] < ends_at else None
        found.append((date, starts_at, ends_at, change, shifts[change] if change else 0))
    return found


def offsets(timezone: str, start: dt.date, last: dt.date = LAST_DAY) -> list[tuple[dt.datetime, int]]:
    """(from_utc, offset_seconds): local time = UTC + offset from that instant until the next row's.

    The first row holds from `start` − 1 day.
    """
    zone = ZoneInfo(timezone)
    low = dt.datetime.combine(start, dt.time(), dt.UTC) - dt.timedelta(days=1)
    high = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=2)
    found = [(low.replace(tzinfo=None), _offset(low, zone))]
    if zone.key == "UTC":
        return found
    at = low
    while at < high:
        following = min(at + dt.timedelta(days=1), high)
        if _offset(following, zone) != _offset(at, zone):
            change = _change_between(at, following, zone)
            found.append((change.replace(tzinfo=None), _offset(change, zone)))
        at = following
    return found


def date_at(at: dt.datetime, timezone: str) -> dt.date:
    """The day of a UTC time without zone."""
    return at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).date()


def _offset(at: dt.datetime, zone: ZoneInfo) -> int:
    difference = at.astimezone(zone).utcoffset()
    assert difference is not None  # noqa: S101 - an aware datetime always has one
    return int(difference.total_seconds())


def _change_between(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    offset = _offset(before, zone)
    while after - before > dt.timedelta(seconds=1):
        middle = before + dt.timedelta(seconds=(after - before) // dt.timedelta(seconds=1) // 2)
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _midnight_utc(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    midnight = dt.datetime.combine(date, dt.time(), zone)
    at = midnight.astimezone(dt.UTC)
    if at.astimezone(zone).replace(tzinfo=None) != midnight.replace(tzinfo=None):
        at = _change_between(at - dt.timedelta(hours=12), at + dt.timedelta(hours=12), zone)
    return at.replace(tzinfo=None)
