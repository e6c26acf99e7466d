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
_DOUBLINGS = 7
"""After so many the wait is the longest one."""


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

    A run key counts as used even when its run dies, so that it names the run of the attempt before: no two attempts have
    the same, however many there were and however many of their runs were deleted. Each attempt waits twice as long as
    the one before, FIRST_WAIT to LONGEST_WAIT after its end; other work starts at once. An attempt that ended by a clock
    that was ahead is not waited for longer than LONGEST_WAIT. now: UTC without zone.
    """
    going_on = unfinished(instance)
    if going_on is not None:
        return dg.SkipReason(f"run {going_on.run_id} of {going_on.job_name} is not over")
    tried = dg.RunsFilter(job_name=job, tags={WORK: work})
    latest = next(iter(instance.get_run_records(tried, limit=1)), None)
    if latest is None:
        return dg.RunRequest(run_key=f"{job}-{work}", job_name=job, tags={**tags, WORK: work})
    times = instance.get_runs_count(tried)
    ended = utc_of(latest.end_time or latest.create_timestamp.timestamp())
    again_at = ended + min(FIRST_WAIT * 2 ** min(times - 1, _DOUBLINGS), LONGEST_WAIT)
    if dt.timedelta() < again_at - now <= LONGEST_WAIT:
        return dg.SkipReason(f"attempt {times} at {job} did not do the work; the next one at {again_at:%H:%M:%S} UTC")
    key = f"{job}-{work}-after-{latest.dagster_run.run_id}"
    return dg.RunRequest(run_key=key, job_name=job, tags={**tags, WORK: work})
