"""Results and daily results of an experiment from its unit tables, beside one GROUP BY over the same files."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from benchmarks import pipeline_runs
from benchmarks.experiments_units import DAYS, EXPERIMENT, files_of, unit_tables
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments import tables
from streaming_assets.experiments.by_day import exposed_by_day, growth_by_day
from streaming_assets.experiments.inference import DIMENSIONS
from streaming_assets.experiments.metrics import GROWING
from streaming_assets.experiments.window import window_of
from streaming_assets.lake.engine import DuckDBEngine, duckdb_engine, literal
from streaming_assets.settings import Settings

REPEATS = 3
MEMORY_LIMIT = "4GB"
WINDOW = window_of(EXPERIMENT, EXPERIMENT.end)
EIGHT_COLUMNS = (*GROWING, "sessions_first_7d")


@dataclass
class Timed:
    """Seconds of every repeat, by hand and ours, and of ours those of the engine; rows is the largest frame in pandas."""

    by_hand: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    rows: int = 0

    def repeat(self, by_hand: Callable[[], object], ours: Callable[["Timed"], object]) -> None:
        """Each in turn."""
        for _ in range(REPEATS):
            self.by_hand.append(_seconds(by_hand))
            self.engine.append(0.0)
            self.ours.append(_seconds(lambda: ours(self)))

    def frame(self, rows: ibis.Table) -> pd.DataFrame:
        """What the pipeline does with sums: all of them, as a frame."""
        started = time.perf_counter()
        found = rows.to_pandas()
        self.engine[-1] += time.perf_counter() - started
        self.rows = max(self.rows, len(found))
        return found


def run(work: Path, units: int) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds of every repeat."""
    folder = unit_tables(work, units)
    settings = Settings(data_dir=work / "speed", threads=pipeline_runs.THREADS, memory_limit=MEMORY_LIMIT)
    results, daily = Timed(), Timed()
    with duckdb_engine(settings) as engine:
        unit_metrics, unit_days = (
            engine.scan(table, folder / table.short_name, files_of(folder, table))
            for table in (contract.unit_metrics, contract.unit_days)
        )
        results.repeat(
            lambda: _group_by(
                engine, folder / "unit_metrics", "variant", [f"avg({c}), var_samp({c})" for c in EIGHT_COLUMNS]
            ),
            lambda timed: _results(timed, unit_metrics),
        )
        daily.repeat(
            lambda: _group_by(engine, folder / "unit_days", "variant, date", [f"sum({c})" for c in GROWING]),
            lambda timed: _daily_results(timed, unit_days, unit_metrics),
        )
        rows = unit_days.count().to_pyarrow().as_py()
    return {
        "units": units,
        "days": DAYS,
        "unit_days": rows,
        "columns": len(EIGHT_COLUMNS),
        "daily_columns": len(GROWING),
        "dimensions": len(DIMENSIONS),
        "results": vars(results),
        "daily_results": vars(daily),
    }


def ratio(figures: dict[str, Any]) -> float:
    """Median of ours by the median of the one by hand."""
    return statistics.median(figures["ours"]) / statistics.median(figures["by_hand"])


def _group_by(engine: DuckDBEngine, folder: Path, by: str, wanted: list[str]) -> object:
    files = literal(str(folder / "*/*.parquet"))
    return engine.connection.execute(
        f"SELECT {by}, count(*), {', '.join(wanted)} FROM read_parquet({files}) GROUP BY {by}"
    ).fetchall()


def _results(timed: Timed, unit_metrics: ibis.Table) -> object:
    sums = timed.frame(tables.sums_by_segment(unit_metrics))
    return tables.result_rows(EXPERIMENT, sums, sums["units"].sum(), {})


def _daily_results(timed: Timed, unit_days: ibis.Table, unit_metrics: ibis.Table) -> object:
    growth = timed.frame(growth_by_day(unit_days, {}))
    exposed = timed.frame(exposed_by_day(unit_metrics))
    return tables.daily_rows(EXPERIMENT, WINDOW, growth, exposed, exposed["units"].sum())


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
