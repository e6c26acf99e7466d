"""Titles: how often, how far, when and where each is played, and which are played most."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.contracts.core import COMPLETION_BINS
from streaming_assets.transforms.titles import add_up, averages, figures, with_columns

BIN_WIDTH = 100 / COMPLETION_BINS
QUANTILES = {"completion_p25": 0.25, "completion_p50": 0.5, "completion_p75": 0.75}
ONE_WEEK = dt.timedelta(days=7)
TOP = 10


def content_performance(
    title_totals: ibis.Table, user_titles: ibis.Table, content: ibis.Table, recent: ibis.Table, as_of: dt.date
) -> ibis.Table:
    """Everything that was played of each title up to T. Columns: contract marts/content_performance.

    recent: core/content_daily of the last days up to T, seven at least. Quantiles of completion are interpolated in the
    histogram, NULL where it is empty: of n plays in it, the q-quantile lies in the bin k that holds the q·n-th, the first
    up to whose end there are q·n or more. Bin k covers [5k, 5k + 5), and its plays are taken to lie evenly in it:
    5 · (k + (q·n − plays below the bin) / plays in the bin).
    """
    totals = add_up(title_totals, "content_id").mutate(
        **averages(), first_play_date=_.first_date, last_play_date=_.last_date
    )
    unique_users = user_titles.group_by("content_id").agg(unique_users=_.user_id.nunique())
    week = _week(recent, as_of).rename(plays_7d="plays", rank_7d="rank")
    names = content.select("content_id", "title", "content_type", "genre")
    result = totals
    for more in (_quantiles(totals), unique_users, week, names):
        result = with_columns(result, more, "content_id")
    return result.mutate(plays_7d=_.plays_7d.coalesce(0))


def content_by_state(title_totals: ibis.Table, user_titles: ibis.Table, content: ibis.Table) -> ibis.Table:
    """What was played of each title in each state up to T. Columns: contract marts/content_by_state."""
    place = ("content_id", "state")
    # user_titles has one row per user, title and state.
    unique_users = user_titles.group_by(*place).agg(unique_users=_.count())
    return _titled(with_columns(figures(title_totals, *place), unique_users, *place), content)


def content_by_hour(plays: ibis.Table, content: ibis.Table) -> ibis.Table:
    """What was played of each title in each hour of the local clock. Columns: contract marts/content_by_hour.

    plays: core/plays of the days that count. A play counts in the hour of its start, with all of its watch time.
    """
    by_hour = plays.group_by("content_id", "local_hour").agg(
        plays=_.count(),
        unique_users=_.user_id.nunique(),
        watch_hours=_.watch_seconds.sum() / 3600,
        avg_completion_pct=_.completion_pct.mean(),
    )
    return _titled(by_hour, content)


def top_content_7d(recent: ibis.Table, content: ibis.Table, as_of: dt.date) -> ibis.Table:
    """The ten titles with most plays in [T − 6, T], and their rank a week before. Columns: contract marts/top_content_7d.

    recent: core/content_daily of [T − 13, T]. Ties at the tenth place: the smallest content_id are shown.
    """
    top = _week(recent, as_of).order_by("rank", "content_id").limit(TOP).rename(plays_7d="plays")
    before = _week(recent, as_of - ONE_WEEK).rename(plays_7d_week_before="plays", rank_week_before="rank")
    return _titled(with_columns(top, before, "content_id"), content).mutate(
        plays_7d_week_before=_.plays_7d_week_before.coalesce(0)
    )


def _titled(rows: ibis.Table, content: ibis.Table) -> ibis.Table:
    return with_columns(rows, content.select("content_id", "title"), "content_id")


def _week(recent: ibis.Table, last: dt.date) -> ibis.Table:
    """(content_id, plays, rank) of the titles with a play in the 7 days up to the last; equal plays rank equal."""
    most_first = ibis.window(order_by=ibis.desc("plays"))
    return (
        recent.filter(_.date > ibis.literal(last - ONE_WEEK), _.date <= ibis.literal(last))
        .group_by("content_id")
        .agg(plays=_.plays.sum())
        .mutate(rank=ibis.rank().over(most_first) + 1)
    )


def _quantiles(totals: ibis.Table) -> ibis.Table:
    """(content_id, completion_p25, …) of the titles with a completion."""
    so_far = ibis.cumulative_window(group_by="content_id", order_by="bin")
    return (
        totals.filter(_.completion_pct_n > 0)
        .select("content_id", n=_.completion_pct_n, inside=_.completion_histogram)
        .unnest("inside", offset="bin")
        .mutate(up_to=_.inside.sum().over(so_far))
        .mutate(below=_.up_to - _.inside)
        .group_by("content_id")
        .agg(**{name: _quantile(q) for name, q in QUANTILES.items()})
    )


def _quantile(q: float) -> ibis.Deferred:
    place = q * _.n
    within = BIN_WIDTH * (_.bin + (place - _.below) / _.inside.nullif(0))
    return within.max(where=(_.below < place) & (place <= _.up_to))
