"""Which checks stand failed, and which written days have been checked: committed with the lake, read by whoever runs next."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.delta import State
from streaming_assets.lake.lake import OPEN_FAILURES as TABLE
from streaming_assets.lake.lake import Lake, checked_versions
from streaming_assets.lake.pending import achievable_versions, required_versions, stale_days, unchecked_days

NEAR = 1
"""How many days around the ones that are judged the rows of a check may lie."""


@dataclass(frozen=True)
class Verdict:
    """What one check found. days: the days that fail, where the check can tell; else all evaluated ones stand for them."""

    check: str
    passed: bool
    is_blocking: bool
    numbers: Mapping[str, Any] = field(default_factory=dict)
    days: frozenset[dt.date] | None = None


@dataclass(frozen=True)
class OpenFailure:
    """A row of meta/open_failures."""

    asset: str
    check: str
    is_blocking: bool
    first_date: dt.date | None
    last_date: dt.date | None
    opened_at: dt.datetime
    numbers: str

    @property
    def days(self) -> frozenset[dt.date]:
        """The days of the row, none where it is not of days."""
        if self.first_date is None or self.last_date is None:
            return frozenset()
        return frozenset(Days(self.first_date, self.last_date))

    def __str__(self) -> str:
        when = "" if self.first_date is None else f" on {Days(self.first_date, self.last_date or self.first_date)}"
        return f"{self.asset}: {self.check}{when}"


def open_failures(lake: Lake) -> list[OpenFailure]:
    """Every check that stands failed."""
    return [OpenFailure(**row) for row in lake.rows(TABLE)]


def blocked_days(failures: Iterable[OpenFailure], group: str) -> set[dt.date]:
    """Days on which a blocking check of the group's tables stands failed."""
    return {
        day
        for failure in failures
        if failure.is_blocking and failure.asset.startswith(f"{group}/")
        for day in failure.days
    }


def held_days(lake: Lake) -> set[dt.date]:
    """Days that wait for a correction: a blocking check of raw stands failed on them."""
    return blocked_days(open_failures(lake), "raw")


def held_since(lake: Lake) -> dict[dt.date, dt.datetime]:
    """By held day, since when: the first opening of a blocking check of raw that stands failed on it."""
    since: dict[dt.date, dt.datetime] = {}
    for failure in open_failures(lake):
        for day in blocked_days([failure], "raw"):
            since[day] = min(since.get(day, failure.opened_at), failure.opened_at)
    return since


def days_behind(lake: Lake, tables: Iterable[str], known: Days) -> set[dt.date]:
    """Days on which one of the daily core tables is older than raw/events: held ones, and those still to be computed.

    What depends on a held day is as it can be when it was computed once without it.
    """
    required = required_versions(lake.snapshot("raw/events").state, known)
    events = lake.snapshot("core/events").state
    held = held_days(lake)
    achievable = achievable_versions(required, events, held)
    behind = set(held)
    for name in tables:
        behind |= stale_days(required if name == "core/events" else achievable, lake.snapshot(name).state)
    return behind


def blocking_upstream(lake: Lake, tables: Iterable[str]) -> list[OpenFailure]:
    """Blocking checks that stand failed on one of the tables, or anywhere in raw and core."""
    read = set(tables)
    return [
        failure
        for failure in open_failures(lake)
        if failure.is_blocking and (failure.asset in read or failure.asset.split("/")[0] in ("raw", "core"))
    ]


def checked_version(lake: Lake, subject: str) -> int:
    """The version of its table up to which the subject's checks have seen every row; 0 where they never ran."""
    return checked_versions(lake).get(subject, 0)


