"""Great Expectations over a DuckDB connection that is already open. Importing this takes seconds.

Great Expectations speaks SQLAlchemy; what stands between the two is here, what is expected is not.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import duckdb
import duckdb_engine
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.interfaces import Batch
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.pool import StaticPool

from streaming_assets.quality.expectations import SAMPLE_ROWS, Evaluation, EvaluationError, Rule

# Great Expectations reads at most 200 rows of a result, but selects whole tables where it wants their columns.
_MOST_ROWS = 1_000
_ROWS_VIEW = "evaluated rows"
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_SAMPLES = {"result_format": "BASIC", "partial_unexpected_count": SAMPLE_ROWS, "include_unexpected_rows": True}


@dataclass(frozen=True)
class Relations:
    """rows: a SELECT over the rows to check. referred: by view name, a SELECT that the queries of rules refer to."""

    rows: str
    referred: Mapping[str, str]


def evaluated(rules: Sequence[Rule], connection: duckdb.DuckDBPyConnection, relations: Relations) -> list[Evaluation]:
    """One evaluation per rule, in their order: a few queries for all of them, and one more per failing rule.

    Raises EvaluationError naming the rules that could not be evaluated, and why.
    """
    with _views(connection, {_ROWS_VIEW: relations.rows, **relations.referred}), _batch(connection) as batch:
        counted = _results(batch, rules, _COUNTS)
        failed = [rule for rule in rules if rule.kind != "query" and not counted[rule.expectation.name].success]
        sampled = _results(batch, failed, _SAMPLES) if failed else {}
    return [_evaluation(rule, {**counted, **sampled}[rule.expectation.name]) for rule in rules]


class _BufferedExecution(PGExecutionContext_psycopg2):
    def post_exec(self) -> None:
        super().post_exec()
        if self.cursor.description is not None:
            rows = self.cursor.fetchmany(_MOST_ROWS)
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=rows)


class _QuotingPreparer(duckdb_engine.DuckDBIdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        # The dialect's list of words to quote lacks some that DuckDB trips over, such as "at".
        return True


class BufferedDialect(duckdb_engine.Dialect):
    """duckdb-engine's dialect, with every name quoted and the first 1,000 rows of every result in memory.

    Great Expectations fetches rows after it has given the connection back; by then DuckDB has dropped them.
    """

    execution_ctx_cls = _BufferedExecution
    preparer = _QuotingPreparer
    supports_statement_cache = False


registry.register("duckdb.buffered", __name__, BufferedDialect.__name__)


class _LentConnection(duckdb_engine.ConnectionWrapper):
    """A connection that belongs to someone else: SQLAlchemy uses it and never closes it."""

    def close(self) -> None:
        pass


class _NoFailingRows(gxe.UnexpectedRowsExpectation):
    """Passes when the query finds nothing. It runs once: the rows carry the total that a second one would count."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table", "table.row_count")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.table"]
        return {
            "success": not rows,
            "result": {
                "element_count": metrics["table.row_count"],
                "unexpected_count": rows[0]["failing_rows"] if rows else 0,
                "unexpected_rows": rows,
            },
        }


_EXPECTATIONS = {
    "not_null": gxe.ExpectColumnValuesToNotBeNull,
    "range": gxe.ExpectColumnValuesToBeBetween,
    "one_of": gxe.ExpectColumnValuesToBeInSet,
    "query": _NoFailingRows,
}


@contextmanager
def _views(connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str]) -> Iterator[None]:
    """Temporary views, so that texts with thousands of paths are parsed once and never by SQLAlchemy."""
    try:
        for name, select in selects.items():
            connection.execute(f'CREATE OR REPLACE TEMPORARY VIEW "{name}" AS {select}')
        yield
    finally:
        for name in selects:
            connection.execute(f'DROP VIEW IF EXISTS temp."{name}"')


@contextmanager
def _batch(connection: duckdb.DuckDBPyConnection) -> Iterator[Batch]:
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )
    source = context.data_sources.add_sql(  # type: ignore[call-arg]  # kwargs is a field, its stub lacks it
        "duckdb",
        connection_string="duckdb+buffered://",
        kwargs={"creator": lambda: _LentConnection(connection), "poolclass": StaticPool},
        create_temp_table=False,
    )
    rows = source.add_query_asset("rows", query=f'SELECT * FROM "{_ROWS_VIEW}"')
    try:
        yield rows.add_batch_definition_whole_table("all").get_batch()
    finally:
        source.get_engine().dispose()
        context.data_sources.delete("duckdb")


def _results(
    batch: Batch, rules: Sequence[Rule], result_format: dict[str, Any]
) -> dict[str, ExpectationValidationResult]:
    """By the rule's name."""
    expectations = [_EXPECTATIONS[rule.kind](**rule.arguments, meta={"name": rule.expectation.name}) for rule in rules]
    suite = gx.ExpectationSuite("contract", expectations=expectations)
    results = {_name_of(result): result for result in batch.validate(suite, result_format=result_format).results}
    errors = [f"{name}: {_reason(result.exception_info)}" for name, result in results.items() if not result.result]
    if errors:
        raise EvaluationError("; ".join(errors))
    return results


def _name_of(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    assert config is not None and config.meta is not None  # noqa: S101, PT018 - we gave both
    return str(config.meta["name"])


def _reason(exception_info: Mapping[str, Any]) -> str:
    """Either one exception, or one by metric."""
    by_metric = [info for info in exception_info.values() if isinstance(info, Mapping)]
    return ", ".join(dict.fromkeys(info["exception_message"] for info in by_metric or [exception_info]))


def _evaluation(rule: Rule, result: ExpectationValidationResult) -> Evaluation:
    # No rows have no sum.
    rows, failing = result.result["element_count"], int(result.result["unexpected_count"] or 0)
    sample = [
        {name: _json_value(value) for name, value in row.items() if name in rule.shown}
        for row in result.result.get("unexpected_rows", [])
    ]
    return Evaluation(
        name=rule.expectation.name,
        passed=bool(result.success),
        numbers={"rows": rows, "failing_rows": failing, "failing_share": failing / rows if rows else 0.0},
        sample=sample,
        advice=rule.advice,
    )


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
