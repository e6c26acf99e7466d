"""What led to a verdict, in sentences."""

from collections.abc import Iterable

from streaming_assets.experiments.config import CONTROL, Experiment
from streaming_assets.experiments.evidence import LEAST_DECIDING, Corrected, Evidence, Standing
from streaming_assets.experiments.figures import counted, days, exactly, number, percent, probability
from streaming_assets.experiments.health import Health
from streaming_assets.experiments.inference import Result
from streaming_assets.experiments.metrics import METRICS
from streaming_assets.experiments.power import POWER, Power
from streaming_assets.experiments.sequential import LEAST_UNITS

_TOO_EARLY = "but a look before the end proves nothing"
_BROKEN = {
    "every_variant_has_units": "There is nothing to compare",
    "units_fall_into_variants_by_their_weights": "Units did not fall into the variants by their weights",
    "variants_were_alike_before_exposure": "{subject} was unlike {control} from the outset",
    "units_are_in_one_variant": "The exposure log contradicts itself",
    "logged_variants_are_configured": "The exposure log does not fit the configuration",
}
_JUDGED_BY_P = ("units_fall_into_variants_by_their_weights", "variants_were_alike_before_exposure")


def broken(found: Health) -> str:
    """What is wrong with the data."""
    said = _BROKEN[found.health_check].format(subject=found.subject, control=CONTROL)
    return f"{said}: {found.finding}{_measured(found)}."


def _measured(found: Health) -> str:
    if found.value is None or found.health_check == "every_variant_has_units":
        return ""
    if found.health_check in _JUDGED_BY_P:
        return f" (p {probability(found.value, found.threshold)})"
    return f" ({percent(found.value, found.threshold)}, at most {exactly(found.threshold)} is allowed)"


def harm(standing: Standing) -> Iterable[str]:
    """What became worse."""
    for found in standing.worse:
        yield f"{_told(standing, found)}: significantly worse."
    if standing.is_better and standing.primary is not None:
        yield f"{_told(standing, standing.primary)}: significantly better, which does not outweigh it."
    yield from _ahead_of_the_end(standing.evidence)


def benefit(standing: Standing) -> Iterable[str]:
    """What became better, and that nothing else became too much worse."""
    if standing.primary is not None:
        yield f"{_told(standing, standing.primary)}: {_against_min_lift(standing, standing.primary)}."
    for name, found in standing.guardrails.items():
        if found is not None and found.worst_case is not None:
            yield f"Guardrail {name} holds: {_at_worst(standing, found, found.worst_case)}."
    yield from _denominator(standing)
    yield from _ahead_of_the_end(standing.evidence)


def _denominator(standing: Standing) -> Iterable[str]:
    """That a ratio rose while what it divides by fell."""
    divided_by = METRICS[standing.experiment.primary].denominator
    beside = next((name for name, metric in METRICS.items() if divided_by and metric.columns == (divided_by,)), None)
    found = standing.evidence.of(standing.variant, beside) if beside else None
    if found is not None and found.is_worse(standing.experiment.alpha, found.p_value):
        told = change(found, standing.experiment, None)
        yield f"Mind what it is divided by: {told}. A ratio can rise while there is less of everything; make {beside} a guardrail."


def _ahead_of_the_end(evidence: Evidence) -> Iterable[str]:
    if not evidence.has_ended:
        yield f"The sequential analysis allows this before the end on {evidence.experiment.end}."


def until_the_end(evidence: Evidence) -> str:
    """When it decides."""
    how = (
        "It decides once, at its end on" if evidence.method == "fixed" else "It may decide on any day, at the latest on"
    )
    return f"{how} {evidence.experiment.end}: {still(evidence)}."


def so_far(standing: Standing) -> Iterable[str]:
    """What can be said before the end."""
    if standing.evidence.method == "sequential":
        yield from open_questions(standing)
    else:
        yield _at_first_sight(standing)
        for found in standing.worse:
            if found is not standing.primary:
                yield f"{_told(standing, found)} so far: it looks worse, {_TOO_EARLY}."
        yield from _more_units(standing)


def _at_first_sight(standing: Standing) -> str:
    primary = standing.primary
    if primary is None or primary.p_value is None:
        return of_primary(standing)
    looks = "worse" if primary in standing.worse else "better" if standing.is_better else None
    seen = "for information only" if looks is None else f"it looks {looks}, {_TOO_EARLY}"
    return f"{_told(standing, primary)} so far: {seen}."


def open_questions(standing: Standing) -> Iterable[str]:
    """Why nothing is decided, or has been so far."""
    yield of_primary(standing)
    if not standing.is_better:
        yield from _more_units(standing)
    # Before the end, guardrails are what is waited for only once the primary metric is good enough.
    if standing.evidence.has_ended or standing.is_enough:
        yield from (_unproven(standing, name) for name in standing.unproven)


def of_primary(standing: Standing) -> str:
    """Where the primary metric stands against what was asked for."""
    experiment, primary, has_ended = standing.experiment, standing.primary, standing.evidence.has_ended
    if primary is None or primary.p_value is None:
        cannot = "cannot be compared" if has_ended else "cannot be compared yet"
        return f"{experiment.primary} of {standing.variant} {cannot}: {_why_not(primary)}."
    found = f"{_told(standing, primary)}{'' if has_ended else ' so far'}"
    return f"{found}: {_against_min_lift(standing, primary)}."


