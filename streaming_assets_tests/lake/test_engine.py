"""What DuckDB is told of a table's files."""

import json
from pathlib import Path
from typing import Any

import ibis
from ibis import _

from streaming_assets.lake.engine import DuckDBEngine, duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings
from streaming_assets_tests.lake.rows import HOURS, hours_of, march


def test_joins_are_planned_for_the_rows_that_a_filter_on_days_leaves(lake: Lake):
    engine = lake.engine
    files = engine.write(hours_of({march(number): number for number in range(1, 11)}), HOURS, lake.folder(HOURS))
    hours = engine.scan(HOURS, lake.folder(HOURS), [file.path for file in reversed(files)])
    whole = _reckoned(engine, hours)
    assert _reckoned(engine, hours.filter(_.date >= ibis.literal(march(5)))) == whole * 6 // 10
    assert _reckoned(engine, hours.filter(_.date < ibis.literal(march(8)))) == whole * 7 // 10


def test_engines_side_by_side_spill_into_folders_of_their_own_and_take_them_away(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data", threads=1, memory_limit="100MB")
    with duckdb_engine(settings) as one, duckdb_engine(settings) as other:
        folders = {Path(_spill(engine)) for engine in (one, other)}
        assert len(folders) == 2
        assert all(folder.is_dir() and folder.is_relative_to(settings.lake_dir) for folder in folders)
    assert not any(folder.exists() for folder in folders)


def _spill(engine: DuckDBEngine) -> str:
    (folder,) = engine.connection.execute("SELECT current_setting('temp_directory')").fetchall()[0]
    return str(folder)


def _reckoned(engine: DuckDBEngine, rows: ibis.Table) -> int:
    """With how many rows of files the optimiser plans; not measured, but estimated."""
    (_key, plan), *_others = engine.connection.execute(f"EXPLAIN (FORMAT json) {ibis.to_sql(rows)}").fetchall()
    scans = [node for node in _nodes(json.loads(plan)) if node["name"].strip() == "READ_PARQUET"]
    return int(scans[0]["extra_info"]["Estimated Cardinality"])


def _nodes(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [node for one in found for node in (one, *_nodes(one["children"]))]
