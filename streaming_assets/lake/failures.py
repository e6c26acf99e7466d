"""Which checks stand failed, and which written days have been checked: committed with the lake, read by whoever runs next."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.delta import State
from streaming_assets.lake.lake import OPEN_FAILURES as TABLE
from streaming_assets.lake.lake import Lake, checked_versions
from streaming_assets.lake.pending import unchecked_days


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
        if failure.is_blocking and failure.asset.startswith(f"{group}/") and failure.first_date and failure.last_date
        for day in Days(failure.first_date, failure.last_date)
    }


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
) -> None:
    """Open a row per failed check and range of days, close what passed, and note what was checked, in one commit.

    subject: the set of checks that ran together. days: those evaluated, None for a table without days; seen: the state
    of the table that was judged. The evaluation covers every day on which a check of the subject stood
    open (`days_to_check`), so that its rows are replaced as a whole.
    """
    evaluated = None if days is None else sorted(days)
    verdicts = list(verdicts)
    names = {verdict.check for verdict in verdicts}
    before = open_failures(lake)
    kept = [failure for failure in before if not (failure.asset == asset and failure.check in names)]
    old = [failure for failure in before if failure.asset == asset]
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
        for span in _spans(verdict, evaluated)
    ]
    checked = {**checked_versions(lake), subject: seen.version}
    lake.write_rows(TABLE, [vars(failure) for failure in kept + failed], notes={"checked": checked})


def days_to_check(lake: Lake, subject: str, asset: str, about: str, checks: Iterable[str]) -> set[dt.date]:
    """Days of the table `about` written since the subject's checks last saw them, and those on which one stands failed."""
    names = set(checks)
    standing = {
        day
        for failure in open_failures(lake)
        if failure.asset == asset and failure.check in names and failure.first_date and failure.last_date
        for day in Days(failure.first_date, failure.last_date)
    }
    return days_unseen(lake, subject, about) | standing


def unchecked(lake: Lake, subjects: Mapping[str, str]) -> list[str]:
    """Subjects, given as subject → table, whose table has rows that their checks have not seen."""
    found = []
    for subject, about in subjects.items():
        state = lake.snapshot(about).state
        if checked_version(lake, subject) < state.version:
            found.append(subject)
    return found


def days_unseen(lake: Lake, subject: str, about: str) -> set[dt.date]:
    """Days of the table written since the subject's checks last saw them."""
    return unchecked_days(lake.snapshot(about).state, checked_version(lake, subject))


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


def _spans(verdict: Verdict, evaluated: list[dt.date] | None) -> list[Days | None]:
    if verdict.days is not None:
        return list(ranges_of(verdict.days)) or [None]
    return [Days(evaluated[0], evaluated[-1])] if evaluated else [None]
