"""Pictures and sentences on how far the models of churn can be trusted."""

from typing import Any

import ibis
import pandas as pd
from ibis import _

from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.churn.marks import limits
from streaming_assets.reporting.drawing import BLUE, GREY

CANDIDATES = {
    "base_rate": "base rate",
    "recency_only": "recency only",
    "bg_nbd": "BG/NBD",
    "logistic_regression": "logistic regression",
    "hist_gradient_boosting": "gradient boosting",
    "random_forest": "random forest",
}
"""What kinds of models are called in texts."""

_SLICES_PER_DIMENSION = 12


def whole(table: ibis.Table) -> ibis.Table:
    """The table as it is: it has a few rows."""
    return table


def tenths(churn_reliability: ibis.Table) -> ibis.Table:
    """Its rows with a rate: ten at most."""
    return churn_reliability.filter(_.observed_rate.notnull(), _.lift.notnull())


def held_out(churn_candidates: ibis.Table) -> ibis.Table:
    """Candidates on the test cutoffs, which no choice was made on."""
    return churn_candidates.filter(_.fold == "test", _.log_loss.notnull())


def largest_slices(churn_slices: ibis.Table) -> ibis.Table:
    """Slices that have figures, the 12 largest of each dimension."""
    known = churn_slices.filter(_.log_loss.notnull(), _.mean_probability.notnull())
    by_size = ibis.window(group_by="dimension", order_by=[ibis.desc("n"), "slice"])
    return known.mutate(place=ibis.row_number().over(by_size)).filter(_.place < _SLICES_PER_DIMENSION).drop("place")


def judged_cutoffs(realised_performance: ibis.Table) -> ibis.Table:
    """The latest year of cutoffs that came to be known."""
    known = realised_performance.filter(_.log_loss.notnull(), _.base_rate_log_loss.notnull())
    return known.order_by(ibis.desc("cutoff")).limit(366)


def draw_reliability(bins: pd.DataFrame) -> bytes:
    """Observed rate against the mean probability, a dot per tenth with its 95 % interval, larger where it is of more."""
    figure = drawing.new_figure(4.8)
    drawing.headed(figure, "Share of held-out users who left, against the probability that was said")
    axes = figure.subplots()
    drawing.plain(axes, x="mean probability that was said", y="share who left")
    top = 1.08 * max(bins.rate_high.fillna(bins.observed_rate).max(), bins.mean_probability.max()) or 1.0
    axes.plot([0, top], [0, top], color=GREY, linewidth=1.2, linestyle="--", label="as said")
    axes.vlines(
        bins.mean_probability, bins.rate_low.astype(float), bins.rate_high.astype(float), color=BLUE, linewidth=1.6
    )
    axes.scatter(
        bins.mean_probability, bins.observed_rate, s=30 + 60 * bins.n / bins.n.max(), color=BLUE, zorder=3,
        clip_on=False, label=f"a tenth of them ({_sizes(bins.n)}), with 95 % interval",
    )  # fmt: skip
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    drawing.percents(axes.xaxis)
    drawing.percents(axes.yaxis)
    axes.tick_params(axis="x", pad=6)  # both axes begin with 0 %
    drawing.legend(axes)
    return drawing.png(figure)


def draw_lift(bins: pd.DataFrame) -> bytes:
    """A bar per tenth, the riskiest on top: how many times the average share of it left."""
    bins = bins.sort_values("bin")
    figure = drawing.new_figure(4.2)
    drawing.headed(figure, "Lift: share who left by tenth of risk, against the average of all held-out users (1×)")
    axes = figure.subplots()
    drawing.plain(axes)
    drawing.bars(
        axes,
        [_tenth(number) for number in bins.bin],
        bins.lift.tolist(),
        [f"{row.lift:.2f}×  ({words.percent(row.observed_rate)} of {row.n:,} left)" for row in bins.itertuples()],
    )
    axes.set_xlim(0, max(bins.lift.max(), 1.05))
    limits(axes, 1)
    return drawing.png(figure)


def draw_realised(cutoffs: pd.DataFrame) -> bytes:
    """Log loss of the scores as they were given, by cutoff, beside that of knowing the share of leavers alone."""
    cutoffs = cutoffs.sort_values("cutoff")
    figure = drawing.new_figure(3.8)
    drawing.headed(figure, "Log loss of the scores given, now that the 28 days are over (lower is better)")
    axes = figure.subplots()
    drawing.plain(axes, x="cutoff", y="log loss")
    dots: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.8}
    axes.plot(cutoffs.cutoff, cutoffs.base_rate_log_loss, color=GREY, linestyle="--", label="share of leavers", **dots)
    axes.plot(cutoffs.cutoff, cutoffs.log_loss, color=BLUE, label="scores", **dots)
    axes.set_ylim(0, 1.15 * cutoffs[["log_loss", "base_rate_log_loss"]].max(axis=None) or 1.0)
    drawing.dates(axes, [pd.Timestamp(day) for day in cutoffs.cutoff])
    drawing.legend(axes)
    return drawing.png(figure)


