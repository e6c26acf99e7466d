"""Each fault that a landed file can have: what loads, what is refused, under which row number, and what is said."""

import gzip
import json
import os

import duckdb
import pyarrow as pa
import pytest

from streaming_assets.sources import scan

HEADER = "user_id,started_at,content_id\n"
PLAY = ("ann", "2024-05-01T10:00:00Z", "c1")
ROW = ",".join(PLAY) + "\n"
LINE = '{"user_id": "ann", "started_at": "2024-05-01T10:00:00Z", "content_id": "c1"}\n'
LASTFM = "userid-timestamp-artid-artname-traid-traname.tsv"
LISTEN = "user_1\t2009-05-04T23:08:57Z\ta\tArtist\tt\tTrack\n"
MEBIBYTE = 1 << 20


def numbers(result):
    return result.rows("row_number")


def failure(result):
    assert (result.file.rows, result.file.rejected, result.file.accepted, result.file.rejects) == (0, 0, {}, None)
    return result.file.status, result.file.source, result.file.error


# Rows


def test_rows_with_too_few_or_too_many_fields_are_malformed_and_keep_their_numbers(landing):
    result = landing.read_one("a.csv", HEADER + ROW + "ann,2024-05-01\n" + ROW + ROW.strip() + ",extra\n" + ROW + ROW)
    assert numbers(result) == [1, 3, 5, 6]
    assert result.rejects("row_number", "reason", "raw_row") == [
        (2, "malformed_row", "ann,2024-05-01"),
        (4, "malformed_row", "ann,2024-05-01T10:00:00Z,c1,extra"),
    ]
    assert (result.file.rows, result.file.rejected) == (6, 2)


def test_a_file_cut_off_within_a_row_loses_that_row_only(landing):
    result = landing.read_one("a.csv", HEADER + ROW * 3 + "ann,2024-05-0")
    assert numbers(result) == [1, 2, 3]
    assert result.rejects() == [(4, "malformed_row")]


def test_an_unclosed_quote_costs_its_own_row_and_none_of_those_after_it(landing):
    result = landing.read_one("a.csv", HEADER + ROW + 'bob,"2024-05-01,c1\n' + ROW * 3)
    assert numbers(result) == [1, 3, 4, 5]
    assert result.rejects("row_number", "raw_row") == [(2, 'bob,"2024-05-01,c1')]


def test_two_unclosed_quotes_do_not_swallow_the_rows_between_them(landing):
    stray = 'bob,"2024-05-01,c1\n'
    result = landing.read_one("a.csv", HEADER + stray + ROW * 2 + stray + ROW)
    assert numbers(result) == [2, 3, 5]
    assert result.rejects() == [(1, "malformed_row"), (4, "malformed_row")]


def test_a_quoted_line_break_is_part_of_its_row_also_beside_malformed_rows(landing):
    title = 'user_id,started_at,content_id,title\nann,2024-05-01T10:00:00Z,c1,"two\nlines, ""quoted"""\n'
    plain = landing.read_one("a.csv", title + ROW.strip() + ",x\n")
    torn = landing.read_one("b.csv", title + "torn\n" + ROW.strip() + ",x\n")
    assert plain.rows("row_number", "title") == [(1, 'two\nlines, "quoted"'), (2, "x")]
    assert torn.rows("row_number", "title") == [(1, 'two\nlines, "quoted"'), (3, "x")]
    assert torn.rejects() == [(2, "malformed_row")]


def test_blank_lines_are_no_rows(landing):
    result = landing.read_one("a.csv", "\n" + HEADER + ROW + "\n\n" + "torn\n" + "\n" + ROW + ROW + "\n")
    assert numbers(result) == [1, 3, 4]
    assert result.rejects() == [(2, "malformed_row")]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROW + ROW,
        (HEADER + ROW + ROW).replace("\n", "\r\n"),
        (HEADER + ROW + ROW).replace("\n", "\r"),
        HEADER + ROW.replace("\n", "\r\n") + ROW,
        "\ufeff" + HEADER + ROW + ROW,
        "\ufeff\n" + HEADER + ROW + ROW,
        (HEADER + ROW + ROW).strip(),
        '"user_id" ,"started_at", "content_id"\n' + ROW + ROW,
    ],
    ids=["lf", "crlf", "cr", "mixed", "bom", "bom and blank", "no last newline", "quoted header"],
)
def test_line_ends_and_byte_order_marks_make_no_difference(landing, content):
    result = landing.read_one("a.csv", content)
    assert result.rows("user_id", "content_id", "row_number") == [("ann", "c1", 1), ("ann", "c1", 2)]


