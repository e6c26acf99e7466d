"""What there is to suggest and to whom: the leading titles of each genre, and the genres that users like and know."""

import datetime as dt

import ibis
from ibis import _

from streaming_assets.transforms.columns import most_frequent, total

RECENT = dt.timedelta(days=28)
SHOWN = 3
"""Titles that are kept of each list of a genre."""

CAUTIOUS_PLAYS = 10
"""A title's completion counts as if so many plays of the genre's mean had come first: one play to the end leads no list."""

STABLE_DECIMALS = 6
"""Sums of floats differ in the last digits from run to run; rounded, equal titles stay equal and fall back on their id."""


def titles_by_genre(played: ibis.Table, content: ibis.Table, as_of: dt.date) -> ibis.Table:
    """The titles that lead a genre in the 28 days up to T, which is as_of.

    played: core/user_content_daily of the last 90 days up to T, for a title without a release date counts as new where its
    first play among them is of the last 28. content: core/content. Titles without a name or a genre are left out.

    Grain: one row per genre and title that leads one of four lists, 12 per genre at most. Of several items of one title
    the one played most stands for all. Columns: genre; title; content_id; plays and completion_pct of the 28 days;
    content_seconds; released_on; first_played; genre_plays, those of the whole genre; and the title's place from 1 in each
    list, NULL where it is not among the first three:

    - best_completed: by mean completion, drawn to the genre's mean as by ten plays; NULL where none is known.
    - most_played: by plays.
    - shorter: as best_completed, among the shorter half of the genre.
    - newest: by release up to T, the first play where no release is known.
    """
    of_genre = ibis.window(group_by="genre")
    weighed = (
        _named(_by_item(played, as_of), content)
        .mutate(
            genre_plays=_.plays.sum().over(of_genre),
            genre_pct=_.completion_pct_sum.sum().over(of_genre) / _.completion_pct_n.sum().over(of_genre).nullif(0),
            completion_pct=_.completion_pct_sum / _.completion_pct_n.nullif(0),
        )
        .mutate(cautious_pct=_cautious_pct(), is_short=_is_short(), new_on=_new_on(as_of))
    )
    best_first = [ibis.desc(_.cautious_pct.coalesce(-1.0)), ibis.desc("plays"), "content_id"]
    placed = weighed.mutate(
        best_completed=_place(_.cautious_pct.notnull(), best_first),
        most_played=_place(_.plays > 0, [ibis.desc("plays"), "content_id"]),
        shorter=_place(_.is_short, best_first),
        newest=_place(_.new_on.notnull(), [ibis.desc("new_on"), ibis.desc("plays"), "content_id"]),
    )
    lists = ("best_completed", "most_played", "shorter", "newest")
    return placed.filter(ibis.or_(*(_[name].notnull() for name in lists))).select(
        "genre", "title", "content_id", "plays", "completion_pct", "content_seconds", "released_on", "first_played",
        "genre_plays", *lists,
    )  # fmt: skip


def _by_item(played: ibis.Table, as_of: dt.date) -> ibis.Table:
    """(content_id, plays, completion_pct_sum, completion_pct_n, first_played) of the items with a recent play."""
    is_recent = _.date > ibis.literal(as_of - RECENT)
    sums = {name: total(is_recent.ifelse(_[name], 0)) for name in ("plays", "completion_pct_sum", "completion_pct_n")}
    return (
        played.filter(_.date <= ibis.literal(as_of))
        .group_by("content_id")
        .agg(**sums, first_played=_.date.min())
        .filter(_.plays > 0)
    )


def _named(items: ibis.Table, content: ibis.Table) -> ibis.Table:
    """The items with a title and a genre, one per pair of both: the one played most."""
    most_played = ibis.window(group_by=["genre", "title"], order_by=[ibis.desc("plays"), "content_id"])
    about = content.select("content_id", "title", "genre", "content_seconds", "released_on")
    return (
        items.join(about, "content_id")
        .filter(_.title.notnull(), _.genre.notnull())
        .mutate(place=ibis.row_number().over(most_played))
        .filter(_.place == 0)
    )


def _cautious_pct() -> ibis.Deferred:
    drawn = (_.completion_pct_sum + CAUTIOUS_PLAYS * _.genre_pct) / (_.completion_pct_n + CAUTIOUS_PLAYS)
    return (_.completion_pct_n > 0).ifelse(drawn.round(STABLE_DECIMALS), ibis.null("float64"))


def _is_short() -> ibis.Deferred:
    """Among the shorter half of the genre's titles of known length, and not as long as the longest."""
    has_length = _.content_seconds.notnull()
    alike = ibis.window(group_by=["genre", has_length])
    shorter = ibis.rank().over(ibis.window(group_by=["genre", has_length], order_by="content_seconds"))
    is_in_lower_half = shorter * 2 < _.count().over(alike)
    return has_length & is_in_lower_half & (_.content_seconds < _.content_seconds.max().over(alike))


def _new_on(as_of: dt.date) -> ibis.Deferred:
    """Since when there is the title, NULL where nobody knows, or where it is still to come."""
    released = (_.released_on <= ibis.literal(as_of)).ifelse(_.released_on, ibis.null("date"))
    first_seen = (_.first_played > ibis.literal(as_of - RECENT)).ifelse(_.first_played, ibis.null("date"))
    return _.released_on.isnull().ifelse(first_seen, released)


def _place(belongs: ibis.Deferred, order: list[ibis.Deferred | str]) -> ibis.Deferred:
    """The place from 1 in the genre's list of what belongs to it, NULL beyond those shown."""
    place = ibis.row_number().over(ibis.window(group_by=["genre", belongs], order_by=order)) + 1
    return (belongs & (place <= SHOWN)).ifelse(place, ibis.null("int64"))


def favourites(
    played: ibis.Table, content: ibis.Table, users: ibis.Table, calendar: ibis.Table, cutoff: dt.date
) -> ibis.Table:
    """Which genres users like and know, as of a cutoff: only what came before the start of that day counts.

    played: core/user_content_daily or meta/user_titles of days before the cutoff: (user_id, content_id, plays,
    last_event_at). users, content, calendar: the tables of core.

    Grain: one row per user with a play. Columns: user_id; favourite_genre, that with most plays, ties to the latest;
    preferred_genre of the record that held; genres_seen, in the order of the alphabet. NULL where nothing is known.
    """
    plays = played.select("user_id", "content_id", "plays", "last_event_at")
    genres = plays.join(content.select("content_id", "genre").filter(_.genre.notnull()), "content_id")
    seen = genres.group_by("user_id").agg(genres_seen=_.genre.collect(distinct=True).sort())
    found = played.select("user_id").distinct()
    for more in (most_frequent(genres, "genre", "favourite_genre"), _preferred(users, calendar, cutoff), seen):
        found = found.left_join(more, "user_id").drop("user_id_right")
    return found


def _preferred(users: ibis.Table, calendar: ibis.Table, cutoff: dt.date) -> ibis.Table:
    """(user_id, preferred_genre) of the latest record from before the cutoff."""
    newest_first = ibis.window(group_by="user_id", order_by=ibis.desc("valid_from"))
    starts = calendar.filter(_.date == ibis.literal(cutoff)).select("starts_at")
    return (
        users.join(starts, users.valid_from < starts.starts_at)
        .mutate(place=ibis.row_number().over(newest_first))
        .filter(_.place == 0)
        .select("user_id", "preferred_genre")
    )
