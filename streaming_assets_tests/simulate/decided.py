"""From a landing folder of JSON lines to the decisions on its experiments: all pure code, DuckDB in memory, no Dagster."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from streaming_assets.contracts import Table, core, raw
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments import assignment, tables, units
from streaming_assets.experiments.assignment import Facts
from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.window import Window, window_of
from streaming_assets.lake.engine import conform
from streaming_assets.lake.studies import load_experiments
from streaming_assets.transforms import calendar, daily, entities
from streaming_assets.transforms.events import events
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.sessions import sessions

from .recount import event_rows

GAP_MINUTES = 30

Row = dict[str, Any]


@dataclass(frozen=True)
class Decided:
    """An experiment with its rows of experiments/decisions, health and results, and its unit_metrics."""

    experiment: Experiment
    decision: Row
    health: list[Row]
    results: list[Row]
    unit_metrics: pd.DataFrame

    def result(self, metric: str, method: str = "fixed") -> Row:
        """The treatment's result over all units."""
        (found,) = [
            row
            for row in self.results
            if (row["metric"], row["method"], row["variant"], row["dimension"]) == (metric, method, "treatment", "all")
        ]
        return found


def decided(landing: Path, experiments: Path) -> dict[str, Decided]:
    """By id what the analysis makes of the experiments in a file, over a landing folder and as of its last day."""
    found = load_experiments(experiments)
    assert found.errors == ()
    memory = _Memory()
    facts, as_of = _facts(memory, landing)
    return {one.id: _decide(memory, one, window_of(one, as_of), facts) for one in found.valid}


class _Memory:
    """An in-memory DuckDB in which every step is computed once."""

    def __init__(self) -> None:
        self._backend = ibis.duckdb.connect()
        self._backend.raw_sql("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._tables = 0

    def hold(self, rows: ibis.Table | pa.Table, table: Table | None = None) -> ibis.Table:
        self._tables += 1
        return self._backend.create_table(f"held_{self._tables}", conform(rows, table) if table else rows)


def _facts(memory: _Memory, landing: Path) -> tuple[Facts, dt.date]:
    days = memory.hold(
        ibis.memtable(calendar.days("UTC", dt.date(2026, 1, 1), dt.date(2027, 12, 31)), schema=core.calendar.schema)
    )
    landed = _raw_events(landing)
    paths = [*sorted(set(landed["file_id"].to_pylist())), raw.users.name, raw.content.name]
    files = memory.hold(pa.table({"file_id": paths, "path": paths}))
    cleaned = memory.hold(events(memory.hold(landed), files), core.events)
    played = memory.hold(plays(cleaned, days, GAP_MINUTES), core.plays)
    user_days = memory.hold(daily.user_daily(played, cleaned), core.user_daily)
    titles = memory.hold(daily.user_content_daily(played), core.user_content_daily)
    raw_users = memory.hold(_records(_user_records(landing), raw.users))
    raw_content = memory.hold(_records(pd.read_csv(landing / "content" / "content.csv"), raw.content))
    facts = Facts(
        plays=played,
        events=cleaned,
        sessions=memory.hold(sessions(played, cleaned, days), core.sessions),
        users=memory.hold(
            entities.users(raw_users, files, entities.user_first_seen(user_days), entities.user_habits(titles)),
            core.users,
        ),
        content=memory.hold(entities.content(raw_content, files, entities.content_seen(titles)), core.content),
        calendar=days,
    )
    return facts, cleaned.event_date.max().to_pyarrow().as_py()


def _decide(memory: _Memory, experiment: Experiment, window: Window, facts: Facts) -> Decided:
    assigned = memory.hold(assignment.assignments(experiment, window, facts), contract.assignments)
    days = memory.hold(units.unit_days(window, assigned, facts), contract.unit_days)
    measured = memory.hold(units.unit_metrics(window, assigned, days, facts), contract.unit_metrics)
    by_variant = tables.sums_by_variant(measured).to_pandas()
    (logged,) = _rows(assignment.logged_units(experiment, window, facts)) if experiment.is_logged else ({},)
    (planned,) = _rows(units.planned_units(window, (window.last - window.start).days + 1, facts.plays))
    results = tables.result_rows(experiment, tables.sums_by_segment(measured).to_pandas(), planned["units"], {})
    health = tables.health_rows(experiment, by_variant, logged)
    power = tables.power_rows(experiment, window, by_variant, tables.newly_exposed(measured).to_pandas())
    decision = tables.decision_row(experiment, window, results, health, power, measured.count().execute())
    return Decided(experiment, decision, health, results, measured.to_pandas())


def _rows(found: ibis.Table) -> list[Row]:
    return found.to_pyarrow().to_pylist()


def _raw_events(landing: Path) -> pa.Table:
    rows = event_rows(landing)
    rows["row_number"] = rows.groupby("path").cumcount() + 1
    usable = rows[rows["reason"].isna()].assign(
        event_id=lambda own: own["event_id"].fillna(own["key"]),
        file_id=lambda own: own["path"],
        event_date=lambda own: own["date"],
        local_hour=lambda own: own["started_at"].dt.hour,
    )
    return _typed(usable, raw.events)


def _user_records(landing: Path) -> pd.DataFrame:
    users = pd.read_json(landing / "users" / "users.jsonl.gz", lines=True)
    instants = [name for name in ("valid_from", "signed_up_at", "cancelled_at") if name in users]
    return users.assign(**{name: pd.to_datetime(users[name], utc=True).dt.tz_localize(None) for name in instants})


def _records(rows: pd.DataFrame, table: Table) -> pa.Table:
    return _typed(rows.assign(file_id=table.name, row_number=range(1, len(rows) + 1)), table)


def _typed(rows: pd.DataFrame, table: Table) -> pa.Table:
    """The rows with the contract's columns and types; a column that they lack is NULL."""
    schema = table.schema.to_pyarrow()
    return pa.Table.from_pandas(rows.reindex(columns=schema.names), schema=schema, preserve_index=False)
