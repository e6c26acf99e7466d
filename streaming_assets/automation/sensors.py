"""Sensors: what the command line does in one pass, asked for step by step as files come in.

They read the lake's committed tables and the landing folder, and ask `plan` as the command line does; the tables are
therefore the same whoever makes them.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.attempts import attempt, work_of
from streaming_assets.automation.clock import Clock
from streaming_assets.automation.dead_runs import end_dead_runs
from streaming_assets.automation.jobs import COMPUTE_DAYS, INGEST, PUBLISH, STANDING_CHECKS
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.plan import REFRESHES, due_days, held_days, ingest_work, runs_for
from streaming_assets.automation.standing import recovered
from streaming_assets.lake.days import ranges_of
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import open_failures
from streaming_assets.lake.ingest import ledger_rows
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources
from streaming_assets.sources.landing import is_settled

Subjects = Mapping[str, Mapping[str, str]]
"""Check subjects by job, as subject → table."""
Job = Any
"""What dg.define_asset_job gives; Dagster has no public name for its type."""
Jobs = Mapping[str, Job]

LANDING_SECONDS = 30
FOLLOWING_SECONDS = 10
"""What follows an ingest need not wait as long as files that are still to settle."""


def sensors(settings: Settings, clock: Clock, subjects: Subjects, jobs: Jobs) -> list[dg.SensorDefinition]:
    """The sensors that take files from landing to the published file; running by default."""
    return [
        _landing_sensor(settings, clock, subjects[INGEST], jobs[INGEST]),
        _pending_days_sensor(settings, clock, subjects[COMPUTE_DAYS], jobs[COMPUTE_DAYS]),
        _refresh_sensor(settings, clock, subjects, jobs),
    ]


def _landing_sensor(settings: Settings, clock: Clock, subjects: Mapping[str, str], job: Job) -> dg.SensorDefinition:
    @dg.sensor(
        name="landing_sensor",
        job=job,
        minimum_interval_seconds=LANDING_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One run for all files in landing that the ledger does not know in their present state.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = clock()
        with duckdb_engine(settings) as engine:
            # Files that may still be written to are left for later.
            ready = partial(is_settled, now=now, seconds=settings.settle_seconds)
            lake = Lake(settings, engine)
            if not (settings.landing_dir.is_dir() or ledger_rows(lake)):
                return dg.SkipReason(
                    f"nothing was taken in yet, and there is no folder {settings.landing_dir} to look in"
                )
            work = list(ingest_work(lake, load_sources(settings.sources_dir), subjects, ready))
        if not work:
            return dg.SkipReason(f"nothing new in {settings.landing_dir}")
        return attempt(context.instance, INGEST, work_of(work), {}, now)

    return landing


def _pending_days_sensor(
    settings: Settings, clock: Clock, subjects: Mapping[str, str], job: Job
) -> dg.SensorDefinition:
    @dg.sensor(
        name="pending_days_sensor",
        job=job,
        minimum_interval_seconds=FOLLOWING_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A run for the next range of days whose rows changed since they were computed or checked.",
    )
    def pending_days(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = clock()
        with duckdb_engine(settings) as engine:
            lake = Lake(settings, engine)
            runs = runs_for(due_days(lake, known_days(settings, now), subjects), held_days(lake))
            versions = [lake.snapshot(name).state.version for name in ("raw/events", "core/calendar")]
        if not runs:
            return dg.SkipReason("no day is pending")
        tags = {RANGE_START: str(runs[0].first), RANGE_END: str(runs[0].last)}
        return attempt(context.instance, COMPUTE_DAYS, work_of([*versions, *runs]), tags, now)

    return pending_days


def _refresh_sensor(settings: Settings, clock: Clock, subjects: Subjects, jobs: Jobs) -> dg.SensorDefinition:
    @dg.sensor(
        name="refresh_sensor",
        jobs=[*(jobs[refresh.job] for refresh in REFRESHES), jobs[STANDING_CHECKS]],
        minimum_interval_seconds=FOLLOWING_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "When no day is pending: the next of users and content, marts, experiments, models and the published file "
            "that is behind; then the standing checks, where one that stands failed would pass. Ends runs whose process "
            "is gone."
        ),
    )
    def refresh(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = clock()
        for run_id in end_dead_runs(settings, context.instance, now):
            context.log.warning(f"run {run_id} was entered as failed: its process is gone")
        with duckdb_engine(settings) as engine:
            lake = Lake(settings, engine)
            if not lake.snapshot("core/calendar").state.version:
                return dg.SkipReason("nothing was taken in yet")
            pending = due_days(lake, known_days(settings, now), subjects[COMPUTE_DAYS])
            if pending:
                return dg.SkipReason(f"days are pending: {', '.join(map(str, ranges_of(pending)))}")
            blocking = [str(failure) for failure in open_failures(lake) if failure.is_blocking]
            due = next((found.job for found in REFRESHES if found.is_due(lake, subjects.get(found.job, {}))), None)
            is_held = bool(blocking) and due == PUBLISH
            seen = [*_seen(lake)]
            over = recovered(lake, subjects[COMPUTE_DAYS], now) if due is None or is_held else []
        if over:
            return attempt(context.instance, STANDING_CHECKS, work_of(map(repr, over)), {}, now)
        if is_held:
            return dg.SkipReason(
                f"the published file keeps its last state while these stand failed: {'; '.join(blocking)}"
            )
        if due is None:
            return dg.SkipReason("everything is up to date")
        return attempt(context.instance, due, work_of([due, *seen]), {}, now)

    return refresh


def _seen(lake: Lake) -> Iterator[str]:
    """What tells whether a job that was tried before has other work now."""
    yield str(reporting_day(lake))
    yield from (f"{name} {lake.snapshot(name).state.version}" for name in _UPSTREAM)
    file = lake.settings.experiments_file
    yield str(file.stat().st_mtime_ns) if file.exists() else "no experiments"


_UPSTREAM = ("core/events", "core/sessions", "core/user_daily", "core/users", "core/content")
