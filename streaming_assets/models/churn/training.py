"""One training: candidates, the gate, and the model that scores from now on."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from streaming_assets.contracts.models.churn import churn_candidates, churn_reliability, churn_slices
from streaming_assets.models.churn.calibration import recentred
from streaming_assets.models.churn.candidates import PARAMETERS, fit
from streaming_assets.models.churn.cutoffs import STAGE_DAYS, Split
from streaming_assets.models.churn.design import Design, design_of
from streaming_assets.models.churn.evaluation import Evaluation, Stages, candidate_figures, evaluate
from streaming_assets.models.churn.gate import BASELINE, INCUMBENT, Verdict, verdict
from streaming_assets.models.churn.leakage import best_single_feature, shuffled_auc
from streaming_assets.models.churn.model import Fitted, Model, version_of
from streaming_assets.models.churn.rows import Rows, rows_at, together
from streaming_assets.models.churn.tables import frame_of, reliability, slices

if TYPE_CHECKING:
    import pandas as pd

LEAST_TRAIN_ROWS = 200
LEAST_IN_CLASS = {"train": 30, "calibrate": 10, "test": 10}


@dataclass(frozen=True)
class Training:
    """What came of a training: outcome as in the contract, reason in words, model that scores from now on, if any.

    candidates, reliability, slices: rows of their contracts, none where nothing was trained. champion: the row of
    churn_champion but for the card.
    """

    outcome: str
    reason: str
    model: Model | None
    candidates: "pd.DataFrame"
    reliability: "pd.DataFrame"
    slices: "pd.DataFrame"
    champion: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What a training is told besides the rows: see `train`."""

    split: Split | None
    incumbent: Model | None
    as_of: dt.date
    label: str
    code: str
    seed: int


def train(
    snapshots: "pd.DataFrame",
    split: Split | None,
    incumbent: Model | None,
    *,
    as_of: dt.date,
    label: str,
    code: str,
    seed: int,
) -> Training:
    """The best candidate for these rows of churn_snapshots, or the incumbent where it is as good.

    split: the cutoffs of the stages, None where the history is too short; incumbent: the present champion; as_of: T;
    label: what `churned` means, "cancellation" or "inactivity"; code: names the version of the code. Without enough rows
    of both classes nothing is trained and the incumbent stays. An incumbent that predicts another label, or from
    another length of observation, is replaced.
    """
    task = Task(split, incumbent, as_of, label, code, seed)
    if split is None:
        return _untrained(
            task, "not_enough_history", "the history is too short for train, calibrate and test cutoffs", None
        )
    stages = Stages(*(rows_at(snapshots, cutoffs) for cutoffs in (split.train, split.calibrate, split.test)))
    design = design_of(stages.train.frame)
    lacking = _lacking(stages)
    if lacking is not None:
        return _untrained(task, *lacking, design)
    return _trained(task, stages, design)


def _lacking(stages: Stages) -> tuple[str, str] | None:
    """Outcome and reason where there are too few rows."""
    if stages.train.n < LEAST_TRAIN_ROWS:
        return "too_few_users", f"{stages.train.n} rows to train on, at least {LEAST_TRAIN_ROWS} are needed"
    for name, least in LEAST_IN_CLASS.items():
        rows: Rows = getattr(stages, name)
        found = f"{rows.n_churned} of {rows.n} rows of the {name} cutoffs churned"
        if rows.n and not rows.rarest:
            return "one_class", found
        if rows.rarest < least:
            return "too_few_users", f"{found}, at least {least} who churned and {least} who stayed are needed"
    return None


def _trained(task: Task, stages: Stages, design: Design) -> Training:
    comparable = task.incumbent if _is_comparable(task, design) else None
    evaluation = evaluate(stages, design, comparable, task.seed)
    found = verdict(tuple(evaluation.fitted), evaluation.held_out, evaluation.errors, comparable is not None)
    model = _refitted(task, stages, evaluation.fitted[found.challenger], found) if found.replaces else comparable
    test, said = stages.test, evaluation.test[found.challenger]
    outcome = "trained" if found.replaces else "kept"
    return Training(
        outcome,
        found.reason,
        model,
        frame_of(churn_candidates, candidate_figures(stages, evaluation, found.challenger)),
        reliability(found.challenger, test.churned, said),
        slices(test.frame, test.churned, said),
        {
            **_champion(task, outcome, found.reason, model, design),
            **_held_out_losses(evaluation, found),
            **_guards(stages, design, task.seed),
        },
    )


