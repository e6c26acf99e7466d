"""The whole audience over time: what it plays per day, week and hour, who is active, who comes and who goes.

Every function takes what is known up to T (`as_of`); a period is a day or an ISO week, numbered from a fixed Monday.
"""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import MONDAY, count_where, day_number, iso_week, total
from streaming_assets.transforms.daily import hours_of

WINDOWS = {"wau_7d": 7, "mau_28d": 28}


def platform_daily(user_daily: ibis.Table, sessions: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """One row per day from the first play to T, zeros included. Columns: contract marts/platform_daily."""
    return _figures(
        _days(user_daily, calendar, as_of),
        user_daily.mutate(period=day_number(_.date)),
        sessions.mutate(period=day_number(_.session_date)),
    )


def platform_weekly(user_daily: ibis.Table, sessions: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """One row per ISO week from the first play to T, zeros included. Columns: contract marts/platform_weekly."""
    first = user_daily.filter(_.plays > 0).agg(first=_.date.min())
    since_first = user_daily.filter(_.date >= first.as_scalar())
    return _figures(
        _weeks(user_daily, calendar, as_of),
        since_first.mutate(period=_week_number(_.date)),
        sessions.mutate(period=_week_number(_.session_date)),
    )


def active_users(user_daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """Users of each day and of the windows that end with it. Columns: contract marts/active_users.

    A user enters a window's count on a day of plays and leaves it at the next such day, where they enter again, or when
    the window has passed: one entry and one exit per user and day, summed over the days so far.
    """
    active = _active(user_daily, day_number(_.date))
    in_order = ibis.window(group_by="user_id", order_by="period")
    followed = active.mutate(next_period=_.period.lead().over(in_order))
    entries = active.group_by("period").agg(dau=_.count())
    exits = [_exits(followed, name, days) for name, days in WINDOWS.items()]
    so_far = ibis.cumulative_window(order_by="period")
    return (
        _joined(_days(user_daily, calendar, as_of), entries, *exits)
        .mutate(dau=_.dau.coalesce(0))
        .mutate(**{name: (_.dau - _[f"left_{name}"].coalesce(0)).sum().over(so_far) for name in WINDOWS})
        .mutate(dau_mau_ratio=_.dau / _.mau_28d.nullif(0))
    )


def lifecycle_daily(user_daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """New, returning, resurrecting and dormant users of each day. Columns: contract marts/lifecycle_daily."""
    return _lifecycle(_days(user_daily, calendar, as_of), _active(user_daily, day_number(_.date)))


def lifecycle_weekly(user_daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """New, returning, resurrecting and dormant users of each ISO week. Columns: contract marts/lifecycle_weekly."""
    return _lifecycle(_weeks(user_daily, calendar, as_of), _active(user_daily, _week_number(_.date)))


def hourly_profile(hourly_activity: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """Means per day of the week and hour of the local clock. Columns: contract marts/hourly_profile.

    The means are over every such hour between the first day with a play and T, as often as the clocks showed it.
    """
    span = _since_first(hourly_activity, calendar, as_of)
    found = hourly_activity.select("hour_at", "plays", "active_users")
    return (
        hours_of(span)
        .left_join(found, "hour_at")
        .group_by(day_of_week=day_number(_.date) % 7 + 1, hour=_.local_hour)
        .agg(hours=_.count(), plays=total(_.plays), user_hours=total(_.active_users))
        .mutate(mean_plays=_.plays / _.hours, mean_active_users=_.user_hours / _.hours)
    )


def _week_number(date: ibis.Value) -> ibis.Value:
    return day_number(date) // 7


def _since_first(daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """The days of the calendar from the first one with plays to T; none where nothing was played."""
    first = daily.filter(_.plays > 0).agg(first=_.date.min())
    return calendar.filter(_.date >= first.as_scalar(), _.date <= ibis.literal(as_of))


def _days(user_daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """(period, date, is_complete) of every day from the first play to T, which is there as a whole."""
    span = _since_first(user_daily, calendar, as_of)
    return span.select("date", period=day_number(_.date), is_complete=ibis.literal(True))


def _weeks(user_daily: ibis.Table, calendar: ibis.Table, as_of: dt.date) -> ibis.Table:
    """(period, iso_year, iso_week, week_start, is_complete) of every ISO week from the first play to T.

    A week belongs to the year of its Thursday, and is complete when its Sunday is not after T (ISO 8601).
    """
    weeks_over = ((as_of - MONDAY).days + 1) // 7
    return (
        _since_first(user_daily, calendar, as_of)
        .select(period=_week_number(_.date), week_start=_.date.truncate("W"))
        .distinct()
        .mutate(thursday=_.week_start + ibis.interval(days=3))
        .select(
            "period",
            "week_start",
            iso_year=_.thursday.year(),
            iso_week=iso_week(_.thursday),
            is_complete=_.period < weeks_over,
        )
    )


def _active(user_daily: ibis.Table, period: ibis.Deferred) -> ibis.Table:
    """(user_id, period): who played when, once each."""
    return user_daily.filter(_.plays > 0).select("user_id", period=period).distinct()


def _figures(periods: ibis.Table, user_days: ibis.Table, sessions: ibis.Table) -> ibis.Table:
    """Figures of each of the periods from user-days and sessions that have a `period`."""
    joined = _joined(periods, _played(user_days), _audience(user_days), _started(sessions))
    counts = ("plays", "skips", "active_users", "new_users", "sessions")
    knows_watch_time = (_.plays == 0) | (_.plays_with_watch_time > 0)
    return (
        joined.mutate(**{name: _[name].coalesce(0) for name in counts})
        .mutate(watch_hours=knows_watch_time.ifelse(_.watch_seconds.coalesce(0) / 3600, ibis.null("float64")))
        .mutate(
            avg_completion_pct=_.completion_pct_sum / _.completion_pct_n.nullif(0),
            weighted_completion_pct=100 * (_.watched_known_seconds / _.content_known_seconds.nullif(0)),
            avg_session_minutes=_.session_seconds / 60 / _.sessions.nullif(0),
            skip_rate=_.skips / _.plays.nullif(0),
            plays_per_user=_.plays / _.active_users.nullif(0),
            avg_watch_minutes_per_user=_.watch_hours * 60 / _.active_users.nullif(0),
        )
    )


def _played(user_days: ibis.Table) -> ibis.Table:
    sums = (
        "plays",
        "skips",
        "watch_seconds",
        "plays_with_watch_time",
        "completion_pct_sum",
        "completion_pct_n",
        "watched_known_seconds",
        "content_known_seconds",
    )
    return user_days.group_by("period").agg(**{name: _[name].sum() for name in sums})


def _audience(user_days: ibis.Table) -> ibis.Table:
    """(period, active_users, new_users): a user is new in the first period of plays."""
    first = ibis.row_number().over(ibis.window(group_by="user_id", order_by="period")) == 0
    return (
        _active(user_days, _.period)
        .mutate(is_new=first)
        .group_by("period")
        .agg(active_users=_.count(), new_users=count_where(_.is_new))
    )


def _started(sessions: ibis.Table) -> ibis.Table:
    return sessions.group_by("period").agg(sessions=_.count(), session_seconds=_.duration_seconds.sum())


def _exits(followed: ibis.Table, name: str, days: int) -> ibis.Table:
    """(period, left_<name>): users who leave a window of so many days before this day is counted."""
    passed = _.period + days
    leaves = (_.next_period < passed).ifelse(_.next_period, passed)
    return followed.group_by(period=leaves).agg(**{f"left_{name}": _.count()})


def _lifecycle(periods: ibis.Table, active: ibis.Table) -> ibis.Table:
    """Who came and who went in each of the periods; active holds (user_id, period)."""
    in_order = ibis.window(group_by="user_id", order_by="period")
    placed = active.mutate(before=_.period.lag().over(in_order), after=_.period.lead().over(in_order))
    came = placed.group_by("period").agg(
        active=_.count(),
        new=count_where(_.before.isnull()),
        returning=count_where(_.before == _.period - 1),
        resurrecting=count_where(_.before < _.period - 1),
    )
    went = (
        placed.filter(_.after.isnull() | (_.after > _.period + 1)).group_by(period=_.period + 1).agg(dormant=_.count())
    )
    counts = ("active", "new", "returning", "resurrecting", "dormant")
    return _joined(periods, came, went).mutate(**{name: _[name].coalesce(0) for name in counts})


def _joined(periods: ibis.Table, *parts: ibis.Table) -> ibis.Table:
    """Each period with what the parts know of it, NULL where they have no row."""
    for part in parts:
        periods = periods.left_join(part, "period").drop("period_right")
    return periods
