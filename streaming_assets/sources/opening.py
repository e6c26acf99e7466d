"""Any landed file as rows: which reader its extension asks for."""

from pathlib import Path

import duckdb

from streaming_assets.sources.container import transcoded
from streaming_assets.sources.csv_files import csv_rows
from streaming_assets.sources.definition import Reader
from streaming_assets.sources.errors import FileError, first_line
from streaming_assets.sources.json_files import json_array, json_lines
from streaming_assets.sources.rows import IS_BROKEN, RAW, RESERVED, ROW, Rows
from streaming_assets.sources.sql import identifier, literal

_FORMATS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


class Opener:
    """Opens one file in the ways that different sources ask for, each way once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._format = _FORMATS[path.suffix.lower()]
        self._opened: dict[Reader, Rows | FileError] = {}

    def rows(self, reader: Reader) -> Rows | None:
        """The file's rows; None where the reader is for another format. Raises FileError when it cannot be read so."""
        if reader.format not in (None, self._format):
            return None
        if reader not in self._opened:
            self._opened[reader] = self._open(reader)
        opened = self._opened[reader]
        if isinstance(opened, FileError):
            raise opened
        return opened

    def _open(self, reader: Reader) -> Rows | FileError:
        try:
            return self._read(reader)
        except FileError as error:
            return error

    def _read(self, reader: Reader) -> Rows:
        extension = self._path.suffix.lower()
        if self._format == "parquet":
            return parquet_rows(self._connection, self._path)
        path = self._path if reader.encoding == "utf-8" else transcoded(self._path, reader.encoding)
        if extension == ".jsonl":
            return json_lines(self._connection, path)
        if extension == ".json":
            return json_array(self._connection, path)
        return csv_rows(path, reader, default_delimiter="\t" if extension == ".tsv" else ",")


def parquet_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> Rows:
    """A Parquet file with its own types. Raises FileError where its footer cannot be read."""
    file = f"read_parquet({literal(path)}, hive_partitioning = false)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()
    except duckdb.Error as error:
        raise FileError(f"the Parquet container cannot be decoded: {first_line(error)}") from error
    columns = tuple((name, type_) for name, type_, *_ in described if name not in RESERVED)
    selected = ", ".join(identifier(name) for name, _ in columns)
    return Rows(
        columns,
        f"SELECT {selected}, false AS {IS_BROKEN}, {ROW} AS {RAW} FROM {file} AS {ROW}",
        raw_text=f"CAST(to_json({RAW}) AS VARCHAR)",
    )


def require_readable(connection: duckdb.DuckDBPyConnection, rows: Rows) -> None:
    """Reads everything and keeps nothing. Raises FileError when that fails: the file is at fault, not a full disk."""
    try:
        connection.execute(f"SELECT count(hash({ROW})) FROM ({rows.relation}) AS {ROW}").fetchall()
    except (duckdb.IOException, duckdb.DataError, duckdb.ProgrammingError) as error:
        raise FileError(f"the file cannot be decoded: {first_line(error)}") from error
