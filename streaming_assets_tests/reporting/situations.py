"""Marts as a service has them: rows told by what matters, the other columns filled in."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets import contracts

MONDAY = dt.date(2026, 3, 2)
T = dt.date(2026, 7, 18)


def mart(name: str, rows: Iterable[dict[str, Any]] = ()) -> ibis.Table:
    """Rows as a lazy table of the mart's contract; a column that is not given is 0 where it must not be NULL, else NULL."""
    table = contracts.ALL[f"marts/{name}"]
    zeros = {"int64": 0, "float64": 0.0, "boolean": True, "array<int64>": [0] * 20}
    blank = {column.name: zeros.get(column.type) if column.not_null else None for column in table.columns}
    made = pa.Table.from_pylist([{**blank, **row} for row in rows], schema=table.schema.to_pyarrow())
    return ibis.memtable(made, schema=table.schema)


def days(count: int) -> list[dt.date]:
    """The last days up to T."""
    return [T - dt.timedelta(days=count - 1 - number) for number in range(count)]


def mondays(count: int) -> list[dt.date]:
    """The Mondays of the last weeks up to T."""
    last = T - dt.timedelta(days=T.weekday())
    return [last - dt.timedelta(weeks=count - 1 - number) for number in range(count)]


def iso_week(monday: dt.date) -> dict[str, Any]:
    year, week, _ = monday.isocalendar()
    return {"iso_year": year, "iso_week": week, "week_start": monday}


def cohort(monday: dt.date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"
