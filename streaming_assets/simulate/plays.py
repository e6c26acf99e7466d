"""The plays of sessions, and the events around them: what is played, for how long, and what happens meanwhile."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import rows
from streaming_assets.simulate.catalogue import Catalogue
from streaming_assets.simulate.manners import Manners
from streaming_assets.simulate.population import PLATFORMS, Population
from streaming_assets.simulate.rows import NOTHING, SECOND, Rows

OTHER_PLATFORM = 0.15
"""Share of sessions on another platform than the user's own."""

WATCH_UNKNOWN = 0.005
LENGTH_KNOWN = 0.95
SECONDS_PER_PAUSE = 60.0

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Habits:
    """How a service is used.

    plays_per_session: mean. stays_with_title: chance that the next play is the title's next item.
    seconds_between: mean pause between plays. non_stop_per_day, non_stop_plays: chance of a non-stop listener to
    begin such a session, and the least and most plays in it. tick: timestamps are multiples of it, milliseconds.
    side_events: events other than plays are logged.
    """

    plays_per_session: float
    stays_with_title: float
    seconds_between: float
    non_stop_per_day: float
    non_stop_plays: tuple[int, int]
    tick: int
    side_events: bool


@dataclass(frozen=True)
class Audience:
    """Who listens, to what, and how."""

    population: Population
    catalogue: Catalogue
    habits: Habits
    manners: Manners


@dataclass(frozen=True)
class Sessions:
    """Starts in milliseconds since 1970, UTC; one entry per session."""

    user: Numbers
    start: Numbers
    plays: Numbers
    is_non_stop: Flags


@dataclass(frozen=True)
class Plays:
    """Plays in order of session and time; one entry per play in each array.

    session_of: the session. fraction: how much of the item was watched. free_at: when the next play would start.
    """

    rows: Rows
    session_of: Numbers
    fraction: npt.NDArray[np.float64]
    free_at: Numbers


def plays_of(audience: Audience, sessions: Sessions, rng: np.random.Generator) -> Plays:
    """The plays of the sessions."""
    habits, manners = audience.habits, audience.manners
    session_of = np.repeat(np.arange(len(sessions.plays)), sessions.plays)
    first_of = (np.cumsum(sessions.plays) - sessions.plays)[session_of]
    is_non_stop = sessions.is_non_stop[session_of]
    count = len(session_of)

    plays = rows.empty(count)
    user = sessions.user[session_of]
    plays["user"] = user
    plays["item"] = _choose(audience, user, first_of, is_non_stop, rng)
    plays["platform"] = _platforms(audience.population, sessions.user, rng)[session_of]
    length = audience.catalogue.length[plays["item"]]
    fraction = np.where(is_non_stop, 1.0, _completion(manners, user, rng))
    watch = np.maximum(np.rint(length * fraction), 1).astype(np.int64)
    hours = watch / 36_000
    plays["watch"] = np.where(rng.random(count) < WATCH_UNKNOWN, rows.UNKNOWN_WATCH, watch)
    plays["length_is_known"] = rng.random(count) < LENGTH_KNOWN
    plays["pauses"] = np.where(is_non_stop, 0, rng.poisson(manners.pauses_per_hour[user] * hours))
    plays["buffer_events"] = rng.poisson(manners.rebufferings_per_hour[user] * hours)
    plays["was_recommended"] = rng.random(count) < manners.recommended[user]

    between = rng.exponential(habits.seconds_between, count) + SECONDS_PER_PAUSE * plays["pauses"]
    busy = watch * (SECOND // 10) + np.rint(between * SECOND).astype(np.int64)
    elapsed = np.cumsum(busy) - busy
    exact = sessions.start[session_of] + elapsed - elapsed[first_of]
    plays["at"] = exact // habits.tick * habits.tick
    return Plays(plays, session_of, fraction, (exact + busy) // habits.tick * habits.tick)


def _choose(
    audience: Audience, users: Numbers, first_of: Numbers, is_non_stop: Flags, rng: np.random.Generator
) -> Numbers:
    """The item of each play: a title by the user's taste and its popularity, then item by item while they stay."""
    catalogue, manners = audience.catalogue, audience.manners
    count = len(users)
    position = np.arange(count)
    genre = (audience.population.taste[users] < rng.random(count)[:, None]).sum(axis=1)
    if catalogue.non_stop_genre is not None:
        genre[is_non_stop] = catalogue.non_stop_genre
    # The sum of a small integer and a float32 is exact in float64, hence below genre + 1: the search stays in the genre.
    place = genre + rng.random(count, np.float32)
    title = np.searchsorted(catalogue.popularity, place, side="right")
    only_title = manners.only_title[users]
    title = np.where(only_title == NOTHING, title, only_title)
    changes = (position == first_of) | (rng.random(count) >= audience.habits.stays_with_title)
    head = np.maximum.accumulate(np.where(changes, position, 0))
    changes |= catalogue.items[title[head]] == 1
    head = np.maximum.accumulate(np.where(changes, position, 0))
    title = title[head]
    begins_at = rng.integers(0, 1 << 30, count)[head]
    item = (begins_at + position - head) % np.minimum(catalogue.items[title], manners.most_items[users])
    return catalogue.first_item[title] + item


def _platforms(population: Population, users: Numbers, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    other = rng.integers(0, len(PLATFORMS), len(users), np.int8)
    return np.where(rng.random(len(users)) < OTHER_PLATFORM, other, population.platform[users])


def _completion(manners: Manners, users: Numbers, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    kind = rng.random(len(users))
    part = rng.random(len(users))
    completed = manners.completed[users]
    between = np.where(kind < completed + manners.abandoned[users], 0.01 + 0.12 * part, 0.13 + 0.79 * part)
    return np.where(kind < completed, 0.92 + 0.08 * np.sqrt(part), between)


def events_of_plays(plays: Rows, fraction: npt.NDArray[np.float64], rng: np.random.Generator) -> list[Rows]:
    """Skips and completes at the end of a play, pauses in the middle; not every client reports each."""
    watched = plays["watch"] != rows.UNKNOWN_WATCH
    chance = rng.random(len(plays))
    skips = watched & (fraction < 0.10) & (chance < 0.5)
    completes = watched & (fraction > 0.95) & (chance < 0.10)
    pauses = watched & (plays["pauses"] > 0) & (chance < 0.25)
    length = plays["watch"].astype(np.int64) * (SECOND // 10)
    return [
        _beside(plays[skips], rows.SKIP, length[skips]),
        _beside(plays[completes], rows.COMPLETE, length[completes]),
        _beside(plays[pauses], rows.PAUSE, length[pauses] // 2),
    ]


def events_before(first_plays: Rows, rng: np.random.Generator) -> list[Rows]:
    """Searches and previews in the minute before a session."""
    chance = rng.random(len(first_plays))
    lead = -rng.integers(3 * SECOND, 60 * SECOND, len(first_plays))
    searches, previews = chance < 0.05, chance > 0.96
    search = _beside(first_plays[searches], rows.SEARCH, lead[searches])
    search["item"] = NOTHING
    return [search, _beside(first_plays[previews], rows.PREVIEW, lead[previews])]


def _beside(plays: Rows, event_type: int, milliseconds: Numbers) -> Rows:
    """Events of that type so long after the start of each play."""
    events = rows.empty(len(plays))
    for field in ("user", "item", "platform", "effect"):
        events[field] = plays[field]
    events["event_type"] = event_type
    events["at"] = plays["at"] + milliseconds
    return events
