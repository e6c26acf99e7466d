"""What the models of churn were like on held-out cutoffs, as rows of their contracts."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from streaming_assets.contracts.models.churn import churn_reliability, churn_slices
from streaming_assets.contracts.table import Table
from streaming_assets.models.churn.measures import FIGURES, measures, tenths

if TYPE_CHECKING:
    import pandas as pd

LEAST_IN_SLICE = 30
UNKNOWN = "unknown"
TENURES = {"under 30 days": 0, "30 to 89 days": 30, "90 to 364 days": 90, "365 days and more": 365}
AGES = {"under 18": 0, "18 to 24": 18, "25 to 34": 25, "35 to 44": 35, "45 to 54": 45, "55 and more": 55}
"""Bands by their lower ends."""
DTYPES = {"float64": "float64", "int64": "int64", "boolean": "bool", "string": "object", "date": "object"}


def frame_of(table: Table, rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """The rows with the columns of the contract, in its order; a figure that is missing or None is NaN."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(table.column_names))
    return frame.astype({column.name: DTYPES[column.type] for column in table.columns})


def reliability(candidate: str, churned: np.ndarray, probability: np.ndarray) -> "pd.DataFrame":
    """Rows of churn_reliability: one per tenth that has users."""
    bins = tenths(probability)
    rows = [_tenth(candidate, number, churned, probability, bins == number) for number in np.unique(bins)]
    return frame_of(churn_reliability, rows)


def _tenth(
    candidate: str, number: int, churned: np.ndarray, probability: np.ndarray, mine: np.ndarray
) -> dict[str, Any]:
    from scipy.stats import binomtest

    n, n_churned = int(mine.sum()), int(churned[mine].sum())
    interval = binomtest(n_churned, n).proportion_ci(method="wilson")
    return {
        "bin": int(number),
        "candidate": candidate,
        "n": n,
        "n_churned": n_churned,
        "mean_probability": probability[mine].mean(),
        "observed_rate": n_churned / n,
        "rate_low": interval.low,
        "rate_high": interval.high,
        "lift": n_churned / n / churned.mean(),
    }


def slices(frame: "pd.DataFrame", churned: np.ndarray, probability: np.ndarray) -> "pd.DataFrame":
    """Rows of churn_slices from rows of churn_snapshots and what was said of them."""
    rows = [
        {"dimension": dimension, "slice": name, **slice_figures(churned[mine], probability[mine])}
        for dimension, names in _sliced(frame).items()
        for name, mine in ((name, names == name) for name in np.unique(names))
    ]
    return frame_of(churn_slices, rows)


def slice_figures(churned: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """Measures and the mean of what was said; of few rows only how many they are."""
    if len(churned) < LEAST_IN_SLICE:
        nothing = dict.fromkeys((*FIGURES, "mean_probability"))
        return {"n": len(churned), "n_churned": int(churned.sum()), **nothing}
    return {**measures(churned, probability), "mean_probability": float(probability.mean())}


def _sliced(frame: "pd.DataFrame") -> dict[str, np.ndarray]:
    """By dimension the name of every row's slice."""
    named = {name: frame[name].astype(object).fillna(UNKNOWN).astype(str) for name in ("plan", "country", "platform")}
    banded = {"tenure": _bands(frame["tenure_days"], TENURES), "age": _bands(frame["age"], AGES)}
    return {**{name: values.to_numpy(dtype=str) for name, values in named.items()}, **banded}


def _bands(values: "pd.Series", lower_ends: Mapping[str, int]) -> np.ndarray:
    known = values.astype("float64").to_numpy()
    names = np.array([*lower_ends, UNKNOWN])
    band = np.searchsorted(list(lower_ends.values()), known, side="right") - 1
    return names[np.where(np.isnan(known), len(lower_ends), band)]