def _is_comparable(task: Task, design: Design) -> bool:
    """Whether there is an incumbent that predicts the same, from features that look as far back, and knows no label of
    the test cutoffs.
    """
    incumbent = task.incumbent
    if incumbent is None or task.split is None:
        return False
    first_test = task.split.test[0]
    return (
        incumbent.held_out_from(first_test).through + dt.timedelta(days=STAGE_DAYS) <= first_test
        and incumbent.label == task.label
        and incumbent.design.observation_days == design.observation_days
    )


def _refitted(task: Task, stages: Stages, judged: Fitted, found: Verdict) -> Model:
    """The recipe fitted to all closed cutoffs.

    The slope of the calibration stays as the calibrate cutoffs gave it, which tells how far the recipe exaggerates; the
    intercept is set anew, so that the mean probability over the calibrate and test cutoffs is what came true there.
    """
    rows = together(stages.train, stages.calibrate, stages.test)
    design = judged.design.refitted(rows.frame)
    matrix = design.matrix(rows.frame)
    refit = fit(found.challenger, design, matrix, rows.churned, task.seed)
    latest = slice(stages.train.n, None)
    centred = recentred(judged.calibration, refit.log_odds(design, matrix[latest]), rows.churned[latest])
    return Model(
        candidate=found.challenger,
        label=task.label,
        as_of=task.as_of,
        version=_version(task, rows, design, found.challenger),
        scoring=Fitted(design, refit, centred, rows.cutoffs[-1]),
        judged=judged,
        reference=_reference(design, rows),
    )


def _reference(design: Design, rows: Rows) -> "pd.Series":
    """What is usual among users who stayed."""
    stayed = rows.frame.loc[~rows.churned, list(design.columns)].astype("float64")
    return stayed.median().fillna(design.medians)


def _version(task: Task, rows: Rows, design: Design, candidate: str) -> str:
    return version_of(
        as_of=task.as_of,
        code=task.code,
        candidate=candidate,
        parameters=PARAMETERS[candidate],
        label=task.label,
        seed=task.seed,
        cutoffs=rows.cutoffs,
        features=design.features,
        rows=_fingerprint(rows),
        scikit_learn=metadata.version("scikit-learn"),
    )


def _fingerprint(rows: Rows) -> str:
    """Of who is in the rows and of all counts: sums of floats differ in their last digits from run to run."""
    exact = rows.frame.select_dtypes("integer").to_numpy(dtype=np.int64)
    users = "\n".join(rows.frame["user_id"]).encode()
    return hashlib.sha256(users + exact.tobytes() + rows.churned.tobytes()).hexdigest()


def _untrained(task: Task, outcome: str, reason: str, design: Design | None) -> Training:
    told = f"{reason[0].upper()}{reason[1:]}." + (" The champion stays." if task.incumbent is not None else "")
    return Training(
        outcome,
        told,
        task.incumbent,
        frame_of(churn_candidates, []),
        frame_of(churn_reliability, []),
        frame_of(churn_slices, []),
        {
            **_champion(task, outcome, told, task.incumbent, design),
            **dict.fromkeys(
                ("log_loss", "baseline_log_loss", "shuffled_auc", "best_single_feature_auc", "best_single_feature")
            ),
        },
    )


def _champion(task: Task, outcome: str, reason: str, model: Model | None, design: Design | None) -> dict[str, Any]:
    """What is known of the training and of the model that scores, whatever came of it."""
    return {
        "outcome": outcome,
        "reason": reason,
        "version": model.version if model else None,
        "candidate": model.candidate if model else None,
        "label": model.label if model else task.label,
        "trained_as_of": task.as_of,
        "model_as_of": model.as_of if model else None,
        "observation_days": model.design.observation_days if model else None,
        "train_cutoffs": list(task.split.train) if task.split else [],
        "calibrate_cutoffs": list(task.split.calibrate) if task.split else [],
        "test_cutoffs": list(task.split.test) if task.split else [],
        "families": list(design.families) if design else [],
        "dropped": list(design.dropped) if design else [],
    }


def _held_out_losses(evaluation: Evaluation, found: Verdict) -> dict[str, float]:
    """Of the model that scores, and of the baseline."""
    losses = evaluation.held_out.log_loss
    scoring = found.challenger if found.replaces else INCUMBENT
    return {"log_loss": float(losses[scoring][0]), "baseline_log_loss": float(losses[BASELINE][0])}


def _guards(stages: Stages, design: Design, seed: int) -> dict[str, Any]:
    train, test = (design.matrix(rows.frame) for rows in (stages.train, stages.test))
    outcomes = np.concatenate([stages.train.churned, stages.test.churned])
    name, auc = best_single_feature(design, test, stages.test)
    return {
        "shuffled_auc": shuffled_auc(design, train, test, outcomes, seed),
        "best_single_feature_auc": auc,
        "best_single_feature": name,
    }
