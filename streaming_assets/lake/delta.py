"""One Delta table on disk: its files, its versions, and commits that replace files atomically."""

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import TableNotFoundError
from deltalake.schema import ArrayType, Field, PrimitiveType, Schema
from deltalake.transaction import AddAction, RemoveAction

from streaming_assets.contracts import Table
from streaming_assets.errors import ConflictError, ContractMismatchError
from streaming_assets.lake.days import DayVersions

_STATE_KEY = "streaming_assets"
_SHORT_LOG: Mapping[str, str | None] = {"delta.logRetentionDuration": "interval 1 days"}
"""Of tables that every set of checks commits to, a hundred times a night, and of which nobody reads an older version."""
_PRIMITIVES = {
    "string": "string",
    "int64": "long",
    "float64": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp_ntz",
}


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a table, by its path under the table's folder."""

    path: str
    rows: int
    bytes: int
    partition: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What the last commit says of the table's content.

    version: the Delta version that it made. days: per day, the version of raw/events that the day was computed from
    (in raw/events itself, the version that last changed it). written: per day, the version that wrote it.
    inputs: the versions of the tables that a table without days was computed from. notes: whatever else must be
    committed with the content.
    """

    version: int = 0
    days: DayVersions = field(default_factory=DayVersions)
    written: DayVersions = field(default_factory=DayVersions)
    inputs: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(
            {
                "version": self.version,
                "days": self.days.to_runs(),
                "written": self.written.to_runs(),
                "inputs": dict(self.inputs),
                "notes": dict(self.notes),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "State":
        found = json.loads(text)
        return cls(
            version=found["version"],
            days=DayVersions.from_runs(found["days"]),
            written=DayVersions.from_runs(found["written"]),
            inputs=found["inputs"],
            notes=found["notes"],
        )


@dataclass(frozen=True)
class Snapshot:
    """A version of a table: its files and state. A table that was never written has version 0 and no files.

    state.version is the version that last changed the content; delta_version counts vacuums too.
    """

    table: Table
    folder: Path
    files: tuple[DataFile, ...] = ()
    state: State = field(default_factory=State)
    delta_version: int = 0

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def last_day(self) -> dt.date | None:
        """The latest day with rows."""
        return max((self.days_of(file) for file in self.files), default=None)

    def days_of(self, file: DataFile) -> dt.date:
        """The day whose rows the file holds."""
        assert self.table.day_column is not None  # noqa: S101 - asked of daily tables only
        value = file.partition[self.table.day_column]
        assert value is not None  # noqa: S101 - the day column is not null by contract
        return dt.date.fromisoformat(value)


def snapshot(table: Table, folder: Path) -> Snapshot:
    """The table's latest version. Raises ContractMismatchError where it was written under another contract."""
    try:
        delta = DeltaTable(str(folder))
    except TableNotFoundError:
        return Snapshot(table, folder)
    _require_contract(delta, table)
    actions = delta.get_add_actions(flatten=True)
    columns = {
        name: actions.column(name).to_pylist()
        for name in actions.schema.names
        if not name.startswith(("min.", "max.", "null_count."))
    }
    files = tuple(
        DataFile(
            path=unquote(path),
            rows=columns["num_records"][index],
            bytes=columns["size_bytes"][index],
            partition={name: _text(columns[f"partition.{name}"][index]) for name in table.partition_by},
        )
        for index, path in enumerate(columns["path"])
    )
    return Snapshot(table, folder, files, _state(delta), delta.version())


def commit(
    before: Snapshot, add: Iterable[DataFile], remove: Iterable[DataFile], state: State, description: str
) -> Snapshot:
    """Replace files in one transaction on top of `before`; the new state gets the version that the commit makes.

    Raises ConflictError, or deltalake's CommitFailedError in the last instant, when somebody else committed meanwhile.
    """
    table, folder = before.table, before.folder
    delta = _open_or_create(table, folder)
    if delta.version() != before.delta_version:
        raise ConflictError(
            f"{table.name} is at version {delta.version()}, it was read at {before.delta_version}: somebody else wrote "
            "to it meanwhile; nothing was committed, run again"
        )
    state = dataclasses.replace(state, version=delta.version() + 1)
    now = int(time.time() * 1000)
    added, removed = tuple(add), tuple(remove)
    actions: list[AddAction | RemoveAction] = [
        AddAction(file.path, file.bytes, dict(file.partition), now, True, json.dumps({"numRecords": file.rows}))
        for file in added
    ]
    actions += [RemoveAction(file.path, True, now, file.bytes, dict(file.partition)) for file in removed]
    delta.create_write_transaction(
        actions,
        mode="append",
        schema=delta_schema(table),
        partition_by=list(table.partition_by) or None,
        commit_properties=CommitProperties(
            custom_metadata={_STATE_KEY: state.to_json(), "reason": description}, max_commit_retries=0
        ),
    )
    gone = {file.path for file in removed}
    kept = tuple(file for file in before.files if file.path not in gone)
    return Snapshot(table, folder, kept + added, state, state.version)


def vacuum(at: Snapshot, keep_version: int, retention: dt.timedelta) -> int:
    """Delete files that no version younger than the retention, nor `keep_version`, refers to; how many went."""
    delta = DeltaTable(str(at.folder))
    gone = delta.vacuum(
        retention_hours=int(retention.total_seconds() // 3600),
        dry_run=False,
        enforce_retention_duration=False,
        full=True,
        keep_versions=[keep_version],
        commit_properties=CommitProperties(custom_metadata={_STATE_KEY: at.state.to_json(), "reason": "vacuum"}),
    )
    return len(gone)


def delta_schema(table: Table) -> Schema:
    """The contract as a Delta schema."""
    return Schema([Field(column.name, _delta_type(column.type), nullable=True) for column in table.columns])


def _delta_type(type_: str) -> PrimitiveType | ArrayType:
    if type_.startswith("array<"):
        return ArrayType(PrimitiveType(_PRIMITIVES[type_[6:-1]]), contains_null=True)
    return PrimitiveType(_PRIMITIVES[type_])


def _open_or_create(table: Table, folder: Path) -> DeltaTable:
    try:
        return DeltaTable(str(folder))
    except TableNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(
            str(folder),
            delta_schema(table),
            partition_by=list(table.partition_by) or None,
            name=table.name,
            description=table.grain,
            configuration=_SHORT_LOG if table.group == "meta" else None,
        )


def _require_contract(delta: DeltaTable, table: Table) -> None:
    found = {found.name: found.type for found in delta.schema().fields}
    expected = {expected.name: expected.type for expected in delta_schema(table).fields}
    partition_by = delta.metadata().partition_columns
    if found == expected and partition_by == list(table.partition_by):
        return
    differing = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    raise ContractMismatchError(
        f"{table.name} in the lake was written under another contract: columns {differing or 'agree'}, "
        f"partitioned by {partition_by}, expected {list(table.partition_by)}. "
        "`streaming-assets rebuild` makes the lake anew from the landed files."
    )


def _state(delta: DeltaTable) -> State:
    for entry in delta.history(1) + delta.history():
        if _STATE_KEY in entry:
            return State.from_json(entry[_STATE_KEY])
    return State()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
