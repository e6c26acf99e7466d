"""Contracts of the group core: cleaned events, the entities they speak of, and compact daily tables."""

from streaming_assets.contracts.raw import CANONICAL_CONTENT, CANONICAL_EVENT, CANONICAL_USER, SOURCE_RULES
from streaming_assets.contracts.table import Column, Reference, Table

COMPLETION_BINS = 20

_USER = Column("user_id", "string", "who", not_null=True)
_CONTENT = Column("content_id", "string", "show, film, episode or track", not_null=True)
_DATE = Column("date", "date", "day of the reporting zone", not_null=True)
_COMPLETION_PCT = Column(
    "completion_pct", "float64", "100 · min(watch_seconds, content_seconds) / content_seconds", at_least=0, at_most=100
)


def _count(name: str, description: str) -> Column:
    return Column(name, "int64", description, not_null=True, at_least=0)


def _seconds(name: str, description: str) -> Column:
    return Column(name, "float64", description, not_null=True, at_least=0)


_COMPLETION_SUMS = (
    _seconds("completion_pct_sum", "sum of completion_pct over the plays that have one"),
    _count("completion_pct_n", "plays that have a completion_pct"),
    _seconds("watched_known_seconds", "watched time over these plays, capped at the length"),
    _seconds("content_known_seconds", "length over plays of known length and watch time"),
)

_ATTRIBUTES = tuple(
    column for column in CANONICAL_EVENT if column.name in ("title", "creator", "genre", "content_type", "rating")
)

events = Table(
    "core/events",
    grain="one row per event and day",
    key=("event_date", "event_id"),
    source="raw/events of the day; of several rows with one key the one with the greatest (path, row_number)",
    caveats="The order in which files arrive does not matter. An event_id on two days is kept on both, and warned of.",
    partition_by=("event_date",),
    day_column="event_date",
    columns=(
        *CANONICAL_EVENT,
        *SOURCE_RULES,
        Column("event_date", "date", "day of started_at in the reporting zone", not_null=True),
        Column(
            "local_hour", "int64", "hour of started_at in the reporting zone", not_null=True, at_least=0, at_most=23
        ),
        _COMPLETION_PCT,
    ),
)

plays = Table(
    "core/plays",
    grain="one row per play and day",
    key=("event_date", "event_id"),
    source="the plays among core/events, seen between the user's neighbouring plays of the days around",
    caveats="watch_seconds is assumed where the source has none and says how to assume it; NULL where nobody knows.",
    partition_by=("event_date",),
    day_column="event_date",
    columns=(
        _USER,
        Column("started_at", "timestamp", "start of the play", not_null=True),
        _CONTENT,
        Column("event_id", "string", "the event's id", not_null=True),
        Column("watch_seconds", "float64", "watched time, assumed where the source says how", at_least=0),
        Column("watch_is_assumed", "boolean", "the watch time is an assumption", not_null=True),
        Column("content_seconds", "float64", "length of the content"),
        *(
            column
            for column in CANONICAL_EVENT
            if column.name in ("platform", "country", "state", "pauses", "buffer_events", "was_recommended")
        ),
        *_ATTRIBUTES,
        Column("event_date", "date", "day of started_at in the reporting zone", not_null=True),
        Column(
            "local_hour", "int64", "hour of started_at in the reporting zone", not_null=True, at_least=0, at_most=23
        ),
        _COMPLETION_PCT,
        Column("is_session_start", "boolean", "the play starts a session", not_null=True),
        Column(
            "is_skip",
            "boolean",
            "the source calls it a skip: the next play of the session came too soon",
            not_null=True,
        ),
        Column("day_is_full", "boolean", "the user's day has no break longer than the session gap", not_null=True),
    ),
)

calendar = Table(
    "core/calendar",
    grain="one row per day of the reporting zone, from the start date to the end of 2100",
    key=("date",),
    source="the time zone setting",
    caveats="A day has 23 or 25 hours where clocks change.",
    columns=(
        _DATE,
        Column("starts_at", "timestamp", "first instant of the day, in UTC", not_null=True),
        Column("ends_at", "timestamp", "first instant of the next day, in UTC", not_null=True),
        Column("clock_changes_at", "timestamp", "instant within the day, in UTC, at which its clocks change"),
        Column("clock_shift_seconds", "int64", "by how much they go forward then; 0 on other days", not_null=True),
    ),
)

users = Table(
    "core/users",
    grain="one row per user and time from which a record holds",
    key=("user_id", "valid_from"),
    source="raw/users, and the events of users without a record",
    caveats=(
        "valid_from is the record's own, else signed_up_at, else 1970-01-01; of several the one with the greatest "
        "(path, row_number). home_* is the most frequent value over all plays, ties to the latest, on every row of the user."
    ),
    columns=(
        _USER,
        Column("valid_from", "timestamp", "from when on the record holds", not_null=True),
        *(column for column in CANONICAL_USER if column.name not in ("user_id", "valid_from")),
        Column("is_current", "boolean", "the user's latest record", not_null=True),
        Column(
            "is_derived", "boolean", "no record has landed; first_event_at stands in for signed_up_at", not_null=True
        ),
        Column("first_event_at", "timestamp", "the user's first event of any type"),
        Column("home_country", "string", "most frequent country over the user's plays"),
        Column("home_state", "string", "most frequent state over the user's plays"),
        Column("home_platform", "string", "most frequent platform over the user's plays"),
    ),
)

content = Table(
    "core/content",
    grain="one row per title",
    key=("content_id",),
    source="the latest content record (greatest path, row_number), else the latest plays that name the attribute",
    columns=(
        *CANONICAL_CONTENT,
        Column("is_derived", "boolean", "no record has landed; attributes are those of the plays", not_null=True),
    ),
)

