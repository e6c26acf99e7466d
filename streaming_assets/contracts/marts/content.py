"""Contracts of the marts on titles."""

from streaming_assets.contracts.marts.columns import (
    AS_OF,
    AVG_COMPLETION_PCT,
    CONTENT_ID,
    PLAYS,
    TITLE,
    UNIQUE_USERS,
    WATCH_HOURS,
    count,
    percentage,
)
from streaming_assets.contracts.table import Column, Table

_FIGURES = (PLAYS, UNIQUE_USERS, WATCH_HOURS, AVG_COMPLETION_PCT)
_FROM_HISTOGRAM = "of the plays' completion_pct, interpolated in bins of 5 points; NULL where no play has one"

content_performance = Table(
    "marts/content_performance",
    grain="one row per title with a play up to T",
    key=("content_id",),
    source=(
        "core/content_daily, core/user_content_daily and core/content, by way of meta/title_totals and meta/user_titles"
    ),
    caveats=AS_OF,
    columns=(
        CONTENT_ID,
        TITLE,
        Column("content_type", "string", "its type"),
        Column("genre", "string", "its genre"),
        *_FIGURES,
        percentage("completion_p25", f"lower quartile {_FROM_HISTOGRAM}"),
        percentage("completion_p50", f"median {_FROM_HISTOGRAM}"),
        percentage("completion_p75", f"upper quartile {_FROM_HISTOGRAM}"),
        Column("completion_histogram", "array<int64>", "plays by completion_pct in 20 bins of 5 points", not_null=True),
        Column("first_play_date", "date", "day of the first play", not_null=True),
        Column("last_play_date", "date", "day of the latest play", not_null=True),
        count("plays_7d", "plays in the 7 days up to T"),
        Column(
            "rank_7d", "int64", "rank by plays_7d, equal plays rank equal; NULL without plays in these days", at_least=1
        ),
    ),
)

content_by_hour = Table(
    "marts/content_by_hour",
    grain="one row per title and hour of the local clock, over the last days up to T",
    key=("content_id", "local_hour"),
    source="core/plays of the last days (setting content_by_hour_days, default 28)",
    caveats=AS_OF,
    columns=(
        CONTENT_ID,
        TITLE,
        Column("local_hour", "int64", "hour of the reporting zone's clock", not_null=True, at_least=0, at_most=23),
        *_FIGURES,
    ),
)

content_by_state = Table(
    "marts/content_by_state",
    grain="one row per title and state with a play up to T, state NULL where it is not known",
    key=("content_id", "state"),
    source=(
        "core/content_daily, core/user_content_daily and core/content, by way of meta/title_totals and meta/user_titles"
    ),
    caveats=AS_OF,
    columns=(CONTENT_ID, TITLE, Column("state", "string", "state of the plays"), *_FIGURES),
)

top_content_7d = Table(
    "marts/top_content_7d",
    grain="one row per title, the ten with most plays in the 7 days up to T",
    key=("content_id",),
    source="core/content_daily of the last 14 days and core/content",
    caveats=f"Equal plays rank equal; of titles equal at the tenth place, those with the smallest content_id are shown. {AS_OF}",
    columns=(
        Column("rank", "int64", "rank by plays_7d", not_null=True, at_least=1, at_most=10),
        CONTENT_ID,
        TITLE,
        Column("plays_7d", "int64", "plays in the 7 days up to T", not_null=True, at_least=1),
        count("plays_7d_week_before", "plays in the 7 days before these"),
        Column("rank_week_before", "int64", "rank by plays in the 7 days before; NULL where it had none", at_least=1),
    ),
)

TABLES = (content_performance, content_by_hour, content_by_state, top_content_7d)
