"""From users' features to named clusters, or to the reason why there are none."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streaming_assets.models.clusters.candidates import candidates, chosen
from streaming_assets.models.clusters.continuity import kept_names
from streaming_assets.models.clusters.names import name
from streaming_assets.models.clusters.partition import Partition
from streaming_assets.models.clusters.profiles import Clusters, clusters_of, no_profiles, profiles_of
from streaming_assets.models.clusters.space import Space, space_of
from streaming_assets.models.clusters.summary import summary

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Clustering:
    """What came of a training: rows of models/cluster_profiles, and the row of models/cluster_summary."""

    profiles: "pd.DataFrame"
    summary: dict[str, Any]


def train(frame: "pd.DataFrame", previous_profiles: "pd.DataFrame | None", *, as_of: dt.date, seed: int) -> Clustering:
    """The clusters of users: k-means with the largest k from 3 to 8 that is stable and has no cluster of fewer than 2 %.

    Stable: random halves of the users lead to the same clusters, adjusted Rand index 0.85 or more on average, and each of
    them recurs, Jaccard index 0.75 or more; 0.05 less for the k of the training before, and 0.05 more for a larger one.
    Where no k is, or there are fewer than 100 users, there are no profiles, and the summary says why.

    frame: a row per user, as `features` yields it, in any order. previous_profiles: the rows of models/cluster_profiles
    that the training before left: where k-means starts, and which names stand. as_of: T.
    """
    users = frame.sort_values("user_id", ignore_index=True)
    last = None if previous_profiles is None or previous_profiles.empty else clusters_of(previous_profiles)
    space = space_of(users)
    tried = candidates(space.points(users), space, last, seed)
    best = chosen(tried)
    if best is None:
        return Clustering(no_profiles(), summary(len(users), space, tried, None, None, last, as_of))
    named = _named(best.found, space, last, as_of)
    profiles = profiles_of(users, best.found.labels, named)
    return Clustering(profiles, summary(len(users), space, tried, best, named, last, as_of))


def _named(found: Partition, space: Space, last: Clusters | None, as_of: dt.date) -> Clusters:
    """The clusters with the names that they keep, else with new ones that no cluster has or just had."""
    standing = {} if last is None else dict(zip(last.names, last.since, strict=True))
    names = {} if last is None else kept_names(last, space, found.centres)
    for place, centre in enumerate(found.centres):
        if place not in names:
            names[place] = name(centre, space.features, {*standing, *names.values()})
    ordered = tuple(names[place] for place in range(len(found.centres)))
    since = tuple(standing.get(one, as_of) for one in ordered)
    return Clusters(ordered, since, found.centres, space)
