"""What the status says of the daemon, and which of its runs are kept."""

import datetime as dt
import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from streaming_assets.automation.heartbeat import heartbeat_lines
from streaming_assets.automation.retention import forget_old_runs
from streaming_assets.build import sensor_seconds
from streaming_assets.settings import Settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as kept:
        yield kept


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def beat(instance: dg.DagsterInstance, ago: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago, "SENSOR", "one", []))


def asked(
    instance: dg.DagsterInstance, name: str, ago: float, error: str = "", status: TickStatus = TickStatus.SKIPPED
) -> None:
    """A sensor that was asked so many seconds ago."""
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("streaming_assets"), "__repository__")
    kind = InstigatorType.SENSOR
    state = InstigatorState(RemoteInstigatorOrigin(place, name), kind, InstigatorStatus.DECLARED_IN_CODE)
    if instance.get_instigator_state(state.instigator_origin_id, state.selector_id) is None:
        instance.add_instigator_state(state)
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            name,
            kind,
            TickStatus.FAILURE if error else status,
            time.time() - ago,
            selector_id=state.selector_id,
            error=SerializableErrorInfo(error, [], None) if error else None,
            end_timestamp=None if status is TickStatus.STARTED else time.time() - ago,
        )
    )


SENSORS = {"alerts_sensor": 30, "landing_sensor": 30}


def lines(instance: dg.DagsterInstance) -> list[str]:
    return list(heartbeat_lines(instance, utc_now(), SENSORS))


@pytest.mark.parametrize(
    ("seconds_ago", "told"),
    [(10, "automation alive, 2 sensors"), (100, "automation alive"), (600, "the daemon is not running, last seen")],
)
def test_the_daemon_is_alive_while_it_says_so(instance, seconds_ago, told):
    beat(instance, seconds_ago)
    for name in SENSORS:
        asked(instance, name, seconds_ago)
    (line,) = lines(instance)
    assert told in line


def test_where_the_daemon_never_ran_it_is_said_how_to_start_it(instance):
    (line,) = lines(instance)
    assert line == "automation the daemon never ran here; `streaming-assets ui` starts it"


def test_a_daemon_whose_code_does_not_load_is_not_called_alive(instance):
    beat(instance, 10)
    asked(instance, "landing_sensor", 3600)
    headline, alerts, landing = lines(instance)
    assert headline.startswith("automation the daemon runs, and 2 of 2 sensors do not: see in the UI")
    assert alerts == "  alerts_sensor was never asked"
    assert landing.startswith("  landing_sensor was last asked at 20")
    assert landing.endswith("UTC; every 30 seconds are due")


def test_a_sensor_that_failed_when_it_last_ended_is_named_though_it_is_being_asked_again(instance):
    beat(instance, 10)
    asked(instance, "landing_sensor", 5)
    asked(instance, "alerts_sensor", 60)
    asked(instance, "alerts_sensor", 30, "Unable to reach the user code server\n")
    asked(instance, "alerts_sensor", 1, status=TickStatus.STARTED)
    headline, failed = lines(instance)
    assert headline.startswith("automation the daemon runs, and 1 of 2 sensors do not")
    assert failed.startswith("  alerts_sensor failed at 20")
    assert failed.endswith("UTC: Unable to reach the user code server")
    asked(instance, "alerts_sensor", 0)
    assert lines(instance)[0].startswith("automation alive")


def test_a_sensor_that_was_asked_by_a_clock_that_was_ahead_is_said_to_wait_for_it(instance):
    beat(instance, 10)
    asked(instance, "landing_sensor", 5)
    asked(instance, "alerts_sensor", -3 * 86_400)
    headline, ahead = lines(instance)
    assert "1 of 2 sensors do not" in headline
    assert ahead.startswith("  alerts_sensor is not asked before 20")


def test_a_sensor_that_the_project_no_longer_has_and_one_that_was_stopped_by_hand_are_not_missed(instance):
    beat(instance, 10)
    asked(instance, "landing_sensor", 5)
    asked(instance, "a_sensor_of_last_year", 10**7)
    asked(instance, "alerts_sensor", 10**5)
    (state,) = (found for found in instance.all_instigator_state() if found.instigator_name == "alerts_sensor")
    instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    headline, stopped = lines(instance)
    assert headline.startswith("automation alive")
    assert stopped == "  stopped by hand: alerts_sensor"


def test_the_sensors_that_are_to_be_asked_are_those_of_the_project(tmp_path):
    assert sensor_seconds(Settings(data_dir=tmp_path)) == {
        "landing_sensor": 30, "pending_days_sensor": 10, "refresh_sensor": 10, "alerts_sensor": 30, "retention_sensor": 600,
    }  # fmt: skip


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
