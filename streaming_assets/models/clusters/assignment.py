"""Which user is in which cluster: every night, between two trainings."""

from typing import TYPE_CHECKING

import ibis

from streaming_assets.contracts.models.clusters import user_clusters as contract
from streaming_assets.models.clusters.profiles import clusters_of
from streaming_assets.models.clusters.space import distances

if TYPE_CHECKING:
    import pandas as pd

_ASSIGNED = {"user_id": "string", "cluster": "string", "distance": "float64"}


def assign(frame: "pd.DataFrame", profiles: "pd.DataFrame") -> "pd.DataFrame":
    """Columns user_id, cluster, distance: one row per user of a frame of `features`, in its nearest cluster.

    profiles: the rows of models/cluster_profiles; where there are none, no user has a row. distance: from the centre,
    standard deviations per feature (root mean square).
    """
    if profiles.empty:
        return frame[["user_id"]].head(0).assign(cluster=[], distance=[])
    clusters = clusters_of(profiles)
    apart = distances(clusters.space.points(frame), clusters.centres)
    names = [clusters.names[place] for place in apart.argmin(axis=1)]
    return frame[["user_id"]].assign(cluster=names, distance=apart.min(axis=1))


def user_clusters(user_segments: ibis.Table, assigned: "pd.DataFrame") -> ibis.Table:
    """One row per user of marts/user_segments. Columns: contract models/user_clusters.

    assigned: of `assign`; who has no row there has no cluster.
    """
    clusters = ibis.memtable(assigned, schema=_ASSIGNED)
    return user_segments.left_join(clusters, "user_id").select(contract.column_names)
