"""Apache Spark as an engine: executors read and write the Parquet files of Delta tables, and this process commits them.

Importing this needs pyspark (`make env EXTRAS=spark`) and, to run, Java 17 or later. Data folder and landing are on a file
system that every executor sees under the same path.
"""

import dataclasses
import itertools
import shutil
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import ibis
import ibis.expr.operations as ops
import pyarrow.parquet as pq
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkSchema
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from streaming_assets.contracts import Table
from streaming_assets.errors import EngineError
from streaming_assets.lake.delta import DataFile
from streaming_assets.lake.engine import DRAFT, MISSING_PARTITION, SPILL, DuckDBEngine, Engine, duckdb_engine
from streaming_assets.settings import Settings, bytes_of

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_SHUFFLE_PARTITIONS_PER_CORE = 16
"""Before Spark joins small ones: a partition must fit into a task's share of the memory."""
_ROWS_AT_ONCE = 10**12
"""A range is one pass, whatever its length: Spark spills, and splits what is large."""
_LEAST_MEGABYTES = 200
_LOGGING = Path(__file__).with_name("log4j2.properties")
_TEMPORARY = "_temporary"
"""Where tasks write until Spark takes over what they wrote."""

_numbers = itertools.count()


class SparkEngine(Engine):
    """The Spark session of this process, in which tables of the lake are temporary views."""

    kind = "spark"
    rows_at_once = _ROWS_AT_ONCE

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.session = _session(settings)
        self.backend = _Backend()
        self.backend.register_options()
        self.backend.do_connect(self.session)
        self._views: dict[tuple[str, Path, tuple[str, ...]], str] = {}

    def scan(self, table: Table, folder: Path, files: Sequence[str]) -> ibis.Table:
        key = (table.name, folder, tuple(files))
        if key not in self._views:
            name = f"scan_{table.group}_{table.short_name}_{next(_numbers)}"
            self._frame(table, folder, files).createOrReplaceTempView(name)
            self._views[key] = name
        return ops.DatabaseTable(self._views[key], schema=table.schema, source=self.backend).to_expr()

    def write(self, rows: ibis.Table, table: Table, folder: Path) -> list[DataFile]:
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob(f"{DRAFT}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        draft = folder / f"{DRAFT}{uuid.uuid4().hex}"
        frame = self.frame(rows.select(*table.column_names))
        types = {column.name: _spark_type(column.type) for column in table.columns}
        typed = frame.select(*(frame[quoted(name)].cast(type_).alias(name) for name, type_ in types.items()))
        # Files of a size that is good to read, whatever the number of tasks: small ones joined, large ones split.
        sized = typed.hint("rebalance", *table.partition_by) if table.partition_by else typed.hint("rebalance")
        try:
            sized.write.parquet(str(draft), mode="error", partitionBy=list(table.partition_by) or None)
            return [_moved(path, draft, folder) for path in finished_files(draft)]
        finally:
            # A task that was given up may still write here; the next write into the folder deletes what it leaves.
            shutil.rmtree(draft, ignore_errors=True)

    def frame(self, rows: ibis.Table) -> DataFrame:
        """The rows as a data frame of this session, nothing computed yet."""
        self.backend._run_pre_execute_hooks(rows)
        return self.session.sql(str(self.backend.compile(rows)))

    @property
    def tasks(self) -> int:
        return self.session.sparkContext.defaultParallelism

    def each(self, function: Callable[[DuckDBEngine, _Item], _Result], items: Sequence[_Item]) -> Iterable[_Result]:
        context, settings = self.session.sparkContext, _settings_of_a_task(self._settings)
        if not items:
            return []

        def of_executor(item: _Item) -> _Result:
            with duckdb_engine(settings) as engine:
                return function(engine, item)

        return context.parallelize(items, len(items)).map(of_executor).collect()

    def close(self) -> None:
        """Drop the views; the session stays for the next run of this process."""
        for name in self._views.values():
            self.session.catalog.dropTempView(name)
        self._views.clear()

    def _frame(self, table: Table, folder: Path, files: Sequence[str]) -> DataFrame:
        schema = ", ".join(f"`{column.name}` {_spark_type(column.type)}" for column in table.columns)
        if not files:
            return self.session.createDataFrame([], schema)
        reader = self.session.read.schema(schema).option("basePath", str(folder))
        return reader.parquet(*(_path(folder / file) for file in files)).select(
            *(quoted(name) for name in table.column_names)
        )


class _Backend(Backend):
    """Ibis's, which takes what is held in memory by way of pandas, where unknown whole numbers become floats."""

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        rows = op.data.to_pyarrow(op.schema)
        frame = self._session.createDataFrame(rows, schema=PySparkSchema.from_ibis(op.schema))
        frame.createOrReplaceTempView(op.name)


def _session(settings: Settings) -> SparkSession:
    """The one session of this process; cores and memory are those for which it was first asked.

    What is not set here comes from spark-defaults.conf of SPARK_CONF_DIR. Raises EngineError where it does not start, or
    runs at another master.
    """
    spill = (settings.lake_dir / SPILL).resolve()
    spill.mkdir(parents=True, exist_ok=True)
    master = settings.spark_master or f"local[{settings.threads}]"
    options: dict[str, Any] = {
        "spark.app.name": "streaming_assets",
        "spark.master": master,
        "spark.ui.showConsoleProgress": False,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.execution.arrow.pyspark.enabled": True,
        # What data and experiments say is text: ${…} in it names no variable of this process.
        "spark.sql.variable.substitute": False,
        # Checks quote names as SQL does.
        "spark.sql.ansi.enabled": True,
        "spark.sql.ansi.doubleQuotedIdentifiers": True,
        # Thousands of files of days are listed by this process; a job of many tasks is slower on any file system we read.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": 100_000,
        "spark.sql.warehouse.dir": str(spill / "warehouse"),
    }
    is_local = master.startswith("local")
    if is_local and "," in str(spill):
        raise EngineError(f"Spark takes no comma in the path of the folder that it spills to: {spill}")
    _require_same_master(settings.spark_master)
    if is_local:
        options |= {
            "spark.driver.memory": f"{max(bytes_of(settings.memory_limit) // 2**20, 512)}m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dlog4j2.configurationFile={_LOGGING.as_uri()}",
            "spark.local.dir": str(spill),
            "spark.sql.shuffle.partitions": settings.threads * _SHUFFLE_PARTITIONS_PER_CORE,
            "spark.ui.enabled": False,
        }
    builder = SparkSession.builder
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise EngineError(
            f"Spark does not start at {master}; it needs Java 17 or later (JAVA_HOME): {error}"
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    if is_local:
        session.sparkContext.pythonExec = sys.executable
    return session


def _require_same_master(asked: str | None) -> None:
    running = SparkSession.getActiveSession()
    if running and asked not in (None, running.sparkContext.master):
        master = running.sparkContext.master
        raise EngineError(f"this process runs Spark at {master}; expected {asked}: start another process")


def _settings_of_a_task(settings: Settings) -> Settings:
    """One core of an executor, and its share of the memory."""
    memory = max(bytes_of(settings.memory_limit) // settings.threads // 10**6, _LEAST_MEGABYTES)
    return dataclasses.replace(
        settings,
        data_dir=settings.data_dir.resolve(),
        landing=settings.landing_dir.resolve(),
        threads=1,
        memory_limit=f"{memory}MB",
    )


def finished_files(draft: Path) -> list[Path]:
    """The Parquet files that count: an executor that was taken for lost may still write others below _temporary."""
    return sorted(path for path in draft.rglob("*.parquet") if path.relative_to(draft).parts[0] != _TEMPORARY)


def _moved(path: Path, draft: Path, folder: Path) -> DataFile:
    """A written file, moved to where the table's files are."""
    relative = path.relative_to(draft)
    (folder / relative).parent.mkdir(parents=True, exist_ok=True)
    path.rename(folder / relative)
    values = dict(part.split("=", 1) for part in relative.parts[:-1])
    partition = {name: None if value == MISSING_PARTITION else unquote(value) for name, value in values.items()}
    target = folder / relative
    return DataFile(str(relative), pq.read_metadata(target).num_rows, target.stat().st_size, partition)


def _spark_type(type_: str) -> str:
    if type_.startswith("array<"):
        return f"array<{_spark_type(type_[6:-1])}>"
    return {"int64": "bigint", "float64": "double", "timestamp": "timestamp_ntz"}.get(type_, type_)


def _path(path: Path) -> str:
    """A path as Spark takes it: characters of its patterns stand for themselves."""
    return "".join(f"\\{letter}" if letter in "{}[]*?\\" else letter for letter in str(path))


def quoted(name: str) -> str:
    """The name as Spark's SQL takes it."""
    return "`" + name.replace("`", "``") + "`"
