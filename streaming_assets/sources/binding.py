"""Whether a source's SQL fits a file's columns, and what types come of it."""

from collections.abc import Mapping
from functools import lru_cache

import duckdb

from streaming_assets.sources.coerce import coerced
from streaming_assets.sources.definition import CANONICAL, REQUIRED, Expression, Source, Target
from streaming_assets.sources.errors import FileError, first_line
from streaming_assets.sources.rows import Columns, listed
from streaming_assets.sources.sql import identifier

FILE_ROW_NUMBER = "file_row_number"


@lru_cache(maxsize=1024)
def bound(source: Source, target: Target, columns: Columns) -> Mapping[str, tuple[str, str]]:
    """Of each canonical column that the target yields from a file of these columns: its SQL and DuckDB type.

    For a query, the SQL is over the query's columns. Raises FileError naming the YAML's line, what the engine says,
    and the columns that are there.
    """
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return _Binder(connection, source, columns).bound(target)


class _Binder:
    """Plans statements over no rows at all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Source, columns: Columns) -> None:
        self.connection = connection
        self.source = source
        self.columns = columns

    def bound(self, target: Target) -> dict[str, tuple[str, str]]:
        rows = self.columns
        expressions = dict(target.select)
        if target.query is not None:
            rows = self.query_columns(target, target.query)
        if not expressions:
            line = target.query.line if target.query is not None else 1
            present = {name for name, _ in rows}
            expressions = {
                column.name: Expression(identifier(column.name), line)
                for column in CANONICAL[target.table]
                if column.name in present
            }
        sql = {name: f"({expression.sql}\n)" for name, expression in expressions.items()}
        types = dict(zip(sql, self.types(sql, expressions, rows), strict=True))
        casts = {
            column.name: f"TRY({coerced(sql[column.name], types[column.name], column, email_key='')})"
            for column in CANONICAL[target.table]
            if column.name in sql
        }
        self.types(casts, expressions, rows)
        for name in REQUIRED[target.table]:
            if name not in sql:
                raise self.refused(1, f"no {name} comes of this file; a source of {target.table} needs it")
        return {name: (sql[name], types[name]) for name in sql}

    def query_columns(self, target: Target, query: Expression) -> Columns:
        file = _no_rows((*self.columns, (FILE_ROW_NUMBER, "BIGINT")))
        try:
            described = self.describe(f"WITH file AS ({file}) SELECT * FROM ({query.sql}\n)")
        except duckdb.Error as error:
            raise self.refused(query.line, f"the query does not fit the file: {first_line(error)}") from error
        known = [column.name for column in CANONICAL[target.table]]
        for name, _ in described:
            if name not in known:
                raise self.refused(query.line, f"the query yields {name!r}, expected of {', '.join(known)}")
        return described

    def types(self, sql: Mapping[str, str], expressions: Mapping[str, Expression], rows: Columns) -> list[str]:
        """Of each SQL expression over the rows, its type; one by one only where something is wrong."""
        try:
            return self.types_at_once(sql, rows)
        except duckdb.Error:
            return [self.type_alone(name, sql[name], expressions[name], rows) for name in sql]

    def types_at_once(self, sql: Mapping[str, str], rows: Columns) -> list[str]:
        selected = ", ".join(f"{expression} AS {identifier(name)}" for name, expression in sql.items())
        return [type_ for _, type_ in self.describe(f"SELECT {selected} FROM ({_no_rows(rows)}) AS file")]

    def type_alone(self, name: str, sql: str, expression: Expression, rows: Columns) -> str:
        try:
            return self.types_at_once({name: sql}, rows)[0]
        except duckdb.Error as error:
            shown = f"{name}: {expression.sql!r} does not fit the file: {first_line(error)}"
            raise self.refused(expression.line, shown) from error

    def describe(self, statement: str) -> Columns:
        return tuple((name, type_) for name, type_, *_ in self.connection.execute(f"DESCRIBE {statement}").fetchall())

    def refused(self, line: int, message: str) -> FileError:
        found = listed(name for name, _ in self.columns)
        return FileError(f"{self.source.path}:{line}: {message}; the file has the columns {found}")


def _no_rows(columns: Columns) -> str:
    typed = ", ".join(f"CAST(NULL AS {type_}) AS {identifier(name)}" for name, type_ in columns)
    return f"SELECT {typed} WHERE false"
