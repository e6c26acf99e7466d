"""The lake: every table by its contract, read lazily, written in one commit."""

import dataclasses
import datetime as dt
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.errors import LakeSettingsError
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.delta import DataFile, Snapshot, State, commit, snapshot
from streaming_assets.lake.engine import DuckDBEngine, Engine, spark_engine
from streaming_assets.settings import Settings

OPEN_FAILURES = "meta/open_failures"
LEDGER = "raw/event_files"
SHAPE_FILE = "lake.json"


@dataclass
class Family:
    """The lakes of one run, by engine, and the versions that all of them see."""

    lakes: "dict[str, Lake]" = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)


class Lake:
    """Tables under DIR/lake, with DuckDB to read and write them; `computing` gives the lake of another engine.

    Whoever writes holds `writer_lock`. Snapshots are taken once and follow this object's own commits, so that one run
    sees one state.
    """

    def __init__(
        self, settings: Settings, engine: DuckDBEngine, compute: Engine | None = None, family: Family | None = None
    ) -> None:
        self.settings = settings
        # Published views name the files by these paths, and are opened from anywhere.
        self.root = settings.lake_dir.resolve()
        self.engine = engine
        self.compute: Engine = compute or engine
        self._family = family or Family()
        self._family.lakes[self.compute.kind] = self
        self._snapshots = self._family.snapshots
        self._remembered: dict[str, ibis.Table] = {}
        self._scratch = self.root / ".scratch" / uuid.uuid4().hex
        require_shape(settings)

    def computing(self, group: str) -> "Lake":
        """The same versions, with the engine that the settings name for the group to read and write rows."""
        kind = self.settings.engine_of(group)
        if kind not in self._family.lakes:
            return Lake(self.settings, self.engine, spark_engine(self.settings), self._family)
        return self._family.lakes[kind]

    def close(self) -> None:
        """Delete what is remembered, and let go of engines that `computing` started."""
        for lake in self._family.lakes.values():
            lake.forget()
            if lake is not self:
                lake.compute.close()

    def folder(self, table: Table) -> Path:
        return self.root / table.group / table.short_name

    def snapshot(self, name: str) -> Snapshot:
        """The table's version that this object reads."""
        if name not in self._snapshots:
            table = contracts.ALL[name]
            self._snapshots[name] = snapshot(table, self.folder(table))
        return self._snapshots[name]

    def read(self, name: str, days: Days | Iterable[dt.date] | None = None) -> ibis.Table:
        """The table's rows, of some days only where they are given."""
        at = self.snapshot(name)
        return self.compute.scan(at.table, at.folder, [file.path for file in files_of(at, days)])

    def read_part(self, name: str, value: str) -> ibis.Table:
        """The rows of one partition of a table that is partitioned by one text."""
        at = self.snapshot(name)
        return self.compute.scan(at.table, at.folder, [file.path for file in part_of(at, value)])

    def read_sql(self, name: str, days: Days | Iterable[dt.date] | None = None) -> str:
        """As `read`, as a SELECT for DuckDB."""
        at = self.snapshot(name)
        return self.engine.scan_sql(at.table, at.folder, [file.path for file in files_of(at, days)])

    def rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a small table, whatever computes."""
        at = self.snapshot(name)
        return self.engine.scan(at.table, at.folder, [file.path for file in at.files]).to_pyarrow().to_pylist()

    def remember(self, what: str, table: Table, make: Callable[[], ibis.Table]) -> ibis.Table:
        """Rows of a table's columns that several readers of one run need: computed once, in the scratch folder."""
        if what not in self._remembered:
            folder = self._scratch / str(len(self._remembered))
            files = self.compute.write(make(), table, folder)
            self._remembered[what] = self.compute.scan(table, folder, [file.path for file in files])
        return self._remembered[what]

    def forget(self) -> None:
        """Delete what is remembered."""
        self._remembered.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def write(
        self, name: str, rows: ibis.Table, inputs: Iterable[str] = (), notes: Mapping[str, Any] | None = None
    ) -> Snapshot:
        """Replace a whole table; its state names the versions of the inputs it was made from."""
        before = self.snapshot(name)
        files = self.compute.write(rows, before.table, before.folder)
        versions = {name: self.snapshot(name).state.version for name in inputs}
        state = State(inputs=versions, notes=notes or {})
        return self._commit(before, files, before.files, state, "replace the table")

    def write_rows(self, name: str, rows: list[dict[str, Any]], notes: Mapping[str, Any] | None = None) -> Snapshot:
        """As `write`, for the few rows of a table that Python makes."""
        schema = contracts.ALL[name].schema
        return self.write(
            name, ibis.memtable(pa.Table.from_pylist(rows, schema=schema.to_pyarrow()), schema=schema), notes=notes
        )

    def write_days(
        self, name: str, days: Days, build: Callable[[Days], ibis.Table], stamps: DayVersions, weigh: str
    ) -> Snapshot:
        """Replace every partition of the days, empty ones too, in one commit.

        build gives the rows of a shorter range; the range is taken in parts whose days have about as many rows in the
        table `weigh` as the engine takes at once, so that memory does not grow with the range.
        """
        before = self.snapshot(name)
        day = before.table.day_column
        assert day is not None  # noqa: S101 - asked of daily tables only
        files: list[DataFile] = []
        for part in self._parts(days, self.snapshot(weigh)):
            rows = build(part)
            files += self.compute.write(
                rows.filter(rows[day].between(part.first, part.last)), before.table, before.folder
            )
        state = dataclasses.replace(before.state, days=DayVersions({**before.state.days, **stamps}))
        return self._commit(before, files, files_of(before, days), state, f"replace {days}", wrote=days)

    def write_parts(
        self,
        name: str,
        parts: Iterable[str],
        build: Callable[[str], ibis.Table],
        gone: Iterable[str],
        notes: Mapping[str, Any],
    ) -> Snapshot:
        """Replace partitions of a table that is partitioned by one text, and take others away, in one commit."""
        before = self.snapshot(name)
        wanted = list(parts)
        added = [file for part in wanted for file in self.compute.write(build(part), before.table, before.folder)]
        removed = [file for part in (*wanted, *gone) for file in part_of(before, part)]
        return self._commit(before, added, removed, State(notes=notes), "replace parts")

    def replace_files(
        self,
        name: str,
        added: list[DataFile],
        removed: list[DataFile],
        reason: str,
        days: DayVersions | None = None,
    ) -> Snapshot:
        """Replace files that are written already; in a daily table their days count as changed by this commit.

        days: what the state says of all other days, where it is to say something else than before.
        """
        before = self.snapshot(name)
        changed = {before.days_of(file) for file in added + removed} if before.table.day_column else set()
        state = before.state if days is None else dataclasses.replace(before.state, days=days)
        return self._commit(before, added, removed, state, reason, wrote=changed, changed=changed)

    def _commit(
        self,
        before: Snapshot,
        added: Iterable[DataFile],
        removed: Iterable[DataFile],
        state: State,
        reason: str,
        wrote: Iterable[dt.date] = (),
        changed: Iterable[dt.date] = (),
    ) -> Snapshot:
        version = next_version(before)
        state = dataclasses.replace(
            state,
            days=DayVersions({**state.days, **dict.fromkeys(changed, version)}),
            written=DayVersions({**self._written_and_seen(before), **dict.fromkeys(wrote, version)}),
        )
        after = commit(before, added, removed, state, reason)
        self._snapshots[before.table.name] = after
        return after

    def _written_and_seen(self, before: Snapshot) -> DayVersions:
        """When each day was written, with 1 for all that every check of the table has seen."""
        if not before.state.written:
            return before.state.written
        of_table = [
            version for subject, version in checked_versions(self).items() if subject.split(" ")[0] == before.table.name
        ]
        seen = min(of_table, default=0)
        return DayVersions({day: 1 if version <= seen else version for day, version in before.state.written.items()})

    def _parts(self, days: Days, weighed: Snapshot) -> list[Days]:
        rows = dict.fromkeys(days, 0)
        for file in files_of(weighed, days):
            rows[weighed.days_of(file)] += file.rows
        parts: list[Days] = []
        total = 0
        for day, count in rows.items():
            if parts and total + count <= self.compute.rows_at_once:
                parts[-1] = Days(parts[-1].first, day)
                total += count
            else:
                parts.append(Days(day, day))
                total = count
        return parts


