"""Alerts from a lake and an instance as they are: the daemon's sensor, the command line's end, and both at once."""

import datetime as dt
import json
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import freeze_time

from streaming_assets.alerts.record import RecordUnreadableError
from streaming_assets.assets.io import HELD_BACK
from streaming_assets.automation.alerting import WAIT_FOR_WRITER, alerts_sensor, record_file, status_lines, tell
from streaming_assets.cli import main
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import Verdict, record
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.lock import writer_lock
from streaming_assets.settings import Settings
from streaming_assets_tests.alerts.servers import webhook

NOW = dt.datetime(2026, 3, 6, 3, 0)
CHECK = "plays_reconcile_with_user_daily"
SECRET = "secret-of-the-hook"


class Folder:
    """A data folder with an instance of its own; told: kind and subject of every line of the alert log."""

    def __init__(self, data_dir: Path, instance: dg.DagsterInstance) -> None:
        self.settings = Settings(data_dir=data_dir, threads=1, memory_limit="500MB")
        self.instance = instance
        self._set_to: dt.datetime | None = None

    @property
    def now(self) -> dt.datetime:
        """The time of the instance's runs, unless it was set."""
        return self._set_to or dt.datetime.now(dt.UTC).replace(tzinfo=None)

    @now.setter
    def now(self, to: dt.datetime | None) -> None:
        self._set_to = to

    def judge(self, passed: bool) -> None:
        """An evaluation of a check of marts/platform_daily."""
        with duckdb_engine(self.settings) as engine:
            lake = Lake(self.settings, engine)
            state = lake.snapshot("marts/platform_daily").state
            record(
                lake,
                "platform",
                "marts/platform_daily",
                [Verdict(CHECK, passed, True, {"violations": 2})],
                None,
                state,
                NOW,
            )

    def tell(self) -> None:
        tell(self.settings, self.instance, lambda: self.now, {})

    @property
    def told(self) -> list[tuple[str, str]]:
        log = self.settings.alert_log
        lines = log.read_text().splitlines() if log.exists() else []
        return [(line["kind"], line["about"][0].split(":")[0]) for line in map(json.loads, lines)]

    def runs(self, fail: Callable[[], None] | None, job: str = "publish") -> str:
        """A run of a job whose only step does this; the run's id."""

        @dg.op
        def step() -> None:
            if fail is not None:
                fail()

        @dg.job(name=job)
        def made() -> None:
            step()

        return made.execute_in_process(instance=self.instance, raise_on_error=False).run_id


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Folder(tmp_path / "data", instance)


def breaks() -> None:
    raise OSError("No space left on device")


def is_held_back() -> None:
    raise dg.Failure("Blocking checks stand failed", metadata={HELD_BACK: True}, allow_retries=False)


def test_a_folder_without_a_lake_has_nothing_to_tell(folder):
    folder.tell()
    assert folder.told == []


def test_a_failed_check_of_the_lake_is_told_once_and_its_recovery(folder):
    for passed in (False, False, True):
        folder.judge(passed)
        folder.tell()
        folder.tell()
    assert folder.told == [("failing", "marts/platform_daily"), ("recovered", "marts/platform_daily")]


def test_a_failed_run_is_told_with_its_error_and_over_when_its_job_ran_green(folder):
    run_id = folder.runs(breaks)
    folder.tell()
    folder.runs(None, job="ingest")
    folder.tell()
    folder.runs(None)
    folder.tell()
    assert folder.told == [("failing", "publish"), ("recovered", "publish")]
    text = json.loads(folder.settings.alert_log.read_text().splitlines()[0])["text"]
    assert "OSError: No space left on device" in text
    assert f"http://localhost:3000/runs/{run_id}" in text


def test_a_run_that_failed_checks_hold_back_is_not_told_beside_them(folder):
    folder.runs(is_held_back)
    folder.tell()
    assert folder.told == []
    folder.runs(breaks)
    folder.tell()
    assert folder.told == [("failing", "publish")]


def test_what_failed_while_nobody_looked_is_told_however_long_that_was(folder, monkeypatch):
    folder.runs(None)
    folder.tell()
    folder.runs(breaks)
    monkeypatch.setattr("streaming_assets.automation.failed_runs.LOOK_BACK", dt.timedelta())
    folder.runs(None, job="ingest")
    folder.tell()
    assert folder.told == [("failing", "publish")]


def test_a_clock_that_was_ahead_silences_nothing_and_tells_nothing_twice(folder):
    folder.runs(breaks, job="ingest")
    folder.tell()
    folder.runs(None, job="ingest")
    folder.tell()
    told = [("failing", "ingest"), ("recovered", "ingest")]
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    with freeze_time(ahead):
        folder.now = ahead.replace(tzinfo=None)
        folder.runs(breaks, job="compute_marts")
        folder.tell()
        folder.runs(None, job="refresh_models")
    folder.now = None
    told += [("failing", "compute_marts")]
    folder.runs(breaks)
    folder.runs(breaks, job="refresh_models")
    folder.tell()
    folder.tell()
    told += [("failing", "publish"), ("failing", "refresh_models")]
    assert folder.told == told
    folder.runs(None, job="compute_marts")
    folder.tell()
    assert folder.told == [*told, ("recovered", "compute_marts")]


