"""What becomes of the values in a row: types, defaults, reasons, days."""

import csv
import datetime as dt
import hashlib
import hmac
import io
import json
import re

import duckdb
import pytest

from streaming_assets.contracts import raw
from streaming_assets.sources.coerce import coerced
from streaming_assets_tests.sources.conftest import EMAIL_KEY, NOW

START = dt.datetime(2024, 5, 1, 10, 0)


def events(landing, *rows, **columns):
    """A file of plays by ann, one per given mapping of what is different about it."""
    plays = [
        {"user_id": "ann", "started_at": "2024-05-01T10:00:00Z", "content_id": "c1"} | columns | row for row in rows
    ]
    return landing.read_one("events.jsonl", "".join(json.dumps(play) + "\n" for play in plays))


def good(count):
    return [{}] * count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T10:00:00Z", START),
        ("2024-05-01T10:00:00", START),
        ("2024-05-01 10:00:00", START),
        ("2024-05-01 10:00", START),
        ("2024-05-01T10:00:00.123456Z", START.replace(microsecond=123456)),
        ("2024-05-01T10:00:00 UTC", START),
        ("2024-05-01t10:00:00z", START),
        ("2024-05-01T10:00z", START),
        ("2024-05-02T01:59:00+15:59", START),
        ("2024-05-01T12:00:00+02:00", START),
        ("2024-05-01T12:00:00+0200", START),
        ("2024-05-01 04:30:00-05:30", START),
        ("2024-05-01T11:00:00.5+01", START.replace(microsecond=500000)),
        ("  2024-05-01T10:00:00Z ", START),
        ("2024-05-01", dt.datetime(2024, 5, 1)),
    ],
)
def test_iso_times_are_read_as_utc_and_offsets_are_applied(landing, text, expected):
    assert events(landing, {"started_at": text}).rows("started_at") == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "01.05.2024",
        "1714557600",
        "12024-05-01",
        "soon",
        "2024-02-30",
        "2024-05-01T25:00:00",
        "infinity",
        "epoch",
        "2024-05-01 10:00:00 Europe/Berlin",
        "2024-05-01T10:00:00+25:00",
        "2024-05-01T10:00:00-16:00",
        "2024-05-01T10:00:00+05:75",
        "2024-05-01T10:00:00+0560",
    ],
)
def test_a_time_that_cannot_be_read_is_refused_as_such(landing, text):
    result = events(landing, {}, {"started_at": text})
    assert result.rejects("row_number", "reason", "event_date") == [(2, "unparseable_timestamp", None)]


def test_a_number_for_a_time_is_refused_row_by_row_and_not_guessed_at(landing):
    result = events(landing, {"started_at": 1714557600})
    assert (result.file.status, result.rejects()) == ("loaded", [(1, "unparseable_timestamp")])


@pytest.mark.parametrize(
    "value",
    [
        "TIMESTAMP '2024-05-01 10:00:00'",
        "TIMESTAMPTZ '2024-05-01 12:00:00+02:00'",
        "TIMESTAMP_NS '2024-05-01 10:00:00'",
        "TIMESTAMP_MS '2024-05-01 10:00:00'",
        "TIMESTAMP_S '2024-05-01 10:00:00'",
        "'2024-05-01T12:00:00+02:00'",
    ],
)
def test_parquet_times_of_any_kind_are_read_as_utc(landing, tmp_path, value):
    made = tmp_path / "made.parquet"
    duckdb.connect().execute(f"COPY (SELECT 'ann' AS user_id, {value} AS started_at, 'c1' AS content_id) TO '{made}'")
    assert landing.read_one("a.parquet", made.read_bytes()).rows("started_at") == [START]


