"""How small an effect the units can show, and how many more it would take."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.estimates import quantile
from streaming_assets.experiments.inference import Sums, comparison
from streaming_assets.experiments.metrics import Metric
from streaming_assets.experiments.moments import units_of

POWER = 0.80
MOST_UNITS = 10**12
"""More than anybody can expose: how many more it would take is of no use, and might not fit a column."""


@dataclass(frozen=True)
class Power:
    """A row of experiments/power; its contract says what each value means."""

    experiment_id: str
    metric: str
    variant: str
    role: str
    units: int
    target_lift: float | None
    detectable_lift: float | None
    units_needed: int | None
    units_per_day: float
    days_still_needed: int | None


def power(experiment: Experiment, by_variant: Mapping[str, Sums], units_per_day: float) -> list[Power]:
    """Of every metric and variant, at 80 % power.

    target_lift is min_lift, of a guardrail its margin, which is tested one-sidedly. units_per_day: units that were newly
    exposed per day lately in all variants, of which control and the variant get their weights' share.
    """
    return [
        _of_metric(experiment, metric, variant, by_variant, units_per_day)
        for variant in experiment.treatments
        for metric in experiment.metrics.values()
    ]


def required_units(spread_of_one: float, effect: float, tail: float, power: float) -> int:
    """Units of both arms together at which an effect is found with this power; tail: alpha, halved if two-sided.

    spread_of_one: Σ over both arms of the variance by the arm's share of units, such as 4 σ² for halves. Chow, Shao &
    Wang, "Sample Size Calculations in Clinical Research", 3.2. At most MOST_UNITS.
    """
    root = (quantile(tail) + quantile(1 - power)) * math.sqrt(spread_of_one) / abs(effect)
    return math.ceil(min(root, math.sqrt(MOST_UNITS)) ** 2)


def _of_metric(
    experiment: Experiment, metric: Metric, variant: str, by_variant: Mapping[str, Sums], units_per_day: float
) -> Power:
    role = experiment.role(metric.name)
    target = experiment.guardrails.get(metric.name, experiment.min_lift) or None
    tail = experiment.guardrail_alpha if role == "guardrail" else experiment.alpha / 2
    units = sum(units_of(metric, by_variant[name]) for name in (CONTROL, variant) if name in by_variant)
    compared = comparison(metric, by_variant, variant)
    detectable = needed = None
    if compared is not None and compared.varies and compared.mean_control > 0:
        detectable = compared.se * (quantile(tail) + quantile(1 - POWER)) / compared.mean_control
        if target is not None:
            # Of one unit, as if all units were split by the weights.
            shares = _shares(experiment, variant)
            spread_of_one = _spread_of_one(compared.se, compared.n_control, compared.n_variant, shares)
            needed = required_units(spread_of_one, target * compared.mean_control, tail, POWER)
    days = _days(needed, units, units_per_day * _share_of_both(experiment, variant))
    return Power(experiment.id, metric.name, variant, role, units, target, detectable, needed, units_per_day, days)


def _spread_of_one(se: float, n_control: int, n_variant: int, shares: tuple[float, float]) -> float:
    """From the standard error at the present split to the split by weights, with like variances in both arms."""
    variance = se**2 / (1 / n_control + 1 / n_variant)
    return variance * (1 / shares[0] + 1 / shares[1])


def _shares(experiment: Experiment, variant: str) -> tuple[float, float]:
    both = experiment.variants[CONTROL] + experiment.variants[variant]
    return experiment.variants[CONTROL] / both, experiment.variants[variant] / both


def _share_of_both(experiment: Experiment, variant: str) -> float:
    weights = experiment.variants
    return (weights[CONTROL] + weights[variant]) / sum(weights.values())


def _days(needed: int | None, units: int, units_per_day: float) -> int | None:
    if needed is None or (needed > units and units_per_day <= 0):
        return None
    return math.ceil((needed - units) / units_per_day) if needed > units else 0
