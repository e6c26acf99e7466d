"""Who scores: the challenger by test log loss, the simpler one where it is as good, and whether it replaces the champion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from streaming_assets.models.churn.bootstrap import Gain, Resampled

INCUMBENT = "incumbent"
LEAST_GAIN = 0.01
LARGEST_CALIBRATION_ERROR = 0.03
BASELINE = "recency_only"
ALWAYS_CALIBRATED = "base_rate"
SIMPLE = ("base_rate", "recency_only", "bg_nbd")


@dataclass(frozen=True)
class CalibrationError:
    """Of a candidate on the test cutoffs, and what chance alone would give; see the contract's ece and ece_limit."""

    ece: float
    limit: float

    @property
    def is_small(self) -> bool:
        return self.ece <= max(LARGEST_CALIBRATION_ERROR, self.limit)


@dataclass(frozen=True)
class Verdict:
    """challenger: the candidate put forward; replaces: whether it becomes the champion; reason in words with figures."""

    challenger: str
    replaces: bool
    reason: str


def verdict(
    candidates: Sequence[str], held_out: Resampled, errors: Mapping[str, CalibrationError], has_incumbent: bool
) -> Verdict:
    """What the rules say of candidates in order of their complexity, the simplest first.

    The challenger is the simplest candidate that no more complex one clearly beats: by 1 % of log loss, with a 90 %
    interval above 0. It replaces an incumbent that it clearly beats, if its calibration error is small. Without an
    incumbent, or with one that the base rate beats, the challenger comes from the candidates that are calibrated; the base rate always counts as one.
    """
    best = challenger(candidates, held_out)
    if has_incumbent and not _is_worthless(held_out):
        return _against_incumbent(best, candidates, held_out, errors[best])
    calibrated = [name for name in candidates if errors[name].is_small or name == ALWAYS_CALIBRATED]
    chosen = challenger(calibrated, held_out)
    passed_over = "" if chosen == best else f"{best} was passed over: {_calibration(errors[best])}. "
    beaten = "The present champion is worse than the base rate on the held-out cutoffs. " if has_incumbent else ""
    reason = f"{beaten}{passed_over}{_choice(chosen, calibrated, held_out)} {_sentence(_calibration(errors[chosen]))}"
    return Verdict(chosen, True, reason)


def challenger(candidates: Sequence[str], held_out: Resampled) -> str:
    """The simplest that no more complex one clearly beats."""
    return next(
        name
        for place, name in enumerate(candidates)
        if not any(clearly_better(held_out.gain(other, name)) for other in candidates[place + 1 :])
    )


def clearly_better(gain: Gain) -> bool:
    """By 1 % of log loss, and in 95 of 100 bootstrap samples by something."""
    return gain.value >= LEAST_GAIN and gain.low > 0


def _is_worthless(held_out: Resampled) -> bool:
    """Whether the base rate does better than the incumbent."""
    return bool(held_out.log_loss[INCUMBENT][0] > held_out.log_loss[ALWAYS_CALIBRATED][0])


def _against_incumbent(best: str, candidates: Sequence[str], held_out: Resampled, error: CalibrationError) -> Verdict:
    gain = held_out.gain(best, INCUMBENT)
    against = f"{best} against the present champion on the same held-out cutoffs: {_gained(gain)}"
    if not clearly_better(gain):
        return Verdict(best, False, f"{against}. To replace it would take {LEAST_GAIN:.0%} with an interval above 0.")
    if not error.is_small:
        return Verdict(best, False, f"{against}, but {_calibration(error)}.")
    return Verdict(best, True, f"{against}. {_choice(best, candidates, held_out)} {_sentence(_calibration(error))}")


def _choice(chosen: str, candidates: Collection[str], held_out: Resampled) -> str:
    """Why this one, of these."""
    names = list(candidates)
    loss = held_out.log_loss[chosen][0]
    said = [f"{chosen} has a log loss of {loss:.4f}" + _beside_baseline(chosen, held_out) + "."]
    more_complex = names[names.index(chosen) + 1 :]
    if more_complex:
        rival = min(more_complex, key=lambda name: float(held_out.log_loss[name][0]))
        so = "The simple model is as good" if chosen in SIMPLE else "No more complex one is clearly better"
        said.append(f"{so}: {rival} comes nearest, {_gained(held_out.gain(rival, chosen))}.")
    return " ".join(said)


def _beside_baseline(chosen: str, held_out: Resampled) -> str:
    if chosen == BASELINE:
        return ", knowing recency alone"
    return f", beside {BASELINE}: {_gained(held_out.gain(chosen, BASELINE))}"


def _gained(gain: Gain) -> str:
    better = "better" if gain.value >= 0 else "worse"
    return f"{abs(gain.value):.1%} {better} (90 % interval of the gain {gain.low:+z.1%} to {gain.high:+z.1%})"


def _calibration(error: CalibrationError) -> str:
    allowed = max(LARGEST_CALIBRATION_ERROR, error.limit)
    return f"its calibration error is {error.ece:.3f}, where {allowed:.3f} is allowed"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
