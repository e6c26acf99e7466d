"""What the service's user database exports: a record per user, one more when the plan changes or ends."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streaming_assets.simulate.churn_drivers import DRIVERS, PLAN, ChurnDrivers
from streaming_assets.simulate.places import PLACES
from streaming_assets.simulate.population import PLANS, PLATFORMS, STAYS, Population
from streaming_assets.simulate.rows import NOTHING, SECOND
from streaming_assets.simulate.seeds import Purpose, generator

WITHOUT_RECORD = 0.02
CHANGES_PLAN = 0.08
SAYS_WHY = 0.7
SAYS_ANOTHER = 0.1
REASONS_OF_DRIVERS = {
    "inactivity": "lost interest",
    "playback": "technical problems",
    "content_mismatch": "nothing to watch",
    "discovery": "always the same",
    "plan": "too expensive",
}
REASONS_WITHOUT_DRIVER = ("using another service", "moving away")
REASONS = (*(REASONS_OF_DRIVERS[name] for name in DRIVERS), *REASONS_WITHOUT_DRIVER)
GENDERS = ("f", "m", "x")
GENDER_SHARES = (0.48, 0.48, 0.04)
AGE_KNOWN, GENDER_KNOWN, GENRE_KNOWN, EMAIL_KNOWN = 0.8, 0.85, 0.6, 0.95


def user_records(
    population: Population, drivers: ChurnDrivers, genres: tuple[str, ...], end: int, seed: int
) -> pa.Table:
    """Canonical user records: the first has no valid_from, later ones hold from their valid_from on.

    end: the end of the simulation, in milliseconds since 1970. Some users have no record at all. Everyone else who
    leaves before the end cancels. Whom the plan drives away never changes it.
    """
    rng = generator(seed, Purpose.USER_RECORDS)
    users = len(population)
    recorded = rng.random(users) >= WITHOUT_RECORD
    last = np.minimum(population.left, end)
    changed_at = population.signed_up + (rng.uniform(0.2, 0.9, users) * (last - population.signed_up)).astype(np.int64)
    changes = recorded & (rng.random(users) < CHANGES_PLAN) & ~drivers.of(PLAN)
    new_plan = (population.plan + rng.integers(1, len(PLANS), users)) % len(PLANS)
    plan_at_end = np.where(changes, new_plan, population.plan)
    cancels = recorded & (population.left != STAYS)

    first, change, cancel = np.flatnonzero(recorded), np.flatnonzero(changes), np.flatnonzero(cancels)
    user = np.concatenate([first, change, cancel])
    valid_from = np.concatenate([np.zeros(len(first), np.int64), changed_at[change], population.left[cancel]])
    cancelled = np.arange(len(user)) >= len(first) + len(change)
    plan = np.concatenate([population.plan[first], new_plan[change], plan_at_end[cancel]])
    about = _about(population, genres, rng).take(pa.array(user))
    return pa.table(
        {
            "user_id": about["user_id"],
            "valid_from": _instants(valid_from, absent=np.arange(len(user)) < len(first)),
            "signed_up_at": about["signed_up_at"],
            "plan": pa.array(PLANS).take(pa.array(plan)),
            **{name: about[name] for name in about.column_names[2:]},
            "cancelled_at": _instants(valid_from, absent=~cancelled),
            "cancel_reason": pc.if_else(pa.array(cancelled), _reasons(drivers, seed).take(pa.array(user)), None),
        }
    )


def _reasons(drivers: ChurnDrivers, seed: int) -> pa.Array:
    """What each user would give as the reason to leave: that of the driver or, at times, any other; often none."""
    rng = generator(seed, Purpose.CANCEL_REASONS)
    users = len(drivers.driver)
    undriven = len(DRIVERS) + rng.integers(0, len(REASONS_WITHOUT_DRIVER), users)
    own = np.where(drivers.driver == NOTHING, undriven, drivers.driver)
    other = (own + rng.integers(1, len(REASONS), users)) % len(REASONS)
    told = np.where(rng.random(users) < SAYS_ANOTHER, other, own)
    return pa.array(REASONS).take(pa.array(told, mask=rng.random(users) >= SAYS_WHY))


def _about(population: Population, genres: tuple[str, ...], rng: np.random.Generator) -> pa.Table:
    """What does not change about each user."""
    users = len(population)
    place = pa.array(population.place)
    age = np.clip(np.rint(rng.normal(36, 13, users)), 16, 90).astype(np.int64)
    email = pc.binary_join_element_wise(population.user_ids, "example.org", "@")
    return pa.table(
        {
            "user_id": population.user_ids,
            "signed_up_at": _instants(population.signed_up, absent=np.zeros(users, np.bool_)),
            "age": pa.array(age, mask=rng.random(users) >= AGE_KNOWN),
            "gender": pa.array(GENDERS).take(
                pa.array(rng.choice(len(GENDERS), users, p=GENDER_SHARES), mask=rng.random(users) >= GENDER_KNOWN)
            ),
            "country": pa.array([home.country for home in PLACES]).take(place),
            "state": pa.array([home.state for home in PLACES]).take(place),
            "platform": pa.array(PLATFORMS).take(pa.array(population.platform)),
            "preferred_genre": pa.array(genres).take(
                pa.array(population.favourite_genre, mask=rng.random(users) >= GENRE_KNOWN)
            ),
            "email": pc.if_else(pa.array(rng.random(users) < EMAIL_KNOWN), email, None),
        }
    )


def _instants(times: npt.NDArray[np.int64], absent: npt.NDArray[np.bool_]) -> pa.Array:
    """Whole seconds, as a database exports them."""
    return pa.array(times // SECOND, mask=absent).cast(pa.timestamp("s"))
