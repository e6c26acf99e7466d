"""What a user's risk is associated with: how much each family of features adds, against a user who stays."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from streaming_assets.contracts.models.churn import FAMILIES, NO_DRIVER

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
LogOdds = Callable[[Floats], Floats]

MARGIN_FLOOR = 0.05
"""Log-odds by which the first family must exceed the next, or there is no dominant driver: 5 % of the odds.

Where troubles are planted, fewer than half of the users below it have the one that would be named.
"""

ROWS_AT_ONCE = 100_000
"""Rows of a coalition that are scored at once: some 25 MB. Gradient boosting waits for its threads once per tree and call."""


class Design(Protocol):
    """Which features a model reads, first in the matrix, and how a frame becomes one, without gaps."""

    @property
    def families(self) -> Mapping[str, Sequence[str]]: ...

    @property
    def features(self) -> Sequence[str]: ...

    def matrix(self, frame: "pd.DataFrame") -> Floats: ...


NOTHING = 1e-9
"""Log-odds that rounding leaves of a contribution of 0, on either side of it."""


class Model(Protocol):
    """What a fitted model of churn must tell; reference: medians over the users who stayed, by column of the design."""

    @property
    def version(self) -> str: ...

    @property
    def design(self) -> Design: ...

    @property
    def reference(self) -> "pd.Series": ...

    def log_odds(self, matrix: Floats) -> Floats: ...

    def probabilities(self, frame: "pd.DataFrame") -> Floats: ...


def drivers(model: Model, frame: "pd.DataFrame", margin_floor: float = MARGIN_FLOOR) -> "pd.DataFrame":
    """What each user's risk is associated with; no proof of a cause. Index of the frame.

    Columns: <family>_contribution for every family of the contract, log-odds, 0 for one that the data lacks; driver_1,
    driver_2 and margin as in `ranked`.
    """
    import pandas as pd

    design = model.design
    found = contributions(
        model.log_odds,
        design.matrix(frame),
        design.matrix(model.reference.to_frame().T)[0],
        {family: [design.features.index(name) for name in design.families.get(family, ())] for family in FAMILIES},
    )
    named = pd.DataFrame(found, columns=[f"{family}_contribution" for family in FAMILIES], index=frame.index)
    return named.join(ranked(found, FAMILIES, margin_floor).set_index(frame.index))


def contributions(log_odds: LogOdds, matrix: Floats, reference: Floats, groups: Mapping[str, Sequence[int]]) -> Floats:
    """Exact Shapley values of groups of columns: (rows, groups), in log-odds.

    The value of a coalition is the log-odds of a row whose columns in the coalition are the user's own, and all others
    the reference's: the baseline Shapley of Sundararajan and Najmi, The many Shapley values for model explanation, ICML
    2020, section 3, with groups of columns as the players. A row sums up to f(user) − f(reference). A group without
    columns contributes 0. Columns of no group are the user's own in every coalition, and nothing is attributed to them.
    """
    players = [place for place, columns in enumerate(groups.values()) if len(columns)]
    columns = [list(found) for found in groups.values() if len(found)]
    found = np.zeros((len(matrix), len(groups)))
    found[:, players] = _values(log_odds, matrix, reference, columns) @ _weights(len(players)).T
    return np.where(np.abs(found) < NOTHING, 0.0, found)


def _values(log_odds: LogOdds, matrix: Floats, reference: Floats, players: Sequence[Sequence[int]]) -> Floats:
    """Log-odds of every row in every coalition: (rows, 2^players); bit p of a column's number says whether p is in."""
    values = np.empty((len(matrix), 2 ** len(players)))
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        for coalition in range(values.shape[1]):
            replaced = [column for out in _others(coalition, len(players)) for column in players[out]]
            mixed = matrix[rows].copy()
            mixed[:, replaced] = reference[replaced]
            values[rows, coalition] = log_odds(mixed)
    return values


def _weights(players: int) -> Floats:
    """What the value of each coalition counts for each player: (players, 2^players).

    Shapley, A value for n-person games (1953), equation 12: |S|! (n − |S| − 1)! / n! for what a player adds to S.
    """
    weights = np.zeros((players, 2**players))
    for coalition in range(2**players):
        for player in _others(coalition, players):
            size = coalition.bit_count()
            weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
            weights[player, coalition | 1 << player] += weight
            weights[player, coalition] -= weight
    return weights


def _others(coalition: int, players: int) -> Iterator[int]:
    return (player for player in range(players) if not coalition >> player & 1)


def ranked(contributions: Floats, families: Sequence[str], margin_floor: float = MARGIN_FLOOR) -> "pd.DataFrame":
    """The two families that raise the risk most, one row per row of the contributions.

    Columns: driver_1, the family with the greatest contribution above 0; margin, by how much it exceeds the next one
    that is above 0, else 0, NaN where no family raises the risk; driver_2, that next one, NaN where there is none. Under
    the floor, driver_1 is 'no dominant driver' and driver_2 NaN.
    """
    import pandas as pd

    raising = np.column_stack([np.maximum(contributions, 0.0), np.zeros(len(contributions))])
    order = np.argsort(-raising, axis=1, kind="stable")[:, :2]
    first, second = np.take_along_axis(raising, order, axis=1).T
    stands_out = (first > 0) & (first - second >= margin_floor)
    names = pd.DataFrame(np.array([*families, None])[order], columns=["driver_1", "driver_2"], dtype=object)
    return pd.DataFrame(
        {
            "driver_1": names.driver_1.where(stands_out, NO_DRIVER),
            "driver_2": names.driver_2.where(stands_out & (second > 0)),
            "margin": np.where(first > 0, first - second, np.nan),
        }
    )