@pytest.mark.parametrize(("end", "torn"), [("\n", ""), ("\r\n", ""), ("\r", ""), ("\n", "torn\n"), ("\r\n", "torn\n")])
def test_a_quoted_name_in_the_header_may_go_on_over_lines(landing, end, torn):
    landing.define(
        "mine.yaml",
        'name: mine\ntable: events\nclaims: {columns: [["watched\\nthing"]]}\n'
        'select: {user_id: user_id, started_at: started_at, content_id: "\\"watched\\nthing\\""}\n',
    )
    content = 'user_id,"watched\nthing",started_at\n' + "ann,c1,2024-05-01\n" + torn + "bob,c2,2024-05-01\n"
    result = landing.read_one("a.csv", content.replace("\n", end))
    assert result.rows("user_id", "content_id") == [("ann", "c1"), ("bob", "c2")]
    assert len(result.rejects()) == bool(torn)


def test_a_quote_that_the_header_never_closes_leaves_the_header_on_its_line(landing):
    result = landing.read_one("a.csv", 'user_id,started_at,content_id,ti"tle\n' + (ROW.strip() + ",x\n") * 2)
    assert numbers(result) == [1, 2]


@pytest.mark.parametrize(("name", "row"), [("a.csv", ROW), ("a.jsonl", LINE)])
def test_a_row_of_ten_megabytes_is_refused_and_the_rest_loads(landing, name, row):
    header = HEADER if name == "a.csv" else ""
    result = landing.read_one(name, header + row * 2 + "x" * 10_000_000 + "\n" + row * 2)
    assert numbers(result) == [1, 2, 4, 5]
    assert result.rejects("row_number", "reason", "raw_row") == [(3, "malformed_row", "x" * 1000)]


def test_a_row_of_a_mebibyte_is_a_row_and_one_byte_more_is_not(landing):
    header = "user_id,started_at,content_id,title\n"
    row = ROW.strip() + ","
    fits = row + "x" * (MEBIBYTE - len(row))
    result = landing.read_one("a.csv", header + ROW.strip() + ",\n" + fits + "\n" + fits + "x\n" + fits)
    assert numbers(result) == [1, 2, 4]
    assert result.rejects() == [(3, "malformed_row")]


def test_a_row_of_ten_megabytes_in_a_json_array_is_refused_and_the_rest_loads(landing):
    long = LINE.replace("ann", "x" * 10_000_000)
    result = landing.read_one("a.json", f"[{LINE},{long},{LINE}]")
    assert numbers(result) == [1, 3]
    assert result.rejects() == [(2, "malformed_row")]


def test_a_nul_byte_makes_its_row_malformed(landing):
    result = landing.read_one("a.csv", HEADER + ROW + ROW.replace("ann", "a\0n") + ROW)
    assert numbers(result) == [1, 3]
    assert result.rejects("row_number", "reason", "raw_row") == [(2, "malformed_row", "a␀n,2024-05-01T10:00:00Z,c1")]
    lines = landing.read_one(
        "a.jsonl", LINE + LINE.replace("ann", "a\0n") + LINE.replace("ann", "a\\u0000n") + LINE * 2
    )
    assert numbers(lines) == [1, 4, 5]


def test_lines_that_are_no_json_objects_are_malformed_and_keep_their_text(landing):
    bad = ["{bad", "3", '["x"]', "null", '{"user_id": "ann"', "\x01"]
    result = landing.read_one("a.jsonl", LINE * 4 + "\n" + "\n".join(bad) + "\n" + LINE * 4)
    assert numbers(result) == [1, 2, 3, 4, 11, 12, 13, 14]
    assert result.rejects("row_number", "reason", "raw_row") == [
        (number, "malformed_row", text) for number, text in enumerate(bad, start=5)
    ]


