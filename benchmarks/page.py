"""docs/benchmarks.md, rendered from the figures of the last run; none is typed by hand."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks import imports, one_new_day

EVENT_LOG_SECONDS = 0.013
MOST_TIMES_BY_HAND = 2.0
MOST_PEAK_BYTES = 5e9
MOST_OF_FIRST_RUN = 0.5
MOST_TIMES_SHORT_HISTORY = 1.2
MOST_TIMES_DAGSTER = 2.0

Figures = dict[str, Any]
Sections = Mapping[str, Callable[[Figures], str]]
"""What is said of the figures of a benchmark, by its name."""

_PREFACE = """\
# Benchmarks

Written by `make bench` (`python -m benchmarks`), by `make bench-experiments` below the heading Experiments, by
`make bench-models` below Models, by `make bench-operations` below Operations and by `make bench-scaling` below Engines,
which measure everything on this page and keep the figures in `benchmarks/last.json`; edit neither by hand. Times are wall time of whole commands, Python's
start and imports included, where nothing else is said; peak memory is the largest resident set. Both runners get two
threads.
"""


def render(figures: Figures) -> str:
    """The page, with a section for each benchmark that has figures."""
    found = {"nineteen_million": _nineteen_million, "one_new_day": _one_new_day, "imports": _imports}
    return "\n".join([_PREFACE, *_sections(figures, found)])


def part(heading: str, figures: Figures, sections: Sections) -> str:
    """A part of the page, with a section for each benchmark that has figures; empty without any."""
    found = _sections(figures, sections)
    return "\n".join(["", f"## {heading}\n", *found]) if found else ""


def _sections(figures: Figures, sections: Sections) -> list[str]:
    return [section(figures[name]) for name, section in sections.items() if name in figures]


def _nineteen_million(figures: Figures) -> str:
    by_hand, pipeline, small = figures["by_hand"], figures["pipeline"], figures["small_memory"]
    allowance = EVENT_LOG_SECONDS * figures["asset_days"]
    most = MOST_TIMES_BY_HAND * by_hand["seconds"] + allowance
    marts, small_marts = figures["marts"], figures["small_memory_marts"]
    of_marts = [stage["name"] for stage in figures["stages_of_marts"] if stage["name"].startswith("marts/")]
    in_marts = _seconds_of(figures["stages_of_marts"], *of_marts)
    to_sessions = _seconds_of(figures["stages"], "core/sessions")
    again = figures["nothing_new"]
    events = figures["event_log"]
    runs = table(
        ["run", "time", "peak memory"],
        [
            ["hand-written script", shown_time(by_hand["seconds"]), shown_memory(by_hand["peak_bytes"])],
            [
                "`streaming-assets run`, up to core",
                shown_time(pipeline["seconds"]),
                shown_memory(pipeline["peak_bytes"]),
            ],
            ["then its marts", shown_time(marts["seconds"]), shown_memory(marts["peak_bytes"])],
            ["again, with nothing new", shown_time(again["seconds"]), shown_memory(again["peak_bytes"])],
            ["up to core, memory limit 1 GB", shown_time(small["seconds"]), shown_memory(small["peak_bytes"])],
            [
                "then its marts, memory limit 1 GB",
                shown_time(small_marts["seconds"]),
                shown_memory(small_marts["peak_bytes"]),
            ],
        ],
    )
    promises = table(
        ["promise", "at most", "measured", ""],
        [
            promise(
                f"{MOST_TIMES_BY_HAND} × the hand-written script + 13 ms per daily asset and day for the event log",
                most,
                pipeline["seconds"],
                shown_time,
            ),
            promise("peak memory", MOST_PEAK_BYTES, pipeline["peak_bytes"], shown_memory),
            promise(
                "nothing new: half the time of the first run",
                MOST_OF_FIRST_RUN * pipeline["seconds"],
                again["seconds"],
                shown_time,
            ),
            promise(
                f"the {len(of_marts)} marts: the time of building core/sessions, from core/plays",
                to_sessions,
                in_marts,
                shown_time,
            ),
            promise("nothing new: stages that ran", 0, again["stages"], "{:.0f}".format),
        ],
    )
    return f"""\
## {figures["rows"]["events"] / 1e6:,.1f} million events: TSV to published, checked core tables

{provenance(figures)}