sessions = Table(
    "core/sessions",
    grain="one row per session, in the partition of the day it started",
    key=("session_id",),
    source="core/plays of the day and the next, and the other events that fall into the open session",
    caveats=(
        "A play more than the session gap after the latest end among the user's earlier plays starts a session; so does the "
        "first play after a day without such a gap. No cut at midnight."
    ),
    partition_by=("session_date",),
    day_column="session_date",
    columns=(
        Column("session_id", "string", "md5 of user and epoch microseconds of the start", not_null=True),
        Column("user_id", "string", "who", not_null=True, refers_to=Reference("core/users", "user_id")),
        Column("session_date", "date", "day of the start in the reporting zone", not_null=True),
        Column("started_at", "timestamp", "start of the first play", not_null=True),
        Column("ended_at", "timestamp", "latest end among the plays", not_null=True),
        _seconds("duration_seconds", "ended_at − started_at"),
        Column("plays", "int64", "plays", not_null=True, at_least=1),
        _count("plays_next_day", "plays that fall on the day after the start day"),
        _count("skips", "skip events in the session and plays that the source calls skips"),
        _count("distinct_content", "titles played"),
        _count("distinct_creators", "creators played"),
        _count("distinct_genres", "genres played"),
        _seconds("watch_seconds", "watched time, assumed where the source says how"),
        Column("watch_is_assumed", "boolean", "part of the watch time is an assumption", not_null=True),
        _count("pauses", "pauses"),
        _count("buffer_events", "rebuffering stops"),
        _count("recommended_plays", "plays started from a recommendation"),
        Column(
            "platform",
            "string",
            "platform of the first play that has one, of several at one instant of the least event_id",
        ),
        Column("is_cut", "boolean", "a day without a break was cut at its end", not_null=True),
    ),
)

user_daily = Table(
    "core/user_daily",
    grain="one row per user and day with any event",
    key=("user_id", "date"),
    source="core/plays and core/events of the day",
    partition_by=("date",),
    day_column="date",
    columns=(
        Column("user_id", "string", "who", not_null=True, refers_to=Reference("core/users", "user_id")),
        _DATE,
        _count("plays", "plays started on the day"),
        _count("skips", "skip events, and plays that the source calls skips"),
        _count("completes", "complete events"),
        _seconds("watch_seconds", "watched time of the day's plays"),
        _count("plays_with_watch_time", "plays whose watch time is known or assumed"),
        _count("sessions_started", "sessions started on the day"),
        _count("distinct_content", "titles played"),
        _count("distinct_genres", "genres played"),
        _count("pauses", "pauses"),
        _count("buffer_events", "rebuffering stops"),
        _count("plays_with_buffering", "plays whose number of rebuffering stops is known"),
        _count("recommended_plays", "plays started from a recommendation"),
        _count("plays_with_recommendation", "plays of which it is known whether they were"),
        *_COMPLETION_SUMS,
        _count("plays_under_10pct", "plays abandoned before 10 % of a known length"),
        Column("first_event_at", "timestamp", "earliest event of the day", not_null=True),
        Column("last_event_at", "timestamp", "latest event of the day", not_null=True),
    ),
)

user_content_daily = Table(
    "core/user_content_daily",
    grain="one row per user, title, state, country, platform and day with a play",
    key=("user_id", "content_id", "state", "country", "platform", "date"),
    source="core/plays of the day",
    partition_by=("date",),
    day_column="date",
    columns=(
        _USER,
        _CONTENT,
        Column("state", "string", "state of the plays"),
        Column("country", "string", "country of the plays"),
        Column("platform", "string", "platform of the plays"),
        _DATE,
        Column("plays", "int64", "plays", not_null=True, at_least=1),
        _seconds("watch_seconds", "watched time"),
        *_COMPLETION_SUMS,
        *_ATTRIBUTES,
        Column("last_event_at", "timestamp", "start of the latest of the plays", not_null=True),
    ),
)

content_daily = Table(
    "core/content_daily",
    grain="one row per title, state, platform and day with a play",
    key=("content_id", "state", "platform", "date"),
    source="core/plays of the day",
    partition_by=("date",),
    day_column="date",
    columns=(
        Column(
            "content_id",
            "string",
            "show, film, episode or track",
            not_null=True,
            refers_to=Reference("core/content", "content_id"),
        ),
        Column("state", "string", "state of the plays"),
        Column("platform", "string", "platform of the plays"),
        _DATE,
        Column("plays", "int64", "plays", not_null=True, at_least=1),
        Column("unique_users", "int64", "users with a play", not_null=True, at_least=1),
        _seconds("watch_seconds", "watched time"),
        _count("plays_with_watch_time", "plays whose watch time is known or assumed"),
        *_COMPLETION_SUMS,
        Column(
            "completion_histogram",
            "array<int64>",
            f"plays by completion_pct in {COMPLETION_BINS} bins of 5 points, the last with 100",
            not_null=True,
        ),
    ),
)

hourly_activity = Table(
    "core/hourly_activity",
    grain="one row per hour of a day with plays, zeros included",
    key=("hour_at",),
    source="core/plays of the day",
    partition_by=("date",),
    day_column="date",
    columns=(
        Column("hour_at", "timestamp", "UTC start of the local hour", not_null=True),
        _DATE,
        Column("local_hour", "int64", "hour of the reporting zone's clock", not_null=True, at_least=0, at_most=23),
        _count("plays", "plays started in the hour"),
        _count("active_users", "users with a play started in the hour"),
        _seconds("watch_seconds", "watched time of these plays"),
    ),
)
