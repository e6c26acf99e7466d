"""Runs whose process was killed: Dagster keeps them as going on, and its queue would wait for them for ever."""

import datetime as dt

import dagster as dg

from streaming_assets.lake.lock import is_writing
from streaming_assets.settings import Settings

STARTING = dt.timedelta(minutes=5)
"""A run that has begun asks for the lake's lock within this time."""


def end_dead_runs(settings: Settings, instance: dg.DagsterInstance, now: dt.datetime) -> list[str]:
    """Enter as failed the runs that have begun, and neither hold the lake's lock nor wait for it; their ids.

    Every run holds the lock or waits for whoever does, from its beginning to its end, and the kernel frees it with the
    process. So while nobody holds it no run goes on, but for those that begin. now: UTC without zone.
    """
    begun = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    )
    old = [record for record in begun if now - _begun_at(record) > STARTING]
    if not old or is_writing(settings.lake_dir):
        return []
    for record in old:
        instance.report_run_failed(
            record.dagster_run, "The process of this run is gone: it was killed, or its machine went down."
        )
    return [record.dagster_run.run_id for record in old]


def _begun_at(record: dg.RunRecord) -> dt.datetime:
    begun = record.start_time or record.create_timestamp.timestamp()
    return dt.datetime.fromtimestamp(begun, dt.UTC).replace(tzinfo=None)
