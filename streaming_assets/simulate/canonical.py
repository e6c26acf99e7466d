"""A landing folder in the canonical format: users, content, a file of events per day, corrections, and the truth."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.csv

from streaming_assets.simulate import rows
from streaming_assets.simulate.catalogue import Catalogue, catalogue
from streaming_assets.simulate.corrections import correct, correction_days
from streaming_assets.simulate.dirt import MOST_DAYS_LATE, Arrivals, Rates, soil
from streaming_assets.simulate.experiments import Experiments
from streaming_assets.simulate.experiments_file import simulated
from streaming_assets.simulate.files import write_events, write_table
from streaming_assets.simulate.lives import Lives
from streaming_assets.simulate.manners import usual
from streaming_assets.simulate.places import milliseconds
from streaming_assets.simulate.plays import Audience, Habits
from streaming_assets.simulate.population import Population, populate
from streaming_assets.simulate.rows import DAY, NOTHING, Rows
from streaming_assets.simulate.seeds import Purpose, generator
from streaming_assets.simulate.treatments import Effects
from streaming_assets.simulate.truth import Tally, reasons
from streaming_assets.simulate.user_records import user_records

HABITS = Habits(
    plays_per_session=2.6,
    stays_with_title=0.75,
    seconds_between=40.0,
    non_stop_per_day=0.05,
    non_stop_plays=(8, 20),
    tick=1,
    side_events=True,
)
MEDIAN_SESSIONS_PER_DAY = 0.5
SUFFIXES = {"jsonl": ".jsonl.gz", "parquet": ".parquet"}
RESENT = "events/resent"


@dataclass
class Planted:
    """How often each kind of dirt was put in; rows of a file that lands twice are counted once.

    late_rows: rows in a later day's file than their own, copies included. rejected: rows by reason for refusing them.
    """

    late_rows: int = 0
    copies_with_event_id: int = 0
    copies_without_event_id: int = 0
    rows_landed_twice: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    corrections: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, arrivals: Arrivals) -> None:
        self.late_rows += sum(len(part) for delay, part in arrivals.by_delay.items() if delay > 0)
        self.copies_with_event_id += arrivals.copies_with_event_id
        self.copies_without_event_id += arrivals.copies_without_event_id
        for part in arrivals.by_delay.values():
            self.rejected.update(reasons(part))


@dataclass
class Landing:
    """The folder while it is written: where files go and what is counted on the way."""

    out: Path
    suffix: str
    start: dt.date
    population: Population
    stock: Catalogue
    landed: Tally
    corrected: Tally
    planted: Planted = field(default_factory=Planted)

    def land(self, relative: str, events: Rows) -> None:
        self._write("landing", relative, events)
        self.landed.land(relative, events)
        self.corrected.land(relative, events)

    def land_with_correction(self, relative: str, events: Rows, next_number: int, rng: np.random.Generator) -> None:
        correction = correct(events, next_number, rng)
        self._write("landing", relative, events)
        self.landed.land(relative, events)
        self._write("corrections", relative, correction.rows)
        self.corrected.land(relative, correction.rows)
        self.planted.corrections[relative] = {
            "removed": correction.removed,
            "changed": correction.changed,
            "added": correction.added,
        }

    def close_through(self, day: int) -> None:
        self.landed.close_through(day)
        self.corrected.close_through(day)

    def _write(self, folder: str, relative: str, events: Rows) -> None:
        write_events(self.out / folder / relative, events, self.population, self.stock)


def simulate_canonical(
    users: int,
    days: int,
    seed: int,
    out: Path,
    format_: str,
    start: dt.date,
    genre_diversity_effect: float,
    experiment_effects: Effects,
    churn_drivers: Sequence[str],
) -> Tally:
    """Writes the folder; returns the counts of the landing without its corrections."""
    suffix = SUFFIXES[format_]
    stock, content = catalogue(start, seed)
    population = populate(
        users,
        start,
        days,
        seed,
        prefix="u",
        genres=len(stock.genres),
        median_sessions_per_day=MEDIAN_SESSIONS_PER_DAY,
        leavers=0.0,
    )
    (out / "landing" / "content").mkdir(parents=True)
    pyarrow.csv.write_csv(content, out / "landing" / "content" / "content.csv")
    (out / "corrections").mkdir()
    experiments = Experiments(population.user_ids, start, days, seed, experiment_effects)
    (out / "experiments.yaml").write_text(simulated(experiments.first, experiments.last), encoding="utf-8")

    # A Parquet file has no lines that could be malformed.
    rates = Rates() if format_ == "jsonl" else Rates(malformed=0.0)
    landing = Landing(out, suffix, start, population, stock, Tally(start, users), Tally(start, users))
    audience = Audience(population, stock, HABITS, usual(users, HABITS.plays_per_session))
    lives = Lives(audience, start, seed, genre_diversity_effect, experiments.treatments, churn_drivers)
    _land_days(landing, experiments.landed(lives.utc_days(days)), days, seed, rates)
    lived = replace(population, left=lives.left(days), plan=lives.driven.population.plan)
    records = user_records(lived, lives.drivers, stock.genres, milliseconds(start) + days * DAY, seed)
    write_table(out / "landing" / "users" / f"users{suffix}", records)
    truth = {
        "arguments": {
            "users": users,
            "days": days,
            "seed": seed,
            "format": format_,
            "start": str(start),
            "genre_diversity_effect": genre_diversity_effect,
            "experiment_effects": asdict(experiment_effects),
            "churn_drivers": list(churn_drivers),
        },
        "rates": asdict(rates),
        "planted": {**vars(landing.planted), **lives.as_dict(days), "experiments": experiments.as_dict()},
        "users": {"rows": records.num_rows, "users": len(records["user_id"].unique())},
        "content": {"rows": content.num_rows},
        "landed": landing.landed.as_dict(),
        "corrected": landing.corrected.as_dict(),
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return landing.landed


def _land_days(landing: Landing, utc_days: Iterator[Rows], days: int, seed: int, rates: Rates) -> None:
    arriving: dict[int, list[Rows]] = {}
    for day, (clean, next_number) in enumerate(_with_event_ids(utc_days, seed, rates)):
        arrivals = soil(clean, rates, days - 1 - day, generator(seed, Purpose.DIRT, day))
        landing.planted.count(arrivals)
        for delay, part in arrivals.by_delay.items():
            arriving.setdefault(day + delay, []).append(part)
        events = rows.in_time_order(np.concatenate([rows.empty(0), *arriving.pop(day, [])]))
        name = f"{landing.start + dt.timedelta(days=day)}{landing.suffix}"
        if day in correction_days(days):
            rng = generator(seed, Purpose.CORRECTIONS, day)
            landing.land_with_correction(f"events/{name}", events, next_number, rng)
        else:
            landing.land(f"events/{name}", events)
        if day == days // 2:
            landing.land(f"{RESENT}/{name}", events)
            landing.planted.rows_landed_twice = len(events)
        landing.close_through(day - MOST_DAYS_LATE)
    landing.close_through(days)


def _with_event_ids(utc_days: Iterator[Rows], seed: int, rates: Rates) -> Iterator[tuple[Rows, int]]:
    """The rows of each day, most with an event id of their own, and the first id that is left for a correction.

    Ids of a day are followed by as many that stay free.
    """
    following = 0
    for day, clean in enumerate(utc_days):
        has_id = generator(seed, Purpose.EVENT_IDS, day).random(len(clean)) >= rates.without_event_id
        numbers = following + np.arange(len(clean))
        clean["number"] = np.where(has_id, numbers, NOTHING)
        following += 2 * len(clean)
        yield clean, following - len(clean)
