"""What users do on their first days, and how likely it makes them to come back a week after the first play."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate.rows import Rows
from streaming_assets.simulate.sessions import sessions_of, spans_of

FIRST_DAYS = 3
RETURN_DAY = 7
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

    genre_of: genre of each item.
    """
    user, count = np.unique(plays["user"], return_counts=True)
    pairs = np.unique(np.stack([plays["user"], genre_of[plays["item"]]]), axis=1)
    return FirstDays(
        user=user.astype(np.int64),
        plays=count,
        sessions=np.unique(sessions_of(spans_of(plays)).user, return_counts=True)[1],
        genres=np.unique(pairs[0], return_counts=True)[1],
    )
