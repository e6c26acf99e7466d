"""What the status says of the daemon, and which of its runs are kept."""

import datetime as dt
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from streaming_assets.automation.heartbeat import heartbeat_lines
from streaming_assets.automation.retention import forget_old_runs


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as kept:
        yield kept


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def beat(instance: dg.DagsterInstance, ago: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago, "SENSOR", "one", []))


@pytest.mark.parametrize(
    ("seconds_ago", "told"),
    [(10, "automation alive"), (100, "automation alive"), (600, "the daemon is not running, last seen")],
)
def test_the_daemon_is_alive_while_it_says_so(instance, seconds_ago, told):
    beat(instance, seconds_ago)
    (line,) = heartbeat_lines(instance, utc_now())
    assert told in line


def test_where_the_daemon_never_ran_it_is_said_how_to_start_it(instance):
    (line,) = heartbeat_lines(instance, utc_now())
    assert line == "automation the daemon never ran here; `streaming-assets ui` starts it"


@dg.job
def some_job() -> None:
    """A job that nobody runs."""


def test_runs_that_are_over_are_kept_for_thirty_days_and_those_that_go_on_for_as_long_as_they_do(instance):
    over = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.FAILURE)
    going_on = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED)
    assert forget_old_runs(instance, utc_now() + dt.timedelta(days=29)) == 0
    assert instance.get_run_by_id(over.run_id) is not None
    assert forget_old_runs(instance, utc_now() + dt.timedelta(days=31)) == 1
    assert [run.run_id for run in instance.get_runs()] == [going_on.run_id]
