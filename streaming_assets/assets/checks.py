"""Checks between the stages: contracts through Great Expectations, and tables held against each other.

A check set runs as one step for one asset. It sees the days written since it last ran and those on which one of its
checks stands failed; what it finds is entered in meta/open_failures before the run goes on. Days on which core
is older than raw, such as those that wait for a correction, are judged when they were computed.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from streaming_assets import contracts
from streaming_assets.assets.io import run_days
from streaming_assets.assets.spec import asset_key
from streaming_assets.automation.partitions import known_days
from streaming_assets.contracts import Table
from streaming_assets.lake.days import Days, ranges_of
from streaming_assets.lake.failures import Verdict, days_behind, days_to_check, reach_of, record
from streaming_assets.lake.lake import Lake
from streaming_assets.quality.expectations import Evaluation, advice_of, evaluate, evaluate_frames, expectations_of

if TYPE_CHECKING:
    from streaming_assets.lake.spark import SparkEngine

CHECK_EVERYTHING = "streaming_assets/check_everything"
"""Run tag: look at all days, not only at those written since."""


@dataclass(frozen=True)
class Finding:
    """A verdict with what the UI shows of it."""

    verdict: Verdict
    sample: Sequence[Mapping[str, Any]] = ()
    advice: str = ""


@dataclass(frozen=True)
class Named:
    """A check before it ran. advice: what to do when it fails."""

    name: str
    description: str
    is_blocking: bool = True
    advice: str = ""


@dataclass(frozen=True)
class CheckSet:
    """Checks of one asset that run together.

    about: the table whose rows are judged, which is the asset's own but for references to it. find: from the lake and
    the days to look at (None for a table without days) to one finding per check. after: other tables that must be up
    to date before. before_day, after_day: how many days around a day its blocking checks judge it by. judged_by: the
    settings that the verdicts depend on.
    """

    subject: str
    asset: str
    about: str
    checks: Sequence[Named]
    find: Callable[[Lake, list[dt.date] | None], Iterable[Finding]]
    after: Sequence[str] = field(default_factory=tuple)
    before_day: int = 0
    after_day: int = 0
    judged_by: Sequence[str] = field(default_factory=tuple)

    def definition(self, clock: Callable[[], dt.datetime]) -> dg.AssetChecksDefinition:
        """The Dagster checks."""
        is_daily = contracts.ALL[self.about].day_column is not None

        @dg.multi_asset_check(
            name="check_" + "".join(letter if letter.isalnum() else "_" for letter in self.subject),
            specs=[
                dg.AssetCheckSpec(
                    check.name,
                    asset=asset_key(self.asset),
                    description=check.description,
                    blocking=check.is_blocking,
                    additional_deps=[asset_key(table) for table in self.after],
                )
                for check in self.checks
            ],
            required_resource_keys={"lake"},
        )
        def run_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            lake: Lake = context.resources.lake
            days, left_out = self._days(lake, context.run, clock()) if is_daily else (None, set[dt.date]())
            findings = list(self.find(lake.computing(contracts.ALL[self.about].group), days))
            record(
                lake,
                self.subject,
                self.asset,
                [finding.verdict for finding in findings],
                days,
                lake.snapshot(self.about).state,
                clock(),
                left_out=left_out,
                judged_by=self.judged_by,
            )
            for finding in findings:
                yield _result(self.asset, finding, days, left_out)

        return run_checks

    def _days(self, lake: Lake, run: dg.DagsterRun, now: dt.datetime) -> tuple[list[dt.date], set[dt.date]]:
        """The days to judge, and those that should be judged and cannot be yet."""
        waiting = self._waiting(lake, known_days(lake.settings, now))
        everything = set(lake.snapshot(self.about).state.written)
        to_check = days_to_check(lake, self.subject, self.asset, self.about, [check.name for check in self.checks])
        if CHECK_EVERYTHING in run.tags:
            days = everything | to_check
        else:
            asked = run_days(run)
            days = to_check or ({day for day in everything if day in asked} if asked else everything)
        return sorted(days - waiting), to_check & waiting

    def _waiting(self, lake: Lake, known: Days) -> set[dt.date]:
        """Days on which rows of raw would be held against older ones of core."""
        tables = [contracts.ALL[name] for name in (self.about, *self.after)]
        computed = [table.name for table in tables if table.group == "core" and table.day_column]
        return reach_of(days_behind(lake, computed, known), self.before_day, self.after_day) if computed else set()


def contract_checks(table: Table) -> CheckSet:
    """What the contract says of the table's own rows."""
    own = dataclasses.replace(table, columns=[dataclasses.replace(column, refers_to=None) for column in table.columns])
    return CheckSet(table.name, table.name, table.name, _named(own), _evaluate(own))


def reference_checks(table: Table) -> list[CheckSet]:
    """Whether what the table refers to exists: asked of the table that is referred to, when it is up to date."""
    referred = sorted({column.refers_to.table for column in table.columns if column.refers_to})
    return [_reference_checks(table, name) for name in referred]


def _reference_checks(table: Table, referred: str) -> CheckSet:
    columns = [
        contracts.Column(column.name, column.type, column.description, refers_to=column.refers_to)
        for column in table.columns
        if column.refers_to is not None and column.refers_to.table == referred
    ]
    only = dataclasses.replace(table, columns=columns, key=(), partition_by=(), day_column=None)
    prefix = table.name.replace("/", "_") + "_"
    return CheckSet(
        f"{table.name} references {referred}",
        referred,
        table.name,
        [dataclasses.replace(named, name=prefix + named.name) for named in _named(only)],
        _evaluate(only, [referred], prefix),
        after=[table.name],
    )


def _named(table: Table) -> list[Named]:
    advice = advice_of(table)
    return [Named(found.name, found.description, advice=advice[found.name]) for found in expectations_of(table)]


def _evaluate(
    table: Table, referred: Sequence[str] = (), prefix: str = ""
) -> Callable[[Lake, list[dt.date] | None], Iterable[Finding]]:
    def find(lake: Lake, days: list[dt.date] | None) -> Iterable[Finding]:
        for found in evaluations(lake, table, days, referred):
            yield Finding(Verdict(prefix + found.name, found.passed, True, found.numbers), found.sample, found.advice)

    return find


def evaluations(lake: Lake, table: Table, days: list[dt.date] | None, referred: Sequence[str]) -> list[Evaluation]:
    """What the contract says of the rows of some days, judged by the engine that computes."""
    if lake.compute.kind == "spark":
        frame = cast("SparkEngine", lake.compute).frame
        return evaluate_frames(
            table, frame(lake.read(table.name, days)), {name: frame(lake.read(name)) for name in referred}
        )
    return evaluate(
        table,
        lake.engine.connection,
        lake.read_sql(table.name, days),
        {name: lake.read_sql(name) for name in referred},
    )


def _result(
    asset: str, finding: Finding, days: list[dt.date] | None, left_out: Collection[dt.date]
) -> dg.AssetCheckResult:
    verdict = finding.verdict
    metadata: dict[str, Any] = dict(verdict.numbers)
    if days:
        metadata["days"] = f"{days[0]} to {days[-1]}" if len(days) > 1 else str(days[0])
    if left_out:
        metadata["left_out"] = (
            f"{', '.join(map(str, ranges_of(left_out)))}: older than raw, judged when they were computed"
        )
    if not verdict.passed:
        metadata["advice"] = finding.advice
        metadata["sample"] = dg.MetadataValue.json([dict(row) for row in finding.sample])
    return dg.AssetCheckResult(
        asset_key=asset_key(asset),
        check_name=verdict.check,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if verdict.is_blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )
