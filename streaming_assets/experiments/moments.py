"""Sufficient statistics: counts, means and covariances of unit metrics, from sums that the engine makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import ibis
import numpy as np
import numpy.typing as npt
from ibis import _

from streaming_assets.experiments.metrics import METRICS, Metric

HAS_PRE = "has_pre_period"
UNITS = "units"

_CONSTANT = 1e-10
"""A variance below this share of the mean square is what rounding leaves of none."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Count, means and covariance matrix of some columns over units.

    The covariance is the sample's (n − 1), for shares the population's (n), as tests of proportions have it. active:
    units that say something of the metric: those with a denominator, else all.
    """

    n: int
    columns: tuple[str, ...]
    mean: Vector
    cov: Vector
    active: int

    def of(self, column: str) -> int:
        """The column's place."""
        return self.columns.index(column)

    def variance(self, weights: Vector) -> float:
        """Of one unit's weighted sum of the columns; 0 where it is what rounding leaves of none."""
        found = float(weights @ self.cov @ weights)
        size = float(np.abs(weights) @ np.sqrt(np.diag(self.cov) + self.mean**2))
        return found if found > _CONSTANT * size**2 else 0.0


def unit_sums(units: ibis.Table, by: tuple[str, ...], metrics: Mapping[str, Metric] = METRICS) -> ibis.Table:
    """Sums of unit_metrics' columns, squares and products by groups; everything that `moments_of` takes.

    Sums add up, so that coarser groups follow from finer ones. Columns: by, and the names that `sum_name` gives.
    """
    known = {metric.matures_after for metric in metrics.values() if metric.matures_after is not None}
    observed = units.mutate(**{_eligible(days): (_.days_observed >= days).cast("float64") for days in sorted(known)})
    sums: dict[str, ibis.Deferred] = {UNITS: _.count().cast("float64")}
    for metric in metrics.values():
        sums |= _sums_of(metric)
    return observed.group_by(*by).agg(**sums)


def moments_of(metric: Metric, *groups: Mapping[str, float], adjustable: bool = False) -> Moments:
    """The metric's moments over all groups together, from each one's sums by name.

    adjustable: with the columns of the pre-period, where the metric has a like there.
    """
    columns, names = _columns_and_names(metric, adjustable=adjustable)
    size = len(columns)
    n = sum(units_of(metric, sums) for sums in groups)
    if n == 0:
        return Moments(0, columns, np.zeros(size), np.zeros((size, size)), 0)
    found = np.array([[sums[name] for name in names] for sums in groups], float).sum(axis=0)
    totals, products = found[:size], found[size:].reshape(size, size)
    mean = totals / n
    cov = (products - totals[:, None] * mean) / max(n if metric.is_share else n - 1, 1)
    constant = cov.diagonal() <= _CONSTANT * products.diagonal() / n
    if constant.any():
        cov[constant, :] = 0
        cov[:, constant] = 0
    return Moments(n, columns, mean, cov, sum(_active(metric, sums) for sums in groups))


def units_of(metric: Metric, sums: Mapping[str, float]) -> int:
    """How many units are eligible."""
    return round(sums[sum_name(metric)])


def active_name(denominator: str) -> str:
    """How the number of units with a denominator above 0 is called."""
    return f"{UNITS} with {denominator}"


def _active(metric: Metric, sums: Mapping[str, float]) -> int:
    return units_of(metric, sums) if metric.denominator is None else round(sums[active_name(metric.denominator)])


def sum_name(metric: Metric, *columns: str) -> str:
    """How a sum is called: of one column, of the product of two, or without any the number of eligible units.

    Metrics that need the same sum share it, and so do products that are one of their columns: the square of a 0 or 1, and
    what a unit did before times whether there is a before.
    """
    if len(set(columns)) < len(columns) and (metric.is_share or columns[0] == HAS_PRE):
        columns = columns[:1]
    elif HAS_PRE in columns and len(columns) > 1 and not set(columns) & set(metric.columns):
        columns = tuple(name for name in columns if name != HAS_PRE)
    among = "" if metric.matures_after is None else f" among those observed {metric.matures_after} days"
    return (" × ".join(columns) if columns else UNITS) + among


@cache
def _columns_and_names(metric: Metric, *, adjustable: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns, and what their sums and then the sums of all products of two are called."""
    columns = _columns_of(metric, adjustable=adjustable)
    products = tuple(sum_name(metric, *sorted((a, b))) for a in columns for b in columns)
    return columns, tuple(sum_name(metric, column) for column in columns) + products


def _columns_of(metric: Metric, *, adjustable: bool) -> tuple[str, ...]:
    return (*metric.columns, *metric.pre_columns, HAS_PRE) if adjustable and metric.pre_columns else metric.columns


def _sums_of(metric: Metric) -> dict[str, ibis.Deferred]:
    columns = _columns_of(metric, adjustable=True)
    values = {column: _[column].cast("float64") for column in columns}
    sums = {sum_name(metric): _.count().cast("float64")}
    counted = values
    if metric.matures_after is not None:
        eligible = _[_eligible(metric.matures_after)]
        sums = {sum_name(metric): eligible.sum()}
        counted = {column: value * eligible for column, value in values.items()}
    sums |= {sum_name(metric, column): value.sum() for column, value in counted.items()}
    for denominator in (metric.denominator, metric.pre_denominator):
        if denominator is not None:
            sums[active_name(denominator)] = (values[denominator] > 0).cast("float64").sum()
    for a, b in combinations_with_replacement(columns, 2):
        sums.setdefault(sum_name(metric, *sorted((a, b))), (counted[a] * values[b]).sum())
    return sums


def _eligible(days: int) -> str:
    return f"observed_{days}"
