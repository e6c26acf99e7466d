"""A third party's experiment on the simulated Last.fm log, from core tables to the decision.

Another project defined it over the real log and published it; name, days, metrics and arms are its own. Nobody was
treated in the simulated log, so that it is an A/A experiment here.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated
from benchmarks.measuring import measure

MEMORY_LIMIT = "4GB"
UP_TO_CORE = ("raw", "core")
ID = "exp_001"
START, END = dt.date(2009, 3, 1), dt.date(2009, 4, 30)
DEFINITION = f"""\
- id: {ID}
  name: Enhanced Discovery Algorithm
  kind: aa
  start: {START}
  end: {END}
  exposure: first_play
  assignment: {{salt: {ID}, variants: {{control: 50, treatment: 50}}}}
  primary: session_minutes
  guardrails: {{skip_rate: 0.02, sessions_per_user: 0.02, d1_retention: 0.05}}
"""


def run(work: Path, users: int, days: int) -> dict[str, Any]:
    """The figures, as they go into last.json.

    The data folder is the one that the 19 M benchmark leaves; it is made where it is not there, and brought up to date
    where it is.
    """
    landing, data_dir = simulated.landing(work, users, days), work / "pipeline"
    pipeline_runs.run(landing, data_dir, MEMORY_LIMIT, groups=UP_TO_CORE)
    definitions = data_dir / "experiments.yaml"
    # What an earlier measurement left would not be computed again.
    definitions.write_text("[]\n", encoding="utf-8")
    pipeline_runs.run(landing, data_dir, MEMORY_LIMIT, groups=("experiments",))
    before = len(pipeline_runs.stages(data_dir))
    definitions.write_text(DEFINITION, encoding="utf-8")
    measured = pipeline_runs.run(landing, data_dir, MEMORY_LIMIT, groups=("experiments",))
    stages = pipeline_runs.stages(data_dir)[before:]
    return {
        "users": users,
        "days": days,
        "seconds": measured.seconds,
        "peak_bytes": measured.peak_bytes,
        "stages": [{"name": found.name, "seconds": found.seconds} for found in stages],
        "decision": _decision(data_dir),
    }


def _decision(data_dir: Path) -> str:
    """As a person reads it."""
    return measure([sys.executable, "-m", "streaming_assets.cli", "experiment", ID, "--data-dir", str(data_dir)]).output
