"""Intervals for proportions, on tables and on arrays."""

from typing import Any

import ibis
import numpy as np

Z_95 = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""


def wilson(successes: ibis.Value, trials: ibis.Value) -> tuple[ibis.Value, ibis.Value]:
    """(low, high) of the 95 % score interval for successes out of trials, within 0 … 1; NULL without trials.

    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), pages 209–212;
    without continuity correction: method 3 of Newcombe, Two-sided confidence intervals for the single proportion,
    Statistics in Medicine 17 (1998), pages 857–872.
    """
    counted = trials.nullif(0)
    # Spark reads a number with a point as a decimal: with a count it would be rounded to a few digits.
    low, high = _score_bounds(successes.cast("float64"), counted.cast("float64"))
    # At the ends the bounds are 0 and 1 but for rounding, which must not put them inside the rate.
    return (
        ((successes == 0) & (trials > 0)).ifelse(0.0, low).clip(lower=0.0, upper=1.0),
        (successes == counted).ifelse(1.0, high).clip(lower=0.0, upper=1.0),
    )


def wilson_of(successes: Any, trials: Any) -> tuple[np.ndarray, np.ndarray]:
    """`wilson` for arrays of counts; NaN without trials."""
    successes, trials = np.asarray(successes, "float64"), np.asarray(trials, "float64")
    counted = np.where(trials > 0, trials, np.nan)
    low, high = _score_bounds(successes, counted)
    return (
        np.where((successes == 0) & (trials > 0), 0.0, low).clip(0, 1),
        np.where(successes == counted, 1.0, high).clip(0, 1),
    )


def _score_bounds(successes: Any, trials: Any) -> tuple[Any, Any]:
    """Bounds before rounding is seen to; operators only, so that columns and arrays share the formula."""
    spread = successes * (trials - successes) / trials + Z_95**2 / 4
    centre = (successes + Z_95**2 / 2) / (trials + Z_95**2)
    half = Z_95 * spread**0.5 / (trials + Z_95**2)
    return centre - half, centre + half
