"""A decision as a person reads it: on the terminal, and as a page with pictures in the UI."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streaming_assets.experiments.metrics import METRICS
from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.drawing import BLUE, FAINT, GREY, INK, ORANGE, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]

VERDICTS = {
    "INVALID": "the data cannot be trusted",
    "CALIBRATION": "nothing was changed, on purpose",
    "ROLLBACK": "take it back",
    "SHIP": "give it to everybody",
    "KEEP_RUNNING": "wait",
    "DONT_SHIP": "it is not worth it",
    "REVIEW": "a person has to decide",
}
_METHODS = {"fixed": "Fixed test", "cuped": "With CUPED", "sequential": "Confidence sequence"}
_COLUMNS = ("role", "control", "variant", "lift", "interval", "p", "corrected p")
_ROLE_COLOURS = {"primary": BLUE, "guardrail": VERMILION, "secondary": ORANGE, "other": GREY}
_AMOUNTS = {"sessions": "sessions", "watch_hours": "hours watched", "value": "in value"}
_ROLES = tuple(_ROLE_COLOURS)
_WIDEST_LIFT = 1.0
"""Lifts beyond ± 100 % leave the picture, and an arrow says so; the table has them."""
_NARROWEST_LIFT = 0.01
_LATEST_DAYS = 7


@dataclass(frozen=True)
class Page:
    """An experiment's rows of the tables of the group experiments."""

    decision: Row
    results: Sequence[Row]
    daily_results: Sequence[Row]
    health: Sequence[Row]
    power: Sequence[Row]

    def overall(self, method: str) -> list[Row]:
        """Results over all units by one method, in the order of roles."""
        found = [row for row in self.results if row["dimension"] == "all" and row["method"] == method]
        return sorted(found, key=lambda row: (row["variant"], _ROLES.index(row["role"]), row["metric"]))

    def compared(self, method: str) -> list[Row]:
        """Those of metrics that can be compared, where the method gives an interval of any."""
        found = [row for row in self.overall(method) if row["effect"] is not None]
        return found if any(row["effect_low"] is not None for row in found) else []

    def with_interval(self, method: str) -> list[Row]:
        """Those with an interval of the lift."""
        return [row for row in self.overall(method) if row["lift_low"] is not None]

    def primary_by_day(self, method: str) -> list[Row]:
        """Lifts of the primary metric, a row per day: of the variant that the decision is about, else of the first."""
        metric = self.decision["primary_metric"]
        known = [row for row in self.daily_results if row["metric"] == metric and row["lift"] is not None]
        variants = {row["variant"] for row in known}
        variant = self.decision["variant"] if self.decision["variant"] in variants else min(variants, default=None)
        found = [row for row in known if row["variant"] == variant and row["method"] == method]
        return sorted(found, key=lambda row: row["date"])


def told(page: Page) -> str:
    """The decision as text for a terminal."""
    decision = page.decision
    lines = [
        f"{decision['experiment_id']}: {decision['decision']} ({_meaning(decision)})",
        f"{' '.join(decision['name'].split())}, {_known(decision)}",
        *(f"  - {reason}" for reason in decision["reasons"]),
        *(f"  - {effect}" for effect in _rollout(decision)),
    ]
    for method, title in _METHODS.items():
        rows = [_cells(row) for row in page.compared(method) if row["role"] != "other"]
        if rows:
            lines += ["", *_aligned([(title, *_COLUMNS), *rows])]
    lines += ["", "Health", *(f"  {check}" for check in _checks(page))]
    lines += ["", "Power at 80 %", *(f"  {power}" for power in _powers(page))]
    return "\n".join(lines)


def page(found: Page) -> str:
    """The decision as Markdown: verdict, reasons, effects, the cumulated effect, health and power."""
    decision = found.decision
    parts = [
        f"## {words.text(decision['name'])}: {decision['decision']}",
        f"{words.text(_meaning(decision))}; {_known(decision)}",
        _listed([*decision["reasons"], *_rollout(decision)]),
    ]
    if found.with_interval("fixed"):
        parts.append(drawing.embedded("effects on every metric", draw_effects(found)))
    tables = {title: found.compared(method) for method, title in _METHODS.items()}
    parts += [words.table((title, *_COLUMNS), map(_cells, rows)) for title, rows in tables.items() if rows]
    if found.primary_by_day("fixed"):
        parts.append(drawing.embedded("the primary metric, cumulated by day", draw_cumulated(found)))
    parts += ["**Health**", _listed(_checks(found)), "**Power** (80 %)", _listed(_powers(found))]
    return "\n\n".join(parts)


