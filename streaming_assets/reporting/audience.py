"""Pictures of the whole audience over time, and of where and when it plays."""

import ibis
import numpy as np
import pandas as pd
from ibis import _

from streaming_assets.reporting import drawing, words
from streaming_assets.reporting.drawing import BLUE, FAINT, FINISHED, GREEN, GREY, INK, ORANGE, UNFINISHED, VERMILION

_DAYS = 366
_WEEKS = 52
_WEEKS_TOLD = 8
_STATES = 20
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def latest_year(mart: ibis.Table) -> ibis.Table:
    """The last 366 days of a mart with a row per date."""
    return mart.order_by(ibis.desc("date")).limit(_DAYS)


def latest_52_weeks(mart: ibis.Table) -> ibis.Table:
    """The last 52 weeks of a mart with a row per week."""
    return mart.order_by(ibis.desc("week_start")).limit(_WEEKS)


def latest_eight_weeks(mart: ibis.Table) -> ibis.Table:
    """The last 8 weeks of a mart with a row per week."""
    return mart.order_by(ibis.desc("week_start")).limit(_WEEKS_TOLD)


def hours_of_the_week(hourly_profile: ibis.Table) -> ibis.Table:
    """Its at most 168 rows."""
    return hourly_profile.filter(_.mean_plays.notnull())


def largest_states(state_metrics: ibis.Table) -> ibis.Table:
    """The 20 states with most plays, the unknown one among them where it is one of these."""
    return state_metrics.order_by(ibis.desc("plays"), "state").limit(_STATES)


def draw_plays_and_users(days: pd.DataFrame) -> bytes:
    """Plays above, active users below; thin: each day, thick: mean of the 7 days up to it."""
    days = days.sort_values("date")
    figure = drawing.new_figure(5)
    above, below = figure.subplots(2, 1, sharex=True)
    dot = 3 if len(days) > 28 else 7
    for axes, column, colour, title in (
        (above, "plays", BLUE, "Plays per day"),
        (below, "active_users", VERMILION, "Active users per day"),
    ):
        drawing.plain(axes, title, y=column.replace("_", " "))
        axes.plot(
            days.date, days[column], color=colour, alpha=0.4, linewidth=1, marker=".", markersize=dot, label="day"
        )
        axes.plot(days.date, days[column].rolling(7).mean(), color=colour, linewidth=2.2, label="mean of 7 days")
        axes.set_ylim(0)
        drawing.counts(axes.yaxis)
        drawing.legend(axes)
    drawing.dates(below, list(days.date))
    return drawing.png(figure)


def draw_active_users(days: pd.DataFrame) -> bytes:
    """Distinct users of the day, and of the 7 and 28 days up to it."""
    days = days.sort_values("date")
    figure = drawing.new_figure(4)
    axes = figure.subplots()
    drawing.plain(axes, "Active users up to each day", y="users")
    for column, colour, label in (
        ("mau_28d", BLUE, "28 days (MAU)"),
        ("wau_7d", GREEN, "7 days (WAU)"),
        ("dau", VERMILION, "day (DAU)"),
    ):
        marker = "." if len(days) < 2 else ""
        axes.plot(days.date, days[column], color=colour, linewidth=1.8, marker=marker, label=label)
    axes.set_ylim(0)
    drawing.counts(axes.yaxis)
    drawing.legend(axes)
    drawing.dates(axes, list(days.date))
    return drawing.png(figure)


def draw_lifecycle(weeks: pd.DataFrame) -> bytes:
    """New, returning and resurrecting users of each week stacked up, dormant ones below zero."""
    from matplotlib.patches import Patch

    weeks = weeks.sort_values("week_start")
    figure = drawing.new_figure(4.4)
    axes = figure.subplots()
    drawing.plain(axes, "Users by week", x="week beginning", y="users, dormant ones below 0")
    kinds = {"returning": BLUE, "resurrecting": GREEN, "new": ORANGE, "dormant": GREY}
    complete = weeks.is_complete.astype(bool).to_numpy()
    for part, look in ((weeks[complete], FINISHED), (weeks[~complete], UNFINISHED)):
        base = np.zeros(len(part))
        for kind in ("returning", "resurrecting", "new"):
            axes.bar(part.week_start, part[kind], bottom=base, width=5.6, color=kinds[kind], **look)
            base += part[kind].to_numpy()
        axes.bar(part.week_start, -part.dormant, width=5.6, color=kinds["dormant"], **look)
    axes.axhline(0, color=INK, linewidth=0.8)
    handles = [Patch(color=colour, label=kind) for kind, colour in kinds.items()]
    if not complete.all():
        handles.append(Patch(facecolor=GREY, label="week not over", **UNFINISHED))
    drawing.legend(axes, handles)
    drawing.counts(axes.yaxis)
    drawing.dates(axes, list(weeks.week_start), margin_days=5)
    return drawing.png(figure)


def draw_hours(hours: pd.DataFrame) -> bytes:
    """Mean plays as a shade for each weekday and hour of the clock; white: the hour has not occurred."""
    figure = drawing.new_figure(3.4)
    axes = figure.subplots()
    drawing.plain(axes, "Mean plays by day of the week and hour", x="hour of the local clock")
    grid = np.full((7, 24), np.nan)
    grid[hours.day_of_week - 1, hours.hour] = hours.mean_plays
    shades = axes.imshow(grid, cmap=drawing.SHADES, vmin=0, vmax=np.nanmax(grid) or 1, aspect="auto")
    axes.set_yticks(range(7), _WEEKDAYS)
    axes.set_xticks(range(0, 24, 2))
    axes.grid(visible=False)
    bar = figure.colorbar(shades, ax=axes, pad=0.01)
    bar.set_label("mean plays in the hour", fontsize=10)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=9, length=0)
    return drawing.png(figure)


def draw_states(states: pd.DataFrame) -> bytes:
    """A bar per state, the most plays on top."""
    states = states.sort_values(["plays", "state"], ascending=[False, True])
    figure = drawing.new_figure(1 + 0.25 * len(states))
    axes = figure.subplots()
    drawing.headed(figure, "Plays by state" if len(states) < _STATES else f"Plays by state, the {_STATES} with most")
    drawing.plain(axes)
    drawing.bars(
        axes,
        states.state.fillna(words.UNKNOWN).tolist(),
        states.plays.tolist(),
        [
            f"{drawing.short(plays)} plays by {drawing.short(users)} users"
            for plays, users in zip(states.plays, states.users, strict=True)
        ],
    )
    axes.axvline(0, color=FAINT)
    return drawing.png(figure)


def tell_latest_weeks(weeks: pd.DataFrame) -> str:
    """A table of the weeks, the latest on top."""
    return words.table(
        ("week", "plays", "active users", "new users", "sessions", "watch hours", "completion", "plays per user"),
        [
            (
                f"{week.iso_year}-W{week.iso_week:02d}" + ("" if week.is_complete else " (not over)"),
                words.whole(week.plays),
                words.whole(week.active_users),
                words.whole(week.new_users),
                words.whole(week.sessions),
                words.number(week.watch_hours),
                words.percent(week.avg_completion_pct / 100),
                words.number(week.plays_per_user),
            )
            for week in weeks.sort_values("week_start", ascending=False).itertuples()
        ],
    )
