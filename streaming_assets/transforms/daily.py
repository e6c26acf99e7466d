"""The compact daily tables behind the marts."""

import ibis
from ibis import _

from streaming_assets.contracts.core import COMPLETION_BINS
from streaming_assets.transforms.columns import MICROSECONDS, count_where, microseconds, total


def user_daily(plays: ibis.Table, events: ibis.Table) -> ibis.Table:
    """One row per user and day with any event. Columns: contract core/user_daily."""
    from_plays = plays.group_by("user_id", date=_.event_date).agg(
        plays=_.count(),
        skips=count_where(_.is_skip),
        completes=ibis.literal(0, "int64"),
        watch_seconds=total(_.watch_seconds),
        plays_with_watch_time=_.watch_seconds.count(),
        sessions_started=count_where(_.is_session_start),
        distinct_content=_.content_id.nunique(),
        distinct_genres=_.genre.nunique(),
        pauses=total(_.pauses),
        buffer_events=total(_.buffer_events),
        plays_with_buffering=_.buffer_events.count(),
        recommended_plays=count_where(_.was_recommended),
        plays_with_recommendation=_.was_recommended.count(),
        **_completion_sums(),
        plays_under_10pct=count_where(_.completion_pct < 10),
        first_event_at=_.started_at.min(),
        last_event_at=_.started_at.max(),
    )
    others = (
        events.filter(_.event_type != "play")
        .group_by("user_id", date=_.event_date)
        .agg(
            skips=count_where(_.event_type == "skip"),
            completes=count_where(_.event_type == "complete"),
            pauses=count_where(_.event_type == "pause"),
            first_event_at=_.started_at.min(),
            last_event_at=_.started_at.max(),
        )
    )
    missing = {
        name: ibis.literal(0, type_) for name, type_ in from_plays.schema().items() if name not in others.columns
    }
    sums = [name for name in from_plays.columns if name not in ("user_id", "date", "first_event_at", "last_event_at")]
    return (
        from_plays.union(others.mutate(**missing).select(*from_plays.columns))
        .group_by("user_id", "date")
        .agg(
            **{name: _[name].sum() for name in sums},
            first_event_at=_.first_event_at.min(),
            last_event_at=_.last_event_at.max(),
        )
    )


def user_content_daily(plays: ibis.Table) -> ibis.Table:
    """One row per user, title, state, country, platform and day. Columns: contract core/user_content_daily.

    Where plays of one row name an attribute differently, the greatest text stands.
    """
    return plays.group_by("user_id", "content_id", "state", "country", "platform", date=_.event_date).agg(
        plays=_.count(),
        watch_seconds=total(_.watch_seconds),
        **_completion_sums(),
        title=_.title.max(),
        creator=_.creator.max(),
        genre=_.genre.max(),
        content_type=_.content_type.max(),
        rating=_.rating.max(),
        last_event_at=_.started_at.max(),
    )


def content_daily(plays: ibis.Table) -> ibis.Table:
    """One row per title, state, platform and day. Columns: contract core/content_daily.

    completion_histogram[k] counts plays with completion_pct in [5k, 5k + 5), the last bin with 100.
    """
    binned = plays.mutate(
        bin=(_.completion_pct / (100 / COMPLETION_BINS)).floor().cast("int64").clip(upper=COMPLETION_BINS - 1)
    )
    bins = [count_where(_.bin == number) for number in range(COMPLETION_BINS)]
    return binned.group_by("content_id", "state", "platform", date=_.event_date).agg(
        plays=_.count(),
        unique_users=_.user_id.nunique(),
        watch_seconds=total(_.watch_seconds),
        plays_with_watch_time=_.watch_seconds.count(),
        **_completion_sums(),
        completion_histogram=ibis.array(bins),
    )


def hourly_activity(plays: ibis.Table, calendar: ibis.Table) -> ibis.Table:
    """One row per hour of every day with a play, zeros included. Columns: contract core/hourly_activity.

    Hours are counted from the start of the local day, so that a day of 23 or 25 hours has as many rows.
    """
    hour = 3600 * MICROSECONDS
    days = calendar.semi_join(plays, calendar.date == plays.event_date).mutate(day_starts=microseconds(_.starts_at))
    hours = hours_of(days)
    found = (
        plays.join(days.select("date", "day_starts"), plays.event_date == days.date)
        .mutate(number=((microseconds(_.started_at) - _.day_starts) / hour).floor().cast("int64"))
        .group_by("date", "number")
        .agg(plays=_.count(), active_users=_.user_id.nunique(), watch_seconds=total(_.watch_seconds))
    )
    return hours.left_join(found, ["date", "number"]).select(
        "hour_at",
        "date",
        "local_hour",
        plays=_.plays.coalesce(0),
        active_users=_.active_users.coalesce(0),
        watch_seconds=_.watch_seconds.coalesce(0.0),
    )


def hours_of(days: ibis.Table) -> ibis.Table:
    """(date, number, hour_at, local_hour): every hour of days of core/calendar; number counts from 0 within the day.

    local_hour is what the clock shows: the hour skipped in spring is missing, the one repeated in autumn comes twice.
    """
    hour = 3600 * MICROSECONDS
    shift = (_.hour_at >= _.clock_changes_at).ifelse(_.clock_shift_seconds, 0).coalesce(0)
    return (
        days.mutate(hour=ibis.range(0, 26).unnest())
        .mutate(number=_.hour.cast("int64"))
        .drop("hour")
        .filter(microseconds(_.starts_at) + _.number * hour < microseconds(_.ends_at))
        .mutate(hour_at=_.starts_at + _.number.as_interval("h"))
        .mutate(clock=(_.number * 3600 + shift) % 86_400)
        .select("date", "number", "hour_at", local_hour=(_.clock / 3600).floor().cast("int64"))
    )


def _completion_sums() -> dict[str, ibis.Deferred]:
    length_is_known = _.completion_pct.notnull()
    watched = length_is_known.ifelse(ibis.least(_.watch_seconds, _.content_seconds), 0.0)
    return {
        "completion_pct_sum": total(_.completion_pct),
        "completion_pct_n": _.completion_pct.count(),
        "watched_known_seconds": total(watched),
        "content_known_seconds": total(length_is_known.ifelse(_.content_seconds, 0.0)),
    }
