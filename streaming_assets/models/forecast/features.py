"""What the fitted models see of an hour to be forecast, all of it known at the origin."""

import numpy as np

from streaming_assets.models.forecast.baselines import known_median, median_4w
from streaming_assets.models.forecast.timeline import WEEKS, Floats, Targets, Timeline

_LAG_DAYS = (1, 2, 3, 7, 14, 21, 28)
_LEVEL_HOURS = (3, 24, 168)
_HARMONICS = (1, 2)


def features(line: Timeline, targets: Targets) -> Floats:
    """A row per target, NaN where something is not known.

    ratio: log((value + 1) / (median of the four weeks before + 1)), so that the rhythm of the week is taken out. Seven
    lags of it by whole days of the local clock; its mean over the last 3, 24 and 168 hours before the origin, the
    shortest also as it fades with the horizon; the horizon; the local hour and day of the week; the median's own log.
    """
    ratio = ratios(line)
    hour = line.local_hour[targets.hour]
    weekday = line.day_of_week[targets.hour]
    levels = [line.until(targets, hours, ratio) for hours in _LEVEL_HOURS]
    angles = [2 * np.pi * harmonic * hour / 24 for harmonic in _HARMONICS]
    columns = [
        *(line.lagged(targets, days, ratio) for days in _LAG_DAYS),
        *levels,
        levels[0] * np.exp(-targets.horizon / 6),
        targets.horizon,
        hour,
        *(wave(angle) for angle in angles for wave in (np.sin, np.cos)),
        weekday,
        weekday >= 6,
        np.log1p(median_4w(line, targets)),
    ]
    return np.column_stack(columns).astype("float64")


def ratios(line: Timeline) -> Floats:
    """By slot: log((value + 1) / (median of the same hours of the four weeks before + 1))."""
    before = [
        np.concatenate([np.full(168 * week, np.nan), line.by_slot[: -168 * week]]) for week in range(1, WEEKS + 1)
    ]
    return np.log1p(line.by_slot) - np.log1p(known_median(before))
