"""The backtest of the audience forecast on simulated audiences of several sizes: how long it takes, and what it finds.

Run as a script, this module is those backtests, in a process of its own.
"""

import datetime as dt
import json
import os
import sys
import time
from typing import Any

from benchmarks.measuring import measure
from streaming_assets.contracts.models.forecast import NAIVES, REFERENCE
from streaming_assets.models.forecast.backtest import backtest
from streaming_assets_tests.models.forecast.situations import MONDAY, audience

DAYS = 140
LEVELS = (12, 200, 5_000)
"""Users in a usual hour: noise is much of what is seen, some of it, hardly any."""
SEED = 1
_FIGURES = ("mase", "wape", "coverage_80", "coverage_95")


def run() -> dict[str, Any]:
    """The figures, as they go into last.json.

    load_before: processes that wanted a core in the minute before; above 0 the seconds are too many.
    """
    load = os.getloadavg()[0]
    measured = measure([sys.executable, "-m", "benchmarks.forecast_backtest"])
    return {**json.loads(measured.output), "peak_bytes": measured.peak_bytes, "load_before": load}


def _backtest(level: int) -> dict[str, Any]:
    history = audience(DAYS, SEED, float(level))
    wall, cpu = time.perf_counter(), time.process_time()
    found = backtest(history, MONDAY + dt.timedelta(days=DAYS - 1), SEED)
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    summary = found.summary.set_index("model")
    return {
        "level": level,
        **took,
        "origins": int(summary.n_origins.max()),
        "champion": str(summary.index[summary.is_champion][0]),
        "candidates": {name: {figure: float(row[figure]) for figure in _FIGURES} for name, row in summary.iterrows()},
    }


if __name__ == "__main__":
    series = [_backtest(level) for level in LEVELS]
    print(json.dumps({"days": DAYS, "naives": NAIVES, "reference": REFERENCE, "series": series}))
