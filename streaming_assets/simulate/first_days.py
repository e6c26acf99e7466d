"""What users do on their first days, and how likely it makes them to come back a week after the first play."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import rows
from streaming_assets.simulate.rows import SECOND, Rows

FIRST_DAYS = 3
RETURN_DAY = 7
SESSION_GAP = 30 * 60 * SECOND
MOST_GENRES, MOST_SESSIONS = 4, 4

GENRE_DIVERSITY_EFFECT = 0.35
INTERCEPT, PER_DOUBLING_OF_PLAYS, PER_SESSION = -2.0, 0.1, 0.4
"""Of the log-odds of a return. With the effect above as many come back as would by their usual activity alone, and the
more active ones as much more often; active users meet more genres too, which is what an analysis must tell apart."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FirstDays:
    """One entry per user in each array: who, and the plays, sessions and distinct genres of the first days."""

    user: Numbers
    plays: Numbers
    sessions: Numbers
    genres: Numbers

    def chance_of_return(self, genre_diversity_effect: float) -> npt.NDArray[np.float64]:
        """Probability of a play on RETURN_DAY: logistic in log₂ plays, sessions up to 4, and genres up to 4.

        genre_diversity_effect: what a further genre adds to the log-odds.
        """
        log_odds = (
            INTERCEPT
            + PER_DOUBLING_OF_PLAYS * np.log2(self.plays)
            + PER_SESSION * np.minimum(self.sessions, MOST_SESSIONS)
            + genre_diversity_effect * (np.minimum(self.genres, MOST_GENRES) - 1)
        )
        return 1 / (1 + np.exp(-log_odds))


def first_days(plays: Rows, genre_of: Numbers) -> FirstDays:
    """Counts of the users whose plays these are, each with all plays of the first days.

    genre_of: genre of each item. A session starts with a play more than SESSION_GAP after the latest end of those before.
    """
    ordered = plays[np.lexsort((plays["at"], plays["user"]))]
    user, first, count = np.unique(ordered["user"], return_index=True, return_counts=True)
    pairs = np.unique(np.stack([ordered["user"], genre_of[ordered["item"]]]), axis=1)
    return FirstDays(
        user=user.astype(np.int64),
        plays=count,
        sessions=np.add.reduceat(_starts_session(ordered, first, count), first, dtype=np.int64),
        genres=np.unique(pairs[0], return_counts=True)[1],
    )


def _starts_session(ordered: Rows, first: Numbers, count: Numbers) -> npt.NDArray[np.bool_]:
    """Whether each play starts a session; first, count: the position of each user's first play, and how many follow."""
    watched = np.where(ordered["watch"] == rows.UNKNOWN_WATCH, 0, ordered["watch"]).astype(np.int64) * (SECOND // 10)
    begins = ordered["at"] - ordered["at"].min()
    ends = begins + watched
    # Each user's times lie above all times of the users before, so that one running maximum serves all.
    lift = np.repeat(np.arange(len(first)) * (ends.max() + SESSION_GAP + 1), count)
    latest_end = np.maximum.accumulate(ends + lift)
    starts = np.ones(len(ordered), np.bool_)
    starts[1:] = (begins + lift)[1:] > latest_end[:-1] + SESSION_GAP
    starts[first] = True
    return starts
