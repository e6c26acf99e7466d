"""Contracts of the group raw: landed rows as canonical columns, what was refused, and the ledger of files."""

from streaming_assets.contracts.table import Column, Table

EVENT_TYPES = ("play", "skip", "complete", "pause", "search", "preview", "exposure", "other")
NOT_READ = ("failed", "unclaimed")
"""Statuses of a file of which nothing was loaded in its present state."""
FILE_STATUSES = ("loaded", "replaced", *NOT_READ)
REJECT_REASONS = (
    "missing_user_id",
    "missing_content_id",
    "unparseable_timestamp",
    "timestamp_in_future",
    "timestamp_before_start",
    "negative_watch_seconds",
    "watch_seconds_too_long",
    "unknown_event_type",
    "malformed_row",
)

CANONICAL_EVENT = (
    Column("user_id", "string", "who", not_null=True),
    Column("started_at", "timestamp", "start of the play, or time of the event", not_null=True),
    Column("content_id", "string", "show, film, episode or track; given for play and skip"),
    Column("event_id", "string", "the producer's id, else the md5 of user, time, content and type", not_null=True),
    Column("event_type", "string", "what happened", not_null=True, one_of=EVENT_TYPES),
    Column("watch_seconds", "float64", "watched time, rounded to milliseconds", at_least=0),
    Column("content_seconds", "float64", "length of the content"),
    Column("platform", "string", "app or operating system"),
    Column("device", "string", "device"),
    Column("country", "string", "country"),
    Column("state", "string", "state or region"),
    Column("timezone", "string", "the user's time zone as the file says"),
    Column("pauses", "int64", "pauses during this play", at_least=0),
    Column("buffer_events", "int64", "rebuffering stops during this play", at_least=0),
    Column("was_recommended", "boolean", "started from a recommendation"),
    Column("title", "string", "title, where the file repeats it per row"),
    Column("creator", "string", "artist, studio or channel"),
    Column("genre", "string", "genre"),
    Column("content_type", "string", "series, film, music, …"),
    Column("rating", "string", "age rating"),
    Column("experiment_id", "string", "experiment, on exposure events"),
    Column("variant", "string", "variant, on exposure events"),
)
"""What a source of events yields, in this order."""

SOURCE_RULES = (
    Column(
        "assume_until_next_seconds",
        "float64",
        "source rule: without a watch time, assume the time until the user's next play, at most this",
    ),
    Column("assume_last_seconds", "float64", "source rule: assumed watch time of a session's last play"),
    Column(
        "skip_under_seconds", "float64", "source rule: a play followed by the next one within less than this is a skip"
    ),
)
"""Rules of the row's source that the transforms apply; NULL where the source declares none."""

CANONICAL_USER = (
    Column("user_id", "string", "who", not_null=True),
    Column("valid_from", "timestamp", "from when on the record holds"),
    Column("signed_up_at", "timestamp", "registration"),
    Column("plan", "string", "free, basic, premium, …"),
    Column("age", "int64", "age in years", at_least=0),
    Column("gender", "string", "gender as recorded"),
    Column("country", "string", "country as recorded"),
    Column("state", "string", "state as recorded"),
    Column("platform", "string", "platform as recorded"),
    Column("preferred_genre", "string", "genre the user named"),
    Column("cancelled_at", "timestamp", "end of the subscription"),
    Column("cancel_reason", "string", "reason the user gave"),
    Column("email", "string", "keyed hash of the e-mail address, never the address"),
)
"""What a source of users yields, in this order."""

CANONICAL_CONTENT = (
    Column("content_id", "string", "show, film, episode or track", not_null=True),
    Column("title", "string", "title"),
    Column("content_type", "string", "series, film, music, …"),
    Column("genre", "string", "genre"),
    Column("creator", "string", "artist, studio or channel"),
    Column("content_seconds", "float64", "length", at_least=0),
    Column("released_on", "date", "release date"),
    Column("rating", "string", "age rating"),
    Column("description", "string", "description"),
)
"""What a source of content yields, in this order."""

