"""Runs on a standalone cluster, whose driver, master and workers are processes of their own."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from streaming_assets_tests.end_to_end.data_folder import UP_TO_CORE, DataFolder, differences
from streaming_assets_tests.end_to_end.service import steady_week

pytest.importorskip("pyspark", reason="the extra spark is not installed: make env EXTRAS=spark")

from .cluster import command_line, standalone, wait_for

FILES = steady_week(dt.date(2026, 3, 24), 6)
KEY = "one key for all folders"
SETTINGS = {"STREAMING_ASSETS_EMAIL_KEY": KEY, "STREAMING_ASSETS_THREADS": "2", "STREAMING_ASSETS_MEMORY_LIMIT": "1GB"}
GROUPS = ("--groups", ",".join(UP_TO_CORE))


@pytest.fixture(scope="module")
def of_duckdb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = DataFolder.at(tmp_path_factory.mktemp("duckdb") / "data", start_date=dt.date(2005, 1, 1))
    folder.land(FILES)
    folder.run()
    return folder.core()


def landed(home: Path) -> DataFolder:
    folder = DataFolder.at(home / "data", start_date=dt.date(2005, 1, 1))
    folder.land(FILES)
    return folder


@pytest.mark.slow
@pytest.mark.spark
def test_both_workers_of_a_cluster_make_the_tables_that_duckdb_makes(
    of_duckdb: dict[str, pa.Table], tmp_path: Path
) -> None:
    folder = landed(tmp_path)
    with standalone(tmp_path / "cluster") as cluster:
        run = command_line(folder.settings.data_dir, cluster.environment | SETTINGS, "spark", *GROUPS)
        told, _ = run.communicate(timeout=1800)
        assert run.returncode == 0, told[-6000:]
        assert [len(cluster.executors(f"worker-{number}")) for number in range(2)] == [1, 1]
    assert differences(folder.core(), of_duckdb) == []


@pytest.mark.slow
@pytest.mark.spark
def test_a_run_goes_on_when_a_worker_is_killed_in_the_middle(of_duckdb: dict[str, pa.Table], tmp_path: Path) -> None:
    folder = landed(tmp_path)
    core = folder.settings.lake_dir / "core"
    with standalone(tmp_path / "cluster") as cluster:
        run = command_line(folder.settings.data_dir, cluster.environment | SETTINGS, "spark", *GROUPS)
        wait_for("the first core tables", lambda: run.poll() is not None or (core / "plays" / "_delta_log").exists())
        assert run.poll() is None
        cluster.kill("worker-1")
        told, _ = run.communicate(timeout=1800)
        assert run.returncode == 0, told[-6000:]
    assert differences(folder.core(), of_duckdb) == []
