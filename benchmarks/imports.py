"""What importing the definitions costs beside importing Dagster alone."""

import statistics
import sys
from typing import Any

from benchmarks.measuring import measure

REPEATS = 7
STATEMENTS = {"dagster": "import dagster", "definitions": "import streaming_assets.definitions"}


def run() -> dict[str, Any]:
    """The figures, as they go into last.json: seconds of a Python that does nothing else, one after the other in turn."""
    for statement in STATEMENTS.values():
        _seconds(statement)
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            seconds[name].append(_seconds(statement))
    return seconds


def ratio(figures: dict[str, Any]) -> float:
    """Median of importing the definitions by the median of importing Dagster."""
    return statistics.median(figures["definitions"]) / statistics.median(figures["dagster"])


def _seconds(statement: str) -> float:
    return measure([sys.executable, "-c", statement]).seconds
