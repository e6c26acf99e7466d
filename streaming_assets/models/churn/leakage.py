"""Signs that a feature knows what it cannot know."""

from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.models.churn.candidates import fit
from streaming_assets.models.churn.design import Design

if TYPE_CHECKING:
    from streaming_assets.models.churn.rows import Rows


def shuffled_auc(design: Design, train: np.ndarray, test: np.ndarray, churned: np.ndarray, seed: int) -> float:
    """AUC of a logistic regression where every outcome, of train and test rows alike, is another row's.

    About 0.5; train and test: matrices of the design; churned: the outcomes of the train rows, then of the test rows.
    """
    from sklearn.metrics import roc_auc_score

    dealt = np.random.default_rng(seed).permutation(churned)
    fitted = fit("logistic_regression", design, train, dealt[: len(train)], seed)
    return float(roc_auc_score(dealt[len(train) :], fitted.log_odds(design, test)))


def best_single_feature(design: Design, test: np.ndarray, rows: "Rows") -> tuple[str | None, float | None]:
    """The feature outside inactivity that alone ranks the test rows best, and its AUC in its better direction."""
    from sklearn.metrics import roc_auc_score

    candidates = [name for family, names in design.families.items() if family != "inactivity" for name in names]
    auc = {name: float(roc_auc_score(rows.churned, test[:, design.columns.index(name)])) for name in candidates}
    either_way = {name: max(value, 1 - value) for name, value in auc.items()}
    if not either_way:
        return None, None
    best = max(either_way, key=lambda name: either_way[name])
    return best, either_way[best]
