"""Great Expectations over a DuckDB connection that is already open. Importing this takes seconds.

Great Expectations speaks SQLAlchemy; what stands between the two is here, what is expected is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import duckdb_engine
from great_expectations.datasource.fluent.interfaces import Batch
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.pool import StaticPool

from streaming_assets.quality.expectations import Evaluation, Rule
from streaming_assets.quality.suite import context_in_memory, judged

# Great Expectations reads at most 200 rows of a result, but selects whole tables where it wants their columns.
_MOST_ROWS = 1_000
_ROWS_VIEW = "evaluated rows"


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
        return judged(batch, [rule.with_hash("hash") for rule in rules])


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
    context = context_in_memory()
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