def test_every_reason_is_given_in_the_order_in_which_a_reader_would_look(landing):
    late = (NOW + dt.timedelta(hours=24, seconds=1)).isoformat()
    spoiled = {"watch_seconds": 50_000, "event_type": "dance", "started_at": late, "user_id": " ", "pauses": "many"}
    rows = [
        spoiled,
        spoiled | {"pauses": 1},
        spoiled | {"pauses": 1, "user_id": "bob", "started_at": "?"},
        spoiled | {"pauses": 1, "user_id": "bob"},
        spoiled | {"pauses": 1, "user_id": "bob", "started_at": "2004-12-31T23:59:59Z"},
        spoiled | {"pauses": 1, "user_id": "bob", "started_at": "2024-05-01"},
        {"content_id": "", "watch_seconds": -1},
        {"watch_seconds": -0.001},
        {"watch_seconds": 43_200.001},
    ]
    assert events(landing, *rows).rejects() == list(
        enumerate(
            [
                "malformed_row",
                "missing_user_id",
                "unparseable_timestamp",
                "timestamp_in_future",
                "timestamp_before_start",
                "unknown_event_type",
                "missing_content_id",
                "negative_watch_seconds",
                "watch_seconds_too_long",
            ],
            start=1,
        )
    )


def test_the_edges_of_what_is_allowed_are_accepted(landing):
    result = events(
        landing,
        {"watch_seconds": 0},
        {"watch_seconds": 43_200},
        {"started_at": (NOW + dt.timedelta(hours=24)).isoformat()},
        {"started_at": "2005-01-01T00:00:00Z"},
    )
    assert result.rows("row_number") == [1, 2, 3, 4]


def test_only_plays_and_skips_need_content(landing):
    types = list(raw.EVENT_TYPES)
    result = events(landing, *({"event_type": kind, "content_id": None} for kind in types))
    assert result.rejects() == [(1, "missing_content_id"), (2, "missing_content_id")]
    assert result.rows("event_type") == types[2:]


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "ten", "1e999"])
def test_a_watch_time_that_is_no_finite_number_makes_the_row_malformed(landing, value):
    result = landing.read_one(
        "a.csv", f"user_id,started_at,content_id,watch_seconds\n{'ann,2024-05-01,c1,1'}\nann,2024-05-01,c1,{value}\n"
    )
    assert result.rejects() == [(2, "malformed_row")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pauses", -1),
        ("buffer_events", "x"),
        ("was_recommended", "perhaps"),
        ("content_seconds", "1:00"),
        ("pauses", "1;2"),
    ],
)
def test_a_value_that_its_column_cannot_have_makes_the_row_malformed(landing, column, value):
    assert events(landing, {}, {column: value}).rejects() == [(2, "malformed_row")]


def test_texts_are_kept_ids_trimmed_and_empty_texts_are_unknown(landing):
    result = events(
        landing,
        {"user_id": " ann\t", "content_id": " c 1 ", "title": " A film ", "genre": "", "event_type": " PLAY "},
        {"event_type": ""},
    )
    columns = ("user_id", "content_id", "title", "genre", "event_type")
    assert result.rows(*columns) == [("ann", "c 1", " A film ", None, "play"), ("ann", "c1", None, None, "play")]


def test_numbers_and_flags_are_read_from_text_and_watch_times_rounded_to_milliseconds(landing):
    result = landing.read_one(
        "a.csv",
        "user_id,started_at,content_id,watch_seconds,content_seconds,pauses,was_recommended\n"
        "ann,2024-05-01,c1,12.34567,100,3,true\nann,2024-05-01,c1,,,,\nann,2024-05-01,c1, 7 ,1e3,0,0\n",
    )
    assert result.rows("watch_seconds", "content_seconds", "pauses", "was_recommended") == [
        (12.346, 100.0, 3, True),
        (None, None, None, None),
        (7.0, 1000.0, 0, False),
    ]


def test_an_event_without_an_id_gets_the_md5_of_who_when_what_and_kind(landing):
    result = events(landing, {}, {"event_id": " e7 "}, {"event_type": "search", "content_id": None})
    # 1714557600 is 2024-05-01 10:00:00 UTC.
    expected = [
        hashlib.md5(b"ann\x1f1714557600000000\x1fc1\x1fplay").hexdigest(),
        "e7",
        hashlib.md5(b"ann\x1f1714557600000000\x1f\x1fsearch").hexdigest(),
    ]
    assert result.rows("event_id") == expected


