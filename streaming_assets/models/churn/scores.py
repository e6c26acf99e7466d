"""Who is likely to leave: a probability, a band, what the risk is associated with and what may help, for every user."""

from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models.churn import (
    FAMILIES,
    NO_DRIVER,
    RISK_BANDS,
    STATUSES,
    churn_scores,
    churn_summary,
)
from streaming_assets.models.churn.drivers import Model, drivers
from streaming_assets.models.churn.remedies import AT_RISK, remedies
from streaming_assets.models.churn.tables import DTYPES, frame_of

if TYPE_CHECKING:
    import pandas as pd

HIGH_TENTHS, MEDIUM_TENTHS = 1, 2
"""Tenths of the active users in the high band, the riskiest, and in the medium band, the next."""

STABLE_DECIMALS = 9
"""Equal users may differ in the last digits of their features; rounded, they stay equal and fall back on their id."""

BREAKDOWNS = {"status": STATUSES, "risk_band": RISK_BANDS, "driver": (*FAMILIES, NO_DRIVER)}


def scores(
    snapshots: "pd.DataFrame", model: Model | None, favourites: "pd.DataFrame", titles: "pd.DataFrame"
) -> "pd.DataFrame":
    """One row per user of the snapshots, which are of one cutoff. Columns: contract models/churn_scores, by user_id.

    NaN or None for NULL. Only active users have a probability, and nobody has one without a model. favourites and titles:
    as `catalogue` makes them.
    """
    everybody = snapshots.sort_values("user_id", ignore_index=True)
    active = everybody[everybody.status == "active"]
    if model is not None and len(active):
        everybody = everybody.join(_scored(active, model, favourites, titles).drop(columns="user_id"))
    types = {column.name: DTYPES[column.type] for column in churn_scores.columns}
    return everybody.reindex(columns=list(types)).astype(types)


def _scored(active: "pd.DataFrame", model: Model, favourites: "pd.DataFrame", titles: "pd.DataFrame") -> "pd.DataFrame":
    scored = drivers(model, active).assign(
        user_id=active.user_id, churn_probability=model.probabilities(active), model_version=model.version
    )
    scored["risk_band"] = risk_bands(scored.churn_probability)
    return scored.assign(remedy=remedies(scored, favourites, titles))


def risk_bands(probabilities: "pd.Series") -> "pd.Series":
    """The band of each active user; equal probabilities in the order of the rows. A tenth that is no whole number is rounded up."""
    import pandas as pd

    n = len(probabilities)
    bands = np.full(n, "low", dtype=object)
    riskiest_first = np.argsort(-probabilities.round(STABLE_DECIMALS).to_numpy(), kind="stable")
    high, medium = (-(-tenths * n // 10) for tenths in (HIGH_TENTHS, HIGH_TENTHS + MEDIUM_TENTHS))
    bands[riskiest_first[:medium]] = "medium"
    bands[riskiest_first[:high]] = "high"
    return pd.Series(bands, index=probabilities.index, dtype=object)


def summary(scores: "pd.DataFrame") -> "pd.DataFrame":
    """Users and expected leavers by status, by risk band, and by first driver of those at risk, which is high and medium.

    Grain: one row per breakdown and value, those without users too. Columns: contract models/churn_summary, NaN for NULL.
    """
    has_model = scores.churn_probability.notna().any()
    values = {
        "status": scores.status,
        "risk_band": scores.risk_band,
        "driver": scores.driver_1[scores.risk_band.isin(AT_RISK)],
    }
    rows = [
        _part(breakdown, value, scores.churn_probability[found.index[found == value]], found.notna().sum(), has_model)
        for breakdown, found in values.items()
        for value in BREAKDOWNS[breakdown]
    ]
    return frame_of(churn_summary, rows)


def _part(
    breakdown: str, value: str, probabilities: "pd.Series", of_users: int, has_model: bool
) -> dict[str, str | float]:
    users = len(probabilities)
    # Nobody expects to lose anybody where there is nobody; of users without a probability nothing is expected.
    least = 1 if users or not has_model else 0
    return {
        "breakdown": breakdown,
        "value": value,
        "users": users,
        "share": users / of_users if of_users else np.nan,
        "expected_leavers": probabilities.sum(min_count=least),
        "mean_probability": probabilities.mean(),
    }
