"""Landed files into the raw tables and the ledger."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streaming_assets import contracts
from streaming_assets.contracts.raw import NOT_READ
from streaming_assets.lake.days import DayVersions
from streaming_assets.lake.delta import DataFile
from streaming_assets.lake.lake import LEDGER, Lake, clear_scratch, next_version
from streaming_assets.lake.pending import required_versions, settled, stale_days
from streaming_assets.lake.reading import ROW_TABLES, Batch, Reading
from streaming_assets.sources.container import sha256
from streaming_assets.sources.definition import Sources
from streaming_assets.sources.landing import LandedFile, is_settled, scan
from streaming_assets.sources.reader import ReadFile

_FILES_AT_ONCE = 100
_BATCHES_PER_TASK = 4


@dataclass(frozen=True)
class Ingested:
    """The ledger rows of the files that a run read, and source definitions that were refused."""

    files: Sequence[Mapping[str, Any]] = ()
    source_errors: Sequence[str] = ()

    @property
    def failures(self) -> list[Mapping[str, Any]]:
        return [row for row in self.files if row["status"] in NOT_READ]


@dataclass
class _Written:
    """Parquet files written into the raw tables' folders, not yet committed."""

    files: dict[str, list[DataFile]] = field(default_factory=lambda: {name: [] for name in ROW_TABLES})
    bounds: dict[str, tuple[dt.datetime, dt.datetime]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        for name, files in batch.written.items():
            self.files[name] += files
        self.bounds.update(batch.bounds)


def new_files(
    landed: Iterable[LandedFile], ledger: Mapping[str, Mapping[str, Any]], sources: Sources
) -> list[LandedFile]:
    """Files that the ledger does not know in this state, or that a changed source definition asks to read again."""
    fingerprints = {source.name: source.fingerprint for source in sources.sources}

    def is_known(file: LandedFile) -> bool:
        row = ledger.get(file.file_id)
        if row is None or (row["bytes"], row["modified_at"]) != (file.size, file.modified_at):
            return False
        if row["status"] in ("loaded", "replaced"):
            return row["read_with"] == fingerprints.get(row["source"], row["read_with"])
        return bool(row["read_with"] == sources.fingerprint)

    return [file for file in landed if not is_known(file)]


def ledger_rows(lake: Lake) -> dict[str, dict[str, Any]]:
    """The ledger by file_id."""
    return {row["file_id"]: row for row in lake.rows(LEDGER)}


def waiting_files(lake: Lake, sources: Sources) -> list[LandedFile]:
    """What an ingest would read now. Raises LandingMissingError."""
    return new_files(scan(lake.settings.landing_dir), ledger_rows(lake), sources)


def orphans(lake: Lake, ledger: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Files that have rows in the raw tables and no entry in the ledger that they were loaded."""
    entered = {file_id for file_id, row in ledger.items() if row["raw_version"] is not None}
    return {str(file.partition["file_id"]) for name in ROW_TABLES for file in lake.snapshot(name).files} - entered


def withdrawn_files(landed: Iterable[LandedFile], ledger: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Ledger rows of files that did not load and are no longer there."""
    present = {file.file_id for file in landed}
    return [row for row in ledger.values() if row["status"] in NOT_READ and row["file_id"] not in present]


def ingest(
    lake: Lake,
    sources: Sources,
    email_key: str,
    now: dt.datetime,
    *,
    only_settled: bool = False,
) -> Ingested:
    """Read every new file of landing; replace exactly its rows; enter it in the ledger.

    only_settled: leave files for later that may still be written to.

    The rows are committed table by table, raw/events last, then the ledger: a run that dies in between leaves files
    that the ledger does not know, and the next run replaces the same rows again. Raises LandingMissingError.
    """
    # Executors work elsewhere, and not in the folder that a relative path is of.
    landed = scan(lake.settings.landing_dir.absolute())
    ledger = ledger_rows(lake)
    todo = new_files(landed, ledger, sources)
    if only_settled:
        todo = [file for file in todo if is_settled(file, now, lake.settings.settle_seconds)]
    withdrawn = withdrawn_files(landed, ledger)
    if not todo and not withdrawn and not orphans(lake, ledger):
        return Ingested(source_errors=sources.errors)
    written, read = _Written(), list[ReadFile]()
    rows: list[dict[str, Any]] = []
    changed = []
    for file in todo:
        row = ledger.get(file.file_id)
        if row and _is_same_content(file, row, sources):
            rows.append({**row, "modified_at": file.modified_at})
        else:
            changed.append(file)
    reading = Reading(lake.settings, sources, email_key, now, lake.root, clear_scratch(lake.settings))
    engine = lake.computing("raw").compute
    for batch in engine.each(reading.batch, _batches(changed, engine.tasks)):
        written.add(batch)
        read += batch.read
    rows += _commit_rows(lake, read, written, ledger, now)
    after = {**_without(ledger, withdrawn), **{row["file_id"]: row for row in rows}}
    lake.write_rows(LEDGER, sorted(map(dict, after.values()), key=lambda row: row["path"]))
    return Ingested([row for row in rows if row["ingested_at"] == now], sources.errors)


def _batches(files: Sequence[LandedFile], tasks: int) -> list[Sequence[LandedFile]]:
    """Files to read at once: so many that few commands write them, so few that every task has some to read."""
    size = _FILES_AT_ONCE if tasks == 1 else max(1, min(_FILES_AT_ONCE, len(files) // (tasks * _BATCHES_PER_TASK)))
    return [files[start : start + size] for start in range(0, len(files), size)]


def _without(
    ledger: Mapping[str, Mapping[str, Any]], withdrawn: Iterable[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The ledger when files that did not load are gone: what an earlier version of one of them loaded stays loaded."""
    after = dict(ledger)
    for row in withdrawn:
        del after[row["file_id"]]
        if row["raw_version"] is not None:
            after[row["file_id"]] = {**row, "status": "loaded", "error": None, "read_with": "", "sha256": None}
    return after


def _is_same_content(file: LandedFile, row: Mapping[str, Any], sources: Sources) -> bool:
    """Only the file's modification time is new."""
    if file.problem or (row["bytes"], row["modified_at"]) == (file.size, file.modified_at):
        return False
    untouched = {**row, "modified_at": file.modified_at}
    return not new_files([file], {file.file_id: untouched}, sources) and sha256(file.absolute) == row["sha256"]


def _commit_rows(
    lake: Lake,
    read: Sequence[ReadFile],
    written: _Written,
    ledger: Mapping[str, Mapping[str, Any]],
    now: dt.datetime,
) -> list[dict[str, Any]]:
    # Rows that a killed run left without an entry in the ledger go with those that are replaced.
    loaded = {file.file.file_id for file in read if file.status == "loaded"} | orphans(lake, ledger)
    old = {
        name: [file for file in lake.snapshot(name).files if file.partition["file_id"] in loaded] for name in ROW_TABLES
    }
    touched = _days_by_file(lake, old["raw/events"] + written.files["raw/events"])
    dates = _days_by_file(lake, written.files["raw/events"])
    accepted = _rows_by_file(written.files)
    version = next_version(lake.snapshot("raw/events"))
    for name in ROW_TABLES:
        if written.files[name] or old[name]:
            days = _settled_days(lake) if name == "raw/events" else None
            lake.replace_files(name, written.files[name], old[name], f"read {len(read)} files", days)
    rows = []
    for file in read:
        file_id = file.file.file_id
        before = ledger.get(file_id)
        first, last = written.bounds.get(file_id, (None, None))
        changed = touched.get(file_id, set()) | set(before["event_dates"] if before else ())
        attempt = {
            "file_id": file_id,
            "path": file.file.path,
            "sha256": file.sha256,
            "bytes": file.file.size,
            "modified_at": file.file.modified_at,
            "ingested_at": now,
            "error": file.error,
            "read_with": file.read_with,
        }
        if file.status == "loaded":
            was_loaded = before is not None and before["raw_version"] is not None
            rows.append(
                attempt
                | {
                    "source": file.source,
                    "table": file.table,
                    "rows": file.rows,
                    "accepted": accepted.get((f"raw/{file.table}", file_id), 0),
                    "rejected": file.rejected,
                    "first_event_at": first,
                    "last_event_at": last,
                    "event_dates": sorted(dates.get(file_id, ())),
                    "touched_dates": sorted(changed),
                    "raw_version": version if file_id in touched else lake.snapshot("raw/events").state.version,
                    "status": "replaced" if was_loaded else "loaded",
                }
            )
        else:
            nothing = {"rows": 0, "accepted": 0, "rejected": 0, "event_dates": [], "touched_dates": []}
            rows.append({**(before or nothing), **attempt, "status": file.status})
    return rows


def _settled_days(lake: Lake) -> DayVersions:
    raw = lake.snapshot("raw/events").state
    required = required_versions(raw)
    daily = [table.name for table in contracts.ALL.values() if table.group == "core" and table.day_column]
    return settled(raw.days, set().union(*(stale_days(required, lake.snapshot(name).state) for name in daily)))


def _days_by_file(lake: Lake, files: Iterable[DataFile]) -> dict[str, set[dt.date]]:
    events = lake.snapshot("raw/events")
    found: dict[str, set[dt.date]] = {}
    for file in files:
        found.setdefault(str(file.partition["file_id"]), set()).add(events.days_of(file))
    return found


def _rows_by_file(files: Mapping[str, Iterable[DataFile]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for name, written in files.items():
        for file in written:
            key = (name, str(file.partition["file_id"]))
            found[key] = found.get(key, 0) + file.rows
    return found


__all__ = ["Ingested", "ingest", "ledger_rows", "new_files", "waiting_files"]