@pytest.mark.parametrize("table", ["events", "users", "content"])
def test_accepted_rows_have_exactly_the_columns_and_types_of_the_contract(landing, table):
    result = {
        "events": lambda: events(landing, {}),
        "users": lambda: landing.read_one("u.csv", "user_id,plan\nann,free\n"),
        "content": lambda: landing.read_one("c.csv", "content_id,title\nc1,Home\n"),
    }[table]()
    contract = {"events": raw.events, "users": raw.users, "content": raw.content}[table]
    types = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "int64": "BIGINT", "float64": "DOUBLE"}
    types |= {"boolean": "BOOLEAN", "date": "DATE"}
    described = landing.connection.execute(f"DESCRIBE {result.file.accepted[table]}").fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [
        (column.name, types[column.type]) for column in contract.columns
    ]


def test_refused_rows_have_exactly_the_columns_and_types_of_the_contract(landing):
    result = landing.read_one("u.csv", "user_id,plan\nann,free\n,free\ntorn\n")
    described = landing.connection.execute(f"DESCRIBE FROM read_parquet('{result.file.rejects}')").fetchall()
    assert [(name, type_) for name, type_, *_ in described] == [
        ("file_id", "VARCHAR"),
        ("table", "VARCHAR"),
        ("row_number", "BIGINT"),
        ("reason", "VARCHAR"),
        ("event_date", "DATE"),
        ("raw_row", "VARCHAR"),
    ]
    assert result.rejects("file_id", '"table"', "row_number", "reason", "raw_row") == [
        (result.file.file.file_id, "users", 2, "missing_user_id", ",free"),
        (result.file.file.file_id, "users", 3, "malformed_row", "torn"),
    ]


def test_days_and_hours_are_those_of_the_reporting_zone_through_both_clock_changes(landing_in):
    # Berlin: +1 until 2024-03-31 01:00 UTC, +2 until 2023-10-29 01:00 UTC (and 2024-10-27).
    local = {
        "2024-03-30T22:59:59Z": ("2024-03-30", 23),
        "2024-03-30T23:00:00Z": ("2024-03-31", 0),
        "2024-03-31T00:59:59Z": ("2024-03-31", 1),
        "2024-03-31T01:00:00Z": ("2024-03-31", 3),
        "2024-03-31T21:59:59Z": ("2024-03-31", 23),
        "2024-03-31T22:00:00Z": ("2024-04-01", 0),
        "2023-10-28T22:00:00Z": ("2023-10-29", 0),
        "2023-10-29T00:30:00Z": ("2023-10-29", 2),
        "2023-10-29T01:30:00Z": ("2023-10-29", 2),
        "2023-10-29T02:00:00Z": ("2023-10-29", 3),
        "2023-10-29T22:59:59Z": ("2023-10-29", 23),
        "2023-10-29T23:00:00Z": ("2023-10-30", 0),
    }
    result = events(landing_in("Europe/Berlin"), *({"started_at": at} for at in local))
    assert result.rows("event_date", "local_hour") == [
        (dt.date.fromisoformat(day), hour) for day, hour in local.values()
    ]


def test_the_first_day_is_one_of_the_reporting_zone(landing_in):
    result = events(
        landing_in("Asia/Kolkata"), {"started_at": "2004-12-31T18:30:00Z"}, {"started_at": "2004-12-31T18:29:59Z"}
    )
    assert result.rows("row_number", "event_date", "local_hour") == [(1, dt.date(2005, 1, 1), 0)]
    assert result.rejects("row_number", "reason", "event_date") == [
        (2, "timestamp_before_start", dt.date(2004, 12, 31))
    ]


def test_the_sessions_time_zone_of_the_connection_makes_no_difference(landing):
    landing.connection.execute("SET TimeZone = 'America/New_York'; SET preserve_insertion_order = false")
    assert events(landing, {}, {"started_at": "2024-05-01T12:00:00+02:00"}).rows("started_at") == [START, START]


def test_an_address_is_stored_as_a_keyed_hash_only(landing):
    landing.drop(
        "users.csv",
        "user_id,plan,age,email\nann,free,30, Ann@Example.ORG \nbob,free,31,\neve,free,old,eve.x+y@mail.example.org\n",
    )
    (result,) = landing.read_all().values()
    expected = hmac.new(EMAIL_KEY.encode(), b"ann@example.org", "sha256").hexdigest()
    assert result.rows("user_id", "email") == [("ann", expected), ("bob", None)]
    assert result.rejects("row_number", "reason", "raw_row") == [(3, "malformed_row", "eve,free,old,***")]
    left = b"".join(path.read_bytes() for path in result.staging.rglob("*") if path.is_file()).lower()
    assert b"example" not in left
    assert b"ann@" not in left
    assert b"eve.x" not in left


