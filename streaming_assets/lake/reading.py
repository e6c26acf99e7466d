"""Landed files into Parquet files of the raw tables, nothing committed: work that any process can do that sees the folders."""

import datetime as dt
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.lake.delta import DataFile
from streaming_assets.lake.engine import DuckDBEngine
from streaming_assets.settings import Settings
from streaming_assets.sources.definition import Sources
from streaming_assets.sources.landing import LandedFile, require_landing
from streaming_assets.sources.reader import ReadFile, read_file

ROW_TABLES = ("raw/users", "raw/content", "raw/rejected_rows", "raw/events")
"""In the order of their commits: raw/events last, and the ledger after it."""


@dataclass(frozen=True)
class Batch:
    """What became of some files: the facts of each, the Parquet files by table, and by file_id the first and last event."""

    read: Sequence[ReadFile]
    written: Mapping[str, Sequence[DataFile]]
    bounds: Mapping[str, tuple[dt.datetime, dt.datetime]]


@dataclass(frozen=True)
class Reading:
    """How files are read in one run. root: of the lake. scratch: a folder in which every batch has one of its own."""

    settings: Settings
    sources: Sources
    email_key: str
    now: dt.datetime
    root: Path
    scratch: Path

    def batch(self, engine: DuckDBEngine, files: Sequence[LandedFile]) -> Batch:
        """Read the files, and write their rows into the folders of the raw tables.

        Raises LandingMissingError where this process does not see the landing folder, which is no fault of the files.
        """
        for landing in {file.landing for file in files}:
            require_landing(landing)
        scratch = self.scratch / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        try:
            read = [
                read_file(engine.connection, file, self.sources, self.settings, self.email_key, scratch, self.now)
                for file in files
            ]
            written = self._write(engine, read)
            return Batch(read, written, self._bounds(engine, written.get("raw/events", ())))
        finally:
            shutil.rmtree(scratch)

    def _write(self, engine: DuckDBEngine, read: Iterable[ReadFile]) -> dict[str, list[DataFile]]:
        selects: dict[str, list[str]] = {name: [] for name in ROW_TABLES}
        for file in read:
            for short_name, select in file.accepted.items():
                selects[f"raw/{short_name}"].append(select)
            if file.rejects is not None:
                name = "raw/rejected_rows"
                selects[name].append(engine.scan_sql(_unpartitioned(name), file.rejects.parent, [file.rejects.name]))
        return {
            name: engine.write_sql(
                " UNION ALL ".join(f"({part})" for part in parts),
                contracts.ALL[name],
                self._folder(contracts.ALL[name]),
            )
            for name, parts in selects.items()
            if parts
        }

    def _bounds(self, engine: DuckDBEngine, events: Sequence[DataFile]) -> dict[str, tuple[dt.datetime, dt.datetime]]:
        if not events:
            return {}
        table = contracts.ALL["raw/events"]
        query = engine.scan_sql(table, self._folder(table), [file.path for file in events])
        found = engine.connection.execute(
            f"SELECT file_id, min(started_at), max(started_at) FROM ({query}) GROUP BY file_id"
        ).fetchall()
        return {file_id: (first, last) for file_id, first, last in found}

    def _folder(self, table: Table) -> Path:
        return self.root / table.group / table.short_name


def _unpartitioned(name: str) -> Table:
    table = contracts.ALL[name]
    return Table(table.name, table.grain, table.key, table.columns, table.source)
