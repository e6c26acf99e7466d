"""What users did in the days before cutoffs: sums over windows, the breaks between active days, sessions."""

import datetime as dt
from collections.abc import Sequence

import ibis
from ibis import _

from streaming_assets.models.churn.cutoffs import GAP_DAYS, LABEL_DAYS, OBSERVATION_DAYS
from streaming_assets.models.churn.windows import days_before, each_day, of_cutoff, spans, within
from streaming_assets.transforms.columns import total

_DAY = dt.timedelta(days=1)
RECENT_DAYS = 28
WINDOWS = (7, RECENT_DAYS, OBSERVATION_DAYS)
_SHORT_WINDOWS = WINDOWS[:-1]
_EVERY_WINDOW = ("active_days", "plays", "watch_seconds")
_RECENT = (
    "skips",
    "pauses",
    "buffer_events",
    "recommended_plays",
    "plays_with_recommendation",
    "watched_known_seconds",
    "content_known_seconds",
    "plays_under_10pct",
    "completion_pct_n",
    "title_days",
)
_KNOWN_FROM = {"watch_seconds": "plays_with_watch_time", "buffer_events": "plays_with_buffering"}
"""Sums that are NULL where nothing is known, and the count of plays of which something is."""
COUNTS = (
    *(f"{name}_{days}" for name in _EVERY_WINDOW for days in WINDOWS if name not in _KNOWN_FROM),
    *(name for name in _RECENT if name not in _KNOWN_FROM),
    "active_days_after",
    "buffered_sessions",
    "unsettled_skips",
)
"""Columns that are 0 where nothing was done."""
OBSERVED = (*(f"{name}_{OBSERVATION_DAYS}" for name in _EVERY_WINDOW), "last_event_at")
"""Columns of `observed`, by cutoff."""
GAPS, RETURNS = ("median_gap_days",), ("active_days_after",)


def first_plays(user_daily: ibis.Table) -> ibis.Table:
    """(user_id, first_play): the day of every user's first play."""
    return user_daily.filter(_.plays > 0).group_by("user_id").agg(first_play=_.date.min())


