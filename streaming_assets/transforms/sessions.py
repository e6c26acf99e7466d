"""Sessions: runs of plays of one user without a break longer than the gap."""

import ibis
from ibis import _

from streaming_assets.transforms.columns import (
    MICROSECONDS,
    as_microseconds,
    count_where,
    from_microseconds,
    microseconds,
    total,
)

LOOKAHEAD_DAYS = 1


def sessions(plays: ibis.Table, events: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """One row per session that starts among the plays.

    Grain and columns: contract core/sessions. The sessions of day D follow from the plays and events of D and D + 1;
    those of the last day among the inputs are there too and may miss what comes after it.
    Events that are no plays join the session that is open at their time, and never start or extend one.
    """
    bounded = _bound(_aggregate(_with_session(plays)), calendar)
    extras = _inside(bounded, events.filter(_.event_type != "play"))
    return (
        bounded.left_join(extras, ["user_id", "starts"])
        .drop("user_id_right", "starts_right")
        .mutate(
            session_id=(_.user_id + "\x1f" + _.starts.cast("string")).hexdigest("md5"),
            started_at=from_microseconds(_.starts),
            ended_at=from_microseconds(_.ends),
            duration_seconds=(_.ends - _.starts) / MICROSECONDS,
            skips=_.skips + _.skip_events.coalesce(0),
            pauses=_.pauses + _.pause_events.coalesce(0),
        )
    )


def _with_session(plays: ibis.Table) -> ibis.Table:
    """Plays with the start and the day of their session; those whose session began before the inputs are left out."""
    so_far = ibis.cumulative_window(group_by="user_id", order_by=["started_at", "event_id"])
    return (
        plays.mutate(starts=microseconds(_.started_at))
        .mutate(ends=_.starts + as_microseconds(_.watch_seconds).coalesce(0))
        .mutate(
            known_ends=_.watch_is_assumed.ifelse(_.starts, _.ends),
            session_starts=_.is_session_start.ifelse(_.starts, ibis.null("int64")).max().over(so_far),
            session_date=_.is_session_start.ifelse(_.event_date, ibis.null("date")).max().over(so_far),
        )
        .filter(_.session_starts.notnull())
    )


def _aggregate(plays: ibis.Table) -> ibis.Table:
    in_order = ibis.struct({"started_at": _.started_at, "event_id": _.event_id})
    return plays.group_by("user_id", starts=_.session_starts, session_date=_.session_date).agg(
        natural_ends=_.ends.max(),
        known_ends=_.known_ends.max(),
        start_day_is_full=(_.day_is_full & (_.event_date == _.session_date)).any(),
        plays=_.count(),
        plays_next_day=count_where(_.event_date > _.session_date),
        skips=count_where(_.is_skip),
        distinct_content=_.content_id.nunique(),
        distinct_creators=_.creator.nunique(),
        distinct_genres=_.genre.nunique(),
        watch_seconds=total(_.watch_seconds),
        watch_is_assumed=_.watch_is_assumed.any(),
        pauses=total(_.pauses),
        buffer_events=total(_.buffer_events),
        recommended_plays=count_where(_.was_recommended),
        platform=_.platform.argmin(in_order, where=_.platform.notnull()),
    )


def _bound(found: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """Ends: a full day cuts its session at its end, and no session outlasts the day after its first.

    Known watch times reach past neither that nor the user's next session; an assumed one is held there.
    """
    days = calendar.mutate(
        day_ends=microseconds(_.ends_at),
        next_day_ends=microseconds(_.ends_at.lead().over(ibis.window(order_by="date"))),
    ).select("date", "day_ends", "next_day_ends")
    in_order = ibis.window(group_by="user_id", order_by="starts")
    return (
        found.join(days, found.session_date == days.date)
        .mutate(
            bound=_.start_day_is_full.ifelse(_.day_ends, _.next_day_ends),
            next_session=_.starts.lead().over(in_order),
        )
        .mutate(
            ends=ibis.least(_.natural_ends, _.bound, _.next_session.coalesce(_.bound)),
            is_cut=_.known_ends > _.bound,
        )
        .drop(
            "date",
            "day_ends",
            "next_day_ends",
            "natural_ends",
            "known_ends",
            "start_day_is_full",
            "next_session",
            "bound",
        )
    )


def _inside(bounded: ibis.Table, others: ibis.Table) -> ibis.Table:
    """Per session: the skip and pause events within its bounds."""
    starts = bounded.select("user_id", at=_.starts, kind=ibis.literal("session"), session=_.starts)
    stream = starts.union(
        others.select("user_id", at=microseconds(_.started_at), kind=_.event_type, session=ibis.null("int64"))
    )
    # At one instant the session comes first: an event at its very start is inside.
    so_far = ibis.cumulative_window(group_by="user_id", order_by=["at", ibis.desc(stream.kind == "session")])
    placed = stream.mutate(starts=stream.session.max().over(so_far)).filter(_.kind.isin(["skip", "pause"]))
    return (
        placed.join(bounded.select("user_id", "starts", "ends"), ["user_id", "starts"])
        .filter(_.at <= _.ends)
        .group_by("user_id", "starts")
        .agg(skip_events=count_where(_.kind == "skip"), pause_events=count_where(_.kind == "pause"))
    )
