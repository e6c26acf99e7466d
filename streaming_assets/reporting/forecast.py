"""Pictures and sentences on the audience of the next 24 hours, and on how far to trust them."""

from typing import Any

import ibis
import pandas as pd
from ibis import _

from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.drawing import BLUE, FAINT, GREY, INK, VERMILION

_NOMINAL = 0.80
_NAIVES = ("naive_24", "naive_168")
_WEEKS = (1, 2, 3, 4)


def next_hours(viewer_forecast: ibis.Table) -> ibis.Table:
    """Its 24 rows."""
    return viewer_forecast.order_by("hour_at")


def candidates(forecast_summary: ibis.Table) -> ibis.Table:
    """Its row per candidate, the lowest MASE first."""
    return forecast_summary.order_by(_.mase.isnull(), "mase", ibis.desc("is_champion"), "model")


def hours_of_the_day(forecast_coverage: ibis.Table) -> ibis.Table:
    """Its at most 24 rows."""
    return forecast_coverage.filter(_.coverage_80.notnull()).order_by("local_hour")


def next_days(daily_plays_forecast: ibis.Table) -> ibis.Table:
    """Its 7 rows."""
    return daily_plays_forecast.order_by("date")


def draw_forecast(hours: pd.DataFrame) -> bytes:
    """Expected users with both intervals, and thin the same hours of the four weeks before, the older the fainter."""
    hours = hours.sort_values("hour_at", ignore_index=True)
    figure = drawing.new_figure(4.4)
    axes = figure.subplots()
    drawing.plain(axes, "Active users, the next 24 hours", "hour of the local clock", "users")
    for week in _WEEKS:
        label = "1 to 4 weeks before" if week == 1 else None
        axes.plot(
            hours.index, hours[f"week_before_{week}"].astype(float),
            color=GREY, linewidth=1, alpha=1 - 0.2 * week, marker=".", markersize=3, label=label,
        )  # fmt: skip
    for level, alpha in ((95, 0.14), (80, 0.26)):
        low, high = (hours[f"{end}{level}"].astype(float) for end in ("lo", "hi"))
        axes.fill_between(hours.index, low, high, color=BLUE, alpha=alpha, linewidth=0, label=f"{level} %")
    marker = "o" if len(hours) < 2 else ""
    axes.plot(hours.index, hours.expected, color=BLUE, linewidth=2.2, marker=marker, label="expected")
    peak = hours[hours.is_peak.astype(bool)]
    axes.scatter(peak.index, peak.expected, s=45, color=VERMILION, zorder=3, label="peak")
    axes.set_xticks(hours.index, clock_labels(hours))
    axes.set_xlim(-0.5, len(hours) - 0.5)
    axes.set_ylim(0)
    drawing.counts(axes.yaxis)
    drawing.legend(axes)
    return drawing.png(figure)


def draw_coverage(hours: pd.DataFrame) -> bytes:
    """Share of past values within the 80 % interval by hour; the band holds 95 of 100 hours where 80 % is true."""
    from scipy.stats import binom

    hours = hours.sort_values("local_hour")
    figure = drawing.new_figure(3.4)
    axes = figure.subplots()
    drawing.plain(
        axes, "Hours that came within the 80 % interval", "hour of the local clock, and hours judged", "share"
    )
    low, high = (binom.ppf(tail, hours.n, _NOMINAL) / hours.n for tail in (0.025, 0.975))
    axes.fill_between(
        hours.local_hour, low, high, color=FAINT, alpha=0.7, linewidth=0, step="mid", label="chance, if 80 % is true"
    )
    axes.axhline(_NOMINAL, color=INK, linewidth=1, linestyle="--", label="80 %")
    axes.scatter(hours.local_hour, hours.coverage_80, s=36, color=BLUE, zorder=3, label="observed")
    axes.set_xticks(hours.local_hour, [f"{row.local_hour}\n{row.n}" for row in hours.itertuples()])
    axes.set_xlim(-0.7, 23.7)
    axes.set_ylim(0, 1.03)
    drawing.percents(axes.yaxis)
    drawing.legend(axes)
    return drawing.png(figure)


