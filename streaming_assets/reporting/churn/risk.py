"""Pictures and sentences on who is likely to leave, what that goes with, and whether users are still those of the training."""

from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
from ibis import _

from streaming_assets.contracts.models.churn import NO_DRIVER, RISK_BANDS
from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.churn.marks import coloured, limits
from streaming_assets.reporting.drawing import BLUE, GREY, INK, ORANGE, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHURN_DAYS = 28
_SOME_DRIFT, _MUCH_DRIFT = 0.1, 0.25


def drivers(churn_summary: ibis.Table) -> ibis.Table:
    """Drivers that users at high and medium risk have."""
    return churn_summary.filter(_.breakdown == "driver", _.users > 0)


def risk_bands(churn_summary: ibis.Table) -> ibis.Table:
    """Risk bands with their expected leavers."""
    return churn_summary.filter(_.breakdown == "risk_band", _.expected_leavers.notnull())


def known_drift(feature_drift: ibis.Table) -> ibis.Table:
    """Features of which there is something to compare."""
    return feature_drift.filter(_.psi.notnull())


def known_returns(return_rate: ibis.Table) -> ibis.Table:
    """Numbers of idle days of which breaks are known."""
    return return_rate.filter(_.rate.notnull())


def draw_drivers(shares: pd.DataFrame) -> bytes:
    """A bar per driver with its share of the users at high and medium risk; grey where none stands out."""
    shares = shares.sort_values(["users", "value"], ascending=[False, True])
    figure = drawing.new_figure(1 + 0.42 * len(shares))
    drawing.headed(figure, "What high and medium risk is associated with most, by share of these users")
    axes = figure.subplots()
    drawing.plain(axes)
    drawing.bars(
        axes,
        [value.replace("_", " ") for value in shares.value],
        shares.share.fillna(0).tolist(),
        [f"{words.percent(row.share)}  ({row.users:,} users)" for row in shares.itertuples()],
    )
    coloured(axes, [GREY if value == NO_DRIVER else BLUE for value in shares.value])
    return drawing.png(figure)


def draw_bands(bands: pd.DataFrame) -> bytes:
    """A bar per risk band with the users who are expected to leave from it."""
    bands = bands.set_index("value").reindex([band for band in RISK_BANDS if band in set(bands.value)]).reset_index()
    figure = drawing.new_figure(1 + 0.42 * len(bands))
    drawing.headed(figure, "Users expected to leave within 28 days, by risk band")
    axes = figure.subplots()
    drawing.plain(axes)
    drawing.bars(
        axes,
        [f"{band} risk" for band in bands.value],
        bands.expected_leavers.tolist(),
        [
            f"{row.expected_leavers:,.0f} of {row.users:,} users  ({words.percent(row.mean_probability)})"
            for row in bands.itertuples()
        ],
    )
    coloured(axes, [{"high": VERMILION, "medium": ORANGE}.get(band, GREY) for band in bands.value])
    return drawing.png(figure)


def draw_drift(features: pd.DataFrame) -> bytes:
    """A bar per feature with its population stability index, the most shifted on top, and the two usual limits."""
    features = features.sort_values(["psi", "feature"], ascending=[False, True])
    figure = drawing.new_figure(1.3 + 0.26 * len(features))
    drawing.headed(figure, "Users now against those the model learnt from: PSI by feature (0.1 some shift, 0.25 much)")
    axes = figure.subplots()
    drawing.plain(axes)
    drawing.bars(
        axes,
        [feature.replace("_", " ") for feature in features.feature],
        features.psi.tolist(),
        [f"{row.psi:.2f}  ({row.family.replace('_', ' ')})" for row in features.itertuples()],
    )
    coloured(axes, [VERMILION if psi > _MUCH_DRIFT else ORANGE if psi > _SOME_DRIFT else BLUE for psi in features.psi])
    axes.set_xlim(0, max(features.psi.max(), 1.1 * _MUCH_DRIFT))
    limits(axes, _SOME_DRIFT, _MUCH_DRIFT)
    return drawing.png(figure)


def draw_return_rate(idle: pd.DataFrame) -> bytes:
    """Share of breaks that end with a play, by how long they have lasted, and what it is where the churn window ends."""
    idle = idle.sort_values("idle_days")
    figure = drawing.new_figure(4.2)
    axes = figure.subplots()
    drawing.plain(
        axes,
        "Breaks that ended with a play within 90 days of their start (95 % band)",
        "days that the break had lasted",
        "share",
    )
    axes.plot(idle.idle_days, idle.rate, color=BLUE, linewidth=1.8, marker="o" if len(idle) < 2 else "")
    axes.fill_between(
        idle.idle_days, idle.rate_low.astype(float), idle.rate_high.astype(float), color=BLUE, alpha=0.2, linewidth=0
    )
    axes.set_xlim(0, max(idle.idle_days.max(), _CHURN_DAYS) + 1)
    axes.set_ylim(0, 1.03)
    _mark_churn_window(axes, idle.rate[idle.idle_days == _CHURN_DAYS].tolist())
    drawing.percents(axes.yaxis)
    return drawing.png(figure)


def tell_reasons(reasons: pd.DataFrame) -> str:
    """How well stated reasons are foretold, and the driver that goes with each."""
    overall = reasons[reasons.reason == "all"]
    stated = reasons[(reasons.reason != "all") & (reasons.n > 0)].sort_values(["n", "reason"], ascending=[False, True])
    told = [_foretold(row) for row in overall.itertuples()]
    if len(stated):
        told.append(_table_of_reasons(stated))
    if stated.f1.isna().any():
        told.append("Reasons without figures are stated by too few users to be told apart.")
    return "\n\n".join(told)


def _foretold(overall: Any) -> str:
    if pd.isna(overall.f1):
        return f"**There is no model of reasons**: {words.text(overall.status)}."
    better = "beats" if overall.f1 > overall.baseline_f1 else "does not beat"
    return (
        f"**A random forest on the features {better} always saying the most frequent reason** "
        f"({words.text(overall.status)}; {overall.n:,} users, each judged by a forest that had not seen them)."
    )


def _table_of_reasons(stated: pd.DataFrame) -> str:
    return words.table(
        ("reason stated", "users", "precision", "recall", "F1", "usual driver"),
        [
            (
                words.text(row.reason),
                words.whole(row.n),
                words.percent(row.precision),
                words.percent(row.recall),
                words.number(row.f1, 2),
                "–" if pd.isna(row.usual_driver) else f"{words.text(row.usual_driver)} ({words.percent(row.usual_driver_share)})",
            )
            for row in stated.itertuples()
        ],
    )  # fmt: skip


def _mark_churn_window(axes: "Axes", rate: list[float]) -> None:
    axes.axvline(_CHURN_DAYS, color=INK, linewidth=1, linestyle=":")
    said = f"{_CHURN_DAYS} days" + "".join(f": {words.percent(share)} come back" for share in rate)
    # Above a curve that has fallen, below one that has not.
    height = 0.12 if max(rate, default=0) > 0.6 else 1
    axes.annotate(said, (_CHURN_DAYS, height), (5, -6), textcoords="offset points", va="top", fontsize=9, color=INK)
