"""From rows of a file to rows of a table: the SELECT that evaluates a source, and judges every row that comes of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from streaming_assets.contracts import Column
from streaming_assets.contracts.raw import EVENT_TYPES
from streaming_assets.settings import Settings
from streaming_assets.sources.coerce import coerced, sql_type
from streaming_assets.sources.definition import CANONICAL, TABLES, Source
from streaming_assets.sources.errors import EMAIL, MASK
from streaming_assets.sources.rows import IS_BROKEN, RAW, ROW_NUMBER
from streaming_assets.sources.sql import identifier, literal
from streaming_assets.transforms import calendar

MAX_RAW_CHARACTERS = 1_000
FUTURE = dt.timedelta(hours=24)

# Of started_at what raises and what is NULL are one reason; of all else only what raises makes a row malformed.
_OWN_TRY = "started_at"
_YEARS_1_TO_9999 = "BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-30'"
_DATES = "BETWEEN DATE '0001-01-01' AND DATE '9999-12-30'"


@dataclass(frozen=True)
class Rules:
    """What a row is judged by, besides its own values. now: UTC without zone."""

    settings: Settings
    email_key: str
    now: dt.datetime


@dataclass(frozen=True)
class Evaluation:
    """A source's target over one file's columns, ready to be put on its rows.

    columns: SQL and DuckDB type of each canonical column that it yields.
    """

    source: Source
    table: str
    columns: Mapping[str, tuple[str, str]]
    rules: Rules

    @property
    def canonical(self) -> tuple[Column, ...]:
        return CANONICAL[self.table]

    def values(self) -> dict[str, str]:
        """SQL of the yielded columns in their canonical types; each raises where a value has no reading."""
        key = self.rules.email_key
        return {
            column.name: coerced(*self.columns[column.name], column, key)
            for column in self.canonical
            if column.name in self.columns
        }

    def judged(self, relation: str, raw_text: str, is_numbered: bool) -> str:
        """A SELECT of one row per row of the relation, in its order.

        The table's columns but for file_id and row_number, then reason (NULL where the row is accepted), raw_row (of
        refused rows; capped, addresses masked), IS_BROKEN, and ROW_NUMBER where the relation is numbered.
        """
        number = [ROW_NUMBER] if is_numbered else []
        tried = f"SELECT {', '.join([*self._tried(), IS_BROKEN, RAW, *number])} FROM ({relation}) AS file"
        typed = f"SELECT {', '.join([*self._typed(), self._is_malformed(), IS_BROKEN, RAW, *number])} FROM ({tried})"
        dated = self._dated(typed) if self.table == "events" else typed
        judged = f"SELECT *, {self._reason()} AS reason FROM ({dated})"
        raw_row = f"CASE WHEN reason IS NOT NULL THEN {masked(raw_text)} END AS raw_row"
        return f"SELECT {', '.join([*self._table_columns(), 'reason', raw_row, IS_BROKEN, *number])} FROM ({judged})"

    def _tried(self) -> list[str]:
        values = self.values()
        packed = ", ".join(f"{name} := {value}" for name, value in values.items() if name != _OWN_TRY)
        own = [f"TRY({values[_OWN_TRY]}) AS {_OWN_TRY}"] if _OWN_TRY in values else []
        # TRY gives NULL where something raised; packed in a struct, that differs from values that are NULL.
        return [f"TRY(struct_pack({packed})) AS packed", *own]

    def _typed(self) -> list[str]:
        return [f"{self._value(column)} AS {column.name}" for column in self.canonical]

    def _value(self, column: Column) -> str:
        if column.name == _OWN_TRY:
            return f"CASE WHEN {_OWN_TRY} {_YEARS_1_TO_9999} THEN {_OWN_TRY} END"
        if column.name in self.columns:
            return f"packed.{column.name}"
        return "'play'" if column.name == "event_type" else f"CAST(NULL AS {sql_type(column)})"

    def _is_malformed(self) -> str:
        bounds = " OR ".join(
            condition
            for column in self.canonical
            if column.name in self.columns
            for condition in _out_of_bounds(column)
        )
        return f"({IS_BROKEN} OR packed IS NULL OR coalesce({bounds}, false)) AS is_malformed"

    def _dated(self, typed: str) -> str:
        settings = self.rules.settings
        # Later times are refused as lying in the future; their day may be off by a clock change.
        offset = _offset_seconds(settings.timezone, settings.start_date, dt.date(self.rules.now.year + 1, 12, 31))
        local = f"SELECT *, started_at + to_seconds({offset}) AS local_at"
        return f"SELECT *, CAST(local_at AS DATE) AS event_date, hour(local_at) AS local_hour FROM ({local} FROM ({typed}))"

    def _reason(self) -> str:
        """The first reason that applies, in the order in which a reader would look: is it a row, of whom, when, what."""
        reasons = {"is_malformed": "malformed_row"}
        if self.table == "content":
            reasons["content_id IS NULL"] = "missing_content_id"
        else:
            reasons["user_id IS NULL"] = "missing_user_id"
        if self.table == "events":
            reasons |= self._event_reasons()
        return (
            f"CASE {' '.join(f'WHEN {condition} THEN {literal(reason)}' for condition, reason in reasons.items())} END"
        )

    def _event_reasons(self) -> dict[str, str]:
        settings = self.rules.settings
        types = ", ".join(map(literal, EVENT_TYPES))
        return {
            "started_at IS NULL": "unparseable_timestamp",
            f"started_at > TIMESTAMP {literal((self.rules.now + FUTURE).isoformat())}": "timestamp_in_future",
            f"event_date < DATE {literal(settings.start_date.isoformat())}": "timestamp_before_start",
            f"event_type NOT IN ({types})": "unknown_event_type",
            "event_type IN ('play', 'skip') AND content_id IS NULL": "missing_content_id",
            "watch_seconds < 0": "negative_watch_seconds",
            f"watch_seconds > {settings.max_watch_seconds}": "watch_seconds_too_long",
        }

    def _table_columns(self) -> list[str]:
        rules = {
            "assume_until_next_seconds": self.source.assume_until_next_up_to,
            "assume_last_seconds": self.source.assume_last,
            "skip_under_seconds": self.source.skip_under_seconds,
        }
        made = {name: f"CAST({'NULL' if value is None else value} AS DOUBLE)" for name, value in rules.items()}
        if self.table == "events":
            parts = "user_id, epoch_us(started_at), coalesce(content_id, ''), event_type"
            # One instant may expose a user to several experiments.
            exposed = "CASE WHEN event_type = 'exposure' THEN concat_ws(chr(31), coalesce(experiment_id, ''), coalesce(variant, '')) END"
            made["event_id"] = f"coalesce(event_id, md5(concat_ws(chr(31), {parts}, {exposed})))"
        names = [column.name for column in TABLES[self.table].columns if column.name not in ("file_id", "row_number")]
        return [f"{made[name]} AS {name}" if name in made else name for name in names]


def masked(text: str) -> str:
    """SQL: the text as it may be stored of a refused row."""
    # Masking shortens a text, so that more than the stored characters of it are looked at; all of it would cost too much.
    visible = f"replace(left({text}, {10 * MAX_RAW_CHARACTERS}), chr(0), '␀')"
    return f"left(regexp_replace({visible}, {literal(EMAIL)}, {literal(MASK)}, 'g'), {MAX_RAW_CHARACTERS})"


def _out_of_bounds(column: Column) -> list[str]:
    """What no value of the column may be, beyond what its type says; watch times have reasons of their own."""
    value = f"packed.{identifier(column.name)}"
    if column.name == _OWN_TRY:
        return []
    if column.type == "string":
        return [f"contains({value}, chr(0))"]
    conditions = {
        "float64": [f"NOT isfinite({value})"],
        "timestamp": [f"NOT {value} {_YEARS_1_TO_9999}"],
        "date": [f"NOT {value} {_DATES}"],
    }.get(column.type, [])
    if column.at_least is not None and column.name != "watch_seconds":
        conditions.append(f"{value} < {column.at_least}")
    return conditions


@cache
def _offset_seconds(timezone: str, start: dt.date, last: dt.date) -> str:
    """SQL: seconds from UTC to local time at started_at, as a search tree over the zone's changes.

    An expression rather than a join: a join may reorder rows, and their order is their number.
    """
    return _tree(calendar.offsets(timezone, start, last))


def _tree(offsets: list[tuple[dt.datetime, int]]) -> str:
    if len(offsets) == 1:
        return str(offsets[0][1])
    middle = len(offsets) // 2
    before, after = _tree(offsets[:middle]), _tree(offsets[middle:])
    return f"CASE WHEN started_at < TIMESTAMP '{offsets[middle][0].isoformat()}' THEN {before} ELSE {after} END"
