"""Evaluates a claimed file once, into Parquet, and says what of it is accepted and what is refused."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from streaming_assets.contracts import raw
from streaming_assets.sources.binding import FILE_ROW_NUMBER, bound
from streaming_assets.sources.canonical import Evaluation, Rules, masked
from streaming_assets.sources.definition import TABLES, Source, Target
from streaming_assets.sources.errors import FileError, first_line
from streaming_assets.sources.landing import LandedFile
from streaming_assets.sources.lines import ROW_NUMBER
from streaming_assets.sources.opening import require_readable
from streaming_assets.sources.rows import IS_BROKEN, RAW, Rows
from streaming_assets.sources.sql import identifier, literal

# What the engine raises for data that it cannot read or convert; a full disk and the like are other classes.
_BAD_DATA = (duckdb.DataError, duckdb.ProgrammingError)


@dataclass(frozen=True)
class Staged:
    """rows = accepted + rejected of the main table; accepted: a SELECT by table; rejects: Parquet, where there are any."""

    rows: int
    rejected: int
    accepted: dict[str, str] = field(default_factory=dict)
    rejects: Path | None = None


def stage(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, path: Path, source: Source, rows: Rows, rules: Rules
) -> Staged:
    """Everything that comes of a file, below the folder of `path`. Raises FileError when nothing of it may load."""
    raise NotImplementedError
