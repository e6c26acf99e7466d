"""From any SQL value to the type of a canonical column. An expression made here raises, within TRY, on what has no reading."""

import hashlib

from streaming_assets.contracts import Column
from streaming_assets.sources.sql import literal

WHITESPACE = r"E' \t\r\n'"

_TIME = r"\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_UTC = rf"\d{{4}}-\d{{2}}-\d{{2}}([Tt ]{_TIME}( ?([Zz]|UTC))?)?"
# No zone has ever been 16 hours off.
_OFFSET = rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt ]{_TIME}[+-](0\d|1[0-5])(:?[0-5]\d)?"

_SQL_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def sql_type(column: Column) -> str:
    """The DuckDB type of a column's values."""
    return _SQL_TYPES[column.type]


def coerced(value: str, found: str, column: Column, email_key: str) -> str:
    """SQL for a canonical column from an SQL value of the DuckDB type `found`.

    Empty text is NULL, ids are trimmed, event types lower-cased (`play` by default), watch_seconds in milliseconds;
    an e-mail address becomes its keyed hash.
    """
    typed = typed_value(value, found, sql_type(column))
    if column.name == "email":
        return _keyed_hash(typed, email_key)
    if column.name == "event_type":
        return f"coalesce(lower(nullif(trim({typed}, {WHITESPACE}), '')), 'play')"
    if column.name == "watch_seconds":
        return f"round({typed}, 3)"
    if column.name.endswith("_id"):
        return f"nullif(trim({typed}, {WHITESPACE}), '')"
    return typed


def typed_value(value: str, found: str, wanted: str) -> str:
    """SQL that casts a value of the DuckDB type `found`; timestamps become UTC without zone, empty text NULL."""
    if wanted == "VARCHAR":
        return f"nullif(CAST({value} AS VARCHAR), '')"
    text = f"nullif(trim({value}, {WHITESPACE}), '')" if found == "VARCHAR" else value
    return _timestamp(text, found) if wanted == "TIMESTAMP" else f"CAST({text} AS {wanted})"


def _timestamp(value: str, found: str) -> str:
    if found == "TIMESTAMP WITH TIME ZONE":
        return _instant(value)
    if found == "DATE" or found.startswith("TIMESTAMP"):
        return f"CAST({value} AS TIMESTAMP)"
    text = value if found == "VARCHAR" else f"CAST({value} AS VARCHAR)"
    # DuckDB's cast to TIMESTAMP drops an offset and a zone's name without a word; a plain cast serves only UTC texts.
    # The last branch is there to raise; error() may not stand within TRY.
    return (
        f"CASE WHEN regexp_full_match({text}, '{_UTC}') THEN CAST(upper({text}) AS TIMESTAMP)"
        f" WHEN regexp_full_match({text}, '{_OFFSET}') THEN {_instant(f'CAST(upper({text}) AS TIMESTAMPTZ)')}"
        f" WHEN {text} IS NOT NULL THEN make_timestamp(CAST('no ISO 8601 time: ' || {text} AS BIGINT)) END"
    )


def _instant(value: str) -> str:
    return f"make_timestamp(epoch_us({value}))"


def _keyed_hash(value: str, key: str) -> str:
    """HMAC-SHA256 (RFC 2104) of the lower-cased, trimmed text, in hex."""
    block = key.encode()
    block = (hashlib.sha256(block).digest() if len(block) > 64 else block).ljust(64, b"\0")
    inner, outer = (literal(bytes(byte ^ pad for byte in block).hex()) for pad in (0x36, 0x5C))
    text = f"nullif(lower(trim({value}, {WHITESPACE})), '')"
    return f"sha256(from_hex({outer}) || unhex(sha256(from_hex({inner}) || encode({text}))))"
