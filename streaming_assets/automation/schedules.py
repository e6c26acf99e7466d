"""Schedules, in the reporting timezone: every night all of it, every week the trainings, every morning what must have come."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.jobs import NIGHTLY, STANDING_CHECKS, TRAIN_MODELS
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.sensors import Clock, Job
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
        _nightly(settings, clock, jobs[NIGHTLY]),
        _weekly_training(settings, jobs[TRAIN_MODELS]),
        dg.ScheduleDefinition(
            name="standing_checks_schedule",
            job=jobs[STANDING_CHECKS],
            cron_schedule=ASKED_AT,
            execution_timezone=settings.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Whether yesterday has landed, and whether a day was left behind.",
        ),
    ]


def _nightly(settings: Settings, clock: Clock, job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="nightly_schedule",
        job=job,
        cron_schedule=NIGHTLY_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The last two days again, marts, experiments, scores, forecast, and the published file.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _unless_held(settings) or dg.RunRequest(tags=_tags(last_two_days(settings, clock())))

    return nightly


def _weekly_training(settings: Settings, job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="weekly_training_schedule",
        job=job,
        cron_schedule=TRAINED_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Churn, clusters and the forecast are trained on what has come; a champion stays until something is better.",
    )
    def weekly_training(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _unless_held(settings) or dg.RunRequest()

    return weekly_training


def last_two_days(settings: Settings, now: dt.datetime) -> Days:
    """Yesterday and the day before, in the reporting timezone; as many of them as there are partitions."""
    today = known_days(settings, now).last - ONE_DAY
    first = max(today - 2 * ONE_DAY, settings.start_date)
    return Days(first, max(today - ONE_DAY, first))


def _unless_held(settings: Settings) -> dg.SkipReason | None:
    """Why nothing can be made of what there is: a run would only fail again by a check that is known to stand failed."""
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        if not lake.snapshot("core/calendar").state.version:
            return dg.SkipReason("nothing was taken in yet")
        standing = blocking_upstream(lake, ())
    if standing:
        return dg.SkipReason(f"blocking checks stand failed: {'; '.join(map(str, standing))}")
    return None


def _tags(days: Days) -> dict[str, str]:
    return {RANGE_START: str(days.first), RANGE_END: str(days.last)}
