"""Which hours a forecast knows and which it is asked for: from core/hourly_activity and core/calendar."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import MICROSECONDS, day_number, microseconds
from streaming_assets.transforms.daily import hours_of

HISTORY_DAYS = 140
"""28 days of lags, 56 to fit, 28 to warm up the residuals and 28 to evaluate: what lies before is not looked at."""
HORIZONS = 24
_DAY = dt.timedelta(days=1)


def history(
    hourly_activity: ibis.Table, calendar: ibis.Table, latest_event_at: dt.datetime, as_of: dt.date
) -> ibis.Table:
    """Every complete hour of the last 140 days up to T: (hour_at, date, local_hour, day_of_week, value).

    value: active users, NULL throughout a day without any play, of which nothing is known. An hour is complete when the
    latest event (UTC) is not before its end. Begins with the first day with plays; day_of_week: 1 is Monday.
    """
    activity = hourly_activity.select("hour_at", value=_.active_users.cast("float64"))
    days = _since_first(hourly_activity, calendar, _last_day(latest_event_at, as_of))
    found = _hours(days).left_join(activity, "hour_at").filter(_ends_by(latest_event_at))
    return found.select("hour_at", "date", "local_hour", "day_of_week", "value").order_by("hour_at")


def ahead(calendar: ibis.Table, latest_event_at: dt.datetime, as_of: dt.date) -> ibis.Table:
    """The 24 hours after the last complete one: (hour_at, date, local_hour, day_of_week)."""
    last = _last_day(latest_event_at, as_of)
    near = calendar.filter(_.date >= ibis.literal(last - 2 * _DAY), _.date <= ibis.literal(last + 3 * _DAY))
    to_come = ~_ends_by(latest_event_at) | (_.date > ibis.literal(as_of))
    return _hours(near).filter(to_come).order_by("hour_at").limit(HORIZONS)


def plays_by_day(
    hourly_activity: ibis.Table, calendar: ibis.Table, latest_event_at: dt.datetime, as_of: dt.date
) -> ibis.Table:
    """(date, plays) of every complete day of the last 140 up to T, beginning with the first day with plays.

    plays: NULL where nobody played. A day is complete when the latest event is not before its end.
    """
    sums = hourly_activity.group_by("date").agg(plays=_.plays.sum().cast("float64"))
    days = _since_first(hourly_activity, calendar, _last_day(latest_event_at, as_of))
    complete = days.filter(microseconds(_.ends_at) <= _microseconds_of(latest_event_at))
    return complete.left_join(sums, "date").select("date", "plays").order_by("date")


def _ends_by(latest_event_at: dt.datetime) -> ibis.Deferred:
    return microseconds(_.hour_at) + 3600 * MICROSECONDS <= _microseconds_of(latest_event_at)


def _microseconds_of(at: dt.datetime) -> ibis.Value:
    return ibis.literal((at - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1), type="int64")


def _last_day(latest_event_at: dt.datetime, as_of: dt.date) -> dt.date:
    """T, or a day not before that of the latest event in any zone: T may be set to years after it."""
    return min(as_of, latest_event_at.date() + _DAY)


def _since_first(hourly_activity: ibis.Table, calendar: ibis.Table, last: dt.date) -> ibis.Table:
    first = hourly_activity.filter(_.plays > 0).agg(first=_.date.min()).as_scalar()
    earliest = last - (HISTORY_DAYS - 1) * _DAY
    return calendar.filter(_.date >= first, _.date >= ibis.literal(earliest), _.date <= ibis.literal(last))


def _hours(days: ibis.Table) -> ibis.Table:
    weekday = (day_number(_.date) % 7 + 1).cast("int64")
    return hours_of(days).mutate(day_of_week=weekday).select("hour_at", "date", "local_hour", "day_of_week")
