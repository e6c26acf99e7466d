"""How the assets of models are declared: tables that come of a training, and tables that are made anew every night."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
import ibis

from streaming_assets import contracts
from streaming_assets.assets.io import refuse_downstream
from streaming_assets.assets.pictures import pictures
from streaming_assets.assets.spec import Input, WholeRows, asset_key, common_spec, lake_of, rows_of
from streaming_assets.contracts import Table
from streaming_assets.lake.code import code_of_models
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.lake.training import Training, notes_of

if TYPE_CHECKING:
    import pandas as pd

TRAIN_NOW = "streaming_assets/train_now"
"""Run tag: train whether it is due or not."""


@dataclass(frozen=True)
class Trained:
    """A training as one asset step. train: the rows of its tables, by table."""

    training: Training
    train: Callable[[Lake], Mapping[str, "pd.DataFrame"]]

    def definition(self) -> dg.AssetsDefinition:
        """The Dagster assets of its tables."""
        tables = [contracts.ALL[name] for name in self.training.tables]
        deps = [asset_key(name) for name in self.training.reads]
        code = code_of_models()

        @dg.multi_asset(
            name=f"train_{self.training.name}",
            specs=[dg.AssetSpec(**common_spec(table, code), deps=deps) for table in tables],
            required_resource_keys={"lake"},
        )
        def train(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
            lake: Lake = context.resources.lake.computing(tables[0].group)
            refuse_downstream(lake, self.training.reads)
            is_due = TRAIN_NOW in context.run.tags or self.training.is_due(lake)
            made = self.train(lake) if is_due else {}
            for table in tables:
                yield self._committed(lake, table, made.get(table.name))

        return train

    def _committed(self, lake: Lake, table: Table, rows: "pd.DataFrame | None") -> dg.MaterializeResult:
        after = lake.snapshot(table.name)
        if rows is not None:
            notes = notes_of(reporting_day(lake))
            after = lake.write(table.name, rows_of(table, rows), self.training.reads, notes)
        return dg.MaterializeResult(
            asset_key=asset_key(table.name),
            metadata={
                "dagster/row_count": after.rows,
                "trained_as_of": str(self.training.trained_as_of(lake) or reporting_day(lake)),
                "training": "done" if rows is not None else f"kept; due again at {self.training.due_next(lake)}",
                "lake_version": after.state.version,
                **pictures(lake, table.name),
            },
        )


@dataclass(frozen=True)
class Refreshed:
    """A table of models that is made whole when T, what it reads or the code changed."""

    table: Table
    make: Callable[[Lake], "ibis.Table | pd.DataFrame"]
    reads: tuple[str, ...]

    def definition(self) -> dg.AssetsDefinition:
        """The Dagster asset."""

        def compute(**inputs: Input) -> WholeRows:
            lake = lake_of(inputs, self.table)
            return WholeRows(lambda: self._rows(lake), self.reads, notes_of(reporting_day(lake)))

        compute.__name__ = self.table.name.replace("/", "__")
        ins = {name.replace("/", "__"): dg.AssetIn(key=asset_key(name)) for name in self.reads}
        return dg.asset(**common_spec(self.table, code_of_models()), ins=ins)(compute)

    def _rows(self, lake: Lake) -> ibis.Table:
        made = self.make(lake)
        return made if isinstance(made, ibis.Table) else rows_of(self.table, made)
