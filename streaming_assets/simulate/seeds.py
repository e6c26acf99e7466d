"""Random numbers that stay put: each purpose and each day has its own stream.

A new effect therefore takes numbers from nobody else's stream, and data without it stays as it was.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream of random numbers is for; the values are part of what a seed means."""

    POPULATION = 1
    CATALOGUE = 2
    LISTENING = 3
    EVENT_IDS = 4
    DIRT = 5
    CORRECTIONS = 6
    USER_RECORDS = 7
    LIFETIMES = 8
    RETURNS = 9
    ADDED_SESSIONS = 10
    TREATED_SESSIONS = 11
    TREATED_ADDED_SESSIONS = 12
    EXPOSURES = 13
    CHURN_DRIVERS = 14
    DRIVEN_SESSIONS = 15
    TREATED_DRIVEN_SESSIONS = 16
    ADDED_DRIVEN_SESSIONS = 17
    TREATED_ADDED_DRIVEN_SESSIONS = 18
    DRIVEN_TASTES = 19
    CANCEL_REASONS = 20


def generator(seed: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """The stream of one purpose; number tells apart the streams of its days (−1 is the day before the first)."""
    return np.random.default_rng([seed, int(purpose), number + 1])