def tell_candidates(candidates: pd.DataFrame) -> str:
    """What the candidate that was put forward is worth, and a table of all, the best log loss first."""
    candidates = candidates.sort_values(["log_loss", "candidate"])
    challenger = candidates[candidates.is_challenger.astype(bool)]
    table = words.table(
        (
            "candidate", "log loss", "gain over recency only (90 % interval)", "AUC", "PR-AUC (prevalence)", "ECE (limit)",
            "left of the riskiest",
        ),
        [
            (
                f"**{CANDIDATES[row.candidate]}** (challenger)" if row.is_challenger else CANDIDATES[row.candidate],
                words.number(row.log_loss, 4),
                _gain(row),
                words.number(row.auc, 3),
                f"{words.number(row.pr_auc, 3)} ({words.number(row.prevalence, 3)})",
                f"{words.number(row.ece, 3)} ({words.number(row.ece_limit, 3)})",
                f"{words.percent(row.precision_at_capacity)} of {row.capacity:,}",
            )
            for row in candidates.itertuples()
        ],
    )  # fmt: skip
    return "\n\n".join([*(_worth(row) for row in challenger.itertuples()), table])


def tell_card(champion: pd.DataFrame) -> str:
    """The card of the model that scores, or why there is none."""
    return str(champion.card.iloc[0])


def tell_slices(slices: pd.DataFrame) -> str:
    """Where what was said and what came lie farthest apart, and a table of all slices."""
    slices = slices.assign(gap=slices.mean_probability - slices.prevalence)
    slices = slices.sort_values(["dimension", "n", "slice"], ascending=[True, False, True])
    widest = slices.loc[slices.gap.abs().idxmax()]
    return (
        f"The widest gap between what was said and what came: {_slice(widest)}, {words.percent(widest.mean_probability)} "
        f"said and {words.percent(widest.prevalence)} left ({words.whole(widest.n)} users × cutoffs).\n\n"
    ) + words.table(
        ("slice", "users × cutoffs", "said", "left", "said − left, points", "log loss", "AUC", "ECE"),
        [
            (
                _slice(row),
                words.whole(row.n),
                words.percent(row.mean_probability),
                words.percent(row.prevalence),
                words.points(row.gap),
                words.number(row.log_loss, 4),
                words.number(row.auc, 3),
                words.number(row.ece, 3),
            )
            for row in slices.itertuples()
        ],
    )


def _worth(row: Any) -> str:
    """The figures of a candidate in words."""
    name = CANDIDATES[row.candidate]
    return (
        f"**{name[0].upper()}{name[1:]} is put forward.** {_against_recency(row)} Of {row.n:,} held-out users × cutoffs "
        f"{words.percent(row.prevalence)} left; of the {row.capacity:,} that it takes for the riskiest, "
        f"{words.percent(row.precision_at_capacity)}. Its probabilities are off by {_in_points(row.ece)} points on average "
        f"(ECE); were they exactly right, chance alone would give up to {_in_points(row.ece_limit)}."
    )


def _against_recency(row: Any) -> str:
    if row.candidate == "recency_only":
        return "No other is shown to be better than knowing how long ago a user played."
    if pd.isna(row.gain_low):
        return "It could not be compared with recency alone."
    if row.gain_low > 0:
        return f"Its log loss is {words.percent(row.gain)} lower than that of recency alone (90 % interval {_interval(row)})."
    return (
        f"It is not shown to be better than recency alone: its gain in log loss is {words.points(row.gain)} % "
        f"(90 % interval {_interval(row)})."
    )


def _gain(row: Any) -> str:
    if pd.isna(row.gain_low) or row.candidate == "recency_only":
        return "–"
    return f"{words.points(row.gain)} % ({_interval(row)})"


def _interval(row: Any) -> str:
    return f"{words.points(row.gain_low)} to {words.points(row.gain_high)} %"


def _slice(row: Any) -> str:
    return f"{words.text(row.dimension)}: {words.text(row.slice)}"


def _tenth(number: int) -> str:
    return {1: "riskiest tenth", 10: "safest tenth"}.get(number, f"tenth {number}")


def _sizes(counts: pd.Series) -> str:
    least, most = drawing.short(counts.min()), drawing.short(counts.max())
    return f"{least} users × cutoffs" if least == most else f"{least} to {most} users × cutoffs"


def _in_points(share: float) -> str:
    return words.number(100 * share)
