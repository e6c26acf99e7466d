"""The experiments of a simulation: who is in which arm, what that does, and what a right analysis must decide."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streaming_assets.simulate import rows
from streaming_assets.simulate.places import milliseconds
from streaming_assets.simulate.rows import DAY, Effect, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.sessions import SessionTotals
from streaming_assets.simulate.treatments import Effects, Treatments

LIFT, HARM, AA, SRM = "sim_lift", "sim_harm", "sim_aa", "sim_srm"
BUCKETS = 10_000
FIRST_SHARE, LAST_SHARE = 0.35, 0.85
"""Of the simulated days, when the experiments begin and end."""

ARMS = (
    "Users with a play in [start, end] are in the arm treatment when the first 8 hex digits of md5('{id}:user_id'), "
    "modulo 10000, are 5000 or more, else in control."
)
LIFTED = (
    f"{ARMS.format(id=LIFT)} Sessions of treated users that start in these days gain a Poisson number of plays at their "
    "end, more_plays per play; those that would begin on another UTC day than the play before, or come within 30 minutes of "
    "the user's next session of the day, are left out. realised_lift: of minutes per session, over these sessions, with "
    "and without that; what sim_harm takes away is away in both."
)
HARMED = (
    f"{ARMS.format(id=HARM)} Sessions of treated users that start in these days lose plays from their end, each but the "
    "first with the chance fewer_plays; of a session past midnight UTC the first play of the last day stays. "
    "realised_lift: of minutes per session, over these sessions, with and without that, before sim_lift adds plays."
)
CALIBRATED = f"{ARMS.format(id=AA)} Nothing is done to either."
MISLOGGED = (
    f"{ARMS.format(id=SRM)} An exposure event tells it at the time of the user's first play in these days, but of the "
    "share withheld of the treated users none is ever logged. Nothing else is done. users: as logged, before rows are "
    "lost to dirt; withheld: treated users without an event."
)

Flags = npt.NDArray[np.bool_]


def window(start: dt.date, days: int, first_share: float, last_share: float) -> tuple[dt.date, dt.date]:
    """First and last day of an experiment, between two shares of the days of a simulation; at least one day of it."""
    first, last = (min(round(share * days), days - 1) for share in (first_share, last_share))
    return start + dt.timedelta(days=first), start + dt.timedelta(days=last)


def is_treated(salt: str, user_ids: pa.StringArray) -> Flags:
    """Whether each user is in the second of two equal arms.

    The rule of the pipeline, restated on purpose: the first 8 hex digits of md5(`salt:user`), modulo BUCKETS.
    """
    digests = [
        hashlib.md5(f"{salt}:{user}".encode(), usedforsecurity=False).digest()[:4] for user in user_ids.to_pylist()
    ]
    return np.frombuffer(b"".join(digests), ">u4") % BUCKETS >= BUCKETS // 2


@dataclass
class Exposed:
    """Who has played on the days of an experiment, both inclusive."""

    first: dt.date
    last: dt.date
    users: int
    has_played: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.has_played = np.zeros(self.users, np.bool_)

    def add(self, plays: Rows, date: dt.date) -> Rows:
        """Takes in the plays of a day, ordered by time; gives those that are the first of their user."""
        if not self.first <= date <= self.last:
            return rows.empty(0)
        users, first = np.unique(plays["user"], return_index=True)
        new = ~self.has_played[users]
        self.has_played[users] = True
        return plays[first[new]]

    def arms(self, treated: Flags) -> dict[str, int]:
        """Users in each arm."""
        told = (~treated & self.has_played, treated & self.has_played)
        return {name: int(arm.sum()) for name, arm in zip(rows.VARIANTS, told, strict=True)}


def calibration(exposed: Exposed, treated: Flags) -> dict[str, object]:
    """What truth.json says of sim_aa."""
    return {**_told(exposed, treated, CALIBRATED, "CALIBRATION"), "is_calibrated": True}


def _told(exposed: Exposed, treated: Flags, definition: str, verdict: str) -> dict[str, object]:
    return {
        "definition": definition,
        "start": str(exposed.first),
        "end": str(exposed.last),
        "verdict": verdict,
        "users": exposed.arms(treated),
    }


@dataclass
class Experiments:
    """The four experiments while the days go by."""

    user_ids: pa.StringArray
    start: dt.date
    days: int
    seed: int
    effects: Effects
    treated: dict[str, Flags] = field(init=False)
    treatments: Treatments = field(init=False)
    _withheld: Flags = field(init=False)
    _exposed: Exposed = field(init=False)
    _without: dict[str, SessionTotals] = field(init=False)
    _with: dict[str, SessionTotals] = field(init=False)

    def __post_init__(self) -> None:
        first, last = window(self.start, self.days, FIRST_SHARE, LAST_SHARE)
        users = len(self.user_ids)
        self._exposed = Exposed(first, last, users)
        self.treated = {name: is_treated(name, self.user_ids) for name in (LIFT, HARM, AA, SRM)}
        chance = generator(self.seed, Purpose.EXPOSURES).random(users)
        self._withheld = self.treated[SRM] & (chance < self.effects.withheld)
        bounds = milliseconds(first), milliseconds(last) + DAY
        self.treatments = Treatments(*bounds, self.treated[LIFT], self.treated[HARM], self.effects)
        self._without = {name: SessionTotals(*bounds) for name in (LIFT, HARM)}
        self._with = {name: SessionTotals(*bounds) for name in (LIFT, HARM)}

    @property
    def first(self) -> dt.date:
        """The first day of all four."""
        return self._exposed.first

    @property
    def last(self) -> dt.date:
        """The last day of all four, inclusive."""
        return self._exposed.last

    def landed(self, lived_days: Iterator[Rows]) -> Iterator[Rows]:
        """The rows of each UTC day as they are logged, ordered by time: without what was taken away, with exposures."""
        for day, lived in enumerate(lived_days):
            date = self.start + dt.timedelta(days=day)
            plays = lived[lived["event_type"] == rows.PLAY]
            self._measure(plays, date)
            # The first play of a user's day is never taken away, so that it is a user's first play as logged too.
            exposures = self._exposures(self._exposed.add(plays, date))
            logged = lived[lived["effect"] != Effect.TAKEN]
            yield rows.in_time_order(np.concatenate([logged, exposures])) if len(exposures) else logged
        for totals in (*self._without.values(), *self._with.values()):
            totals.close()

    def as_dict(self) -> dict[str, dict[str, object]]:
        """What was planted, as it stands in truth.json."""
        return {
            LIFT: {
                **self._told(LIFT, LIFTED, "SHIP"),
                "more_plays": self.effects.more_plays,
                **self._realised(LIFT),
            },
            HARM: {
                **self._told(HARM, HARMED, "ROLLBACK"),
                "fewer_plays": self.effects.fewer_plays,
                **self._realised(HARM),
            },
            AA: calibration(self._exposed, self.treated[AA]),
            SRM: {
                **self._told(SRM, MISLOGGED, "INVALID"),
                "users": {**self._exposed.arms(self.treated[SRM]), rows.VARIANTS[rows.TREATMENT]: self._logged_treated},
                "withheld": int((self._withheld & self._exposed.has_played).sum()),
            },
        }

    @property
    def _logged_treated(self) -> int:
        return int((self.treated[SRM] & ~self._withheld & self._exposed.has_played).sum())

    def _told(self, name: str, definition: str, verdict: str) -> dict[str, object]:
        return _told(self._exposed, self.treated[name], definition, verdict)

    def _realised(self, name: str) -> dict[str, object]:
        with_, without = self._with[name], self._without[name]
        lift = None
        if with_.minutes and without.minutes:
            lift = round(with_.minutes / with_.sessions / (without.minutes / without.sessions) - 1, 6)
        return {
            "sessions": {"with": with_.sessions, "without": without.sessions},
            "minutes": {"with": round(with_.minutes, 3), "without": round(without.minutes, 3)},
            "realised_lift": lift,
        }

    def _measure(self, plays: Rows, date: dt.date) -> None:
        """Counts the sessions of treated users, as they are and as they would be."""
        day_end = milliseconds(date) + DAY
        for totals, name, effects in (
            (self._without, LIFT, (Effect.NONE,)),
            (self._with, LIFT, (Effect.NONE, Effect.ADDED)),
            (self._without, HARM, (Effect.NONE, Effect.TAKEN)),
            (self._with, HARM, (Effect.NONE,)),
        ):
            of_treated = self.treated[name][plays["user"]]
            totals[name].add(plays[of_treated & np.isin(plays["effect"], effects)], day_end)

    def _exposures(self, exposing: Rows) -> Rows:
        """The exposure events of sim_srm that the first plays of users bring about."""
        told = exposing[~self._withheld[exposing["user"]]]
        events = rows.empty(len(told))
        for name in ("user", "at", "platform"):
            events[name] = told[name]
        events["event_type"] = rows.EXPOSURE
        events["experiment"] = rows.LOGGED_EXPERIMENTS.index(SRM)
        events["variant"] = np.where(self.treated[SRM][told["user"]], rows.TREATMENT, rows.CONTROL)
        return events
