"""`streaming-assets run` as a measured command, and what its Dagster instance says of where the time went."""

import datetime as dt
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import Measured, measure
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord

THREADS = 2


@dataclass(frozen=True)
class Stage:
    """A part of a run. days: how many days the run was for, 0 without partitions."""

    job: str
    name: str
    seconds: float
    days: int


def run(
    landing: Path,
    data_dir: Path,
    memory_limit: str,
    groups: Sequence[str] = (),
    engine: str = "duckdb",
    threads: int = THREADS,
) -> Measured:
    """Run the pipeline on a data folder. Raises CommandError where a check, a file or a step fails."""
    command = [sys.executable, "-m", "streaming_assets.cli", "run"]
    command += ["--landing", str(landing), "--data-dir", str(data_dir)]
    if groups:
        command += ["--groups", ",".join(groups)]
    limits = {"STREAMING_ASSETS_MEMORY_LIMIT": memory_limit, "STREAMING_ASSETS_THREADS": str(threads)}
    return measure([*command, "--engine", engine], limits)


def rows(data_dir: Path, table: str) -> int:
    """How many rows a table of the lake has, as its last commit says."""
    settings = Settings(data_dir=data_dir)
    with duckdb_engine(settings) as opened:
        return Lake(settings, opened).snapshot(table).rows


def stages(data_dir: Path) -> list[Stage]:
    """Where the time of all runs on a data folder went, in their order: each asset, all checks of a run together, the rest.

    The seconds of an asset include storing its materialisations in Dagster's event log; those of `announcing` are
    spent on storing that they are planned.
    """
    import dagster as dg

    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        return [found for record in instance.get_run_records(ascending=True) for found in _of_run(instance, record)]


def _of_run(instance: "DagsterInstance", record: "RunRecord") -> Iterator[Stage]:
    run = record.dagster_run
    assert record.start_time is not None
    assert record.end_time is not None
    timed = sorted(
        (found.start_time, found.end_time, found.step_key)
        for found in instance.get_run_step_stats(run.run_id)
        if found.start_time is not None and found.end_time is not None
    )
    took = {step: end - start for start, end, step in timed}
    of_checks = [seconds for name, seconds in took.items() if name.startswith("check_")]
    parts = {
        "announcing": record.start_time - record.create_timestamp.timestamp(),
        **{name.replace("__", "/"): seconds for name, seconds in took.items() if not name.startswith("check_")},
        **({f"{len(of_checks)} sets of checks": sum(of_checks)} if of_checks else {}),
        "between steps": record.end_time - record.start_time - sum(took.values()),
    }
    for name, seconds in parts.items():
        yield Stage(run.job_name, name, seconds, _days(run.tags))


def _days(tags: Mapping[str, str]) -> int:
    first, last = tags.get("dagster/asset_partition_range_start"), tags.get("dagster/asset_partition_range_end")
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days + 1 if first and last else 0
