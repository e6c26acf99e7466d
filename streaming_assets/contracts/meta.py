"""Contracts of the group meta: what the lake remembers about its own state."""

from streaming_assets.contracts.table import Column, Table

open_failures = Table(
    "meta/open_failures",
    grain="one row per failed check and range of days that no passing evaluation has covered since",
    key=("asset", "check", "first_date", "last_date"),
    source="the evaluations of asset checks",
    columns=(
        Column("asset", "string", "group/table", not_null=True),
        Column("check", "string", "name of the check", not_null=True),
        Column("is_blocking", "boolean", "stops what is downstream", not_null=True),
        Column("first_date", "date", "first day that it speaks of; NULL where it is not of days"),
        Column("last_date", "date", "last day that it speaks of"),
        Column("opened_at", "timestamp", "when it first failed", not_null=True),
        Column("numbers", "string", "what was measured, as JSON", not_null=True),
    ),
)

published = Table(
    "meta/published",
    grain="one row per published table",
    key=("table",),
    source="the last publication of streaming.duckdb",
    columns=(
        Column("table", "string", "group/table", not_null=True),
        Column("version", "int64", "version of the content that readers have", not_null=True),
        Column("delta_version", "int64", "Delta version whose files readers have", not_null=True),
        Column("published_at", "timestamp", "when it was published", not_null=True),
    ),
)

content_seen = Table(
    "meta/content_seen",
    grain="one row per title and combination of attributes that its plays named, up to a day",
    key=("content_id", "title", "creator", "genre", "content_type", "rating"),
    source="core/user_content_daily up to the day in the table's last commit",
    columns=(
        Column("content_id", "string", "show, film, episode or track", not_null=True),
        Column("title", "string", "title"),
        Column("creator", "string", "creator"),
        Column("genre", "string", "genre"),
        Column("content_type", "string", "type"),
        Column("rating", "string", "age rating"),
        Column("last_event_at", "timestamp", "latest play that named them", not_null=True),
    ),
)

user_habits = Table(
    "meta/user_habits",
    grain="one row per user, country, state and platform, up to a day",
    key=("user_id", "country", "state", "platform"),
    source="core/user_content_daily up to the day in the table's last commit",
    columns=(
        Column("user_id", "string", "who", not_null=True),
        Column("country", "string", "country of the plays"),
        Column("state", "string", "state of the plays"),
        Column("platform", "string", "platform of the plays"),
        Column("plays", "int64", "plays", not_null=True),
        Column("last_event_at", "timestamp", "latest play", not_null=True),
    ),
)

first_seen = Table(
    "meta/first_seen",
    grain="one row per user, up to a day",
    key=("user_id",),
    source="core/user_daily up to the day in the table's last commit",
    columns=(
        Column("user_id", "string", "who", not_null=True),
        Column("first_event_at", "timestamp", "earliest event", not_null=True),
    ),
)

title_totals = Table(
    "meta/title_totals",
    grain="one row per title, state and platform, up to a day",
    key=("content_id", "state", "platform"),
    source="core/content_daily up to the day in the table's last commit",
    columns=(
        Column("content_id", "string", "show, film, episode or track", not_null=True),
        Column("state", "string", "state of the plays"),
        Column("platform", "string", "platform of the plays"),
        Column("plays", "int64", "plays", not_null=True),
        Column("watch_seconds", "float64", "watched time", not_null=True),
        Column("plays_with_watch_time", "int64", "plays whose watch time is known or assumed", not_null=True),
        Column("completion_pct_sum", "float64", "sum of completion_pct over the plays that have one", not_null=True),
        Column("completion_pct_n", "int64", "plays that have a completion_pct", not_null=True),
        Column("completion_histogram", "array<int64>", "plays by completion_pct in 20 bins of 5 points", not_null=True),
        Column("first_date", "date", "day of the first play", not_null=True),
        Column("last_date", "date", "day of the latest play", not_null=True),
    ),
)

user_titles = Table(
    "meta/user_titles",
    grain="one row per user, title and state, up to a day",
    key=("user_id", "content_id", "state"),
    source="core/user_content_daily up to the day in the table's last commit",
    columns=(
        Column("user_id", "string", "who", not_null=True),
        Column("content_id", "string", "show, film, episode or track", not_null=True),
        Column("state", "string", "state of the plays"),
        Column("plays", "int64", "plays", not_null=True),
        Column("first_date", "date", "day of the first play", not_null=True),
        Column("last_event_at", "timestamp", "start of the latest play", not_null=True),
    ),
)

first_days = Table(
    "meta/first_days",
    grain="one row per user, up to a day",
    key=("user_id",),
    source="core/user_content_daily up to the day in the table's last commit",
    columns=(
        Column("user_id", "string", "who", not_null=True),
        Column("first_date", "date", "day of the first play", not_null=True),
        Column("platform", "string", "most frequent platform of that day's plays, ties to the latest"),
        Column("country", "string", "most frequent country of that day's plays, ties to the latest"),
    ),
)