@pytest.mark.parametrize("key", ["k", "k" * 64, "k" * 65])
def test_the_keyed_hash_is_hmac_sha256_for_keys_of_any_length(key):
    column = next(column for column in raw.CANONICAL_USER if column.name == "email")
    found = duckdb.sql("SELECT " + coerced("'Ann@Example.org'", "VARCHAR", column, key)).fetchall()
    assert found == [(hmac.new(key.encode(), b"ann@example.org", "sha256").hexdigest(),)]


@pytest.mark.parametrize(
    "address",
    [
        "o'brien@example.org",
        '"john doe"@example.org',
        '"Doe, John"@example.org',
        "jane(work)@example.org",
        "jane (work)@example.org",
        "jane@(work)example.org",
        "john=doe@example.org",
        "{jane}@example.org",
        "jane@[10.0.0.1]",
        "jane@localhost",
        "jane @ example.org",
        "jane&#64;example.org",
        "jane%2540example.org",
        "ünï@exämple.org",
        "jane＠example.org",
    ],
)
@pytest.mark.parametrize("name", ["users.csv", "users.jsonl", "ascii.jsonl", "torn.csv"])
def test_whatever_looks_like_an_address_is_masked_in_refused_rows(landing, name, address):
    bad, good = ["ann", "free", "old", address], ["bob", "free", "30", ""]
    names = ["user_id", "plan", "age", "email"]
    if name.endswith(".csv"):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([names, good, bad + ["surplus"] * (name == "torn.csv")])
        content = text.getvalue()
    else:
        rows = [dict(zip(names, row, strict=True)) for row in (good, bad)]
        content = "".join(json.dumps(row, ensure_ascii=name == "ascii.jsonl") + "\n" for row in rows)
    ((stored,),) = landing.read_one(name, content).rejects("raw_row")
    assert "***" in stored
    assert not re.search("brien|john|doe|jane|work|n.*@|10.0|example|ämple", stored, re.IGNORECASE)
    assert "ann" in stored
    assert "free" in stored
    assert "old" in stored


def test_addresses_are_masked_in_errors_too(landing):
    header = "user_id,plan,age\n"
    result = landing.read_one("users.csv", header + "ann,free,ann@example.org\n" * 3)
    assert result.file.status == "failed"
    assert "ann@" not in result.file.error
    assert "***" in result.file.error


def test_a_refused_row_is_kept_as_text_up_to_a_thousand_characters(landing):
    result = events(landing, {}, {"user_id": "", "title": "x" * 2000})
    ((text,),) = result.rejects("raw_row")
    assert text.startswith('{"user_id": "", "started_at": "2024-05-01T10:00:00Z", "content_id": "c1", "title": "xxx')
    assert len(text) == 1000


def test_the_rules_of_a_source_stand_on_each_of_its_rows(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\nskip_under_seconds: 30\n"
        "assume_watch_seconds: {until_next_up_to: 600, last: 210}\n",
    )
    row = "user_id,started_at,content_id\nann,2024-05-01,c1\n"
    rules = ("assume_until_next_seconds", "assume_last_seconds", "skip_under_seconds")
    assert landing.read_one("mine.csv", row).rows(*rules) == [(600.0, 210.0, 30.0)]
    assert landing.read_one("other.csv", row).rows(*rules) == [(None, None, None)]


def test_user_records_need_a_user_and_readable_times(landing):
    result = landing.read_one(
        "users.csv",
        "user_id,signed_up_at,cancelled_at,age\nann,2024-01-01,2024-02-01T12:00:00+02:00,30\nbob,then,,\n,2024-01-01,,\neve,,,-3\n",
    )
    assert result.rows("user_id", "signed_up_at", "cancelled_at", "age") == [
        ("ann", dt.datetime(2024, 1, 1), dt.datetime(2024, 2, 1, 10, 0), 30)
    ]
    assert result.rejects() == [(2, "malformed_row"), (3, "missing_user_id"), (4, "malformed_row")]


