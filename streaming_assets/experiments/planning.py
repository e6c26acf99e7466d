"""How long an experiment on a metric would have to run, told from what the present audience does."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streaming_assets.experiments.by_day import DailySums
from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.estimates import arm, quantile
from streaming_assets.experiments.metrics import METRICS, Metric
from streaming_assets.experiments.moments import moments_of
from streaming_assets.experiments.power import required_units

LONGEST_LOOK_BACK = 56
TREATMENT = "treatment"


@dataclass(frozen=True)
class Length:
    """What an experiment of so many days would have had: units in two halves, the metric's mean and a unit's variance."""

    days: int
    units: int
    mean: float
    variance: float

    def detectable(self, alpha: float, power: float) -> float:
        """The smallest lift that would have been found."""
        return (quantile(alpha / 2) + quantile(1 - power)) * math.sqrt(4 * self.variance / self.units) / self.mean

    def needed(self, lift: float, alpha: float, power: float) -> int:
        """Units of both halves that find a lift of this size in so many days."""
        return required_units(4 * self.variance, lift * self.mean, alpha / 2, power)


@dataclass(frozen=True)
class Plan:
    """The shortest length at which the units suffice; days is None where the audience does not grow to as many."""

    metric: Metric
    lift: float
    alpha: float
    power: float
    days: int | None
    units_needed: int
    at: Length
    lengths: Sequence[Length]


def rehearsal(metric: str, first: dt.date, as_of: dt.date) -> Experiment:
    """An experiment without a treatment on everybody who played lately, to see what a real one would have met."""
    return Experiment.model_validate(
        {
            "id": "rehearsal",
            "kind": "aa",
            "start": max(first, as_of - dt.timedelta(days=LONGEST_LOOK_BACK - 1)),
            "end": as_of,
            "assignment": {"salt": "rehearsal", "variants": {CONTROL: 50, TREATMENT: 50}},
            "primary": metric,
        }
    )


def lengths(metric: Metric, by_day: Iterable[tuple[dt.date, DailySums]]) -> list[Length]:
    """What every length would have had, from the cumulated sums of a rehearsal; those that tell nothing are left out."""
    found = []
    for days, (_day, sums) in enumerate(by_day, start=1):
        names = {name for variant in sums.values() for name in variant}
        together = {name: sum(variant[name] for variant in sums.values()) for name in names}
        moments = moments_of(metric, together)
        if moments.n < 2 or (metric.denominator and moments.mean[moments.of(metric.denominator)] == 0):
            continue
        both = arm(metric, moments)
        if both.value > 0 and both.variance > 0:
            found.append(Length(days, both.n, both.value, both.variance))
    return found


def plan(metric: str, lift: float, alpha: float, power: float, known: Sequence[Length], per_day: float) -> Plan:
    """The plan for a least lift of this size.

    known: at least one length. Beyond the longest one, units are taken to join at the pace per_day and the variance to
    stay what it was.
    """
    for length in known:
        if length.units >= length.needed(lift, alpha, power):
            return Plan(
                METRICS[metric], lift, alpha, power, length.days, length.needed(lift, alpha, power), length, known
            )
    longest = known[-1]
    needed = longest.needed(lift, alpha, power)
    days = longest.days + math.ceil((needed - longest.units) / per_day) if per_day > 0 else None
    return Plan(METRICS[metric], lift, alpha, power, days, needed, longest, known)
