"""What became of the users who were scored, once their label windows are over."""

from typing import TYPE_CHECKING, Any

import numpy as np

from streaming_assets.contracts.models.churn import realised_performance
from streaming_assets.models.churn.measures import log_losses, measures
from streaming_assets.models.churn.tables import frame_of

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd


def realised(scored: "pd.DataFrame", outcomes: "pd.DataFrame") -> "pd.DataFrame":
    """Rows of realised_performance: one per cutoff with users whose outcome is known.

    scored: cutoff, user_id, churn_probability and model_version as they were given; outcomes: cutoff, user_id, churned,
    which is NULL where it is not known.
    """
    known = outcomes.loc[outcomes["churned"].notna(), ["cutoff", "user_id", "churned"]]
    both = scored.dropna(subset=["churn_probability"]).merge(known, on=["cutoff", "user_id"]).sort_values("user_id")
    return frame_of(realised_performance, [_row(cutoff, rows) for cutoff, rows in both.groupby("cutoff")])


def _row(cutoff: "dt.date", rows: "pd.DataFrame") -> dict[str, Any]:
    churned = rows["churned"].to_numpy(dtype=bool)
    probability = rows["churn_probability"].to_numpy(dtype=float)
    return {
        "cutoff": cutoff,
        "model_version": rows["model_version"].iloc[0],
        **measures(churned, probability),
        "mean_probability": float(probability.mean()),
        "base_rate_log_loss": float(log_losses(churned, np.full(len(churned), churned.mean())).mean()),
    }
