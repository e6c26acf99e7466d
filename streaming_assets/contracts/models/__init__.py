"""Contracts of the group models: who will leave and why, how many come tomorrow, which kinds of users there are."""

from streaming_assets.contracts.models import churn, clusters, forecast
from streaming_assets.contracts.table import Table

TABLES: tuple[Table, ...] = (*churn.TABLES, *forecast.TABLES, *clusters.TABLES)