def test_content_records_need_an_id_and_a_length_that_is_none_below_zero(landing):
    result = landing.read_one(
        "content.csv", "content_id,title,content_seconds,released_on\nc1,Home,60,2024-02-29\n,Lost,,\nc3,Odd,-1,\n"
    )
    assert result.rows("content_id", "content_seconds", "released_on") == [("c1", 60.0, dt.date(2024, 2, 29))]
    assert result.rejects() == [(2, "missing_content_id"), (3, "malformed_row")]


@pytest.mark.parametrize("day", ["infinity", "-infinity", "12024-02-29"])
def test_a_day_without_end_is_no_day(landing, day):
    result = landing.read_one("content.csv", f"content_id,title,released_on\nc1,Home,{day}\nc2,Away,2024-02-29\n")
    assert result.rows("content_id") == ["c2"]
    assert result.rejects() == [(1, "malformed_row")]


def test_json_columns_keep_a_type_that_all_values_share_and_else_are_text(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\n"
        "select: {user_id: typeof(whole), started_at: started_at, content_id: typeof(mixed), title: nested, "
        "genre: typeof(number), rating: typeof(flag), creator: mixed, platform: typeof(fraction), device: number}\n",
    )
    rows = [
        {
            "started_at": "2024-05-01",
            "whole": 1,
            "mixed": "a",
            "nested": {"x": [1]},
            "number": 1,
            "flag": True,
            "fraction": 1.0,
        },
        {
            "started_at": "2024-05-01",
            "whole": -1,
            "mixed": 2,
            "nested": "plain",
            "number": 1.5,
            "flag": None,
            "fraction": 2.5,
        },
    ]
    result = landing.read_one("mine.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert result.rows("user_id", "platform", "rating") == [("BIGINT", "DOUBLE", "BOOLEAN")] * 2
    assert result.rows("content_id", "genre") == [("VARCHAR", "VARCHAR")] * 2
    assert result.rows("title", "creator", "device") == [('{"x":[1]}', "a", "1"), ("plain", "2", "1.5")]


def test_a_query_numbers_its_own_rows_and_what_it_never_saw_follows_after(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\nquery: |\n"
        "  SELECT user_id, started_at, unnest(string_split(titles, '+')) AS content_id, file_row_number AS event_id FROM file\n",
    )
    header = "user_id,started_at,titles\n"
    result = landing.read_one("mine.csv", header + "ann,2024-05-01,a+b\ntorn\nbob,2024-05-02,c\n,2024-05-03,d\n")
    assert result.rows("row_number", "user_id", "content_id", "event_id") == [
        (1, "ann", "a", "0"),
        (2, "ann", "b", "0"),
        (3, "bob", "c", "2"),
    ]
    assert result.rejects() == [(4, "missing_user_id"), (5, "malformed_row")]
    assert (result.file.rows, result.file.rejected) == (5, 2)


def test_a_query_that_raises_fails_the_file_with_its_line(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\n"
        "query: SELECT user_id, CAST(started_at AS TIMESTAMP) AS started_at, 'c' AS content_id FROM file\n",
    )
    result = landing.read_one("mine.csv", "user_id,started_at\nann,never\n")
    assert "mine.yaml:4: the query: Conversion Error" in result.file.error


def test_row_numbers_follow_the_file_over_many_blocks_and_threads(landing):
    landing.connection.execute("SET threads = 4")
    count = 300_000
    lines = [f"u{number},2024-05-01T10:00:00Z,c{number}" for number in range(1, count + 1)]
    lines[99_999] = ",2024-05-01T10:00:00Z,c"
    text = "user_id,started_at,content_id\n" + "\n".join(lines) + "\n"
    clean = landing.read_one("clean.csv", text)
    torn = landing.read_one("torn.csv", text + "torn\n")
    wrong = "SELECT count(*) FROM ({}) WHERE user_id <> 'u' || row_number OR content_id <> 'c' || row_number"
    for result in (clean, torn):
        assert landing.connection.execute(wrong.format(result.file.accepted["events"])).fetchall() == [(0,)]
    assert clean.rejects() == [(100_000, "missing_user_id")]
    assert torn.rejects() == [(100_000, "missing_user_id"), (300_001, "malformed_row")]
