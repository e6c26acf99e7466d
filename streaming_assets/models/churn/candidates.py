"""The candidates, from the simplest on, and how each is fitted to rows of one design."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from streaming_assets.contracts.models.churn import CANDIDATES
from streaming_assets.models.churn.bg_nbd import fit_bg_nbd
from streaming_assets.models.churn.cutoffs import OBSERVATION_DAYS
from streaming_assets.models.churn.design import Design
from streaming_assets.models.churn.fits import (
    LEAST_IN_LEAF,
    Boosting,
    Fit,
    Forest,
    Linear,
    Visits,
    history,
)
from streaming_assets.models.threads import one_thread

VISITS = ("recency_hours", "active_days_90")
LARGEST_FIT = 200_000
"""Trees are fitted to at most so many rows, drawn with the seed: more cost minutes and change little."""
WORTH_A_SECOND_CORE = 20_000
PENALTY = {"C": 1.0}

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "base_rate": {},
    "recency_only": PENALTY,
    "bg_nbd": {},
    "logistic_regression": PENALTY,
    "hist_gradient_boosting": {
        "learning_rate": 0.06,
        "max_iter": 120,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 100,
        "l2_regularization": 1.0,
        "early_stopping": False,
    },
    "random_forest": {"n_estimators": 100, "min_samples_leaf": LEAST_IN_LEAF, "max_samples": 50_000},
}
"""Classes keep their weights: balancing them would cost the calibration and gain nothing in ranking."""


def offered(design: Design) -> tuple[str, ...]:
    """The candidates that the data allows, from the simplest on.

    BG/NBD needs to tell visits and the last one apart; those on all features need one.
    """
    lacking = set() if set(VISITS) <= set(design.features) else {"bg_nbd"}
    if not design.features:
        lacking |= {"logistic_regression", "hist_gradient_boosting", "random_forest"}
    return tuple(candidate for candidate in CANDIDATES if candidate not in lacking)


def fit(candidate: str, design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Fit:
    """The candidate fitted to the rows of the design's matrix, both classes among them."""
    return FITTERS[candidate](design, matrix, churned, seed)


def _base_rate(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Linear:
    return _logistic(design, matrix, churned, ())


def _recency_only(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Linear:
    return _logistic(design, matrix, churned, ("recency_hours",) if "recency_hours" in design.features else ())


def _logistic_regression(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Linear:
    return _logistic(design, matrix, churned, design.features)


def _logistic(design: Design, matrix: np.ndarray, churned: np.ndarray, names: Sequence[str]) -> Linear:
    """Penalised on standardised columns; the coefficients are those of the columns as they are."""
    from sklearn.linear_model import LogisticRegression

    coefficients = np.zeros(matrix.shape[1])
    if not names:
        rate = churned.mean()
        return Linear(float(np.log(rate / (1 - rate))), coefficients)
    used = [design.columns.index(name) for name in names]
    means, scales = matrix[:, used].mean(axis=0), matrix[:, used].std(axis=0)
    estimator = LogisticRegression(solver="newton-cholesky", tol=1e-8, **PENALTY)
    estimator.fit((matrix[:, used] - means) / scales, churned)
    coefficients[used] = estimator.coef_[0] / scales
    return Linear(float(estimator.intercept_[0] - coefficients[used] @ means), coefficients)


def _bg_nbd(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Visits:
    days = [np.rint(values).astype(int) for values in history(design, matrix)]
    groups, rows = np.unique(np.ravel_multi_index(days, (OBSERVATION_DAYS + 1,) * 3), return_counts=True)
    visits, last, watched = np.unravel_index(groups, (OBSERVATION_DAYS + 1,) * 3)
    return Visits(fit_bg_nbd(visits, last, watched, rows))


def _hist_gradient_boosting(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Boosting:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = _drawn(len(churned), LARGEST_FIT, seed)
    estimator = HistGradientBoostingClassifier(random_state=seed, **PARAMETERS["hist_gradient_boosting"])
    with one_thread():
        return Boosting(estimator.fit(matrix[rows, : len(design.features)], churned[rows]))


def _random_forest(design: Design, matrix: np.ndarray, churned: np.ndarray, seed: int) -> Forest:
    from sklearn.ensemble import RandomForestClassifier

    rows = _drawn(len(churned), LARGEST_FIT, seed)
    parameters = dict(PARAMETERS["random_forest"])
    parameters["max_samples"] = min(parameters["max_samples"], len(rows))
    jobs = 2 if len(rows) > WORTH_A_SECOND_CORE else 1
    estimator = RandomForestClassifier(random_state=seed, n_jobs=jobs, **parameters)
    return Forest(estimator.fit(matrix[rows, : len(design.features)], churned[rows]))


def _drawn(rows: int, most: int, seed: int) -> np.ndarray:
    """The numbers of the rows to fit to: all, or so many of them without order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


FITTERS: Mapping[str, Callable[[Design, np.ndarray, np.ndarray, int], Fit]] = {
    "base_rate": _base_rate,
    "recency_only": _recency_only,
    "bg_nbd": _bg_nbd,
    "logistic_regression": _logistic_regression,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "random_forest": _random_forest,
}
