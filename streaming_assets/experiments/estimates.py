"""What one arm shows of a metric, and how far two arms differ: the delta method over sufficient statistics.

Every estimate is a smooth function of the means of a few columns; its variance is gᵀ Σ g / n with its gradient g and
the columns' covariance Σ (Deng, Knoblich & Lu 2018, "Applying the Delta Method in Metric Analytics").
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from streaming_assets.experiments.metrics import Metric
from streaming_assets.experiments.moments import HAS_PRE, Moments, Vector

Test = Literal["welch_t", "pooled_z"]


@dataclass(frozen=True)
class Arm:
    """One arm's estimate.

    value: the metric, unadjusted. adjusted: the same less what the pre-period explains, for comparing arms only.
    gradient, raw_gradient: of adjusted and of value, by the means of the columns. variance: of one unit's contribution
    to the adjusted value, whose standard error is √(variance / n); 0 where all contribute the same.
    """

    moments: Moments
    value: float
    adjusted: float
    gradient: Vector
    raw_gradient: Vector
    variance: float

    @property
    def n(self) -> int:
        return self.moments.n

    @property
    def active(self) -> int:
        """Units that say something of the metric."""
        return self.moments.active


@dataclass(frozen=True)
class Comparison:
    """How a variant differs from control, absolutely and relative to control's mean.

    least_active: the lesser number of units that say something of the metric. se, lift_se: standard errors. degrees: of freedom of Student's t, infinite for proportions. lift is None where
    control's mean is 0; p_value is None where units differ neither within an arm nor, for shares, between the arms.
    """

    n_control: int
    n_variant: int
    least_active: int
    mean_control: float
    mean_variant: float
    effect: float
    se: float
    degrees: float
    lift: float | None
    lift_se: float | None
    p_value: float | None
    cohens_d: float | None
    test: Test

    def interval(self, alpha: float) -> tuple[float, float]:
        """The effect's 1 − alpha interval."""
        half = self.quantile(alpha / 2) * self.se
        return self.effect - half, self.effect + half

    def lift_interval(self, alpha: float) -> tuple[float, float] | None:
        """The lift's 1 − alpha interval, with the degrees of freedom of the effect."""
        if self.lift is None or self.lift_se is None:
            return None
        half = self.quantile(alpha / 2) * self.lift_se
        return self.lift - half, self.lift + half

    def quantile(self, tail: float) -> float:
        """How many standard errors leave so much probability above."""
        return quantile(tail, self.degrees)

    @property
    def varies(self) -> bool:
        """Units of an arm differ from each other, so that there is an interval."""
        return self.se > 0


@dataclass(frozen=True)
class Adjustment:
    """CUPED's coefficients, the same for all arms (Deng, Xu, Kohavi & Walker 2013).

    theta: of the pre-period metric; of_missing: of the indicator that a unit has none. pooled_pre: the metric before
    exposure over all arms, which stands in for such units in a mean, and in a ratio for an arm without a denominator.
    """

    theta: float
    of_missing: float
    pooled_pre: float

    @property
    def changes_nothing(self) -> bool:
        return self.theta == self.of_missing == 0


def quantile(tail: float, degrees: float = math.inf) -> float:
    """The value of Student's t, or of a normal variable, above which so much probability lies."""
    from scipy import special

    return float(-special.ndtri(tail) if math.isinf(degrees) else -special.stdtrit(degrees, tail))


def arm(metric: Metric, moments: Moments, adjustment: Adjustment | None = None) -> Arm:
    """The estimate of an arm that has units, and whose denominator is not 0 for all of them."""
    value, raw = _level(moments, metric.numerator, metric.denominator)
    if adjustment is None:
        return Arm(moments, value, value, raw, raw, _variance(moments, raw))
    pre, of_pre = _pre_level(metric, moments, adjustment.pooled_pre)
    missing, of_missing = 1 - float(moments.mean[moments.of(HAS_PRE)]), -_unit(moments, HAS_PRE)
    adjusted = value - adjustment.theta * pre - adjustment.of_missing * missing
    gradient = raw - adjustment.theta * of_pre - adjustment.of_missing * of_missing
    return Arm(moments, value, adjusted, gradient, raw, _variance(moments, gradient))


def _variance(moments: Moments, gradient: Vector) -> float:
    """Of one unit's contribution, estimated from the units that make one.

    Units without a denominator contribute 0 by construction, and tell nothing of how far the others vary.
    """
    spread = moments.active / max(moments.active - 1, 1) * (moments.n - 1) / moments.n
    return moments.variance(gradient) * (spread if moments.active < moments.n else 1.0)


