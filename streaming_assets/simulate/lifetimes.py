"""How long users stay: the days from a user's first play to the last."""

import math

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate.seeds import Purpose, generator

STAYING_SHARE = 0.5
SHORTEST_DAYS = 14
MEAN_DAYS_BEYOND = 60.0


def draw_lifetimes(users: int, seed: int) -> npt.NDArray[np.float64]:
    """Days of each user, infinite for the STAYING_SHARE, else SHORTEST_DAYS and an exponential time beyond them.

    The last play lies so many whole days after the first; the fraction is of the day on which they leave for good.
    """
    rng = generator(seed, Purpose.LIFETIMES)
    leaves_after = SHORTEST_DAYS + rng.exponential(MEAN_DAYS_BEYOND, users)
    return np.where(rng.random(users) < STAYING_SHARE, np.inf, leaves_after)


def share_longer_than(day: int) -> float:
    """Share of users whose last play lies more than so many whole days after the first."""
    # More than `day` whole days are day + 1 or more.
    beyond = max(day + 1 - SHORTEST_DAYS, 0)
    return STAYING_SHARE + (1 - STAYING_SHARE) * math.exp(-beyond / MEAN_DAYS_BEYOND)