def draw_effects(found: Page) -> bytes:
    """Lifts with their intervals by the fixed test, a line per metric and variant; hollow with CUPED."""
    rows = found.with_interval("fixed")
    adjusted = {(row["metric"], row["variant"]): row for row in found.with_interval("cuped")}
    figure = drawing.new_figure(1.5 + 0.34 * len(rows))
    drawing.headed(figure, "Lift over control, with intervals of the fixed test")
    axes = figure.subplots()
    drawing.plain(axes, x="lift")
    widest = _NARROWEST_LIFT
    for place, row in enumerate(rows):
        colour = _ROLE_COLOURS[row["role"]]
        of_cuped = adjusted.get((row["metric"], row["variant"]))
        widest = max(widest, _draw_lift(axes, place - (0.14 if of_cuped else 0), row, colour, face=colour))
        if of_cuped:
            widest = max(widest, _draw_lift(axes, place + 0.14, of_cuped, colour, face="white"))
        if row["margin"] is not None:
            allowed = row["margin"] * -METRICS[row["metric"]].sign
            axes.plot([allowed, allowed], [place - 0.35, place + 0.35], color=INK, linewidth=1, linestyle=":")
            widest = max(widest, abs(allowed))
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlim(-1.08 * widest, 1.08 * widest)
    axes.set_yticks(range(len(rows)), _labels(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.grid(axis="y", visible=False)
    drawing.percents(axes.xaxis)
    drawing.legend(axes, _explained(rows, adjusted))
    return drawing.png(figure)


def draw_cumulated(found: Page) -> bytes:
    """The primary metric's lift as it was known at the end of each day, in the confidence sequence and the fixed interval."""
    import numpy as np

    rows = found.primary_by_day("fixed")
    days = [row["date"] for row in rows]
    lift, low, high = (np.array([row[name] for row in rows], float) for name in ("lift", "lift_low", "lift_high"))
    figure = drawing.new_figure(3.8)
    drawing.headed(figure, f"Lift of {rows[0]['metric']} of {rows[0]['variant']}, as known at the end of each day")
    axes = figure.subplots()
    drawing.plain(axes, y="lift")
    _draw_sequence(axes, [row for row in found.primary_by_day("sequential") if row["lift_low"] is not None])
    is_single = len(rows) == 1
    for bound, label in ((low, "fixed interval: valid at the end only"), (high, None)):
        marker = "_" if is_single else ""
        axes.plot(days, bound, color=GREY, linewidth=0.9, linestyle="--", marker=marker, label=label)
    axes.plot(days, lift, color=BLUE, linewidth=1.8, marker="o" if is_single else "", markersize=5, label="lift")
    axes.axhline(0, color=INK, linewidth=0.8)
    # The first days know little: their intervals would leave no room for what matters.
    last = max(map(abs, (lift[-1], *np.nan_to_num([low[-1], high[-1]]))))
    widest = max(3 * last, 2 * abs(lift[-_LATEST_DAYS:]).max(), _NARROWEST_LIFT)
    axes.set_ylim(-widest, widest)
    drawing.percents(axes.yaxis)
    drawing.dates(axes, days)
    drawing.legend(axes)
    return drawing.png(figure)


def _draw_lift(axes: "Axes", place: float, row: Row, colour: str, face: str) -> float:
    """A dot in its interval; gives how far from 0 it reaches. An arrow stands where it leaves the picture."""
    low, lift, high = (min(max(row[name], -_WIDEST_LIFT), _WIDEST_LIFT) for name in ("lift_low", "lift", "lift_high"))
    axes.plot([low, high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
    if lift == row["lift"]:
        axes.plot([lift], [place], marker="o", markersize=5, color=colour, markerfacecolor=face)
    for end, arrow, leaves in ((low, "<", row["lift_low"] < low), (high, ">", row["lift_high"] > high)):
        if leaves:
            axes.plot([end], [place], marker=arrow, markersize=5, color=colour)
    return max(abs(low), abs(high))


def _draw_sequence(axes: "Axes", known: Sequence[Row]) -> None:
    days, low, high = ([row[name] for row in known] for name in ("date", "lift_low", "lift_high"))
    look: dict[str, Any] = {"color": BLUE, "alpha": 0.18, "label": "confidence sequence: valid on every day"}
    if len(known) == 1:
        axes.vlines(days, low, high, linewidth=12, **look)
    elif known:
        axes.fill_between(days, low, high, linewidth=0, **look)


def _labels(rows: Sequence[Row]) -> list[str]:
    several = len({row["variant"] for row in rows}) > 1
    return [f"{row['metric']} of {row['variant']}" if several else row["metric"] for row in rows]


def _explained(rows: Sequence[Row], adjusted: Mapping[Any, Row]) -> list[Any]:
    """What the colours and signs that occur stand for."""
    from matplotlib.lines import Line2D

    roles = {row["role"] for row in rows}
    handles = [Line2D([], [], color=colour, label=role) for role, colour in _ROLE_COLOURS.items() if role in roles]
    if adjusted:
        handles.append(Line2D([], [], color=GREY, marker="o", markerfacecolor="white", label="with CUPED"))
    if any(row["margin"] is not None for row in rows):
        handles.append(Line2D([], [], color=INK, linestyle=":", label="margin"))
    return handles


def _meaning(decision: Row) -> str:
    calibrated = {True: ", and it looks calibrated", False: ", and it does not look calibrated"}
    return VERDICTS[decision["decision"]] + calibrated.get(decision["is_calibrated"], "")


def _known(decision: Row) -> str:
    return f"as of {decision['as_of']}, {decision['units']:,} units"


def _rollout(decision: Row) -> Iterator[str]:
    """What rolling out would bring, an amount each."""
    for name, amount in json.loads(decision["rollout_effect"] or "{}").items():
        value, low, high = (f"{amount[part]:+,.0f}".replace("-", "−") for part in ("value", "low", "high"))
        doubt = "; it may be nothing" if amount["low"] <= 0 <= amount["high"] else ""
        yield f"A roll-out would bring {value} {_AMOUNTS[name]} (interval {low} to {high}{doubt})."


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row['metric']} of {row['variant']}",
        row["role"],
        _figure(row["mean_control"]),
        _figure(row["mean_variant"]),
        _lift(row["lift"]),
        "–" if row["lift_low"] is None else f"{_lift(row['lift_low'])} to {_lift(row['lift_high'])}",
        _probability(row["p_value"]),
        _probability(row["p_adjusted"]),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _listed(texts: Sequence[str]) -> str:
    return "\n".join(f"- {words.text(text)}" for text in texts)


def _checks(found: Page) -> list[str]:
    """Every check with its finding, those that do not pass first."""
    return [
        f"{'ok' if row['passed'] else 'FAILED'} {_check(row)}: {row['finding']}"
        for row in sorted(found.health, key=lambda row: row["passed"])
    ]


def _check(row: Row) -> str:
    subject = "" if row["subject"] == "all" else f" ({row['subject']})"
    return row["health_check"].replace("_", " ") + subject


def _powers(found: Page) -> list[str]:
    """What the units can show of every metric with a role."""
    return [_power(row) for row in found.power if row["role"] != "other"]


def _power(row: Row) -> str:
    said = f"{row['metric']} of {row['variant']}: {row['units']:,} units"
    if row["detectable_lift"] is None:
        return f"{said}, too few or too alike to tell what they can show"
    said += f" can show a lift of {words.percent(row['detectable_lift'])}"
    if row["units_needed"] is not None:
        said += f"; {words.percent(row['target_lift'])} takes {row['units_needed']:,}"
        if row["days_still_needed"]:
            said += f", {_days(row['days_still_needed'])} more at {row['units_per_day']:,.1f} new units a day"
    return said


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"


def _lift(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+z.1f} %".replace("-", "−")


def _probability(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
