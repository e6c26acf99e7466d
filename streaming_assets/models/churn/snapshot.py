"""Users as they were known at cutoffs, and what became of them.

Everything but `churned` is told from days before the cutoff and from records that held then.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import ibis
from ibis import _

from streaming_assets.contracts.models.churn import churn_snapshots
from streaming_assets.models.churn import activity, records, variety
from streaming_assets.models.churn.cutoffs import GAP_DAYS, LABEL_DAYS, OBSERVATION_DAYS
from streaming_assets.models.churn.features import with_features
from streaming_assets.models.churn.records import known, label_kind
from streaming_assets.models.churn.windows import by_cutoff

__all__ = ["READS_BACK", "known", "label_kind", "outcomes", "snapshot", "snapshots"]

READS_BACK = OBSERVATION_DAYS
"""Days before the cutoff of core/user_content_daily and core/sessions that are read; of core/user_daily all are, of core/plays the eve."""
LEAST_TENURE_DAYS = 14

_KEY = ("user_id", "cutoff")


def snapshot(
    cutoff: dt.date,
    *,
    as_of: dt.date,
    user_daily: ibis.Table,
    user_content_daily: ibis.Table,
    sessions: ibis.Table,
    plays: ibis.Table,
    users: ibis.Table,
    content: ibis.Table,
    calendar: ibis.Table,
    observation_days: int = OBSERVATION_DAYS,
) -> ibis.Table:
    """`snapshots` of one cutoff."""
    return snapshots(
        (cutoff,),
        as_of=as_of,
        user_daily=user_daily,
        user_content_daily=user_content_daily,
        sessions=sessions,
        plays=plays,
        users=users,
        content=content,
        calendar=calendar,
        observation_days=observation_days,
    )


def snapshots(
    cutoffs: Sequence[dt.date],
    *,
    as_of: dt.date,
    user_daily: ibis.Table,
    user_content_daily: ibis.Table,
    sessions: ibis.Table,
    plays: ibis.Table,
    users: ibis.Table,
    content: ibis.Table,
    calendar: ibis.Table,
    observation_days: int = OBSERVATION_DAYS,
) -> ibis.Table:
    """Every user with a play before a cutoff, as known at it. Grain and columns: contract models/churn_snapshots.

    The tables are those of core. Of their days after a cutoff only user_daily's label window is looked at, for
    `churned`; rows of other days do no harm, those of the READS_BACK days before are needed, of user_daily all. observation_days:
    how far the features named 90 look back, 90 days at most. Several cutoffs at once cost far less than one after the other.
    """
    users = records.known(users, calendar, as_of)
    clock = _clock(calendar, cutoffs, as_of).cross_join(users.agg(label=label_kind(users)))
    genre_plays = variety.genre_plays(user_content_daily, content, cutoffs)
    everybody = _everybody(
        user_daily,
        clock,
        cutoffs,
        {
            activity.OBSERVED: activity.observed(user_daily, cutoffs, observation_days),
            activity.GAPS: activity.gaps(user_daily, cutoffs, observation_days),
            activity.RETURNS: activity.returns(user_daily, cutoffs),
            variety.GENRES: variety.genres(genre_plays, cutoffs),
        },
    )
    held = records.held(users, clock)
    places = variety.places(user_content_daily, records.unplaced(users, clock), cutoffs)
    preferred = variety.preferred_plays(genre_plays, users, cutoffs)
    known = _with_all(
        everybody,
        held.left_join(preferred, [*_KEY, "preferred_genre"]).select(*held.columns, "preferred_plays"),
        records.cancellations(users, held, clock),
        activity.recent(user_daily, cutoffs),
        activity.sessions_with_stops(sessions, cutoffs),
        activity.unsettled(plays, cutoffs),
        variety.repeats(user_content_daily, cutoffs, observation_days),
        *(variety.usual(places, attribute) for attribute in records.PLACE),
    )
    described = with_features(known).mutate(
        country=_.country.coalesce(_.usual_country),
        platform=_.platform.coalesce(_.usual_platform),
        status=_status(),
        observation_days=ibis.literal(observation_days, "int64"),
    )
    told = described.mutate(churned=(_.status == "active").ifelse(_churned(), ibis.null("boolean")))
    return told.select(*churn_snapshots.column_names).cast(dict(churn_snapshots.schema.items()))


def outcomes(
    cutoff: dt.date, *, as_of: dt.date, label: str, user_daily: ibis.Table, users: ibis.Table, calendar: ibis.Table
) -> ibis.Table:
    """(cutoff, user_id, churned) of every user with a play before the cutoff, whatever the status was.

    label: what churned means, as `label_kind` says it. churned is NULL while the label window is not over at T, and for
    users who had cancelled before it began.
    """
    users = records.known(users, calendar, as_of)
    clock = _clock(calendar, (cutoff,), as_of).mutate(label=ibis.literal(label))
    held = records.held(users, clock)
    everybody = _everybody(user_daily, clock, (cutoff,), {activity.RETURNS: activity.returns(user_daily, (cutoff,))})
    known = _with_all(everybody, records.cancellations(users, held, clock))
    return known.select("cutoff", "user_id", churned=_churned())


def _clock(calendar: ibis.Table, cutoffs: Sequence[dt.date], as_of: dt.date) -> ibis.Table:
    """Instants of each cutoff and its label window: (cutoff, starts_at, labels_from_at, labels_until_at, is_closed)."""
    gap, label = dt.timedelta(days=GAP_DAYS), dt.timedelta(days=LABEL_DAYS)
    days = [(cutoff, cutoff + gap, cutoff + gap + label, cutoff + label <= as_of) for cutoff in cutoffs]
    schema = {"cutoff": "date", "labels_from": "date", "labels_until": "date", "is_closed": "boolean"}
    return (
        ibis.memtable(days, schema=schema)
        .join(calendar.select("starts_at", cutoff="date"), "cutoff")
        .join(calendar.select(labels_from="date", labels_from_at="starts_at"), "labels_from")
        .join(calendar.select(labels_until="date", labels_until_at="starts_at"), "labels_until")
        .select("cutoff", "starts_at", "labels_from_at", "labels_until_at", "is_closed")
    )


def _everybody(
    user_daily: ibis.Table,
    clock: ibis.Table,
    cutoffs: Sequence[dt.date],
    of_every_cutoff: Mapping[tuple[str, ...], ibis.Table],
) -> ibis.Table:
    """Everybody with a play before a cutoff, with tenure_days, the columns of the clock and those of wide tables by user.

    The wide tables come by the names of their columns; joined by user they are some ten times shorter than by cutoff.
    """
    users = activity.first_plays(user_daily)
    for number, wide in enumerate(of_every_cutoff.values()):
        users = users.left_join(wide, "user_id", rname=f"{{name}}_{number}").drop(f"user_id_{number}")
    names = [name for found in of_every_cutoff for name in found]
    return (
        by_cutoff(users, cutoffs, ["user_id", "first_play"], names)
        .join(clock, "cutoff")
        .filter(_.first_play < _.cutoff)
        .mutate(tenure_days=_.cutoff.delta(_.first_play, unit="day"))
    )


def _with_all(users: ibis.Table, *more: ibis.Table) -> ibis.Table:
    """Users with the columns of more tables by user and cutoff; who is not in `recent` did nothing, 0 times."""
    joined = users
    for number, columns in enumerate(more):
        joined = joined.left_join(columns, list(_KEY), rname=f"{{name}}_{number}")
    told = [*users.columns, *(name for columns in more for name in columns.columns if name not in _KEY)]
    return joined.select(
        **{name: joined[name].coalesce(0) if name in activity.COUNTS else joined[name] for name in told}
    )


def _status() -> ibis.Deferred:
    has_left = (_.cancelled_at < _.starts_at).coalesce(False) | (_.plays_28 == 0)
    return ibis.cases((has_left, "lapsed"), (_.tenure_days < LEAST_TENURE_DAYS, "new"), else_="active")


def _churned() -> ibis.Deferred:
    """NULL while it is not over, and for users who had cancelled before the label window began."""
    has_cancelled = (_.left_at < _.labels_until_at).coalesce(False)
    cancelled_early = (_.left_at < _.labels_from_at).coalesce(False)
    outcome = (_.label == "cancellation").ifelse(has_cancelled, _.active_days_after == 0)
    return (_.is_closed & ~cancelled_early).ifelse(outcome, ibis.null("boolean"))
