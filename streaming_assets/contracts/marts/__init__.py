"""Contracts of the group marts: what analysts read."""

from streaming_assets.contracts.marts import audience, content, retention, users
from streaming_assets.contracts.table import Table

TABLES: tuple[Table, ...] = (*audience.TABLES, *content.TABLES, *users.TABLES, *retention.TABLES)
