"""Small tables to write."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.delta import Snapshot
from streaming_assets.lake.lake import Lake

HOURS = contracts.ALL["core/hourly_activity"]


def march(number: int) -> dt.date:
    return dt.date(2024, 3, number)


def table_of(contract: Table, rows: Iterable[Mapping[str, Any]]) -> ibis.Table:
    """Rows of a contract from the columns that matter; the others are zero, False, "x", [] or 1 March 2024."""
    defaults: dict[str, Any] = {
        "string": "x",
        "int64": 0,
        "float64": 0.0,
        "boolean": False,
        "date": march(1),
        "timestamp": dt.datetime(2024, 3, 1),
    }
    whole = [
        {column.name: row.get(column.name, defaults.get(column.type, [])) for column in contract.columns}
        for row in rows
    ]
    return ibis.memtable(pa.Table.from_pylist(whole, schema=contract.schema.to_pyarrow()), schema=contract.schema)


def hours_of(plays: Mapping[dt.date, int]) -> ibis.Table:
    """core/hourly_activity with one row per day: its plays in the first hour."""
    return table_of(
        HOURS,
        [
            {"hour_at": dt.datetime.combine(day, dt.time()), "date": day, "plays": number}
            for day, number in plays.items()
        ],
    )


def write_hours(lake: Lake, days: Days, plays: Mapping[dt.date, int], version: int = 1) -> Snapshot:
    """Replace the days; those without plays become empty."""

    def build(part: Days) -> ibis.Table:
        return hours_of({day: number for day, number in plays.items() if day in part})

    return lake.write_days(HOURS.name, days, build, DayVersions(dict.fromkeys(days, version)), weigh=HOURS.name)


def plays_by_day(lake: Lake) -> dict[dt.date, int]:
    return {row["date"]: row["plays"] for row in lake.rows(HOURS.name)}
