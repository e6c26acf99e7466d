"""Whether the users who are scored are still like those whom the champion learnt from."""

from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models.churn import feature_drift
from streaming_assets.models.churn.design import Design
from streaming_assets.models.churn.tables import frame_of

if TYPE_CHECKING:
    import pandas as pd

BINS = 10


def drift(reference: "pd.DataFrame", current: "pd.DataFrame", design: Design) -> "pd.DataFrame":
    """Rows of feature_drift: one per feature of the design.

    reference: the active users of the cutoffs that the model was trained on; current: those of the cutoff that is scored;
    both rows of churn_snapshots.
    """
    rows = [
        {"feature": name, "family": family, **_figures(_values(reference, name), _values(current, name))}
        for family, names in design.families.items()
        for name in names
    ]
    return frame_of(feature_drift, rows)


def population_stability(reference: np.ndarray, current: np.ndarray) -> float | None:
    """PSI: Σ (pᵢ − qᵢ)·ln(pᵢ/qᵢ) over 10 quantile bins of the reference and one of the unknown (NaN); None without rows.

    Siddiqi (2006), Credit Risk Scorecards, chapter 8. Half a user is added to every bin, so that an empty one is finite.
    """
    if not len(reference) or not len(current):
        return None
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.array([])
    counts = np.array(
        [np.bincount(_binned(values, edges), minlength=len(edges) + 2) for values in (reference, current)]
    )
    filled = counts[:, counts.any(axis=0)] + 0.5
    p, q = filled / filled.sum(axis=1, keepdims=True)
    return float(((q - p) * np.log(q / p)).sum())


def _binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The number of every value's bin; the last is of the unknown."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))


def _figures(reference: np.ndarray, current: np.ndarray) -> dict[str, float | None]:
    known, known_now = (values[~np.isnan(values)] for values in (reference, current))
    return {
        "n_reference": len(known),
        "n_current": len(known_now),
        "psi": population_stability(reference, current),
        "mean_reference": float(known.mean()) if len(known) else None,
        "mean_current": float(known_now.mean()) if len(known_now) else None,
    }


def _values(frame: "pd.DataFrame", name: str) -> np.ndarray:
    """Sorted, so that sums do not depend on the order of the rows."""
    return np.sort(frame[name].astype("float64").to_numpy())
