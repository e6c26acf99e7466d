"""One more day on a short history and on one ten times longer: what it costs up to the core tables."""

import datetime as dt
import shutil
import statistics
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated

NEW_DAYS = 3
TIMES_LONGER = 10
MEMORY_LIMIT = "4GB"
ONE_DAY = dt.timedelta(days=1)


def run(work: Path, users: int, days: int) -> dict[str, Any]:
    """The figures, as they go into last.json; seconds of the command, and of its Dagster runs without start and imports.

    Both histories end on the same day of one log, and the same days are landed after it, one by one.
    """
    log = simulated.landing(work, users, days)
    short_days = (days - NEW_DAYS) // TIMES_LONGER
    first_new = simulated.FIRST_DAY + (days - NEW_DAYS) * ONE_DAY
    histories = {"short": short_days, "long": short_days * TIMES_LONGER}
    folders = {name: work / f"{name}-history" for name in histories}
    for name, length in histories.items():
        shutil.rmtree(folders[name], ignore_errors=True)
        simulated.profiles(log, folders[name] / "landing")
        simulated.land_days(log, folders[name] / "landing", first_new - length * ONE_DAY, first_new - ONE_DAY)
        _seconds_up_to_core(folders[name])
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in histories}
    for number in range(NEW_DAYS):
        new_day = first_new + number * ONE_DAY
        for name, folder in folders.items():
            simulated.land_days(log, folder / "landing", new_day, new_day)
            measured[name].append(_seconds_up_to_core(folder))
    return {
        "users": users,
        **{
            name: {
                "days": length,
                "commands": [command for command, _ in measured[name]],
                "runs": [runs for _, runs in measured[name]],
            }
            for name, length in histories.items()
        },
    }


def ratio(figures: dict[str, Any], of: str) -> float:
    """Median on the long history by the median on the short one; of `commands` or of `runs`."""
    return statistics.median(figures["long"][of]) / statistics.median(figures["short"][of])


def _seconds_up_to_core(folder: Path) -> tuple[float, float]:
    """Seconds of the command, and of the Dagster runs in it."""
    data_dir = folder / "data"
    before = len(pipeline_runs.stages(data_dir)) if data_dir.exists() else 0
    command = pipeline_runs.run(folder / "landing", data_dir, MEMORY_LIMIT, groups=("raw", "core"))
    return command.seconds, sum(stage.seconds for stage in pipeline_runs.stages(data_dir)[before:])
