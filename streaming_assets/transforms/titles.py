"""What plays of titles add up to: totals that grow with the days, and the figures that marts show of them."""

import ibis
from ibis import _

from streaming_assets.contracts.core import COMPLETION_BINS

TITLE_PLACE = ("content_id", "state", "platform")
USER_TITLE = ("user_id", "content_id", "state")


def title_totals(content_daily: ibis.Table) -> ibis.Table:
    """One row per title, state and platform over the days given. Columns: contract meta/title_totals."""
    return merge_title_totals(content_daily.mutate(first_date=_.date, last_date=_.date))


def merge_title_totals(parts: ibis.Table) -> ibis.Table:
    """One `title_totals` of several."""
    return add_up(parts, *TITLE_PLACE)


def user_titles(user_content_daily: ibis.Table) -> ibis.Table:
    """One row per user, title and state over the days given. Columns: contract meta/user_titles."""
    return merge_user_titles(user_content_daily.mutate(first_date=_.date))


def merge_user_titles(parts: ibis.Table) -> ibis.Table:
    """One `user_titles` of several."""
    return parts.group_by(*USER_TITLE).agg(
        plays=_.plays.sum(), first_date=_.first_date.min(), last_event_at=_.last_event_at.max()
    )


def add_up(totals: ibis.Table, *by: str) -> ibis.Table:
    """The totals of coarser groups. Grain: one row per `by`, with all columns of meta/title_totals that are no key."""
    nothing = ibis.literal([0] * COMPLETION_BINS, "array<int64>")
    summed = totals.group_by(*by).agg(**_sums(), first_date=_.first_date.min(), last_date=_.last_date.max())
    return with_columns(summed, _histograms(totals, *by), *by).mutate(
        completion_histogram=_.completion_histogram.coalesce(nothing)
    )


def figures(totals: ibis.Table, *by: str) -> ibis.Table:
    """What marts show of groups of titles: (by, plays, watch_hours, avg_completion_pct), one row per `by`.

    watch_hours is NULL where no play has a watch time, avg_completion_pct where none has a completion.
    """
    return totals.group_by(*by).agg(**_sums()).select(*by, "plays", **averages())


def averages() -> dict[str, ibis.Deferred]:
    """watch_hours and avg_completion_pct of rows that hold the sums of meta/title_totals."""
    return {
        "watch_hours": (_.plays_with_watch_time > 0).ifelse(_.watch_seconds / 3600, ibis.null("float64")),
        "avg_completion_pct": _.completion_pct_sum / _.completion_pct_n.nullif(0),
    }


def with_columns(groups: ibis.Table, more: ibis.Table, *by: str) -> ibis.Table:
    """Each group with the columns of its row in `more`, NULL where it has none; a key that is NULL equals NULL."""
    same = [groups[name].identical_to(more[name]) for name in by]
    return groups.left_join(more, same).drop(*(f"{name}_right" for name in by))


def _sums() -> dict[str, ibis.Deferred]:
    names = ("plays", "watch_seconds", "plays_with_watch_time", "completion_pct_sum", "completion_pct_n")
    return {name: _[name].sum() for name in names}


def _histograms(totals: ibis.Table, *by: str) -> ibis.Table:
    """(by, completion_histogram) of the groups in which a completion is known.

    Apart from the other sums, so that the many titles of unknown length do not pay for one sum per bin.
    """
    bins = [_.completion_histogram[number].sum() for number in range(COMPLETION_BINS)]
    return totals.filter(_.completion_pct_n > 0).group_by(*by).agg(completion_histogram=ibis.array(bins))
