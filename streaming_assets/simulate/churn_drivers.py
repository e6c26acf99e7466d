"""Why users leave: who has which driver and since when, and what they do differently while it is on."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streaming_assets.simulate.plays import Audience
from streaming_assets.simulate.population import PREMIUM, Population, cumulated
from streaming_assets.simulate.rows import NOTHING
from streaming_assets.simulate.seeds import Purpose, generator

DRIVERS = ("inactivity", "playback", "content_mismatch", "discovery", "plan")
INACTIVITY, PLAYBACK, CONTENT_MISMATCH, DISCOVERY, PLAN = range(len(DRIVERS))

DRIVEN_SHARE, PASSING_SHARE = 0.8, 0.1
"""Of the users who leave, and of those who stay: how many have a driver."""
LEADS = {INACTIVITY: (21, 34), PLAYBACK: (40, 70), CONTENT_MISMATCH: (40, 70), DISCOVERY: (40, 70), PLAN: (40, 70)}
"""Least and most days from the onset to the last play: four weeks of it show a driver whole, most of the time. Inactivity
is shorter, or its users would be silent for so long that they count as gone before they go."""
FIRST_DAY = 8
"""Day of life on which a driver begins at the earliest: what is planted in the first week stays true."""
LAST_PASSING_ONSET, PASSING_DAYS = 120, 30
LIGHT_SHARE = 0.06
"""Of the users with neither a driver nor premium: how many watch as little as those whom the plan drives away. Without
them watching little would be a reason to leave by itself."""

ACTIVITY_LEFT, DAYS_OF_DECLINE = 0.03, 14
REBUFFERINGS_PER_HOUR, PAUSES_PER_HOUR = 2.5, 1.8
COMPLETED, ABANDONED, PLAYS_PER_SESSION = 0.25, 0.55, 3.6
"""Of content_mismatch; with more plays per session, so that some three quarters of the usual hours are watched: still less
would look like inactivity."""
RECOMMENDED, MOST_ITEMS = 0.02, 2
EPISODE_MINUTES = 10.0, 60.0
"""Mean lengths of genres: below the first are tracks, above the second films."""

NEVER = 1 << 40
"""Day of life that does not come."""


def _leads(driver: int) -> str:
    return "{} to {}".format(*LEADS[driver])


DEFINITION = (
    f"Of the users who leave, {DRIVEN_SHARE:.0%} do so for a driver, each as likely as another; non-stop listeners have "
    f"none. It is on from the UTC day onset, {_leads(PLAN)} days before the last play (inactivity: {_leads(INACTIVITY)}), "
    f"but not before D0 + {FIRST_DAY}, until the day of the last play. inactivity: sessions decline within "
    f"{DAYS_OF_DECLINE} days to {ACTIVITY_LEFT:.0%}, with one on the last day all the same. playback: ten times the "
    f"rebuffering and three times the pauses. content_mismatch: {ABANDONED:.0%} of the plays are left early and "
    f"{COMPLETED:.0%} completed, more of them in a session, of other genres than usual. discovery: the same {MOST_ITEMS} "
    "items of one title over and over, next to nothing recommended. plan: premium all along, and as many sessions as "
    f"before, but of a single play of some minutes. Of the users who stay, {PASSING_SHARE:.0%} have a driver for "
    f"{PASSING_DAYS} days and get over it (is_passing). light_users: of those with neither a driver nor premium, how many "
    f"watch as little as whom the plan drives away, from D0 + {FIRST_DAY} on. users: whose driver had begun by the end of "
    "the simulation. until: its last day, which may lie beyond the end. left: the day on which they left, null for who "
    "had not."
)

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChurnDrivers:
    """One entry per user in each array; days are days of life, 0 that of the first play.

    driver: position in DRIVERS, or NOTHING. onset, until: first and last day on which users listen in another way,
    NEVER for those who never do. is_passing: users with a driver who do not leave for it. is_light: users without one
    who watch as little as those whom the plan drives away.
    """

    driver: Numbers
    onset: Numbers
    until: Numbers
    is_passing: Flags
    is_light: Flags

    def of(self, driver: int) -> Flags:
        """The users with that driver."""
        return self.driver == driver

    def are_on(self, age: Numbers, margin: int = 0) -> Flags:
        """Whether each user listens in another way at that age in days, or so many days earlier or later."""
        return (age >= self.onset - margin) & (age <= self.until + margin)

    def activity(self, age: Numbers) -> Floats:
        """Each user's sessions at that age while the driver is on, as a share of the usual ones."""
        declined = np.clip((age - self.onset + 1) / DAYS_OF_DECLINE, 0, 1)
        return np.where(self.of(INACTIVITY), ACTIVITY_LEFT**declined, 1.0)

    def as_dict(self, user_ids: pa.StringArray, first_day: Numbers, start: dt.date, days: int) -> dict[str, object]:
        """What was planted, as it stands in truth.json, after so many days; only users with a driver are listed.

        first_day: of each user's first play, days since the start.
        """
        onset, until = first_day + self.onset, first_day + self.until
        begun = np.flatnonzero((self.driver != NOTHING) & (onset < days))
        has_left = ~self.is_passing & (until + 1 < days)
        return {
            "definition": DEFINITION,
            "light_users": int((self.is_light & (first_day < days)).sum()),
            "users": {
                user_ids[user].as_py(): {
                    "driver": DRIVERS[self.driver[user]],
                    "onset": _date(start, onset[user]),
                    "until": _date(start, until[user]),
                    "is_passing": bool(self.is_passing[user]),
                    "left": _date(start, until[user] + 1) if has_left[user] else None,
                }
                for user in begun
            },
        }


