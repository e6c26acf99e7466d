"""Who plays what and when: sessions of plays in a row, and the events around them, day by day."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import places, rows
from streaming_assets.simulate.catalogue import Catalogue
from streaming_assets.simulate.population import PLATFORMS, Population
from streaming_assets.simulate.rows import DAY, NOTHING, SECOND, Effect, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.sessions import SESSION_GAP
from streaming_assets.simulate.treatments import Treatments

OTHER_PLATFORM = 0.15
"""Share of sessions on another platform than the user's own."""

COMPLETED, ABANDONED = 0.60, 0.16
"""Shares of plays watched to the end and left early; the rest end somewhere between."""

WATCH_UNKNOWN = 0.005
LENGTH_KNOWN = 0.95
RECOMMENDED = 0.30
NEVER = np.iinfo(np.int64).max
SECONDS_PER_PAUSE = 60.0
PAUSES_PER_HOUR = 0.6
BUFFERINGS_PER_HOUR = 0.25

Numbers = npt.NDArray[np.int64]


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
class _Sessions:
    """Starts in milliseconds since 1970, UTC; one entry per session."""

    user: Numbers
    start: Numbers
    plays: Numbers
    is_non_stop: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Plays:
    """Plays in order of session and time; one entry per play in each array.

    session_of: the session. fraction: how much of the item was watched. free_at: when the next play would start.
    """

    rows: Rows
    session_of: Numbers
    fraction: npt.NDArray[np.float64]
    free_at: Numbers


@dataclass(frozen=True)
class Treated:
    """Treatments, and the stream of random numbers that they take theirs from."""

    treatments: Treatments
    rng: np.random.Generator


def utc_days(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    start: dt.date,
    days: int,
    seed: int,
    treatments: Treatments | None = None,
) -> Iterator[Rows]:
    """The rows of each UTC day in turn, ordered by time; nothing lies before the first or after the last day.

    Users live on local days, so a UTC day is complete once the local days before and after it have been. Rows that
    treatments take away are there, and marked.
    """
    origin = places.milliseconds(start)
    known: dict[int, list[Rows]] = {}
    for local_day in range(-1, days + 1):
        rng = generator(seed, Purpose.LISTENING, local_day)
        date = start + dt.timedelta(days=local_day)
        treated = _treated(treatments, seed, local_day)
        for day, part in rows.by_day(_local_day(population, catalogue, habits, date, rng, treated), origin):
            known.setdefault(day, []).append(part)
        if local_day > 0:
            yield rows.in_time_order(np.concatenate([rows.empty(0), *known.pop(local_day - 1, [])]))


def _treated(treatments: Treatments | None, seed: int, local_day: int) -> Treated | None:
    return None if treatments is None else Treated(treatments, generator(seed, Purpose.TREATED_SESSIONS, local_day))


def _local_day(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    date: dt.date,
    rng: np.random.Generator,
    treated: Treated | None,
) -> Rows:
    """Everything that begins on one local day."""
    return _events(population, catalogue, habits, _sessions(population, habits, date, rng), rng, treated)


