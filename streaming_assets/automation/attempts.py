"""Runs that sensors ask for: never beside another one, and never again and again at once when they do not succeed."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping

import dagster as dg

from streaming_assets.automation.clock import utc_of

WORK = "streaming_assets/work"
"""Run tag: what the run was asked to do; the same while it is not done."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FIRST_WAIT = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(hours=1)


def work_of(parts: Iterable[object]) -> str:
    """A name for what is to be done, the same for the same parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def unfinished(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A run of any job that is waiting or goes on."""
    return next(iter(instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1)), None)


def attempt(
    instance: dg.DagsterInstance, job: str, work: str, tags: Mapping[str, str], now: dt.datetime
) -> dg.RunRequest | dg.SkipReason:
    """The run that does this work, or why not now.

    A run key counts as used even when its run dies, so that it carries the number of the attempt. Each attempt waits
    twice as long as the one before, FIRST_WAIT to LONGEST_WAIT after its end; other work starts at once. now: UTC
    without zone.
    """
    going_on = unfinished(instance)
    if going_on is not None:
        return dg.SkipReason(f"run {going_on.run_id} of {going_on.job_name} is not over")
    before = instance.get_run_records(dg.RunsFilter(job_name=job, tags={WORK: work}), limit=20)
    ended = [record.end_time or record.create_timestamp.timestamp() for record in before]
    if ended:
        wait = min(FIRST_WAIT * 2 ** (len(ended) - 1), LONGEST_WAIT)
        again_at = utc_of(max(ended)) + wait
        if now < again_at:
            return dg.SkipReason(
                f"attempt {len(ended)} at {job} did not do the work; the next one at {again_at:%H:%M:%S} UTC"
            )
    return dg.RunRequest(run_key=f"{job}-{work}-{len(ended)}", job_name=job, tags={**tags, WORK: work})
