"""One pass from landing to the published file: every step that is due, as the Dagster job that does it."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import dagster as dg

from streaming_assets import contracts
from streaming_assets.assets.checks import CHECK_EVERYTHING
from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.jobs import (
    CHECK,
    COMPUTE_DAYS,
    GROUPS,
    INGEST,
)
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.plan import (
    REFRESHES,
    Refresh,
    due_days,
    held_days,
    is_ingest_due,
    runs_for,
)
from streaming_assets.build import build_definitions, check_sets, utc_now
from streaming_assets.lake.days import Days
from streaming_assets.lake.delta import Snapshot
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.lock import writer_lock
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources

Answer = TypeVar("Answer")
StepEnded = Callable[[str], None]
Watch = Callable[[str, Days | None, int], AbstractContextManager[StepEnded]]
"""Told the job, its days and its number of steps; gives what is told every step that ended."""


@dataclass(frozen=True)
class Step:
    """A job that ran: how many assets it made and checks it passed, which checks failed, and what went wrong else."""

    job: str
    days: Days | None
    seconds: float
    materialised: int
    checks_passed: int
    failed_checks: Sequence[str]
    failed_blocking: Sequence[str]
    errors: Sequence[str]


class Pipeline:
    """Runs what is due on one data folder, in this process, in the Dagster instance of that folder."""

    def __init__(
        self,
        settings: Settings,
        instance: dg.DagsterInstance,
        clock: Callable[[], dt.datetime] = utc_now,
        watch: Watch = lambda job, days, steps: nullcontext(lambda step: None),
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._clock = clock
        self._watch = watch
        self._step_ended: StepEnded = lambda step: None
        progress = dg.LoggerDefinition(self._progress_logger, description="tells which step ended")
        self._repository = build_definitions(settings, clock, {"progress": progress}).get_repository_def()
        self._subjects = {
            job: {found.subject: found.about for found in found_sets}
            for job, found_sets in check_sets(settings).items()
        }

    def run(self, days: Days | None = None, groups: Collection[str] = GROUPS) -> list[Step]:
        """Every step that is due, and the given days whether they are due or not; stops at a step that breaks.

        A failed check does not stop it: what the check blocks is left out, and publishing is refused.
        """
        steps: list[Step] = []
        with writer_lock(self._settings.lake_dir):
            self._ask(_all_tables)
            for job, run_days in self._due(days, groups):
                steps.append(self._execute(job, run_days))
                if steps[-1].errors:
                    break
        return steps

    def check(self) -> list[Step]:
        """All checks on everything that is there."""
        with writer_lock(self._settings.lake_dir):
            self._ask(_all_tables)
            return [self._execute(CHECK, None, {CHECK_EVERYTHING: "true"})]

    def _due(self, days: Days | None, groups: Collection[str]) -> Iterator[tuple[str, Days | None]]:
        sources = load_sources(self._settings.sources_dir)
        if "raw" in groups and self._ask(lambda lake: is_ingest_due(lake, sources, self._subjects[INGEST])):
            yield INGEST, None
        if "core" in groups:
            for found in self._ask(lambda lake: self._day_runs(lake, days)):
                yield COMPUTE_DAYS, found
        for refresh in REFRESHES:
            if refresh.group in groups and self._ask(partial(_is_due, refresh, self._subjects.get(refresh.job, {}))):
                yield refresh.job, None

    def _day_runs(self, lake: Lake, asked: Days | None) -> list[Days]:
        known = known_days(self._settings, self._clock())
        due = due_days(lake, known, self._subjects[COMPUTE_DAYS])
        return runs_for(due | set(asked or ()), held_days(lake))

    def _ask(self, question: Callable[[Lake], Answer]) -> Answer:
        with duckdb_engine(self._settings) as engine:
            return question(Lake(self._settings, engine))

    def _progress_logger(self, _context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("progress", logging.DEBUG)
        logger.addHandler(_StepEndings(lambda step: self._step_ended(step)))
        return logger

    def _execute(self, job: str, days: Days | None, tags: Mapping[str, str] | None = None) -> Step:
        definition = self._repository.get_job(job)
        started = time.monotonic()
        day_tags = {RANGE_START: str(days.first), RANGE_END: str(days.last)} if days else {}
        with self._watch(job, days, len(definition.nodes)) as self._step_ended:
            result = definition.execute_in_process(
                instance=self._instance,
                tags={**day_tags, **(tags or {})},
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
        return _step(job, days, time.monotonic() - started, result)


def _is_due(refresh: Refresh, subjects: Mapping[str, str], lake: Lake) -> bool:
    return refresh.is_due(lake, subjects)


def _all_tables(lake: Lake) -> list[Snapshot]:
    """Every table as it stands, so that what cannot be read is refused before anything is written."""
    return [lake.snapshot(name) for name in contracts.ALL]


class _StepEndings(logging.Handler):
    """Tells the key of every step that ended."""

    def __init__(self, tell: StepEnded) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None and (event.is_step_success or event.is_step_failure):
            self._tell(event.step_key)


def _step(job: str, days: Days | None, seconds: float, result: dg.ExecuteInProcessResult) -> Step:
    evaluations = result.get_asset_check_evaluations()
    failed = [found for found in evaluations if not found.passed]
    errors = [
        _reason(event)
        for event in result.all_events
        if event.is_step_failure and not _is_failed_check(event, bool(failed))
    ]
    if not (result.success or failed or errors):
        errors = [str(event.message) for event in result.all_events if event.is_failure] or ["the run failed"]
    return Step(
        job,
        days,
        seconds,
        materialised=len({event.asset_key for event in result.get_asset_materialization_events()}),
        checks_passed=len(evaluations) - len(failed),
        failed_checks=[_name(found) for found in failed],
        failed_blocking=[_name(found) for found in failed if found.severity is dg.AssetCheckSeverity.ERROR],
        errors=errors,
    )


def _is_failed_check(event: dg.DagsterEvent, some_failed: bool) -> bool:
    """A check step ends as failed when a blocking check fails, and when it breaks; the first says so in its error."""
    error = event.step_failure_data.error
    return some_failed and error is not None and error.cls_name == "DagsterAssetCheckFailedError"


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return failure.error.to_string() if failure.error else str(event.message)


def _name(found: dg.AssetCheckEvaluation) -> str:
    return f"{'/'.join(found.asset_key.path)}: {found.check_name}"
