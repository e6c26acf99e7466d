"""Tables of the published file as CSV or Parquet, for tools that do not open DuckDB files.

Only streaming.duckdb is read, so that neither a run nor another reader is held up.
"""

import contextlib
import uuid
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb

from streaming_assets.lake.engine import literal
from streaming_assets.settings import Settings

Format = Literal["csv", "parquet"]
EVERY_TABLE = "all"

# What a spreadsheet takes for a formula: OWASP, "CSV Injection", full-width forms and line feed included.
# Some spreadsheets pass over blanks before the sign.
_STARTS_A_FORMULA = r"^([\t\r\n]|[ \x{00A0}]*[=+\-@＝＋－＠])"
_OPTIONS = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}


class ExportRefusedError(ValueError):
    """A table that does not exist, or a place that cannot take a file; the message says what could be meant."""


class ExportFailedError(RuntimeError):
    """Nothing is published yet, or a file could not be read or written."""


class Exported(NamedTuple):
    """A table that was written."""

    table: str
    rows: int
    file: Path


def export(settings: Settings, table: str, form: Format, out: Path) -> Iterator[Exported]:
    """Write a published table (group/name) to the file out, or with table "all" each into the folder out; yields what was written.

    A file takes the place of an older one only when it is whole. In CSV, lists are JSON texts, and texts that a
    spreadsheet would take for a formula get a leading apostrophe; a name that ends with .gz is compressed.
    Raises ExportRefusedError, ExportFailedError.
    """
    _refuse_places_in_use(settings, out)
    with _published(settings) as connection:
        tables = [
            f"{schema}/{name}"
            for schema, name in connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_catalog = 'published' ORDER BY ALL"
            ).fetchall()
        ]
        for name, file in _files(table, tables, form, out).items():
            yield Exported(name, _write(connection, name, form, file), file)


def _files(table: str, tables: list[str], form: Format, out: Path) -> dict[str, Path]:
    if table == EVERY_TABLE:
        folder = _folder(out)
        return {name: folder / f"{name.replace('/', '.')}.{form}" for name in tables}
    if table not in tables:
        raise ExportRefusedError(f"{table} is no published table; {_meant(table, tables)}")
    if out.exists() and not out.is_file():
        raise ExportRefusedError(f"--out {out} is not a file")
    if not out.parent.is_dir():
        raise ExportRefusedError(f"--out {out}: there is no folder {out.parent}")
    return {table: out.resolve()}


def _folder(out: Path) -> Path:
    if out.exists() and not out.is_dir():
        raise ExportRefusedError(f"--out {out} is not a folder, and every table has a file of its own")
    if not out.resolve().parent.is_dir():
        raise ExportRefusedError(f"--out {out}: there is no folder {out.parent}")
    out.mkdir(exist_ok=True)
    return out.resolve()


def _meant(table: str, tables: list[str]) -> str:
    names = {name: whole for whole in tables for name in (whole, whole.split("/")[1])}
    close = dict.fromkeys(names[name] for name in get_close_matches(table, names, n=5))
    return f"close to it: {', '.join(close)}" if close else f"the tables are {', '.join(tables)}"


def _refuse_places_in_use(settings: Settings, out: Path) -> None:
    target = out.resolve()
    folders = (settings.lake_dir, settings.landing_dir, settings.sources_dir, settings.dagster_home)
    if target == settings.database.resolve() or any(target.is_relative_to(folder.resolve()) for folder in folders):
        raise ExportRefusedError(f"--out {out} lies in what the pipeline reads or writes; choose another place")


@contextlib.contextmanager
def _published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    if not settings.database.exists():
        raise ExportFailedError(f"nothing is published in {settings.data_dir} yet; `streaming-assets run` does that")
    limits: dict[str, Any] = {"memory_limit": settings.memory_limit, "threads": settings.threads, "temp_directory": ""}
    try:
        with duckdb.connect(config=limits) as connection:
            connection.execute(f"ATTACH {literal(str(settings.database))} AS published (READ_ONLY)")
            yield connection
    except (duckdb.Error, OSError) as error:
        raise ExportFailedError(str(error)) from error


def _write(connection: duckdb.DuckDBPyConnection, table: str, form: Format, file: Path) -> int:
    schema, name = table.split("/")
    columns = connection.execute(f'DESCRIBE published."{schema}"."{name}"').fetchall()
    shown = ", ".join(as_csv(column, type_) if form == "csv" else f'"{column}"' for column, type_, *_ in columns)
    # The name's end stays as it is: it says whether to compress.
    draft = file.with_name(f".writing-{uuid.uuid4().hex}-{file.name}")
    try:
        rows = connection.execute(
            f'COPY (SELECT {shown} FROM published."{schema}"."{name}") TO {literal(str(draft))} ({_OPTIONS[form]})'
        ).fetchall()[0][0]
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return int(rows)


def as_csv(column: str, type_: str) -> str:
    """A column as SQL for a CSV: lists as JSON, texts that a spreadsheet would take for formulas behind an apostrophe."""
    if type_.endswith("[]"):
        return f'to_json("{column}") AS "{column}"'
    if type_ == "VARCHAR":
        is_formula = f"regexp_matches(\"{column}\", '{_STARTS_A_FORMULA}')"
        return f'CASE WHEN {is_formula} THEN \'\'\'\' || "{column}" ELSE "{column}" END AS "{column}"'
    return f'"{column}"'
