import tempfile
import tracemalloc
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.sources.csv_files import csv_rows
from streaming_assets.sources.definition import Reader
from streaming_assets.sources.errors import FileError
from streaming_assets.sources.lines import MAX_ROW_BYTES, Dialect, sift_rows

TABS = Dialect(columns=3, delimiter=b"\t", quote=b"", header=False)
COMMAS = Dialect(columns=3, delimiter=b",", quote=b'"', header=True)


@pytest.fixture
def sift(tmp_path):
    def sift(content, dialect):
        path = tmp_path / "landed.csv"
        path.write_bytes(content)
        sifted = sift_rows(path, dialect)
        refused = pq.read_table(sifted.refused).to_pylist()
        assert len(refused) == sifted.refused_rows
        return sifted.clean.read_bytes(), [(row["row_number"], row["raw_row"], row["why"]) for row in refused]

    return sift


def test_without_quoting_a_quote_is_a_character_and_only_the_fields_count(sift):
    assert sift(b'a\t"b\tc\n\n1\t2\r\nx\ty\tz\r\n', TABS) == (
        b'1\ta\t"b\tc\n3\tx\ty\tz\n',
        [(2, "1\t2", "expected 3 columns, found 2")],
    )


def test_surplus_fields_that_are_empty_are_no_fault(sift):
    assert sift(b"a\tb\tc\t\t\na\tb\tc\td\t\n\t\t\n\t\n", TABS) == (
        b"1\ta\tb\tc\t\t\n3\t\t\t\n",
        [(2, "a\tb\tc\td\t", "expected 3 columns, found 5"), (4, "\t", "expected 3 columns, found 2")],
    )


def test_of_malformed_rows_only_the_heads_are_held(tmp_path):
    path = tmp_path / "landed.tsv"
    path.write_bytes((b"a\tb\tc\td" + b"x" * 500_000 + b"\n") * 100)
    tracemalloc.start()
    sifted = sift_rows(path, TABS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {len(row) for row in pq.read_table(sifted.refused)["raw_row"].to_pylist()} == {10_000}
    assert sifted.refused_rows == 100
    assert peak < 10_000_000


def test_a_carriage_return_within_a_row_makes_it_malformed(sift):
    clean, refused = sift(b"a\tb\rb\tc\nx\ty\tz\n", TABS)
    assert clean == b"2\tx\ty\tz\n"
    assert refused == [(1, "a\tb\rb\tc", "a carriage return within the row")]


def test_a_field_in_quotes_goes_on_over_lines_to_its_closing_quote(sift):
    rows = b'h,h,h\r\n1,"two\r\nlines","a ""b"", c"\r\n2, "x" ,y\r\n'
    assert sift(rows, COMMAS) == (b'1,1,"two\r\nlines","a ""b"", c"\n2,2, "x" ,y\n', [])


def test_characters_after_a_closing_quote_make_the_row_malformed(sift):
    clean, refused = sift(b'h,h,h\n1,"x"y,3\n4,a"b,6\n', COMMAS)
    assert clean == b'2,4,a"b,6\n'
    assert [number for number, *_ in refused] == [1]


def test_of_an_overlong_row_the_head_is_kept(sift):
    long = b"x" * (3 * MAX_ROW_BYTES)
    clean, refused = sift(b"a\tb\tc\n" + long + b"\nd\te\tf\n" + long, TABS)
    assert clean == b"1\ta\tb\tc\n3\td\te\tf\n"
    assert [(number, len(raw), why) for number, raw, why in refused] == [
        (2, 10_000, "longer than 1048576 bytes"),
        (4, 10_000, "longer than 1048576 bytes"),
    ]


def test_an_overlong_row_may_be_cut_within_a_character(sift):
    long = "x" + "é" * MAX_ROW_BYTES
    _, refused = sift(f"a\tb\tc\n{long}\n".encode(), TABS)
    assert [number for number, *_ in refused] == [2]


def test_bytes_that_are_not_utf8_are_an_error_with_their_row(sift):
    with pytest.raises(FileError, match="row 2 is not UTF-8"):
        sift(b"a\tb\tc\na\tcaf\xe9\tc\n", TABS)


def test_a_file_of_stray_quotes_is_sifted_in_one_go(sift):
    count = 20_000
    clean, refused = sift(b"h,h,h\n" + b'1,"2,3\n4,5,6\n' * count, COMMAS)
    assert clean.count(b"\n") == len(refused) == count
    assert refused[-1][0] == 2 * count - 1


fields = st.text(alphabet="ab \",\n\r\t'é\\", max_size=6)
rows = st.lists(st.lists(fields, min_size=3, max_size=3), min_size=1, max_size=6)


def written(rows, ends):
    """The rows as a CSV writer would write them, a field in quotes wherever it needs them."""

    def field(text):
        needs = any(character in text for character in '",\n\r') or text != text.strip() or not text
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "a,b,c" + ends + "".join(",".join(map(field, row)) + ends for row in rows)


@settings(max_examples=60, deadline=None)
@given(rows=rows, ends=st.sampled_from(["\n", "\r\n"]))
def test_the_careful_way_and_the_fast_one_read_the_same_rows(rows, ends):
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "landed.csv")
        path.write_bytes(written(rows, ends).encode())
        fast = csv_rows(path, Reader(), ",")
        careful = fast.carefully()
        assert careful.refused_rows == 0
        columns = "SELECT a, b, c FROM ({})"
        expected = [tuple(field or None for field in row) for row in rows]
        assert connection.execute(columns.format(fast.relation)).fetchall() == expected
        assert connection.execute(columns.format(careful.relation)).fetchall() == expected
