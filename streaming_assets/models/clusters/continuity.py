"""What carries over from one training to the next: where k-means starts, and which cluster is which."""

import numpy as np

from streaming_assets.models.clusters.profiles import Clusters
from streaming_assets.models.clusters.space import Numbers, Space, distances

NEAR = 0.5
"""Standard deviations per feature (root mean square) by which a centre may move without its cluster becoming another one."""


def last_centres(last: Clusters, space: Space, k: int) -> Numbers | None:
    """The last centres as points of a space, where there were k of them in the same features.

    They are where they were in the features' own units, though users, and so what is standard, have changed.
    """
    if len(last.names) != k or last.space.features != space.features:
        return None
    return (last.centres * last.space.scale + last.space.center - space.center) / space.scale


def kept_names(last: Clusters, space: Space, centres: Numbers) -> dict[int, str]:
    """By the place of a centre the name that it keeps.

    Centres are matched one to one to the last ones so that the sum of their distances is least (Kuhn 1955, "The Hungarian
    method for the assignment problem"), over the features that both have. Two that are 0.5 standard deviations per feature
    or more apart are no match, and count as that far: one group that went and another that came must not shift all others.
    Both are compared as they stand to all users of their time, because that is what names say.
    """
    from scipy.optimize import linear_sum_assignment

    shared = [name for name in space.features if name in last.space.features]
    if not shared:
        return {}
    here, there = ([features.index(name) for name in shared] for features in (space.features, last.space.features))
    moved = distances(centres[:, here], last.centres[:, there])
    pairs = zip(*linear_sum_assignment(np.minimum(moved, NEAR)), strict=True)
    return {int(place): last.names[was] for place, was in pairs if moved[place, was] < NEAR}