def test_elements_of_a_json_array_that_are_no_objects_are_malformed(landing):
    result = landing.read_one("a.json", f'[{LINE}, 3, {LINE}, "x", {LINE}]')
    assert numbers(result) == [1, 3, 5]
    assert result.rejects("row_number", "raw_row") == [(2, "3"), (4, '"x"')]


def test_a_number_where_a_text_should_be_is_read_as_text(landing):
    result = landing.read_one("a.jsonl", LINE + LINE.replace('"c1"', "17").replace('"ann"', "42"))
    assert result.rows("user_id", "content_id") == [("ann", "c1"), ("42", "17")]


@pytest.mark.parametrize(
    "ids",
    [
        [1, 2**63 - 1, -(2**63)],
        [1, 2**63, 2**64 - 1],
        [2**64, 2**64 + 1, 10**20 + 1],
        [-(2**63) - 1, 3],
        [9007199254740993, 9007199254740995, 1.5],
        [42, 7.5],
        [42, "u1", None, True],
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_numbers_as_ids_keep_every_digit_whatever_stands_beside_them(landing, name, ids):
    rows = [{"content_id": id_, "user_id": "ann", "event_type": "search", "started_at": "2024-05-01"} for id_ in ids]
    text = json.dumps(rows) if name == "a.json" else "".join(json.dumps(row) + "\n" for row in rows)
    result = landing.read_one(name, text)
    expected = [id_ if isinstance(id_, str | None) else json.dumps(id_) for id_ in ids]
    assert (result.rows("content_id"), result.rejects()) == (expected, [])


def test_a_number_that_its_column_cannot_hold_makes_its_row_malformed(landing):
    row = LINE.replace("}", ', "pauses": %s}')
    result = landing.read_one("a.jsonl", row % 1 + row % 2**63 + row % 3)
    assert result.rows("pauses") == [1, 3]
    assert result.rejects() == [(2, "malformed_row")]
    row = LINE.replace("}", ', "watch_seconds": %s}')
    result = landing.read_one("b.jsonl", row % 1.5 + row % "1e400" + row % 3)
    assert result.rows("watch_seconds") == [1.5, 3.0]
    assert result.rejects() == [(2, "malformed_row")]


def test_a_value_that_has_not_the_declared_type_makes_its_row_malformed(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\nreader: {columns: {seconds: num}}\n"
        "select: {user_id: user_id, started_at: started_at, content_id: content_id, watch_seconds: seconds * 60}\n",
    )
    header = HEADER.strip() + ",seconds\n"
    row = ROW.strip()
    result = landing.read_one("mine.csv", header + f"{row},2\n{row},two\n{row},\n")
    assert result.rows("row_number", "watch_seconds") == [(1, 120.0), (3, None)]
    assert result.rejects("row_number", "reason", "raw_row") == [(2, "malformed_row", f"{row},two")]


# Files


def test_a_file_of_which_more_than_half_is_malformed_fails_naming_the_first_such_row(landing):
    half = landing.read_one("a.csv", HEADER + ROW + "torn\n" + ROW + "torn\n")
    more = landing.read_one("b.csv", HEADER + ROW + "torn\n" * 2)
    assert half.file.status == "loaded"
    assert failure(more) == (
        "failed",
        "canonical_events",
        "2 of 3 rows are malformed; the first, row 2: expected 3 columns, found 1",
    )


def test_the_first_malformed_row_of_a_failed_file_names_the_column_that_has_no_reading(landing):
    header = HEADER.strip() + ",watch_seconds\n"
    result = landing.read_one("a.csv", header + ROW.strip() + ",1\n" + f"{ROW.strip()},long\n" * 2)
    status, _, error = failure(result)
    assert status == "failed"
    assert error.startswith("2 of 3 rows are malformed; the first, row 2: watch_seconds: Conversion Error")
    assert "long" in error


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.tsv"])
def test_a_file_that_is_not_utf8_fails(landing, name):
    text = {"a.csv": HEADER + ROW, "a.tsv": (HEADER + ROW).replace(",", "\t"), "a.jsonl": LINE, "a.json": f"[{LINE}]"}
    result = landing.read_one(name, text[name].replace("ann", "andré").encode("latin-1"))
    status, _, error = failure(result)
    assert status == "failed"
    assert "UTF-8" in error


def test_the_row_that_is_not_utf8_is_named(landing):
    content = (HEADER + ROW * 3 + ROW.replace("ann", "andré")).encode("latin-1")
    assert "row 4 is not UTF-8" in landing.read_one("a.csv", content).file.error


def test_a_file_in_utf16_says_so(landing):
    assert "found text in UTF-16" in landing.read_one("a.csv", (HEADER + ROW).encode("utf-16")).file.error


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
def test_a_source_can_name_another_encoding(landing, encoding):
    landing.define(
        "mine.yaml",
        f"name: mine\ntable: events\nclaims: {{files: ['mine*']}}\nreader: {{encoding: {encoding}}}\n"
        "select: {user_id: user_id, started_at: started_at, content_id: content_id}\n",
    )
    result = landing.read_one("mine.csv", (HEADER + ROW.replace("ann", "andré")).encode(encoding))
    assert result.rows("user_id") == ["andré"]


def test_bytes_that_are_not_the_encoding_that_the_source_names_fail_the_file(landing):
    landing.define(
        "mine.yaml",
        "name: mine\ntable: events\nclaims: {files: ['mine*']}\nreader: {encoding: ascii}\n"
        "select: {user_id: user_id, started_at: started_at}\n",
    )
    status, source, error = failure(landing.read_one("mine.csv", HEADER + ROW.replace("ann", "andré")))
    assert (status, source) == ("failed", "mine")
    assert error.startswith("found bytes that are not ascii")


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.parquet", "a.csv.gz", "a.jsonl.zst"])
def test_a_file_of_no_bytes_is_loaded_with_no_rows(landing, name):
    result = landing.read_one(name, b"").file
    assert (result.status, result.source, result.table, result.rows) == ("loaded", "canonical_events", "events", 0)
    assert (result.accepted, result.rejects) == ({}, None)


def test_a_file_of_no_bytes_belongs_to_the_source_that_claims_its_name(landing):
    assert landing.read_one(LASTFM, b"").file.source == "lastfm_1k"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", HEADER),
        ("b.csv", HEADER.strip()),
        ("c.json", "[]"),
        ("d.jsonl", "\n\n"),
        ("e.csv.gz", gzip.compress(b"", mtime=0)),
    ],
)
def test_a_file_without_rows_is_loaded_with_no_rows(landing, name, content):
    result = landing.read_one(name, content)
    assert (result.file.status, result.file.source, result.file.rows) == ("loaded", "canonical_events", 0)
    assert not result.file.accepted or numbers(result) == []


