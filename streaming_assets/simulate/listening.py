"""Who plays what and when: sessions of plays in a row, and the events around them, day by day."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import places, rows
from streaming_assets.simulate.plays import Audience, Plays, Sessions, events_before, events_of_plays, plays_of
from streaming_assets.simulate.rows import DAY, SECOND, Effect, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.sessions import SESSION_GAP
from streaming_assets.simulate.treatments import Treatments

NEVER = np.iinfo(np.int64).max

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Streams:
    """Where random numbers come from: for sessions and those that are added, and for what treatments do to either."""

    sessions: Purpose
    treated: Purpose
    added: Purpose
    treated_added: Purpose


USUAL = Streams(Purpose.LISTENING, Purpose.TREATED_SESSIONS, Purpose.ADDED_SESSIONS, Purpose.TREATED_ADDED_SESSIONS)
DRIVEN = Streams(
    Purpose.DRIVEN_SESSIONS,
    Purpose.TREATED_DRIVEN_SESSIONS,
    Purpose.ADDED_DRIVEN_SESSIONS,
    Purpose.TREATED_ADDED_DRIVEN_SESSIONS,
)


@dataclass(frozen=True)
class Treated:
    """Treatments, and the stream of random numbers that they take theirs from."""

    treatments: Treatments
    rng: np.random.Generator


def utc_days(
    audience: Audience,
    start: dt.date,
    days: int,
    seed: int,
    treatments: Treatments | None = None,
    sessions_per_day: Callable[[int], Floats] | None = None,
    streams: Streams = USUAL,
) -> Iterator[Rows]:
    """The rows of each UTC day in turn, ordered by time; nothing lies before the first or after the last day.

    Users live on local days, so a UTC day is complete once the local days before and after it have been. Rows that
    treatments take away are there, and marked. sessions_per_day: each user's mean on a local day, asked as it comes;
    the population's where not given.
    """
    origin = places.milliseconds(start)
    known: dict[int, list[Rows]] = {}
    for local_day in range(-1, days + 1):
        rng = generator(seed, streams.sessions, local_day)
        date = start + dt.timedelta(days=local_day)
        treated = None if treatments is None else Treated(treatments, generator(seed, streams.treated, local_day))
        mean = audience.population.sessions_per_day if sessions_per_day is None else sessions_per_day(local_day)
        sessions = _sessions(audience, mean, date, rng)
        for day, part in rows.by_day(_events(audience, sessions, rng, treated), origin):
            known.setdefault(day, []).append(part)
        if local_day > 0:
            yield rows.in_time_order(np.concatenate([rows.empty(0), *known.pop(local_day - 1, [])]))


def sessions_on(audience: Audience, date: dt.date, users: Numbers, rng: np.random.Generator, treated: Treated) -> Rows:
    """One more session of each of the users, starting on the UTC day at an hour that is usual where they live.

    What would follow after the day's end is left out, and so is what would come before its start.
    """
    population, tick = audience.population, audience.habits.tick
    midnight = places.milliseconds(date)
    hours = places.start_times(date, len(users), rng) + population.body_clock[users]
    local = (hours * 3600 * SECOND).astype(np.int64)
    start = midnight + (local - places.utc_offsets(date)[population.place[users]]) % DAY // tick * tick
    plays = rng.geometric(1 / audience.manners.plays_per_session[users])
    sessions = Sessions(users, start, plays, np.zeros(len(users), np.bool_))
    events = _events(audience, sessions, rng, treated)
    return events[events["at"] // DAY == midnight // DAY]


def _events(audience: Audience, sessions: Sessions, rng: np.random.Generator, treated: Treated | None) -> Rows:
    """The plays of sessions and the events around them."""
    plays = plays_of(audience, sessions, rng)
    added = [] if treated is None else _treat(audience, sessions, plays, treated)
    if not audience.habits.side_events:
        return np.concatenate([plays.rows, *added])
    first_plays = plays.rows[np.flatnonzero(np.diff(plays.session_of, prepend=-1))]
    around = events_of_plays(plays.rows, plays.fraction, rng)
    return np.concatenate([plays.rows, *around, *events_before(first_plays, rng), *added])


def _treat(audience: Audience, sessions: Sessions, plays: Plays, treated: Treated) -> list[Rows]:
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
    goes_on = Sessions(sessions.user[longer], plays.free_at[before], added[longer], sessions.is_non_stop[longer])
    more = plays_of(audience, goes_on, rng)
    more.rows["platform"] = plays.rows["platform"][before][more.session_of]
    more.rows["effect"] = Effect.ADDED
    fits = more.rows["at"] // DAY == day[before][more.session_of]
    fits &= more.free_at + SESSION_GAP < _next_start(sessions)[longer][more.session_of]
    return [more.rows[fits], *events_of_plays(more.rows[fits], more.fraction[fits], rng)]


def _next_start(sessions: Sessions) -> Numbers:
    """When the user's next session starts, of those told; later than any time where there is none."""
    order = np.lexsort((sessions.start, sessions.user))
    is_followed = np.diff(sessions.user[order]) == 0
    following = np.full(len(order), NEVER)
    following[order[:-1][is_followed]] = sessions.start[order[1:][is_followed]]
    return following


def _sessions(audience: Audience, sessions_per_day: Floats, date: dt.date, rng: np.random.Generator) -> Sessions:
    population, habits = audience.population, audience.habits
    users = len(population)
    midnight = places.milliseconds(date)
    weekday = places.WEEKDAY_FACTORS[date.weekday()]
    usual = np.repeat(np.arange(users), rng.poisson(sessions_per_day * weekday))
    non_stop = np.flatnonzero(population.is_non_stop & (rng.random(users) < habits.non_stop_per_day))
    user = np.concatenate([usual, non_stop])
    is_non_stop = np.arange(len(user)) >= len(usual)
    hours = (places.start_times(date, len(user), rng) + population.body_clock[user]) % 24
    local = midnight + (hours * 3600 * SECOND).astype(np.int64)
    start = (local - places.utc_offsets(date)[population.place[user]]) // habits.tick * habits.tick
    plays = np.where(
        is_non_stop,
        rng.integers(*habits.non_stop_plays, len(user), endpoint=True),
        rng.geometric(1 / audience.manners.plays_per_session[user]),
    )
    there = (start >= population.signed_up[user]) & (start < population.left[user])
    return Sessions(user[there], start[there], plays[there], is_non_stop[there])