def record(
    lake: Lake,
    subject: str,
    asset: str,
    verdicts: Iterable[Verdict],
    days: Iterable[dt.date] | None,
    seen: State,
    now: dt.datetime,
    *,
    left_out: Iterable[dt.date] = (),
    judged_by: Iterable[str] = (),
) -> None:
    """Open a row per failed check and range of days, close what passed, and note what was checked, in one commit.

    subject: the set of checks that ran together. days: those evaluated, None for a table without days; seen: the state
    of the table that was judged. The evaluation covers every day on which a check of the subject stood
    open (`days_to_check`), so that its rows are replaced as a whole, but for the days that were left out: on these the
    rows stand as they are, and the days are still to be judged. judged_by: the settings that the verdicts depend on.
    """
    evaluated = None if days is None else sorted(days)
    waiting = set(left_out)
    verdicts = list(verdicts)
    names = {verdict.check for verdict in verdicts}
    before = open_failures(lake)
    kept = [failure for failure in before if not (failure.asset == asset and failure.check in names)]
    old = [failure for failure in before if failure.asset == asset]
    kept += [
        dataclasses.replace(failure, first_date=span.first, last_date=span.last)
        for failure in old
        if failure.check in names
        for span in ranges_of(failure.days & waiting)
    ]
    failed = [
        OpenFailure(
            asset,
            verdict.check,
            verdict.is_blocking,
            span.first if span else None,
            span.last if span else None,
            _opened_at(old, verdict.check, span, now),
            json.dumps(dict(verdict.numbers), sort_keys=True, default=str),
        )
        for verdict in verdicts
        if not verdict.passed
        for span in _spans(verdict, evaluated, waiting)
    ]
    notes = {
        "checked": {**checked_versions(lake), subject: seen.version},
        "left_out": _noted(lake, "left_out", subject, [[str(r.first), str(r.last)] for r in ranges_of(waiting)]),
        "judged_by": _noted(lake, "judged_by", subject, {name: getattr(lake.settings, name) for name in judged_by}),
    }
    lake.write_rows(TABLE, [vars(failure) for failure in kept + failed], notes=notes)


def days_to_check(lake: Lake, subject: str, asset: str, about: str, checks: Iterable[str]) -> set[dt.date]:
    """Days of the table `about` that the subject's checks have not judged since they were written, and those on which
    one stands failed.
    """
    names = set(checks)
    standing = {
        day
        for failure in open_failures(lake)
        if failure.asset == asset and failure.check in names
        for day in failure.days
    }
    unseen = unchecked_days(lake.snapshot(about).state, checked_version(lake, subject))
    return unseen | _left_out(lake, subject) | standing


def unchecked(lake: Lake, subjects: Mapping[str, str]) -> list[str]:
    """Subjects, given as subject → table, that have not judged rows of their table, or by other settings than now.

    Days that wait for a held one are passed over: they would be left out again, and nothing is published meanwhile.
    """
    found = []
    for subject, about in subjects.items():
        state = lake.snapshot(about).state
        judged_by = _notes(lake, "judged_by").get(subject, {})
        if (
            checked_version(lake, subject) < state.version
            or any(getattr(lake.settings, name) != value for name, value in judged_by.items())
            or _to_be_made_up(lake, subject)
        ):
            found.append(subject)
    return found


def days_unseen(lake: Lake, subject: str, about: str) -> set[dt.date]:
    """Days of the table that the subject's checks have not judged since they were written, and can judge now."""
    unseen = unchecked_days(lake.snapshot(about).state, checked_version(lake, subject))
    return unseen | _to_be_made_up(lake, subject)


def _to_be_made_up(lake: Lake, subject: str) -> set[dt.date]:
    """Days that were left out while a day near them was held, and none is now."""
    left_out = _left_out(lake, subject)
    return left_out - reach_of(held_days(lake), NEAR, NEAR) if left_out else left_out


def reach_of(days: Iterable[dt.date], before: int, after: int) -> set[dt.date]:
    """Days that cannot be judged without one of the given ones, where a day is judged by so many around it."""
    return {near for day in days for near in Days(day, day).around(after, before)}


def _left_out(lake: Lake, subject: str) -> set[dt.date]:
    spans = _notes(lake, "left_out").get(subject, [])
    return {day for first, last in spans for day in Days(dt.date.fromisoformat(first), dt.date.fromisoformat(last))}


def _notes(lake: Lake, of: str) -> dict[str, Any]:
    """Notes by subject."""
    return dict(lake.snapshot(TABLE).state.notes.get(of, {}))


def _noted(lake: Lake, of: str, subject: str, value: Any) -> dict[str, Any]:
    """The notes with that of the subject; none where there is nothing to note."""
    return {name: noted for name, noted in {**_notes(lake, of), subject: value}.items() if noted}


def _opened_at(old: Iterable[OpenFailure], check: str, span: Days | None, now: dt.datetime) -> dt.datetime:
    """Since when the check has failed on some of these days."""
    before = [
        failure.opened_at
        for failure in old
        if failure.check == check
        and (
            span is None
            or failure.first_date is None
            or failure.last_date is None
            or (failure.first_date <= span.last and span.first <= failure.last_date)
        )
    ]
    return min(before, default=now)


def _spans(verdict: Verdict, evaluated: list[dt.date] | None, left_out: set[dt.date]) -> list[Days | None]:
    if verdict.days is not None:
        return list(ranges_of(verdict.days)) or [None]
    return list(ranges_of(set(Days(evaluated[0], evaluated[-1])) - left_out)) if evaluated else [None]
