"""What stands failed, and what of it is news: pure rules on rows."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streaming_assets import contracts
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.failures import OpenFailure

TEAM = contracts.Table.owner
"""Owner of what no contract speaks of."""


@dataclass(frozen=True)
class FailedCheck:
    """A check that fails on some ranges of days, none where it is not of days.

    It is one failure from the look that finds it until it fails on none of its days: days that join on to them become
    part of it, and days apart from them are another failure. spans: where it fails now; ever: where it ever failed.
    """

    asset: str
    check: str
    is_blocking: bool
    spans: tuple[Days, ...]
    ever: tuple[Days, ...]
    opened_at: dt.datetime
    numbers: str

    @property
    def stage(self) -> str:
        return self.asset.split("/")[0]

    @property
    def owner(self) -> str:
        return owner_of(self.asset)

    def stands_in(self, row: OpenFailure) -> bool:
        """Whether the row is about this check and some of these days."""
        if (row.asset, row.check) != (self.asset, self.check):
            return False
        days = days_of(row)
        return not (days and self.spans) or any(overlap(days, span) for span in self.spans)

    def grown(self, rows: Iterable[OpenFailure]) -> "FailedCheck":
        """As it stands in the rows now."""
        spans = _spans(rows)
        ever = ranges_of(day for span in (*self.ever, *spans) for day in span)
        return dataclasses.replace(self, spans=spans, ever=tuple(ever))


@dataclass(frozen=True)
class Job:
    """What a run is a run of: a job, and the assets of it that were chosen; none are all."""

    name: str
    assets: tuple[str, ...] = ()


@dataclass(frozen=True)
class FailedRun:
    """A run that failed at a UTC time for another reason than a check; owner: of the step that broke."""

    job: Job
    run_id: str
    failed_at: dt.datetime
    error: str
    owner: str = TEAM


@dataclass(frozen=True)
class CheckNews:
    """Checks that fail since the last look and those that pass again, each by what they may have in common.

    continuing: for every check that was told before, how it stands now; None where it passes.
    """

    failing: Sequence[Sequence[FailedCheck]]
    recovered: Sequence[Sequence[FailedCheck]]
    continuing: Sequence[FailedCheck | None]


@dataclass(frozen=True)
class RunNews:
    """What is to be told of runs, in order: the run, and whether its job has run green since."""

    told: Sequence[tuple[FailedRun, bool]]
    standing: Sequence[FailedRun]


def owner_of(asset: str) -> str:
    """Who answers for an asset, from its contract."""
    return contracts.ALL[asset].owner if asset in contracts.ALL else TEAM


def news_of_checks(told: Sequence[FailedCheck], rows: Sequence[OpenFailure]) -> CheckNews:
    """What changed between what was told and the rows of meta/open_failures now."""
    own = [[row for row in rows if check.stands_in(row)] for check in told]
    continuing = [check.grown(found) if found else None for check, found in zip(told, own, strict=True)]
    recovered = [check for check, found in zip(told, own, strict=True) if not found]
    known = {row for found in own for row in found}
    failing = _failures(row for row in rows if row not in known)
    return CheckNews(together(failing), together(recovered), continuing)


def _failures(rows: Iterable[OpenFailure]) -> Iterator[FailedCheck]:
    by_check: dict[tuple[str, str], list[OpenFailure]] = {}
    for row in rows:
        by_check.setdefault((row.asset, row.check), []).append(row)
    for (asset, check), own in sorted(by_check.items()):
        first = min(own, key=lambda row: row.opened_at)
        spans = _spans(own)
        yield FailedCheck(asset, check, first.is_blocking, spans, spans, first.opened_at, first.numbers)


def together(checks: Iterable[FailedCheck]) -> list[list[FailedCheck]]:
    """Checks of one stage and owner whose days overlap, found in one look: most likely of one cause, one message."""
    groups: list[list[FailedCheck]] = []
    until: dt.date | None = None
    for one in sorted(checks, key=lambda one: (one.stage, one.owner, _reach(one), one.asset, one.check)):
        first, last = _reach(one)
        if groups and (groups[-1][0].stage, groups[-1][0].owner) == (one.stage, one.owner) and until and first <= until:
            groups[-1].append(one)
            until = max(until, last)
        else:
            groups.append([one])
            until = last
    return groups


def news_of_runs(
    told: Iterable[FailedRun], failed: Iterable[FailedRun], green: Mapping[Job, dt.datetime | None]
) -> RunNews:
    """What is to be told of failed runs that nobody has looked at, and of those told before.

    green: when a job last ran without an error. A job fails once until it runs green, however many of its runs do.
    """
    by_job: dict[Job, list[FailedRun]] = {}
    standing_before = {run.job: run for run in told}
    for run in sorted([*standing_before.values(), *failed], key=lambda run: run.failed_at):
        by_job.setdefault(run.job, []).append(run)
    news: list[tuple[FailedRun, bool]] = []
    standing: list[FailedRun] = []
    for job, runs in by_job.items():
        last_green = green.get(job)
        over = [run for run in runs if last_green and run.failed_at <= last_green]
        still = runs[len(over) :]
        before = standing_before.get(job)
        if over:
            first = before if before in over else over[0]
            news += [(first, True)] if first is before else [(first, False), (first, True)]
        if still:
            first = before if before in still else still[0]
            news += [] if first is before else [(first, False)]
            standing.append(first)
    return RunNews(news, standing)


def days_of(row: OpenFailure) -> Days | None:
    """The days of a row, None where it is not of days."""
    return None if row.first_date is None or row.last_date is None else Days(row.first_date, row.last_date)


def overlap(one: Days, other: Days) -> bool:
    """Whether two ranges share a day."""
    return one.first <= other.last and other.first <= one.last


def _spans(rows: Iterable[OpenFailure]) -> tuple[Days, ...]:
    return tuple(sorted(days for days in map(days_of, rows) if days))


def _reach(check: FailedCheck) -> tuple[dt.date, dt.date]:
    """First and last day; before all days where it is not of days."""
    return (check.ever[0].first, check.ever[-1].last) if check.ever else (dt.date.min, dt.date.min)
