"""Whether the arms may be compared at all: the split, the balance before exposure, units in several arms."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.inference import Sums, comparison
from streaming_assets.experiments.metrics import Metric
from streaming_assets.experiments.moments import HAS_PRE, UNITS

SRM_ALPHA = 0.001
IMBALANCE_ALPHA = 0.001
MOST_IN_SEVERAL = 0.01
LEAST_EXPECTED = 20
"""Units: the chi-square approximation is not to be trusted where an arm is to have fewer."""
LEAST_BEFORE = 30
"""Units with a pre-period, per arm: fewer say nothing of how alike the arms were."""


@dataclass(frozen=True)
class Health:
    """A row of experiments/health; its contract says what each value means."""

    experiment_id: str
    health_check: str
    subject: str
    passed: bool
    units: int
    value: float | None
    threshold: float
    finding: str


@dataclass(frozen=True)
class Logged:
    """What exposure events say: units with any, those in several variants, those in a variant that is not configured."""

    units: int = 0
    in_several: int = 0
    in_unknown: int = 0


def health(experiment: Experiment, by_variant: Mapping[str, Sums], logged: Logged) -> list[Health]:
    """Every check of an experiment's data; all of them pass before it is worth reading its results."""
    counts = {name: round(by_variant[name][UNITS]) if name in by_variant else 0 for name in experiment.variants}
    return [
        _has_units(experiment, counts),
        _sample_ratio(experiment, counts),
        *_balance(experiment, by_variant),
        _one_variant_each(experiment, logged),
        _known_variants(experiment, logged),
    ]


def sample_ratio_p(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """P that units fell into the arms by their shares (any weights): chi-square, or exact where an arm is to have few.

    The exact one is binomial, each arm against the others, corrected for their number (Bonferroni) where there are more
    than two.
    """
    from scipy import stats

    total, whole = sum(counts.values()), sum(shares.values())
    shares = {name: share / whole for name, share in shares.items()}
    expected = [total * shares[name] for name in shares]
    if min(expected) >= LEAST_EXPECTED:
        return float(stats.chisquare([counts[name] for name in shares], expected).pvalue)
    asked = list(shares)[1:] if len(shares) == 2 else list(shares)
    return min(
        1.0, len(asked) * min(float(stats.binomtest(counts[name], total, shares[name]).pvalue) for name in asked)
    )


def _has_units(experiment: Experiment, counts: Mapping[str, int]) -> Health:
    empty = [name for name, count in counts.items() if count == 0]
    return Health(
        experiment.id,
        "every_variant_has_units",
        "all",
        passed=not empty,
        units=sum(counts.values()),
        value=float(min(counts.values())),
        threshold=1.0,
        finding=f"no unit was exposed in {', '.join(empty)}" if empty else _told(counts),
    )


def _sample_ratio(experiment: Experiment, counts: Mapping[str, int]) -> Health:
    total = sum(counts.values())
    p = sample_ratio_p(counts, experiment.shares) if total else None
    return Health(
        experiment.id,
        "units_fall_into_variants_by_their_weights",
        "all",
        passed=p is None or p >= SRM_ALPHA,
        units=total,
        value=p,
        threshold=SRM_ALPHA,
        finding=f"{_told(counts)}; expected {_expected(experiment, total)}" if total else "no units",
    )


def _balance(experiment: Experiment, by_variant: Mapping[str, Sums]) -> list[Health]:
    """Of every metric that has a like in the pre-period; p corrected for their number (Bonferroni)."""
    before = [
        _pre_metric(metric)
        for metric in experiment.metrics.values()
        if metric.pre_columns and metric.matures_after is None
    ]
    questions = len(before) * len(experiment.treatments)
    found = []
    for metric in before:
        for variant in experiment.treatments:
            compared = comparison(metric, by_variant, variant) if _have_a_before(by_variant, variant) else None
            p = None if compared is None or compared.p_value is None else min(1.0, compared.p_value * questions)
            units = 0 if compared is None else compared.n_control + compared.n_variant
            finding = (
                "nothing to compare: too few units were there before exposure, or all were alike"
                if compared is None or p is None
                else f"{compared.mean_variant:.4g} in {variant}, {compared.mean_control:.4g} in {CONTROL} before exposure"
            )
            found.append(
                Health(
                    experiment.id,
                    "variants_were_alike_before_exposure",
                    f"{metric.name} in {variant}",
                    passed=p is None or p >= IMBALANCE_ALPHA,
                    units=units,
                    value=p,
                    threshold=IMBALANCE_ALPHA,
                    finding=finding,
                )
            )
    return found


def _one_variant_each(experiment: Experiment, logged: Logged) -> Health:
    return _left_out(experiment, "units_are_in_one_variant", logged.in_several, logged.units, "in several variants")


def _known_variants(experiment: Experiment, logged: Logged) -> Health:
    where = "in no configured variant" if experiment.is_logged else "in another variant than their hash says"
    return _left_out(experiment, "logged_variants_are_configured", logged.in_unknown, logged.units, where)


def _left_out(experiment: Experiment, check: str, count: int, units: int, where: str) -> Health:
    share = count / units if units else 0.0
    logged = f"{count:,} of {units:,} units were logged {where} and are left out"
    return Health(
        experiment.id,
        check,
        "all",
        passed=share <= MOST_IN_SEVERAL,
        units=units,
        value=share,
        threshold=MOST_IN_SEVERAL,
        finding=logged
        if experiment.exposure == "logged"
        else "variants follow from a hash of the unit, nothing is logged",
    )


def _have_a_before(by_variant: Mapping[str, Sums], variant: str) -> bool:
    return all(name in by_variant and by_variant[name][HAS_PRE] >= LEAST_BEFORE for name in (CONTROL, variant))


def _pre_metric(metric: Metric) -> Metric:
    """The metric's like in the pre-period, as a metric of its own."""
    assert metric.pre_numerator is not None  # noqa: S101 - asked of metrics that have one
    return replace(
        metric,
        numerator=metric.pre_numerator,
        denominator=metric.pre_denominator,
        pre_numerator=None,
        pre_denominator=None,
    )


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} in {name}" for name, count in counts.items())


def _expected(experiment: Experiment, total: int) -> str:
    return ", ".join(f"{total * share:,.0f}" for share in experiment.shares.values())