def recent(user_daily: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """Sums of core/user_daily over the days before cutoffs.

    Grain: one row per user and cutoff with an event in the RECENT_DAYS before it. Columns: user_id, cutoff; active_days,
    plays and watch_seconds over 7 and 28 days, named like plays_28; the other sums over 28 days by their own name,
    distinct_content as title_days; sessions without those of the eve, which may go on past the cutoff. watch_seconds and
    buffer_events are NULL where of no play they are known.
    """
    cut = spans(cutoffs, sorted(-days for days in (0, *_SHORT_WINDOWS)))
    started = _.sessions_started.cast("float64")
    by_span = (
        cut.of(user_daily, "date")
        .group_by("user_id", "span")
        .agg(**_sums((*_EVERY_WINDOW, *_RECENT)), sessions=started.sum(), before_eve=started.sum(where=~_.is_eve))
    )
    found = by_span.join(cut.reach, "span")
    windows = {
        f"{name}_{days}": found[name].sum(where=within(days)) for name in _EVERY_WINDOW for days in _SHORT_WINDOWS
    }
    return found.group_by("user_id", "cutoff").agg(
        **windows,
        **{name: found[name].sum() for name in _RECENT},
        sessions=_.has_eve.ifelse(_.before_eve, _.sessions).sum(),
    )


def observed(
    user_daily: ibis.Table, cutoffs: Sequence[dt.date], observation_days: int = OBSERVATION_DAYS
) -> ibis.Table:
    """What the days with a play in the observation_days before each cutoff add up to, and the latest event of the latest.

    Grain: one row per user with such a day, with the columns OBSERVED of every cutoff. watch_seconds_90 is NULL where of
    no play it is known.
    """
    cut = spans(cutoffs, (-observation_days, 0))
    by_span = (
        cut.of(user_daily.filter(_.plays > 0), "date")
        .group_by("user_id", "span")
        .agg(last_event_at=_.last_event_at.max(), **_sums(_EVERY_WINDOW))
    )
    columns: dict[str, ibis.Deferred] = {}
    for cutoff in cutoffs:
        is_seen = cut.lies_in(cutoff - dt.timedelta(days=observation_days), cutoff)
        columns |= {
            of_cutoff(f"{name}_{OBSERVATION_DAYS}", cutoff): _[name].sum(where=is_seen) for name in _EVERY_WINDOW
        }
        columns[of_cutoff("last_event_at", cutoff)] = _.last_event_at.max(where=is_seen)
    return by_span.group_by("user_id").agg(**columns)


def returns(user_daily: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """(user_id, active_days_after of every cutoff): days with a play in its label window."""
    first, last = dt.timedelta(days=GAP_DAYS), dt.timedelta(days=GAP_DAYS + LABEL_DAYS - 1)
    columns = {
        of_cutoff("active_days_after", cutoff): _.count(
            where=_.date.between(ibis.literal(cutoff + first), ibis.literal(cutoff + last))
        )
        for cutoff in cutoffs
    }
    return user_daily.filter(_.plays > 0, _.date > ibis.literal(min(cutoffs))).group_by("user_id").agg(**columns)


def gaps(user_daily: ibis.Table, cutoffs: Sequence[dt.date], observation_days: int = OBSERVATION_DAYS) -> ibis.Table:
    """(user_id, median_gap_days of every cutoff): the median of the days between neighbouring active days.

    Both of them lie in the observation_days before the cutoff. NULL with one active day there.
    """
    # A median keeps every gap, of each cutoff: int16 takes a quarter of the memory.
    in_order = ibis.window(group_by="user_id", order_by="date")
    return (
        days_before(user_daily.filter(_.plays > 0), cutoffs, observation_days)
        .select("user_id", "date", earlier=_.date.lag().over(in_order))
        .mutate(gap=_.date.delta(_.earlier, unit="day").cast("int16"))
        .group_by("user_id")
        .agg(**{of_cutoff("median_gap_days", cutoff): _gap(cutoff, observation_days).median() for cutoff in cutoffs})
    )


def sessions_with_stops(sessions: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """(user_id, cutoff, buffered_sessions) of the RECENT_DAYS before the cutoff, its eve left out.

    Grain: one row per user and cutoff with such a session. One of the eve may go on past the cutoff, and whether it will
    have had a stop is not known then.
    """
    cut = spans(cutoffs, (-RECENT_DAYS, -1))
    return (
        cut.of(sessions.filter(_.buffer_events > 0), "session_date")
        .group_by("user_id", "span")
        .agg(buffered_sessions=_.count())
        .join(cut.reach, "span")
        .group_by("user_id", "cutoff")
        .agg(buffered_sessions=total(_.buffered_sessions))
    )


def unsettled(plays: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """What of the eve depends on when the user plays next, which may be after the cutoff.

    Grain: one row per user and cutoff whose last play on the eve counts as a skip or has an assumed watch time. Columns:
    user_id, cutoff; unsettled_skips, 1 or 0; unsettled_seconds, NULL where the watch time is not assumed. plays: core/plays,
    of which the eves are read.
    """
    eves = each_day(cutoffs, 1).select("cutoff", event_date="date")
    of_eves = (
        plays.filter(_.event_date.isin([ibis.literal(cutoff - _DAY) for cutoff in sorted(set(cutoffs))]))
        .join(eves, "event_date")
        .select("user_id", "cutoff", "started_at", "event_id", "is_skip", "watch_is_assumed", "watch_seconds")
    )
    # Few sources have such rules: of the others no play is put in order.
    concerned = of_eves.filter(_.is_skip | _.watch_is_assumed).select("user_id", "cutoff").distinct()
    from_last = ibis.window(group_by=["user_id", "cutoff"], order_by=[ibis.desc("started_at"), ibis.desc("event_id")])
    return (
        of_eves.semi_join(concerned, ["user_id", "cutoff"])
        .mutate(number=ibis.row_number().over(from_last))
        .filter(_.number == 0, _.is_skip | _.watch_is_assumed)
        .select(
            "user_id",
            "cutoff",
            unsettled_skips=_.is_skip.cast("float64"),
            unsettled_seconds=_.watch_is_assumed.ifelse(_.watch_seconds.coalesce(0.0), ibis.null("float64")),
        )
    )


def _gap(cutoff: dt.date, days: int) -> ibis.Deferred:
    """The gap where both its days lie in so many days before the cutoff; Spark takes no median with a condition."""
    first, end = ibis.literal(cutoff - dt.timedelta(days=days)), ibis.literal(cutoff)
    return ((_.earlier >= first) & (_.date < end)).ifelse(_.gap, ibis.null("int16"))


def _sums(names: Sequence[str]) -> dict[str, ibis.Deferred]:
    """What is summed over days; as float64, for DuckDB's sums of sums of integers are slow."""
    own = {"active_days": (_.plays > 0).cast("float64"), "title_days": _.distinct_content.cast("float64")}
    known = {name: _[count] > 0 for name, count in _KNOWN_FROM.items()}
    return {name: own.get(name, _[name].cast("float64")).sum(where=known.get(name)) for name in names}
