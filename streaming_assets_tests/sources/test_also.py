"""What a file yields besides its main table: what of it is refused is kept too, and counts to its own table."""

import json

import pytest

SHOWS = """\
name: shows
table: events
claims: {files: ["s*"]}
select: {user_id: user_id, started_at: started_at, content_id: content_id, event_type: event_type}
also:
  - table: content
    select: {content_id: content_id, title: title, content_seconds: CAST(length AS DOUBLE)}
"""
VIEW = {
    "user_id": "ann",
    "started_at": "2024-05-01T10:00:00Z",
    "content_id": "c1",
    "event_type": "play",
    "title": "Home",
    "length": "60",
}


@pytest.fixture
def read(landing):
    def read(*rows, yaml=SHOWS):
        landing.define("shows.yaml", yaml)
        return landing.read_one(
            "s.jsonl", "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        )

    return read


def refused(result):
    return result.rejects('"table"', "row_number", "reason")


def test_a_row_that_fails_for_the_second_table_alone_loads_for_the_first_and_is_kept_as_refused_for_the_second(read):
    result = read(VIEW, VIEW | {"length": "twelve"}, VIEW)
    assert (result.file.rows, result.file.rejected) == (3, 0)
    assert result.rows("row_number") == [1, 2, 3]
    assert result.rows("row_number", table="content") == [1, 3]
    assert result.rejects('"table"', "row_number", "reason", "event_date", "raw_row") == [
        ("content", 2, "malformed_row", None, json.dumps(VIEW | {"length": "twelve"}))
    ]


def test_a_row_that_fails_for_both_tables_is_refused_for_each_and_counts_once(read):
    result = read(VIEW, VIEW | {"user_id": None, "length": "twelve"}, VIEW)
    assert sorted(refused(result)) == [("content", 2, "malformed_row"), ("events", 2, "missing_user_id")]
    assert (result.file.rows, result.file.rejected) == (3, 1)


def test_a_row_that_is_no_row_at_all_is_refused_once(read):
    result = read(VIEW, "{torn", VIEW, "", VIEW)
    assert refused(result) == [("events", 2, "malformed_row")]


def test_a_row_that_has_nothing_for_the_second_table_is_no_row_of_it(read):
    search = {"user_id": "ann", "started_at": "2024-05-01T10:00:00Z", "event_type": "search"}
    result = read(VIEW, search, search | {"title": "Lost"})
    assert (result.file.rows, result.file.rejected) == (3, 0)
    assert refused(result) == [("content", 3, "missing_content_id")]


def test_rows_that_a_query_makes_for_the_second_table_are_refused_under_their_own_numbers(read):
    query = (
        "  - table: content\n    query: >\n"
        "      SELECT content_id, unnest(string_split(length, '+')) AS content_seconds FROM file\n"
    )
    result = read(
        VIEW | {"length": "1+two"}, "3", VIEW | {"length": "x"}, VIEW, yaml=SHOWS.split("  - table")[0] + query
    )
    assert (result.file.rows, result.file.rejected) == (4, 1)
    assert sorted(refused(result)) == [
        ("content", 2, "malformed_row"),
        ("content", 3, "malformed_row"),
        ("events", 2, "malformed_row"),
    ]
    assert result.rows("row_number", table="content") == [1, 4]
