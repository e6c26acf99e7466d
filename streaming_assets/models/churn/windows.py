"""Days as seen from cutoffs: what a table's days add up to is told once, and not once for every cutoff."""

import datetime as dt
import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
from ibis import _

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Spans:
    """Runs of days that lie in the same windows of every cutoff.

    days: (date, span, is_eve), is_eve for the day before a cutoff; reach: (span, cutoff, days_before, has_eve), which
    tells from how many days before the cutoff on the span lies, below 0 for one after it, and whether it ends with the
    cutoff's own eve.
    """

    days: ibis.Table
    reach: ibis.Table
    bounds: Sequence[dt.date]

    def of(self, rows: ibis.Table, day: str) -> ibis.Table:
        """The rows of these days, with their span."""
        within = rows.filter(_[day] >= ibis.literal(self.bounds[0]), _[day] < ibis.literal(self.bounds[-1]))
        return within.join(self.days.rename(day_of_span="date"), [(day, "day_of_span")]).drop("day_of_span")

    def lies_in(self, first: dt.date, end: dt.date) -> ibis.Deferred:
        """Whether a row's span is of the days [first, end), both of them days at which a window begins or ends."""
        number = {day: span for span, day in enumerate(self.bounds)}
        return _.span.between(ibis.literal(number[first], "int64"), ibis.literal(number[end] - 1, "int64"))


def spans(cutoffs: Sequence[dt.date], edges: Sequence[int]) -> Spans:
    """Spans of windows that begin or end so many days from each cutoff; edges are ascending.

    Windows are [cutoff + edge, cutoff + later edge), so that -28 and 0 make one of the 28 days before.
    """
    bounds = sorted({cutoff + edge * _DAY for cutoff in cutoffs for edge in edges})
    reach = [
        (span, cutoff, (cutoff - start).days, end == cutoff)
        for span, (start, end) in enumerate(itertools.pairwise(bounds))
        for cutoff in cutoffs
        if edges[0] <= (start - cutoff).days < edges[-1]
    ]
    reached = {span for span, *_of_cutoff in reach}
    eves = {cutoff - _DAY for cutoff in cutoffs}
    days = [
        (day, span, day in eves)
        for day in _days(bounds[0], bounds[-1])
        for span in [bisect_right(bounds, day) - 1]
        if span in reached
    ]
    return Spans(
        ibis.memtable(days, schema={"date": "date", "span": "int64", "is_eve": "boolean"}),
        ibis.memtable(reach, schema={"span": "int64", "cutoff": "date", "days_before": "int64", "has_eve": "boolean"}),
        bounds,
    )


def each_day(cutoffs: Sequence[dt.date], days: int) -> ibis.Table:
    """(date, cutoff, days_before): every one of so many days before each cutoff."""
    rows = [(cutoff - back * _DAY, cutoff, back) for cutoff, back in itertools.product(cutoffs, range(1, days + 1))]
    return ibis.memtable(rows, schema={"date": "date", "cutoff": "date", "days_before": "int64"})


def within(days: int) -> ibis.Deferred:
    """Whether a row of `reach` lies in so many days before the cutoff."""
    return (_.days_before > 0) & (_.days_before <= days)


def _days(first: dt.date, end: dt.date) -> list[dt.date]:
    return [first + number * _DAY for number in range((end - first).days)]


def days_before(rows: ibis.Table, cutoffs: Sequence[dt.date], days: int) -> ibis.Table:
    """The rows of the days from so many before the first cutoff to the last cutoff."""
    return rows.filter(_.date >= ibis.literal(min(cutoffs) - days * _DAY), _.date < ibis.literal(max(cutoffs)))


def lies_before(cutoff: dt.date, days: int) -> ibis.Deferred:
    """Whether a row's date is one of so many days before the cutoff."""
    return (_.date >= ibis.literal(cutoff - days * _DAY)) & (_.date < ibis.literal(cutoff))


def of_cutoff(name: str, cutoff: dt.date) -> str:
    """The column in which a wide table holds what `by_cutoff` calls `name`."""
    return f"{name} {cutoff}"


def by_cutoff(wide: ibis.Table, cutoffs: Sequence[dt.date], key: Sequence[str], names: Sequence[str]) -> ibis.Table:
    """(key, cutoff, names): a row for each row and cutoff."""
    rows = [
        ibis.struct({"cutoff": ibis.literal(cutoff), **{name: wide[of_cutoff(name, cutoff)] for name in names}})
        for cutoff in cutoffs
    ]
    return wide.select(*key, row=ibis.array(rows).unnest()).unpack("row")
