"""What the page of benchmarks says of the engines, rendered from the figures of the last run."""

from collections.abc import Collection, Sequence

from benchmarks.agreement import TABLES
from benchmarks.page import Figures, part, provenance, shown_memory, shown_time, shown_times, table
from benchmarks.promises import HEAD, at_most

MOST_TIMES_SMALL = 1.25

_HELD = {
    "heap_bytes": "heap in use after a collection, at most",
    "jvm_bytes": "Java, largest resident set",
    "python_bytes": "Python, largest resident set",
}
_STAGES = ("read_landed_files", *(f"core/{name}" for name in TABLES))


def render(figures: Figures) -> str:
    """The part of the page on engines; empty without figures."""
    return part(
        "Engines", figures, {"engines": _engines, "engines_at_length": _engines, "driver_memory": _driver_memory}
    )


def _engines(figures: Figures) -> str:
    runs: Sequence[Figures] = figures["runs"]
    millions = runs[0]["events"] / 1e6
    head = ["stage", *(f"{run['engine']}, {run['cores']} {'core' if run['cores'] == 1 else 'cores'}" for run in runs)]
    rows = [[name, *(_per_million(run, {name}, millions) for run in runs)] for name in _STAGES]
    marts = {stage["name"] for run in runs for stage in run["stages"] if stage["name"].startswith("marts/")}
    if marts:
        rows.append([f"{len(marts)} marts", *(_per_million(run, marts, millions) for run in runs)])
    checks = {stage["name"] for run in runs for stage in run["stages"] if stage["name"].endswith("sets of checks")}
    rows.append(["checks", *(_per_million(run, checks, millions) for run in runs)])
    rows.append(["whole command", *(shown_time(run["seconds"]) for run in runs)])
    rows.append(["its own process, largest", *(shown_memory(run["peak_bytes"]) for run in runs)])
    return f"""\
### {millions:.1f} million events on both engines

{provenance(figures)}

`streaming-assets run --groups {",".join(figures["groups"])}` on the simulated Last.fm log of {figures["users"]:,} users and {figures["days"]:,} days, landed as one
file; memory limit 4 GB. Spark is `local[N]` with N cores. Seconds per million events, storing of Dagster's
{figures["days"]:,} materialisations per daily asset included; the last two rows are of the whole command. Spark's Java is a process beside it, which gets the memory limit as heap.

{table(head, rows)}"""


def _driver_memory(figures: Figures) -> str:
    runs: Sequence[Figures] = figures["runs"]
    small, large = runs[0], runs[-1]
    rows = [[f"{run['events'] / 1e6:.1f} million", *(f"{run[name] / 1e6:,.0f} MB" for name in _HELD)] for run in runs]
    promises = [
        at_most(
            f"{text}, {large['events'] / 1e6:.0f} million by {small['events'] / 1e6:.0f}",
            MOST_TIMES_SMALL,
            large[name] / small[name],
            shown_times,
        )
        for name, text in _HELD.items()
    ]
    return f"""\
### What a driver holds

{provenance(figures)}

`streaming-assets run --groups raw,core --engine spark` on a standalone master with two workers of one core, each run on a log of {figures["days"]}
days landed as one file, with {small["users"]:,} users and with {large["users"]:,}. The driver may have {figures["driver_memory"]} of heap. In use after a collection:
what is still needed, and garbage that is not looked at yet.

{table(["events", *_HELD.values()], rows)}
{table(HEAD, promises)}"""


def _per_million(run: Figures, names: Collection[str], millions: float) -> str:
    return f"{sum(stage['seconds'] for stage in run['stages'] if stage['name'] in names) / millions:.2f} s"
