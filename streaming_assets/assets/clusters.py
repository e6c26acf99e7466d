"""The clusters of users: which function makes which table, from what."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import ibis

from streaming_assets.assets.models import Refreshed, Trained
from streaming_assets.contracts.models import clusters as contract
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.lake.training import Training

if TYPE_CHECKING:
    import pandas as pd

SEED = 20_261_127
_USERS = "marts/user_metrics"


def _is_settled(lake: Lake) -> bool:
    """That there is no stable segmentation is a result; that there are too few users is not."""
    return any(row["status"] != "too_few_users" for row in lake.rows(contract.cluster_summary.name))


TRAINING = Training(
    # The profiles are what the next training starts from: committed last, a training that was killed begins where it began.
    "clusters",
    (contract.cluster_summary.name, contract.cluster_profiles.name),
    (_USERS,),
    _is_settled,
)


def _train(lake: Lake) -> Mapping[str, "pd.DataFrame"]:
    import pandas as pd

    from streaming_assets.models.clusters.training import train

    previous = lake.read(contract.cluster_profiles.name).to_pandas()
    found = train(_features(lake), previous, as_of=reporting_day(lake), seed=SEED)
    return {
        contract.cluster_profiles.name: found.profiles,
        contract.cluster_summary.name: pd.DataFrame([found.summary]),
    }


def _user_clusters(lake: Lake) -> ibis.Table:
    from streaming_assets.models.clusters.assignment import assign, user_clusters

    assigned = assign(_features(lake), lake.read(contract.cluster_profiles.name).to_pandas())
    return user_clusters(lake.read("marts/user_segments"), assigned)


def _features(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.clusters.features import features

    return features(lake.read(_USERS)).to_pandas()


TRAINED = Trained(TRAINING, _train)
REFRESHED = (
    Refreshed(contract.user_clusters, _user_clusters, (_USERS, "marts/user_segments", contract.cluster_profiles.name)),
)
