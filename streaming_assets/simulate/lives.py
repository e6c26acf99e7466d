"""What is planted in the lives of users: who comes back a week after the first play, which play is the last, and why.

The first two are decided per user and day, and made true there: rows of the day are taken out, or a session is added.
While a driver is on, the user's days are replaced by others, which have streams of random numbers of their own; so
nobody else's days change, nor does what is counted of the first ones.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import rows
from streaming_assets.simulate.churn_drivers import ChurnDrivers, draw_churn_drivers, driven
from streaming_assets.simulate.first_days import (
    FIRST_DAYS,
    INTERCEPT,
    MOST_GENRES,
    MOST_SESSIONS,
    PER_DOUBLING_OF_PLAYS,
    PER_SESSION,
    RETURN_DAY,
    first_days,
)
from streaming_assets.simulate.lifetimes import (
    MEAN_DAYS_BEYOND,
    SHORTEST_DAYS,
    STAYING_SHARE,
    draw_lifetimes,
    share_longer_than,
)
from streaming_assets.simulate.listening import DRIVEN, USUAL, Streams, Treated, sessions_on, utc_days
from streaming_assets.simulate.places import milliseconds
from streaming_assets.simulate.plays import Audience
from streaming_assets.simulate.population import STAYS
from streaming_assets.simulate.rows import DAY, Effect, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.treatments import Treatments

NOT_YET = 1 << 40
"""Day of the first play of those who have not played: later than any."""

SURVIVAL_DAYS = (14, 30, 60, 90)

GENRE_DIVERSITY = (
    f"D0 is the UTC day of a user's first play in these files, and a play on D0 + "
    f"{RETURN_DAY} is drawn with log-odds intercept + per_doubling_of_plays*log2(plays) + "
    f"per_session*min(sessions, {MOST_SESSIONS}) + effect*(min(genres, {MOST_GENRES}) - 1), all counted over D0 to D0 + "
    f"{FIRST_DAYS - 1} as they would be without experiments. A logistic regression on the three finds effect within its interval; the rates by genres alone "
    "differ by more, since who plays more meets more genres. users: those whose D0 + 7 is over; returned: those who "
    "played on it; expected: the sum of their chances."
)
LIFETIMES = (
    "Whole days from D0 to the user's last play, drawn without regard to anything else: a staying_share plays on for "
    "ever, the rest for shortest_days and an exponential time of mean_days_beyond. longer_than_days: the share of "
    "users who play later than so many days after D0, as the distribution has it and as drawn for the users with a "
    "play, beyond the end of the simulation too. A Kaplan-Meier curve that places a loss 28 days after the last play "
    "finds the share for n days on day n + 28 for users who play often; who pauses for longer than 28 days is "
    "lost to it early. ended: users whose last play lies within the simulation."
)

Users = npt.NDArray[np.int64]


@dataclass
class Lives:
    """The users' days since their first play, kept while the days of the simulation go by. Days are UTC days.

    first_day: of each user's first play, days since the start. lifetimes: days from the first to the last play.
    chances: of a play on RETURN_DAY, known once the first days are over. decided, returned, expected: users for whom
    that day has come, those who played on it, and the sum of their chances. churn_drivers: names of those that are
    planted. driven: the audience as it listens while they are on.
    """

    audience: Audience
    start: dt.date
    seed: int
    genre_diversity_effect: float
    treatments: Treatments
    churn_drivers: Sequence[str]
    first_day: Users = field(init=False)
    lifetimes: npt.NDArray[np.float64] = field(init=False)
    chances: npt.NDArray[np.float64] = field(init=False)
    drivers: ChurnDrivers = field(init=False)
    driven: Audience = field(init=False)
    decided: int = 0
    returned: int = 0
    expected: float = 0.0

    def __post_init__(self) -> None:
        population = self.audience.population
        users = len(population)
        self.first_day = np.full(users, NOT_YET)
        self.lifetimes = draw_lifetimes(users, self.seed)
        self.chances = np.zeros(users)
        self.drivers = draw_churn_drivers(population, self.lifetimes, self.churn_drivers, self.seed)
        self.driven = driven(self.audience, self.drivers, self.seed)

    def utc_days(self, days: int) -> Iterator[Rows]:
        """The rows of each UTC day in turn, ordered by time; those that experiments take away are there, and marked."""
        genre_of = self.audience.catalogue.columns["genre"].dictionary_encode().indices.to_numpy().astype(np.int64)
        early: list[Rows] = []
        arguments = (self.start, days, self.seed, self.treatments)
        usual_days = utc_days(self.audience, *arguments)
        driven_days = utc_days(self.driven, *arguments, self._driven_sessions_per_day, DRIVEN)
        for day, (usual, otherwise) in enumerate(zip(usual_days, driven_days, strict=True)):
            lived = self._lived(day, usual)
            plays = lived[(lived["event_type"] == rows.PLAY) & (lived["effect"] != Effect.ADDED)]
            self.first_day[plays["user"]] = np.minimum(self.first_day[plays["user"]], day)
            early = [*early[1 - FIRST_DAYS :], plays[self._age(day)[plays["user"]] < FIRST_DAYS]]
            self._look_back(day, np.concatenate(early), genre_of)
            yield self._with_driven(day, lived, otherwise)

    def left(self, days: int) -> Users:
        """When each user left for good, milliseconds since 1970; STAYS for those who had not after so many days."""
        leaves_after = self.first_day + 1 + self.lifetimes
        has_left = leaves_after < days
        left = np.full(len(has_left), STAYS)
        left[has_left] = milliseconds(self.start) + (leaves_after[has_left] * DAY).astype(np.int64)
        return left

    def as_dict(self, days: int) -> dict[str, dict[str, object]]:
        """What was planted, as it stands in truth.json, after so many days; users are those with a play."""
        whole_days = np.floor(self.lifetimes[self.first_day != NOT_YET])
        last_day = self.first_day + np.floor(self.lifetimes)
        return {
            "genre_diversity": {
                "definition": GENRE_DIVERSITY,
                "effect": self.genre_diversity_effect,
                "intercept": INTERCEPT,
                "per_doubling_of_plays": PER_DOUBLING_OF_PLAYS,
                "per_session": PER_SESSION,
                "users": self.decided,
                "returned": self.returned,
                "expected": round(self.expected, 3),
            },
            "lifetimes": {
                "definition": LIFETIMES,
                "staying_share": STAYING_SHARE,
                "shortest_days": SHORTEST_DAYS,
                "mean_days_beyond": MEAN_DAYS_BEYOND,
                "users": len(whole_days),
                "ended": int((last_day < days).sum()),
                "longer_than_days": {
                    str(day): {"planted": round(share_longer_than(day), 6), "drawn": _share(whole_days > day)}
                    for day in SURVIVAL_DAYS
                },
            },
            "churn_drivers": self.drivers.as_dict(self.audience.population.user_ids, self.first_day, self.start, days),
        }

    def _age(self, day: int) -> Users:
        """Days since each user's first play; far below 0 before it."""
        return day - self.first_day

    def _lived(self, day: int, usual: Rows) -> Rows:
        """The day with what is planted: without those who are gone, with those who must come."""
        age = self._age(day)
        due = np.flatnonzero(age == RETURN_DAY)
        returns = generator(self.seed, Purpose.RETURNS, day).random(len(due)) < self.chances[due]
        self._count(due, returns)
        is_away = age > self.lifetimes
        is_away[due[~returns]] = True
        kept = usual[~is_away[usual["user"]]]

        must_come = age == np.floor(self.lifetimes)
        must_come[due[returns]] = True
        return self._with_sessions(day, kept, must_come, self.audience, USUAL)

    def _with_driven(self, day: int, lived: Rows, otherwise: Rows) -> Rows:
        """The day with what users do while a driver is on, in place of what they would do without."""
        age = self._age(day)
        are_on = self.drivers.are_on(age)
        must_come = are_on & (age == np.floor(self.lifetimes))
        changed = self._with_sessions(day, otherwise[are_on[otherwise["user"]]], must_come, self.driven, DRIVEN)
        return rows.in_time_order(np.concatenate([lived[~are_on[lived["user"]]], changed]))

    def _driven_sessions_per_day(self, day: int) -> npt.NDArray[np.float64]:
        """On a local day, which reaches into the UTC days beside it; a driver begins when the first day is long known."""
        age = self._age(day)
        usual = self.audience.population.sessions_per_day
        return np.where(self.drivers.are_on(age, margin=1), usual * self.drivers.activity(age), 0.0)

    def _with_sessions(
        self, day: int, kept: Rows, must_come: npt.NDArray[np.bool_], audience: Audience, streams: Streams
    ) -> Rows:
        """The rows with a session of each of those who must come and have no play among them."""
        has_come = np.zeros_like(must_come)
        has_come[kept["user"][kept["event_type"] == rows.PLAY]] = True
        date = self.start + dt.timedelta(days=day)
        treated = Treated(self.treatments, generator(self.seed, streams.treated_added, day))
        rng = generator(self.seed, streams.added, day)
        added = sessions_on(audience, date, np.flatnonzero(must_come & ~has_come), rng, treated)
        return rows.in_time_order(np.concatenate([kept, added]))

    def _count(self, due: Users, returns: npt.NDArray[np.bool_]) -> None:
        self.decided += len(due)
        self.returned += int(returns.sum())
        self.expected += float(self.chances[due].sum())

    def _look_back(self, day: int, early: Rows, genre_of: Users) -> None:
        """Sets the chances of those whose first days end with this day."""
        over = early[self._age(day)[early["user"]] == FIRST_DAYS - 1]
        if len(over):
            seen = first_days(over, genre_of)
            self.chances[seen.user] = seen.chance_of_return(self.genre_diversity_effect)


def _share(chosen: npt.NDArray[np.bool_]) -> float | None:
    return round(float(chosen.mean()), 6) if len(chosen) else None
