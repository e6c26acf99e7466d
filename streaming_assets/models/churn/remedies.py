"""What may help a user at risk, by what the risk is associated with, in a sentence with titles that can be shown.

A driver is associated with the risk and no proof of its cause, so a remedy is a suggestion: whether it keeps anybody is for
an experiment to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models.churn import NO_DRIVER

if TYPE_CHECKING:
    import pandas as pd

AT_RISK = ("high", "medium")
MOST_EXPLORABLE = 50
"""Genres, those played most, among which one is sought that the user does not play."""


@dataclass(frozen=True)
class Remedy:
    """Words for a driver: lists of titles with what is said of them, the first that has titles counts; else `bare`.

    genre: whose titles, one of those of `_genres`.
    """

    bare: str
    genre: str = "liked"
    lists: Mapping[str, str] = field(default_factory=dict)


REMEDIES = {
    "inactivity": Remedy(
        "Remind the user of what is new",
        genre="favourite",
        lists={"newest": "Remind the user of the newest {genre} titles"},
    ),
    "playback": Remedy(
        "Offer help with playback quality",
        genre="favourite",
        lists={"shorter": "Offer help with playback quality, and suggest shorter {genre} titles"},
    ),
    "content_mismatch": Remedy(
        "Suggest titles closer to what the user likes",
        genre="liked",
        lists={
            "best_completed": "Suggest best-completed {genre} titles",
            "most_played": "Suggest the most played {genre} titles",
        },
    ),
    "discovery": Remedy(
        "Suggest titles of another kind than the user plays",
        genre="unexplored",
        lists={
            "best_completed": "Suggest {genre}, which the user does not play, with its best-completed titles",
            "most_played": "Suggest {genre}, which the user does not play, with its most played titles",
        },
    ),
    "plan": Remedy("Review with the user whether the plan fits how much they watch"),
    NO_DRIVER: Remedy("Ask the user what is missing: no driver stands out"),
}


def remedies(scored: "pd.DataFrame", favourites: "pd.DataFrame", titles: "pd.DataFrame") -> "pd.Series":
    """A sentence for every user of the high and medium risk bands, NaN for all others. Index of `scored`.

    scored: user_id, risk_band, driver_1. favourites and titles: as `catalogue` makes them. At most three titles are
    named; where the data has none for the genre, the sentence goes without. Titles of one genre are the same for all.
    """
    import pandas as pd

    at_risk = scored.loc[scored.risk_band.isin(AT_RISK), ["user_id", "driver_1"]]
    known = at_risk.merge(favourites, on="user_id", how="left")
    genres = _genres(known, titles)
    whose = {driver: remedy.genre for driver, remedy in REMEDIES.items()}
    pairs = [(driver, genres[whose[driver]][row]) for row, driver in enumerate(known.driver_1)]
    said = {pair: _sentence(*pair, titles) for pair in set(pairs)}
    return pd.Series([said[pair] for pair in pairs], index=at_risk.index, dtype=object).reindex(scored.index)


def _genres(known: "pd.DataFrame", titles: "pd.DataFrame") -> dict[str, list[str | None]]:
    """By kind and user, a genre of which there are titles, None where there is none.

    favourite: the one played most, else the preferred one. liked: the preferred one, else the one played most.
    unexplored: the one played most by all that the user does not play; none where nobody knows what they play.
    """
    offered = set(titles.genre)
    played = [genre if genre in offered else None for genre in known.favourite_genre]
    preferred = [genre if genre in offered else None for genre in known.preferred_genre]
    return {
        "favourite": [first or second for first, second in zip(played, preferred, strict=True)],
        "liked": [first or second for first, second in zip(preferred, played, strict=True)],
        "unexplored": _unexplored(known, titles),
    }


def _unexplored(known: "pd.DataFrame", titles: "pd.DataFrame") -> list[str | None]:
    import pandas as pd

    popular = titles.drop_duplicates("genre").sort_values(["genre_plays", "genre"], ascending=[False, True])
    genres = popular.genre.head(MOST_EXPLORABLE).tolist()
    seen = known.genres_seen.reset_index(drop=True).explode().dropna()
    codes = pd.Index(genres, dtype=object).get_indexer(seen)
    unseen = np.zeros((len(known), len(genres) + 1), dtype=bool)
    unseen[seen.index] = True
    unseen[seen.index, codes] = False
    # The last column takes the genres that are not listed, and stands for no genre at all.
    unseen[:, -1] = True
    return [[*genres, None][place] for place in unseen.argmax(axis=1)]


def _sentence(driver: str, genre: str | None, titles: "pd.DataFrame") -> str:
    remedy = REMEDIES[driver]
    of_genre = titles[titles.genre == genre]
    for place, words in remedy.lists.items():
        leading = of_genre.dropna(subset=place).sort_values(place).title
        if len(leading):
            return f"{words.format(genre=genre)}: {', '.join(f'“{title}”' for title in leading)}"
    return remedy.bare
