"""What an instance knows of runs that failed, by its own clock: the daemon's and the command line's share it."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg

from streaming_assets import contracts
from streaming_assets.alerts.standing import TEAM, FailedRun, Job
from streaming_assets.assets.io import HELD_BACK
from streaming_assets.automation.clock import utc_of

LOOK_BACK = dt.timedelta(hours=1)
"""Runs that ended so long before the latest one of the last look may have been entered after it."""
_AT_MOST = 500
_SEEN_AT_MOST = 1000
"""Failed runs that are remembered as seen, those that failed last."""


@dataclass(frozen=True)
class Failed:
    """runs: those that failed for another reason than a check. seen: all failed ones, with the time of each.

    until: when the instance's latest run was last heard of; never later than the look.
    """

    runs: list[FailedRun]
    seen: dict[str, dt.datetime]
    until: dt.datetime | None


def failed_runs(
    instance: dg.DagsterInstance, seen: Mapping[str, dt.datetime], until: dt.datetime | None, now: dt.datetime
) -> Failed:
    """Failed runs that are not among the seen ones, from an hour before the end of the last look on.

    Where nobody has looked yet, from an hour before the instance's latest run on. A run that ended by a clock that was
    ahead counts as of now. now: UTC without zone.
    """
    latest = _latest(instance)
    if latest is None:
        return Failed([], {}, until)
    since = min(until or latest, now) - LOOK_BACK
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=_aware(since)),
        limit=_AT_MOST,
        order_by="update_timestamp",
    )
    ended = {record.dagster_run.run_id: _ended_at(record) for record in records}
    new = [
        dataclasses.replace(found, failed_at=min(found.failed_at, now))
        for record in records
        if record.dagster_run.run_id not in seen and _ended_at(record) > since
        for found in _told_of(instance, record)
    ]
    # Those before the look remain too: a clock that is set back has them looked at once more.
    remembered = sorted({**seen, **ended}.items(), key=lambda run: run[1])[-_SEEN_AT_MOST:]
    return Failed(new, dict(remembered), min(max(until or latest, latest), now))


def last_green(
    instance: dg.DagsterInstance, jobs: Iterable[Job], since: dt.datetime, now: dt.datetime
) -> dict[Job, dt.datetime | None]:
    """When each job, with all of its chosen assets, last ended well between two times, in UTC without zone."""
    return {job: _last_green(instance, job, since, now) for job in set(jobs)}


def reasons(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """(step, error) of what went wrong in a failed run; nothing where failed checks say it all."""
    events = [
        entry.get_dagster_event() for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    ]
    if events:
        return [(event.step_key or "", _error(event)) for event in events if not _is_of_checks(event)]
    ends = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return [("", entry.get_dagster_event().message or "the run failed") for entry in ends] or [("", "the run failed")]


def _told_of(instance: dg.DagsterInstance, record: dg.RunRecord) -> list[FailedRun]:
    run = record.dagster_run
    found = reasons(instance, run.run_id)
    if not found:
        return []
    step, error = found[0]
    more = f" (and {len(found) - 1} steps more)" if len(found) > 1 else ""
    table = contracts.ALL.get(step.replace("__", "/"))
    return [FailedRun(_job(run), run.run_id, _ended_at(record), error + more, table.owner if table else TEAM)]


def _is_of_checks(event: dg.DagsterEvent) -> bool:
    """A step that ended as failed because a blocking check did, or that was held back by one."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None:
        return HELD_BACK in failure.user_failure_data.metadata
    return failure.error is not None and failure.error.cls_name == "DagsterAssetCheckFailedError"


def _error(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key}: {error.message.strip()}" if error else str(event.message)


def _last_green(instance: dg.DagsterInstance, job: Job, since: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    records = instance.get_run_records(
        dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=_aware(since)),
        limit=_AT_MOST,
        order_by="update_timestamp",
    )
    ends = (_ended_at(record) for record in records if _covers(record.dagster_run, job))
    return max((end for end in ends if end <= now), default=None)


def _covers(run: dg.DagsterRun, job: Job) -> bool:
    """Whether the run was of everything that the job's chosen assets are."""
    chosen = _job(run).assets
    return not chosen or (bool(job.assets) and set(job.assets) <= set(chosen))


def _job(run: dg.DagsterRun) -> Job:
    return Job(run.job_name, tuple(sorted("/".join(key.path) for key in run.asset_selection or ())))


def _latest(instance: dg.DagsterInstance) -> dt.datetime | None:
    return max((_ended_at(record) for record in instance.get_run_records(limit=1)), default=None)


def _ended_at(record: dg.RunRecord) -> dt.datetime:
    """When the run ended, or was last heard of, in UTC without zone."""
    if record.end_time is not None:
        return utc_of(record.end_time)
    return record.update_timestamp.astimezone(dt.UTC).replace(tzinfo=None)


def _aware(at: dt.datetime) -> dt.datetime:
    return at.replace(tzinfo=dt.UTC)
