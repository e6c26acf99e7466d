"""Checks judge what Spark made, in Spark, as they do in DuckDB."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import ibis
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.contracts import Column, Reference, Table
from streaming_assets.lake.days import Days
from streaming_assets.lake.engine import DuckDBEngine, duckdb_engine, spark_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.quality.expectations import Evaluation, evaluate, evaluate_frames
from streaming_assets.quality.identities import identities
from streaming_assets.quality.model_identities import model_identities
from streaming_assets.quality.reconciliation import Reconciliation, reconciliations
from streaming_assets.quality.statistical import statistical_checks
from streaming_assets_tests.end_to_end.data_folder import DataFolder

if TYPE_CHECKING:
    from streaming_assets.lake.spark import SparkEngine

PySparkException = pytest.importorskip("pyspark.errors").PySparkException

OTHERS = Table(
    "core/content", "one row per title", ("content_id",), (Column("content_id", "string", "of the title"),), "x"
)
ROWS = Table(
    "core/plays",
    "one row per play",
    ("event_id", "at"),
    (
        Column("event_id", "string", "of the play", not_null=True),
        Column("at", "timestamp", "when it began"),
        Column("watch_seconds", "float64", "how long", at_least=0.0),
        Column("pauses", "int64", "how often", at_least=0.0, at_most=10.0),
        Column("platform", "string", "on what", one_of=("tv", "web")),
        Column("content_id", "string", "what", refers_to=Reference("core/content", "content_id")),
    ),
    "x",
)
NOON = dt.datetime(2026, 3, 1, 12)
FAULTY = [
    ("a", NOON, 10.0, 1, "tv", "title 1"),
    ("a", NOON, 10.0, 1, "tv", "title 1"),
    ("b", None, -1.0, 11, "tv", "title 2"),
    ("b", None, float("nan"), 3, "radio", None),
    (None, NOON, 5.0, -1, None, "title 9"),
    ("c", NOON, None, None, "web", "title 9"),
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[DuckDBEngine, SparkEngine]]":
    settings = DataFolder.at(tmp_path_factory.mktemp("checks") / "data").settings
    with duckdb_engine(settings) as ours:
        spark = cast("SparkEngine", spark_engine(settings))
        yield ours, spark
        spark.close()


def judged_by_both(
    engines: "tuple[DuckDBEngine, SparkEngine]", rows: list[tuple[object, ...]], home: Path
) -> tuple[list[Evaluation], list[Evaluation]]:
    ours, spark = engines
    held = {ROWS: rows, OTHERS: [("title 1",), ("title 2",)]}
    files = {
        table: [file.path for file in ours.write(_held(table, found), table, home / table.short_name)]
        for table, found in held.items()
    }
    of_duckdb = evaluate(
        ROWS,
        ours.connection,
        ours.scan_sql(ROWS, home / "plays", files[ROWS]),
        {OTHERS.name: ours.scan_sql(OTHERS, home / "content", files[OTHERS])},
    )
    of_spark = evaluate_frames(
        ROWS,
        spark.frame(spark.scan(ROWS, home / "plays", files[ROWS])),
        {OTHERS.name: spark.frame(spark.scan(OTHERS, home / "content", files[OTHERS]))},
    )
    return of_duckdb, of_spark


def _held(table: Table, rows: list[tuple[object, ...]]) -> ibis.Table:
    """By way of Arrow, which tells NaN from NULL."""
    named = [dict(zip(table.column_names, row, strict=True)) for row in rows]
    return ibis.memtable(pa.Table.from_pylist(named, table.schema.to_pyarrow()), schema=table.schema)


@pytest.mark.spark
def test_a_contract_is_judged_alike_with_the_same_numbers(
    engines: "tuple[DuckDBEngine, SparkEngine]", tmp_path: Path
) -> None:
    of_duckdb, of_spark = judged_by_both(engines, FAULTY, tmp_path)
    assert [(found.name, found.passed, found.numbers["failing_rows"]) for found in of_spark] == [
        ("event_id_is_not_null", False, 1),
        ("watch_seconds_is_at_least_0", False, 2),
        ("pauses_is_between_0_and_10", False, 2),
        ("platform_is_a_known_value", False, 1),
        ("event_id_and_at_are_unique", False, 4),
        ("content_id_exists_in_core_content", False, 2),
    ]
    assert [replace(found, sample=[]) for found in of_spark] == [replace(found, sample=[]) for found in of_duckdb]
    assert [sorted(map(str, found.sample)) for found in of_spark] == [
        sorted(map(str, found.sample)) for found in of_duckdb
    ]


@pytest.mark.spark
def test_good_rows_and_no_rows_pass(engines: "tuple[DuckDBEngine, SparkEngine]", tmp_path: Path) -> None:
    for number, rows in enumerate(([FAULTY[0]], [])):
        _, of_spark = judged_by_both(engines, rows, tmp_path / str(number))
        assert {found.passed for found in of_spark} == {True}


ASKED: list[Reconciliation] = [*reconciliations(0.1), *identities(), *model_identities(), *statistical_checks()]


@pytest.mark.slow
@pytest.mark.spark
def test_every_reconciliation_and_statistical_check_can_be_asked(computed: DataFolder) -> None:
    settings = replace(computed.settings, engine="spark")
    with duckdb_engine(settings) as engine:
        plain = Lake(settings, engine)
        refused = {}
        for one in ASKED:
            about = contracts.ALL[one.about or one.asset]
            lake = plain.computing(about.group)
            last = lake.snapshot("core/events").last_day
            assert last is not None
            days = Days(last, last) if about.day_column else None
            ask = one.violated if one.figures is None else one.measured
            asked = ask(lake.read, days, partial(_rows_of, plain))
            try:
                cast("SparkEngine", lake.compute).frame(asked).schema  # noqa: B018
            except PySparkException as error:
                refused[one.name] = str(error)[:300]
        plain.close()
    assert refused == {}


def _rows_of(lake: Lake, name: str) -> ibis.Table:
    """(date, file_id, rows) of a table, as the orchestration counts them."""
    schema = {"date": "date", "file_id": "string", "rows": "int64"}
    rows = [
        (lake.snapshot(name).days_of(file), file.partition.get("file_id"), file.rows)
        for file in lake.snapshot(name).files
    ]
    return ibis.memtable(rows, schema=schema)