def draw_churn_drivers(population: Population, lifetimes: Floats, drivers: Sequence[str], seed: int) -> ChurnDrivers:
    """Drivers of the users, each as likely as another of those named; lifetimes are infinite for who stays.

    Non-stop listeners have none: their days without a break would have to change with it.
    """
    rng = generator(seed, Purpose.CHURN_DRIVERS)
    chance, kind, lead, light = rng.random((4, len(population)))
    passing_onset = rng.integers(FIRST_DAY, LAST_PASSING_ONSET, len(population), endpoint=True)

    stays = np.isinf(lifetimes)
    can = ~population.is_non_stop & (len(drivers) > 0)
    has = can & (chance < np.where(stays, PASSING_SHARE, DRIVEN_SHARE))
    driver = np.full(len(population), NOTHING)
    driver[has] = np.array([DRIVERS.index(name) for name in drivers])[(kind[has] * len(drivers)).astype(np.int64)]
    is_light = can & ~has & ("plan" in drivers) & (population.plan != PREMIUM) & (light < LIGHT_SHARE)

    last = np.where(stays, NEVER, lifetimes).astype(np.int64)
    least, most = np.array([LEADS[number] for number in range(len(DRIVERS))])[driver].T
    onset_of_leavers = np.maximum(last - least - (lead * (most - least + 1)).astype(np.int64), FIRST_DAY)
    onset = np.where(stays, passing_onset, onset_of_leavers)
    until = np.where(stays, passing_onset + PASSING_DAYS - 1, last)
    return ChurnDrivers(
        driver=driver,
        onset=np.select([has, is_light], [onset, FIRST_DAY], NEVER),
        until=np.where(has, until, last),
        is_passing=has & stays,
        is_light=is_light,
    )


def driven(audience: Audience, drivers: ChurnDrivers, seed: int) -> Audience:
    """The audience as it listens while its drivers are on; when and how often is told apart."""
    population, catalogue, manners = audience.population, audience.catalogue, audience.manners
    users = len(population)
    rng = generator(seed, Purpose.DRIVEN_TASTES)
    turn = rng.integers(1, len(catalogue.genres), users)
    minutes, (track, episode) = catalogue.minutes_of_genre, EPISODE_MINUTES
    favourite = _within(population.taste_shares, (minutes > track) & (minutes < episode)).argmax(axis=1)
    title = np.searchsorted(catalogue.popularity, favourite + rng.random(users, np.float32), "right")
    playback, mismatch, discovery = (drivers.of(driver) for driver in (PLAYBACK, CONTENT_MISMATCH, DISCOVERY))
    little = drivers.of(PLAN) | drivers.is_light

    shares = population.taste_shares
    shares[mismatch] = _turned(shares[mismatch], turn[mismatch])
    shares[little] = _within(shares[little], minutes < track)
    return replace(
        audience,
        population=replace(
            population, taste=cumulated(shares), plan=np.where(drivers.of(PLAN), PREMIUM, population.plan)
        ),
        manners=replace(
            manners,
            plays_per_session=np.select([little, mismatch], [1.0, PLAYS_PER_SESSION], manners.plays_per_session),
            rebufferings_per_hour=np.where(playback, REBUFFERINGS_PER_HOUR, manners.rebufferings_per_hour),
            pauses_per_hour=np.where(playback, PAUSES_PER_HOUR, manners.pauses_per_hour),
            completed=np.where(mismatch, COMPLETED, manners.completed),
            abandoned=np.where(mismatch, ABANDONED, manners.abandoned),
            recommended=np.where(discovery, RECOMMENDED, manners.recommended),
            only_title=np.where(discovery, title, NOTHING),
            most_items=np.where(discovery, MOST_ITEMS, manners.most_items),
        ),
    )


def _turned(shares: Floats, turn: Numbers) -> Floats:
    """Each row's values moved on by so many places, round and round."""
    columns = shares.shape[1]
    return np.take_along_axis(shares, (np.arange(columns) - turn[:, None]) % columns, axis=1)


def _within(shares: Floats, is_wanted: Flags) -> Floats:
    """The values of the wanted columns, above 0, and 0 elsewhere."""
    return np.where(is_wanted, shares + 1e-9, 0.0)


def _date(start: dt.date, day: np.int64) -> str:
    return str(start + dt.timedelta(days=int(day)))
