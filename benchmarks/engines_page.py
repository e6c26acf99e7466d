"""What the page of benchmarks says of the engines, rendered from the figures of the last run."""

from collections.abc import Collection, Sequence

from benchmarks.agreement import TABLES
from benchmarks.page import Figures, provenance, shown_memory, shown_time, table

_STAGES = ("read_landed_files", *(f"core/{name}" for name in TABLES))


def render(figures: Figures) -> str:
    """The part of the page on engines; empty without figures."""
    return "\n".join(["", "## Engines\n", _engines(figures["engines"])]) if "engines" in figures else ""


def _engines(figures: Figures) -> str:
    runs: Sequence[Figures] = figures["runs"]
    millions = runs[0]["events"] / 1e6
    head = ["stage", *(f"{run['engine']}, {run['cores']} {'core' if run['cores'] == 1 else 'cores'}" for run in runs)]
    rows = [[name, *(_per_million(run, {name}, millions) for run in runs)] for name in _STAGES]
    marts = {stage["name"] for run in runs for stage in run["stages"] if stage["name"].startswith("marts/")}
    rows.append([f"{len(marts)} marts", *(_per_million(run, marts, millions) for run in runs)])
    checks = {stage["name"] for run in runs for stage in run["stages"] if stage["name"].endswith("sets of checks")}
    rows.append(["checks", *(_per_million(run, checks, millions) for run in runs)])
    rows.append(["whole command", *(shown_time(run["seconds"]) for run in runs)])
    rows.append(["largest process", *(shown_memory(run["peak_bytes"]) for run in runs)])
    return f"""\
### {millions:.1f} million events on both engines

{provenance(figures)}

`streaming-assets run --groups raw,core,marts` on the simulated Last.fm log of {figures["users"]:,} users and {figures["days"]:,} days, landed as one
file; memory limit 4 GB. Spark is `local[2]` and `local[1]`. Seconds per million events, storing of Dagster's
{figures["days"]:,} materialisations per daily asset included; the last two rows are of the whole command.

{table(head, rows)}"""


def _per_million(run: Figures, names: Collection[str], millions: float) -> str:
    return f"{sum(stage['seconds'] for stage in run['stages'] if stage['name'] in names) / millions:.2f} s"