def adjustment(metric: Metric, pooled: Moments) -> Adjustment:
    """The least-squares coefficients over the units of all arms together, ratios linearised around the pooled one.

    0 for what does not vary.
    """
    assert metric.pre_numerator is not None  # noqa: S101 - asked of metrics that can be adjusted only
    before = pooled.mean[pooled.of(metric.pre_numerator)]
    over = pooled.mean[pooled.of(metric.pre_denominator or HAS_PRE)]
    pooled_pre = float(before / over) if over else 0.0
    _value, of_value = _level(pooled, metric.numerator, metric.denominator)
    _pre, of_pre = _pre_level(metric, pooled, pooled_pre)
    # Units without a pre-period stand at its mean: both covariates are uncorrelated, and each has a slope of its own.
    return Adjustment(_slope(pooled, of_value, of_pre), _slope(pooled, of_value, -_unit(pooled, HAS_PRE)), pooled_pre)


def compare(metric: Metric, control: Arm, variant: Arm) -> Comparison:
    """Welch's t for means and linearised ratios; for shares pooled z for p, unpooled for the interval."""
    effect = variant.adjusted - control.adjusted
    of_control, of_variant = control.variance / control.n, variant.variance / variant.n
    se = math.sqrt(of_control + of_variant)
    lift = lift_se = None
    if control.value != 0:
        lift = effect / control.value
        # Control counts twice in effect / control's mean.
        of_twice = _variance(control.moments, control.gradient + lift * control.raw_gradient) / control.n
        lift_se = math.sqrt(of_variant + of_twice) / abs(control.value)
    return Comparison(
        n_control=control.n,
        n_variant=variant.n,
        least_active=min(control.active, variant.active),
        mean_control=control.value,
        mean_variant=variant.value,
        effect=effect,
        se=se,
        degrees=math.inf if metric.is_share else _welch_degrees(control, variant),
        lift=lift,
        lift_se=lift_se,
        p_value=_p_value(metric, control, variant, effect, se),
        cohens_d=_cohens_d(control, variant, effect),
        test="pooled_z" if metric.is_share else "welch_t",
    )


def _level(moments: Moments, numerator: str, denominator: str | None) -> tuple[float, Vector]:
    """A mean or a ratio of means, and its gradient by the means of all columns."""
    top = moments.mean[moments.of(numerator)]
    if denominator is None:
        return float(top), _unit(moments, numerator)
    bottom = moments.mean[moments.of(denominator)]
    return (
        float(top / bottom),
        _unit(moments, numerator) / bottom - _unit(moments, denominator) * top / bottom**2,
    )


def _pre_level(metric: Metric, moments: Moments, pooled_pre: float) -> tuple[float, Vector]:
    """The pre-period's mean with the pooled one for units without, or its ratio, and the gradient."""
    assert metric.pre_numerator is not None  # noqa: S101 - asked of metrics that can be adjusted only
    if metric.pre_denominator is not None:
        if moments.mean[moments.of(metric.pre_denominator)] == 0:
            return pooled_pre, np.zeros(len(moments.columns))
        return _level(moments, metric.pre_numerator, metric.pre_denominator)
    mean = moments.mean[moments.of(metric.pre_numerator)] + pooled_pre * (1 - moments.mean[moments.of(HAS_PRE)])
    return float(mean), _unit(moments, metric.pre_numerator) - pooled_pre * _unit(moments, HAS_PRE)


def _slope(moments: Moments, of_value: Vector, of_covariate: Vector) -> float:
    variance = moments.variance(of_covariate)
    return float(of_value @ moments.cov @ of_covariate) / variance if variance else 0.0


def _unit(moments: Moments, column: str) -> Vector:
    found = np.zeros(len(moments.columns))
    found[moments.of(column)] = 1.0
    return found


def _welch_degrees(control: Arm, variant: Arm) -> float:
    """Welch–Satterthwaite."""
    parts = [(each.variance / each.n, each.active - 1) for each in (control, variant)]
    below = sum(part**2 / max(degrees, 1) for part, degrees in parts)
    return sum(part for part, _degrees in parts) ** 2 / below if below else math.inf


def _p_value(metric: Metric, control: Arm, variant: Arm, effect: float, se: float) -> float | None:
    from scipy import special

    if metric.is_share:
        share = (control.value * control.n + variant.value * variant.n) / (control.n + variant.n)
        pooled = math.sqrt(share * (1 - share) * (1 / control.n + 1 / variant.n))
        return None if pooled == 0 else float(2 * special.ndtr(-abs(effect) / pooled))
    return None if se == 0 else float(2 * special.stdtr(_welch_degrees(control, variant), -abs(effect) / se))


def _cohens_d(control: Arm, variant: Arm, effect: float) -> float | None:
    """The effect in standard deviations of a unit, pooled over both arms."""
    degrees = control.n + variant.n - 2
    within = (control.n - 1) * control.variance + (variant.n - 1) * variant.variance
    return None if degrees < 1 or within == 0 else effect / math.sqrt(within / degrees)
