"""One log on both engines. Without pyspark or Java these tests are skipped."""

import datetime as dt
import shutil

import pytest

from streaming_assets.simulate import simulate
from streaming_assets_tests.end_to_end.data_folder import DataFolder

USERS, DAYS, SEED = 40, 24, 3
FIRST_DAY = dt.date(2026, 3, 1)


@pytest.fixture(scope="session", autouse=True)
def _spark_is_there() -> None:
    pytest.importorskip("pyspark", reason="the extra spark is not installed: make env EXTRAS=spark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or later")


@pytest.fixture(scope="session")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A simulated log in the raw tables, nothing computed yet."""
    home = tmp_path_factory.mktemp("simulated")
    simulate(USERS, DAYS, SEED, home / "out", start=FIRST_DAY)
    folder = DataFolder.at(home / "data", landing=home / "out" / "landing")
    shutil.copy(home / "out" / "experiments.yaml", folder.settings.experiments_file)
    folder.run(groups=("raw",))
    return folder


@pytest.fixture(scope="session")
def core_computed(taken_in: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """What DuckDB makes of it, up to core."""
    folder = taken_in.copy_to(tmp_path_factory.mktemp("duckdb-core") / "data")
    folder.run(groups=("core",))
    return folder


@pytest.fixture(scope="session")
def computed(taken_in: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """What DuckDB makes of it."""
    folder = taken_in.copy_to(tmp_path_factory.mktemp("duckdb") / "data")
    folder.run(groups=("core", "marts", "experiments", "models"))
    return folder
