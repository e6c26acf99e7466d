"""One row per user: what they did up to T."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import most_frequent, total


def user_metrics(
    user_daily: ibis.Table, sessions: ibis.Table, user_titles: ibis.Table, content: ibis.Table, as_of: dt.date
) -> ibis.Table:
    """One row per user with a play up to T, which is as_of. Columns: contract marts/user_metrics."""
    played = user_titles.left_join(content.select("content_id", "genre"), "content_id").select(
        "user_id", "content_id", "plays", "last_event_at", "genre"
    )
    return (
        _activity(user_daily, as_of)
        .join(_variety(played), "user_id")
        .left_join(most_frequent(played, "genre", "favourite_genre"), "user_id")
        .drop("user_id_right")
        .left_join(most_frequent(played, "content_id", "favourite_content_id"), "user_id")
        .drop("user_id_right")
        .left_join(_session_lengths(sessions), "user_id")
        .drop("user_id_right")
    )


def _activity(user_daily: ibis.Table, as_of: dt.date) -> ibis.Table:
    """Everything that follows from the user's days; users without a play are left out, other events of users kept."""
    in_last = {days: _.date > ibis.literal(as_of - dt.timedelta(days=days), "date") for days in (7, 28)}
    has_played = _.plays > 0
    sums = (
        user_daily.group_by("user_id")
        .agg(
            total_plays=_.plays.sum(),
            total_sessions=_.sessions_started.sum(),
            watch_seconds=_.watch_seconds.sum(),
            plays_with_watch_time=_.plays_with_watch_time.sum(),
            completion_pct_sum=_.completion_pct_sum.sum(),
            plays_with_completion=_.completion_pct_n.sum(),
            first_play_date=_.date.min(where=has_played),
            last_play_date=_.date.max(where=has_played),
            active_days=has_played.cast("int64").sum(),
            skips=_.skips.sum(),
            recommended_plays=_.recommended_plays.sum(),
            plays_with_recommendation=_.plays_with_recommendation.sum(),
            buffer_events=_.buffer_events.sum(),
            plays_with_buffering=_.plays_with_buffering.sum(),
            plays_7d=total(in_last[7].ifelse(_.plays, 0)),
            plays_28d=total(in_last[28].ifelse(_.plays, 0)),
        )
        .filter(_.total_plays > 0)
    )
    known_hours = (_.plays_with_watch_time > 0).ifelse(_.watch_seconds / 3600, ibis.null("float64"))
    known_stops = (_.plays_with_buffering > 0).ifelse(_.buffer_events, ibis.null("int64"))
    return sums.mutate(
        watch_hours=known_hours,
        avg_watch_minutes=_.watch_seconds / _.plays_with_watch_time.nullif(0) / 60,
        avg_completion_pct=_.completion_pct_sum / _.plays_with_completion.nullif(0),
        activity_span_days=_.last_play_date.delta(_.first_play_date, unit="day"),
        sessions_per_active_day=_.total_sessions / _.active_days,
        skip_rate=_.skips / _.total_plays,
        recommended_share=_.recommended_plays / _.plays_with_recommendation.nullif(0),
        buffer_events_per_hour=known_stops / known_hours.nullif(0.0),
        days_since_last_play=-_.last_play_date.delta(ibis.literal(as_of, "date"), unit="day"),
        cohort_month=_.first_play_date.strftime("%Y-%m"),
    )


def _variety(played: ibis.Table) -> ibis.Table:
    return played.group_by("user_id").agg(distinct_content=_.content_id.nunique(), distinct_genres=_.genre.nunique())


def _session_lengths(sessions: ibis.Table) -> ibis.Table:
    return sessions.group_by("user_id").agg(avg_session_minutes=_.duration_seconds.mean() / 60)
