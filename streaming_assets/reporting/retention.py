"""Pictures and sentences on who comes back, and for how long."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.drawing import BLUE, INK, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COHORTS = 16
_MOST_WEEKS = 26
_TOLD_DAYS = (1, 7, 30)
_HATCHED = {**drawing.UNFINISHED, "edgecolor": "#777777"}


def overall(retention: ibis.Table) -> ibis.Table:
    """The rows on all users of which a rate is known."""
    return retention.filter(_.breakdown == "overall", _.rate.notnull())


def overall_exact(retention: ibis.Table) -> ibis.Table:
    """D1, D7 and D30 of all users, as far as they are known."""
    return overall(retention).filter(_.mode == "exact", _.n.isin(_TOLD_DAYS))


def latest_weekly_cohorts(cohort_retention: ibis.Table) -> ibis.Table:
    """The latest 16 cohorts by week and the pooled row, up to 26 weeks after D0."""
    weeks = cohort_retention.filter(_.cohort_period == "week", _.n <= _MOST_WEEKS, _.rate.notnull())
    latest = weeks.filter(_.cohort != "all").select("cohort").distinct().order_by(ibis.desc("cohort")).limit(_COHORTS)
    return weeks.filter(_.cohort == "all").union(weeks.semi_join(latest, "cohort"))


def days_of_life(survival: ibis.Table) -> ibis.Table:
    """All its rows: it has one per day of the longest life."""
    return survival.filter(_.survival.notnull())


def draw_curves(rates: pd.DataFrame) -> bytes:
    """Exact and rolling retention by days after D0, with 95 % intervals; hollow where not every user is eligible."""
    from matplotlib.lines import Line2D

    figure = drawing.new_figure(4.2)
    axes = figure.subplots()
    drawing.plain(
        axes, "Users who come back, with 95 % intervals", "days after D0 (log scale), and users eligible", "rate"
    )
    handles = []
    for mode, colour, marker, label in (
        ("rolling", BLUE, "s", "on that day or later (rolling)"),
        ("exact", VERMILION, "o", "on that day (exact)"),
    ):
        curve = rates[rates["mode"] == mode].sort_values("n")
        axes.plot(curve.n, curve.rate, color=colour, linewidth=1.8)
        axes.fill_between(
            curve.n, curve.rate_low.astype(float), curve.rate_high.astype(float), color=colour, alpha=0.2, linewidth=0
        )
        for part, face in (
            (curve[curve.is_complete.astype(bool)], colour),
            (curve[~curve.is_complete.astype(bool)], "white"),
        ):
            axes.scatter(part.n, part.rate, s=30, marker=marker, facecolor=face, edgecolor=colour, zorder=3)
        handles.append(Line2D([], [], color=colour, marker=marker, label=label))
    eligible = rates.drop_duplicates("n").set_index("n").n_eligible.sort_index()
    axes.set_xscale("log")
    axes.set_xlim(eligible.index.min() * 0.88, eligible.index.max() * 1.14)
    axes.set_xticks(eligible.index, _with_numbers(eligible.index, eligible))
    axes.set_xticks([], minor=True)
    axes.set_ylim(0)
    drawing.percents(axes.yaxis)
    drawing.legend(axes, handles)
    return drawing.png(figure)


def draw_cohorts(cells: pd.DataFrame) -> bytes:
    """Retention in per cent by cohort and week, a shade and a number each; hatched where not all weeks are over."""
    from matplotlib.patches import Patch

    cohorts = sorted(cells.cohort.unique(), key=lambda cohort: (cohort != "all", cohort))
    sizes = cells.groupby("cohort")["size"].max()
    cells = cells.assign(row=cells.cohort.map(cohorts.index))
    # Nearly everybody plays in the week of D0: shades are for the weeks after it.
    brightest = cells.rate[cells.n > 0].max() or 1.0
    brightest = 1.0 if pd.isna(brightest) else brightest
    figure = drawing.new_figure(1.2 + 0.3 * len(cohorts))
    axes = figure.subplots()
    drawing.plain(axes, "Users of a week's cohort who play again, %", x="weeks after D0")
    grid = np.full((len(cohorts), int(cells.n.max()) + 1), np.nan)
    grid[cells.row, cells.n] = cells.rate
    axes.imshow(grid, cmap=drawing.SHADES, vmin=0, vmax=brightest, aspect="auto")
    _write_rates(axes, cells, brightest)
    axes.set_yticks(range(len(cohorts)), [f"{cohort} ({drawing.short(sizes[cohort])} users)" for cohort in cohorts])
    axes.set_xticks(range(grid.shape[1]))
    axes.grid(visible=False)
    if cohorts[0] == "all":
        axes.axhline(0.5, color="white", linewidth=4)
    drawing.legend(axes, [Patch(facecolor="#9aa0a8", label="the week is not over for all of them", **_HATCHED)])
    return drawing.png(figure)


def draw_survival(days: pd.DataFrame) -> bytes:
    """Kaplan–Meier curve with its 95 % band, and the number of users at risk under the axis."""
    from matplotlib.ticker import MaxNLocator

    days = days.sort_values("day")
    figure = drawing.new_figure(4.2)
    axes = figure.subplots()
    drawing.plain(
        axes,
        "Users still there, by days since the first play (95 % band)",
        "days since the first play, and users at risk",
        "share",
    )
    axes.step(days.day, days.survival, where="post", color=BLUE, linewidth=1.8, marker="o" if len(days) < 2 else "")
    axes.fill_between(
        days.day, days.survival_low.astype(float), days.survival_high.astype(float),
        step="post", color=BLUE, alpha=0.2, linewidth=0,
    )  # fmt: skip
    last = int(days.day.max())
    axes.set_xlim(0, last or 1)
    axes.set_ylim(0, 1.03)
    at_risk = days.set_index("day").n_at_risk
    ticks = at_risk.index.intersection(list(map(int, MaxNLocator(nbins=9, integer=True).tick_values(0, last))))
    axes.set_xticks(ticks, _with_numbers(ticks, at_risk[ticks]))
    drawing.percents(axes.yaxis)
    return drawing.png(figure)


def tell_retention(rates: pd.DataFrame) -> str:
    """D1, D7 and D30 with numerators, denominators and intervals, a line each."""
    return "\n".join(
        f"- **D{rate.n}: {words.percent(rate.rate)}** ({words.whole(rate.n_retained)} of {words.whole(rate.n_eligible)} users "
        f"played on day {rate.n} after D0; 95 % interval {words.percent_range(rate.rate_low, rate.rate_high)})"
        + ("" if rate.is_complete else "; for younger users it is not known yet")
        for rate in rates.sort_values("n").itertuples()
    )


def _with_numbers(ticks: Sequence[Any], numbers: Sequence[Any]) -> list[str]:
    return [f"{tick}\n{drawing.short(number)}" for tick, number in zip(ticks, numbers, strict=True)]


def _write_rates(axes: "Axes", cells: pd.DataFrame, brightest: float) -> None:
    from matplotlib.patches import Rectangle

    for cell in cells.itertuples():
        if not cell.is_complete:
            axes.add_patch(Rectangle((cell.n - 0.5, cell.row - 0.5), 1, 1, facecolor="white", **_HATCHED))
        dark_text = cell.rate > 0.6 * brightest or not cell.is_complete
        axes.text(
            cell.n, cell.row, f"{100 * cell.rate:.0f}",
            ha="center", va="center", fontsize=8, color=INK if dark_text else "white",
        )  # fmt: skip
