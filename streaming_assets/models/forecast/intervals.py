"""Intervals from what earlier forecasts missed by.

Split conformal prediction on residuals of forecasts for later hours than those fitted to: Vovk, Gammerman and Shafer,
Algorithmic Learning in a Random World (2005); Lei et al., Distribution-free predictive inference for regression, JASA
113 (2018). Residuals of the hours fitted to are far too small.
"""

import numpy as np

from streaming_assets.models.forecast.timeline import Floats, Integers

LEVELS = (80, 95)
"""Nominal coverage in per cent."""
RESIDUAL_ORIGINS = 28


def scaled_residuals(actual: Floats, expected: Floats) -> Floats:
    """(actual − expected) / √max(expected, 1): counts spread with the root of their mean."""
    return (actual - expected) / _scale(expected)


def bands(expected: Floats, residuals: Floats) -> dict[str, Floats]:
    """lo80, hi80, lo95, hi95 around what is expected, never below 0; NaN where the residuals are too few for a level.

    Of n residuals in order, with k = ⌊(n + 1)·α/2⌋, the bounds are the k-th lowest and the k-th highest, so that
    exchangeable residuals are covered with a probability of 1 − α at least. They are widened to hold what is expected.
    """
    in_order = np.sort(residuals[~np.isnan(residuals)])
    found: dict[str, Floats] = {}
    for level in LEVELS:
        place = (len(in_order) + 1) * (100 - level) // 200
        low, high = (in_order[place - 1], in_order[-place]) if place else (np.nan, np.nan)
        found[f"lo{level}"] = np.maximum(expected + np.minimum(low, 0.0) * _scale(expected), 0.0)
        found[f"hi{level}"] = expected + np.maximum(high, 0.0) * _scale(expected)
    return found


def rolling_bands(origin: Integers, expected: Floats, actual: Floats) -> dict[str, Floats]:
    """`bands` at every origin, from the residuals of the 28 origins before it, or of as many as there are.

    origin: of every forecast hour, in order of origins that are a day apart, so that all those hours are over.
    """
    residuals = scaled_residuals(actual, expected)
    every = np.unique(origin)
    found = {f"{end}{level}": np.full(len(origin), np.nan) for level in LEVELS for end in ("lo", "hi")}
    for number, at in enumerate(every):
        earlier = np.isin(origin, every[max(number - RESIDUAL_ORIGINS, 0) : number])
        here = origin == at
        for name, bound in bands(expected[here], residuals[earlier]).items():
            found[name][here] = bound
    return found


def _scale(expected: Floats) -> Floats:
    return np.sqrt(np.maximum(expected, 1.0))