def test_a_file_of_nothing_but_malformed_lines_fails(landing):
    assert failure(landing.read_one("a.jsonl", "{bad\n3\n"))[::2] == (
        "failed",
        "found 2 rows and no field in any of them, expected JSON objects",
    )


@pytest.mark.parametrize("cut", [4, 20, 60])
def test_a_truncated_gzip_cannot_be_decoded(landing, cut):
    whole = gzip.compress((HEADER + "".join(f"u{n},2024-05-01,c{n * 7919 % 1000}\n" for n in range(200))).encode())
    status, source, error = failure(landing.read_one("a.csv.gz", whole[:-cut]))
    assert (status, source) == ("failed", None)
    assert "gz container cannot be decoded" in error


def test_a_gzip_with_a_wrong_checksum_cannot_be_decoded(landing):
    whole = bytearray(gzip.compress((HEADER + ROW).encode()))
    whole[-6] ^= 0xFF
    assert failure(landing.read_one("a.csv.gz", bytes(whole)))[:2] == ("failed", None)


def test_a_truncated_zstandard_file_cannot_be_decoded(landing):
    whole = pa.compress((HEADER + ROW * 1000).encode(), codec="zstd", asbytes=True)
    assert landing.read_one("a.csv.zst", whole).file.rows == 1000
    status, source, error = failure(landing.read_one("b.csv.zst", whole[:-3]))
    assert (status, source) == ("failed", None)
    assert "zst container cannot be decoded" in error


