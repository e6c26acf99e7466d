"""How good probabilities to churn are, against what came true."""

import numpy as np

BINS = 10
CAPACITY_SHARE = 0.1
FIGURES = ("prevalence", "log_loss", "brier", "ece", "auc", "pr_auc", "lift_10")
DRAWS = 200

Measures = dict[str, float | None]


def measures(churned: np.ndarray, probability: np.ndarray) -> Measures:
    """The figures of the contract's tables by name, from n to lift_10; None where nothing can be said.

    The area under the ROC curve needs both classes, average precision and lift someone who churned.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    n, n_churned = len(churned), int(churned.sum())
    return {
        "n": n,
        "n_churned": n_churned,
        "prevalence": n_churned / n,
        "log_loss": float(log_losses(churned, probability).mean()),
        "brier": float(np.mean((probability - churned) ** 2)),
        "ece": calibration_error(churned, probability),
        "auc": _share(roc_auc_score(churned, probability)) if 0 < n_churned < n else None,
        "pr_auc": _share(average_precision_score(churned, probability)) if n_churned else None,
        "lift_10": caught(churned, probability) / capacity(n) / (n_churned / n) if n_churned else None,
    }


def _share(value: float) -> float:
    """scikit-learn's sums can exceed 1 in the last digit."""
    return min(float(value), 1.0)


def at_capacity(churned: np.ndarray, probability: np.ndarray) -> Measures:
    """What contacting the riskiest 10 % finds: capacity, precision_at_capacity, recall_at_capacity."""
    found, n_churned = caught(churned, probability), churned.sum()
    return {
        "capacity": capacity(len(churned)),
        "precision_at_capacity": found / capacity(len(churned)),
        "recall_at_capacity": found / n_churned if n_churned else None,
    }


def log_losses(churned: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """By row: −log of the probability given to what came true, at most 36 as in scikit-learn."""
    given = np.where(churned, probability, 1 - probability)
    return -np.log(np.maximum(given, np.finfo(float).eps))


def capacity(n: int) -> int:
    """How many of n can be contacted."""
    return max(1, round(CAPACITY_SHARE * n))


def caught(churned: np.ndarray, probability: np.ndarray) -> float:
    """Churned among the `capacity` riskiest; of those who tie for the last places, the share that has a place."""
    places = capacity(len(churned))
    threshold = np.partition(probability, -places)[-places]
    above, tied = probability > threshold, probability == threshold
    return float(churned[above].sum() + (places - above.sum()) * churned[tied].sum() / tied.sum())


def tenths(probability: np.ndarray) -> np.ndarray:
    """By row the tenth by probability, 1 the riskiest … 10. Equal probabilities share a tenth, so one may be empty."""
    edges = np.quantile(probability, np.arange(1, BINS) / BINS)
    return BINS - np.searchsorted(edges, probability, side="left")


def calibration_error(churned: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error over the tenths: Σ nᵇ/n · |mean probability − observed rate|.

    Naeini, Cooper and Hauskrecht (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning, with bins of
    equal size.
    """
    return float(np.abs(np.bincount(tenths(probability), probability - churned)).sum() / len(churned))


def calibration_error_limit(probability: np.ndarray, seed: int) -> float:
    """95th percentile of the calibration error of outcomes drawn from the probabilities themselves."""
    generator = np.random.default_rng(seed)
    bins = tenths(probability)
    expected = np.bincount(bins, probability)
    drawn = (
        np.bincount(bins[generator.random(len(bins)) < probability], minlength=len(expected)) for _ in range(DRAWS)
    )
    errors = [np.abs(counts - expected).sum() / len(bins) for counts in drawn]
    return float(np.quantile(errors, 0.95))
