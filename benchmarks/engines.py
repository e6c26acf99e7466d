"""Landed log to checked tables, on both engines."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated
from streaming_assets.settings import ENGINES

MEMORY_LIMIT = "4GB"
UP_TO_CORE = ("raw", "core")
UP_TO_MARTS = (*UP_TO_CORE, "marts")


def run(work: Path, users: int, days: int, groups: Sequence[str], cores: Sequence[int]) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds and bytes by engine and number of cores, with every stage.

    Raises CommandError where a run does not end well.
    """
    landing = simulated.landing(work, users, days)
    runs = []
    for engine in ENGINES:
        for number in cores:
            data_dir = work / f"{engine}-{number}"
            shutil.rmtree(data_dir, ignore_errors=True)
            measured = pipeline_runs.run(landing, data_dir, MEMORY_LIMIT, groups, engine, number)
            runs.append(
                {
                    "engine": engine,
                    "cores": number,
                    "seconds": measured.seconds,
                    "peak_bytes": measured.peak_bytes,
                    "stages": [dataclasses.asdict(found) for found in pipeline_runs.stages(data_dir)],
                    "events": pipeline_runs.rows(data_dir, "core/events"),
                }
            )
            shutil.rmtree(data_dir)
    return {"users": users, "days": days, "groups": list(groups), "runs": runs}