def test_a_gzip_of_several_members_is_read_to_its_end(landing):
    result = landing.read_one("a.csv.gz", gzip.compress((HEADER + ROW).encode()) + gzip.compress(ROW.encode()))
    assert numbers(result) == [1, 2]


def parquet(tmp_path, sql):
    path = tmp_path / "made.parquet"
    duckdb.connect().execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


EVENTS_SQL = (
    "SELECT 'u' || i AS user_id, TIMESTAMP '2024-05-01' AS started_at, md5('c' || i) AS content_id FROM range({}) t(i)"
)


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("a.csv", lambda tmp: parquet(tmp, "SELECT 1 AS x"), "found Parquet, expected text"),
        ("a.jsonl", lambda tmp: gzip.compress(b"x"), "found gzip, expected text"),
        ("a.csv.gz", lambda tmp: (HEADER + ROW).encode(), "found something else, expected gzip"),
        ("a.csv.zst", lambda tmp: gzip.compress(b"x"), "found gzip, expected Zstandard"),
        ("a.parquet", lambda tmp: (HEADER + ROW).encode(), "found something else, expected Parquet"),
        ("a.json", lambda tmp: LINE.encode(), "found a JSON object, expected a JSON array of objects"),
        ("a.json", lambda tmp: b"user_id", "found text that begins with 'u', expected a JSON array of objects"),
        ("a.jsonl", lambda tmp: f"[{LINE}]".encode(), "found a JSON array, expected one JSON object per line"),
    ],
)
def test_content_that_is_not_what_the_extension_says_is_named(landing, tmp_path, name, make, expected):
    assert failure(landing.read_one(name, make(tmp_path))) == ("failed", None, expected)


def test_a_malformed_json_array_fails_as_a_whole(landing):
    status, source, error = failure(landing.read_one("a.json", f"[{LINE}, {LINE}"))
    assert (status, source) == ("failed", None)
    assert error.startswith("Invalid Input Error: Malformed JSON")
    assert str(landing.root) not in error


