"""What users played in the days before cutoffs: titles played again, genres, the latest play and where it was."""

import datetime as dt
from collections.abc import Sequence

import ibis
from ibis import _

from streaming_assets.models.churn.activity import RECENT_DAYS
from streaming_assets.models.churn.cutoffs import OBSERVATION_DAYS
from streaming_assets.models.churn.windows import by_cutoff, days_before, each_day, lies_before, of_cutoff, spans
from streaming_assets.transforms.columns import count_where

GENRES = ("genre_known_plays", "genre_spread", "distinct_genres_28")
"""Columns of `genres`, by cutoff."""


def repeats(
    user_content_daily: ibis.Table, cutoffs: Sequence[dt.date], observation_days: int = OBSERVATION_DAYS
) -> ibis.Table:
    """Days of titles that were played before, in the RECENT_DAYS before each cutoff.

    Grain: one row per user and cutoff with such a day. Columns: user_id, cutoff; repeated: days of titles that had been
    played in these RECENT_DAYS; known: in the observation_days. Of all the days of titles, those that are not repeated
    are as many as the distinct titles, for a title has one first day; those that are not known are the new ones.
    """
    of_title = ibis.window(group_by=["user_id", "content_id"], order_by="date")
    played = days_before(user_content_daily, cutoffs, observation_days)
    return (
        played.select("user_id", "date", gap=_.date.delta(_.date.lag().over(of_title), unit="day"))
        .filter(_.gap > 0, _.gap < observation_days)
        .join(each_day(cutoffs, RECENT_DAYS), "date")
        .mutate(since=_.days_before + _.gap)
        .group_by("user_id", "cutoff")
        .agg(repeated=count_where(_.since <= RECENT_DAYS), known=count_where(_.since <= observation_days))
    )


def genre_plays(user_content_daily: ibis.Table, content: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """Plays by genre in the RECENT_DAYS before each cutoff, one row per user and genre: `plays` of `by_cutoff`.

    A title's genre is its record's, where it has none the one that the play names; plays of unknown genre are left out.
    """
    recorded = content.filter(~_.is_derived & _.genre.notnull()).select("content_id", recorded_genre="genre")
    plays = _.plays.cast("float64")
    return (
        days_before(user_content_daily, cutoffs, RECENT_DAYS)
        .left_join(recorded, "content_id")
        .mutate(genre=_.recorded_genre.coalesce(_.genre))
        .filter(_.genre.notnull())
        .group_by("user_id", "genre")
        .agg(**{of_cutoff("plays", cutoff): plays.sum(where=lies_before(cutoff, RECENT_DAYS)) for cutoff in cutoffs})
    )


def genres(genre_plays: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """How the plays spread over genres.

    Grain: one row per user with a play of known genre. Columns: user_id and, of every cutoff, genre_known_plays,
    distinct_genres_28 and genre_spread = Σ n·ln n over the plays n of each genre.
    """
    columns: dict[str, ibis.Deferred] = {}
    for cutoff in cutoffs:
        plays = _[of_cutoff("plays", cutoff)]
        columns[of_cutoff("genre_known_plays", cutoff)] = plays.sum()
        columns[of_cutoff("genre_spread", cutoff)] = (plays * plays.ln()).sum()
        columns[of_cutoff("distinct_genres_28", cutoff)] = plays.count()
    return genre_plays.group_by("user_id").agg(**columns)


def preferred_plays(genre_plays: ibis.Table, users: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """(user_id, preferred_genre, cutoff, preferred_plays): plays of `genre_plays` of a genre that a record prefers."""
    preferred = users.filter(_.preferred_genre.notnull()).select("user_id", "preferred_genre").distinct()
    known = preferred.join(genre_plays.rename(preferred_genre="genre"), ["user_id", "preferred_genre"])
    named = known.rename({of_cutoff("preferred_plays", cutoff): of_cutoff("plays", cutoff) for cutoff in cutoffs})
    found = by_cutoff(named, cutoffs, ["user_id", "preferred_genre"], ["preferred_plays"])
    return found.filter(_.preferred_plays.notnull())


def places(user_content_daily: ibis.Table, unplaced: ibis.Table, cutoffs: Sequence[dt.date]) -> ibis.Table:
    """Where users played in the OBSERVATION_DAYS before cutoffs: (user_id, country, platform, span, cutoff, plays, last_event_at).

    unplaced: the users that are looked at, by user_id.
    """
    cut = spans(cutoffs, (-OBSERVATION_DAYS, 0))
    return (
        cut.of(user_content_daily.semi_join(unplaced, "user_id"), "date")
        .group_by("user_id", "country", "platform", "span")
        .agg(plays=_.plays.sum(), last_event_at=_.last_event_at.max())
        .join(cut.reach, "span")
    )


def usual(places: ibis.Table, attribute: str) -> ibis.Table:
    """(user_id, cutoff, usual_…): the value with most plays, ties to the one played last, then the greatest text."""
    counted = (
        places.filter(_[attribute].notnull())
        .group_by("user_id", "cutoff", attribute)
        .agg(plays=_.plays.sum(), last_event_at=_.last_event_at.max())
    )
    best_first = ibis.window(
        group_by=["user_id", "cutoff"],
        order_by=[ibis.desc("plays"), ibis.desc("last_event_at"), ibis.desc(attribute)],
    )
    best = counted.mutate(place=ibis.row_number().over(best_first)).filter(_.place == 0)
    return best.select("user_id", "cutoff", **{f"usual_{attribute}": _[attribute]})
