"""What differs between engines: reading Parquet files as a table, and writing a query as Parquet files."""

import contextlib
import importlib.util
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import ibis
import ibis.expr.operations as ops

from streaming_assets.contracts import Table
from streaming_assets.errors import EngineError
from streaming_assets.lake.delta import DataFile
from streaming_assets.settings import COMPUTED, Settings, bytes_of, java_folder

if TYPE_CHECKING:
    import duckdb

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

SPILL = ".spill"
"""Folder of the lake for what does not fit into memory."""
DRAFT = ".writing-"
"""How the folders begin into which Spark's tasks write until the files are the table's."""
_BYTES_PER_ROW = 1_500
MISSING_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class Engine(Protocol):
    """Runs transformations and moves rows between Parquet files."""

    kind: str
    """What settings call it."""
    rows_at_once: int
    """About how many rows a transformation may take in one pass."""

    def scan(self, table: Table, folder: Path, files: Sequence[str]) -> ibis.Table:
        """The rows of a table's files, with the contract's columns; no files are an empty table of that type."""

    def write(self, rows: ibis.Table, table: Table, folder: Path) -> list[DataFile]:
        """Write rows as new Parquet files into the table's folder, one or more per partition; nothing is committed."""

    @property
    def tasks(self) -> int:
        """How many items `each` works on at the same time."""

    def each(self, function: Callable[["DuckDBEngine", _Item], _Result], items: Sequence[_Item]) -> Iterable[_Result]:
        """What the function makes of each item with a DuckDB, here or on other machines; results must be small."""

    def close(self) -> None:
        """Let go of what was read."""


class DuckDBEngine:
    """DuckDB in this process, spilling to disk above its memory limit."""

    kind = "duckdb"

    def __init__(self, connection: "duckdb.DuckDBPyConnection", rows_at_once: int) -> None:
        self.connection = connection
        self.rows_at_once = rows_at_once
        self.backend = ibis.duckdb.from_connection(connection)
        self._views: dict[tuple[str, Path, tuple[str, ...]], str] = {}

    def scan(self, table: Table, folder: Path, files: Sequence[str]) -> ibis.Table:
        key = (table.name, folder, tuple(files))
        if key not in self._views:
            name = f"scan_{table.group}_{table.short_name}_{len(self._views)}"
            self.connection.execute(f"CREATE TEMP VIEW {name} AS {self.scan_sql(table, folder, files)}")
            self._views[key] = name
        return self.backend.table(self._views[key])

    def scan_sql(self, table: Table, folder: Path, files: Sequence[str]) -> str:
        """The SELECT behind `scan`."""
        types = {column.name: _sql_type(column.type) for column in table.columns}
        if not files:
            columns = ", ".join(f'NULL::{type_} AS "{name}"' for name, type_ in types.items())
            return f"SELECT {columns} WHERE false"
        paths = ", ".join(literal(str(folder / path)) for path in _middle_first(files))
        hive = ", ".join(f"'{name}': {types[name]}" for name in table.partition_by)
        options = f", hive_partitioning = true, hive_types = {{{hive}}}" if hive else ", hive_partitioning = false"
        columns = ", ".join(f'"{name}"' for name in types)
        return f"SELECT {columns} FROM read_parquet([{paths}]{options})"

    def write(self, rows: ibis.Table, table: Table, folder: Path) -> list[DataFile]:
        for held in rows.op().find(ops.InMemoryTable):
            self.connection.register(held.name, held.data.to_pyarrow(held.schema))
        query = str(ibis.to_sql(rows.select(*table.column_names), dialect="duckdb"))
        # Ibis leaves out a cast where it takes the types to be equal already; DuckDB's sum of integers is wider.
        types = ", ".join(f'"{column.name}"::{_sql_type(column.type)} AS "{column.name}"' for column in table.columns)
        return self.write_sql(f"SELECT {types} FROM ({query})", table, folder)

    @property
    def tasks(self) -> int:
        return 1

    def each(self, function: Callable[["DuckDBEngine", _Item], _Result], items: Sequence[_Item]) -> Iterable[_Result]:
        return (function(self, item) for item in items)

    def close(self) -> None:
        """Views go with the connection, which belongs to who opened it."""

    def write_sql(self, query: str, table: Table, folder: Path) -> list[DataFile]:
        """As `write`, for a SELECT that yields the contract's columns in their order."""
        # Reading files in order switches this on; writing without it needs far less memory.
        self.connection.execute("SET preserve_insertion_order = false")
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if table.partition_by:
            columns = ", ".join(f'"{name}"' for name in table.partition_by)
            target, layout = folder, f", PARTITION_BY ({columns}), APPEND, FILENAME_PATTERN 'part-{{uuid}}'"
        else:
            target, layout = folder / f"part-{uuid.uuid4()}.parquet", ""
        written = self.connection.execute(
            f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_STATS{layout})"
        ).fetchall()
        files = [_data_file(row, folder) for row in written]
        for empty in (file for file in files if file.rows == 0):
            (folder / empty.path).unlink()
        return [file for file in files if file.rows]


