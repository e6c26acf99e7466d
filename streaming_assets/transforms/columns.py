"""Column expressions that several transforms share."""

from collections.abc import Sequence

import ibis
from ibis import _

EPOCH = ibis.timestamp("1970-01-01 00:00:00")
MICROSECONDS = 1_000_000


def microseconds(at: ibis.Value) -> ibis.Value:
    """Microseconds since 1970 of a UTC timestamp: integers compare and add alike on every engine."""
    return at.delta(EPOCH, unit="microsecond")


def as_microseconds(seconds: ibis.Value) -> ibis.Value:
    """Seconds as whole microseconds."""
    return (seconds * MICROSECONDS).round().cast("int64")


def from_microseconds(value: ibis.Value) -> ibis.Value:
    """The UTC timestamp of microseconds since 1970."""
    return value.as_interval("us") + EPOCH


def total(value: ibis.Value) -> ibis.Value:
    """Sum, 0 where nothing is known."""
    return value.sum().coalesce(0)


def count_where(condition: ibis.Value) -> ibis.Value:
    """Rows for which the condition is true."""
    return condition.cast("int64").sum().coalesce(0)


def latest_row(rows: ibis.Table, files: ibis.Table, by: Sequence[str]) -> ibis.Table:
    """Of the rows that share `by`, the one with the greatest (path, row_number); files gives file_id → path.

    A file that files does not know comes before all others.
    """
    order = [ibis.desc("path"), ibis.desc("file_id"), ibis.desc("row_number")]
    newest_first = ibis.window(group_by=list(by), order_by=order)
    return (
        rows.left_join(files.select("file_id", "path"), "file_id")
        .drop("file_id_right")
        .mutate(path=_.path.coalesce(""))
        .mutate(place=ibis.row_number().over(newest_first))
        .filter(_.place == 0)
        .select(*rows.columns)
    )
