"""Who listens: homes, lifetimes, how much and what."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streaming_assets.simulate import places
from streaming_assets.simulate.rows import DAY
from streaming_assets.simulate.seeds import Purpose, generator

PLATFORMS = ("ios", "android", "web", "tv")
PLANS = ("free", "basic", "premium")
PREMIUM = PLANS.index("premium")

PLATFORM_SHARES = (0.28, 0.27, 0.20, 0.25)
PLAN_SHARES = (0.45, 0.35, 0.20)
PRESENT_FROM_THE_START = 0.55
MEAN_DAYS_SINCE_SIGN_UP = 300.0
NON_STOP_LISTENERS = 0.012
SESSIONS_SPREAD = 0.9
"""Standard deviation of the logarithm of sessions per day: a few users listen many times as much as most."""
MOST_SESSIONS_PER_DAY = 8.0
TASTE_CONCENTRATION = 0.35
"""Of the Dirichlet distribution of genres: below 1, so that most users keep to a few."""
BODY_CLOCK_HOURS = 1.2
STAYS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Population:
    """One entry per user in each array; times in milliseconds since 1970, UTC.

    place, platform, plan: positions in PLACES, PLATFORMS and PLANS. left: STAYS for those who never leave.
    sessions_per_day: mean while the user is there. body_clock: hours by which the user's day is late.
    taste: cumulated shares of genres, a row per user, ending in 1. is_non_stop: plays on for days at times.
    """

    user_ids: pa.StringArray
    place: npt.NDArray[np.int8]
    platform: npt.NDArray[np.int8]
    plan: npt.NDArray[np.int8]
    signed_up: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    sessions_per_day: npt.NDArray[np.float64]
    body_clock: npt.NDArray[np.float64]
    taste: npt.NDArray[np.float64]
    is_non_stop: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def taste_shares(self) -> npt.NDArray[np.float64]:
        """Shares of genres, a row per user."""
        return np.diff(self.taste, axis=1, prepend=0)

    @property
    def favourite_genre(self) -> npt.NDArray[np.int64]:
        """The genre that each user plays most."""
        return self.taste_shares.argmax(axis=1)


def populate(
    users: int,
    start: dt.date,
    days: int,
    seed: int,
    *,
    prefix: str,
    genres: int,
    median_sessions_per_day: float,
    leavers: float,
) -> Population:
    """The users of a simulation of some days; their ids are the prefix and a number of six digits or more.

    leavers: share of them who leave before its end, at any time after they joined.
    """
    rng = generator(seed, Purpose.POPULATION)
    first, length = places.milliseconds(start), days * DAY
    is_early = rng.random(users) < PRESENT_FROM_THE_START
    joined = first + np.where(is_early, 0, rng.random(users) * 0.95 * length).astype(np.int64)
    earlier = (rng.exponential(MEAN_DAYS_SINCE_SIGN_UP, users) * DAY).astype(np.int64)
    leaves = rng.random(users) < leavers
    leaving = joined + (rng.uniform(0.05, 1.0, users) * (first + length - joined)).astype(np.int64)
    sessions = median_sessions_per_day * rng.lognormal(0.0, SESSIONS_SPREAD, users)
    taste = rng.dirichlet(np.full(genres, TASTE_CONCENTRATION), users).cumsum(axis=1)
    taste[:, -1] = 1.0
    return Population(
        user_ids=_ids(prefix, users),
        place=places.random_places(users, rng),
        platform=rng.choice(len(PLATFORMS), users, p=PLATFORM_SHARES).astype(np.int8),
        plan=rng.choice(len(PLANS), users, p=PLAN_SHARES).astype(np.int8),
        signed_up=np.where(is_early, joined - earlier, joined),
        left=np.where(leaves, leaving, STAYS),
        sessions_per_day=np.minimum(sessions, MOST_SESSIONS_PER_DAY),
        body_clock=rng.normal(0.0, BODY_CLOCK_HOURS, users),
        taste=taste,
        is_non_stop=rng.random(users) < NON_STOP_LISTENERS,
    )


def cumulated(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Taste by shares of genres, of which each row may sum up to anything above 0."""
    sums = shares.cumsum(axis=1)
    return sums / sums[:, -1:]


def _ids(prefix: str, users: int) -> pa.StringArray:
    numbers = pa.array(np.arange(1, users + 1)).cast(pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(numbers, max(6, len(str(users))), "0"), "")
