"""The group models, put together: churn with its reasons, the audience forecast, clusters of users."""

import dagster as dg

from streaming_assets import contracts
from streaming_assets.assets import audience_forecast, churn, clusters
from streaming_assets.assets.models import TRAIN_NOW, Refreshed, Trained

TABLES = contracts.models.TABLES
SNAPSHOTS = churn.SNAPSHOTS.name
CHURN = churn.TRAINING
TRAINED: tuple[Trained, ...] = (churn.TRAINED, audience_forecast.TRAINED, clusters.TRAINED)
REFRESHED: tuple[Refreshed, ...] = (*churn.REFRESHED, *audience_forecast.REFRESHED, *clusters.REFRESHED)
"""In an order in which each comes after those that it reads."""


def definitions() -> list[dg.AssetsDefinition]:
    """Every asset of the group."""
    return [
        churn.churn_snapshots(),
        *(found.definition() for found in TRAINED),
        *(found.definition() for found in REFRESHED),
    ]


__all__ = ["CHURN", "REFRESHED", "SNAPSHOTS", "TABLES", "TRAINED", "TRAIN_NOW", "definitions"]
