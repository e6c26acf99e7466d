"""What the session of Spark takes from settings and from data."""

from pathlib import Path

import ibis
import pytest
from ibis import _

from streaming_assets.errors import EngineError
from streaming_assets.experiments.assignment import bucket
from streaming_assets.lake.engine import duckdb_engine, require_engines, spark_engine
from streaming_assets.settings import Settings


def settings(folder: Path, **others: str) -> Settings:
    return Settings(data_dir=folder, threads=2, memory_limit="1GB", engine="spark", **others)


@pytest.mark.spark
@pytest.mark.parametrize("salt", ["${y}", "checkout-${version}", "${env:HOME}", "${spark.driver.memory}"])
def test_a_salt_that_looks_like_a_variable_is_the_same_text_on_both_engines(tmp_path: Path, salt: str) -> None:
    users = ibis.memtable({"user_id": [f"u{number}" for number in range(50)]})
    told = users.select("user_id", bucket=bucket(salt, users.user_id), salt=ibis.literal(salt)).order_by("user_id")
    spark = spark_engine(settings(tmp_path))
    found = spark.frame(told).toPandas()  # type: ignore[attr-defined]
    with duckdb_engine(settings(tmp_path)) as duckdb:
        expected = duckdb.backend.to_pyarrow(told).to_pandas()
    assert found.to_dict("list") == expected.to_dict("list")


@pytest.mark.spark
def test_another_master_in_the_same_process_is_refused(tmp_path: Path) -> None:
    spark_engine(settings(tmp_path))
    with pytest.raises(EngineError, match=r"runs Spark at local.*; expected spark://elsewhere:7077"):
        spark_engine(settings(tmp_path, spark_master="spark://elsewhere:7077"))


@pytest.mark.spark
def test_a_folder_that_spark_would_take_for_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="takes no comma"):
        spark_engine(settings(tmp_path / "a,b"))


@pytest.mark.spark
def test_without_java_it_is_said_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=f"there is no program java in JAVA_HOME/bin, which is {tmp_path}/bin"):
        require_engines(settings(tmp_path))
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="there is no program java in PATH"):
        require_engines(settings(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    require_engines(Settings(data_dir=tmp_path))


@pytest.mark.spark
def test_what_is_not_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    from pyspark.errors import PySparkException

    from streaming_assets.contracts import core

    spark = spark_engine(settings(tmp_path))
    broken = ibis.memtable({"date": ["2026-03-01"]}).mutate(date=_.date.cast("date"))
    rows = broken.select(
        **{
            name: ibis.literal("x").cast(kind) if kind.is_numeric() else ibis.null(kind)
            for name, kind in core.hourly_activity.schema.items()
        }
    )
    with pytest.raises(PySparkException):
        spark.write(rows, core.hourly_activity, tmp_path / "table")
    assert list((tmp_path / "table").iterdir()) == []
