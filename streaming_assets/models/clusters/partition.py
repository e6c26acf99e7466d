"""k-means partitions of users, and whether random halves of the users agree on them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from streaming_assets.models.clusters.space import STABLE_DECIMALS, Numbers, distances
from streaming_assets.models.threads import one_thread

Labels = npt.NDArray[np.intp]

PAIRS = 20
"""Pairs of halves: the standard error of their mean Rand index is then about 0.02 where it is near 0.85."""

ENOUGH_USERS = 4_000
"""Among enough users k-means comes out alike whatever their features: it cuts a cloud where its tails are, time and again.

Of ten features with heavy tails that have nothing to do with one another, 20,000 users are told into 8 clusters with an
index of 0.82, and 4,000 with one of 0.63.
"""

STARTS = 10
STARTS_OF_A_HALF = 3

MOST_WORSE = 1.01
"""How many times the inertia of the best partition from scratch a continued one may have: users keep their cluster for it."""


@dataclass(frozen=True)
class Partition:
    """Centres, the largest cluster first; for every point the place of its centre; and the mean squared distance to it."""

    centres: Numbers
    labels: Labels
    inertia: float

    @property
    def sizes(self) -> Labels:
        """Points by centre."""
        return np.bincount(self.labels, minlength=len(self.centres))


def some_of(points: Numbers, seed: int) -> Labels:
    """Places of 4,000 of the points, or of all where there are no more, in random order."""
    return np.random.default_rng(seed).permutation(len(points))[:ENOUGH_USERS]


def partition(points: Numbers, some: Labels, k: int, seed: int, last_centres: Numbers | None = None) -> Partition:
    """Clusters by k-means, k of them: the best of ten k-means++ starts among some of the points, continued with all.

    Where there are last centres, k-means starts from them too, and that partition is taken unless its inertia is more than
    1 % above the other's, as when a group of users went and another came.
    """
    with one_thread():
        start = _fitted(points[some], k, seed, n_init=STARTS).centres
        found = _fitted(points, k, seed, init=start, n_init=1, tol=0)
        if last_centres is None:
            return found
        continued = _fitted(points, k, seed, init=last_centres, n_init=1, tol=0)
    return continued if continued.inertia <= MOST_WORSE * found.inertia else found


@dataclass(frozen=True)
class Agreement:
    """How far random halves of the points lead to the same clusters: 1 wholly.

    ari: adjusted Rand index of two halves' clusters, 0 as by chance. recurrence: Jaccard index of a cluster of all points
    and the one of a half that is most like it, of the cluster that recurs least.
    """

    ari: float
    recurrence: float


def agreement(points: Numbers, labels: Labels, k: int, seed: int) -> Agreement:
    """How far random halves of the points lead to the k clusters of the labels.

    Means over 20 pairs of halves, the clusters of each half continued to all points. The Rand index: Hubert & Arabie (1985),
    "Comparing partitions"; halves: Lange, Roth, Braun & Buhmann (2004), "Stability-based validation of clustering solutions";
    recurrence: Hennig (2007), "Cluster-wise assessment of cluster stability".
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng((seed, k))
    indices, recurrences = [], []
    with one_thread():
        for pair in range(PAIRS):
            halves = np.array_split(rng.permutation(len(points)), 2)
            fits = [_fitted(points[half], k, seed + pair, n_init=STARTS_OF_A_HALF) for half in halves]
            told = [nearest(points, fit.centres) for fit in fits]
            indices.append(adjusted_rand_score(*told))
            recurrences += [_recurrence(labels, other, k) for other in told]
    return Agreement(float(np.mean(indices)), float(np.mean(recurrences, axis=0).min()))


def _recurrence(labels: Labels, others: Labels, k: int) -> Numbers:
    """By label the largest Jaccard index with any of the others."""
    both = np.bincount(labels * k + others, minlength=k * k).reshape(k, k)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    return (both / np.maximum(either, 1)).max(axis=1)


def nearest(points: Numbers, centres: Numbers) -> Labels:
    """For every point the place of its nearest centre, the first of equally near ones."""
    return distances(points, centres).argmin(axis=1)


def _fitted(points: Numbers, k: int, seed: int, **how: Any) -> Partition:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Fewer different points than clusters: one stays empty, and is too small to be accepted.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = KMeans(k, random_state=seed, **how).fit(points)
    # Other processors sum in another order: what depends on the last digits is rounded away before anybody is assigned.
    centres = np.round(fit.cluster_centers_, STABLE_DECIMALS)
    sizes = np.bincount(nearest(points, centres), minlength=k)
    ordered = centres[np.lexsort((*centres.T[::-1], -sizes))]
    apart = distances(points, ordered)
    return Partition(ordered, apart.argmin(axis=1), float((apart.min(axis=1) ** 2).mean()))
