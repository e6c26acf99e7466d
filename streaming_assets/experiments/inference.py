"""From moments to results: every metric of every variant against control, by each method, with what may be read from it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from streaming_assets.experiments import sequential
from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.estimates import Comparison, adjustment, arm, compare
from streaming_assets.experiments.metrics import METRICS, Metric
from streaming_assets.experiments.moments import Moments, moments_of, units_of
from streaming_assets.experiments.multiplicity import benjamini_hochberg, holm

Method = Literal["fixed", "cuped", "sequential"]
Sums = Mapping[str, float]

DIMENSIONS = ("platform", "country", "plan", "user_kind")
ALL = "all"
LEAST_WITH_DENOMINATOR = 10
"""Per arm: a ratio over fewer units has an interval that misses the truth far too often."""
LEAST_UNITS_IN_A_CUT = 100
"""Per arm: smaller segments say nothing, and would cost those that do in the correction for their number."""


@dataclass(frozen=True)
class Result:
    """A row of experiments/results; its contract says what each value means."""

    experiment_id: str
    metric: str
    variant: str
    role: str
    method: Method
    dimension: str
    segment: str
    n_control: int
    n_variant: int
    mean_control: float | None = None
    mean_variant: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    standard_error: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    cohens_d: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = None
    variance_reduction: float | None = None
    margin: float | None = None
    worst_case: float | None = None
    is_non_inferior: bool | None = None

    @property
    def gain(self) -> tuple[float, float, float] | None:
        """The lift with its interval, turned so that more is better."""
        if self.lift is None or self.lift_low is None or self.lift_high is None:
            return None
        if METRICS[self.metric].sign > 0:
            return self.lift, self.lift_low, self.lift_high
        return -self.lift, -self.lift_high, -self.lift_low

    def is_better(self, alpha: float, p: float | None) -> bool:
        """Different from control by this p, and in the good direction."""
        return p is not None and p < alpha and self.effect is not None and METRICS[self.metric].sign * self.effect > 0

    def is_worse(self, alpha: float, p: float | None) -> bool:
        """Different from control by this p, and in the bad direction."""
        return p is not None and p < alpha and self.effect is not None and METRICS[self.metric].sign * self.effect < 0


def results(
    experiment: Experiment,
    by_variant: Mapping[str, Sums],
    by_segment: Mapping[tuple[str, str], Mapping[str, Sums]],
    planned_units: float,
) -> list[Result]:
    """All results of an experiment as of one day.

    by_variant: sums (`unit_sums`) of every variant with units; by_segment: the same by (dimension, segment).
    planned_units: what the confidence sequence is tuned to. Metrics that cannot be measured have rows without an effect.
    """
    found = [
        result
        for variant in experiment.treatments
        for metric in experiment.metrics.values()
        for result in _by_all_methods(experiment, metric, variant, by_variant, planned_units)
    ]
    return _adjusted(experiment, found) + _cuts(experiment, by_segment)


def one_result(
    experiment: Experiment,
    metric: Metric,
    variant: str,
    method: Method,
    sums: Mapping[str, Sums],
    planned_units: float = math.inf,
    dimension: str = ALL,
    segment: str = ALL,
) -> Result:
    """One metric of one variant by one method; p_adjusted is for the caller to fill in."""
    n_control, n_variant = (units_of(metric, sums[name]) if name in sums else 0 for name in (CONTROL, variant))
    role = experiment.role(metric.name)
    blank = Result(experiment.id, metric.name, variant, role, method, dimension, segment, n_control, n_variant)
    compared = comparison(metric, sums, variant, adjusted=method == "cuped")
    if compared is None:
        return blank
    result = replace(
        blank,
        mean_control=compared.mean_control,
        mean_variant=compared.mean_variant,
        effect=compared.effect,
        lift=compared.lift,
        standard_error=compared.se,
        cohens_d=compared.cohens_d,
    )
    if not compared.varies:
        # Shares of none in one arm and all in the other have no interval, but differ.
        return replace(result, p_value=compared.p_value if method != "sequential" else None)
    if method == "sequential":
        return _with_sequence(experiment, result, compared, planned_units)
    low, high = compared.interval(experiment.alpha)
    lift_low, lift_high = compared.lift_interval(experiment.alpha) or (None, None)
    chance, loss = _bayes(metric, compared)
    result = replace(
        result,
        effect_low=low,
        effect_high=high,
        lift_low=lift_low,
        lift_high=lift_high,
        p_value=compared.p_value,
        chance_to_win=chance,
        expected_loss=loss,
    )
    return _with_margin(experiment, result, compared.quantile(experiment.guardrail_alpha) * compared.se)


def comparison(metric: Metric, sums: Mapping[str, Sums], variant: str, *, adjusted: bool = False) -> Comparison | None:
    """The variant against control; None where one of them has too few units to know a variance, or nothing to divide by."""
    moments = {name: moments_of(metric, sums[name], adjustable=adjusted) for name in (CONTROL, variant) if name in sums}
    if len(moments) < 2 or not all(_is_measurable(metric, found) for found in moments.values()):
        return None
    correction = None
    if adjusted:
        correction = adjustment(metric, moments_of(metric, *sums.values(), adjustable=True))
        if correction.changes_nothing:
            # Rounding would else depend on the order in which an engine adds up.
            return comparison(metric, sums, variant)
    return compare(metric, *(arm(metric, moments[name], correction) for name in (CONTROL, variant)))


def _by_all_methods(
    experiment: Experiment, metric: Metric, variant: str, sums: Mapping[str, Sums], planned_units: float
) -> Iterable[Result]:
    fixed = one_result(experiment, metric, variant, "fixed", sums)
    yield fixed
    if metric.pre_columns:
        adjusted = one_result(experiment, metric, variant, "cuped", sums)
        if adjusted.standard_error is not None and fixed.standard_error:
            less = 1 - (adjusted.standard_error / fixed.standard_error) ** 2
            adjusted = replace(adjusted, variance_reduction=less)
        yield adjusted
    yield one_result(experiment, metric, variant, "sequential", sums, planned_units)


def _with_sequence(experiment: Experiment, result: Result, compared: Comparison, planned_units: float) -> Result:
    if compared.least_active < sequential.LEAST_UNITS:
        return result
    units = compared.n_control + compared.n_variant

    def half(se: float) -> float:
        return sequential.half_width(se, units, experiment.alpha, planned_units)

    of_effect = half(compared.se)
    result = replace(
        result,
        effect_low=compared.effect - of_effect,
        effect_high=compared.effect + of_effect,
        p_value=sequential.p_value(compared.effect, compared.se, units, experiment.alpha, planned_units),
    )
    if compared.lift is not None and compared.lift_se is not None:
        of_lift = half(compared.lift_se)
        result = replace(result, lift_low=compared.lift - of_lift, lift_high=compared.lift + of_lift)
    below = sequential.one_sided_width(compared.se, units, experiment.guardrail_alpha, planned_units)
    return _with_margin(experiment, result, below)


def _with_margin(experiment: Experiment, result: Result, below: float) -> Result:
    """A guardrail's one-sided bound, held against its margin."""
    margin = experiment.guardrails.get(result.metric)
    if margin is None or not result.mean_control or result.effect is None:
        return result
    worst = (METRICS[result.metric].sign * result.effect - below) / result.mean_control
    return replace(result, margin=margin, worst_case=worst, is_non_inferior=worst > -margin)


