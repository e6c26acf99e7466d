"""Two runs over one data folder."""

import os
import shutil
import signal
from pathlib import Path

import duckdb
import pytest

from .content import assert_same, lake_tables, published_tables
from .landed import csv, land, plays, users_of
from .running import COMMIT, UP_TO_CORE, Fault, Runs, Started

INGEST = ("--groups", "raw")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def start_and_stop_within(runs: Runs, data_dir: Path, pipe: Path, remembers: bool = False) -> Started:
    """A run that is about to commit what it read, and waits there."""
    land(data_dir / "landing", "first.csv", csv(plays("first")))
    fault = Fault("before", COMMIT, "Table(name='raw/events'", what="wait", pipe=str(pipe))
    run = runs.start("run", "--data-dir", data_dir, *INGEST, fault=fault, remembers=remembers)
    pipe.read_text()
    return run


def let_go(pipe: Path) -> None:
    pipe.write_text("")


def test_a_second_run_says_that_it_waits_and_then_takes_what_is_left(runs, data_dir, pipe, tmp_path):
    first = start_and_stop_within(runs, data_dir, pipe, remembers=True)
    land(data_dir / "landing", "second.csv", csv(plays("second")))
    os.mkfifo(tmp_path / "errors")
    second = runs.start("run", "--data-dir", data_dir, *INGEST, errors=tmp_path / "errors", remembers=True)
    with (tmp_path / "errors").open() as errors:
        said = next(line for line in errors if "waiting" in line)
        let_go(pipe)
        assert "Traceback" not in errors.read()
    assert "another run is writing to" in said
    assert (runs.end_of(first).code, runs.end_of(second).code) == (0, 0)
    tables = lake_tables(data_dir)
    assert [
        (row["path"], row["accepted"]) for row in sorted(tables["raw/event_files"], key=lambda row: row["path"])
    ] == [
        ("first.csv", 20),
        ("second.csv", 20),
    ]
    assert len(tables["raw/events"]) == 40
    assert users_of(tables["raw/events"]) == {"first", "second"}


def test_the_lock_of_a_killed_run_is_free(runs, data_dir, pipe):
    first = start_and_stop_within(runs, data_dir, pipe)
    os.kill(first.pid, signal.SIGKILL)
    assert runs.end_of(first).code == -signal.SIGKILL
    second = runs.run("run", "--data-dir", data_dir, *INGEST)
    assert second.code == 0
    assert "waiting" not in second.err
    assert len(lake_tables(data_dir)["raw/events"]) == 20


def test_status_does_not_wait_for_a_run(runs, data_dir, pipe):
    first = start_and_stop_within(runs, data_dir, pipe)
    status = runs.run("status", "--data-dir", data_dir)
    let_go(pipe)
    assert (status.code, runs.end_of(first).code) == (0, 0)
    assert "waiting    1 files" in status.out


@pytest.mark.slow
def test_runs_started_together_on_a_new_folder_leave_it_usable(runs, data_dir, tmp_path):
    assert runs.run("run", "--data-dir", data_dir, *INGEST).code == 0
    pipes = [tmp_path / f"pipe{number}" for number in range(4)]
    for pipe in pipes:
        os.mkfifo(pipe)

    def start(pipe: Path) -> Started:
        fault = Fault("before", "streaming_assets.settings:Settings.from_env", what="wait", pipe=str(pipe))
        return runs.start("run", "--data-dir", data_dir, *INGEST, fault=fault, remembers=True)

    # They race to make the Dagster instance: not every race is lost.
    for _ in range(3):
        started = [start(pipe) for pipe in pipes]
        for pipe in pipes:
            pipe.read_text()
        for pipe in pipes:
            let_go(pipe)
        ended = [runs.end_of(run) for run in started]
        ended.append(runs.end_of(runs.start("run", "--data-dir", data_dir, *INGEST, remembers=True)))
        assert [run.err[-300:] for run in ended if run.code] == []
        shutil.rmtree(data_dir / "dagster")


@pytest.mark.slow
def test_two_runs_at_once_over_overlapping_days_end_as_one_run_alone(runs, data_dir, tmp_path):
    for day in range(1, 7):
        for folder in (data_dir, tmp_path / "alone"):
            land(folder / "landing", f"{day}.csv", csv(plays("ann", day=day), plays("bob", 5, day=day)))
    assert runs.run("run", "--data-dir", tmp_path / "alone", *UP_TO_CORE).code == 0
    overlapping = (("2024-03-01", "2024-03-04"), ("2024-03-03", "2024-03-06"))
    # At first both find everything to do, then they compute the same days again.
    for _ in range(2):
        started = [
            runs.start("run", "--data-dir", data_dir, "--from", first, "--to", last, *UP_TO_CORE, remembers=True)
            for first, last in overlapping
        ]
        ended = [runs.end_of(run) for run in started]
        assert [run.err[-300:] for run in ended if run.code or "Traceback" in run.err] == []
        assert_same(lake_tables(data_dir), lake_tables(tmp_path / "alone"))
        assert_same(published_tables(data_dir), published_tables(tmp_path / "alone"))


@pytest.mark.slow
def test_a_reader_that_holds_the_published_file_for_a_whole_run_keeps_its_state_and_stops_nobody(runs, data_dir):
    counted = "SELECT (SELECT count(*) FROM core.events), (SELECT sum(plays) FROM core.sessions)"
    land(data_dir / "landing", "first.csv", csv(plays("ann")))
    assert runs.run("run", "--data-dir", data_dir, *UP_TO_CORE).code == 0
    with duckdb.connect(str(data_dir / "streaming.duckdb"), read_only=True) as reader:
        assert reader.execute(counted).fetchall() == [(20, 20)]
        land(data_dir / "landing", "second.csv", csv(plays("bob"), plays("cat", day=2)))
        assert runs.run("run", "--data-dir", data_dir, *UP_TO_CORE).code == 0
        assert reader.execute(counted).fetchall() == [(20, 20)]
    with duckdb.connect(str(data_dir / "streaming.duckdb"), read_only=True) as reader:
        assert reader.execute(counted).fetchall() == [(60, 60)]
