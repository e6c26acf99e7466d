"""How much log loss and AUC of models on the same rows would vary with other users."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from streaming_assets.models.churn.measures import log_losses

SAMPLES = 200
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Gain:
    """By how much one is better than another, with its 90 % interval; above 0 is better."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Resampled:
    """Log loss and AUC of each model: on the rows as they are first, then in every bootstrap sample."""

    log_loss: Mapping[str, np.ndarray]
    auc: Mapping[str, np.ndarray]

    def gain(self, name: str, over: str) -> Gain:
        """1 − log loss / log loss of the other."""
        return _gain(1 - self.log_loss[name] / self.log_loss[over])

    def auc_gain(self, name: str, over: str) -> Gain:
        """AUC − AUC of the other."""
        return _gain(self.auc[name] - self.auc[over])


@dataclass(frozen=True)
class Ranking:
    """Rows in ascending order of probability: whose they are and what came of them, and where each tie begins."""

    codes: np.ndarray
    churned: np.ndarray
    starts: np.ndarray

    def auc(self, by_user: np.ndarray) -> float:
        """Where each user counts so often; a tie counts one half. NaN with one class."""
        weight = by_user[self.codes]
        left = np.add.reduceat(weight * self.churned, self.starts)
        stayed = np.add.reduceat(weight, self.starts) - left
        pairs = left.sum() * stayed.sum()
        return float((left * (np.cumsum(stayed) - stayed / 2)).sum() / pairs) if pairs else float("nan")


def resampled(churned: np.ndarray, users: np.ndarray, by_model: Mapping[str, np.ndarray], seed: int) -> Resampled:
    """Bootstrap of users: whoever is drawn brings all rows, since the rows of one user go together.

    users: who each row is of; by_model: the probabilities of each model by row. Every model sees the same samples.
    """
    codes = np.unique(users, return_inverse=True)[1]
    rankings = [_ranking(churned, codes, probability) for probability in by_model.values()]
    losses = [np.bincount(codes, log_losses(churned, probability)) for probability in by_model.values()]
    rows_by_user = np.bincount(codes)
    log_loss, auc = [], []
    for drawn in _samples(len(rows_by_user), seed):
        n_rows = (drawn * rows_by_user).sum()
        log_loss.append([(drawn * by_user).sum() / n_rows for by_user in losses])
        auc.append([ranking.auc(drawn) for ranking in rankings])
    return Resampled(
        dict(zip(by_model, np.array(log_loss).T, strict=True)), dict(zip(by_model, np.array(auc).T, strict=True))
    )


def _samples(users: int, seed: int) -> Iterator[np.ndarray]:
    """How often each user counts: once, then as drawn."""
    generator = np.random.default_rng(seed)
    yield np.ones(users)
    for _ in range(SAMPLES):
        yield np.bincount(generator.integers(0, users, users), minlength=users).astype(float)


def _ranking(churned: np.ndarray, codes: np.ndarray, probability: np.ndarray) -> Ranking:
    order = np.argsort(probability, kind="stable")
    return Ranking(codes[order], churned[order], np.flatnonzero(np.diff(probability[order], prepend=-np.inf)))


def _gain(figures: np.ndarray) -> Gain:
    low, high = np.nanquantile(figures[1:], INTERVAL)
    return Gain(float(figures[0]), float(low), float(high))
