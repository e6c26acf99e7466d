"""What simulated users do, before any dirt, as a frame; with drivers of churn or without."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from streaming_assets.simulate import rows
from streaming_assets.simulate.canonical import HABITS, MEDIAN_SESSIONS_PER_DAY
from streaming_assets.simulate.catalogue import catalogue
from streaming_assets.simulate.churn_drivers import ChurnDrivers
from streaming_assets.simulate.experiments import Experiments
from streaming_assets.simulate.lives import Lives
from streaming_assets.simulate.manners import usual
from streaming_assets.simulate.plays import Audience
from streaming_assets.simulate.population import PREMIUM, populate
from streaming_assets.simulate.treatments import NO_EFFECTS

START = dt.date(2026, 3, 1)


@dataclass(frozen=True)
class Lived:
    """rows: one per event, user and day numbers from 0 on. users: one row per user: first_day, last_age, is_premium."""

    rows: pd.DataFrame
    users: pd.DataFrame
    drivers: ChurnDrivers

    @property
    def plays(self) -> pd.DataFrame:
        return self.rows[self.rows["event_type"] == "play"]


def lived(users: int, days: int, seed: int, drivers: Sequence[str]) -> Lived:
    stock, _ = catalogue(START, seed)
    people = populate(
        users, START, days, seed, prefix="u", genres=len(stock.genres),
        median_sessions_per_day=MEDIAN_SESSIONS_PER_DAY, leavers=0.0,
    )  # fmt: skip
    treatments = Experiments(people.user_ids, START, days, seed, NO_EFFECTS).treatments
    audience = Audience(people, stock, HABITS, usual(users, HABITS.plays_per_session))
    lives = Lives(audience, START, seed, 0.35, treatments, drivers)
    found = np.concatenate(list(lives.utc_days(days)))
    at = pd.to_datetime(found["at"], unit="ms")
    is_known = found["watch"] != rows.UNKNOWN_WATCH
    frame = pd.DataFrame(
        {
            "user": found["user"],
            "at": at,
            "day": (at.floor("D") - pd.Timestamp(START)).days,
            "event_type": np.array(rows.EVENT_TYPES)[found["event_type"]],
            "item": found["item"],
            "genre": np.array(stock.columns["genre"].take(found["item"].clip(0)).to_pylist()),
            "watched": np.where(is_known, found["watch"] / stock.length[found["item"]], np.nan),
            "hours": np.where(is_known, found["watch"] / 36_000, 0.0),
            "pauses": found["pauses"],
            "rebufferings": found["buffer_events"],
            "is_recommended": found["was_recommended"],
        }
    )
    about = pd.DataFrame(
        {
            "first_day": lives.first_day,
            "last_age": np.floor(lives.lifetimes),
            "is_premium": lives.driven.population.plan == PREMIUM,
        }
    )
    return Lived(frame, about, lives.drivers)
