"""Processes of a running instance that are killed in the middle of a run: everything heals without anybody touching anything."""

import datetime as dt
import os
import signal
import sqlite3
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from streaming_assets.automation.dead_runs import STARTING
from streaming_assets.automation.jobs import COMPUTE_DAYS
from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences
from streaming_assets_tests.end_to_end.service import steady_week

from .conftest import Up
from .running_instance import KEY, RunningInstance

FILES = {path: text.encode() for path, text in steady_week(dt.date(2026, 3, 24), 4).items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """What a run that nothing disturbs makes of the files."""
    folder = DataFolder.at(tmp_path_factory.mktemp("undisturbed") / "data", email_key=KEY)
    folder.land(FILES)
    folder.run()
    return folder.core()


def in_the_middle(instance: RunningInstance) -> tuple[str, int]:
    """Waits until a run computes days; its id and that of its process."""
    found: list[tuple[str, int]] = []

    def is_computing() -> bool:
        with instance.instance() as storage:
            started = dg.RunsFilter(job_name=COMPUTE_DAYS, statuses=[dg.DagsterRunStatus.STARTED])
            for run in storage.get_runs(started):
                for entry in storage.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START):
                    found.append((run.run_id, int(entry.get_dagster_event().pid or 0)))
        return bool(found)

    instance.wait_for("a run that computes days", is_computing)
    return found[0]


def status_of(instance: RunningInstance, run_id: str) -> dg.DagsterRunStatus:
    with instance.instance() as storage:
        run = storage.get_run_by_id(run_id)
        assert run is not None
        return run.status


def assert_healed(instance: RunningInstance, run_id: str, undisturbed: dict[str, pa.Table]) -> None:
    instance.wait_until_nothing_is_due()
    assert status_of(instance, run_id) is dg.DagsterRunStatus.FAILURE
    assert differences(instance.folder.core(), undisturbed) == []
    assert instance.runs()[COMPUTE_DAYS, "SUCCESS"] >= 1
    instance.wait_for("the news that it is over", lambda: instance.alerts()[-1:] != [] and is_over(instance))


def is_over(instance: RunningInstance) -> bool:
    """One failure of the run was told, and one recovery."""
    return [line["kind"] for line in instance.alerts() if line["severity"] == "run"] == ["failing", "recovered"]


@pytest.mark.slow
def test_a_run_whose_process_is_killed_is_run_again(up: Up, undisturbed: dict[str, pa.Table]) -> None:
    instance = up()
    instance.land(FILES)
    run_id, process = in_the_middle(instance)
    os.kill(process, signal.SIGKILL)
    assert_healed(instance, run_id, undisturbed)


@pytest.mark.slow
def test_a_run_that_went_down_with_the_machine_is_ended_and_run_again(up: Up, undisturbed: dict[str, pa.Table]) -> None:
    instance = up()
    instance.land(FILES)
    run_id, _ = in_the_middle(instance)
    instance.kill()
    assert status_of(instance, run_id) is dg.DagsterRunStatus.STARTED
    the_machine_is_down_for(STARTING, instance.folder.settings.dagster_home)
    instance.start()
    assert_healed(instance, run_id, undisturbed)


def the_machine_is_down_for(a_while: dt.timedelta, home: Path) -> None:
    """Nobody waits for it: the runs began so much earlier instead."""
    with sqlite3.connect(home / "history" / "runs.db") as storage:
        storage.execute("UPDATE runs SET start_time = start_time - ?", (a_while.total_seconds(),))
    storage.close()
