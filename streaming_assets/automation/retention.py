"""Old runs are forgotten, so that Dagster's own storage does not grow for ever: the lake remembers what counts."""

import datetime as dt

import dagster as dg

from streaming_assets.automation.attempts import UNFINISHED
from streaming_assets.automation.clock import Clock

KEPT_FOR = dt.timedelta(days=30)
AT_ONCE = 50
"""Runs that one tick deletes: a sensor that has not ended after a minute counts as failed."""

_OVER = [status for status in dg.DagsterRunStatus if status not in UNFINISHED]


def forget_old_runs(instance: dg.DagsterInstance, now: dt.datetime) -> int:
    """Delete runs that were made more than KEPT_FOR ago and are over, with their events; how many went.

    now: UTC without zone.
    """
    made_before = now.replace(tzinfo=dt.UTC) - KEPT_FOR
    old = instance.get_runs(dg.RunsFilter(statuses=_OVER, created_before=made_before), limit=AT_ONCE, ascending=True)
    for run in old:
        instance.delete_run(run.run_id)
    return len(old)


def retention_sensor(clock: Clock) -> dg.SensorDefinition:
    """The daemon's broom."""

    @dg.sensor(
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Deletes runs of more than {KEPT_FOR.days} days ago with their events; tables keep theirs in the lake.",
    )
    def retention_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(f"{forget_old_runs(context.instance, clock())} runs were deleted")

    return retention_sensor
