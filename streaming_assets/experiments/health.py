"""Whether the arms may be compared at all: the split, the balance before exposure, units in several arms."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.inference import Sums, comparison
from streaming_assets.experiments.metrics import Metric
from streaming_assets.experiments.moments import UNITS

SRM_ALPHA = 0.001
IMBALANCE_ALPHA = 0.001
MOST_IN_SEVERAL = 0.01


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


def sample_ratio_p(counts: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """P of the chi-square test that units fell into the arms by their weights."""
    from scipy import stats

    total = sum(counts.values())
    expected = [total * weights[name] / sum(weights.values()) for name in weights]
    return float(stats.chisquare([counts[name] for name in weights], expected).pvalue)


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
    p = sample_ratio_p(counts, experiment.variants) if total else None
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
            compared = comparison(metric, by_variant, variant)
            p = None if compared is None or compared.p_value is None else min(1.0, compared.p_value * questions)
            units = 0 if compared is None else compared.n_control + compared.n_variant
            finding = (
                "nothing to compare: no unit differs from another before exposure"
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
    share = logged.in_several / logged.units if logged.units else 0.0
    return Health(
        experiment.id,
        "units_are_in_one_variant",
        "all",
        passed=share <= MOST_IN_SEVERAL,
        units=logged.units,
        value=share,
        threshold=MOST_IN_SEVERAL,
        finding=f"{logged.in_several:,} of {logged.units:,} units were logged in several variants and are left out"
        if experiment.is_logged
        else "variants follow from a hash of the unit, so that none is in several",
    )


def _known_variants(experiment: Experiment, logged: Logged) -> Health:
    share = logged.in_unknown / logged.units if logged.units else 0.0
    return Health(
        experiment.id,
        "logged_variants_are_configured",
        "all",
        passed=share <= MOST_IN_SEVERAL,
        units=logged.units,
        value=share,
        threshold=MOST_IN_SEVERAL,
        finding=f"{logged.in_unknown:,} of {logged.units:,} units were logged in no configured variant and are left out"
        if experiment.is_logged
        else "variants follow from a hash of the unit",
    )


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
    weights = experiment.variants
    return ", ".join(f"{total * weight / sum(weights.values()):,.0f}" for weight in weights.values())
