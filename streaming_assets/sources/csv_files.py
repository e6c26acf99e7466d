"""CSV and TSV files as rows."""

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path

from streaming_assets.sources.coerce import typed_value
from streaming_assets.sources.definition import Reader
from streaming_assets.sources.errors import FileError
from streaming_assets.sources.lines import BOM, MAX_ROW_BYTES, Dialect, sift_rows
from streaming_assets.sources.rows import (
    IS_BROKEN,
    MAX_COLUMNS,
    NO_ROWS,
    RAW,
    ROW,
    ROW_NUMBER,
    Columns,
    Rows,
    distinct_names,
)
from streaming_assets.sources.sql import identifier, literal


def csv_rows(path: Path, reader: Reader, default_delimiter: str) -> Rows:
    """A CSV or TSV text; columns are text unless the reader types them, and a value that has no such type breaks its row."""
    delimiter = reader.delimiter or default_delimiter
    declared = dict(reader.columns)
    blank_lines, header = _header(path, delimiter, reader.quote) if reader.header else (0, list(declared))
    if len(header) > MAX_COLUMNS:
        raise FileError(f"found {len(header)} columns, expected at most {MAX_COLUMNS}")
    names = distinct_names(header)
    if not names:
        return NO_ROWS
    dialect = Dialect(len(names), delimiter.encode(), reader.quote.encode(), reader.header)
    columns = tuple((name, declared.get(name, "VARCHAR")) for name in names)
    rows = Rows(
        columns,
        _csv_relation(path, columns, dialect),
        raw_text=f"concat_ws({literal(delimiter)}, "
        + ", ".join(f"coalesce({RAW}.{identifier(name)}, '')" for name in names)
        + ")",
    )
    # The engine would take a first line that is blank for the header.
    return (
        _sifted(rows, path, dialect) if blank_lines else replace(rows, carefully=partial(_sifted, rows, path, dialect))
    )


def _sifted(rows: Rows, path: Path, dialect: Dialect) -> Rows:
    sifted = sift_rows(path, dialect)
    return replace(
        rows,
        relation=_csv_relation(sifted.clean, rows.columns, replace(dialect, header=False), is_numbered=True),
        is_numbered=True,
        refused=sifted.refused,
        refused_rows=sifted.refused_rows,
        carefully=None,
    )


def _csv_relation(path: Path, columns: Columns, dialect: Dialect, is_numbered: bool = False) -> str:
    typed = [(name, type_) for name, type_ in columns if type_ != "VARCHAR"]
    values = {name: f"TRY({typed_value(identifier(name), 'VARCHAR', type_)})" for name, type_ in typed}
    lost = " OR ".join(f"({values[name]} IS NULL AND {identifier(name)} IS NOT NULL)" for name, _ in typed)
    number = f", {ROW_NUMBER}" if is_numbered else ""
    selected = ", ".join(f"{values.get(name, identifier(name))} AS {identifier(name)}" for name, _ in columns)
    names = [name for name, _ in columns]
    return (
        f"SELECT {selected}, {lost or 'false'} AS {IS_BROKEN}, {ROW} AS {RAW}{number}"
        f" FROM {read_csv(path, names, dialect, is_numbered)} AS {ROW}"
    )


def read_csv(path: Path, names: list[str], dialect: Dialect, is_numbered: bool) -> str:
    """The call that reads text columns, after a row number where is_numbered; it raises on the first malformed row."""
    columns = {**({ROW_NUMBER: "BIGINT"} if is_numbered else {}), **dict.fromkeys(names, "VARCHAR")}
    struct = ", ".join(f"{literal(name)}: '{type_}'" for name, type_ in columns.items())
    quote = literal(dialect.quote.decode())
    # After the careful way a row is longer by its number, and there is nothing to be guessed about line ends.
    limits = (
        rf"max_line_size = {MAX_ROW_BYTES + 64}, new_line = '\n'" if is_numbered else f"max_line_size = {MAX_ROW_BYTES}"
    )
    return (
        f"read_csv({literal(path)}, columns = {{{struct}}}, auto_detect = false, header = {str(dialect.header).lower()},"
        f" delim = {literal(dialect.delimiter.decode())}, quote = {quote}, escape = {quote}, {limits})"
    )


def _header(path: Path, delimiter: str, quote: str) -> tuple[int, list[str]]:
    """How many blank lines come first, and the names in the row after them, none where the file ends before.

    Raises FileError for UTF-16, whose bytes hold no such row.
    """
    blank_lines = 0
    with path.open("rb") as file:
        line = file.readline(MAX_ROW_BYTES)
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileError("found text in UTF-16, expected UTF-8 or an encoding that a source names")
        line = line.removeprefix(BOM)
        while line and not line.strip(b"\r\n"):
            blank_lines += 1
            line = file.readline(MAX_ROW_BYTES)
        if quote and line.count(quote.encode()) % 2:
            line += file.read(MAX_ROW_BYTES - len(line))
    text = line.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    if not text:
        return blank_lines, []
    row = _first_row(text, quote)
    if not quote:
        return blank_lines, row.split(delimiter)
    try:
        # csv takes lines with their ends; a name over several lines keeps its line breaks.
        lines = row.splitlines(keepends=True)
        return blank_lines, next(csv.reader(lines, delimiter=delimiter, quotechar=quote, skipinitialspace=True))
    except csv.Error as error:
        raise FileError(f"the header cannot be read: {error}") from error


def _first_row(text: str, quote: str) -> str:
    """The lines up to the one that closes what quotes opened; the first alone where none does."""
    lines = text.split("\n")
    quotes = 0
    for number, line in enumerate(lines, start=1):
        quotes += line.count(quote) if quote else 0
        if quotes % 2 == 0:
            return "\n".join(lines[:number])
    return lines[0]
