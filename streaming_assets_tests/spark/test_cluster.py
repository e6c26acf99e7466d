"""Runs on a standalone cluster, whose master, workers and driver are processes of their own."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from streaming_assets_tests.end_to_end.data_folder import UP_TO_CORE, DataFolder, differences
from streaming_assets_tests.end_to_end.service import steady_week
from streaming_assets_tests.spark.cluster import SECONDS, WORKERS, Cluster, until

FILES = steady_week(dt.date(2026, 3, 24), 6)


@pytest.fixture(scope="module")
def of_duckdb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The core tables."""
    folder = landed(tmp_path_factory.mktemp("duckdb"))
    folder.run()
    return folder.core()


def landed(home: Path) -> DataFolder:
    folder = DataFolder.at(home / "data")
    folder.land(FILES)
    return folder


@contextmanager
def run_on(cluster: Cluster, folder: DataFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A run of the command line, its output in DIR/told; killed where it does not end by itself."""
    settings = {
        "STREAMING_ASSETS_DATA_DIR": folder.settings.data_dir,
        "STREAMING_ASSETS_START_DATE": folder.settings.start_date,
        "STREAMING_ASSETS_EMAIL_KEY": folder.settings.email_key,
        "STREAMING_ASSETS_THREADS": folder.settings.threads,
        "STREAMING_ASSETS_MEMORY_LIMIT": folder.settings.memory_limit,
    }
    command = [sys.executable, "-m", "streaming_assets.cli", "run", "--groups", ",".join(UP_TO_CORE)]
    with (folder.settings.data_dir / "told").open("wb") as told:
        run = subprocess.Popen(
            [*command, "--engine", "spark"],
            env={**cluster.environment, **{name: str(value) for name, value in settings.items()}},
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def told(folder: DataFolder) -> str:
    return (folder.settings.data_dir / "told").read_text()


@pytest.mark.slow
@pytest.mark.spark
def test_both_workers_of_a_cluster_work_on_the_tables_that_duckdb_makes(
    of_duckdb: dict[str, pa.Table], tmp_path: Path
) -> None:
    folder = landed(tmp_path)
    with Cluster(tmp_path / "cluster").up() as cluster, run_on(cluster, folder) as run:
        assert run.wait(SECONDS) == 0, told(folder)
        assert all(cluster.tasks_of(worker) for worker in WORKERS)
    assert differences(folder.core(), of_duckdb) == []


@pytest.mark.slow
@pytest.mark.spark
def test_a_run_ends_right_when_a_worker_is_killed_while_a_table_is_written_from_what_it_holds(
    of_duckdb: dict[str, pa.Table], tmp_path: Path
) -> None:
    folder = landed(tmp_path)
    lost = WORKERS[1]
    with Cluster(tmp_path / "cluster").up() as cluster, run_on(cluster, folder) as run:
        drafts = folder.settings.lake_dir / "core"
        until(lambda: run.poll() is not None or (cluster.shuffled_by(lost) and any(drafts.glob("*/.writing-*"))))
        assert run.poll() is None, told(folder)
        cluster.kill(lost)
        until(lambda: cluster.lost_executors)
        assert run.poll() is None, told(folder)
        assert run.wait(SECONDS) == 0, told(folder)
    assert differences(folder.core(), of_duckdb) == []
    assert not list(folder.settings.lake_dir.rglob(".writing-*"))
