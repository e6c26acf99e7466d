"""`streaming-assets export`: what is in the file, what is refused, and that a file is whole or not there."""

import csv
import gzip
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from streaming_assets_tests.end_to_end.command_line import Outcome, streaming_assets

TEXTS = [
    "=1+1",
    "+49 30",
    "-",
    "@home",
    "\tindented",
    "\rreturned",
    "\nbelow",
    "＝1",
    " =1+1",
    "'quoted",
    "plain",
    "",
    None,
    "1-2",
    'a "b", c',
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a published file: a table, a view over Parquet, an empty table."""
    folder = tmp_path / "it's a=b [1]"
    (folder / "lake").mkdir(parents=True)
    with duckdb.connect(str(folder / "streaming.duckdb")) as database:
        database.execute("CREATE SCHEMA marts; CREATE SCHEMA core; CREATE SCHEMA meta")
        database.execute(
            "CREATE TABLE marts.retention (segment VARCHAR, n BIGINT, rate DOUBLE, is_complete BOOLEAN, first_date DATE, "
            "seen_at TIMESTAMP, bins BIGINT[], names VARCHAR[])"
        )
        database.execute(
            "INSERT INTO marts.retention VALUES ('all', -7, -0.25, true, '2026-03-01', '2026-03-01 12:30:00', [1, 2], "
            "['=a', 'b']), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('', 0, 1e-9, false, NULL, NULL, [], ['x\"y'])"
        )
        database.execute(
            "CREATE TABLE marts.cohort_retention (cohort VARCHAR); CREATE TABLE meta.tables (name VARCHAR)"
        )
        database.execute("CREATE TABLE core.content (content_id BIGINT, title VARCHAR)")
        database.executemany("INSERT INTO core.content VALUES (?, ?)", list(enumerate(TEXTS)))
        files = str(folder / "lake" / "events.parquet").replace("'", "''")
        database.execute(f"COPY (SELECT range AS id, 'ü' AS name FROM range(300000)) TO '{files}'")
        database.execute(
            f"CREATE VIEW core.events AS SELECT * FROM read_parquet(['{files}'], hive_partitioning = false)"
        )
    return folder


def export(data: Path, table: str, out: Path, form: str | None = None) -> Outcome:
    flags = [] if form is None else ["--format", form]
    return streaming_assets("export", table, "--data-dir", data, "--out", out, *flags)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


def test_csv_has_a_head_and_numbers_dates_and_lists_as_text(data: Path, tmp_path: Path):
    told = export(data, "marts/retention", tmp_path / "r.csv")
    assert (told.code, told.err) == (0, "")
    assert told.out == f"marts/retention: 3 rows in {tmp_path / 'r.csv'}\n"
    head, *found = rows(tmp_path / "r.csv")
    assert head == ["segment", "n", "rate", "is_complete", "first_date", "seen_at", "bins", "names"]
    assert found[0][:6] == ["all", "-7", "-0.25", "true", "2026-03-01", "2026-03-01 12:30:00"]
    assert [json.loads(text) for text in found[0][6:]] == [[1, 2], ["=a", "b"]]
    assert found[1] == [""] * 8
    assert [json.loads(text) for text in found[2][6:]] == [[], ['x"y']]


def test_texts_that_a_spreadsheet_would_take_for_formulas_get_an_apostrophe(data: Path, tmp_path: Path):
    assert export(data, "core/content", tmp_path / "c.csv").code == 0
    written = [title for _, title in rows(tmp_path / "c.csv")[1:]]
    assert written[:9] == ["'" + text for text in TEXTS[:9]]
    assert written[9:] == [text or "" for text in TEXTS[9:]]


def test_an_empty_text_can_be_told_from_an_unknown_one(data: Path, tmp_path: Path):
    assert export(data, "core/content", tmp_path / "c.csv").code == 0
    lines = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()
    assert '11,""' in lines
    assert "12," in lines


def test_parquet_has_every_value_and_type_as_published(data: Path, tmp_path: Path):
    assert export(data, "marts/retention", tmp_path / "r.parquet", "parquet").code == 0
    with duckdb.connect(str(data / "streaming.duckdb"), read_only=True) as database:
        published = database.execute("SELECT * FROM marts.retention").fetchall()
    with duckdb.connect() as reader:
        assert reader.read_parquet(str(tmp_path / "r.parquet")).fetchall() == published
    assert export(data, "core/content", tmp_path / "c.parquet", "parquet").code == 0
    assert pq.read_table(tmp_path / "c.parquet")["title"].to_pylist() == TEXTS


def test_a_view_over_the_lake_is_exported_like_a_table(data: Path, tmp_path: Path):
    assert "core/events: 300,000 rows" in export(data, "core/events", tmp_path / "e.csv").out
    found = rows(tmp_path / "e.csv")
    assert len(found) == 300_001
    assert found[-1] == ["299999", "ü"]


def test_an_empty_table_is_a_head_alone(data: Path, tmp_path: Path):
    assert export(data, "marts/cohort_retention", tmp_path / "c.csv").code == 0
    assert rows(tmp_path / "c.csv") == [["cohort"]]


def test_a_name_that_ends_with_gz_is_compressed(data: Path, tmp_path: Path):
    assert export(data, "marts/cohort_retention", tmp_path / "c.csv.gz").code == 0
    assert gzip.decompress((tmp_path / "c.csv.gz").read_bytes()) == b"cohort\n"


def test_all_writes_a_file_per_table_into_a_folder(data: Path, tmp_path: Path):
    told = export(data, "all", tmp_path / "tables", "parquet")
    assert told.code == 0
    names = ["core.content", "core.events", "marts.cohort_retention", "marts.retention", "meta.tables"]
    assert names_in(tmp_path / "tables") == [f"{name}.parquet" for name in names]
    assert len(told.out.splitlines()) == len(names)
    assert export(data, "all", tmp_path / "tables", "parquet").code == 0


def test_an_older_file_is_replaced_and_nothing_else_is_left(data: Path, tmp_path: Path):
    out = tmp_path / "out" / "r.csv"
    out.parent.mkdir()
    out.write_text("older")
    with out.open() as reader:
        assert export(data, "marts/retention", out).code == 0
        assert reader.read() == "older"
    assert rows(out)[0][0] == "segment"
    assert names_in(out.parent) == ["r.csv"]


def test_what_cannot_be_written_to_its_end_leaves_the_older_file(data: Path, tmp_path: Path):
    (data / "lake" / "events.parquet").unlink()
    out = tmp_path / "out" / "e.csv"
    out.parent.mkdir()
    out.write_text("older")
    told = export(data, "core/events", out)
    assert told.code == 1
    assert "events.parquet" in told.err
    assert "Traceback" not in told.err
    assert (names_in(out.parent), out.read_text()) == (["e.csv"], "older")


@pytest.mark.parametrize("table", ["retention", "marts/retentoin", "marts.retention", "Marts/Retention"])
def test_an_unknown_table_is_refused_with_those_that_may_be_meant(data: Path, tmp_path: Path, table: str):
    told = export(data, table, tmp_path / "r.csv")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"{table} is no published table; close to it: ")
    assert "marts/retention" in told.err
    assert not (tmp_path / "r.csv").exists()


def test_a_name_like_none_is_refused_with_all_there_are(data: Path, tmp_path: Path):
    told = export(data, 'x"; DROP', tmp_path / "r.csv")
    assert told.code == 2
    assert "the tables are core/content, core/events, marts/cohort_retention, marts/retention, meta/tables" in told.err


def test_without_a_publication_says_how_to_get_one(tmp_path: Path):
    told = export(tmp_path / "data", "marts/retention", tmp_path / "r.csv")
    assert (told.code, told.out) == (1, "")
    assert told.err == f"nothing is published in {tmp_path / 'data'} yet; `streaming-assets run` does that\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("table", ["marts/retention", "all"])
def test_a_folder_that_is_missing_is_named(data: Path, tmp_path: Path, table: str):
    told = export(data, table, tmp_path / "missing" / "out")
    assert told.code == 2
    assert f"there is no folder {tmp_path / 'missing'}" in told.err


def test_a_file_is_no_folder_and_a_folder_no_file(data: Path, tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    (told, other) = export(data, "all", tmp_path / "file"), export(data, "marts/retention", data)
    assert (told.code, other.code) == (2, 2)
    assert f"--out {tmp_path / 'file'} is not a folder" in told.err
    assert f"--out {data} is not a file" in other.err
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("name", ["streaming.duckdb", "lake/r.csv", "lake"])
def test_nothing_is_written_over_the_pipelines_own_files(data: Path, name: str):
    before = (data / "streaming.duckdb").read_bytes()
    told = export(data, "marts/retention", data / name)
    assert told.code == 2
    assert "choose another place" in told.err
    assert (data / "streaming.duckdb").read_bytes() == before
    assert names_in(data / "lake") == ["events.parquet"]


def test_a_reader_that_holds_the_file_open_is_no_hindrance(data: Path, tmp_path: Path):
    with duckdb.connect(str(data / "streaming.duckdb"), read_only=True) as reader:
        reader.execute("SELECT 1")
        assert export(data, "marts/retention", tmp_path / "r.csv").code == 0


def test_the_format_and_the_place_must_be_given_rightly(data: Path, tmp_path: Path):
    assert export(data, "marts/retention", tmp_path / "r.xls", "xls").code == 2
    assert streaming_assets("export", "marts/retention", "--data-dir", data).code == 2
