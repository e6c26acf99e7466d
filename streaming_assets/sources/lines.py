"""The careful way through a text file: row by row, for files that an engine's fast reader stumbles over.

Every malformed row is set apart with its number and the rest is copied, so that one torn row costs itself
and nothing else: an unclosed quote does not swallow what follows, a row of 10 MB does not stop the file.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from streaming_assets.sources.errors import FileError

MAX_ROW_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"

_REFUSED = pa.schema([("row_number", pa.int64()), ("raw_row", pa.string()), ("why", pa.string())])
_KEPT_OF_LONG_ROW = 10_000
_REFUSED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Dialect:
    """How the bytes of a text split into rows and fields; quote is empty where there is no quoting."""

    columns: int
    delimiter: bytes
    quote: bytes
    header: bool


@dataclass(frozen=True)
class Sifted:
    r"""clean: well-formed rows, each with its row number as an additional first field, no header, `\n` between.

    refused: Parquet with row_number, raw_row (its head), why. Row numbers count data rows from 1; blank lines are none.
    """

    clean: Path
    refused: Path
    refused_rows: int


def sift_rows(path: Path, dialect: Dialect) -> Sifted:
    """Well-formed and malformed rows of a UTF-8 text, in two files beside it. Raises FileError where it is not UTF-8."""
    result = Sifted(path.with_suffix(".clean"), path.with_suffix(".refused"), 0)
    number = 0 if not dialect.header else -1
    refused: list[tuple[int, str, str]] = []
    refused_rows = 0
    with path.open("rb") as file, result.clean.open("wb") as clean, pq.ParquetWriter(result.refused, _REFUSED) as out:
        for row, why in _rows(_Lines(file), dialect):
            number += 1
            _require_utf8(row, number)
            if number == 0:
                continue
            if why is None:
                clean.write(b"%d%b%b\n" % (number, dialect.delimiter, row))
                continue
            refused_rows += 1
            refused.append((number, row[:_KEPT_OF_LONG_ROW].decode("utf-8", "replace"), why))
            if len(refused) == _REFUSED_AT_ONCE:
                _write(out, refused)
        _write(out, refused)
    return Sifted(result.clean, result.refused, refused_rows)


def _write(out: pq.ParquetWriter, refused: list[tuple[int, str, str]]) -> None:
    if refused:
        columns = [
            pa.array(column, field.type) for column, field in zip(zip(*refused, strict=True), _REFUSED, strict=True)
        ]
        out.write_table(pa.Table.from_arrays(columns, schema=_REFUSED))
        refused.clear()


def _require_utf8(row: bytes, number: int) -> None:
    try:
        row.decode()
    except UnicodeDecodeError as error:
        # The head of an overlong row may end within a character.
        if error.end < len(row) or len(row) != _KEPT_OF_LONG_ROW:
            raise FileError(
                f"row {number} is not UTF-8; if the file has another encoding, a source can name it"
            ) from error


class _Lines:
    r"""Physical lines without their `\n`; of one longer than a row may be, only the head, marked as too long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: deque[tuple[bytes, bool]] = deque()
        if file.read(len(BOM)) != BOM:
            file.seek(0)

    def take(self) -> tuple[bytes, bool] | None:
        if self._waiting:
            return self._waiting.popleft()
        line = self._file.readline(MAX_ROW_BYTES + 3)
        if not line:
            return None
        is_too_long = len(line.rstrip(b"\r\n")) > MAX_ROW_BYTES
        while is_too_long and not line.endswith(b"\n") and (more := self._file.readline(MAX_ROW_BYTES)):
            line = line[:_KEPT_OF_LONG_ROW] + more[-1:]
        return (line[:_KEPT_OF_LONG_ROW] if is_too_long else line.removesuffix(b"\n")), is_too_long

    def put_back(self, lines: list[tuple[bytes, bool]]) -> None:
        self._waiting.extendleft(reversed(lines))


def _rows(lines: _Lines, dialect: Dialect) -> Iterator[tuple[bytes, str | None]]:
    """(row, what is wrong with it or None) of every row that is not blank, the header included."""
    well_formed = _well_formed(dialect)
    while (taken := lines.take()) is not None:
        line, is_too_long = taken
        row = line.removesuffix(b"\r")
        if is_too_long:
            yield row, f"longer than {MAX_ROW_BYTES} bytes"
        elif row and dialect.quote and dialect.quote in row:
            whole = _quoted_row(row, line, lines, dialect.quote, well_formed)
            yield (row, "a quote out of place, or another number of columns") if whole is None else (whole, None)
        elif row:
            yield row, _unquoted_fault(row, dialect)


def _unquoted_fault(row: bytes, dialect: Dialect) -> str | None:
    if b"\r" in row:
        return "a carriage return within the row"
    found = row.count(dialect.delimiter) + 1
    # Like the engine: more fields than columns are no fault where they are empty.
    filled = row.rstrip(dialect.delimiter).count(dialect.delimiter) + 1 if dialect.columns > 1 else found
    return None if filled <= dialect.columns <= found else f"expected {dialect.columns} columns, found {found}"


def _quoted_row(row: bytes, line: bytes, lines: _Lines, quote: bytes, well_formed: re.Pattern[bytes]) -> bytes | None:
    """The row with the lines that its last quoted field goes on in, or None, with the lines put back, if it has none."""
    if well_formed.fullmatch(row):
        return row
    following: list[tuple[bytes, bool]] = []
    size = len(line)
    while row.count(quote) % 2 and size <= MAX_ROW_BYTES and (taken := lines.take()) is not None:
        following.append(taken)
        size += len(taken[0]) + 1
        if taken[1]:
            break
        if taken[0].count(quote) % 2:
            whole = b"\n".join([line, *(part for part, _ in following)]).removesuffix(b"\r")
            if len(whole) <= MAX_ROW_BYTES and well_formed.fullmatch(whole):
                return whole
            break
    lines.put_back(following)
    return None


def _well_formed(dialect: Dialect) -> re.Pattern[bytes]:
    """What the engine takes for a row with quotes: a blank before a quote and any after it, more fields if empty."""
    delimiter, quote = re.escape(dialect.delimiter), re.escape(dialect.quote)
    if not quote:
        return re.compile(rb"")
    quoted = rb" ?%b(?>(?:[^%b]|%b%b)*)%b *" % (quote, quote, quote, quote, quote)
    bare = rb"(?! ?%b)[^%b\r\n]*" % (quote, delimiter)
    field = rb"(?>%b|%b)" % (quoted, bare)
    surplus = rb"(?:%b(?:%b%b)?)*" % (delimiter, quote, quote)
    return re.compile(rb"%b(?:%b%b){%d}%b" % (field, delimiter, field, dialect.columns - 1, surplus))
