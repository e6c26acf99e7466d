"""Intervals that hold on every day at once, however often one looks: asymptotic confidence sequences.

Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences"
(arXiv:2103.06476), equations 9, 134, 155 and 161; the form for the difference of two arms is GrowthBook's.
"""

import math

LEAST_UNITS = 100
"""Per arm: below it the normal approximation that the sequence rests on is not to be trusted, and none is given."""


def tuned_to(units: float, alpha: float) -> float:
    """ρ², which makes the sequence tightest when so many units are in."""
    return (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / units


def half_width(se: float, units: int, alpha: float, planned_units: float) -> float:
    """Half the width of the 1 − alpha sequence around an estimate with this standard error from so many units."""
    scaled = units * tuned_to(planned_units, alpha)
    return se * math.sqrt(2 * (scaled + 1) / scaled * math.log(math.sqrt(scaled + 1) / alpha))


def one_sided_width(se: float, units: int, alpha: float, planned_units: float) -> float:
    """How far below the estimate the one-sided 1 − alpha sequence reaches, for alpha below a half.

    A little more than half the two-sided one of 1 − 2 alpha, which may be left on both sides by turns.
    """
    scaled = units * tuned_to(planned_units, 2 * alpha)
    return se * math.sqrt(2 * (scaled + 1) / scaled * math.log1p(math.sqrt(scaled + 1) / (2 * alpha)))


def p_value(effect: float, se: float, units: int, alpha: float, planned_units: float) -> float:
    """Always-valid p: at most alpha on any day exactly when the sequence excludes 0."""
    scaled = units * tuned_to(planned_units, alpha)
    log_evidence = scaled * (effect / se) ** 2 / (2 * (scaled + 1)) - math.log(scaled + 1) / 2
    return min(1.0, math.exp(-log_evidence))
