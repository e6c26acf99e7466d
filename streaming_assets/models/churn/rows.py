"""The rows of churn_snapshots that a stage of the split learns from or is judged by."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rows:
    """Snapshots of these cutoffs whose outcome is known, in the order of their key, and that outcome."""

    cutoffs: tuple[dt.date, ...]
    frame: "pd.DataFrame"
    churned: np.ndarray

    @property
    def n(self) -> int:
        return len(self.churned)

    @property
    def n_churned(self) -> int:
        return int(self.churned.sum())

    @property
    def rarest(self) -> int:
        """How many there are of the class that has fewer."""
        return min(self.n_churned, self.n - self.n_churned)


def rows_at(snapshots: "pd.DataFrame", cutoffs: tuple[dt.date, ...]) -> Rows:
    """Those of the cutoffs, in the order of cutoff and user, whatever the order in which they come."""
    import pandas as pd

    cutoff = pd.to_datetime(snapshots["cutoff"])
    chosen = snapshots[cutoff.isin(pd.to_datetime(list(cutoffs))) & snapshots["churned"].notna()]
    frame = chosen.sort_values(["cutoff", "user_id"], ignore_index=True)
    return Rows(cutoffs, frame, frame["churned"].to_numpy(dtype=bool))


def together(*stages: Rows) -> Rows:
    """The rows of stages that follow each other in time."""
    import pandas as pd

    return Rows(
        tuple(cutoff for rows in stages for cutoff in rows.cutoffs),
        pd.concat([rows.frame for rows in stages], ignore_index=True),
        np.concatenate([rows.churned for rows in stages]),
    )