def reporting_day(lake: Lake) -> dt.date:
    """T: the setting as_of, else the day of the latest event; the start date where there is none."""
    return lake.settings.as_of or lake.snapshot("core/events").last_day or lake.settings.start_date


def checked_versions(lake: Lake) -> dict[str, int]:
    """By set of checks, the version of its table up to which it has seen every row."""
    return dict(lake.snapshot(OPEN_FAILURES).state.notes.get("checked", {}))


def files_of(at: Snapshot, days: Days | Iterable[dt.date] | None) -> list[DataFile]:
    """The files that hold rows of the days; all files where no days are given."""
    if days is None:
        return list(at.files)
    wanted = days if isinstance(days, Days) else set(days)
    return [file for file in at.files if at.days_of(file) in wanted]


def part_of(at: Snapshot, value: str) -> list[DataFile]:
    """The files of one partition of a table that is partitioned by one text."""
    (column,) = at.table.partition_by
    return [file for file in at.files if file.partition[column] == value]


def parts_of(lake: Lake, name: str) -> list[str]:
    """The partitions with rows of a table that is partitioned by one column."""
    at = lake.snapshot(name)
    (column,) = at.table.partition_by
    return sorted({str(file.partition[column]) for file in at.files})


def next_version(before: Snapshot) -> int:
    """The version that the next commit on this snapshot makes."""
    return before.delta_version + 1


def require_shape(settings: Settings) -> None:
    """Write the settings that shape the tables into a new lake; refuse others later. Raises LakeSettingsError."""
    partitions = {column for table in contracts.ALL.values() for column in table.partition_by}
    for part in settings.lake_dir.resolve().parts:
        if part.split("=")[0] in partitions and "=" in part:
            raise LakeSettingsError(
                f"the data folder lies below {part!r}, which reads like a partition; name another one"
            )
    path = settings.lake_dir / SHAPE_FILE
    if not path.exists():
        settings.lake_dir.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(settings.shaping, indent=2) + "\n", encoding="utf-8")
        draft.rename(path)
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    for name, value in settings.shaping.items():
        if found.get(name) != value:
            raise LakeSettingsError(
                f"the lake in {settings.lake_dir} was made with {name} = {found.get(name)}, now it is {value}; "
                f"set STREAMING_ASSETS_{name.upper()}={found.get(name)}, "
                "or make the lake anew from the landed files with `streaming-assets rebuild`"
            )


def clear_scratch(settings: Settings) -> Path:
    """An empty folder for files that live no longer than a run; what a killed run left in it is gone."""
    scratch = settings.lake_dir.resolve() / ".scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch
