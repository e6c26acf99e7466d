"""A model of churn written by hand: log-odds that are any function of a few features, as they stand in the frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class PlainDesign:
    """The features as they are, family by family."""

    families: Mapping[str, tuple[str, ...]]

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(name for names in self.families.values() for name in names)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        return frame[list(self.features)].to_numpy("float64")


@dataclass(frozen=True)
class HandModel:
    """log_odds: of the rows of a matrix in the order of the design's features; reference: a user who stays."""

    design: PlainDesign
    log_odds: Callable[[np.ndarray], np.ndarray]
    reference: pd.Series
    version: str = "by hand"

    def probabilities(self, frame: pd.DataFrame) -> np.ndarray:
        return 1 / (1 + np.exp(-self.log_odds(self.design.matrix(frame))))


ONE_EACH = {
    "inactivity": ("recency_hours",),
    "playback": ("buffer_events_per_hour",),
    "content_mismatch": ("abandoned_share",),
    "discovery": ("distinct_genres_28",),
    "plan": ("premium_unused",),
}
"""A feature of each family."""


def additive(intercept: float = -2.0, **weights: float) -> HandModel:
    """Log-odds that are a weighted sum of features, one of each family where nothing is said, against a user of zeros."""
    families = {family: names for family, names in ONE_EACH.items() if names[0] in weights}
    design = PlainDesign(families)
    vector = np.array([weights[name] for name in design.features])
    return HandModel(design, lambda matrix: intercept + matrix @ vector, pd.Series(0.0, index=list(design.features)))
