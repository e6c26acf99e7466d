"""Which candidates can be compared with the history there is, and on how many days."""

from dataclasses import dataclass

import numpy as np

from streaming_assets.contracts.models.forecast import CANDIDATES
from streaming_assets.models.forecast.intervals import RESIDUAL_ORIGINS
from streaming_assets.models.forecast.timeline import LAG_DAYS, Integers, Timeline

EVALUATED = 28
FULL_DAYS = LAG_DAYS + RESIDUAL_ORIGINS + EVALUATED
MODEL_DAYS = 28
WEEK_DAYS = 8
_FEWEST_LAG_DAYS = 14


@dataclass(frozen=True)
class Plan:
    """days: of history. origins: hours of the timeline, 24 apart, of which the last `evaluated` are judged, the others
    lend residuals. standing_in: the champion where nothing can be compared, None where there is no forecast at all.
    """

    days: int
    candidates: tuple[str, ...]
    origins: Integers
    evaluated: int
    standing_in: str | None

    @property
    def low_history(self) -> bool:
        return self.days < FULL_DAYS

    @property
    def compares(self) -> bool:
        return len(self.candidates) == len(CANDIDATES)


def plan(line: Timeline) -> Plan:
    """The full backtest from 84 days on; below, origins begin after fewer days of lags, and half of them are evaluated."""
    days = line.days
    if days >= MODEL_DAYS:
        lag_days = max(min(LAG_DAYS, days - RESIDUAL_ORIGINS - EVALUATED), _FEWEST_LAG_DAYS)
        return _plan(line, CANDIDATES, lag_days, "mean_4w")
    if days >= WEEK_DAYS:
        return _plan(line, ("naive_24", "naive_168", "mean_4w"), 7, "mean_4w")
    return _plan(line, ("naive_24",), 1, "naive_24") if days else _plan(line, (), 0, None)


def _plan(line: Timeline, candidates: tuple[str, ...], lag_days: int, standing_in: str | None) -> Plan:
    count = min(line.days - lag_days, RESIDUAL_ORIGINS + EVALUATED)
    origins = len(line.value) - 24 * np.arange(count, 0, -1)
    return Plan(line.days, candidates, origins, min((count + 1) // 2, EVALUATED), standing_in)
