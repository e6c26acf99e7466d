"""JSON files as rows: lines of objects, and arrays of objects."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from streaming_assets.sources.csv_files import read_csv
from streaming_assets.sources.errors import FileError, first_line
from streaming_assets.sources.lines import BOM, MAX_ROW_BYTES, Dialect, sift_rows
from streaming_assets.sources.rows import IS_BROKEN, MAX_COLUMNS, RAW, RESERVED, ROW, ROW_NUMBER, Columns, Rows
from streaming_assets.sources.sql import identifier, literal

# A control character that no valid JSON holds unescaped: each line is one field, or malformed.
_LINE = Dialect(columns=1, delimiter=b"\x01", quote=b"", header=False)

_IS_OBJECT = (
    f"CASE WHEN strlen(line) <= {MAX_ROW_BYTES} AND json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
)
_WHOLE = frozenset({"BIGINT", "UBIGINT"})

# The engine calls a whole number beyond 64 bits a DOUBLE, but keeps its digits in the text.
_IS_HELD = {
    "BIGINT": "(strlen({0}) < 19 OR TRY_CAST({0} AS BIGINT) IS NOT NULL)",
    "DOUBLE": "regexp_matches({0}, '[.eE]')",
}


def json_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> Rows:
    """One JSON object per line; a line that is none is malformed, a blank one is no row.

    A column keeps its type where every value has it: BOOLEAN, BIGINT, or DOUBLE where all are written as fractions.
    All else is text: nested values, mixed ones, numbers of 64 bits and more; texts come unquoted.
    """
    if _first_character(path) == "[":
        raise FileError("found a JSON array, expected one JSON object per line")
    lines = f"SELECT line FROM {read_csv(path, ['line'], _LINE, is_numbered=False)}"
    try:
        keys = _keys(connection, lines)
    except duckdb.InvalidInputException:
        keys = None
    if keys is not None:
        return _rows(connection, lines, keys)
    sifted = sift_rows(path, _LINE)
    lines = f"SELECT line, {ROW_NUMBER} FROM {read_csv(sifted.clean, ['line'], _LINE, is_numbered=True)}"
    rows = _rows(connection, lines, _keys(connection, lines) or [], is_numbered=True)
    return replace(rows, refused=sifted.refused, refused_rows=sifted.refused_rows)


def json_array(connection: duckdb.DuckDBPyConnection, path: Path) -> Rows:
    """The objects of one JSON array. Raises FileError where the array as a whole cannot be read."""
    first = _first_character(path)
    if first not in ("[", ""):
        found = "a JSON object" if first == "{" else f"text that begins with {first!r}"
        raise FileError(f"found {found}, expected a JSON array of objects")
    lines = f"SELECT CAST(json AS VARCHAR) AS line FROM read_json_objects({literal(path)}, format = 'array')"
    try:
        return _rows(connection, lines, _keys(connection, lines) or [])
    except duckdb.InvalidInputException as error:
        raise FileError(f"{first_line(error)}; expected a JSON array of objects in UTF-8") from error


def _first_character(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_ROW_BYTES).removeprefix(BOM).lstrip()[:1].decode("utf-8", "replace")


def _keys(connection: duckdb.DuckDBPyConnection, lines: str) -> list[str] | None:
    """The keys of all objects, sorted; None where there are blank lines, which must not count as rows."""
    found = connection.execute(
        f"SELECT DISTINCT unnest(CASE WHEN line IS NULL THEN [NULL] WHEN {_IS_OBJECT} THEN json_keys(line) ELSE [] END)"
        f" FROM ({lines}) LIMIT {MAX_COLUMNS + 1}"
    ).fetchall()
    keys = [key for (key,) in found]
    if len(keys) > MAX_COLUMNS:
        raise FileError(f"found more than {MAX_COLUMNS} different keys, expected objects with the same few keys")
    return None if None in keys else _usable(keys)


def _usable(keys: list[str]) -> list[str]:
    """Keys that can name a column; of those that differ in case only, one."""
    by_name = {key.lower(): key for key in sorted(keys) if key and "\0" not in key and key not in RESERVED}
    return [by_name[name] for name in sorted(by_name)]


def _columns(connection: duckdb.DuckDBPyConnection, lines: str, keys: list[str]) -> Columns:
    pointers = ["/" + key.replace("~", "~0").replace("/", "~1") for key in keys]
    if not pointers:
        return ()
    found = connection.execute(
        "SELECT DISTINCT unnest(range(len(types))), unnest(types) FROM"
        f" (SELECT DISTINCT json_type(line, [{', '.join(map(literal, pointers))}]) AS types"
        f" FROM ({lines}) WHERE {_IS_OBJECT})"
    ).fetchall()
    types: dict[int, set[str | None]] = {}
    for number, type_ in found:
        types.setdefault(number, set()).add(type_)
    columns = {key: _column_type(types.get(number, set())) for number, key in enumerate(keys)}
    return tuple((columns | _inexact(connection, lines, columns)).items())


def _inexact(connection: duckdb.DuckDBPyConnection, lines: str, columns: Mapping[str, str]) -> dict[str, str]:
    """VARCHAR for the columns of numbers with a value that their type does not hold as it is written."""
    numbers = {name: _IS_HELD[type_] for name, type_ in columns.items() if type_ in _IS_HELD}
    if not numbers:
        return {}
    is_held = ", ".join(
        f"coalesce(bool_and({condition.format('object.' + identifier(name))}), true)"
        for name, condition in numbers.items()
    )
    object_ = f"json_transform(line, {_structure(numbers)})"
    found = connection.execute(
        f"SELECT {is_held} FROM (SELECT {object_} AS object FROM ({lines}) WHERE {_IS_OBJECT})"
    ).fetchone()
    assert found is not None  # noqa: S101 - an aggregate is one row
    return {name: "VARCHAR" for name, is_held in zip(numbers, found, strict=True) if not is_held}


def _structure(keys: Iterable[str]) -> str:
    return literal(json.dumps(dict.fromkeys(keys, "VARCHAR"), ensure_ascii=False))


def _column_type(types: set[str | None]) -> str:
    present = types - {None, "NULL"}
    if present and present <= _WHOLE:
        return "BIGINT"
    return present.pop() if present in ({"DOUBLE"}, {"BOOLEAN"}) else "VARCHAR"  # type: ignore[return-value]


def _rows(connection: duckdb.DuckDBPyConnection, lines: str, keys: list[str], is_numbered: bool = False) -> Rows:
    columns = _columns(connection, lines, keys)
    texts = {name: f"{ROW}.object.{identifier(name)}" for name in keys}
    typed = {name: f"TRY_CAST({texts[name]} AS {type_})" for name, type_ in columns if type_ != "VARCHAR"}
    # A fraction beyond what 64 bits hold breaks its row rather than turning into NULL.
    lost = [f"({value} IS NULL AND {texts[name]} IS NOT NULL)" for name, value in typed.items()]
    selected = [f"{typed.get(name, texts[name])} AS {identifier(name)}" for name in keys]
    is_broken = " OR ".join([f"NOT {ROW}.is_object", *lost])
    number = [ROW_NUMBER] if is_numbered else []
    object_ = f"json_transform(CASE WHEN is_object THEN line END, {_structure(keys)})" if keys else "NULL"
    return Rows(
        columns,
        f"SELECT {', '.join([*selected, f'{is_broken} AS {IS_BROKEN}', f'{ROW}.line AS {RAW}', *number])}"
        f" FROM (SELECT *, {object_} AS object FROM (SELECT *, {_IS_OBJECT} AS is_object FROM ({lines}))) AS {ROW}",
        raw_text=RAW,
        is_numbered=is_numbered,
    )
