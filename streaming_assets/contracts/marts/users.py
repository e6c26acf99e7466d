"""Contracts of the marts with a row per user, and of their segments."""

from streaming_assets.contracts.marts.columns import (
    AS_OF,
    AVG_COMPLETION_PCT,
    USER_ID,
    WATCH_HOURS,
    count,
    number,
    share,
)
from streaming_assets.contracts.table import Column, Table

ENGAGEMENT = ("heavy", "regular", "casual", "light")
COMPLETION = ("completionist", "engaged", "selective", "browser", "unknown")
LIFECYCLE_STAGES = ("single_day", "one_week", "one_month", "three_months", "three_months_plus")
RFM_SEGMENTS = ("champions", "loyal", "promising", "new", "at_risk", "hibernating", "lost")

user_metrics = Table(
    "marts/user_metrics",
    grain="one row per user with a play up to T",
    key=("user_id",),
    source="core/user_daily, core/sessions, core/content, and core/user_content_daily by way of meta/user_titles",
    caveats=AS_OF,
    columns=(
        USER_ID,
        Column("total_plays", "int64", "plays", not_null=True, at_least=1),
        count("total_sessions", "sessions started"),
        WATCH_HOURS,
        number("avg_watch_minutes", "mean watch time per play whose watch time is known, minutes"),
        AVG_COMPLETION_PCT,
        count("plays_with_completion", "plays that avg_completion_pct is the mean of"),
        count("distinct_content", "titles played"),
        count("distinct_genres", "genres (of core/content) played"),
        Column("first_play_date", "date", "day of the first play", not_null=True),
        Column("last_play_date", "date", "day of the latest play", not_null=True),
        count("activity_span_days", "last_play_date − first_play_date"),
        Column("active_days", "int64", "days with a play", not_null=True, at_least=1),
        number("avg_session_minutes", "mean duration of the user's sessions, minutes"),
        number("sessions_per_active_day", "total_sessions / active_days"),
        number("skip_rate", "skips / plays; skip events count too, so that it can exceed 1"),
        share("recommended_share", "plays from a recommendation / plays of which that is known; else NULL"),
        number(
            "buffer_events_per_hour",
            "rebuffering stops per hour watched; NULL where neither is known, or nothing watched",
        ),
        count("days_since_last_play", "T − last_play_date"),
        count("plays_7d", "plays in the 7 days up to T"),
        count("plays_28d", "plays in the 28 days up to T"),
        Column(
            "favourite_genre", "string", "genre with most plays, ties to the one played last; NULL where none is known"
        ),
        Column("favourite_content_id", "string", "title with most plays, ties to the one played last", not_null=True),
        Column("cohort_month", "string", "month of the first play, as 2026-03", not_null=True),
    ),
)


def _score(name: str, description: str, *, not_null: bool = True) -> Column:
    return Column(name, "int64", description, not_null=not_null, at_least=1, at_most=5)


user_segments = Table(
    "marts/user_segments",
    grain="one row per user with a play up to T",
    key=("user_id",),
    source="marts/user_metrics",
    caveats=(
        "Scores: 1 + min(4, ⌊5 · percent rank⌋) among all users, ordered from worst to best, so that ties score equally. "
        "Thresholds are settings; the rules of rfm_segment stand in docs/metrics.md."
    ),
    columns=(
        USER_ID,
        Column("engagement", "string", "by total_plays", not_null=True, one_of=ENGAGEMENT),
        Column("completion", "string", "by avg_completion_pct", not_null=True, one_of=COMPLETION),
        Column("lifecycle_stage", "string", "by activity_span_days", not_null=True, one_of=LIFECYCLE_STAGES),
        _score("recency_score", "by days_since_last_play, 5 is the most recent"),
        _score("frequency_score", "by active_days"),
        _score("monetary_score", "by watch_hours, a stand-in; NULL where no watch time is known", not_null=False),
        Column("rfm_code", "string", "the three scores as digits, - where one is not known", not_null=True),
        Column("rfm_segment", "string", "by recency and frequency score", not_null=True, one_of=RFM_SEGMENTS),
    ),
)

segment_summary = Table(
    "marts/segment_summary",
    grain="one row per segmentation and value; values without users included",
    key=("segmentation", "segment"),
    source="marts/user_segments and marts/user_metrics",
    columns=(
        Column(
            "segmentation",
            "string",
            "which column of marts/user_segments",
            not_null=True,
            one_of=("engagement", "completion", "lifecycle_stage", "rfm_segment"),
        ),
        Column("segment", "string", "its value", not_null=True),
        count("users", "users of the segment"),
        share("share", "users / all users; NULL where there are none"),
        number("watch_hours", "hours they watched; NULL where no watch time of theirs is known"),
        count("plays", "their plays"),
        AVG_COMPLETION_PCT,
    ),
)

TABLES = (user_metrics, user_segments, segment_summary)
