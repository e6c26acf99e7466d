"""streaming.duckdb: what whoever opens it finds, and that it describes itself rightly."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from streaming_assets import contracts
from streaming_assets.automation.rebuild import put_aside
from streaming_assets_tests.end_to_end.data_folder import jobs
from streaming_assets_tests.end_to_end.steady import Steady

PUBLISHED = {
    table.name: table
    for table in contracts.ALL.values()
    if table.group in ("core", "marts", "experiments", "models")
    or table.name in ("raw/event_files", "raw/rejected_rows")
}
COPIED = {"raw/event_files", "raw/rejected_rows", "core/calendar", "core/users", "core/content"} | {
    table.name for table in (*contracts.marts.TABLES, *contracts.experiments.TABLES, *contracts.models.TABLES)
} - {"models/churn_snapshots"}

READ = """
import sys, duckdb
print(*duckdb.connect(sys.argv[1], read_only=True).execute("SELECT count(*) FROM core.events").fetchone())
"""

Query = Callable[..., list[tuple[Any, ...]]]


def test_it_can_be_read_from_any_folder(steady: Steady, tmp_path: Path):
    reader = [sys.executable, "-c", READ, str(steady.folder.database)]
    read = subprocess.run(reader, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (read.stdout, read.stderr) == (f"{len(steady.days) * 18}\n", "")


@pytest.fixture
def query(steady: Steady, monkeypatch: pytest.MonkeyPatch) -> Query:
    # What it says is one question, from where it can be read another: here its views are found even by relative paths.
    monkeypatch.chdir(steady.folder.settings.data_dir.parent)
    return steady.folder.query


def test_facts_are_views_over_the_lake_and_what_is_small_is_copied(query: Query):
    views = query("SELECT schema_name || '/' || view_name FROM duckdb_views() WHERE NOT internal")
    tables = query("SELECT schema_name || '/' || table_name FROM duckdb_tables() WHERE NOT internal")
    assert {name for (name,) in views} == PUBLISHED.keys() - COPIED
    assert {name for (name,) in tables} == COPIED | {"meta/tables", "meta/columns"}


def test_meta_tables_lists_every_table_with_its_grain_and_number_of_rows(query: Query):
    told = {name: (grain, rows) for name, grain, rows in query("SELECT name, grain, rows FROM meta.tables")}
    assert told == {
        name: (table.grain, query(f"SELECT count(*) FROM {name.replace('/', '.')}")[0][0])
        for name, table in PUBLISHED.items()
    }


def test_the_key_that_stands_for_the_grain_is_unique(query: Query):
    for name, table in PUBLISHED.items():
        key = ", ".join(f'"{column}"' for column in table.key)
        assert query(f"SELECT {key} FROM {name.replace('/', '.')} GROUP BY ALL HAVING count(*) > 1") == [], name


def test_meta_tables_names_the_version_of_the_lake_that_holds_these_rows(query: Query, steady: Steady):
    told = query("SELECT name, rows, lake_version, as_of FROM meta.tables WHERE published_at IS NOT NULL")
    assert {name for name, *_ in told} == PUBLISHED.keys()
    assert {as_of for *_, as_of in told} == {steady.days[-1]}
    for name, rows, version, _ in told:
        # No row was ever rejected and no experiment configured, so that these tables were never written.
        if name != "raw/rejected_rows" and not name.startswith("experiments/"):
            assert (
                DeltaTable(str(steady.folder.settings.lake_dir / name), version=version).to_pyarrow_table().num_rows
                == rows
            )


def test_meta_tables_tells_the_version_of_the_code_that_made_a_table(query: Query):
    assert query("SELECT name FROM meta.tables WHERE code_version IS NULL") == []


def test_meta_columns_describes_every_column(query: Query):
    told = query('SELECT "table", "column" FROM meta.columns WHERE length(description) > 0')
    there = query("SELECT schema_name || '/' || table_name, column_name FROM duckdb_columns() WHERE NOT internal")
    assert sorted(told) == sorted(row for row in there if not row[0].startswith("meta/"))


def test_a_published_file_that_is_gone_is_made_again_and_lives_on_while_the_lake_is_made_anew(
    steady: Steady, tmp_path: Path
):
    folder = steady.folder.copy_to(tmp_path / "data")
    folder.database.unlink()
    assert jobs(folder.run()) == ["publish"]
    put_aside(folder.settings, forget_missing=False)
    assert folder.query("SELECT count(*) FROM core.events") == [(len(steady.days) * 18,)]
