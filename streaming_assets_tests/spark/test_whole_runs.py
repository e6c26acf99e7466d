"""Whole runs, from landed files to checked tables, on both engines."""

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from streaming_assets import contracts
from streaming_assets.simulate import simulate
from streaming_assets_tests.end_to_end.data_folder import (
    UP_TO_EXPERIMENTS,
    DataFolder,
    differences,
    errors,
    failed_blocking,
)

COMPARED = [table for table in contracts.ALL.values() if table.group in ("core", "marts", "experiments")]
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
EXPERIMENTS = Path(__file__).parents[1] / "marts"


def sample(landing: Path) -> str:
    """data/sample."""
    shutil.copytree(SAMPLE, landing, dirs_exist_ok=True)
    return (EXPERIMENTS / "sample_experiments.yaml").read_text()


def third_party(landing: Path) -> str:
    """A third party's log of listening with its users and titles."""
    if "STREAMING_REAL_DATA" not in os.environ:
        pytest.skip("set STREAMING_REAL_DATA to the folder of the third-party files")
    source = Path(os.environ["STREAMING_REAL_DATA"])
    shutil.copy(source / "lastfm1k_sample_5000.tsv.gz", landing / "userid-timestamp-sample.tsv.gz")
    for name in (
        "lastfm1k_userid-profile.tsv",
        "hoyt_emerson_streaming_data.json",
        "livestreaming_user_sessions_dataset.csv.gz",
    ):
        shutil.copy(source / name, landing / name)
    return (EXPERIMENTS / "third_party_experiments.yaml").read_text()


def million(landing: Path) -> str:
    """A simulated log of a million events."""
    simulate(6_000, 125, 11, landing.parent / "out")
    shutil.copytree(landing.parent / "out" / "landing", landing, dirs_exist_ok=True)
    return (landing.parent / "out" / "experiments.yaml").read_text()


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("land", [sample, third_party, million])
def test_a_run_on_spark_ends_in_the_tables_of_a_run_on_duckdb(land: Callable[[Path], str], tmp_path: Path) -> None:
    found = {}
    for engine in ("duckdb", "spark"):
        home = tmp_path / engine
        folder = DataFolder.at(
            home / "data", engine=engine, memory_limit="3GB", start_date=dt.date(2005, 1, 1), max_rejected_share=1.0
        )
        folder.settings.experiments_file.write_text(land(folder.landing))
        steps = folder.run(groups=UP_TO_EXPERIMENTS)
        assert not errors(steps)
        assert not failed_blocking(steps)
        found[engine] = {table.name: folder.table(table) for table in COMPARED}
    assert differences(found["spark"], found["duckdb"]) == []


@pytest.mark.slow
@pytest.mark.spark
def test_facts_on_spark_and_marts_on_duckdb_are_one_lake(tmp_path: Path) -> None:
    simulate(40, 24, 3, tmp_path / "out")
    found = {}
    for name, engine in (("duckdb", "duckdb"), ("mixed", "spark,marts=duckdb,experiments=duckdb")):
        folder = DataFolder.at(tmp_path / name / "data", engine=engine, landing=tmp_path / "out" / "landing")
        shutil.copy(tmp_path / "out" / "experiments.yaml", folder.settings.experiments_file)
        assert not errors(folder.run(groups=UP_TO_EXPERIMENTS))
        found[name] = {table.name: folder.table(table) for table in COMPARED}
        assert folder.database.exists()
    assert differences(found["mixed"], found["duckdb"]) == []
