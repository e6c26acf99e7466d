"""streaming.duckdb: one file for readers, built beside and renamed into place."""

import contextlib
import datetime as dt
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.lake.delta import vacuum
from streaming_assets.lake.engine import DRAFT, SPILL, literal
from streaming_assets.lake.failures import open_failures, unchecked
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.pending import changed_inputs

RECORD = "meta/published"
_STAY_INSIDE = frozenset({"raw/events", "raw/users", "raw/content"})
_AS_VIEWS = frozenset({"models/churn_snapshots"})
"""Large though they do not grow by days: readers get them as views too."""
KEEP_FOR = dt.timedelta(hours=24)
"""Readers that hold an older streaming.duckdb open keep their files at least this long."""


class PublishRefusedError(RuntimeError):
    """Something that must not reach readers stands open; the message says what, and what to do."""


class HeldBackError(PublishRefusedError):
    """A blocking check stands failed."""


def published_tables() -> list[Table]:
    """Tables that readers get, in the order of the contracts."""
    return [table for name, table in contracts.ALL.items() if name not in _STAY_INSIDE and table.group != "meta"]


def is_stale(lake: Lake) -> bool:
    """Some table has another version than the published one, or the file is gone."""
    record = {row["table"]: row["version"] for row in lake.rows(RECORD)}
    now = {table.name: lake.snapshot(table.name).state.version for table in published_tables()}
    return bool(changed_inputs(record, now)) or not lake.settings.database.exists()


def refuse_unless_checked(lake: Lake, subjects: Mapping[str, str]) -> None:
    """Raises HeldBackError while a blocking check stands failed, PublishRefusedError while written rows are unchecked."""
    blocking = [failure for failure in open_failures(lake) if failure.is_blocking]
    if blocking:
        listed = "\n".join(f"  - {failure}; numbers {failure.numbers}" for failure in blocking)
        raise HeldBackError(
            f"{lake.settings.database} keeps its last state, because blocking checks stand failed:\n{listed}\n"
            "Land corrected files under the same paths, or see the check's advice in the UI."
        )
    missed = unchecked(lake, subjects)
    if missed:
        raise PublishRefusedError(
            f"{lake.settings.database} keeps its last state, because these tables were written and not checked since: "
            f"{', '.join(missed)}. `streaming-assets run` checks them."
        )


def publish(lake: Lake, subjects: Mapping[str, str], code_versions: Mapping[str, str], now: dt.datetime) -> int:
    """Build the database from the checked versions and put it in place of the old one; how many tables it has.

    subjects: every set of checks that must have seen its asset's rows, as subject → table.
    Tables partitioned by day become views over the exact Parquet files of the version, all others are copied.
    """
    refuse_unless_checked(lake, subjects)
    target = lake.settings.database
    for left_over in target.parent.glob(f"{target.name}.building-*"):
        left_over.unlink()
    draft = target.with_name(f"{target.name}.building-{uuid.uuid4().hex}")
    connection = lake.engine.connection
    connection.execute(f"ATTACH {literal(str(draft))} AS draft")
    try:
        tables = published_tables()
        for group in sorted({table.group for table in tables} | {"meta"}):
            connection.execute(f'CREATE SCHEMA draft."{group}"')
        for table in tables:
            kind = "VIEW" if table.day_column or table.name in _AS_VIEWS else "TABLE"
            name = f'draft."{table.group}"."{table.short_name}"'
            connection.execute(f"CREATE {kind} {name} AS {lake.read_sql(table.name)}")
        _describe(lake, tables, code_versions, now)
    finally:
        connection.execute("DETACH draft")
    draft.replace(target)
    lake.write_rows(
        RECORD,
        [
            {
                "table": table.name,
                "version": lake.snapshot(table.name).state.version,
                "delta_version": lake.snapshot(table.name).delta_version,
                "published_at": now,
            }
            for table in tables
        ],
    )
    return len(tables)


def clean_up(lake: Lake, now: dt.datetime) -> int:
    """Delete superseded Parquet files older than a day, but for those that the published file reads; how many went.

    With them goes what killed runs left of spilled rows and half-written tables, when for a day nothing has touched it.
    """
    published = {row["table"]: row["delta_version"] for row in lake.rows(RECORD)}
    gone = 0
    for name in contracts.ALL:
        at = lake.snapshot(name)
        if at.delta_version:
            gone += vacuum(at, published.get(name, at.delta_version), KEEP_FOR)
    for folder in [*lake.root.glob(f"{SPILL}/*"), *lake.root.glob(f"*/*/{DRAFT}*")]:
        if _last_touched(folder) < now - KEEP_FOR:
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def _last_touched(folder: Path) -> dt.datetime:
    """UTC without zone; of a folder that has just gone, long ago."""
    times = [0.0]
    for path in [folder, *folder.rglob("*")]:
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime)
    return dt.datetime.fromtimestamp(max(times), dt.UTC).replace(tzinfo=None)


def _describe(lake: Lake, tables: Iterable[Table], code_versions: Mapping[str, str], now: dt.datetime) -> None:
    connection = lake.engine.connection
    connection.execute(
        "CREATE TABLE draft.meta.tables (name VARCHAR, grain VARCHAR, rows BIGINT, lake_version BIGINT, as_of DATE, "
        "published_at TIMESTAMP, code_version VARCHAR)"
    )
    connection.execute(
        'CREATE TABLE draft.meta.columns ("table" VARCHAR, "column" VARCHAR, type VARCHAR, description VARCHAR)'
    )
    latest = lake.snapshot("core/events").last_day
    for table in tables:
        at = lake.snapshot(table.name)
        connection.execute(
            "INSERT INTO draft.meta.tables VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                table.name,
                table.grain,
                at.rows,
                at.state.version,
                at.state.notes.get("as_of", latest),
                now,
                code_versions.get(table.name),
            ],
        )
        connection.executemany(
            "INSERT INTO draft.meta.columns VALUES (?, ?, ?, ?)",
            [[table.name, column.name, column.type, column.description] for column in table.columns],
        )


__all__ = ["HeldBackError", "PublishRefusedError", "clean_up", "is_stale", "publish", "published_tables"]
