"""What the page of benchmarks says of experiments, rendered from the figures of the last run."""

import datetime as dt
import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks import experiments_calibration, experiments_lastfm, experiments_speed, simulated
from benchmarks.page import Figures, part, provenance, shown_memory, shown_time, shown_times, table

Limits = tuple[float, float]

FALSE_ALARMS: Limits = (0.03, 0.07)
SEQUENCE: Limits = (0.0, 0.05)
SAMPLE_RATIO: Limits = (0.0, 0.003)
ROLLBACK: Limits = (0.0, 0.05)
CALIBRATED: Limits = (0.95, 1.0)
COVERED: Limits = (0.93, 0.97)
MOST_TIMES_RESULTS, MOST_TIMES_DAILY = 3.0, 25.0

_HEAD = ["promise", "limit", "measured", ""]


def render(figures: Figures) -> str:
    """The part of the page on experiments, with a section for each benchmark that has figures; empty without any."""
    return part(
        "Experiments",
        figures,
        {"experiments_calibration": _calibration, "experiments_speed": _speed, "experiments_lastfm": _lastfm},
    )


def _calibration(figures: Figures) -> str:
    primary = experiments_calibration.EXPERIMENT.primary
    rows = [
        [metric, *(_cell(figures[kind].get(metric), limits) for kind, limits in _ALARMS.items())]
        for metric in figures["fixed"]
    ]
    fixed, cuped = figures["covered"]["fixed"], figures["covered"]["cuped"]
    planted = [
        [f"{metric} × {float(factor):.2f}", _cell(share, COVERED), _cell(cuped[factor][metric], COVERED)]
        for factor, of_factor in fixed.items()
        for metric, share in of_factor.items()
    ]
    promises = [
        _promise(
            "false alarms of every metric's fixed test at the end, α = 0.05", FALSE_ALARMS, figures["fixed"].values()
        ),
        _promise("the same with CUPED", FALSE_ALARMS, figures["cuped"].values()),
        _promise(
            f"confidence sequence of {primary}, looked at every day, ever excludes 0",
            SEQUENCE,
            [figures["sequence"][primary]],
        ),
        _promise("alarm of the sample ratio, p < 0.001", SAMPLE_RATIO, [figures["sample_ratio"]]),
        _promise("false `ROLLBACK` at the end, analysis fixed", ROLLBACK, [figures["rollback_at_end"]]),
        _promise("false `ROLLBACK` on any day, analysis sequential", ROLLBACK, [figures["rollback_on_any_day"]]),
        _promise("kind aa looks calibrated", CALIBRATED, [figures["is_calibrated"]]),
        _promise("95 % intervals of the lift hold what was planted", COVERED, _all(fixed)),
        _promise("the same with CUPED", COVERED, _all(cuped)),
    ]
    return f"""\
### {figures["salts"]:,} A/A assignments

{provenance(figures)}

{figures["users"]:,} simulated users to whom nothing was done, of whom {figures["units"]:,} played in the {figures["days"]} days of the experiment;
{figures["salts"]:,} salts assign them to two equal arms, each anew. Every share below is one of the salts, and every assignment, sum, test
and verdict is made by the pipeline's own functions. The primary metric is {primary}; {_listed(experiments_calibration.EXPERIMENT.guardrails)}
are guardrails. Verdicts are taken without the health checks, which come first and would only hide a false alarm.

{table(_HEAD, promises)}
False alarms at α = 0.05. The fixed test may be read once, at the end: whoever looks every day and stops at the first alarm
gets the last column.

{table(["metric", "fixed", "CUPED", "sequence, any day", "fixed, any day"], rows)}
A t-test over the {figures["sessions"]:,} sessions, as if they and not users had been assigned, calls the mean session duration
different in {_percent(figures["by_sessions"])} of the assignments; {primary} over users, on the same data, in {_percent(figures["fixed"][primary])}.

An imbalance before exposure was found in {_percent(figures["imbalance"])} of the assignments (p < 0.001).

Share of 95 % intervals of the lift that hold what was planted: so many times the treated units' minutes of sessions,
sessions, plays or hours.

{table(["planted", "fixed", "CUPED"], planted)}"""


