"""Schedules, in the reporting timezone: every night all of it, every week the trainings, every morning what must have come."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.clock import Clock
from streaming_assets.automation.jobs import NIGHTLY, STANDING_CHECKS, TRAIN_MODELS
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.sensors import Job
from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import blocking_upstream
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

NIGHTLY_AT = "30 2 * * *"
TRAINED_AT = "30 3 * * 0"
ASKED_AT = "0 7 * * *"


def schedules(settings: Settings, clock: Clock, jobs: Mapping[str, Job]) -> list[dg.ScheduleDefinition]:
    """The schedules; running by default."""
    return [
        dg.ScheduleDefinition(
            name=name,
            job=jobs[job],
            cron_schedule=cron,
            execution_timezone=settings.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
            execution_fn=asked,
        )
        for name, job, cron, description, asked in (
            (
                "nightly_schedule",
                NIGHTLY,
                NIGHTLY_AT,
                "The last two days again, marts, experiments, scores, forecast, and the published file.",
                lambda _context: _unless_held(settings, _tags(last_two_days(settings, clock()))),
            ),
            (
                "weekly_training_schedule",
                TRAIN_MODELS,
                TRAINED_AT,
                "Churn, clusters and the forecast are trained on what has come; a champion stays until something is better.",
                lambda _context: _unless_held(settings, {}),
            ),
            (
                "standing_checks_schedule",
                STANDING_CHECKS,
                ASKED_AT,
                "Whether yesterday has landed, and whether a day was left behind.",
                lambda _context: dg.RunRequest(),
            ),
        )
    ]


def last_two_days(settings: Settings, now: dt.datetime) -> Days:
    """Yesterday and the day before, in the reporting timezone; as many of them as there are partitions."""
    today = known_days(settings, now).last - ONE_DAY
    first = max(today - 2 * ONE_DAY, settings.start_date)
    return Days(first, max(today - ONE_DAY, first))


def _unless_held(settings: Settings, tags: Mapping[str, str]) -> dg.RunRequest | dg.SkipReason:
    """A run, or why nothing can be made of what there is: it would only fail again by a check that stands failed."""
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        if not lake.snapshot("core/calendar").state.version:
            return dg.SkipReason("nothing was taken in yet")
        standing = blocking_upstream(lake, ())
    if standing:
        return dg.SkipReason(f"blocking checks stand failed: {'; '.join(map(str, standing))}")
    return dg.RunRequest(tags=tags)


def _tags(days: Days) -> dict[str, str]:
    return {RANGE_START: str(days.first), RANGE_END: str(days.last)}
