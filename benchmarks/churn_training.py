"""One training of the models of churn on many users: every candidate, the gate, and the refit of the champion.

Run as a script, this module is that training, in a process of its own.
"""

import datetime as dt
import json
import os
import sys
import time
from typing import Any

from benchmarks.measuring import measure
from streaming_assets.models.churn.cutoffs import MOST_CUTOFFS
from streaming_assets.models.churn.training import train
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, audience, cutoffs_of, split

USERS = 100_000
SEED = 1


def run(users: int = USERS) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds and peak memory, that of drawing the snapshots included.

    load_before: processes that wanted a core in the minute before; above 0 the seconds are too many.
    """
    load = os.getloadavg()[0]
    measured = measure([sys.executable, "-m", "benchmarks.churn_training", str(users)])
    return {**json.loads(measured.output), "peak_bytes": measured.peak_bytes, "load_before": load}


def _training(users: int) -> dict[str, Any]:
    stages = split(**MOST_CUTOFFS)
    snapshots = audience(users, cutoffs_of(stages), EVERY_FAMILY, SEED)
    wall, cpu = time.perf_counter(), time.process_time()
    done = train(snapshots, stages, None, as_of=dt.date(2026, 7, 1), label="inactivity", code="benchmark", seed=SEED)
    test = done.candidates[done.candidates["fold"] == "test"].set_index("candidate")
    return {
        "users": users,
        "snapshots": len(cutoffs_of(stages)),
        "rows": len(snapshots),
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "champion": done.champion["candidate"],
        "log_loss": test["log_loss"].to_dict(),
        "auc": test["auc"].to_dict(),
    }


if __name__ == "__main__":
    print(json.dumps(_training(int(sys.argv[1]))))
