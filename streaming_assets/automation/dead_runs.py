"""Runs whose process was killed: Dagster keeps them as going on, and its queue would wait for them for ever."""

import datetime as dt

import dagster as dg

from streaming_assets.automation.attempts import UNFINISHED
from streaming_assets.automation.clock import utc_of
from streaming_assets.lake.lock import is_writing
from streaming_assets.settings import Settings

STARTING = dt.timedelta(minutes=5)
"""A run asks for the lake's lock within this time from being created, launched or started."""

SEEN = "streaming_assets/without_a_process_since"
"""Run tag: when a look first found nobody holding the lock."""
LOOK_AGAIN_AFTER = dt.timedelta(seconds=20)
"""A run that ends has freed the lock a moment before it says so; one that is dead says nothing later either."""

WITHOUT_A_PROCESS = [status for status in UNFINISHED if status is not dg.DagsterRunStatus.QUEUED]
"""What a run may stand at for ever when its process, or the one that was to start it, is gone. The queue starts the others."""


def end_dead_runs(settings: Settings, instance: dg.DagsterInstance, now: dt.datetime) -> list[str]:
    """Enter as failed the runs that are under way, and neither hold the lake's lock nor wait for it; their ids.

    Every run holds the lock or waits for whoever does, from its beginning to its end, and the kernel frees it with the
    process. So while nobody holds it no run goes on, but for those that begin and those that end: a run is dead when two
    looks find it so. now: UTC without zone.
    """
    under_way = instance.get_run_records(dg.RunsFilter(statuses=WITHOUT_A_PROCESS))
    old = [record.dagster_run for record in under_way if now - _begun_at(record) > STARTING]
    if not old or is_writing(settings.lake_dir):
        return []
    for run in old:
        if SEEN not in run.tags:
            instance.add_run_tags(run.run_id, {SEEN: now.isoformat()})
    dead = [run for run in old if SEEN in run.tags and now - _seen(run) >= LOOK_AGAIN_AFTER]
    for run in dead:
        instance.report_run_failed(run, "The process of this run is gone: it was killed, or its machine went down.")
    return [run.run_id for run in dead]


def _seen(run: dg.DagsterRun) -> dt.datetime:
    return dt.datetime.fromisoformat(run.tags[SEEN])


def _begun_at(record: dg.RunRecord) -> dt.datetime:
    """When it started; where it did not, when it was last heard of: it may have waited long in the queue before."""
    if record.start_time is not None:
        return utc_of(record.start_time)
    return record.update_timestamp.astimezone(dt.UTC).replace(tzinfo=None)
