"""TSV to published, checked core tables, beside the hand-written script that makes the same tables from the same file."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated
from benchmarks.agreement import disagreements
from benchmarks.measuring import Measured, measure
from streaming_assets.automation.instance import ONE_PLANNED_EVENT_PER_ASSET

SCRIPTS = Path(__file__).parent
MEMORY_LIMIT, SMALL_MEMORY_LIMIT = "4GB", "1GB"
UP_TO_CORE = ("raw", "core", "published")


class DisagreementError(RuntimeError):
    """The pipeline and the hand-written script made different tables."""


def run(work: Path, users: int, days: int) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds and bytes.

    Raises DisagreementError where the tables differ, CommandError where a run does not end well.
    """
    landing = simulated.landing(work, users, days)
    database = work / "handwritten.duckdb"
    by_hand, tables = _by_hand(landing, database)
    first, stages = _pipeline(landing, work / "pipeline", MEMORY_LIMIT, database)
    marts = pipeline_runs.run(landing, work / "pipeline", MEMORY_LIMIT, groups=("marts",))
    stages_of_marts = pipeline_runs.stages(work / "pipeline")[len(stages) :]
    pipeline_runs.run(landing, work / "pipeline", MEMORY_LIMIT, groups=("published",))
    published = len(pipeline_runs.stages(work / "pipeline"))
    second = pipeline_runs.run(landing, work / "pipeline", MEMORY_LIMIT)
    runs_of_second = len(pipeline_runs.stages(work / "pipeline")) - published
    small, _ = _pipeline(landing, work / "pipeline-small-memory", SMALL_MEMORY_LIMIT, database)
    small_marts = pipeline_runs.run(landing, work / "pipeline-small-memory", SMALL_MEMORY_LIMIT, groups=("marts",))
    daily = [found for found in stages if found.days and found.name.startswith("core/")]
    assets, asset_days = len({found.name for found in daily}), sum(found.days for found in daily)
    return {
        "users": users,
        "days": days,
        "log_bytes": sum(file.stat().st_size for file in landing.iterdir()),
        "rows": {name: figures["rows"] for name, figures in tables.items()},
        "by_hand": _figures(by_hand),
        "by_hand_tables": {name: figures["seconds"] for name, figures in tables.items()},
        "pipeline": _figures(first),
        "stages": [dataclasses.asdict(found) for found in stages],
        "marts": _figures(marts),
        "stages_of_marts": [dataclasses.asdict(found) for found in stages_of_marts],
        "nothing_new": {**_figures(second), "stages": runs_of_second},
        "small_memory": _figures(small),
        "small_memory_marts": _figures(small_marts),
        "daily_assets": assets,
        "asset_days": asset_days,
        "event_log": _event_log(work, assets, asset_days // assets),
    }


def _by_hand(landing: Path, database: Path) -> tuple[Measured, dict[str, dict[str, float]]]:
    database.unlink(missing_ok=True)
    measured = measure(
        [
            *(sys.executable, str(SCRIPTS / "handwritten.py"), str(landing), str(database)),
            *("--memory-limit", MEMORY_LIMIT, "--threads", str(pipeline_runs.THREADS)),
        ]
    )
    return measured, json.loads(measured.output)


def _pipeline(
    landing: Path, data_dir: Path, memory_limit: str, expected: Path
) -> tuple[Measured, list[pipeline_runs.Stage]]:
    """The first run up to core on an empty data folder, whose tables must be those of the database `expected`."""
    shutil.rmtree(data_dir, ignore_errors=True)
    measured = pipeline_runs.run(landing, data_dir, memory_limit, groups=UP_TO_CORE)
    found = disagreements(data_dir / "streaming.duckdb", expected)
    if found:
        raise DisagreementError("the pipeline and the hand-written script disagree:\n" + "\n".join(found))
    return measured, pipeline_runs.stages(data_dir)


def _event_log(work: Path, assets: int, days: int) -> dict[str, float]:
    measured = measure(
        [
            *(sys.executable, str(SCRIPTS / "event_log.py")),
            *("--assets", str(assets), "--days", str(days), "--work", str(work)),
        ],
        ONE_PLANNED_EVENT_PER_ASSET,
    )
    seconds: dict[str, float] = json.loads(measured.output)
    return seconds


def _figures(measured: Measured) -> dict[str, float]:
    return {"seconds": measured.seconds, "peak_bytes": measured.peak_bytes}