_ALARMS: dict[str, Limits] = {"fixed": FALSE_ALARMS, "cuped": FALSE_ALARMS, "sequence": SEQUENCE, "peeked": (0.0, 1.0)}


def _speed(figures: Figures) -> str:
    sides = {"results": figures["results"], "daily results": figures["daily_results"]}
    rows = [
        [
            name,
            *(f"{statistics.median(side[of]):.2f} s" for of in ("by_hand", "ours", "engine")),
            f"{side['rows']:,} rows",
        ]
        for name, side in sides.items()
    ]
    promises = [
        [text, f"at most {shown_times(most)}", shown_times(found), _kept(found <= most)]
        for text, most, found in (
            ("results by one GROUP BY", MOST_TIMES_RESULTS, experiments_speed.ratio(sides["results"])),
            (
                f"results of all {figures['days']} days by one GROUP BY",
                MOST_TIMES_DAILY,
                experiments_speed.ratio(sides["daily results"]),
            ),
        )
    ]
    return f"""\
### Results of {figures["units"]:,} units

{provenance(figures)}

Generated tables as experiments/unit_metrics ({figures["units"]:,} rows) and experiments/unit_days ({figures["unit_days"]:,} rows
over {figures["days"]} days), in Parquet. By hand: average and variance of {figures["columns"]} columns by variant over the one, the sums of
{figures["daily_columns"]} columns by variant and day over the other. Ours: every metric by every method and segment, and every metric on
every day, from the files to the rows of the table; {figures["dimensions"]} columns make the segments. One DuckDB process for both, two threads, memory
limit 4 GB; medians of {len(sides["results"]["ours"])}, in turn.

{table(["", "by hand", "ours", "of it in the engine", "largest frame in pandas"], rows)}
{table(_HEAD, promises)}"""


def _lastfm(figures: Figures) -> str:
    stages = [[found["name"], shown_time(found["seconds"])] for found in figures["stages"]]
    rest = figures["seconds"] - sum(found["seconds"] for found in figures["stages"])
    last_day = simulated.FIRST_DAY + dt.timedelta(days=figures["days"] - 1)
    return f"""\
### A third party's experiment on the Last.fm log

{provenance(figures)}

`streaming-assets run --groups experiments` on the core tables of the log above ({figures["users"]:,} users, {figures["days"]:,} days), with the one
experiment that another project defined for the real log, {experiments_lastfm.START} to {experiments_lastfm.END}: {shown_time(figures["seconds"])}, peak memory {shown_memory(figures["peak_bytes"])}.
Nobody was treated in the simulated one, which ends on {last_day}, so that it is of kind aa. What `streaming-assets experiment` says of it:

```
{figures["decision"].rstrip()}
```

{table(["stage", "time"], [*stages, ["start, imports, what is due, summary", shown_time(rest)]])}"""


def _promise(text: str, limits: Limits, measured: Iterable[float]) -> list[str]:
    found = list(measured)
    return [text, _limit(limits), _range(found), _kept(all(_is_within(share, limits) for share in found))]


def _limit(limits: Limits) -> str:
    low, high = limits
    if low == 0:
        return f"at most {_percent(high)}"
    return f"at least {_percent(low)}" if high == 1 else f"{100 * low:.1f}–{_percent(high)}"


def _range(shares: Sequence[float]) -> str:
    low, high = min(shares), max(shares)
    return _percent(high) if low == high else f"{100 * low:.1f}–{_percent(high)}"


def _cell(share: float | None, limits: Limits) -> str:
    if share is None:
        return ""
    return _percent(share) if _is_within(share, limits) else f"**{_percent(share)}**"


def _is_within(share: float, limits: Limits) -> bool:
    return limits[0] <= share <= limits[1]


def _kept(is_kept: bool) -> str:
    return "kept" if is_kept else "**broken**"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _all(by_factor: dict[str, dict[str, float]]) -> Iterator[float]:
    return (share for of_factor in by_factor.values() for share in of_factor.values())


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}"
