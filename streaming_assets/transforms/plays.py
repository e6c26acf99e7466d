"""Plays in their session context: where sessions start, watch time where it must be assumed, skips."""

import ibis
from ibis import _

from streaming_assets.contracts import core
from streaming_assets.contracts.raw import SOURCE_RULES
from streaming_assets.transforms.columns import MICROSECONDS, as_microseconds, microseconds

LOOKBACK_DAYS = 2
LOOKAHEAD_DAYS = 1

_MADE_HERE = ("watch_is_assumed", "is_session_start", "is_skip", "day_is_full")
_RULES = tuple(column.name for column in SOURCE_RULES)
_CARRIED = (*(name for name in core.plays.column_names if name not in _MADE_HERE), *_RULES)


def plays(events: ibis.Table, calendar: ibis.Table, gap_minutes: int) -> ibis.Table:
    """The plays among the events, each knowing whether it starts a session.

    Grain and columns: contract core/plays. What stands on day D follows from the events of D − 2 … D + 1.

    A play starts a session when more than the gap passed between the latest end among the user's earlier plays and
    its start, and when it is the first after a full day: a day without a stretch longer than the gap that no play
    covers. A play ends at started_at + watch_seconds, at started_at where that is unknown; assumed watch times never
    move a boundary.
    """
    gap = gap_minutes * 60 * MICROSECONDS
    timed = _timed(events.filter(_.event_type == "play").select(*_CARRIED), calendar)
    full_days = _full_days(timed, gap)
    marked = _mark_starts(timed, full_days, gap)
    return _watch_and_skips(marked)


def _timed(plays: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """Plays with their bounds in microseconds: starts, ends, the day's, and how long the user was busy before."""
    days = calendar.mutate(
        day_starts=microseconds(_.starts_at),
        day_ends=microseconds(_.ends_at),
        day_before_starts=microseconds(_.starts_at.lag().over(ibis.window(order_by="date"))),
    ).select("date", "day_starts", "day_ends", "day_before_starts")
    in_order = ibis.window(group_by="user_id", order_by=["starts", "event_id"])
    earlier = ibis.window(group_by="user_id", order_by=["starts", "event_id"], rows=(None, -1))
    return (
        plays.join(days, plays.event_date == days.date)
        .drop("date")
        .mutate(starts=microseconds(_.started_at))
        .mutate(ends=_.starts + as_microseconds(_.watch_seconds).coalesce(0))
        .mutate(busy_until=_.ends.max().over(earlier), date_before=_.event_date.lag().over(in_order))
    )


def _full_days(timed: ibis.Table, gap: int) -> ibis.Table:
    """(user_id, event_date) of the days on which a user plays and has no break longer than the gap."""
    return (
        timed.mutate(uncovered=_.starts - ibis.greatest(_.busy_until.coalesce(_.day_starts), _.day_starts))
        .group_by("user_id", "event_date")
        .agg(
            longest=_.uncovered.max(),
            rest=_.day_ends.max() - ibis.greatest(_.ends.max(), _.busy_until.max().coalesce(_.ends.max())),
        )
        .filter((_.longest <= gap) & (_.rest <= gap))
        .select("user_id", "event_date")
    )


def _mark_starts(timed: ibis.Table, full_days: ibis.Table, gap: int) -> ibis.Table:
    today = full_days.mutate(day_is_full=True)
    yesterday = full_days.select(
        "user_id",
        event_date=_.event_date + ibis.interval(days=1),
        day_before_is_full=True,
    )
    # A day on which the user started nothing can be full too, covered by a play of the day before it.
    rest_of_idle_day = _.day_starts - ibis.greatest(_.busy_until, _.day_before_starts)
    was_idle = _.date_before < _.event_date - ibis.interval(days=1)
    is_first_of_day = _.date_before.isnull() | (_.date_before < _.event_date)
    after_full_day = _.day_before_is_full | (was_idle & (rest_of_idle_day <= gap))
    return (
        timed.left_join(today, ["user_id", "event_date"])
        .drop("user_id_right", "event_date_right")
        .left_join(yesterday, ["user_id", "event_date"])
        .drop("user_id_right", "event_date_right")
        .mutate(
            day_is_full=_.day_is_full.coalesce(False),
            day_before_is_full=_.day_before_is_full.coalesce(False),
        )
        .mutate(
            is_session_start=(
                _.busy_until.isnull() | (_.starts > _.busy_until + gap) | (is_first_of_day & after_full_day)
            ).coalesce(False)
        )
    )


def _watch_and_skips(marked: ibis.Table) -> ibis.Table:
    in_order = ibis.window(group_by="user_id", order_by=["starts", "event_id"])
    until_next = (_.next_starts - _.starts) / MICROSECONDS
    assumed = _.until_next.isnull().ifelse(_.assume_last_seconds, ibis.least(_.until_next, _.assume_until_next_seconds))
    return (
        marked.mutate(
            next_starts=_.starts.lead().over(in_order), next_is_start=_.is_session_start.lead().over(in_order)
        )
        .mutate(until_next=_.next_is_start.ifelse(ibis.null("float64"), until_next))
        .mutate(
            watch_is_assumed=_.watch_seconds.isnull() & _.assume_until_next_seconds.notnull(),
            is_skip=(_.until_next < _.skip_under_seconds).coalesce(False),
        )
        .mutate(watch_seconds=_.watch_is_assumed.ifelse(assumed, _.watch_seconds))
    )
