"""How an asset is declared: its contract, what it reads, and the pure function that makes its rows."""

import datetime as dt
import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis
import pyarrow as pa

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.lake.code import code_of_rows
from streaming_assets.lake.days import Days
from streaming_assets.lake.fold import Fold, folded
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.lake.pending import Window
from streaming_assets.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Rows = Callable[..., ibis.Table]


def asset_key(table: str) -> dg.AssetKey:
    """The asset key of a table: [group, table]."""
    return dg.AssetKey(table.split("/"))


def lake_of(inputs: Mapping[str, "Input"], table: Table) -> Lake:
    """The lake of an asset's inputs, with the engine that makes the table."""
    return next(iter(inputs.values())).lake.computing(table.group)


def computing(inputs: Mapping[str, "Input"], table: Table) -> "dict[str, Input]":
    """The inputs, read by the engine that makes the table."""
    return {name: Input(found.lake.computing(table.group), found.name) for name, found in inputs.items()}


def table_name(key: dg.AssetKey) -> str:
    """The table of an asset key."""
    return "/".join(key.path)


@dataclass(frozen=True)
class Input:
    """A table as an asset's function may read it: lazily, whole or by days."""

    lake: Lake
    name: str

    def whole(self) -> ibis.Table:
        return self.lake.read(self.name)

    def days(self, days: Days) -> ibis.Table:
        return self.lake.read(self.name, days)

    def folded(self, aggregate: Fold, up_to: dt.date = dt.date.max) -> ibis.Table:
        return folded(self.lake, aggregate, up_to)

    def up_to(self, last: dt.date) -> ibis.Table:
        """All rows, of a table that grows by days those up to a day."""
        return self.whole() if contracts.ALL[self.name].day_column is None else self.days(Days(dt.date.min, last))


@dataclass(frozen=True)
class Last:
    """The last days of a daily table up to T: how many, or the setting that says how many."""

    table: str
    days: int | str

    def up_to(self, last: dt.date, rules: Mapping[str, Any]) -> Days:
        count = rules[self.days] if isinstance(self.days, str) else self.days
        return Days(last - dt.timedelta(days=count - 1), last)


Reads = Mapping[str, str | Fold | Last]
"""By parameter: a table, an aggregate over all days of one, or the last days of one."""


@dataclass(frozen=True)
class DailyRows:
    """What a daily asset returns: how to make the rows of any days, and from which tables."""

    build: Callable[[Days], ibis.Table]
    reads: Mapping[str, Window]


@dataclass(frozen=True)
class WholeRows:
    """What an asset without days returns: how to make its rows, from which tables, and what else shapes them.

    shaped_by: the day T, the settings and the code, for a mart; it is made anew when one of them changes.
    """

    make: Callable[[], ibis.Table]
    reads: tuple[str, ...]
    shaped_by: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PartRows:
    """What an asset made in parts returns: how to make a part, which parts to make and which to take away.

    notes: what the table's state then says of what its parts were made of.
    """

    make: Callable[[str], ibis.Table]
    stale: Sequence[str]
    gone: Sequence[str]
    notes: Mapping[str, Any]
    reads: Sequence[str]


@dataclass(frozen=True)
class Declared:
    """A table's asset before it is bound to settings.

    days: parameter → (table, window) for daily inputs; whole: parameter → table, aggregate over all days of one, or its
    last days. Parameters of the function that are neither are rules, taken from the settings by name. is_mart: every
    input is read up to T, the day as_of. finish: makes the rows from the few that the engine makes, in pandas.
    """

    table: Table
    make: Rows
    days: Mapping[str, tuple[str, Window]] = field(default_factory=dict)
    whole: Reads = field(default_factory=dict)
    is_mart: bool = False
    finish: Callable[..., "pd.DataFrame"] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """Tables without days of their own that the rows are made from."""
        return tuple(dict.fromkeys(_read(found) for found in self.whole.values()))

    def definition(self, partitions: dg.DailyPartitionsDefinition, rules: Mapping[str, object]) -> dg.AssetsDefinition:
        """The Dagster asset: daily where the table has a day column, else unpartitioned."""
        is_daily = self.table.day_column is not None

        def daily(**inputs: Input) -> DailyRows:
            return self._daily(computing(inputs, self.table), rules)

        def whole(**inputs: Input) -> WholeRows:
            found = computing(inputs, self.table)
            return self._mart(found, rules) if self.is_mart else self._whole(found, rules)

        compute = daily if is_daily else whole
        compute.__name__ = self.table.name.replace("/", "__")
        return dg.asset(
            **common_spec(self.table, code_version(self.make)),
            ins={
                **{
                    name: dg.AssetIn(key=asset_key(table), partition_mapping=_around(window) if is_daily else None)
                    for name, (table, window) in self.days.items()
                },
                **{_input_name(table): dg.AssetIn(key=asset_key(table)) for table in self.reads},
            },
            partitions_def=partitions if is_daily else None,
            backfill_policy=dg.BackfillPolicy.single_run() if is_daily else None,
        )(compute)

    def _daily(self, inputs: Mapping[str, Input], rules: Mapping[str, object]) -> DailyRows:
        def build(days: Days) -> ibis.Table:
            daily = {
                name: inputs[name].days(days.around(window.before, window.after))
                for name, (_table, window) in self.days.items()
            }
            whole = {name: inputs[_input_name(_read(found))].whole() for name, found in self.whole.items()}
            return self.make(**daily, **whole, **_taken(self.make, rules))

        return DailyRows(build, dict(self.days.values()))

    def _whole(self, inputs: Mapping[str, Input], rules: Mapping[str, object]) -> WholeRows:
        tables = self._tables(inputs, rules, dt.date.max)
        return WholeRows(lambda: self.make(**tables, **_taken(self.make, rules)), self.reads)

    def _mart(self, inputs: Mapping[str, Input], rules: Mapping[str, object]) -> WholeRows:
        lake = lake_of(inputs, self.table)
        as_of = reporting_day(lake)

        def make() -> ibis.Table:
            tables = self._tables(inputs, rules, as_of)
            rows = self.make(**tables, **_taken(self.make, {**rules, "as_of": as_of}))
            return rows if self.finish is None else self._finished(rows.to_pandas(), rules)

        return WholeRows(make, self.reads, self.shaped_by(lake, rules))

    def _tables(self, inputs: Mapping[str, Input], rules: Mapping[str, object], last: dt.date) -> dict[str, ibis.Table]:
        """What is read of every table without days of its own, up to a day."""
        return {
            name: _up_to(inputs[_input_name(_read(found))], found, last, rules) for name, found in self.whole.items()
        }

    def shaped_by(self, lake: Lake, rules: Mapping[str, object]) -> dict[str, Any]:
        """What a mart's rows follow from besides the tables it reads: the day T, settings, and the code."""
        taken = {**_taken(self.make, rules), **(_taken(self.finish, rules) if self.finish else {})}
        lasts = {found.days for found in self.whole.values() if isinstance(found, Last) and isinstance(found.days, str)}
        return {
            "as_of": str(reporting_day(lake)),
            **{name: str(value) for name, value in taken.items()},
            **{name: str(rules[name]) for name in sorted(lasts)},
            "code": code_of_rows(),
        }

    def _finished(self, counted: "pd.DataFrame", rules: Mapping[str, object]) -> ibis.Table:
        assert self.finish is not None  # noqa: S101 - asked of marts that have one only
        return rows_of(self.table, self.finish(counted, **_taken(self.finish, rules)))