@pytest.mark.parametrize("damage", ["tail", "middle"])
def test_a_damaged_parquet_file_fails(landing, tmp_path, damage):
    whole = parquet(tmp_path, EVENTS_SQL.format(20_000))
    if damage == "tail":
        broken = whole[: len(whole) // 2]
    else:
        broken = whole[:1000] + bytes(byte ^ 0xFF for byte in whole[1000:60_000]) + whole[60_000:]
    status, _, error = failure(landing.read_one("a.parquet", broken))
    assert status == "failed"
    assert "cannot be decoded" in error


def test_a_parquet_file_of_no_rows_is_loaded(landing, tmp_path):
    result = landing.read_one("a.parquet", parquet(tmp_path, EVENTS_SQL.format(0)))
    assert (result.file.status, result.file.rows, numbers(result)) == ("loaded", 0, [])


def test_a_link_out_of_landing_is_not_followed(landing):
    (landing.root / "secret.csv").write_text(HEADER + ROW)
    (landing.folder / "a.csv").symlink_to(landing.root / "secret.csv")
    (result,) = landing.read_all().values()
    assert failure(result) == (
        "failed",
        None,
        "found a link that leads out of the landing folder, expected a file within the landing folder",
    )


def test_a_file_that_becomes_a_link_out_of_landing_after_the_scan_is_not_followed(landing):
    (landing.root / "secret.csv").write_text(HEADER + ROW)
    path = landing.drop("a.csv", HEADER + ROW)
    (file,) = scan(landing.folder)
    path.unlink()
    path.symlink_to(landing.root / "secret.csv")
    assert "leads out of the landing folder" in landing.read(file).file.error


def test_a_file_that_is_gone_when_it_is_read_fails_without_stopping_anything(landing):
    path = landing.drop("a.csv", HEADER + ROW)
    (file,) = scan(landing.folder)
    path.unlink()
    assert failure(landing.read(file)) == ("failed", None, "cannot be opened: No such file or directory")


def test_a_file_landed_again_since_the_scan_is_reported_as_it_was_read(landing):
    landing.drop("a.csv", HEADER + ROW)
    (file,) = scan(landing.folder)
    landing.drop("a.csv", HEADER + ROW * 3)
    result = landing.read(file).file
    assert (result.rows, result.file.size) == (3, len(HEADER + ROW * 3))


class GrowingFile:
    """A connection on which the landed file grows as soon as the reader has begun to copy its rows."""

    def __init__(self, connection, path):
        self._connection = connection
        self._path = path

    def execute(self, statement):
        result = self._connection.execute(statement)
        if statement.startswith("COPY"):
            with self._path.open("a") as file:
                file.write(ROW)
        return result


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(landing):
    path = landing.drop("a.csv", HEADER + ROW)
    landing.connection = GrowingFile(landing.connection, path)
    (file,) = scan(landing.folder)
    assert failure(landing.read(file)) == ("failed", None, "changed while it was read; it is read again next time")


@pytest.mark.parametrize(
    "name",
    [
        "a'b.csv",
        'a"b.csv',
        "a\nb.csv",
        "a*b?.csv",
        "a[1].csv",
        "day=2024-05-01/a.csv",
        "{a,b}.csv",
        "$x;--.csv",
        "ä 日本.csv",
        "-.csv",
        "a\\b.csv",
        "%s{}.csv",
    ],
)
def test_names_with_special_characters_are_only_names(landing, name):
    landing.drop("other.csv", HEADER + ROW * 5)
    result = landing.read_one(name, HEADER + ROW)
    assert result.rows("user_id", "content_id", "row_number") == [("ann", "c1", 1)]
    assert result.file.file.path == name


def test_a_name_that_is_not_utf8_is_read(landing):
    landing.drop(os.fsdecode(b"caf\xe9.csv"), HEADER + ROW)
    (result,) = landing.read_all().values()
    assert result.rows("user_id") == ["ann"]


def test_nothing_but_results_is_left_in_staging(landing):
    result = landing.read_one("a.csv.gz", gzip.compress((HEADER + ROW + "torn\n").encode()))
    left = {path.name for path in result.staging.rglob("*") if path.is_file()}
    assert left == {"events.parquet", "rejects.parquet"}


INTERNAL = ["file", "row", "text", "line", "object", "is_object", "result", "packed", "reason", "__raw", "__is_broken"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
@pytest.mark.parametrize("query", [None, "SELECT user_id, started_at, content_id FROM file WHERE reason = '8'"])
def test_a_file_may_name_its_columns_as_the_reader_names_things(landing, tmp_path, name, query):
    if query:
        landing.define("mine.yaml", f"name: mine\ntable: events\nclaims: {{files: ['a.*']}}\nquery: {query}\n")
    names = ["user_id", "started_at", "content_id", *INTERNAL]
    values = [*PLAY, *map(str, range(len(INTERNAL)))]
    text = "{" + ", ".join(f'"{key}": "{value}"' for key, value in zip(names, values, strict=True)) + "}"
    columns = ", ".join(f"'{value}' AS \"{key}\"" for key, value in zip(names, values, strict=True))
    content = {
        "a.csv": (",".join(names) + "\n" + ",".join(values) + "\n").encode(),
        "a.jsonl": text.encode() + b"\n",
        "a.json": f"[{text}]".encode(),
        "a.parquet": parquet(tmp_path, f"SELECT {columns}"),
    }
    assert landing.read_one(name, content[name]).rows("user_id", "content_id") == [("ann", "c1")]


def test_bytes_that_are_not_utf8_are_found_in_columns_that_nobody_asked_for_too(landing):
    content = (HEADER.strip() + ",remark\n" + ROW.strip() + ",fine\n" + ROW.strip() + ",café\n").encode("latin-1")
    assert "row 2 is not UTF-8" in landing.read_one("a.csv", content).file.error


@pytest.mark.parametrize("content", [bytes(range(1, 256)) * 8_000, b"x," * 200_000, b"x" * 200_000, b'"' * 200_000])
def test_bytes_that_are_no_table_at_all_fail_or_stay_unclaimed_with_a_short_message(landing, content):
    result = landing.read_one("a.csv", content)
    assert result.file.status in ("failed", "unclaimed")
    assert len(result.file.error) < 4_000
    assert result.file.error.isprintable()
