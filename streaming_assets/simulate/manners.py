"""How users listen: how long, undisturbed or not, and what they keep to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate.rows import NOTHING

COMPLETED, ABANDONED = 0.60, 0.16
"""Shares of plays watched to the end and left early; the rest end somewhere between."""

RECOMMENDED = 0.30
PAUSES_PER_HOUR = 0.6
REBUFFERINGS_PER_HOUR = 0.25
ANY_ITEM = np.iinfo(np.int64).max

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Manners:
    """One entry per user in each array.

    plays_per_session: mean. completed, abandoned, recommended: shares of plays. only_title: the one title that is
    played, or NOTHING. most_items: so many first items of a title are played at most.
    """

    plays_per_session: Floats
    completed: Floats
    abandoned: Floats
    recommended: Floats
    pauses_per_hour: Floats
    rebufferings_per_hour: Floats
    only_title: Numbers
    most_items: Numbers


def usual(users: int, plays_per_session: float) -> Manners:
    """Those of users with whom nothing is the matter."""
    return Manners(
        plays_per_session=np.full(users, plays_per_session),
        completed=np.full(users, COMPLETED),
        abandoned=np.full(users, ABANDONED),
        recommended=np.full(users, RECOMMENDED),
        pauses_per_hour=np.full(users, PAUSES_PER_HOUR),
        rebufferings_per_hour=np.full(users, REBUFFERINGS_PER_HOUR),
        only_title=np.full(users, NOTHING),
        most_items=np.full(users, ANY_ITEM),
    )
