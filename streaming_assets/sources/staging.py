"""Evaluates a claimed file once, into Parquet, and says what of it is accepted and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from streaming_assets.contracts import raw
from streaming_assets.sources.binding import FILE_ROW_NUMBER, bound
from streaming_assets.sources.canonical import Evaluation, Rules, masked
from streaming_assets.sources.definition import TABLES, Expression, Source, Target
from streaming_assets.sources.errors import FileError, first_line
from streaming_assets.sources.opening import require_readable
from streaming_assets.sources.rows import IS_BROKEN, RAW, ROW, ROW_NUMBER, Columns, Rows
from streaming_assets.sources.sql import identifier, literal

# What the engine raises for data that it cannot read or convert; a full disk and the like are other classes.
_BAD_DATA = (duckdb.DataError, duckdb.ProgrammingError)
_BROKEN = "not an object, or a value that is not of the type that the source declares"

REJECTS = "rejects.parquet"
RESULTS = frozenset({REJECTS, *(f"{table}.parquet" for table in TABLES)})


@dataclass(frozen=True)
class Staged:
    """rows = accepted + rejected of the main table; accepted: a SELECT by table; rejects: Parquet, where there are any.

    The rejects are those of all tables.
    """

    rows: int
    rejected: int
    accepted: dict[str, str] = field(default_factory=dict)
    rejects: Path | None = None


@dataclass(frozen=True)
class _Part:
    """The judged rows of one target in a Parquet file; `rows` as they were read in the end."""

    target: Target
    evaluation: Evaluation
    rows: Rows
    parquet: Path
    count: int
    with_reason: int

    @property
    def numbered(self) -> str:
        """A SELECT of the judged rows with their row_number."""
        file = f"read_parquet({literal(self.parquet)}, {FILE_ROW_NUMBER} = true, hive_partitioning = false)"
        number = ROW_NUMBER if self.rows.is_numbered else f"{FILE_ROW_NUMBER} + 1"
        return f"SELECT *, {number} AS row_number FROM {file}"


class Stager:
    """Stages one file into a folder of its own; `source` is the one that claims it."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, file_id: str, source: Source, rules: Rules
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._file_id = file_id
        self._source = source
        self._rules = rules

    def staged(self, rows: Rows) -> Staged:
        """Everything that comes of the file's rows. Raises FileError when nothing of it may load."""
        if not rows.columns:
            self._require_no_rows(rows)
            return Staged(rows=0, rejected=0)
        main_target, *others = self._source.targets
        try:
            main = self._part(main_target, rows)
            self._require_mostly_well_formed(main)
            parts = [main, *(self._part(target, rows) for target in others)]
        except duckdb.IOException:
            require_readable(self._connection, rows)
            raise
        except _BAD_DATA as error:
            require_readable(self._connection, rows)
            raise FileError(f"the file cannot be turned into rows: {first_line(error)}") from error
        rejected = main.with_reason + main.rows.refused_rows
        return Staged(
            rows=main.count + main.rows.refused_rows,
            rejected=rejected,
            accepted={part.target.table: self._accepted(part) for part in parts},
            rejects=self._rejects(main, parts[1:]) if rejected or any(part.with_reason for part in parts) else None,
        )

    def _require_no_rows(self, rows: Rows) -> None:
        found = self._connection.execute(f"SELECT count(*) FROM ({rows.relation})").fetchone()
        assert found is not None  # noqa: S101 - an aggregate is one row
        if total := found[0] + rows.refused_rows:
            raise FileError(f"found {total} rows and no field in any of them, expected JSON objects")

    def _part(self, target: Target, rows: Rows) -> _Part:
        columns = bound(self._source, target, rows.columns)
        evaluation = Evaluation(self._source, target.table, columns, self._rules)
        parquet = self._folder / f"{target.table}.parquet"
        if target.query is not None:
            rows = self._queried(target.query, rows, tuple((name, type_) for name, (_, type_) in columns.items()))
        try:
            rows, stats = self._copied(
                rows, lambda rows: evaluation.judged(rows.relation, rows.raw_text, rows.is_numbered), parquet
            )
        except _BAD_DATA as error:
            if target.query is None:
                raise
            raise FileError(f"{self._source.path}:{target.query.line}: the query: {first_line(error)}") from error
        _, count, _, _, by_column, *_ = stats
        return _Part(target, evaluation, rows, parquet, count, count - int(by_column['"reason"']["null_count"]))

    def _copied(self, rows: Rows, statement: Callable[[Rows], str], out: Path) -> tuple[Rows, tuple[Any, ...]]:
        """Writes what the statement makes of the rows; in the careful way where the engine stumbles over the file."""
        try:
            return rows, self._copy(statement(rows), out)
        except duckdb.InvalidInputException:
            if rows.carefully is None:
                raise
        rows = rows.carefully()
        return rows, self._copy(statement(rows), out)

    def _copy(self, select: str, out: Path) -> tuple[Any, ...]:
        copy = f"COPY ({select}) TO {literal(out)} (FORMAT parquet, RETURN_STATS)"
        stats = self._connection.execute(copy).fetchone()
        assert stats is not None  # noqa: S101 - one file, one row
        return stats

    def _queried(self, query: Expression, rows: Rows, columns: Columns) -> Rows:
        """The rows that a query makes of the file's well-formed rows; the malformed ones are set apart."""
        base = self._folder / "file.parquet"
        names = ", ".join(identifier(name) for name in rows.names)
        text = f"CASE WHEN {IS_BROKEN} THEN {rows.raw_text} END AS raw_row"
        rows, _ = self._copied(
            rows,
            lambda rows: (
                f"SELECT {names}, {IS_BROKEN}, {text}{f', {ROW_NUMBER}' if rows.is_numbered else ''}"
                f" FROM ({rows.relation})"
            ),
            base,
        )
        file = f"read_parquet({literal(base)}, {FILE_ROW_NUMBER} = true, hive_partitioning = false)"
        position = f"{ROW_NUMBER} - 1" if rows.is_numbered else FILE_ROW_NUMBER
        broken = f"SELECT {position} + 1 AS row_number, raw_row, NULL AS why FROM {file} WHERE {IS_BROKEN}"
        if rows.refused is not None:
            broken += f" UNION ALL FROM read_parquet({literal(rows.refused)})"
        refused = self._folder / "broken.parquet"
        _, refused_rows, *_ = self._copy(broken, refused)
        well_formed = f"SELECT {names}, {position} AS {FILE_ROW_NUMBER} FROM {file} WHERE NOT {IS_BROKEN}"
        selected = ", ".join(identifier(name) for name, _ in columns)
        return Rows(
            columns,
            f"WITH file AS ({well_formed}), result AS ({query.sql}\n)"
            f" SELECT {selected}, false AS {IS_BROKEN}, {ROW} AS {RAW} FROM result AS {ROW}",
            raw_text=f"CAST(to_json({RAW}) AS VARCHAR)",
            refused=refused,
            refused_rows=refused_rows,
        )

    def _accepted(self, part: _Part) -> str:
        made = {"file_id": f"{literal(self._file_id)} AS file_id"}
        names = ", ".join(made.get(name, name) for name in TABLES[part.target.table].column_names)
        return f"SELECT {names} FROM ({part.numbered}) WHERE reason IS NULL"

    def _rejects(self, main: _Part, others: list[_Part]) -> Path | None:
        refused = [self._refused(main, "true")]
        if main.rows.refused is not None:
            # The rows of a query are numbered as it yields them; what it never saw follows after.
            number = f"{main.count} + row_number() OVER (ORDER BY row_number)" if main.target.query else "row_number"
            refused.append(
                f"SELECT {literal(main.target.table)}, {number}, 'malformed_row', NULL, {masked('raw_row')}"
                f" FROM read_parquet({literal(main.rows.refused)})"
            )
        for part in others:
            # A row that is broken whatever is made of it is refused once, and one with nothing for a table is none of it.
            is_empty = " AND ".join(f"{name} IS NULL" for name in part.evaluation.columns)
            refused.append(
                self._refused(part, f"NOT {IS_BROKEN} AND NOT (starts_with(reason, 'missing_') AND {is_empty})")
            )
        file_id = f"{literal(self._file_id)} AS file_id"
        names = ", ".join(file_id if name == "file_id" else identifier(name) for name in raw.rejected_rows.column_names)
        out = self._folder / REJECTS
        _, count, *_ = self._copy(f"SELECT {names} FROM ({' UNION ALL '.join(refused)}) ORDER BY row_number", out)
        return out if count else None

    def _refused(self, part: _Part, condition: str) -> str:
        day = "event_date" if part.target.table == "events" else "CAST(NULL AS DATE)"
        table = f'{literal(part.target.table)} AS "table"'
        return (
            f"SELECT {table}, row_number, reason, {day} AS event_date, raw_row FROM ({part.numbered})"
            f" WHERE reason IS NOT NULL AND {condition}"
        )

    def _require_mostly_well_formed(self, part: _Part) -> None:
        malformed = part.rows.refused_rows + (self._malformed(part)[0] if part.with_reason else 0)
        total = part.count + part.rows.refused_rows
        if malformed * 2 > total:
            raise FileError(f"{malformed} of {total} rows are malformed; the first, {self._first_fault(part)}")

    def _malformed(self, part: _Part) -> tuple[int, int | None]:
        """How many rows are malformed, and the number of the first."""
        found = self._connection.execute(
            f"SELECT count(*), min(row_number) FROM ({part.numbered}) WHERE reason = 'malformed_row'"
        ).fetchone()
        assert found is not None  # noqa: S101 - an aggregate is one row
        return found

    def _first_fault(self, part: _Part) -> str:
        _, number = self._malformed(part)
        if part.rows.refused is not None:
            refused = self._connection.execute(
                f"SELECT row_number, why FROM read_parquet({literal(part.rows.refused)}) ORDER BY 1 LIMIT 1"
            ).fetchone()
            if refused is not None and (number is None or refused[0] < number):
                return f"row {refused[0]}: {refused[1] or _BROKEN}"
        assert number is not None  # noqa: S101 - asked only where a row is malformed
        return f"row {number}: {self._why(part, number)}"

    def _why(self, part: _Part, number: int) -> str:
        at = f"WHERE {ROW_NUMBER} = {number}" if part.rows.is_numbered else f"LIMIT 1 OFFSET {number - 1}"
        row = f"(SELECT * FROM ({part.rows.relation}) {at}) AS file"
        broken = self._connection.execute(f"SELECT {IS_BROKEN} FROM {row}").fetchone()
        if broken == (True,):
            return _BROKEN
        for name, value in part.evaluation.values().items():
            try:
                self._connection.execute(f"SELECT {value} FROM {row}").fetchall()
            except _BAD_DATA as error:
                return f"{name}: {first_line(error)}"
        return "a value that its column cannot have"
