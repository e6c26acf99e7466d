"""From what the engine summed to the rows of results, daily results, health, power and decisions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import ibis
from ibis import _

from streaming_assets.experiments.by_day import daily_sums
from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.decision import Decision, Evidence, decide
from streaming_assets.experiments.health import Health, Logged, health
from streaming_assets.experiments.inference import DIMENSIONS, Method, Result, Sums, one_result, results
from streaming_assets.experiments.metrics import METRICS, Metric, capped_name
from streaming_assets.experiments.moments import unit_sums
from streaming_assets.experiments.power import Power, power
from streaming_assets.experiments.window import Window

if TYPE_CHECKING:
    import pandas as pd

WINSORISED_AT = 0.999
PACE_DAYS = 7
UNKNOWN = "unknown"

Row = dict[str, Any]
_DAILY_METHODS: tuple[Method, ...] = ("fixed", "sequential")


# What the engine is asked


def caps(experiment: Experiment, unit_metrics: ibis.Table) -> ibis.Table:
    """One row: by column the most that counts of a unit, the 99.9th percentile of the units of all arms together."""
    names = sorted({METRICS[name].numerator for name in experiment.winsorise})
    return unit_metrics.agg(**{name: _[name].quantile(WINSORISED_AT).cast("float64") for name in names})


def capped(unit_metrics: ibis.Table, most: Mapping[str, float]) -> ibis.Table:
    """The units with a column more per cap, which has no more than that."""
    return unit_metrics.mutate(
        **{capped_name(name): ibis.least(_[name].cast("float64"), cap) for name, cap in most.items()}
    )


def sums_by_segment(unit_metrics: ibis.Table, metrics: Mapping[str, Metric] = METRICS) -> ibis.Table:
    """`unit_sums` by variant and everything that results are split by."""
    return unit_sums(unit_metrics, ("variant", *DIMENSIONS), metrics)


def sums_by_variant(unit_metrics: ibis.Table, metrics: Mapping[str, Metric] = METRICS) -> ibis.Table:
    """`unit_sums` by variant."""
    return unit_sums(unit_metrics, ("variant",), metrics)


def newly_exposed(unit_metrics: ibis.Table) -> ibis.Table:
    """(date, units) by day of exposure."""
    return unit_metrics.group_by(date=_.exposed_date).agg(units=_.count())


# What follows


def result_rows(
    experiment: Experiment, by_segment: "pd.DataFrame", planned_units: float, most: Mapping[str, float]
) -> list[Row]:
    """Rows of experiments/results from `sums_by_segment`."""
    segments = {
        (dimension, str(segment)): _by_variant(own)
        for dimension in DIMENSIONS
        for segment, own in by_segment.assign(**{dimension: by_segment[dimension].fillna(UNKNOWN)}).groupby(dimension)
    }
    found = results(experiment, _by_variant(by_segment), segments, planned_units)
    return [{**asdict(result), "cap": _cap(experiment, result.metric, most)} for result in found]


def daily_rows(
    experiment: Experiment, window: Window, growth: "pd.DataFrame", exposed: "pd.DataFrame", planned_units: float
) -> list[Row]:
    """Rows of experiments/daily_results from `growth_by_day` and `exposed_by_day`; none before the start."""
    if not window.has_begun:
        return []
    kept = [name for name in _names(Result) if name in _DAILY_COLUMNS]
    rows = []
    for day, sums in daily_sums(growth, exposed, window.start, window.last, experiment.metrics):
        for variant in experiment.treatments:
            for metric in experiment.metrics.values():
                for method in _DAILY_METHODS:
                    found = one_result(experiment, metric, variant, method, sums, planned_units)
                    rows.append({"date": day, **{name: getattr(found, name) for name in kept}})
    return rows


def health_rows(experiment: Experiment, by_variant: "pd.DataFrame", logged: Mapping[str, int]) -> list[Row]:
    """Rows of experiments/health from `sums_by_variant` and the one row of `logged_units`."""
    return [asdict(found) for found in health(experiment, _by_variant(by_variant), Logged(**logged))]


def power_rows(
    experiment: Experiment, window: Window, by_variant: "pd.DataFrame", exposed: "pd.DataFrame"
) -> list[Row]:
    """Rows of experiments/power from `sums_by_variant` and `newly_exposed`."""
    return [asdict(found) for found in power(experiment, _by_variant(by_variant), pace(window, exposed))]


def pace(window: Window, exposed: "pd.DataFrame") -> float:
    """Units that were newly exposed per day over the last seven days of the window, or its days where it has fewer."""
    days = min(PACE_DAYS, (window.last - window.start).days + 1)
    if days < 1:
        return 0.0
    ages = [(window.last - date).days for date in _dates(exposed)]
    return float(sum(units for age, units in zip(ages, exposed["units"], strict=True) if age < days) / days)


def decision_row(
    experiment: Experiment,
    window: Window,
    results: Sequence[Row],
    health: Sequence[Row],
    power: Sequence[Row],
    units: int,
) -> Row:
    """The row of experiments/decisions from the rows of the other tables."""
    evidence = Evidence(
        experiment,
        window.last,
        [_of(Result, row) for row in results],
        [_of(Health, row) for row in health],
        [_of(Power, row) for row in power],
    )
    return _decision_row(evidence, decide(evidence), units)


def _decision_row(evidence: Evidence, decision: Decision, units: int) -> Row:
    experiment, primary = evidence.experiment, decision.primary
    rollout = None
    if decision.rollout is not None:
        # A text is compared letter by letter, and the last digits of parallel sums differ from run to run.
        rollout = {
            name: {part: float(f"{value:.6g}") for part, value in asdict(found).items()}
            for name, found in decision.rollout.items()
        }
    return {
        "experiment_id": experiment.id,
        "name": experiment.name or experiment.id,
        "decision": decision.verdict,
        "variant": decision.variant,
        "is_calibrated": decision.is_calibrated,
        "reasons": list(decision.reasons),
        "days_left": decision.days_left,
        "as_of": evidence.as_of,
        "primary_metric": experiment.primary,
        "primary_lift": primary and primary.lift,
        "primary_lift_low": primary and primary.lift_low,
        "primary_lift_high": primary and primary.lift_high,
        "primary_p_value": primary and primary.p_value,
        "units": units,
        "rollout_effect": None if rollout is None else json.dumps(rollout),
    }


def _by_variant(sums: "pd.DataFrame") -> dict[str, Sums]:
    """Sums of each variant, groups added up."""
    numbers = sums.drop(columns=[name for name in DIMENSIONS if name in sums])
    return {str(name): dict(row) for name, row in numbers.groupby("variant").sum().to_dict("index").items()}


def _cap(experiment: Experiment, metric: str, most: Mapping[str, float]) -> float | None:
    return most.get(METRICS[metric].numerator) if metric in experiment.winsorise else None


def _dates(frame: "pd.DataFrame") -> Iterable[Any]:
    import pandas as pd

    return (pd.Timestamp(date).date() for date in frame["date"])


def _names(of: type) -> list[str]:
    return [field.name for field in fields(of)]


def _of(kind: Any, row: Row) -> Any:
    return kind(**{name: row[name] for name in _names(kind)})


_DAILY_COLUMNS = frozenset(
    {
        "experiment_id", "metric", "variant", "role", "method", "n_control", "n_variant", "mean_control", "mean_variant",
        "effect", "effect_low", "effect_high", "lift", "lift_low", "lift_high", "p_value",
    }
)  # fmt: skip
