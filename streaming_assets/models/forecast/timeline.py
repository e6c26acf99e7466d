"""Hours as arrays, and what was known of them at an origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streaming_assets.models.forecast.hours import HORIZONS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LAG_DAYS = 28
WEEKS = 4
_ROOM = 24 * (2 * LAG_DAYS + 2)
"""Unknown hours before the first one, so that every lag of a lag has a place."""


@dataclass(frozen=True)
class Targets:
    """Hours to be forecast, a row each: at which hour of the timeline the origin stands, and which hour is meant.

    An origin stands at the start of its hour: it knows the hours before, and horizon 1 is its own.
    """

    origin: Integers
    hour: Integers

    @property
    def horizon(self) -> Integers:
        return self.hour - self.origin + 1

    def where(self, condition: NDArray[np.bool_]) -> "Targets":
        return Targets(self.origin[condition], self.hour[condition])


@dataclass(frozen=True)
class Timeline:
    """Consecutive hours with what is known of them (NaN where nothing is), and the same by the local clock.

    slot: hours of the local clock since some midnight. Lags go by it, so that the same hour of yesterday is the same on
    the clock where clocks change: the hour skipped in spring is unknown, of the one repeated in autumn it is the mean.
    """

    hour_at: NDArray[np.datetime64]
    slot: Integers
    day_of_week: Integers
    value: Floats
    by_slot: Floats

    @property
    def local_hour(self) -> Integers:
        return self.slot % 24

    @property
    def days(self) -> int:
        """Whole days from the first hour with a value to the end; 0 where none of the last 28 days has one."""
        known = np.flatnonzero(~np.isnan(self.value))
        if not len(known) or known[-1] < len(self.value) - 24 * LAG_DAYS:
            return 0
        return int(len(self.value) - known[0]) // 24

    def lagged(self, targets: Targets, days: int, of: Floats | None = None) -> Floats:
        """The value (or another figure by slot) at the same hour so many days before; NaN where the origin does not know it."""
        figures = self.by_slot if of is None else of
        slots = self.slot[targets.hour] - 24 * days
        return np.where(slots < self.slot[targets.origin], figures[slots], np.nan)

    def until(self, targets: Targets, hours: int, of: Floats | None = None) -> Floats:
        """Mean over the hours of the clock just before the origin; NaN where none of them is known."""
        figures = self.by_slot if of is None else of
        known = ~np.isnan(figures)
        sums, counts = (np.concatenate([[0.0], np.cumsum(part)]) for part in (np.where(known, figures, 0.0), known))
        end = self.slot[targets.origin]
        count = counts[end] - counts[end - hours]
        return np.where(count > 0, (sums[end] - sums[end - hours]) / np.maximum(count, 1), np.nan)


def timeline(history: "pd.DataFrame", ahead: "pd.DataFrame | None" = None) -> Timeline:
    """Of `hours.history`, with the hours of `hours.ahead` after it; in any order."""
    import pandas as pd

    frames = [history] if ahead is None else [history, ahead.assign(value=np.nan)]
    hours = pd.concat(frames).sort_values("hour_at", kind="stable")
    value = hours["value"].to_numpy("float64")
    days = pd.to_datetime(hours["date"]).to_numpy("datetime64[D]").astype("int64")
    # From a midnight on, so that the hour of the clock is the slot modulo 24.
    slot = (days - (days[0] if len(days) else 0)) * 24 + hours["local_hour"].to_numpy("int64") + _ROOM
    return Timeline(
        hour_at=pd.to_datetime(hours["hour_at"]).to_numpy("datetime64[us]"),
        slot=slot,
        day_of_week=hours["day_of_week"].to_numpy("int64"),
        value=value,
        by_slot=_means_by_slot(slot, value),
    )


def targets(line: Timeline, origins: Sequence[int] | Integers) -> Targets:
    """Every origin with its next 24 hours, as far as the timeline goes."""
    origin = np.repeat(np.asarray(origins, dtype="int64"), HORIZONS)
    hour = origin + np.tile(np.arange(HORIZONS), len(origins))
    inside = hour < len(line.value)
    return Targets(origin[inside], hour[inside])


def first_known(columns: Sequence[Floats]) -> Floats:
    """The first of them that is known, row by row."""
    found = columns[0]
    for column in columns[1:]:
        found = np.where(np.isnan(found), column, found)
    return found


def _means_by_slot(slot: Integers, value: Floats) -> Floats:
    known = ~np.isnan(value)
    size = int(slot.max(initial=0)) + 1 + HORIZONS
    counts = np.bincount(slot[known], minlength=size)
    sums = np.bincount(slot[known], weights=value[known], minlength=size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
