"""What every candidate expects of the hours asked for."""

from collections.abc import Callable, Sequence

import numpy as np

from streaming_assets.models.forecast import baselines
from streaming_assets.models.forecast.learners import DIRECT, direct, examples, random_forest_week
from streaming_assets.models.forecast.timeline import Floats, Targets, Timeline

REFIT_EVERY = 7
AVERAGED = ("median_4w", "ridge", "hist_gradient_boosting")

_BASELINES: dict[str, Callable[[Timeline, Targets], Floats]] = {
    "naive_24": baselines.naive_24,
    "naive_168": baselines.naive_168,
    "median_4w": baselines.median_4w,
    "mean_4w": baselines.mean_4w,
}


def expected(line: Timeline, asked: Targets, names: Sequence[str], seed: int) -> dict[str, Floats]:
    """By candidate, a figure per target of 0 or more; NaN where the 28 days before its origin have no value.

    Fitted candidates learn from hours before an origin only, and anew at every seventh of the origins asked for; the
    reference, which forgets everything but a week, at every one.
    """
    wanted = dict.fromkeys((*names, *(AVERAGED if "average" in names else ())))
    found = {name: _of(name, line, asked, seed) for name in wanted if name != "average"}
    if "average" in names:
        found["average"] = np.mean([found[name] for name in AVERAGED], axis=0)
    return {name: found[name] for name in names}


def _of(name: str, line: Timeline, asked: Targets, seed: int) -> Floats:
    if name in _BASELINES:
        return _BASELINES[name](line, asked)
    if name not in DIRECT:
        return _block_by_block(asked, 1, lambda block: random_forest_week(line, block, seed))
    past = examples(line, int(asked.origin.max(initial=0)))
    return _block_by_block(asked, REFIT_EVERY, lambda block: direct(name, line, block, past, seed))


def _block_by_block(asked: Targets, origins: int, forecast: Callable[[Targets], Floats]) -> Floats:
    """So many neighbouring origins at a time."""
    found = np.full(len(asked.origin), np.nan)
    every = np.unique(asked.origin)
    for start in range(0, len(every), origins):
        chosen = np.isin(asked.origin, every[start : start + origins])
        found[chosen] = forecast(asked.where(chosen))
    return found