def _bayes(metric: Metric, compared: Comparison) -> tuple[float | None, float | None]:
    """Chance to win and expected loss of the lift: normal posterior, flat prior."""
    from scipy import special

    if compared.lift is None or not compared.lift_se:
        return None, None
    gain, sd = metric.sign * compared.lift, compared.lift_se
    z = gain / sd
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(special.ndtr(z)), max(float(sd * density - gain * special.ndtr(-z)), 0.0)


def _adjusted(experiment: Experiment, found: Sequence[Result]) -> list[Result]:
    """With p_adjusted: Holm over primary and guardrails, Benjamini–Hochberg over secondary metrics, by method."""
    adjusted = list(found)
    methods: tuple[Method, ...] = ("fixed", "cuped", "sequential")
    for method in methods:
        for roles, correct in ((("primary", "guardrail"), holm), (("secondary",), benjamini_hochberg)):
            places = [
                place
                for place, result in enumerate(found)
                if result.method == method and result.role in roles and result.p_value is not None
            ]
            values = correct([p for place in places if (p := found[place].p_value) is not None])
            for place, p in zip(places, values, strict=True):
                adjusted[place] = replace(adjusted[place], p_adjusted=p)
    return adjusted


def _cuts(experiment: Experiment, by_segment: Mapping[tuple[str, str], Mapping[str, Sums]]) -> list[Result]:
    """The primary metric by segments, as far as they are large enough; p_adjusted by Benjamini–Hochberg over all."""
    metric = experiment.metrics[experiment.primary]
    found = [
        result
        for (dimension, segment), sums in sorted(by_segment.items())
        for variant in experiment.treatments
        if (result := one_result(experiment, metric, variant, "fixed", sums, dimension=dimension, segment=segment))
        and result.p_value is not None
        and min(result.n_control, result.n_variant) >= LEAST_UNITS_IN_A_CUT
    ]
    values = benjamini_hochberg([result.p_value for result in found if result.p_value is not None])
    return [replace(result, p_adjusted=p) for result, p in zip(found, values, strict=True)]


def _is_measurable(metric: Metric, moments: Moments) -> bool:
    least = 2 if metric.denominator is None else LEAST_WITH_DENOMINATOR
    return moments.n >= 2 and moments.active >= least


__all__ = ["ALL", "DIMENSIONS", "Result", "comparison", "one_result", "results"]
