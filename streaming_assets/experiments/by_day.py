"""The moments of every day of an experiment, cumulated, at the cost of one pass over what units did.

With x the sum of a unit up to a day and x′ up to the unit's active day before, Σ x² over all units grows by
Σ (x² − x′²) on that day: nothing has to be known of units that did nothing on it.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import ibis
from ibis import _

from streaming_assets.experiments.metrics import GROWING, METRICS, Metric, capped_name
from streaming_assets.experiments.moments import UNITS, active_name, sum_name

if TYPE_CHECKING:
    import pandas as pd

DailySums = Mapping[str, Mapping[str, float]]


def growth_by_day(
    unit_days: ibis.Table, caps: Mapping[str, float], metrics: Mapping[str, Metric] = METRICS
) -> ibis.Table:
    """(variant, date, growth of every sum that the growing metrics need). caps: most that counts of a unit, by column."""
    so_far = ibis.cumulative_window(group_by=["experiment_id", "user_id"], order_by="date")
    running = unit_days.mutate(**{f"now_{name}": _[name].cast("float64").sum().over(so_far) for name in GROWING})
    both = running.mutate(**{f"was_{name}": _[f"now_{name}"] - _[name].cast("float64") for name in GROWING})
    capped = both.mutate(
        **{
            f"{when}_{capped_name(name)}": ibis.least(_[f"{when}_{name}"], cap)
            for name, cap in caps.items()
            if name in GROWING
            for when in ("now", "was")
        }
    )
    sums: dict[str, ibis.Deferred] = {}
    for metric in (found for found in metrics.values() if found.matures_after is None):
        for place, a in enumerate(metric.columns):
            sums[sum_name(metric, a)] = (_[f"now_{a}"] - _[f"was_{a}"]).sum()
            for b in metric.columns[place:]:
                grown = _[f"now_{a}"] * _[f"now_{b}"] - _[f"was_{a}"] * _[f"was_{b}"]
                sums[sum_name(metric, *sorted((a, b)))] = grown.sum()
        if metric.denominator is not None:
            begins = (_[f"now_{metric.denominator}"] > 0) & (_[f"was_{metric.denominator}"] <= 0)
            sums[active_name(metric.denominator)] = begins.cast("float64").sum()
    return capped.group_by("variant", "date").agg(**sums)


def exposed_by_day(unit_metrics: ibis.Table, metrics: Mapping[str, Metric] = METRICS) -> ibis.Table:
    """(variant, date, units and the sums of the maturing metrics) by day of exposure."""
    sums: dict[str, ibis.Deferred] = {UNITS: _.count().cast("float64")}
    for metric in _maturing(metrics):
        value = _[metric.numerator].cast("float64")
        sums |= {sum_name(metric, metric.numerator): value.sum()}
        sums |= {sum_name(metric, metric.numerator, metric.numerator): (value * value).sum()}
    return unit_metrics.group_by("variant", date=_.exposed_date).agg(**sums)


def daily_sums(
    growth: "pd.DataFrame",
    exposed: "pd.DataFrame",
    start: dt.date,
    last: dt.date,
    metrics: Mapping[str, Metric] = METRICS,
) -> Iterator[tuple[dt.date, DailySums]]:
    """Each day of the experiment with every variant's sums up to it, as `moments_of` takes them.

    growth, exposed: the rows of `growth_by_day` and `exposed_by_day`. A maturing metric takes the units of a day in
    when they have been observed long enough.
    """
    import pandas as pd

    days = pd.date_range(start, last, freq="D")
    variants = sorted(exposed["variant"].unique())
    cumulated = {variant: _cumulated(variant, growth, exposed, days, _maturing(metrics)) for variant in variants}
    for place, day in enumerate(days):
        yield day.date(), {variant: cumulated[variant][place] for variant in variants}


def _cumulated(
    variant: str,
    growth: "pd.DataFrame",
    exposed: "pd.DataFrame",
    days: "pd.DatetimeIndex",
    maturing: Iterable[Metric],
) -> list[dict[str, float]]:
    import pandas as pd

    def by_day(frame: pd.DataFrame) -> pd.DataFrame:
        own = frame[frame["variant"] == variant].drop(columns="variant")
        return own.set_index(pd.DatetimeIndex(own.pop("date"))).astype(float).reindex(days, fill_value=0.0)

    grown, begun = by_day(growth), by_day(exposed)
    parts = [grown.cumsum(), begun[[UNITS]].cumsum()]
    for metric in maturing:
        own = [name for name in begun.columns if name in _sums_of(metric)]
        matured = begun[own].assign(**{sum_name(metric): begun[UNITS]})
        parts.append(matured.shift(metric.matures_after, fill_value=0.0).cumsum())
    together = pd.concat(parts, axis=1)
    return [dict(zip(together.columns, row, strict=True)) for row in together.itertuples(index=False, name=None)]


def _maturing(metrics: Mapping[str, Metric]) -> list[Metric]:
    return [metric for metric in metrics.values() if metric.matures_after is not None]


def _sums_of(metric: Metric) -> tuple[str, ...]:
    return sum_name(metric, metric.numerator), sum_name(metric, metric.numerator, metric.numerator)
