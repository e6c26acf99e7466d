"""What is in a lake and in a published file, in a form that can be compared."""

import datetime as dt
import math
from pathlib import Path
from typing import Any

import duckdb

from streaming_assets import contracts
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

START_DATE = dt.date(2024, 2, 1)
Row = dict[str, Any]
Tables = dict[str, list[Row]]

_OF_THE_RUN = {
    "raw/event_files": {"ingested_at", "modified_at", "raw_version"},
    "meta/open_failures": {"opened_at"},
}
_OWN_STATE = {"meta/published"}


def settings_of(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, threads=1, memory_limit="500MB", start_date=START_DATE)


def lake_tables(data_dir: Path) -> Tables:
    """Every table of the lake, without what depends on when it was made."""
    with duckdb_engine(settings_of(data_dir)) as engine:
        lake = Lake(settings_of(data_dir), engine)
        return {name: _comparable(name, lake.rows(name)) for name in contracts.ALL if name not in _OWN_STATE}


def published_tables(data_dir: Path) -> Tables:
    """Every table of the published file, without what depends on when it was made; none where there is no file."""
    path = data_dir / "streaming.duckdb"
    if not path.exists():
        return {}
    with duckdb.connect(str(path), read_only=True) as reader:
        names = reader.execute(
            "SELECT schema_name || '/' || name FROM ("
            "SELECT schema_name, table_name AS name FROM duckdb_tables() UNION ALL "
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal) WHERE schema_name <> 'meta'"
        ).fetchall()
        return {name: _comparable(name, _rows(reader, name)) for (name,) in sorted(names)}


def assert_same(found: Tables, expected: Tables) -> None:
    """Integers, texts, dates and booleans are equal, floats to 1e-9 relative."""
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        differing = [
            f"{name}: found {ours}, expected {theirs}"
            for ours, theirs in zip(found[name], rows, strict=False)
            if not _are_same(ours, theirs)
        ]
        assert not differing, "\n".join(differing[:3])
        assert len(found[name]) == len(rows), name


def _rows(reader: duckdb.DuckDBPyConnection, name: str) -> list[Row]:
    schema, table = name.split("/")
    return reader.sql(f'FROM "{schema}"."{table}"').to_arrow_table().to_pylist()


def _comparable(name: str, rows: list[Row]) -> list[Row]:
    left_out = _OF_THE_RUN.get(name, set())
    key = [column for column in contracts.ALL[name].key if column not in left_out]
    kept = [{column: value for column, value in row.items() if column not in left_out} for row in rows]
    return sorted(kept, key=lambda row: [repr(row[column]) for column in key])


def _are_same(ours: Row, theirs: Row) -> bool:
    return ours.keys() == theirs.keys() and all(_is_same(ours[name], theirs[name]) for name in ours)


def _is_same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return bool(ours == theirs)