_FILE_ID = Column("file_id", "string", "md5 of the file's path under landing", not_null=True)
_ROW_NUMBER = Column(
    "row_number", "int64", "position of the row in its file, from 1, a header not counted", not_null=True, at_least=1
)

events = Table(
    "raw/events",
    grain="one row per accepted event row of a landed file",
    key=("file_id", "row_number"),
    source="the files in landing that a source of events claims",
    caveats="Rows as landed: duplicates are still in. Re-landing a file replaces exactly its rows.",
    partition_by=("event_date", "file_id"),
    day_column="event_date",
    columns=(
        *CANONICAL_EVENT,
        *SOURCE_RULES,
        _FILE_ID,
        _ROW_NUMBER,
        Column("event_date", "date", "day of started_at in the reporting zone", not_null=True),
        Column(
            "local_hour", "int64", "hour of started_at in the reporting zone", not_null=True, at_least=0, at_most=23
        ),
    ),
)

users = Table(
    "raw/users",
    grain="one row per accepted user row of a landed file",
    key=("file_id", "row_number"),
    source="the files in landing that a source of users claims",
    partition_by=("file_id",),
    columns=(*CANONICAL_USER, _FILE_ID, _ROW_NUMBER),
)

content = Table(
    "raw/content",
    grain="one row per accepted content row of a landed file",
    key=("file_id", "row_number"),
    source="the files in landing that a source of content claims",
    partition_by=("file_id",),
    columns=(*CANONICAL_CONTENT, _FILE_ID, _ROW_NUMBER),
)

rejected_rows = Table(
    "raw/rejected_rows",
    grain="one row per row of a landed file and table that it could not be used for",
    key=("file_id", "table", "row_number"),
    source="the files in landing",
    caveats="The raw row is capped at 1,000 characters and e-mail addresses in it are masked.",
    partition_by=("file_id",),
    columns=(
        _FILE_ID,
        Column(
            "table", "string", "the table the row was meant for", not_null=True, one_of=("events", "users", "content")
        ),
        _ROW_NUMBER,
        Column("reason", "string", "why it was refused", not_null=True, one_of=REJECT_REASONS),
        Column("event_date", "date", "day of the event in the reporting zone, where its time could be read"),
        Column("raw_row", "string", "the row as text"),
    ),
)

event_files = Table(
    "raw/event_files",
    grain="one row per landed file, of whatever table: the ledger",
    key=("file_id",),
    source="the files in landing",
    caveats=(
        "rows = accepted + rejected. A file that failed when it was landed again keeps the counts of "
        "the content that is still loaded."
    ),
    columns=(
        _FILE_ID,
        Column("path", "string", "path under landing", not_null=True),
        Column("source", "string", "name of the source that claimed it"),
        Column("table", "string", "events, users or content", one_of=("events", "users", "content")),
        Column("sha256", "string", "hash of the bytes"),
        Column("bytes", "int64", "size", not_null=True, at_least=0),
        Column("modified_at", "timestamp", "the file's modification time when it was read", not_null=True),
        Column("rows", "int64", "rows found", not_null=True, at_least=0),
        Column("accepted", "int64", "rows loaded", not_null=True, at_least=0),
        Column("rejected", "int64", "rows refused", not_null=True, at_least=0),
        Column("first_event_at", "timestamp", "earliest accepted event"),
        Column("last_event_at", "timestamp", "latest accepted event"),
        Column("event_dates", "array<date>", "days with accepted events", not_null=True),
        Column(
            "touched_dates",
            "array<date>",
            "days whose rows changed when it was last read, old and new ones",
            not_null=True,
        ),
        Column("raw_version", "int64", "version of raw/events in which its rows were last changed"),
        Column("ingested_at", "timestamp", "when it was read", not_null=True),
        Column("status", "string", "what became of it", not_null=True, one_of=FILE_STATUSES),
        Column("error", "string", "why it failed or who might have claimed it"),
        Column("read_with", "string", "fingerprint of the source definition it was read with", not_null=True),
    ),
)