def _against_min_lift(standing: Standing, primary: Result) -> str:
    if primary.gain is None:
        return _why_not(primary)
    sign, least, best = METRICS[primary.metric].sign, standing.experiment.min_lift, primary.gain[2]
    asked = f"{exactly(sign * least, '+')} or better was asked for" if least else "an improvement was asked for"
    if standing.is_enough:
        return f"significantly better, and {asked}"
    if best < least:
        return f"at best {percent(sign * best, sign * least, '+')}, but {asked}"
    if standing.is_better:
        return f"significantly better, but {asked}"
    return f"neither an improvement nor the lack of one is shown, and {asked}"


def _unproven(standing: Standing, name: str) -> str:
    found = standing.guardrails[name]
    if found is None or found.worst_case is None:
        return f"Guardrail {name} of {standing.variant} cannot be judged: {_why_not(found)}."
    worst = _at_worst(standing, found, found.worst_case)
    return f"Guardrail {name} of {standing.variant} is inconclusive: {worst}."


def _at_worst(standing: Standing, guardrail: Result, worst_case: float) -> str:
    sign, margin = METRICS[guardrail.metric].sign, standing.experiment.guardrails[guardrail.metric]
    worst = percent(sign * worst_case, -sign * margin, "+")
    return f"at worst {worst}, {exactly(-sign * margin, '+')} is allowed"


def _more_units(standing: Standing) -> Iterable[str]:
    asked = (standing.experiment.primary, standing.variant)
    power = next((one for one in standing.evidence.power if (one.metric, one.variant) == asked), None)
    if power is None:
        return
    often = f"in {100 * POWER:g} % of cases"
    is_fixed = standing.evidence.method == "fixed"
    if power.units_needed is not None and power.target_lift is not None and power.units_needed > power.units:
        # The number is that of the fixed test; a sequence that may be looked at every day pays for it with more.
        takes = "takes" if is_fixed else "takes more than"
        yield (
            f"Finding a change of {exactly(power.target_lift)} {often} {takes} {counted(power.units_needed, 'unit')} of "
            f"{CONTROL} and {standing.variant}; there {'is' if power.units == 1 else 'are'} {power.units:,}, {_pace(power)}."
        )
    elif is_fixed and power.detectable_lift is not None:
        change = percent(power.detectable_lift) if power.target_lift is None else exactly(power.target_lift)
        yield f"With {counted(power.units, 'unit')} a change of {change} is found {often}."


def _pace(power: Power) -> str:
    if power.days_still_needed is None:
        return "and no new ones come in"
    return f"and at the present pace the rest takes {days(power.days_still_needed)} more"


def _why_not(result: Result | None) -> str:
    """Why a metric cannot be compared, or not relatively."""
    if result is None:
        return "it was not measured"
    units = {CONTROL: result.n_control, result.variant: result.n_variant}
    fewest = min(units, key=units.__getitem__)
    denominator = METRICS[result.metric].denominator
    if units[fewest] == 0:
        return f"no unit of {fewest} has been observed long enough"
    if result.effect is None and denominator is not None:
        return f"in one of the variants hardly a unit has {denominator}"
    if result.p_value is None and result.standard_error == 0:
        return "within each variant it is the same for every unit, so that it seems not to be measured"
    if units[fewest] < LEAST_DECIDING:
        return f"{fewest} has {counted(units[fewest], 'unit')}, and a decision needs {LEAST_DECIDING} in each variant"
    if result.p_value is None:
        return f"{fewest} has {counted(units[fewest], 'unit')}, and a sequential analysis needs {LEAST_UNITS} in each variant"
    return f"it is 0 in {CONTROL}, so that there is no relative change"


def _told(standing: Standing, result: Result) -> str:
    told = change(result, standing.experiment, standing.corrected(result))
    return told if result is standing.primary else f"Guardrail {told}"


def change(result: Result, experiment: Experiment, corrected: Corrected | None) -> str:
    """`session_minutes of treatment +6.2 % (95 % interval +1.0 % to +11.4 %, p = 0.012)`.

    The corrected p-value stands beside one that would be significant on its own.
    """
    details = []
    if result.lift is None:
        size = f"{number(result.effect)} from 0 in {CONTROL}"
        bounds = [number(bound) for bound in (result.effect_low, result.effect_high) if bound is not None]
    else:
        size = percent(result.lift, METRICS[result.metric].sign * experiment.min_lift, "+")
        bounds = [percent(bound, 0, "+") for bound in (result.lift_low, result.lift_high) if bound is not None]
    if bounds:
        details.append(f"{exactly(1 - experiment.alpha)} interval {' to '.join(bounds)}")
    if result.p_value is not None:
        p = probability(result.p_value, experiment.alpha)
        details.append(f"p {p}")
        if (
            corrected is not None
            and result.p_value < experiment.alpha
            and probability(corrected.p, experiment.alpha) != p
        ):
            details.append(
                f"corrected for {corrected.comparisons} comparisons p {probability(corrected.p, experiment.alpha)}"
            )
    return f"{result.metric} of {result.variant} {size} ({', '.join(details)})"


def still(evidence: Evidence) -> str:
    """How long it still runs."""
    return f"{days(evidence.days_left)} more (as of {evidence.as_of})"
