"""Column expressions that several transforms share."""

import datetime as dt
from collections.abc import Sequence

import ibis
from ibis import _

EPOCH = ibis.timestamp("1970-01-01 00:00:00")
MICROSECONDS = 1_000_000
MONDAY = dt.date(1900, 1, 1)


def day_number(date: ibis.Value) -> ibis.Value:
    """Days since MONDAY: its remainder by 7 is the weekday, its quotient counts ISO weeks."""
    return date.delta(ibis.literal(MONDAY), unit="day").cast("int64")


def iso_week(thursday: ibis.Value) -> ibis.Value:
    """The number of the ISO week whose Thursday this is; the week belongs to the Thursday's year (ISO 8601)."""
    return (thursday.day_of_year() - 1) // 7 + 1


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


def most_frequent(rows: ibis.Table, attribute: str, name: str | None = None) -> ibis.Table:
    """(user_id, name): the value with most plays, ties to the one played last, then the greatest text.

    rows: (user_id, attribute, plays, last_event_at). Users of whom no value is known have no row.
    """
    counted = (
        rows.filter(_[attribute].notnull())
        .group_by("user_id", attribute)
        .agg(plays=_.plays.sum(), last_event_at=_.last_event_at.max())
    )
    best_first = ibis.window(
        group_by="user_id", order_by=[ibis.desc("plays"), ibis.desc("last_event_at"), ibis.desc(attribute)]
    )
    best = counted.mutate(place=ibis.row_number().over(best_first)).filter(_.place == 0)
    return best.select("user_id", **{name or attribute: _[attribute]})


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
