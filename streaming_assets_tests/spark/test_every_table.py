"""Every table that an engine makes, made by Spark and by DuckDB from the same raw tables."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from streaming_assets import contracts
from streaming_assets.assets import core, marts, predictions
from streaming_assets.assets.experiments import EXPERIMENTS
from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.assets.spec import asset_key
from streaming_assets.build import build_definitions
from streaming_assets_tests.end_to_end.data_folder import NOW, DataFolder, differences


def made(folder: DataFolder, tables: list[str], tags: Mapping[str, str] | None = None) -> None:
    """Materialise the assets of tables in a run without checks, as `run` does with them."""
    definitions = build_definitions(folder.settings, lambda: NOW)
    result = dg.materialize(
        [found for found in definitions.assets or () if isinstance(found, dg.AssetsDefinition)],
        selection=[asset_key(table) for table in tables],
        resources=definitions.resources,
        tags=dict(tags or {}),
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )
    failed = [f"{event.step_key}: {event.step_failure_data.error}" for event in result.get_step_failure_events()]
    assert not failed, "\n".join(failed)


CORE = [found.table.name for found in core.ENTITIES]
AFTER_CORE = [
    *(found.table.name for found in (*marts.MARTS, *EXPERIMENTS)),
    *(table.name for table in predictions.TABLES if table.group == "models"),
]


def writers(folder: DataFolder, table: contracts.Table) -> set[str]:
    """The libraries that wrote the files of the table's latest version."""
    files = DeltaTable(str(folder.settings.lake_dir / table.name)).file_uris()
    return {pq.read_metadata(file).created_by.split()[0] for file in files}


def made_by_spark(taken_in: DataFolder, computed: DataFolder, data_dir: Path, whole: list[str]) -> list[str]:
    """Make the daily tables and others on Spark; where they differ from those computed."""
    copy = taken_in.copy_to(data_dir)
    folder = dataclasses.replace(copy, settings=dataclasses.replace(copy.settings, engine="spark"))
    daily = [found.table.name for found in core.DAILY]
    days = sorted(computed.written("core/events"))
    made(folder, daily, {RANGE_START: str(days[0]), RANGE_END: str(days[-1])})
    made(folder, whole)
    tables = [contracts.ALL[name] for name in (*daily, *whole)]
    # Else both sides could be DuckDB's.
    assert {writer for table in tables if table.group == "core" for writer in writers(folder, table)} == {"parquet-mr"}
    return differences(
        {table.name: folder.table(table) for table in tables}, {table.name: computed.table(table) for table in tables}
    )


@pytest.mark.spark
def test_spark_makes_every_core_table_as_duckdb_does(
    taken_in: DataFolder, core_computed: DataFolder, tmp_path: Path
) -> None:
    assert made_by_spark(taken_in, core_computed, tmp_path / "data", CORE) == []


@pytest.mark.slow
@pytest.mark.spark
def test_spark_makes_every_table_as_duckdb_does(taken_in: DataFolder, computed: DataFolder, tmp_path: Path) -> None:
    assert made_by_spark(taken_in, computed, tmp_path / "data", [*CORE, *AFTER_CORE]) == []