def daily_asset(
    table: Table, make: Rows, *, days: Mapping[str, tuple[str, Window]], whole: Mapping[str, str] | None = None
) -> Declared:
    """Declare a table that grows by days; every daily input names its table and the days around that are read."""
    return Declared(table, make, days, whole or {})


def whole_asset(table: Table, make: Rows, *, reads: Mapping[str, str | Fold] | None = None) -> Declared:
    """Declare a table that is made as a whole, from whole tables and from aggregates over all days."""
    return Declared(table, make, whole=reads or {})


def mart(
    table: Table,
    make: Rows,
    *,
    reads: Reads,
    finish: Callable[..., "pd.DataFrame"] | None = None,
) -> Declared:
    """Declare a table for analysts: made as a whole, from what is known up to T."""
    return Declared(table, make, whole=reads, is_mart=True, finish=finish)


def rows_of(table: Table, frame: "pd.DataFrame") -> ibis.Table:
    """A frame's rows in the types of the contract; NaN is NULL."""
    schema = table.schema
    found = pa.Table.from_pandas(frame[list(table.column_names)], schema.to_pyarrow(), preserve_index=False)
    return ibis.memtable(found, schema=schema)


def common_spec(table: Table, code: str) -> dict[str, Any]:
    """What every asset says of itself, from its contract; code is the version of what makes its rows.

    Which engine makes them is a matter of settings: `made_by_engine`.
    """
    return {
        "key": asset_key(table.name),
        "group_name": table.group,
        "description": table.description,
        "owners": [table.owner],
        "kinds": {"ibis", "deltalake"},
        "metadata": {"dagster/column_schema": column_schema(table), "grain": table.grain, "key": ", ".join(table.key)},
        "code_version": code,
    }


def made_by_engine(asset: dg.AssetsDefinition, settings: Settings) -> dg.AssetsDefinition:
    """The asset, with the engine of its group among its kinds."""

    def with_engine(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.merge_attributes(kinds={settings.engine_of(spec.group_name or "")})

    return asset.map_asset_specs(with_engine)


def column_schema(table: Table) -> dg.TableSchema:
    """The contract as the UI shows it."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=not column.not_null, unique=list(table.key) == [column.name]
                ),
            )
            for column in table.columns
        ]
    )


def code_version(made_by: Callable[..., Any]) -> str:
    """A fingerprint of the module in which the rows are made, and of the project's modules that it takes names from."""
    module = sys.modules[made_by.__module__]
    names = {module.__name__} | {getattr(value, "__module__", "") or "" for value in vars(module).values()}
    sources = [inspect.getsource(sys.modules[name]) for name in sorted(names) if name.startswith("streaming_assets.")]
    return hashlib.sha256("".join(sources).encode()).hexdigest()[:12]


def _read(found: str | Fold | Last) -> str:
    if isinstance(found, Fold):
        return found.over
    return found.table if isinstance(found, Last) else found


def _input_name(table: str) -> str:
    """Of several parameters that read one table, Dagster gets one input."""
    return table.replace("/", "__")


def _up_to(input_: Input, found: str | Fold | Last, as_of: dt.date, rules: Mapping[str, object]) -> ibis.Table:
    if isinstance(found, Fold):
        return input_.folded(found, as_of)
    return input_.days(found.up_to(as_of, rules)) if isinstance(found, Last) else input_.up_to(as_of)


def _taken(function: Callable[..., Any], rules: Mapping[str, object]) -> dict[str, Any]:
    """The rules that the function takes."""
    return {name: rules[name] for name in inspect.signature(function).parameters if name in rules}


def _around(window: Window) -> dg.TimeWindowPartitionMapping:
    return dg.TimeWindowPartitionMapping(
        start_offset=-window.before, end_offset=window.after, allow_nonexistent_upstream_partitions=True
    )
