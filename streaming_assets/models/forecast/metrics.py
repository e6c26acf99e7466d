"""How far forecasts are off. Pairs in which either is not known (NaN) do not count; NaN where nothing is left.

sMAPE and MASE are those of the M4 competition (Makridakis, Spiliotis and Assimakopoulos, The M4 Competition: 100,000 time
series and 61 forecasting methods, International Journal of Forecasting 36 (2020), 54–74; the organisers' code, Benchmarks
and Evaluation.R). Published there of the seasonal naive on the 414 hourly series: sMAPE 13.912, MASE 1.193. It repeats the
last 24 hours over the 48 asked for; the scale of a series is the mean |y(t) − y(t − 24)| over all hours before them (m = 24);
the figures are means over the 48 hours of a series and then over the series.
"""

import numpy as np

from streaming_assets.models.forecast.timeline import Floats


def smape(actual: Floats, expected: Floats) -> float:
    """Symmetric mean absolute percentage error: mean of 200·|y − f| / (|y| + |f|), in per cent, 0 … 200; exact zeros count 0."""
    y, f = _known(actual, expected)
    size = np.abs(y) + np.abs(f)
    return _mean(np.where(size > 0, 200 * np.abs(y - f) / np.where(size > 0, size, 1), 0.0))


def mase(actual: Floats, expected: Floats, scale: float) -> float:
    """Mean absolute scaled error: mae / scale; Hyndman and Koehler, International Journal of Forecasting 22 (2006), 679–688."""
    return mae(actual, expected) / scale if scale > 0 else float("nan")


def seasonal_naive_error(in_sample: Floats, season: int) -> float:
    """The scale of MASE: mean |y(t) − y(t − season)| over the hours before those that are forecast."""
    return mae(in_sample[season:], in_sample[:-season])


def mae(actual: Floats, expected: Floats) -> float:
    """Mean absolute error."""
    y, f = _known(actual, expected)
    return _mean(np.abs(y - f))


def wape(actual: Floats, expected: Floats) -> float:
    """Weighted absolute percentage error: Σ |y − f| / Σ y; NaN where nothing came."""
    y, f = _known(actual, expected)
    return _ratio(np.abs(y - f).sum(), y.sum())


def bias(actual: Floats, expected: Floats) -> float:
    """Σ (f − y) / Σ y: above 0 where too much was expected; NaN where nothing came."""
    y, f = _known(actual, expected)
    return _ratio((f - y).sum(), y.sum())


def pinball(actual: Floats, quantiles: dict[float, Floats]) -> float:
    """Mean over the quantiles of mean max(q·(y − f), (q − 1)·(y − f)); Koenker and Bassett, Econometrica 46 (1978), 33–50."""
    losses = []
    for level, quantile in quantiles.items():
        y, f = _known(actual, quantile)
        losses.append(_mean(np.maximum(level * (y - f), (level - 1) * (y - f))))
    return float(np.mean(losses))


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """Share of the values from low to high, both included."""
    y, lo, hi = _known(actual, low, high)
    return _mean(((y >= lo) & (y <= hi)).astype("float64"))


def width(low: Floats, high: Floats) -> float:
    """Mean of high − low."""
    lo, hi = _known(low, high)
    return _mean(hi - lo)


def _known(*columns: Floats) -> list[Floats]:
    known = ~np.isnan(np.stack(columns)).any(axis=0)
    return [column[known] for column in columns]


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
