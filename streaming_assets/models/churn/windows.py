"""Days as seen from cutoffs: what a table's days add up to is told once, and not once for every cutoff."""

import datetime as dt
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import ibis
from ibis import _

_DAY = dt.timedelta(days=1)


class Reach(NamedTuple):
    """A span as seen from a cutoff: it begins so many days before it, below 0 for one after it.

    has_eve: whether it ends with the cutoff's own eve.
    """

    span: int
    cutoff: dt.date
    days_before: int
    has_eve: bool


@dataclass(frozen=True)
class Spans:
    """Runs of days that lie in the same windows of every cutoff; span number n goes from bounds[n] to bounds[n + 1]."""

    bounds: Sequence[dt.date]
    reached: Sequence[Reach]

    @property
    def reach(self) -> ibis.Table:
        """(span, cutoff, days_before, has_eve): the columns of Reach."""
        schema = {"span": "int64", "cutoff": "date", "days_before": "int64", "has_eve": "boolean"}
        return ibis.memtable([tuple(found) for found in self.reached], schema=schema)

    def of(self, rows: ibis.Table, day: str) -> ibis.Table:
        """The rows of these days, with their span, and with is_eve: whether it is the day before a cutoff."""
        spans, eves = {found.span for found in self.reached}, {found.cutoff - _DAY for found in self.reached}
        days = [(date, span, date in eves) for span in sorted(spans) for date in _days(*self.bounds[span : span + 2])]
        table = ibis.memtable(days, schema={"day_of_span": "date", "span": "int64", "is_eve": "boolean"})
        first, end = (days[0][0], days[-1][0] + _DAY) if days else (self.bounds[0], self.bounds[0])
        within = rows.filter(_[day] >= ibis.literal(first), _[day] < ibis.literal(end))
        return within.join(table, [(day, "day_of_span")]).drop("day_of_span")

    def split(self, days: int) -> tuple["Spans", "Spans"]:
        """Those that lie in so many days before any cutoff, with their reach from there, and all others."""
        near = [found for found in self.reached if 0 < found.days_before <= days]
        spans = {found.span for found in near}
        return replace(self, reached=near), replace(
            self, reached=[one for one in self.reached if one.span not in spans]
        )

    def lies_in(self, first: dt.date, end: dt.date) -> ibis.Deferred:
        """Whether a row's span is of the days [first, end), both of them days at which a window begins or ends."""
        number = {day: span for span, day in enumerate(self.bounds)}
        return _.span.between(ibis.literal(number[first], "int64"), ibis.literal(number[end] - 1, "int64"))


def spans(cutoffs: Sequence[dt.date], edges: Collection[int]) -> Spans:
    """Spans of windows that begin or end so many days from each cutoff.

    Windows are [cutoff + edge, cutoff + later edge), so that -28 and 0 make one of the 28 days before.
    """
    bounds = sorted({cutoff + edge * _DAY for cutoff in cutoffs for edge in edges})
    reached = [
        Reach(span, cutoff, (cutoff - start).days, end == cutoff)
        for span, (start, end) in enumerate(itertools.pairwise(bounds))
        for cutoff in cutoffs
        if min(edges) <= (start - cutoff).days < max(edges)
    ]
    return Spans(bounds, reached)


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
