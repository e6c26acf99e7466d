"""What a decision is made from, and how each variant stands in it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.health import Health
from streaming_assets.experiments.inference import ALL, Method, Result
from streaming_assets.experiments.multiplicity import holm
from streaming_assets.experiments.power import Power

_MAY_BE_WORSE = ("primary", "guardrail")
LEAST_DECIDING = 30
"""Per arm: no decision rests on fewer, whatever their p-value."""


@dataclass(frozen=True)
class Evidence:
    """What is known of an experiment on the day as_of."""

    experiment: Experiment
    as_of: dt.date
    results: Sequence[Result]
    health: Sequence[Health]
    power: Sequence[Power]

    @property
    def has_begun(self) -> bool:
        return self.as_of >= self.experiment.start

    @property
    def has_ended(self) -> bool:
        return self.as_of >= self.experiment.end

    @property
    def may_decide(self) -> bool:
        """A fixed analysis decides once, at the end; a sequential one on any day."""
        return self.has_ended or self.experiment.analysis == "sequential"

    @property
    def method(self) -> Method:
        """The analysis that decides."""
        return "sequential" if self.experiment.analysis == "sequential" else "fixed"

    @property
    def days_left(self) -> int:
        return max((self.experiment.end - self.as_of).days, 0)

    @cached_property
    def deciding(self) -> tuple[Result, ...]:
        """Results over all units by the analysis that decides; of a few units nothing is said."""
        found = [result for result in self.results if result.method == self.method and result.dimension == ALL]
        return tuple(
            result if min(result.n_control, result.n_variant) >= LEAST_DECIDING else _unsaid(result) for result in found
        )

    def of(self, variant: str, metric: str) -> Result | None:
        """The variant's result over all units by the analysis that decides."""
        return next((found for found in self.deciding if (found.variant, found.metric) == (variant, metric)), None)


def _unsaid(result: Result) -> Result:
    """The result without what a decision would read from it."""
    return replace(
        result,
        lift_low=None,
        lift_high=None,
        p_value=None,
        p_adjusted=None,
        worst_case=None,
        is_non_inferior=None,
    )


@dataclass(frozen=True)
class Corrected:
    """A p-value, corrected for the number of comparisons among which it was found."""

    p: float
    comparisons: int


@dataclass(frozen=True)
class Standing:
    """How one variant stands against control, by the analysis that decides."""

    evidence: Evidence
    variant: str

    @property
    def experiment(self) -> Experiment:
        return self.evidence.experiment

    @cached_property
    def primary(self) -> Result | None:
        return self.evidence.of(self.variant, self.experiment.primary)

    @cached_property
    def guardrails(self) -> dict[str, Result | None]:
        return {name: self.evidence.of(self.variant, name) for name in self.experiment.guardrails}

    @property
    def worse(self) -> list[Result]:
        """Primary and guardrails that are significantly worse."""
        found = [result for result in (self.primary, *self.guardrails.values()) if result is not None]
        return [result for result in found if result.is_worse(self.experiment.alpha, result.p_adjusted)]

    @property
    def is_better(self) -> bool:
        """The primary metric is significantly better."""
        corrected = self._among_variants
        return (
            self.primary is not None
            and corrected is not None
            and self.primary.is_better(self.experiment.alpha, corrected.p)
        )

    @property
    def is_enough(self) -> bool:
        """Significantly better, and by at least min_lift."""
        gain = self.primary.gain if self.primary is not None else None
        return self.is_better and gain is not None and gain[0] >= self.experiment.min_lift

    @property
    def unproven(self) -> list[str]:
        """Guardrails that are not shown to be no worse than their margin allows."""
        return [name for name, found in self.guardrails.items() if found is None or found.is_non_inferior is not True]

    def corrected(self, result: Result) -> Corrected | None:
        """Its p-value as the rule reads it: a gain among the variants' primaries, a loss among all that may be worse."""
        if result is self.primary and result.is_better(1.0, result.p_value):
            return self._among_variants
        asked = [one for one in self.evidence.deciding if one.p_adjusted is not None and one.role in _MAY_BE_WORSE]
        return None if result.p_adjusted is None else Corrected(result.p_adjusted, len(asked))

    @cached_property
    def _among_variants(self) -> Corrected | None:
        """The primary's p-value, by Holm over the variants that it is asked of."""
        asked = [self.evidence.of(variant, self.experiment.primary) for variant in self.experiment.treatments]
        known = [(one.variant, one.p_value) for one in asked if one is not None and one.p_value is not None]
        by_variant = dict(zip((variant for variant, _p in known), holm([p for _variant, p in known]), strict=True))
        return Corrected(by_variant[self.variant], len(known)) if self.variant in by_variant else None
