"""The group experiments: which function makes which table, one experiment at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis
import pyarrow as pa

from streaming_assets.assets.spec import Input, PartRows, asset_key, code_version, common_spec, lake_of
from streaming_assets.contracts import Table
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments import assignment, by_day, tables, units
from streaming_assets.lake.lake import part_of
from streaming_assets.lake.studies import Study, studies

if TYPE_CHECKING:
    import pandas as pd

_FACTS = ("core/plays", "core/events", "core/sessions", "core/users", "core/content", "core/calendar")


@dataclass(frozen=True)
class Declared:
    """A table that is made one experiment at a time.

    make: the rows of one experiment. made_by: the function whose module, and those it takes names from, shape them.
    """

    table: Table
    make: Callable[[Study], ibis.Table]
    made_by: Callable[..., Any]
    reads: Sequence[str]

    def definition(self) -> dg.AssetsDefinition:
        """The Dagster asset."""

        def compute(**inputs: Input) -> PartRows:
            lake = lake_of(inputs, self.table)
            found = studies(lake)
            return PartRows(
                lambda part: self.make(found.by_id[part]),
                found.stale(lake, self.table.name),
                found.gone(lake, self.table.name),
                {"made_of": found.noted(lake, self.table.name, self.reads)},
                self.reads,
            )

        compute.__name__ = self.table.name.replace("/", "__")
        ins = {name.replace("/", "__"): dg.AssetIn(key=asset_key(name)) for name in self.reads}
        return dg.asset(**common_spec(self.table, code_version(self.made_by)), ins=ins)(compute)


def _assignments(study: Study) -> ibis.Table:
    return assignment.assignments(study.experiment, study.window, study.facts)


def _unit_days(study: Study) -> ibis.Table:
    return units.unit_days(study.window, _own(study, contract.assignments), study.facts)


def _unit_metrics(study: Study) -> ibis.Table:
    assigned, days = _own(study, contract.assignments), _own(study, contract.unit_days)
    return units.unit_metrics(study.window, assigned, days, study.facts)


def _results(study: Study) -> ibis.Table:
    most = _caps(study)
    units_capped = tables.capped(_own(study, contract.unit_metrics), most)
    sums = tables.sums_by_segment(units_capped, study.experiment.metrics).to_pandas()
    return _rows(contract.results, tables.result_rows(study.experiment, sums, study.planned_units, most))


def _daily_results(study: Study) -> ibis.Table:
    most, metrics = _caps(study), study.experiment.metrics
    units_capped = tables.capped(_own(study, contract.unit_metrics), most)
    growth = by_day.growth_by_day(_own(study, contract.unit_days), most, metrics).to_pandas()
    exposed = by_day.exposed_by_day(units_capped, metrics).to_pandas()
    rows = tables.daily_rows(study.experiment, study.window, growth, exposed, study.planned_units)
    return _rows(contract.daily_results, rows)


def _health(study: Study) -> ibis.Table:
    logged: dict[str, int] = {}
    if study.experiment.exposure == "logged":
        (logged,) = _listed(assignment.logged_units(study.experiment, study.window, study.facts))
    return _rows(contract.health, tables.health_rows(study.experiment, _sums(study), logged))


def _power(study: Study) -> ibis.Table:
    exposed = tables.newly_exposed(_own(study, contract.unit_metrics)).to_pandas()
    return _rows(contract.power, tables.power_rows(study.experiment, study.window, _sums(study), exposed))


def _decisions(study: Study) -> ibis.Table:
    results, health, power = (
        _listed(_own(study, table)) for table in (contract.results, contract.health, contract.power)
    )
    units_exposed = sum(
        file.rows for file in part_of(study.lake.snapshot(contract.unit_metrics.name), study.experiment.id)
    )
    row = tables.decision_row(study.experiment, study.window, results, health, power, units_exposed)
    return _rows(contract.decisions, [row])


EXPERIMENTS: tuple[Declared, ...] = (
    Declared(contract.assignments, _assignments, assignment.assignments, _FACTS),
    Declared(contract.unit_days, _unit_days, units.unit_days, (contract.assignments.name, *_FACTS)),
    Declared(
        contract.unit_metrics,
        _unit_metrics,
        units.unit_metrics,
        (contract.assignments.name, contract.unit_days.name, *_FACTS),
    ),
    Declared(contract.results, _results, tables.result_rows, (contract.unit_metrics.name,)),
    Declared(
        contract.daily_results, _daily_results, tables.daily_rows, (contract.unit_days.name, contract.unit_metrics.name)
    ),
    Declared(contract.health, _health, tables.health_rows, (contract.unit_metrics.name, "core/events")),
    Declared(contract.power, _power, tables.power_rows, (contract.unit_metrics.name,)),
    Declared(
        contract.decisions,
        _decisions,
        tables.decision_row,
        (contract.results.name, contract.daily_results.name, contract.health.name, contract.power.name),
    ),
)


def _own(study: Study, table: Table) -> ibis.Table:
    """The experiment's rows of a table."""
    return study.lake.read_part(table.name, study.experiment.id)


def _sums(study: Study) -> "pd.DataFrame":
    units_capped = tables.capped(_own(study, contract.unit_metrics), _caps(study))
    return tables.sums_by_variant(units_capped, study.experiment.metrics).to_pandas()


def _caps(study: Study) -> dict[str, float]:
    """By column, the cap of what is winsorised; 0 where there are no units."""
    if not study.experiment.winsorise:
        return {}
    (found,) = _listed(tables.caps(study.experiment, _own(study, contract.unit_metrics)))
    return {name: cap or 0.0 for name, cap in found.items()}


def _listed(rows: ibis.Table) -> list[dict[str, Any]]:
    return rows.to_pyarrow().to_pylist()


def _rows(table: Table, rows: Sequence[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(list(rows), table.schema.to_pyarrow()), schema=table.schema)
