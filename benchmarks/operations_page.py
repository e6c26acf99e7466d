"""What the page of benchmarks says of operations, rendered from the figures of the last run."""

import itertools

from benchmarks.month_of_nights import typical
from benchmarks.page import Figures, part, provenance, shown_memory, shown_time, shown_times, table
from benchmarks.promises import HEAD, at_most

MOST_TIMES_EARLIER = 1.25
WEEK = 7


def render(figures: Figures) -> str:
    """The part of the page on operations; empty without figures."""
    return part("Operations", figures, {"month_of_nights": _nights})


def _nights(figures: Figures) -> str:
    nights = figures["nights"]
    # The first night takes in the history, and the next ones still find its old files too young to go.
    early, late = nights[2 : 2 + WEEK], nights[-WEEK:]
    grown = [
        {name: after[name] - before[name] for name in ("lake_bytes", "dagster_bytes")}
        for before, after in itertools.pairwise(nights)
    ]
    early_grown, late_grown = grown[2 : 2 + WEEK], grown[-WEEK:]
    rows = [
        [
            f"{night['night']}",
            shown_time(night["seconds"]),
            shown_time(night["cpu_seconds"]),
            shown_memory(night["lake_bytes"]),
            f"{night['parquet_files']:,}",
            shown_memory(night["dagster_bytes"]),
        ]
        for night in nights
        if night["night"] in (1, 2, 3) or night["night"] % 3 == 0
    ]
    promises = [
        at_most(
            "time of a night on a core, median of the last week by that of nights 3 to 9",
            MOST_TIMES_EARLIER,
            typical(late, "cpu_seconds") / typical(early, "cpu_seconds"),
            shown_times,
        ),
        at_most(
            "what a night adds to the event log, likewise",
            MOST_TIMES_EARLIER,
            typical(late_grown, "dagster_bytes") / typical(early_grown, "dagster_bytes"),
            shown_times,
        ),
        at_most(
            "the lake per day of history, last night by night 9",
            MOST_TIMES_EARLIER,
            _per_day(figures, nights[-1]) / _per_day(figures, nights[8]),
            shown_times,
        ),
    ]
    return f"""\
### A month of nights

{provenance(figures)}

{figures["users"]:,} simulated users, {figures["days_before"]} days of history on the first night and one day more on each of the
{len(nights)}. A night is what the sensors and the schedules do: the new file is taken in and its days are computed, then the job
`nightly` makes the last two days and everything that follows, the standing checks are asked, alerts are told. Every
night is a process of its own that is told a date one day later, so that what was superseded grows old and is deleted. Time
is without Python's start and imports. Runs of more than 30 days ago go with their events, so that from then on the event log keeps its size.

{table(["night", "time", "on a core", "lake", "Parquet files", "Dagster's storage"], rows)}
{table(HEAD, promises)}"""


def _per_day(figures: Figures, night: Figures) -> float:
    return float(night["lake_bytes"] / (figures["days_before"] + night["night"] - 1))
