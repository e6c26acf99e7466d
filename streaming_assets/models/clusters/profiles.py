"""models/cluster_profiles as what it says: clusters in the space that they were found in."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from streaming_assets.contracts.models.clusters import cluster_profiles
from streaming_assets.models.clusters.features import NAMES
from streaming_assets.models.clusters.space import Numbers, Space

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Clusters:
    """Names with the days since when they stand, and centres, one per name, in a space."""

    names: tuple[str, ...]
    since: tuple[dt.date, ...]
    centres: Numbers
    space: Space


def clusters_of(profiles: "pd.DataFrame") -> Clusters:
    """The clusters of the rows of models/cluster_profiles, of which there is at least one."""
    by_feature = profiles.drop_duplicates("feature").set_index("feature")
    features = [name for name in NAMES if name in by_feature.index]
    centres = profiles.pivot(index="cluster", columns="feature", values="centroid")[features].sort_index()
    since = profiles.drop_duplicates("cluster").set_index("cluster")["since"]
    center, scale, fill = (by_feature.loc[features, name].to_numpy(float) for name in ("center", "scale", "fill"))
    names = tuple(centres.index)
    return Clusters(
        names,
        tuple(_date(since[name]) for name in names),
        centres.to_numpy(float),
        Space(tuple(features), center, scale, fill),
    )


def profiles_of(users: "pd.DataFrame", labels: npt.NDArray[np.intp], clusters: Clusters) -> "pd.DataFrame":
    """Rows of models/cluster_profiles, the largest cluster first; labels: by user the place of the cluster."""
    import pandas as pd

    features = list(clusters.space.features)
    means, overall = users.groupby(labels)[features].mean(), users[features].mean()
    sizes = np.bincount(labels)
    rows = [
        {
            "cluster": name,
            "feature": feature,
            "centroid": clusters.centres[place, column],
            "mean": means.loc[place, feature],
            "overall_mean": overall[feature],
            "center": clusters.space.center[column],
            "scale": clusters.space.scale[column],
            "fill": clusters.space.fill[column],
            "users": sizes[place],
            "share": sizes[place] / len(users),
            "since": clusters.since[place],
        }
        for place, name in enumerate(clusters.names)
        for column, feature in enumerate(features)
    ]
    return pd.DataFrame(rows, columns=list(cluster_profiles.column_names))


def no_profiles() -> "pd.DataFrame":
    """No rows, with the columns of models/cluster_profiles."""
    import pandas as pd

    return pd.DataFrame(columns=list(cluster_profiles.column_names))


def _date(day: object) -> dt.date:
    import pandas as pd

    return pd.Timestamp(day).date()
