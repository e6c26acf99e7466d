"""What the page of benchmarks says of the models, rendered from the figures of the last run."""

from collections.abc import Iterable, Mapping

from benchmarks import churn_features, churn_planted_page
from benchmarks.page import Figures, part, provenance, shown_memory, shown_time, shown_times, table
from benchmarks.promises import HEAD, at_most, listed, number, percent, promise, span, within

MOST_TIMES_SCAN = 10.0
MOST_SECONDS_TRAINING, MOST_SECONDS_SCORING, MOST_SECONDS_BACKTEST = 180.0, 20.0, 15.0
COVERED_80, COVERED_95 = (0.72, 0.88), (0.90, 0.99)


def render(figures: Figures) -> str:
    """The part of the page on models, with a section for each benchmark that has figures; empty without any."""
    return part(
        "Models",
        figures,
        {
            "churn_features": _features,
            "churn_training": _training,
            "churn_scoring": _scoring,
            "churn_planted": churn_planted_page.section,
            "forecast_backtest": _backtest,
        },
    )


def _features(figures: Figures) -> str:
    rows = [
        [text, *(shown_time(figures[name][of]) for of in ("wall", "cpu"))]
        for name, text in (
            ("scan", "all columns of core/user_daily, added up by user"),
            ("together", f"features of {figures['cutoffs']} cutoffs, made together"),
            ("to_score", "features of the one cutoff at which users are scored"),
        )
    ]
    promises = [
        at_most(
            f"features of {figures['cutoffs']} cutoffs by the scan, wall time",
            MOST_TIMES_SCAN,
            figures["ratio"],
            shown_times,
        ),
        at_most("the same, time on a core", MOST_TIMES_SCAN, figures["cpu_ratio"], shown_times),
    ]
    return f"""\
### Features of {figures["users"]:,} users at {figures["cutoffs"]} weekly cutoffs

{provenance(figures)}

Generated tables of {figures["days"]} days, a Parquet file per day as in the lake: {_counted(figures["rows"])}. Each is done
once before it is measured; medians of {figures["rounds"]}, in turn. DuckDB has {churn_features.THREADS} threads and a memory limit of {churn_features.MEMORY_LIMIT}. {_load(figures)}

{table(["", "wall time", "time on a core"], rows)}
{table(HEAD, promises)}"""


def _training(figures: Figures) -> str:
    rows = [
        [_name(name, figures["champion"]), f"{loss:.4f}", f"{figures['auc'][name]:.3f}"]
        for name, loss in figures["log_loss"].items()
    ]
    promises = [at_most("training", MOST_SECONDS_TRAINING, figures["seconds"], shown_time)]
    return f"""\
### Training on {figures["users"]:,} users at {figures["snapshots"]} cutoffs

{provenance(figures)}

Drawn snapshots in which every family of features matters, {figures["rows"]:,} rows. Every candidate is fitted, calibrated
and judged, all are compared over 200 bootstrap samples of users, the guards are fitted, and the champion's recipe is fitted
again to all cutoffs. Time on a core {shown_time(figures["cpu_seconds"])}; peak memory {shown_memory(figures["peak_bytes"])}, with drawing the
snapshots. {_load(figures)}

{table(["candidate", "log loss on the test cutoffs", "AUC"], rows)}
{table(HEAD, promises)}"""


def _scoring(figures: Figures) -> str:
    seconds = figures["seconds"]
    rows = [
        [_name(name, figures["champion"]), shown_time(took), shown_time(figures["cpu_seconds"][name])]
        for name, took in seconds.items()
    ]
    promises = [
        at_most("scores by the champion", MOST_SECONDS_SCORING, seconds[figures["champion"]], shown_time),
        at_most("by whichever candidate is champion", MOST_SECONDS_SCORING, max(seconds.values()), shown_time),
    ]
    return f"""\
### Scores of {figures["users"]:,} active users, with drivers and remedies

{provenance(figures)}

Exact Shapley values of {figures["families"]} families in {2 ** figures["families"]} coalitions over {figures["features"]} features, from the snapshots to the rows of
models/churn_scores. Trained on {figures["trained_users"]:,} users at {figures["snapshots"]} cutoffs; the other candidates are fitted to the same rows and stand in
the champion's place. {_load(figures)}

{table(["candidate", "wall time", "time on a core"], rows)}
{table(HEAD, promises)}"""


def _backtest(figures: Figures) -> str:
    series = figures["series"]
    beaten = [*figures["naives"], figures["reference"]]
    champions = [one["candidates"][one["champion"]] for one in series]
    promises = [
        at_most(
            "a backtest, time on a core", MOST_SECONDS_BACKTEST, max(one["cpu_seconds"] for one in series), shown_time
        ),
        promise(
            f"MASE of the champion by the best of {listed(beaten)}",
            f"at most {number(1)}",
            span((_by_best(one, beaten) for one in series), number),
            all(_by_best(one, beaten) <= 1 for one in series),
        ),
        within("80 % intervals of the champion hold", COVERED_80, (one["coverage_80"] for one in champions), percent),
        within("95 % intervals of the champion hold", COVERED_95, (one["coverage_95"] for one in champions), percent),
    ]
    rows = [
        [
            f"{one['level']:,}" if place == 0 else "",
            _name(name, one["champion"]),
            f"{one['candidates'][name]['mase']:.3f}",
            *(percent(one["candidates"][name][figure]) for figure in ("wape", "coverage_80", "coverage_95")),
        ]
        for one in series
        for place, name in enumerate(dict.fromkeys([one["champion"], *beaten]))
    ]
    return f"""\
### Backtest of the audience forecast, {figures["days"]} days

{provenance(figures)}

Simulated audiences of some {listed(f"{one['level']:,}" for one in series)} users in an hour, with a rhythm of the day and of the week, a trend, a
level that wanders, and noise; all candidates over {2 * series[0]["origins"]} daily origins, judged on the last {series[0]["origins"]}. A backtest takes {listed(shown_time(one["seconds"]) for one in series)}. {_load(figures)}

{table(HEAD, promises)}
{table(["users in an hour", "candidate", "MASE", "Σ error / Σ users", "within 80 %", "within 95 %"], rows)}"""


def _by_best(one: Figures, beaten: Iterable[str]) -> float:
    candidates = one["candidates"]
    return float(candidates[one["champion"]]["mase"] / min(candidates[name]["mase"] for name in beaten))


def _name(candidate: str, champion: str) -> str:
    return f"{candidate}, champion" if candidate == champion else candidate


def _load(figures: Figures) -> str:
    return f"In the minute before, {figures['load_before']:.1f} other processes wanted a core."


def _counted(rows: Mapping[str, int]) -> str:
    return listed(f"core/{name} {count / 1e6:,.1f} M rows" for name, count in rows.items())
