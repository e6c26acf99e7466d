"""What fitting leaves behind: things that turn a design's matrix into log-odds to churn."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from streaming_assets.models.churn.bg_nbd import BgNbd
from streaming_assets.models.churn.cutoffs import LABEL_DAYS
from streaming_assets.models.churn.design import Design
from streaming_assets.models.threads import one_thread

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

LEAST_IN_LEAF = 20
"""Of a tree of the forest: no probability is known finer than one half among so many."""


class Fit(Protocol):
    """A fitted candidate before calibration."""

    def log_odds(self, design: Design, matrix: np.ndarray) -> np.ndarray:
        """One value per row of the matrix."""


@dataclass(frozen=True)
class Linear:
    """intercept + matrix · coefficients, one for each column of the matrix, 0 where it plays no part."""

    intercept: float
    coefficients: np.ndarray

    def log_odds(self, design: Design, matrix: np.ndarray) -> np.ndarray:
        return self.intercept + matrix @ self.coefficients


_SUREST = -1e-12
"""Log-probability that rounds to certainty without being it: of a certain event the log-odds would be infinite."""


@dataclass(frozen=True)
class Visits:
    """BG/NBD's probability of no active day in the label window, in days."""

    process: BgNbd

    def log_odds(self, design: Design, matrix: np.ndarray) -> np.ndarray:
        log_none = np.minimum(self.process.log_no_visit(*history(design, matrix), LABEL_DAYS), _SUREST)
        return log_none - np.log(-np.expm1(log_none))


@dataclass(frozen=True)
class Boosting:
    """Gradient boosting: its own log-odds."""

    estimator: "HistGradientBoostingClassifier"

    def log_odds(self, design: Design, matrix: np.ndarray) -> np.ndarray:
        with one_thread():
            return self.estimator.decision_function(matrix[:, : len(design.features)])


@dataclass(frozen=True)
class Forest:
    """Mean of the trees' probabilities, kept from 0 and 1 by half a user in a leaf."""

    estimator: "RandomForestClassifier"

    def log_odds(self, design: Design, matrix: np.ndarray) -> np.ndarray:
        shares = self.estimator.predict_proba(matrix[:, : len(design.features)])[:, 1]
        return np.log(LEAST_IN_LEAF * shares + 0.5) - np.log(LEAST_IN_LEAF * (1 - shares) + 0.5)


def history(design: Design, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By row x, t_x and T of BG/NBD, in days: active days after the first, the last of them, days watched.

    A user who is older than the observation is watched from an active state on, and all of the active days count.
    """
    tenure, observed = (design.values(matrix, name) for name in ("tenure_days", "observation_days"))
    watched = np.minimum(tenure, observed)
    visits = np.maximum(design.values(matrix, "active_days_90") - (tenure <= observed), 0.0)
    # The tolerance undoes what log1p and back has cost a play at the very start of a day.
    days_ago = np.ceil(design.values(matrix, "recency_hours") / 24 - 1e-6)
    last = np.where(visits > 0.5, np.maximum(watched - days_ago, 0.0), 0.0)
    return visits, last, watched
