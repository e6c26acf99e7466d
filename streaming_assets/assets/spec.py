"""How an asset is declared: its contract, what it reads, and the pure function that makes its rows."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import ibis

from streaming_assets.contracts import Table
from streaming_assets.lake.days import Days
from streaming_assets.lake.fold import Fold, folded
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.pending import Window

Rows = Callable[..., ibis.Table]


def asset_key(table: str) -> dg.AssetKey:
    """The asset key of a table: [group, table]."""
    return dg.AssetKey(table.split("/"))


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

    def folded(self, aggregate: Fold) -> ibis.Table:
        return folded(self.lake, aggregate)


@dataclass(frozen=True)
class DailyRows:
    """What a daily asset returns: how to make the rows of any days, and from which tables."""

    build: Callable[[Days], ibis.Table]
    reads: Mapping[str, Window]


@dataclass(frozen=True)
class WholeRows:
    """What an asset without days returns: its rows, and the tables they were made from."""

    rows: ibis.Table
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """A table's asset before it is bound to settings.

    days: parameter → (table, window) for daily inputs; whole: parameter → table, or aggregate over all days of one.
    Parameters of the function that are neither are rules, taken from the settings by name.
    """

    table: Table
    make: Rows
    days: Mapping[str, tuple[str, Window]] = field(default_factory=dict)
    whole: Mapping[str, str | Fold] = field(default_factory=dict)

    def definition(self, partitions: dg.DailyPartitionsDefinition, rules: Mapping[str, object]) -> dg.AssetsDefinition:
        """The Dagster asset: daily where the table has a day column, else unpartitioned."""
        is_daily = self.table.day_column is not None
        chosen = {name: rules[name] for name in inspect.signature(self.make).parameters if name in rules}

        def daily(**inputs: Input) -> DailyRows:
            return self._daily(inputs, chosen)

        def whole(**inputs: Input) -> WholeRows:
            return self._whole(inputs, chosen)

        compute = daily if is_daily else whole
        compute.__name__ = self.table.name.replace("/", "__")
        return dg.asset(
            **common_spec(self.table, self.make),
            ins={
                **{
                    name: dg.AssetIn(key=asset_key(table), partition_mapping=_around(window) if is_daily else None)
                    for name, (table, window) in self.days.items()
                },
                **{name: dg.AssetIn(key=asset_key(_read(found))) for name, found in self.whole.items()},
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
            return self.make(**daily, **{name: inputs[name].whole() for name in self.whole}, **rules)

        return DailyRows(build, dict(self.days.values()))

    def _whole(self, inputs: Mapping[str, Input], rules: Mapping[str, object]) -> WholeRows:
        tables = {
            name: inputs[name].folded(found) if isinstance(found, Fold) else inputs[name].whole()
            for name, found in self.whole.items()
        }
        return WholeRows(self.make(**tables, **rules), tuple(found.name for found in inputs.values()))


def daily_asset(
    table: Table, make: Rows, *, days: Mapping[str, tuple[str, Window]], whole: Mapping[str, str] | None = None
) -> Declared:
    """Declare a table that grows by days; every daily input names its table and the days around that are read."""
    return Declared(table, make, days, whole or {})


def whole_asset(table: Table, make: Rows, *, reads: Mapping[str, str | Fold] | None = None) -> Declared:
    """Declare a table that is made as a whole, from whole tables and from aggregates over all days."""
    return Declared(table, make, whole=reads or {})


def common_spec(table: Table, made_by: Callable[..., Any]) -> dict[str, Any]:
    """What every asset says of itself, from its contract."""
    return {
        "key": asset_key(table.name),
        "group_name": table.group,
        "description": table.description,
        "owners": [table.owner],
        "kinds": {"ibis", "deltalake", "duckdb"},
        "metadata": {"dagster/column_schema": column_schema(table), "grain": table.grain, "key": ", ".join(table.key)},
        "code_version": code_version(made_by),
    }


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


def _read(found: str | Fold) -> str:
    return found.over if isinstance(found, Fold) else found


def _around(window: Window) -> dg.TimeWindowPartitionMapping:
    return dg.TimeWindowPartitionMapping(
        start_offset=-window.before, end_offset=window.after, allow_nonexistent_upstream_partitions=True
    )
