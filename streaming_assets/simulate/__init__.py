"""A simulated streaming service: a landing folder of any size, deterministic from a seed, and the truth about it."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from streaming_assets.simulate.canonical import simulate_canonical
from streaming_assets.simulate.churn_drivers import DRIVERS
from streaming_assets.simulate.first_days import GENRE_DIVERSITY_EFFECT
from streaming_assets.simulate.lastfm import simulate_lastfm
from streaming_assets.simulate.treatments import Effects

Format = Literal["jsonl", "parquet", "lastfm"]

DEFAULT_START = dt.date(2026, 3, 1)
DEFAULT_START_LASTFM = dt.date(2005, 2, 14)


@dataclass(frozen=True)
class Simulated:
    """What was written under `out`; files and rows are those of events, plays and users the distinct usable ones."""

    out: Path
    files: int
    rows: int
    rejected: int
    plays: int
    users_with_a_play: int
    first_day: dt.date
    last_day: dt.date


def simulate(
    users: int,
    days: int,
    seed: int,
    out: Path,
    format: Format = "jsonl",  # noqa: A002
    start: dt.date | None = None,
    genre_diversity_effect: float = GENRE_DIVERSITY_EFFECT,
    experiment_effects: Effects = Effects(),  # noqa: B008 - frozen
    churn_drivers: Sequence[str] = DRIVERS,
) -> Simulated:
    """Writes out/landing, out/corrections, out/experiments.yaml and out/truth.json; equal arguments, equal bytes.

    start: first UTC day; 2026-03-01 where not given, 2005-02-14 for lastfm. jsonl and parquet hold canonical events,
    a file per day of arrival; lastfm is one log without durations. genre_diversity_effect: what each further genre that
    a user explores on the first three days adds to the log-odds of a play a week after the first (lives.py says what
    else is planted). experiment_effects: how much the experiments of experiments.yaml change. churn_drivers: for which
    drivers users leave, each as likely as another; for none where empty. None of these is for lastfm: its log knows no
    genres, and its one experiment changes nothing. The truth supposes that the last day is over when the files are
    ingested: rows that then lie ahead are rejected. Raises ValueError for less than one user or day, a negative seed,
    an effect that is no finite number, a driver that is none of DRIVERS or named twice, or a format that is none of
    these; FileExistsError where out has something in it already.
    """
    if users < 1 or days < 1 or seed < 0:
        raise ValueError(f"users {users}, days {days}, seed {seed}: expected at least 1, 1 and 0")
    if not math.isfinite(genre_diversity_effect):
        raise ValueError(f"genre_diversity_effect {genre_diversity_effect}: expected a finite number")
    if format not in get_args(Format):
        raise ValueError(f"format {format!r}: expected one of {', '.join(get_args(Format))}")
    if not set(churn_drivers) <= set(DRIVERS) or len(set(churn_drivers)) < len(churn_drivers):
        raise ValueError(f"churn_drivers {churn_drivers!r}: expected some of {', '.join(DRIVERS)}, each once")
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: files left in it would not agree with the truth of this simulation")
    if format == "lastfm":
        first_day = start or DEFAULT_START_LASTFM
        counts = simulate_lastfm(users, days, seed, out, first_day)
    else:
        first_day = start or DEFAULT_START
        counts = simulate_canonical(
            users, days, seed, out, format, first_day, genre_diversity_effect, experiment_effects, churn_drivers
        )
    return Simulated(
        out=out,
        files=counts.files,
        rows=counts.rows,
        rejected=sum(counts.rejected.values()),
        plays=counts.plays,
        users_with_a_play=counts.users_with_a_play,
        first_day=first_day,
        last_day=first_day + dt.timedelta(days=days - 1),
    )
