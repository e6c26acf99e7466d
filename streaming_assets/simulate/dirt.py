"""What goes wrong on the way to the landing folder, at stated rates: late rows, copies, rows that cannot be used."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import places, rows
from streaming_assets.simulate.rows import DAY, NOTHING, Fault, Rows

MOST_DAYS_LATE = 3
LATE_COPIES = 0.3
"""Share of the copies that come in a later day's file than their original."""

MOST_PER_FILE = 20
"""Of the rows of a day at most one in so many is faulty, and as many late, so that small files stay usable."""

FUTURE = places.milliseconds(dt.date(2090, 1, 1))
"""The day of rows for the future: ahead of any on which somebody runs the pipeline."""

ABSURD_SECONDS = (90_000, 2_000_000)
"""Bounds of watch times that no play can have: more than a day."""


@dataclass(frozen=True)
class Rates:
    """Shares of all rows. late: not counting late copies."""

    without_event_id: float = 0.03
    late: float = 0.005
    copies_with_event_id: float = 0.003
    copies_without_event_id: float = 0.001
    future: float = 0.0002
    missing_user: float = 0.0005
    negative_watch: float = 0.0003
    absurd_watch: float = 0.0003
    malformed: float = 0.0002


@dataclass(frozen=True)
class Arrivals:
    """Rows of one UTC day by the number of days after which they come; copies counted as planted."""

    by_delay: dict[int, Rows]
    copies_with_event_id: int
    copies_without_event_id: int


def soil(clean: Rows, rates: Rates, days_left: int, rng: np.random.Generator) -> Arrivals:
    """One day's rows with faults, copies and delays; no row comes more than days_left days late."""
    spoilt = _with_faults(clean, rates, rng)
    usable = np.flatnonzero(spoilt["fault"] == Fault.NONE)
    longest = min(MOST_DAYS_LATE, days_left)
    delay = np.zeros(len(spoilt), np.int64)
    late = _some(usable, min(rng.binomial(len(clean), rates.late), len(clean) // MOST_PER_FILE), rng)
    delay[late] = rng.integers(1, MOST_DAYS_LATE, len(late), endpoint=True)

    has_id = spoilt["number"][usable] != NOTHING
    with_id = _some(usable[has_id], rng.binomial(len(clean), rates.copies_with_event_id), rng)
    without_id = _some(usable[~has_id], rng.binomial(len(clean), rates.copies_without_event_id), rng)
    copied = np.concatenate([with_id, without_id])
    waits = np.where(rng.random(len(copied)) < LATE_COPIES, rng.integers(1, MOST_DAYS_LATE, len(copied)), 0)

    all_rows = np.concatenate([spoilt, spoilt[copied]])
    all_delays = np.minimum(np.concatenate([delay, delay[copied] + waits]), longest)
    return Arrivals(
        {int(days): all_rows[all_delays == days] for days in np.unique(all_delays)}, len(with_id), len(without_id)
    )


def _with_faults(clean: Rows, rates: Rates, rng: np.random.Generator) -> Rows:
    spoilt = clean.copy()
    is_play = spoilt["event_type"] == rows.PLAY
    allowed = len(spoilt) // MOST_PER_FILE
    for fault, rate in (
        (Fault.FUTURE, rates.future),
        (Fault.MISSING_USER, rates.missing_user),
        (Fault.NEGATIVE_WATCH, rates.negative_watch),
        (Fault.ABSURD_WATCH, rates.absurd_watch),
        (Fault.MALFORMED, rates.malformed),
    ):
        needs_watch = fault in (Fault.NEGATIVE_WATCH, Fault.ABSURD_WATCH)
        able = np.flatnonzero((spoilt["fault"] == Fault.NONE) & (is_play | (not needs_watch)))
        chosen = _some(able, min(rng.binomial(len(spoilt), rate), allowed), rng)
        allowed -= len(chosen)
        spoilt["fault"][chosen] = fault
        _break(spoilt, chosen, fault, rng)
    return spoilt


def _break(spoilt: Rows, chosen: npt.NDArray[np.int64], fault: Fault, rng: np.random.Generator) -> None:
    """Makes the chosen rows show the fault; a malformed row is broken when it is written."""
    match fault:
        case Fault.FUTURE:
            spoilt["at"][chosen] = FUTURE + spoilt["at"][chosen] % DAY
        case Fault.MISSING_USER:
            spoilt["user"][chosen] = NOTHING
        case Fault.NEGATIVE_WATCH:
            spoilt["watch"][chosen] = -rng.integers(1, 36_000, len(chosen))
        case Fault.ABSURD_WATCH:
            spoilt["watch"][chosen] = rng.integers(*ABSURD_SECONDS, len(chosen)) * 10


def _some(able: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rng.choice(able, min(count, len(able)), replace=False)