A simulated log in the format of the Last.fm 1K data set ({figures["users"]:,} users, {figures["days"]:,} days,
{figures["log_bytes"] / 1e9:.1f} GB), landed as one file. `benchmarks/handwritten.py` makes the same core tables from it
with plain SQL in one DuckDB process, without a lake, checks or orchestration. Both sides' tables are compared after
every run: rows and every column, floats by their sums; the benchmark fails where they differ.

{runs}
{promises}
The event log is Dagster's record of {figures["daily_assets"]} daily assets × {figures["asset_days"] // figures["daily_assets"]:,} days,
a price of the first backfill only. The same number of assets that compute nothing take {shown_time(events["sqlite"])}
with the events in SQLite, as here, and {shown_time(events["memory"])} with them in memory: {1e3 * events["sqlite"] / figures["asset_days"]:.1f} ms
and {1e3 * events["memory"] / figures["asset_days"]:.1f} ms per asset and day. Without it, the pipeline took
{(pipeline["seconds"] - events["sqlite"]) / by_hand["seconds"]:.2f} × the hand-written script.

{_stage_tables(figures)}"""


def _seconds_of(stages: Sequence[Figures], *names: str) -> float:
    return sum(float(stage["seconds"]) for stage in stages if stage["name"] in names)


def _stage_tables(figures: Figures) -> str:
    stages = [*figures["stages"], *figures["stages_of_marts"]]
    jobs = [
        [f"**{job}**" if number == 0 else "", stage["name"], shown_time(stage["seconds"])]
        for job, found in itertools.groupby(stages, key=lambda stage: stage["job"])
        for number, stage in enumerate(found)
    ]
    commands = figures["pipeline"]["seconds"] + figures["marts"]["seconds"]
    rest = commands - sum(stage["seconds"] for stage in stages)
    by_hand = [[name, shown_time(seconds)] for name, seconds in figures["by_hand_tables"].items()]
    return f"""\
Where the pipeline's time went; an asset's time includes storing its materialisations, `announcing` is storing that they
are planned:

{table(["job", "stage", "time"], [*jobs, ["", "start, imports, what is due, summary", shown_time(rest)]])}
Where the hand-written script's time went:

{table(["table", "time"], by_hand)}"""


def _one_new_day(figures: Figures) -> str:
    short, long = figures["short"], figures["long"]
    rows = [
        [
            f"new day {number + 1}",
            *(shown_time(side[of][number]) for of in ("commands", "runs") for side in (short, long)),
        ]
        for number in range(len(short["commands"]))
    ]
    days = [f"{side['days']:,} days" for side in (short, long)]
    return f"""\
## One new day on a long history

{provenance(figures)}

Two lakes of the same {figures["users"]:,} users, one with {days[0]} of history, one with {
        days[1]
    }; the same days are landed on
both, one by one, and `streaming-assets run --groups raw,core` takes each in with all checks.

{table(["", *(f"command, {of}" for of in days), *(f"its Dagster runs, {of}" for of in days)], rows)}
{
        table(
            ["promise", "at most", "measured", ""],
            [
                promise(
                    "medians of the command, long by short history",
                    MOST_TIMES_SHORT_HISTORY,
                    one_new_day.ratio(figures, "commands"),
                    shown_times,
                ),
                promise(
                    "medians of its Dagster runs alone, long by short history",
                    MOST_TIMES_SHORT_HISTORY,
                    one_new_day.ratio(figures, "runs"),
                    shown_times,
                ),
            ],
        )
    }"""


def _imports(figures: Figures) -> str:
    return f"""\
## Importing the definitions

{provenance(figures)}

Times of a Python that imports one module and ends, in turn, {len(figures["dagster"])} times each: `dagster`
{_range(figures["dagster"])}, `streaming_assets.definitions` {_range(figures["definitions"])}.

{
        table(
            ["promise", "at most", "measured", ""],
            [
                promise("medians, definitions by Dagster", MOST_TIMES_DAGSTER, imports.ratio(figures), shown_times),
            ],
        )
    }"""


def promise(text: str, most: float, measured: float, shown: Callable[[float], str]) -> list[str]:
    return [text, shown(most), shown(measured), "kept" if measured <= most else "**broken**"]


def provenance(figures: Figures) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return f"{figures['measured_on']}, {figures['machine']}; {versions}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def shown_time(seconds: float) -> str:
    return f"{seconds:,.1f} s"


def shown_memory(size: float) -> str:
    return f"{size / 1e9:.2f} GB"


def shown_times(ratio: float) -> str:
    return f"{ratio:.2f} ×"


def _range(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.2f}–{max(seconds):.2f} s"
