"""Forecasts that need no fitting: what the same hour was like before."""

import numpy as np

from streaming_assets.models.forecast.timeline import LAG_DAYS, WEEKS, Floats, Targets, Timeline, first_known


def naive_24(line: Timeline, targets: Targets) -> Floats:
    """The same hour of the clock a day before, or of the latest day within a week of which it is known.

    All forecasts of this module: NaN only where the 28 days before the origin have no value at all.
    """
    return first_known([*(line.lagged(targets, day) for day in range(1, 8)), _of_the_hour(line, targets)])


def naive_168(line: Timeline, targets: Targets) -> Floats:
    """The same hour of the week a week before, or of the latest of four weeks of which it is known."""
    return first_known([*_weeks(line, targets), _of_the_hour(line, targets)])


def median_4w(line: Timeline, targets: Targets) -> Floats:
    """Median of the same hours of the week over the last four weeks, as many as are known."""
    return first_known([known_median(_weeks(line, targets)), _of_the_hour(line, targets)])


def mean_4w(line: Timeline, targets: Targets) -> Floats:
    """Mean of the same hours of the week over the last four weeks, as many as are known."""
    return first_known([_known_mean(_weeks(line, targets)), _of_the_hour(line, targets)])


def known_median(columns: list[Floats]) -> Floats:
    """Median of what is known, row by row; NaN where nothing is."""
    in_order = np.sort(np.stack(columns), axis=0)
    count = (~np.isnan(in_order)).sum(axis=0)
    rows = np.arange(in_order.shape[1])
    return (in_order[np.maximum(count - 1, 0) // 2, rows] + in_order[count // 2, rows]) / 2


def _known_mean(columns: list[Floats]) -> Floats:
    stacked = np.stack(columns)
    count = (~np.isnan(stacked)).sum(axis=0)
    return np.where(count > 0, np.nansum(stacked, axis=0) / np.maximum(count, 1), np.nan)


def _weeks(line: Timeline, targets: Targets) -> list[Floats]:
    return [line.lagged(targets, 7 * week) for week in range(1, WEEKS + 1)]


def _of_the_hour(line: Timeline, targets: Targets) -> Floats:
    """Mean of the same hour of the clock over 28 days, else of all hours in them: what a gap leaves to go by."""
    same_hour = _known_mean([line.lagged(targets, day) for day in range(1, LAG_DAYS + 1)])
    return first_known([same_hour, line.until(targets, 24 * LAG_DAYS)])
