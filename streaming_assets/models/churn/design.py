"""From snapshots to the numbers that a model sees: which features there are, what stands for an unknown value, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models.churn import FEATURES

if TYPE_CHECKING:
    import pandas as pd

CONTEXT = ("tenure_days", "observation_days")
"""Columns that stand outside the families, as they are: BG/NBD needs to know for how long a user could be seen."""
ROUNDING = 1e-9
LOGGED = frozenset(
    column.name for family in FEATURES.values() for column in family if column.at_least == 0 and column.at_most is None
)
"""Counts, hours and rates: from 0 without an upper end."""


@dataclass(frozen=True)
class Design:
    """Which features a model sees.

    families: those with a feature that the data has, in the order of the contract; dropped: features that it lacks.
    medians: what stands for an unknown value, by column.
    """

    families: Mapping[str, tuple[str, ...]]
    dropped: tuple[str, ...]
    medians: Mapping[str, float]

    @property
    def observation_days(self) -> int:
        """Days before a cutoff that its long features look at."""
        return int(self.medians["observation_days"])

    @cached_property
    def features(self) -> tuple[str, ...]:
        return tuple(name for family in self.families.values() for name in family)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the matrix: the features, family by family, then the context."""
        return (*self.features, *CONTEXT)

    def positions(self, family: str) -> list[int]:
        """Where a family's features stand in the matrix."""
        return [self.features.index(name) for name in self.families[family]]

    def matrix(self, frame: "pd.DataFrame") -> np.ndarray:
        """One row per row, one column per `columns`: log1p of counts, hours and rates; unknown values are medians."""
        return np.column_stack([self._known(frame, name) for name in self.columns])

    def values(self, matrix: np.ndarray, name: str) -> np.ndarray:
        """A column of the matrix in the unit of its contract."""
        column = matrix[:, self.columns.index(name)]
        return np.expm1(column) if name in LOGGED else column

    def refitted(self, frame: "pd.DataFrame") -> "Design":
        """The same features with the medians of other rows."""
        return Design(self.families, self.dropped, _medians(frame, self.columns))

    def _known(self, frame: "pd.DataFrame", name: str) -> np.ndarray:
        known = frame[name].astype("float64").fillna(self.medians[name]).to_numpy()
        return np.log1p(known) if name in LOGGED else known


def design_of(frame: "pd.DataFrame") -> Design:
    """The features with at least two different known values among these rows of churn_snapshots, with their medians."""
    kept = {
        family: tuple(column.name for column in columns if _varies(frame[column.name]))
        for family, columns in FEATURES.items()
    }
    families = {family: names for family, names in kept.items() if names}
    dropped = tuple(
        column.name for family, columns in FEATURES.items() for column in columns if column.name not in kept[family]
    )
    return Design(
        families, dropped, _medians(frame, [*(name for names in families.values() for name in names), *CONTEXT])
    )


def _varies(values: "pd.Series") -> bool:
    """Whether the known values differ by more than what rounding leaves."""
    known = values.astype("float64").dropna()
    return len(known) > 0 and float(known.max() - known.min()) > ROUNDING * max(1.0, float(known.abs().max()))


def _medians(frame: "pd.DataFrame", names: Sequence[str]) -> dict[str, float]:
    return {name: float(frame[name].astype("float64").median()) for name in names}
