"""Features of a user at a cutoff, from sums over windows."""

import ibis
from ibis import _

from streaming_assets.models.churn.activity import WINDOWS

FREE, PREMIUM = "free", "premium"

_UNKNOWN = ibis.null("float64")


def with_features(users: ibis.Table) -> ibis.Table:
    """Users with every feature of contract models/churn_snapshots, NULL where the data do not tell it.

    users: one row per user and cutoff with the columns of `recent`, `observed`, `gaps`, `sessions_with_stops`, `unsettled`,
    `repeats`, `genres` and `preferred_plays`, plan, and starts_at of the cutoff. genre_entropy = −Σ p·ln p with p = plays of a genre /
    genre_known_plays (Shannon, A mathematical theory of communication, Bell System Technical Journal 27 (1948), page 393).
    """
    return (
        users.mutate(**{f"watch_hours_{days}": _watch_hours(days) for days in WINDOWS})
        .mutate(
            recency_hours=_.starts_at.delta(_.last_event_at, unit="microsecond") / 3_600_000_000,
            distinct_content_28=_.title_days - _.repeated.coalesce(0),
            distinct_genres_28=_.distinct_genres_28.coalesce(0),
            # The same as −Σ p·ln p; rounding must not take it below 0.
            genre_entropy=(_.genre_known_plays.ln() - _.genre_spread / _.genre_known_plays).clip(lower=0.0),
            is_paid=(_.plan.lower() != FREE).cast("int64"),
            is_premium=(_.plan.lower() == PREMIUM).cast("int64"),
        )
        .mutate(
            watch_trend=((4 * _.watch_hours_7 + 1) / (_.watch_hours_28 + 1)).ln(),
            recency_per_gap=_.recency_hours / 24 / _.median_gap_days,
            buffer_events_per_hour=_.buffer_events / _.watch_hours_28.nullif(0.0),
            buffered_session_share=_.buffer_events.notnull().ifelse(
                _.buffered_sessions / _.sessions.nullif(0), _UNKNOWN
            ),
            pauses_per_play=_.pauses / _.plays_28.nullif(0),
            completion_share=_share(_.watched_known_seconds, _.content_known_seconds),
            abandoned_share=_.plays_under_10pct / _.completion_pct_n.nullif(0),
            skip_rate=(_.skips - _.unsettled_skips) / _.plays_28.nullif(0),
            titles_per_play=_.distinct_content_28 / _.plays_28.nullif(0),
            preferred_genre_share=_.preferred_genre.notnull().ifelse(
                _.preferred_plays.coalesce(0) / _.genre_known_plays, _UNKNOWN
            ),
            new_title_share=(_.title_days - _.known.coalesce(0)) / _.distinct_content_28.nullif(0),
            recommended_share=_.recommended_plays / _.plays_with_recommendation.nullif(0),
            premium_unused=_.is_premium / (1 + _.watch_hours_28),
        )
    )


def _watch_hours(days: int) -> ibis.Deferred:
    """NULL where there are plays and of none it is known how long; what is `unsettled` is known to be left out."""
    told = _[f"watch_seconds_{days}"]
    settled = _.unsettled_seconds.isnull().ifelse(told, (told.coalesce(0.0) - _.unsettled_seconds).clip(lower=0.0))
    return (_[f"plays_{days}"] > 0).ifelse(settled / 3600, 0.0)


def _share(part: ibis.Deferred, whole: ibis.Deferred) -> ibis.Deferred:
    """Sums of floats, which rounding must not take above 1."""
    return (part / whole.nullif(0.0)).clip(upper=1.0)
