"""A data folder as its users have it: files are landed, the pipeline runs, and what came of it is compared by content."""

import datetime as dt
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from streaming_assets import contracts
from streaming_assets.automation.pipeline import Pipeline, Step
from streaming_assets.lake.days import Days
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import OpenFailure, open_failures
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

START = dt.date(2025, 10, 1)
NOW = dt.datetime(2026, 8, 1, 6, 0)
CORE = [table for table in contracts.ALL.values() if table.group == "core"]
DAILY = [table for table in CORE if table.day_column]
TOLERANCE = 1e-9
UP_TO_CORE = ("raw", "core", "published")
UP_TO_EXPERIMENTS = ("raw", "core", "marts", "experiments", "published")

# What the command line remembers of its runs costs a disk access per event, and no test asks for it.
IN_MEMORY = """
telemetry: {enabled: false}
event_log_storage: {module: dagster.core.storage.event_log, class: InMemoryEventLogStorage}
"""


@dataclass(frozen=True)
class DataFolder:
    """A data folder with its landing folder, and a clock that stands still at NOW."""

    settings: Settings

    @classmethod
    def at(cls, data_dir: Path, **settings: Any) -> "DataFolder":
        """A new one, small in memory, threads and calendar, with one key for all; landing is DIR/landing unless the settings say otherwise."""
        small = {"threads": 2, "memory_limit": "1GB", "start_date": START, "email_key": "one key for all folders"}
        folder = cls(Settings(**{"data_dir": data_dir, **small, **settings}))
        folder.landing.mkdir(parents=True, exist_ok=True)
        folder._keep_runs_in_memory()
        return folder

    @property
    def landing(self) -> Path:
        return self.settings.landing_dir

    @property
    def database(self) -> Path:
        return self.settings.database

    def copy_to(self, data_dir: Path) -> "DataFolder":
        """The same lake, landing and published file elsewhere; modification times are kept."""
        shutil.copytree(self.settings.data_dir, data_dir, ignore=shutil.ignore_patterns("dagster"))
        copy = DataFolder(replace(self.settings, data_dir=data_dir))
        copy._keep_runs_in_memory()
        return copy

    def _keep_runs_in_memory(self) -> None:
        self.settings.dagster_home.mkdir(parents=True, exist_ok=True)
        (self.settings.dagster_home / "dagster.yaml").write_text(IN_MEMORY)

    def land(self, files: Mapping[str, str | bytes]) -> None:
        """Put files into landing, in place of those with the same path."""
        for path, content in files.items():
            file = self.landing / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, days: Days | None = None, groups: Collection[str] = UP_TO_CORE) -> list[Step]:
        """One run of the pipeline in an instance that keeps nothing: the lake alone is what runs have in common."""
        with dg.DagsterInstance.ephemeral() as instance:
            return self.run_in(instance, days, groups)

    def run_in(
        self, instance: dg.DagsterInstance, days: Days | None = None, groups: Collection[str] = UP_TO_CORE
    ) -> list[Step]:
        """One run of the pipeline in an instance that other runs share."""
        return Pipeline(self.settings, instance, lambda: NOW).run(days, groups)

    def core(self) -> dict[str, pa.Table]:
        """Every core table, in the order of its key."""
        return {table.name: self.table(table) for table in CORE}

    def table(self, table: contracts.Table) -> pa.Table:
        """The rows of the latest version, in the order of the key."""
        rows = DeltaTable(str(self.settings.lake_dir / table.name)).to_pyarrow_table()
        return rows.select(table.column_names).sort_by([(name, "ascending") for name in table.key]).combine_chunks()

    def versions(self) -> dict[str, int]:
        """The Delta version of every table of the lake, its own memory included."""
        logs = self.settings.lake_dir.glob("*/*/_delta_log")
        return {f"{log.parts[-3]}/{log.parts[-2]}": DeltaTable(str(log.parent)).version() for log in logs}

    def written(self, name: str) -> dict[dt.date, int]:
        """Per day, the version of the table that wrote it."""
        with duckdb_engine(self.settings) as engine:
            return dict(Lake(self.settings, engine).snapshot(name).state.written)

    def open_failures(self) -> list[OpenFailure]:
        """Checks that stand failed."""
        with duckdb_engine(self.settings) as engine:
            return open_failures(Lake(self.settings, engine))

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of the published file, as a reader gets them."""
        return query(self.database, sql, *parameters)


def query(database: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a DuckDB file, opened as a reader does."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def differences(found: Mapping[str, pa.Table], expected: Mapping[str, pa.Table]) -> list[str]:
    """Where the tables differ in content, in words; nothing where they are equal.

    Whole numbers, texts, times and lists are compared exactly, floats to 1e-9 of the greater one.
    """
    return [difference for name in expected for difference in _table_differences(name, found[name], expected[name])]


def _table_differences(name: str, found: pa.Table, expected: pa.Table) -> list[str]:
    key = contracts.ALL[name].key
    if found.num_rows != expected.num_rows or not found.select(key).equals(expected.select(key)):
        keys = [[tuple(row.values()) for row in table.select(key).to_pylist()] for table in (found, expected)]
        extra, missing = _first(set(keys[0]) - set(keys[1])), _first(set(keys[1]) - set(keys[0]))
        return [f"{name}: {found.num_rows} rows, expected {expected.num_rows}; too much {extra}; missing {missing}"]
    told = []
    for column in expected.column_names:
        unequal = _unequal(found[column], expected[column])
        if unequal.any():
            rows = [
                (
                    tuple(found.select(key).slice(row, 1).to_pylist()[0].values()),
                    found[column][row],
                    expected[column][row],
                )
                for row in np.flatnonzero(unequal)[:3].tolist()
            ]
            shown = "; ".join(f"{at}: {value.as_py()!r}, expected {right.as_py()!r}" for at, value, right in rows)
            told.append(f"{name}.{column}: {unequal.sum()} rows differ: {shown}")
    return told


def _unequal(found: pa.ChunkedArray, expected: pa.ChunkedArray) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    if pa.types.is_floating(expected.type):
        left, right = (column.to_numpy() for column in (found, expected))
        is_null = [pc.is_null(column).to_numpy() for column in (found, expected)]
        return (is_null[0] != is_null[1]) | ~np.isclose(left, right, rtol=TOLERANCE, atol=0, equal_nan=True)
    if pa.types.is_list(expected.type):
        pairs = zip(found.to_pylist(), expected.to_pylist(), strict=True)
        return np.array([left != right for left, right in pairs], bool)
    is_null = [pc.is_null(column).to_numpy() for column in (found, expected)]
    differs = pc.fill_null(pc.not_equal(found, expected), False).to_numpy()
    return np.asarray((is_null[0] != is_null[1]) | differs)


def _first(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(keys, key=str)[:3]


def jobs(steps: Sequence[Step]) -> list[str]:
    """The jobs that ran, with their days where they are of days."""
    return [step.job if step.days is None else f"{step.job} {step.days}" for step in steps]


def errors(steps: Sequence[Step]) -> list[str]:
    return [error for step in steps for error in step.errors]


def failed_blocking(steps: Sequence[Step]) -> list[str]:
    return [check for step in steps for check in step.failed_blocking]
