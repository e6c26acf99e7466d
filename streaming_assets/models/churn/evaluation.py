"""Every candidate fitted on the train cutoffs, calibrated on the next ones and judged on the last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streaming_assets.models.churn.bootstrap import Resampled, resampled
from streaming_assets.models.churn.calibration import calibration
from streaming_assets.models.churn.candidates import fit, offered
from streaming_assets.models.churn.design import Design
from streaming_assets.models.churn.gate import BASELINE, INCUMBENT, CalibrationError
from streaming_assets.models.churn.measures import (
    at_capacity,
    calibration_error,
    calibration_error_limit,
    measures,
)
from streaming_assets.models.churn.model import Fitted, Model
from streaming_assets.models.churn.rows import Rows


@dataclass(frozen=True)
class Stages:
    """The rows of the split's stages."""

    train: Rows
    calibrate: Rows
    test: Rows


@dataclass(frozen=True)
class Evaluation:
    """fitted: every candidate, the simplest first; calibrate, test: their probabilities on those rows.

    held_out: the bootstrap over the test users, of the candidates and of the incumbent where there is one.
    errors: calibration errors on the test rows.
    """

    fitted: Mapping[str, Fitted]
    calibrate: Mapping[str, np.ndarray]
    test: Mapping[str, np.ndarray]
    held_out: Resampled
    errors: Mapping[str, CalibrationError]


def evaluate(stages: Stages, design: Design, incumbent: Model | None, seed: int) -> Evaluation:
    """All candidates that the data allows. The incumbent takes part as the fit that has not seen the test cutoffs."""
    fitted = _fitted(stages, design, seed)
    calibrate, test = (_said(fitted, design.matrix(rows.frame)) for rows in (stages.calibrate, stages.test))
    rows = stages.test
    contenders = dict(test)
    if incumbent is not None:
        contenders[INCUMBENT] = incumbent.held_out_from(rows.cutoffs[0]).probabilities(rows.frame)
    held_out = resampled(rows.churned, rows.frame["user_id"].to_numpy(), contenders, seed)
    errors = {
        name: CalibrationError(calibration_error(rows.churned, said), calibration_error_limit(said, seed))
        for name, said in test.items()
    }
    return Evaluation(fitted, calibrate, test, held_out, errors)


def _said(fitted: Mapping[str, Fitted], matrix: np.ndarray) -> dict[str, np.ndarray]:
    return {name: candidate.probabilities_of(matrix) for name, candidate in fitted.items()}


def _fitted(stages: Stages, design: Design, seed: int) -> dict[str, Fitted]:
    train, calibrate = (design.matrix(rows.frame) for rows in (stages.train, stages.calibrate))
    through = stages.calibrate.cutoffs[-1]
    raw = {name: fit(name, design, train, stages.train.churned, seed) for name in offered(design)}
    return {
        name: Fitted(design, found, calibration(found.log_odds(design, calibrate), stages.calibrate.churned), through)
        for name, found in raw.items()
    }


def candidate_figures(stages: Stages, evaluation: Evaluation, challenger: str) -> Iterator[dict[str, Any]]:
    """Rows of churn_candidates; intervals and the limit of the calibration error are of the test fold."""
    for fold, rows, said in (
        ("calibrate", stages.calibrate, evaluation.calibrate),
        ("test", stages.test, evaluation.test),
    ):
        figures = {name: measures(rows.churned, probability) for name, probability in said.items()}
        for name, probability in said.items():
            yield {
                "candidate": name,
                "fold": fold,
                **figures[name],
                **at_capacity(rows.churned, probability),
                **_gains(figures[name], figures[BASELINE]),
                **(_only_of_test(evaluation, name) if fold == "test" else {}),
                "is_challenger": name == challenger,
            }


def _gains(figures: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, float]:
    """Both folds have rows of both classes, so that every figure is known."""
    return {
        "gain": 1 - figures["log_loss"] / baseline["log_loss"],
        "auc_gain": figures["auc"] - baseline["auc"],
    }


def _only_of_test(evaluation: Evaluation, name: str) -> dict[str, float]:
    gain, auc_gain = (found(name, BASELINE) for found in (evaluation.held_out.gain, evaluation.held_out.auc_gain))
    return {
        "gain_low": gain.low,
        "gain_high": gain.high,
        "auc_gain_low": auc_gain.low,
        "auc_gain_high": auc_gain.high,
        "ece_limit": evaluation.errors[name].limit,
    }
