"""Contracts of the marts on the whole audience over time, and by where, how and what it plays."""

from streaming_assets.contracts.marts.columns import (
    AS_OF,
    AVG_COMPLETION_PCT,
    DATE,
    IS_COMPLETE,
    ISO_WEEK,
    ISO_YEAR,
    PLAYS,
    PLAYS_PER_USER,
    USERS,
    WATCH_HOURS,
    WEEK_START,
    count,
    number,
    percentage,
    share,
)
from streaming_assets.contracts.table import Column, Table

_PERIOD_FIGURES = (
    PLAYS,
    count("active_users", "users with a play"),
    count("new_users", "users whose first play of all lies in the period"),
    count("sessions", "sessions started"),
    WATCH_HOURS,
    AVG_COMPLETION_PCT,
    percentage(
        "weighted_completion_pct", "100 · Σ min(watch, content) / Σ content over plays where both are known, else NULL"
    ),
    number("avg_session_minutes", "mean duration of the sessions started, minutes; NULL without sessions"),
    count("skips", "skips"),
    number("skip_rate", "skips / plays; NULL without plays. Skip events count too, so that it can exceed 1"),
    number("plays_per_user", "plays / active_users; NULL without users"),
    number("avg_watch_minutes_per_user", "watched minutes / active_users; NULL without users or watch time"),
    IS_COMPLETE,
)

platform_daily = Table(
    "marts/platform_daily",
    grain="one row per day from the first play to T, days without plays included",
    key=("date",),
    source="core/user_daily and core/sessions",
    caveats=AS_OF,
    columns=(DATE, *_PERIOD_FIGURES),
)

platform_weekly = Table(
    "marts/platform_weekly",
    grain="one row per ISO week from the first play to T, weeks without plays included",
    key=("iso_year", "iso_week"),
    source="core/user_daily and core/sessions",
    caveats=AS_OF,
    columns=(ISO_YEAR, ISO_WEEK, WEEK_START, *_PERIOD_FIGURES),
)

hourly_profile = Table(
    "marts/hourly_profile",
    grain="one row per day of the week and hour of the local clock, from the first play to T",
    key=("day_of_week", "hour"),
    source="core/hourly_activity and core/calendar",
    caveats=(
        "Hours without plays count as 0. Where clocks change, a day lacks an hour or has one twice; `hours` says how "
        f"many the mean is of. {AS_OF}"
    ),
    columns=(
        Column("day_of_week", "int64", "ISO: 1 is Monday, 7 is Sunday", not_null=True, at_least=1, at_most=7),
        Column("hour", "int64", "hour of the reporting zone's clock", not_null=True, at_least=0, at_most=23),
        Column("hours", "int64", "hours that the means are of", not_null=True, at_least=1),
        number("mean_plays", "mean plays started in such an hour"),
        number("mean_active_users", "mean users with a play started in such an hour"),
    ),
)

active_users = Table(
    "marts/active_users",
    grain="one row per day from the first play to T",
    key=("date",),
    source="core/user_daily",
    caveats=f"Windows end with the day, which is included; before the first play there is nothing. {AS_OF}",
    columns=(
        DATE,
        count("dau", "users with a play on the day"),
        count("wau_7d", "users with a play in the 7 days up to the day"),
        count("mau_28d", "users with a play in the 28 days up to the day"),
        share("dau_mau_ratio", "dau / mau_28d; NULL where nobody played in the 28 days"),
    ),
)

_LIFECYCLE = (
    count("active", "users with a play in the period = new + returning + resurrecting"),
    count("new", "users whose first play of all lies in the period"),
    count("returning", "users active in the period and in the one before"),
    count("resurrecting", "users active in the period and earlier, not in the one before"),
    count("dormant", "users active in the period before, not in this one; returning + dormant = active of that one"),
    IS_COMPLETE,
)

lifecycle_daily = Table(
    "marts/lifecycle_daily",
    grain="one row per day from the first play to T",
    key=("date",),
    source="core/user_daily",
    caveats=AS_OF,
    columns=(DATE, *_LIFECYCLE),
)

lifecycle_weekly = Table(
    "marts/lifecycle_weekly",
    grain="one row per ISO week from the first play to T",
    key=("iso_year", "iso_week"),
    source="core/user_daily",
    caveats=f"In a week that T cuts short, returning is still growing and dormant is too high. {AS_OF}",
    columns=(ISO_YEAR, ISO_WEEK, WEEK_START, *_LIFECYCLE),
)

_GROUP_FIGURES = (PLAYS, USERS, WATCH_HOURS, AVG_COMPLETION_PCT, PLAYS_PER_USER)


def _by(name: str, value: Column, source: str, caveats: str) -> Table:
    return Table(
        f"marts/{name}",
        grain=f"one row per {value.name} with a play up to T, NULL where it is not known",
        key=(value.name,),
        source=source,
        caveats=f"{caveats} {AS_OF}",
        columns=(value, *_GROUP_FIGURES),
    )


_FROM_PLAYS = "core/content_daily and core/user_content_daily, by way of meta/title_totals and meta/user_habits"
_FROM_CONTENT = (
    "core/content_daily, core/user_content_daily and core/content, by way of meta/title_totals and meta/user_titles"
)
_ANYWHERE = "A user with plays in several rows counts in each."

state_metrics = _by("state_metrics", Column("state", "string", "state of the plays"), _FROM_PLAYS, _ANYWHERE)
platform_metrics = _by(
    "platform_metrics", Column("platform", "string", "platform of the plays"), _FROM_PLAYS, _ANYWHERE
)
genre_metrics = _by(
    "genre_metrics", Column("genre", "string", "genre of the title in core/content"), _FROM_CONTENT, _ANYWHERE
)
content_type_metrics = _by(
    "content_type_metrics",
    Column("content_type", "string", "type of the title in core/content"),
    _FROM_CONTENT,
    _ANYWHERE,
)

TABLES = (
    platform_daily,
    platform_weekly,
    hourly_profile,
    active_users,
    lifecycle_daily,
    lifecycle_weekly,
    state_metrics,
    platform_metrics,
    genre_metrics,
    content_type_metrics,
)
