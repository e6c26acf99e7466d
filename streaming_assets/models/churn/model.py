"""A model of churn: a candidate that was fitted and calibrated, with what is needed to score, explain and judge it."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.models.churn.calibration import Calibration
from streaming_assets.models.churn.cutoffs import STAGE_DAYS
from streaming_assets.models.churn.design import Design
from streaming_assets.models.churn.fits import Fit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fitted:
    """A candidate that was fitted, and its calibration; both know labels of the cutoffs up to `through`."""

    design: Design
    fit: Fit
    calibration: Calibration
    through: dt.date

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Calibrated log-odds to churn, by row of the design's matrix."""
        return self.calibration(self.fit.log_odds(self.design, matrix))

    def probabilities(self, frame: "pd.DataFrame") -> np.ndarray:
        """Calibrated probabilities to churn, by row of churn_snapshots."""
        return self.probabilities_of(self.design.matrix(frame))

    def probabilities_of(self, matrix: np.ndarray) -> np.ndarray:
        """The same, by row of the design's matrix."""
        from scipy.special import expit

        return expit(self.log_odds(matrix))


@dataclass(frozen=True)
class Model:
    """What scores, and what was judged.

    scoring: the candidate's recipe fitted to all closed cutoffs. judged: the same as it was fitted to the train cutoffs and calibrated, which
    later trainings hold against their challengers, since it has not seen the cutoffs on which both are compared.
    reference: medians of the features among users who stayed, in the units of the contract, by column of the design.
    """

    candidate: str
    label: str
    as_of: dt.date
    version: str
    scoring: Fitted
    judged: Fitted
    reference: "pd.Series"

    @property
    def design(self) -> Design:
        return self.scoring.design

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Calibrated log-odds to churn, by row of the design's matrix."""
        return self.scoring.log_odds(matrix)

    def probabilities(self, frame: "pd.DataFrame") -> np.ndarray:
        """Calibrated probabilities to churn, by row of churn_snapshots."""
        return self.scoring.probabilities(frame)

    def held_out_from(self, cutoff: dt.date) -> Fitted:
        """The fit that knows no label of this cutoff or later: what scores, where it is old enough, else what was judged."""
        return self.scoring if self.scoring.through + dt.timedelta(days=STAGE_DAYS) <= cutoff else self.judged


def version_of(**known: object) -> str:
    """16 hexadecimal digits that change with whatever a model is made from."""
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:16]