def test_a_run_that_was_cancelled_is_no_failure(folder):
    run = folder.instance.create_run_for_job(dg.GraphDefinition(name="publish", node_defs=[]).to_job())
    folder.instance.report_run_canceled(run)
    folder.tell()
    assert folder.told == []


def test_a_run_that_could_not_start_is_told(folder):
    run = folder.instance.create_run_for_job(dg.GraphDefinition(name="publish", node_defs=[]).to_job())
    folder.instance.report_run_failed(run, "the code server is gone")
    folder.tell()
    assert folder.told == [("failing", "publish")]
    assert "the code server is gone" in folder.settings.alert_log.read_text()


def test_the_sensor_waits_for_a_run_that_writes_but_not_for_ever(folder):
    sensor = alerts_sensor(folder.settings, lambda: folder.now, {})

    def tick() -> str:
        return str(sensor(dg.build_sensor_context(instance=folder.instance)).skip_message)

    folder.now = NOW
    assert tick() == "0 checks and 0 jobs stand failed"
    folder.judge(False)
    with writer_lock(folder.settings.lake_dir):
        tick()
        assert folder.told == []
        folder.now += WAIT_FOR_WRITER
        assert tick() == "1 checks and 0 jobs stand failed"
    assert folder.told == [("failing", "marts/platform_daily")]


def test_the_sensor_runs_without_anybody_switching_it_on(folder):
    sensor = alerts_sensor(folder.settings, lambda: folder.now, {})
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 30


def test_a_dead_webhook_leaves_the_log_written_and_gets_what_it_missed(folder):
    with webhook(503, 503, 200) as hook:
        folder.settings = Settings(data_dir=folder.settings.data_dir, alert_webhook=hook.url)
        folder.now = NOW
        folder.judge(False)
        folder.tell()
        folder.judge(True)
        folder.tell()
        assert [kind for kind, _ in folder.told] == ["failing", "recovered"]
        assert hook.taken == []
        assert list(status_lines(folder.settings)) == [
            "runs       no job stands failed",
            f"alerts     log {folder.settings.alert_log}; webhook at 127.0.0.1",
            "  webhook is down since 2026-03-06 03:00 UTC (answered 503): 2 messages wait",
        ]
        folder.tell()
        assert [text.split(":")[0] for text in hook.taken] == ["FAILING", "RECOVERED"]
    assert len(list(status_lines(folder.settings))) == 2
    written = [path for path in folder.settings.data_dir.rglob("*") if path.is_file() and "alerts" in str(path)]
    assert len(written) >= 2
    assert not any(SECRET.encode() in path.read_bytes() for path in written)


def test_the_status_names_the_jobs_that_stand_failed_since_when_and_what_to_do(folder):
    run_id = folder.runs(breaks)
    folder.tell()
    first, told, _ = status_lines(folder.settings)
    assert first == "runs       1 job stands failed:"
    assert told.startswith(f"  publish: since {folder.now:%Y-%m-%d}")
    assert "No space left on device; see http://localhost:3000/runs/" + run_id in told
    assert "run it again there" in told
    folder.runs(None)
    folder.tell()
    assert next(status_lines(folder.settings)) == "runs       no job stands failed"


def test_a_record_that_is_none_is_named_by_the_status_and_once_it_is_removed_what_stands_failed_is_told(folder):
    file = record_file(folder.settings)
    file.parent.mkdir(parents=True)
    file.write_text("")
    folder.runs(breaks)
    with pytest.raises(RecordUnreadableError, match=f"^{file} is no record of alerts"):
        folder.tell()
    _, why = status_lines(folder.settings)
    assert why.startswith(f"  none is sent: {file} is no record of alerts")
    file.unlink()
    folder.tell()
    assert folder.told == [("failing", "publish")]


@pytest.mark.slow
def test_a_record_that_is_none_changes_nothing_about_what_a_run_or_the_status_ends_with(folder, tmp_path, capsys):
    file = record_file(folder.settings)
    file.parent.mkdir(parents=True)
    file.write_text("")
    (tmp_path / "landing").mkdir()
    where = ["--data-dir", str(folder.settings.data_dir)]
    assert main(["run", "--groups", "raw", *where, "--landing", str(tmp_path / "landing")]) == 0
    assert f"alerts were not sent: {file} is no record of alerts" in capsys.readouterr().err
    assert main(["status", *where]) == 0
    assert f"none is sent: {file} is no record of alerts" in capsys.readouterr().out


def test_tellers_in_several_threads_and_processes_tell_once(folder):
    folder.runs(breaks)
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=folder.tell) for _ in range(2)]
    for process in others:
        process.start()
    threads = [threading.Thread(target=folder.tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for one in [*threads, *others]:
        one.join()
    assert [process.exitcode for process in others] == [0, 0]
    assert folder.told == [("failing", "publish")]
