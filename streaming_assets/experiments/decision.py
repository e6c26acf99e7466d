"""The verdict on an experiment, with the reasons that led to it: a pure function of results, health and power."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from streaming_assets.experiments import reasons as say
from streaming_assets.experiments.evidence import Corrected, Evidence, Standing
from streaming_assets.experiments.figures import counted, days, probability
from streaming_assets.experiments.inference import Result
from streaming_assets.experiments.multiplicity import holm

Verdict = Literal["INVALID", "CALIBRATION", "ROLLBACK", "SHIP", "KEEP_RUNNING", "DONT_SHIP", "REVIEW"]

CALIBRATION_ALPHA = 0.01
"""An alarm about the way of measuring itself has to be rare: all metrics together, by Holm."""

_MOST_TELLING: tuple[Verdict, ...] = ("ROLLBACK", "SHIP", "KEEP_RUNNING", "REVIEW", "DONT_SHIP")
"""Of several variants' verdicts, which one is the experiment's: harm must be stopped first."""


@dataclass(frozen=True)
class Amount:
    """A modelled amount with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """A row of experiments/decisions; its contract says what each value means."""

    verdict: Verdict
    reasons: tuple[str, ...]
    variant: str | None = None
    is_calibrated: bool | None = None
    days_left: int = 0
    primary: Result | None = None
    rollout: dict[str, Amount] | None = None


def decide(evidence: Evidence) -> Decision:
    """The first rule that applies; of several variants the most telling verdict, the greater gain among equals."""
    if not evidence.has_begun:
        return _not_begun(evidence)
    broken = [found for found in evidence.health if not found.passed]
    if broken:
        reasons = (*(say.broken(found) for found in broken), "Results are not to be read until the cause is found.")
        return Decision("INVALID", reasons)
    if evidence.experiment.kind == "aa":
        return _calibration(evidence)
    return _of_all(evidence, [_of_one(Standing(evidence, variant)) for variant in evidence.experiment.treatments])


def _not_begun(evidence: Evidence) -> Decision:
    start = evidence.experiment.start
    wait = days((start - evidence.as_of).days)
    reason = f"It has not begun: exposure starts on {start}, {wait} after {evidence.as_of}."
    return Decision("KEEP_RUNNING", (reason,), days_left=evidence.days_left)


def _calibration(evidence: Evidence) -> Decision:
    """Whether an experiment without a treatment shows no effect, as it should."""
    tested = [(result, result.p_value) for result in evidence.deciding if result.p_value is not None]
    adjusted = holm([p for _result, p in tested])
    alarms = [
        f"{say.change(result, evidence.experiment, Corrected(p, len(tested)))}, though nothing was changed."
        for (result, _p), p in zip(tested, adjusted, strict=True)
        if p < CALIBRATION_ALPHA
    ]
    if not tested:
        reasons = ["No metric can be measured, so that nothing is known of the calibration."]
    elif alarms:
        reasons = [*alarms, "The way of assigning or measuring is to be looked into before any experiment is believed."]
    else:
        reasons = [
            f"It looks calibrated: no difference beyond chance in {counted(len(tested), 'comparison')}, as it must be where "
            f"nothing was changed (smallest corrected p {probability(min(adjusted), CALIBRATION_ALPHA)}; below "
            f"{CALIBRATION_ALPHA:g} would be an alarm)."
        ]
    if not evidence.has_ended:
        reasons.append(f"This is how it looks so far; it ends on {evidence.experiment.end}: {say.still(evidence)}.")
    first = evidence.experiment.treatments[0]
    return Decision(
        "CALIBRATION",
        tuple(reasons),
        variant=first,
        is_calibrated=not alarms if tested else None,
        primary=evidence.of(first, evidence.experiment.primary),
    )


def _of_all(evidence: Evidence, found: Sequence[Decision]) -> Decision:
    """The most telling of the variants' decisions, with the others' verdicts among its reasons."""
    best = min(found, key=lambda decision: (_MOST_TELLING.index(decision.verdict), -_gain(decision)))
    others = [
        f"{other.variant}: {other.verdict}. {next(reason for reason in other.reasons if reason not in best.reasons)}"
        for other in found
        if other is not best
    ]
    days_left = evidence.days_left if best.verdict == "KEEP_RUNNING" else 0
    return replace(best, reasons=(*best.reasons, *others), days_left=days_left)


def _of_one(standing: Standing) -> Decision:
    evidence, primary = standing.evidence, standing.primary

    def decision(verdict: Verdict, reasons: Iterable[str]) -> Decision:
        rollout = _rollout(evidence, standing.variant)
        return Decision(verdict, tuple(reasons), standing.variant, primary=primary, rollout=rollout)

    if evidence.may_decide and standing.worse:
        return decision("ROLLBACK", say.harm(standing))
    if evidence.may_decide and standing.is_enough and not standing.unproven:
        return decision("SHIP", say.benefit(standing))
    if not evidence.has_ended:
        return decision("KEEP_RUNNING", (say.until_the_end(evidence), *say.so_far(standing)))
    if primary is not None and primary.gain is not None and primary.gain[2] < evidence.experiment.min_lift:
        return decision("DONT_SHIP", (say.of_primary(standing),))
    return decision("REVIEW", say.open_questions(standing))


def _rollout(evidence: Evidence, variant: str) -> dict[str, Amount] | None:
    """What the variant would bring to everybody in as many days as units were observed: sessions, hours, value."""
    rollout = evidence.experiment.rollout
    if not rollout.population:
        return None
    found: dict[str, Amount] = {}
    for name, metric in (("sessions", "sessions_per_user"), ("watch_hours", "watch_hours")):
        result = evidence.of(variant, metric)
        if result is not None and result.effect_low is not None and result.effect_high is not None:
            assert result.effect is not None  # noqa: S101 - an interval has a middle
            found[name] = Amount(
                *(rollout.population * value for value in (result.effect, result.effect_low, result.effect_high))
            )
    if rollout.value_per_session is not None and "sessions" in found:
        worth = [rollout.value_per_session * value for value in vars(found["sessions"]).values()]
        found["value"] = Amount(worth[0], min(worth[1:]), max(worth[1:]))
    return found or None


def _gain(decision: Decision) -> float:
    return decision.primary.gain[0] if decision.primary is not None and decision.primary.gain is not None else 0.0


__all__ = ["Amount", "Decision", "Evidence", "Verdict", "decide"]