@contextlib.contextmanager
def duckdb_engine(settings: Settings) -> Iterator[DuckDBEngine]:
    """A DuckDB of its own for one run, with the memory limit, threads and spill folder of the settings."""
    from dagster_duckdb import DuckDBResource

    spill = settings.lake_dir / SPILL
    spill.mkdir(parents=True, exist_ok=True)
    # DuckDB names what it spills by its process, and in containers many processes have one number.
    with tempfile.TemporaryDirectory(dir=spill, ignore_cleanup_errors=True) as own:
        config = {
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": own,
            "preserve_insertion_order": False,
            "partitioned_write_max_open_files": 10_000,
        }
        with DuckDBResource(database=":memory:", connection_config=config).get_connection() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            yield DuckDBEngine(connection, rows_at_once=bytes_of(settings.memory_limit) // _BYTES_PER_ROW)


def require_engines(settings: Settings) -> None:
    """Raises EngineError where an engine that the settings name is not installed, or has nothing to run on."""
    if all(settings.engine_of(group) != "spark" for group in COMPUTED):
        return
    if importlib.util.find_spec("pyspark") is None:
        raise EngineError("the engine spark needs pyspark, which is an optional extra: `make env EXTRAS=spark`")
    folder = java_folder()
    if not shutil.which("java", path=folder):
        where = f"JAVA_HOME/bin, which is {folder}" if folder else "PATH"
        raise EngineError(f"the engine spark needs Java 17 or later; there is no program java in {where}")


def spark_engine(settings: Settings) -> Engine:
    """Spark, in the one session of this process. Raises EngineError where it is not installed, or does not start."""
    require_engines(settings)
    from streaming_assets.lake.spark import SparkEngine

    return SparkEngine(settings)


def conform(rows: ibis.Table, table: Table) -> ibis.Table:
    """The contract's columns in their order and types."""
    return rows.select(*table.column_names).cast(dict(table.schema.items()))


def _middle_first(files: Sequence[str]) -> list[str]:
    """The files in the order of their partitions, from the middle to the end and then from the start.

    DuckDB reckons from the first file alone how many rows a filter on partitions leaves, and takes it for none where the
    filter drops that file; then it builds hash tables of facts. A range of more than half of the days has the middle one.
    """
    in_order = sorted(files)
    middle = len(in_order) // 2
    return in_order[middle:] + in_order[:middle]


def _data_file(row: tuple[Any, ...], folder: Path) -> DataFile:
    path, count, size, _footer, _statistics, partition, *_rest = row
    values = {name: None if value == MISSING_PARTITION else value for name, value in (partition or {}).items()}
    return DataFile(str(Path(path).relative_to(folder)), count, size, values)


def _sql_type(type_: str) -> str:
    inner = re.fullmatch(r"array<(.+)>", type_)
    if inner:
        return _sql_type(inner[1]) + "[]"
    return {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}.get(type_, type_.upper())


def literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
