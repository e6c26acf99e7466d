"""`streaming-assets run` as a measured command, and what its Dagster instance says of where the time went."""

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Measured, measure

THREADS = 2


@dataclass(frozen=True)
class Stage:
    """A step of a run, or all its checks together. days: how many the run was for, 0 without partitions."""

    job: str
    name: str
    seconds: float
    days: int


def run(landing: Path, data_dir: Path, memory_limit: str, groups: Sequence[str] = ()) -> Measured:
    """Run the pipeline on a data folder, with two threads. Raises CommandError where a check, a file or a step fails."""
    command = [sys.executable, "-m", "streaming_assets.cli", "run", "--landing", str(landing), "--data-dir", str(data_dir)]
    if groups:
        command += ["--groups", ",".join(groups)]
    return measure(
        command, {"STREAMING_ASSETS_MEMORY_LIMIT": memory_limit, "STREAMING_ASSETS_THREADS": str(THREADS)}
    )


def stages(data_dir: Path, since: dt.datetime) -> list[Stage]:
    """Where the time of the runs created since then went, in their order; seconds of a stage include its events' storage."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        records = instance.get_run_records(filters=dg.RunsFilter(created_after=since), ascending=True)
        return [stage for record in records for stage in _of_run(instance, record)]


def _of_run(instance: "dg.DagsterInstance", record: "dg.RunRecord") -> Iterator[Stage]:  # noqa: F821
    run = record.dagster_run
    days = _days(run.tags)
    steps = sorted(
        (found for found in instance.get_run_step_stats(run.run_id) if found.end_time),
        key=lambda found: found.start_time or 0,
    )
    took = {found.step_key: found.end_time - found.start_time for found in steps}
    checks = {name: seconds for name, seconds in took.items() if name.startswith("check_")}
    for name in took.keys() - checks.keys():
        yield Stage(run.job_name, name.replace("__", "/"), took[name], days)
    yield Stage(run.job_name, f"{len(checks)} sets of checks", sum(checks.values()), days)
    between = record.end_time - record.start_time - sum(took.values())
    yield Stage(run.job_name, "between steps", between, days)


def _days(tags: dict[str, str]) -> int:
    first, last = tags.get("dagster/asset_partition_range_start"), tags.get("dagster/asset_partition_range_end")
    if first is None or last is None:
        return 0
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days + 1