def tell_peak(hours: pd.DataFrame) -> str:
    """When most users are expected, how many, and between which bounds."""
    (peak,) = hours[hours.is_peak.astype(bool)].itertuples()
    sentence = (
        f"**Peak: {words.number(peak.expected, 0)} active users** are expected in the hour from {peak.local_hour:02d}:00 on "
        f"{peak.date:%A}, {peak.date.day} {peak.date:%B %Y}"
    )
    interval = (
        "; there are too few earlier forecasts for an interval."
        if pd.isna(peak.lo80)
        else f" (80 % interval {_range(peak)})."
    )
    issued = f" By {words.text(peak.model)}, from what was known at {peak.issued_at:%Y-%m-%d %H:%M} UTC."
    little = " The history is short of the 84 days of a full backtest: take it with care." if peak.low_history else ""
    return f"{sentence}{interval}{issued}{little}"


def tell_backtest(summary: pd.DataFrame) -> str:
    """A table of the candidates that were tried, the lowest MASE first, the champion in bold; below it why, and the best naive."""
    in_order = summary.sort_values(["mase", "is_champion", "model"], ascending=[True, False, True])
    tried = in_order[in_order.n_origins > 0]
    rows = words.table(
        ("candidate", "MASE", "WAPE", "bias", "within 80 %", "within 95 %", "width of 80 %", "pinball", "origins"),
        [_candidate(row) for row in tried.itertuples()],
    )
    return "\n\n".join(([] if tried.empty else [rows]) + [_verdict(in_order) + _best_naive(tried)])


def tell_week(days: pd.DataFrame) -> str:
    """A table of the next days' plays."""
    rows = words.table(
        ("day", "plays expected", "80 % interval"),
        [
            (
                f"{day.date:%a} {day.date.day} {day.date:%b}",
                words.number(day.expected_plays, 0),
                "–" if pd.isna(day.lo80) else _range(day),
            )
            for day in days.sort_values("date").itertuples()
        ],
    )
    little = "\n\nThe history is shorter than 84 days: take it with care." if days.low_history.any() else ""
    return f"{rows}{little}"


def clock_labels(hours: pd.DataFrame) -> list[str]:
    """The hour of each, and the date below the first of a day; a single hour before the next day has no room for it."""
    starts = hours.date != hours.date.shift()
    has_room = hours.date == hours.date.shift(-1, fill_value=hours.date.iloc[-1])
    return [
        f"{hour:02d}" + (f"\n{date:%a} {date.day} {date:%b}" if dated else "")
        for hour, date, dated in zip(hours.local_hour, hours.date, starts & has_room, strict=True)
    ]


def _range(row: Any) -> str:
    return f"{words.number(row.lo80, 0)} to {words.number(row.hi80, 0)}"


def _candidate(row: Any) -> tuple[str, ...]:
    name = words.text(row.model) + (" (reference)" if row.is_reference else "")
    return (
        f"**{name}**" if row.is_champion else name,
        words.number(row.mase, 3),
        words.percent(row.wape),
        words.percent(row.bias).replace("-", "−"),
        words.percent(row.coverage_80),
        words.percent(row.coverage_95),
        words.number(row.width_80),
        words.number(row.pinball, 2),
        words.whole(row.n_origins),
    )


def _verdict(summary: pd.DataFrame) -> str:
    """On the champion; without one all rows have the same reason."""
    champion = summary[summary.is_champion.astype(bool)]
    if champion.empty:
        return words.text(summary.reason.iloc[0])
    return f"Champion **{words.text(champion.model.iloc[0])}**. {words.text(champion.reason.iloc[0])}"


def _best_naive(summary: pd.DataFrame) -> str:
    naive = summary[summary.model.isin(_NAIVES) & summary.mase.notna()]
    return "" if naive.empty else f" Best naive: {words.text(naive.model.iloc[0])}, MASE {naive.mase.iloc[0]:.3f}."
