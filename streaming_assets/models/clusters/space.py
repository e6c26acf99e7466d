"""The space that users are compared in: logarithms of heavy-tailed features, standardised and limited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from streaming_assets.models.clusters.features import NAMES

if TYPE_CHECKING:
    import pandas as pd

Numbers = npt.NDArray[np.float64]
"""Points: a row per user or centre, a column per feature of the space."""

WITH_AN_UPPER_END = frozenset({"avg_completion_pct", "recommended_share"})
"""All other features are counts and ratios with heavy tails, and enter as log(1 + value)."""

FURTHEST = 3.0
"""Standard deviations beyond which users are no further apart: else a few extreme users would be a cluster of their own."""

LEAST_KNOWN = 0.5
"""Share of the users of whom a feature must be known: else those whose value is filled in would be a cluster."""

STABLE_DECIMALS = 9
"""Floats summed in another order differ in the last digits, which must not move a user from one cluster to another."""


@dataclass(frozen=True)
class Space:
    """Features, and what standardises them: per feature, mean and standard deviation after the logarithm.

    fill: the median in the feature's own unit, which stands for unknown values.
    """

    features: tuple[str, ...]
    center: Numbers
    scale: Numbers
    fill: Numbers

    def points(self, frame: "pd.DataFrame") -> Numbers:
        """The users of a frame of features, in its order; no coordinate is beyond ± 3."""
        values = _filled(frame, self.features, self.fill)
        return self.standardised(_logs(values, self.features)).clip(-FURTHEST, FURTHEST)

    def standardised(self, logs: Numbers) -> Numbers:
        return np.round((logs - self.center) / self.scale, STABLE_DECIMALS)


def space_of(frame: "pd.DataFrame") -> Space:
    """The space of the users of a frame of features: of the features known of half of them that are not all the same."""
    if frame.empty:
        return Space((), np.zeros(0), np.zeros(0), np.zeros(0))
    known = [name for name in NAMES if frame[name].notna().mean() >= LEAST_KNOWN]
    fill = frame[known].median().to_numpy(float)
    logs = np.round(_logs(_filled(frame, known, fill), known), STABLE_DECIMALS)
    varied = [place for place in range(len(known)) if np.ptp(logs[:, place]) > 0]
    return Space(
        tuple(known[place] for place in varied),
        logs[:, varied].mean(axis=0),
        logs[:, varied].std(axis=0),
        fill[varied],
    )


def distances(points: Numbers, centres: Numbers) -> Numbers:
    """A row per point, a column per centre: the root mean square over the features, in standard deviations."""
    apart = [np.sqrt(((points - centre) ** 2).mean(axis=1)) for centre in centres]
    return np.round(np.column_stack(apart), STABLE_DECIMALS)


def _filled(frame: "pd.DataFrame", features: Sequence[str], fill: Numbers) -> Numbers:
    values = frame[list(features)].to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(values), fill, values)


def _logs(values: Numbers, features: Sequence[str]) -> Numbers:
    is_linear = np.array([name in WITH_AN_UPPER_END for name in features], dtype=bool)
    return np.where(is_linear, values, np.log1p(values))