def sessions_on(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    date: dt.date,
    users: Numbers,
    rng: np.random.Generator,
    treated: Treated,
) -> Rows:
    """One more session of each of the users, starting on the UTC day at an hour that is usual where they live.

    What would follow after the day's end is left out, and so is what would come before its start.
    """
    midnight = places.milliseconds(date)
    hours = places.start_times(date, len(users), rng) + population.body_clock[users]
    local = (hours * 3600 * SECOND).astype(np.int64)
    start = midnight + (local - places.utc_offsets(date)[population.place[users]]) % DAY // habits.tick * habits.tick
    plays = rng.geometric(1 / habits.plays_per_session, len(users))
    sessions = _Sessions(users, start, plays, np.zeros(len(users), np.bool_))
    events = _events(population, catalogue, habits, sessions, rng, treated)
    return events[events["at"] // DAY == midnight // DAY]


def _events(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    sessions: _Sessions,
    rng: np.random.Generator,
    treated: Treated | None,
) -> Rows:
    """The plays of sessions and the events around them."""
    plays = _plays(population, catalogue, habits, sessions, rng)
    added = [] if treated is None else _treat(population, catalogue, habits, sessions, plays, treated)
    if not habits.side_events:
        return np.concatenate([plays.rows, *added])
    first_plays = plays.rows[np.flatnonzero(np.diff(plays.session_of, prepend=-1))]
    around = _events_of_plays(plays.rows, plays.fraction, rng)
    return np.concatenate([plays.rows, *around, *_events_before(first_plays, rng), *added])


def _treat(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    sessions: _Sessions,
    plays: _Plays,
    treated: Treated,
) -> list[Rows]:
    """Marks the plays that treatments take away from the ends of sessions; plays added there, and events around them.

    On which UTC days a user plays stays as it is, since that is planted otherwise: a session keeps the first play of
    its last day, and what is added ends with that day. Nor does a session grow into the user's next one of the local
    day, so that there are as many.
    """
    treatments, rng = treated.treatments, treated.rng
    day = plays.rows["at"] // DAY
    first = np.cumsum(sessions.plays) - sessions.plays
    last_day = day[first + sessions.plays - 1]
    least = np.bincount(plays.session_of[day < last_day[plays.session_of]], minlength=len(first)) + 1
    left = treatments.left(sessions.user, sessions.start, sessions.plays, least, rng)
    number = np.arange(len(day)) - first[plays.session_of]
    plays.rows["effect"][number >= left[plays.session_of]] = Effect.TAKEN

    added = treatments.added(sessions.user, sessions.start, left, rng)
    longer = np.flatnonzero(added)
    before = (first + left - 1)[longer]
    goes_on = _Sessions(sessions.user[longer], plays.free_at[before], added[longer], sessions.is_non_stop[longer])
    more = _plays(population, catalogue, habits, goes_on, rng)
    more.rows["platform"] = plays.rows["platform"][before][more.session_of]
    more.rows["effect"] = Effect.ADDED
    fits = more.rows["at"] // DAY == day[before][more.session_of]
    fits &= more.free_at + SESSION_GAP < _next_start(sessions)[longer][more.session_of]
    return [more.rows[fits], *_events_of_plays(more.rows[fits], more.fraction[fits], rng)]


def _next_start(sessions: _Sessions) -> Numbers:
    """When the user's next session starts, of those told; later than any time where there is none."""
    order = np.lexsort((sessions.start, sessions.user))
    is_followed = np.diff(sessions.user[order]) == 0
    following = np.full(len(order), NEVER)
    following[order[:-1][is_followed]] = sessions.start[order[1:][is_followed]]
    return following


def _sessions(population: Population, habits: Habits, date: dt.date, rng: np.random.Generator) -> _Sessions:
    users = len(population)
    midnight = places.milliseconds(date)
    weekday = places.WEEKDAY_FACTORS[date.weekday()]
    usual = np.repeat(np.arange(users), rng.poisson(population.sessions_per_day * weekday))
    non_stop = np.flatnonzero(population.is_non_stop & (rng.random(users) < habits.non_stop_per_day))
    user = np.concatenate([usual, non_stop])
    is_non_stop = np.arange(len(user)) >= len(usual)
    hours = (places.start_times(date, len(user), rng) + population.body_clock[user]) % 24
    local = midnight + (hours * 3600 * SECOND).astype(np.int64)
    start = (local - places.utc_offsets(date)[population.place[user]]) // habits.tick * habits.tick
    plays = np.where(
        is_non_stop,
        rng.integers(*habits.non_stop_plays, len(user), endpoint=True),
        rng.geometric(1 / habits.plays_per_session, len(user)),
    )
    there = (start >= population.signed_up[user]) & (start < population.left[user])
    return _Sessions(user[there], start[there], plays[there], is_non_stop[there])


def _plays(
    population: Population, catalogue: Catalogue, habits: Habits, sessions: _Sessions, rng: np.random.Generator
) -> _Plays:
    session_of = np.repeat(np.arange(len(sessions.plays)), sessions.plays)
    first_of = (np.cumsum(sessions.plays) - sessions.plays)[session_of]
    is_non_stop = sessions.is_non_stop[session_of]
    count = len(session_of)

    plays = rows.empty(count)
    plays["user"] = sessions.user[session_of]
    plays["item"] = _choose(population, catalogue, habits, plays["user"], first_of, is_non_stop, rng)
    plays["platform"] = _platforms(population, sessions.user, rng)[session_of]
    length = catalogue.length[plays["item"]]
    fraction = np.where(is_non_stop, 1.0, _completion(count, rng))
    watch = np.maximum(np.rint(length * fraction), 1).astype(np.int64)
    hours = watch / 36_000
    plays["watch"] = np.where(rng.random(count) < WATCH_UNKNOWN, rows.UNKNOWN_WATCH, watch)
    plays["length_is_known"] = rng.random(count) < LENGTH_KNOWN
    plays["pauses"] = np.where(is_non_stop, 0, rng.poisson(PAUSES_PER_HOUR * hours))
    plays["buffer_events"] = rng.poisson(BUFFERINGS_PER_HOUR * hours)
    plays["was_recommended"] = rng.random(count) < RECOMMENDED

    between = rng.exponential(habits.seconds_between, count) + SECONDS_PER_PAUSE * plays["pauses"]
    busy = watch * (SECOND // 10) + np.rint(between * SECOND).astype(np.int64)
    elapsed = np.cumsum(busy) - busy
    exact = sessions.start[session_of] + elapsed - elapsed[first_of]
    plays["at"] = exact // habits.tick * habits.tick
    return _Plays(plays, session_of, fraction, (exact + busy) // habits.tick * habits.tick)


def _choose(
    population: Population,
    catalogue: Catalogue,
    habits: Habits,
    users: Numbers,
    first_of: Numbers,
    is_non_stop: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Numbers:
    """The item of each play: a title by the user's taste and its popularity, then item by item while they stay."""
    count = len(users)
    position = np.arange(count)
    genre = (population.taste[users] < rng.random(count)[:, None]).sum(axis=1)
    if catalogue.non_stop_genre is not None:
        genre[is_non_stop] = catalogue.non_stop_genre
    # The sum of a small integer and a float32 is exact in float64, hence below genre + 1: the search stays in the genre.
    title = np.searchsorted(catalogue.popularity, genre + rng.random(count, np.float32), side="right")
    changes = (position == first_of) | (rng.random(count) >= habits.stays_with_title)
    head = np.maximum.accumulate(np.where(changes, position, 0))
    changes |= catalogue.items[title[head]] == 1
    head = np.maximum.accumulate(np.where(changes, position, 0))
    title = title[head]
    begins_at = rng.integers(0, 1 << 30, count)[head]
    item = (begins_at + position - head) % catalogue.items[title]
    return catalogue.first_item[title] + item


def _platforms(population: Population, users: Numbers, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    other = rng.integers(0, len(PLATFORMS), len(users), np.int8)
    return np.where(rng.random(len(users)) < OTHER_PLATFORM, other, population.platform[users])


def _completion(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    kind = rng.random(count)
    part = rng.random(count)
    between = np.where(kind < COMPLETED + ABANDONED, 0.01 + 0.12 * part, 0.13 + 0.79 * part)
    return np.where(kind < COMPLETED, 0.92 + 0.08 * np.sqrt(part), between)


def _events_of_plays(plays: Rows, fraction: npt.NDArray[np.float64], rng: np.random.Generator) -> list[Rows]:
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


def _events_before(first_plays: Rows, rng: np.random.Generator) -> list[Rows]:
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
