"""Landed log to checked core tables and marts, on both engines, on one core and on two."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated
from streaming_assets.settings import ENGINES

MEMORY_LIMIT = "4GB"
GROUPS = ("raw", "core", "marts")
CORES = (2, 1)


def run(work: Path, users: int, days: int) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds and bytes by engine and cores, with every stage.

    Raises CommandError where a run does not end well.
    """
    landing = simulated.landing(work, users, days)
    runs = []
    for engine in ENGINES:
        for cores in CORES:
            data_dir = work / f"{engine}-{cores}"
            shutil.rmtree(data_dir, ignore_errors=True)
            measured = pipeline_runs.run(landing, data_dir, MEMORY_LIMIT, GROUPS, engine, cores)
            runs.append(
                {
                    "engine": engine,
                    "cores": cores,
                    "seconds": measured.seconds,
                    "peak_bytes": measured.peak_bytes,
                    "stages": [dataclasses.asdict(found) for found in pipeline_runs.stages(data_dir)],
                    "events": pipeline_runs.rows(data_dir, "core/events"),
                }
            )
            shutil.rmtree(data_dir)
    return {"users": users, "days": days, "runs": runs}
