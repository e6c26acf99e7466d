"""Why users say that they left, and whether their behaviour would have told it."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
from ibis import _

from streaming_assets.contracts.models.churn import churn_reasons
from streaming_assets.experiments.figures import counted
from streaming_assets.models.churn.drivers import Model, drivers
from streaming_assets.models.churn.tables import frame_of

if TYPE_CHECKING:
    import pandas as pd

Texts = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]
Row = dict[str, Any]

ALL = "all"
TRAINED = "trained"
NO_CHAMPION = "no champion: its features are needed"
LEAST_USERS = 200
LEAST_PER_REASON = 30
FOLDS = 5
TREES = 100
LEAST_IN_LEAF = 5
MOST_PER_TREE = 2_000
"""Users that a tree is grown from: reasons are coarse, and more cost minutes."""


def stated_reasons(churn_snapshots: ibis.Table, users: ibis.Table, calendar: ibis.Table, cutoff: dt.date) -> ibis.Table:
    """Users who cancelled and said why, as they were at the last snapshot before it at which they were active.

    cutoff: the day after T; what happens from its start on is not known. users, calendar: the tables of core.

    Grain: one row per user. Columns: those of models/churn_snapshots, cancelled_at, cancel_reason.
    """
    starts = calendar.select("starts_at", cutoff="date")
    known_until = starts.filter(_.cutoff == ibis.literal(cutoff)).select(known_until="starts_at")
    latest_record = ibis.window(group_by="user_id", order_by=ibis.desc("valid_from"))
    said = (
        users.filter(_.cancelled_at.notnull(), _.cancel_reason.notnull())
        .cross_join(known_until)
        .filter(_.valid_from < _.known_until, _.cancelled_at < _.known_until)
        .mutate(place=ibis.row_number().over(latest_record))
        .filter(_.place == 0)
        .select("user_id", "cancelled_at", "cancel_reason")
    )
    latest_snapshot = ibis.window(group_by="user_id", order_by=ibis.desc("cutoff"))
    return (
        churn_snapshots.filter(_.status == "active")
        .join(starts, "cutoff")
        .join(said, "user_id")
        .filter(_.starts_at <= _.cancelled_at)
        .mutate(place=ibis.row_number().over(latest_snapshot))
        .filter(_.place == 0)
        .select(*churn_snapshots.columns, "cancelled_at", "cancel_reason")
    )


def reasons(stated: "pd.DataFrame", model: Model | None, seed: int) -> "pd.DataFrame":
    """How well a RandomForest on the champion's features tells which reason users will state.

    Grain: one row per reason, and one for all, which comes first. Columns: contract models/churn_reasons, NaN for NULL.

    stated: rows of `stated_reasons`. Trained where the reasons that 30 users or more state are two or more, and 200 users
    state them; rarer ones are left out, and said to be. Every user is judged by a forest that has not seen them. The
    status for all tells macro-F1 beside that of the most frequent reason and that of the first driver alone, which stands
    for the reason that users with this driver state most often. Else one row, whose status tells what is lacking.
    """
    rows = stated.sort_values("user_id", ignore_index=True)
    counts = rows.cancel_reason.value_counts()
    common = counts[counts >= LEAST_PER_REASON]
    lacking = _lacking(counts, common)
    if lacking is not None or model is None:
        return frame_of(churn_reasons, [{"reason": ALL, "status": lacking or NO_CHAMPION, "n": len(rows)}])
    told = rows.assign(driver=drivers(model, rows).driver_1)
    is_common = told.cancel_reason.isin(common.index)
    return frame_of(churn_reasons, [*_judged(told[is_common], model, seed), *_left_out(told[~is_common])])


def _lacking(counts: "pd.Series", common: "pd.Series") -> str | None:
    """Which labels are lacking, None where there are enough."""
    needed = f"{LEAST_USERS} are needed, {LEAST_PER_REASON} for each of two reasons or more"
    if common.sum() < LEAST_USERS:
        return f"too few labels: {counted(int(counts.sum()), 'user')} with a reason, {needed}"
    return f"one reason only: {needed}" if len(common) < 2 else None


def _judged(rows: "pd.DataFrame", model: Model, seed: int) -> Iterator[Row]:
    """The row for all, then one per reason, in the order of the alphabet."""
    said, driver = (rows[name].to_numpy(dtype=object) for name in ("cancel_reason", "driver"))
    folds = _folds(rows.user_id)
    matrix = model.design.matrix(rows)[:, : len(model.design.features)]
    predicted = _by_forest(matrix, said, folds, seed)
    forest = _figures(said, predicted)
    most_frequent = _figures(said, np.full(len(said), _most_frequent(said), dtype=object))
    first_driver = _figures(said, _by_driver(driver, said, folds))
    macro, baseline, by_driver = (float(found.f1.mean()) for found in (forest, most_frequent, first_driver))
    right = float(np.mean(predicted == said))
    yield {
        "reason": ALL,
        "status": (
            f"{TRAINED}: macro-F1 {macro:.2f}, where always the most frequent reason has {baseline:.2f} and the first "
            f"driver alone {by_driver:.2f}"
        ),
        "n": len(said),
        "precision": right,
        "recall": right,
        "f1": macro,
        "baseline_f1": baseline,
        **_usual_driver(driver),
    }
    for name, figures in forest.assign(baseline_f1=most_frequent.f1).iterrows():
        yield {"reason": name, "status": TRAINED, **figures, **_usual_driver(driver[said == name])}


def _figures(said: Texts, predicted: Texts) -> "pd.DataFrame":
    """n, precision, recall and f1 by reason; precision is NaN where it is never predicted."""
    import pandas as pd
    from sklearn.metrics import precision_recall_fscore_support

    names = sorted(set(said))
    precision, recall, f1, n = precision_recall_fscore_support(said, predicted, labels=names, zero_division=np.nan)
    return pd.DataFrame({"n": n, "precision": precision, "recall": recall, "f1": f1}, index=names)


def _left_out(rows: "pd.DataFrame") -> Iterator[Row]:
    for name, stating in rows.groupby("cancel_reason"):
        status = f"left out: {LEAST_PER_REASON} users are needed"
        yield {"reason": name, "status": status, "n": len(stating), **_usual_driver(stating.driver.to_numpy())}


def _usual_driver(driver: Texts) -> Row:
    usual = _most_frequent(driver)
    return {"usual_driver": usual, "usual_driver_share": float(np.mean(driver == usual))}


def _folds(user_ids: "pd.Series") -> Numbers:
    """By user, whoever else there is: who comes later moves nobody to another fold."""
    digests = (hashlib.md5(f"reasons:{user}".encode(), usedforsecurity=False).hexdigest() for user in user_ids)
    return np.array([int(digest[:8], 16) % FOLDS for digest in digests])


def _by_forest(matrix: npt.NDArray[np.float64], said: Texts, folds: Numbers, seed: int) -> Texts:
    """What forests say that have not seen the user's fold."""
    from sklearn.ensemble import RandomForestClassifier

    found = np.empty(len(said), dtype=object)
    for fold in np.unique(folds):
        held_out = folds == fold
        drawn = min(MOST_PER_TREE, int((~held_out).sum()))
        forest = RandomForestClassifier(TREES, min_samples_leaf=LEAST_IN_LEAF, max_samples=drawn, random_state=seed)
        found[held_out] = forest.fit(matrix[~held_out], said[~held_out]).predict(matrix[held_out])
    return found


def _by_driver(driver: Texts, said: Texts, folds: Numbers) -> Texts:
    """The reason that users of the other folds with the same first driver state most often."""
    found = np.empty(len(said), dtype=object)
    for fold, name in {(fold, name) for fold, name in zip(folds, driver, strict=True)}:
        held_out = (folds == fold) & (driver == name)
        others = said[(folds != fold) & (driver == name)]
        found[held_out] = _most_frequent(others if len(others) else said[folds != fold])
    return found


def _most_frequent(texts: Texts) -> str:
    """Ties to the first in the order of the alphabet."""
    names, counts = np.unique(texts.astype(str), return_counts=True)
    return str(names[counts.argmax()])
