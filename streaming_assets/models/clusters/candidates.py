"""How many clusters: every number that may be, with what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass

from streaming_assets.models.clusters.continuity import last_centres
from streaming_assets.models.clusters.partition import Agreement, Labels, Partition, agreement, partition, some_of
from streaming_assets.models.clusters.profiles import Clusters
from streaming_assets.models.clusters.space import Numbers, Space

SIZES = range(3, 9)
LEAST_ARI = 0.85
LEAST_SHARE = 0.02
LEAST_USERS = 100

LEAST_RECURRENCE = 0.75
"""What Hennig (2007) calls a valid, stable cluster. The Rand index alone lets one kind of many be cut in two at random."""

LEEWAY = 0.05
"""How much less is asked of the number of clusters that stands, and how much more of a larger one.

Both figures depend on who happens to be there; a user's cluster must not.
"""

LEAST_FEATURES = 3
"""Along one feature or two k-means cuts any cloud at the same places, whether or not there are kinds of users in it."""


@dataclass(frozen=True)
class Candidate:
    """A number of clusters: the clusters of all users, and how far random halves of them lead to the same.

    leeway: how much less than usual is asked of it.
    """

    k: int
    found: Partition
    agreement: Agreement
    leeway: float

    @property
    def least_ari(self) -> float:
        return LEAST_ARI - self.leeway

    @property
    def smallest_share(self) -> float:
        return float(self.found.sizes.min() / len(self.found.labels))

    @property
    def is_accepted(self) -> bool:
        return (
            self.agreement.ari >= self.least_ari
            and self.agreement.recurrence >= LEAST_RECURRENCE - self.leeway
            and self.smallest_share >= LEAST_SHARE
        )


def candidates(points: Numbers, space: Space, last: Clusters | None, seed: int) -> list[Candidate]:
    """One per number of clusters from 3 to 8; none where users or features are too few to judge any."""
    if len(points) < LEAST_USERS or len(space.features) < LEAST_FEATURES:
        return []
    some = some_of(points, seed)
    return [_candidate(points, some, space, last, k, seed) for k in SIZES]


def chosen(tried: Sequence[Candidate]) -> Candidate | None:
    """The largest number of clusters that is stable and has no cluster of fewer than 2 % of the users."""
    return max((one for one in tried if one.is_accepted), key=lambda one: one.k, default=None)


def _candidate(points: Numbers, some: Labels, space: Space, last: Clusters | None, k: int, seed: int) -> Candidate:
    found = partition(points, some, k, seed, None if last is None else last_centres(last, space, k))
    agreed = agreement(points[some], found.labels[some], k, seed)
    return Candidate(k, found, agreed, 0.0 if last is None else _leeway(k, len(last.names)))


def _leeway(k: int, last_k: int) -> float:
    if k == last_k:
        return LEEWAY
    return -LEEWAY if k > last_k else 0.0
