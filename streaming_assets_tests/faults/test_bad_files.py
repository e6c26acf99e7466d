"""Broken and odd files in one landing folder with good ones: what loads, and what is said of the rest."""

import gzip
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .content import Tables, lake_tables, published_tables
from .landed import HEADER, csv, json_plays, land, plays, users_of
from .running import UP_TO_CORE, Ended, Runs

SECRET = "the launch code is 8675309"
NAMES = {
    "newline": "new\nline.csv",
    "quoted": 'it\'s "quoted".csv',
    "glob": "all*[a-z]?.csv",
    "globbed": "allXa1.csv",
    "percent": "100%20{a,b}.csv",
    "script": "$(touch pwned);.csv",
}


@dataclass(frozen=True)
class Morning:
    """One run over everything in the folder, and what was there after it."""

    data_dir: Path
    ended: Ended
    tables: Tables
    published: Tables

    def file(self, path: str) -> dict[str, Any]:
        (row,) = (row for row in self.tables["raw/event_files"] if row["path"] == path)
        return row

    def rejected(self, path: str) -> list[tuple[int, str]]:
        file_id = self.file(path)["file_id"]
        rows = [row for row in self.tables["raw/rejected_rows"] if row["file_id"] == file_id]
        return sorted((row["row_number"], row["reason"]) for row in rows)


@pytest.fixture(scope="module")
def morning(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    root = tmp_path_factory.mktemp("bad files")
    landing, outside = root / "data" / "landing", root / "outside"
    land_everything(landing, outside)
    before = everything_in(outside)
    ended = runs.run("run", "--data-dir", root / "data", *UP_TO_CORE)
    assert everything_in(outside) == before
    assert {path.name for path in root.iterdir()} == {"data", "outside"}
    return Morning(root / "data", ended, lake_tables(root / "data"), published_tables(root / "data"))


def land_everything(landing: Path, outside: Path) -> None:
    land(landing, "good.csv", csv(plays("good")))
    land(landing, "users.csv", "user_id,plan\ngood1,free\n")
    land(landing, "content.csv", "content_id,title\nc1,First\n")

    land(landing, "no_bytes.csv", "")
    land(landing, "no_bytes.csv.gz", b"")
    land(landing, "nothing_in_it.csv.gz", gzip.compress(b""))
    land(landing, "header_only.csv", HEADER)

    packed = gzip.compress(json_plays("cut", 200).encode())
    land(landing, "cut.jsonl.gz", packed[: len(packed) // 2])
    land(landing, "cut.jsonl", json_plays("tail")[:-30])
    land(landing, "latin1.csv", csv(plays("latin", 3), "Bj\xf6rk,2024-03-01T10:00:00Z,c1,600\n").encode("latin-1"))
    land(landing, "utf16.csv", csv(plays("wide")).encode("utf-16"))

    land(landing, "missing_column.csv", "user_id,started_at\nann,2024-03-01T10:00:00Z\n")
    land(landing, "renamed_column.csv", csv(plays("ren")).replace("content_id", "contentId"))
    land(landing, "text.parquet", csv(plays("lie")))
    land(landing, "packed.csv", packed)
    land(landing, "table.jsonl", csv(plays("table")))

    land(
        landing, "long_row.jsonl", json_plays("long") + '{"user_id": "' + "x" * 10_000_000 + '"}\n' + json_plays("row")
    )
    land(landing, "nul.csv", csv(plays("nul"), "a\0b,2024-03-01T10:00:00Z,c1,600\n", plays("zero")))
    land(
        landing, "times.csv", csv(plays("time", 30), *(f"ann,{year}-01-01T00:00:00Z,c1,600\n" for year in (1970, 2090)))
    )
    land(landing, "words.csv", csv(plays("word"), "ann,2024-03-01T10:00:00Z,c1,ten minutes\n"))
    land(
        landing,
        "numbers.jsonl",
        json_plays("number") + '{"user_id": 42, "started_at": "2024-03-01T10:00:00Z", "content_id": 7}\n',
    )
    ids = pa.table({"user_id": [42], "started_at": ["2024-03-01 11:00:00"], "content_id": [7], "watch_seconds": ["60"]})
    pq.write_table(ids, landing / "numbers.parquet")

    for user, name in NAMES.items():
        land(landing, name, csv(plays(user)))
    land(landing, "event_date=2020-01-01/file_id=x/hive.csv", csv(plays("hive")))
    land(landing, "first_copy.csv", csv(plays("twin")))
    land(landing, "second_copy.csv", csv(plays("twin")))
    (landing / "link_inside.csv").symlink_to(landing / "first_copy.csv")

    secret = land(outside, "secret.csv", csv(plays("spy"), f"{SECRET},2024-03-01T10:00:00Z,c1,600\n"))
    (landing / "link_outside.csv").symlink_to(secret)
    (landing / "linked_folder").symlink_to(outside, target_is_directory=True)
    (landing / "link_to_nothing.csv").symlink_to(landing / "gone.csv")
    (landing / "link_to_a_device.csv").symlink_to("/dev/zero")
    os.mkfifo(landing / "pipe.csv")

    for name in (
        ".hidden.csv",
        "growing.csv.tmp",
        "growing.csv.part",
        ".git/objects.csv",
        "upload.tmp/a.csv",
        "notes.txt",
    ):
        land(landing, name, csv(plays("unread")))


def everything_in(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_the_run_reports_failure(morning):
    assert morning.ended.code == 1
    assert "Traceback" not in morning.ended.err


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("cut.jsonl.gz", "failed", r"gz(ip)? container cannot be decoded: .*ended"),
        ("latin1.csv", "failed", r"row 4 is not UTF-8"),
        ("utf16.csv", "failed", r"found text in UTF-16, expected UTF-8"),
        (
            "missing_column.csv",
            "unclaimed",
            r"canonical_events, misses the columns content_id; found user_id, started_at",
        ),
        ("renamed_column.csv", "unclaimed", r"misses the columns content_id; found user_id, started_at, contentId"),
        ("text.parquet", "failed", r"found something else, expected Parquet"),
        ("packed.csv", "failed", r"found gzip, expected text"),
        ("table.jsonl", "failed", r"found 21 rows and no field in any of them, expected JSON objects"),
        ("link_outside.csv", "failed", r"found a link that leads out of the landing folder, expected a file within"),
        ("link_to_nothing.csv", "failed", r"found a link to nothing, expected a file within the landing folder"),
        ("link_to_a_device.csv", "failed", r"found .*link that leads out of the landing folder"),
        ("pipe.csv", "failed", r"found not a regular file"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported_with_what_was_found_and_expected(morning, path, status, found):
    row = morning.file(path)
    assert row["status"] == status
    assert re.search(found, row["error"]), row["error"]
    assert (row["rows"], row["accepted"], row["rejected"], row["event_dates"]) == (0, 0, 0, [])
    assert f"{path}: {status}: {row['error']}" in morning.ended.out


def test_no_other_file_failed(morning):
    not_loaded = {row["path"] for row in morning.tables["raw/event_files"] if row["status"] != "loaded"}
    assert len(not_loaded) == 12


@pytest.mark.parametrize(
    ("path", "accepted", "rejected"),
    [
        ("cut.jsonl", 19, [(20, "malformed_row")]),
        ("long_row.jsonl", 40, [(21, "malformed_row")]),
        ("nul.csv", 40, [(21, "malformed_row")]),
        ("words.csv", 20, [(21, "malformed_row")]),
        ("times.csv", 30, [(31, "timestamp_before_start"), (32, "timestamp_in_future")]),
        ("numbers.jsonl", 21, []),
        ("numbers.parquet", 1, []),
        ("no_bytes.csv", 0, []),
        ("no_bytes.csv.gz", 0, []),
        ("nothing_in_it.csv.gz", 0, []),
        ("header_only.csv", 0, []),
    ],
)
def test_a_row_that_cannot_be_used_costs_itself_and_is_counted(morning, path, accepted, rejected):
    row = morning.file(path)
    assert (row["status"], row["error"]) == ("loaded", None)
    assert (row["accepted"], row["rejected"], row["rows"]) == (accepted, len(rejected), accepted + len(rejected))
    assert morning.rejected(path) == rejected


def test_numbers_where_a_text_should_be_are_taken_as_text(morning):
    found = {(row["user_id"], row["content_id"]) for row in morning.tables["raw/events"] if row["user_id"] == "42"}
    assert found == {("42", "7")}


@pytest.mark.parametrize("user", NAMES)
def test_a_file_with_an_odd_name_loads_its_own_rows(morning, user):
    row = morning.file(NAMES[user])
    assert (row["status"], row["accepted"]) == ("loaded", 20)
    assert users_of(event for event in morning.tables["raw/events"] if event["file_id"] == row["file_id"]) == {user}
    assert not list(morning.data_dir.rglob("pwned"))


def test_a_folder_name_that_looks_like_a_partition_says_nothing_about_the_rows(morning):
    row = morning.file("event_date=2020-01-01/file_id=x/hive.csv")
    assert [str(day) for day in row["event_dates"]] == ["2024-03-01"]
    assert {str(event["event_date"]) for event in morning.tables["raw/events"]} == {"2024-03-01"}


def test_a_duplicate_and_a_link_within_landing_load_and_count_once(morning):
    assert [morning.file(path)["accepted"] for path in ("first_copy.csv", "second_copy.csv", "link_inside.csv")] == [
        20
    ] * 3
    assert sum(event["user_id"].startswith("twin") for event in morning.tables["raw/events"]) == 60
    assert sum(event["user_id"].startswith("twin") for event in morning.tables["core/events"]) == 20


def test_hidden_unfinished_and_foreign_files_and_linked_folders_are_not_looked_at(morning):
    paths = {row["path"] for row in morning.tables["raw/event_files"]}
    assert not [path for path in paths if re.search(r"hidden|growing|\.git|upload|notes|linked_folder", path)]


def test_what_lies_outside_appears_nowhere(morning):
    assert SECRET not in morning.ended.out + morning.ended.err
    assert SECRET not in repr(morning.tables) + repr(morning.published)
    assert "spy" not in users_of(morning.tables["raw/events"])
    inside = [
        path
        for path in morning.data_dir.rglob("*")
        if path.is_file() and not path.is_relative_to(morning.data_dir / "landing")
    ]
    assert not [path for path in inside if SECRET.encode() in path.read_bytes()]


def test_the_good_rows_go_all_the_way(morning):
    whole = {"good", "long", "row", "nul", "zero", "word", "number", "hive", "twin", *NAMES}
    # tail lost its last row, time has 30 that are neither too early nor too late, and 42 is in two files.
    expected = 20 * len(whole) + 19 + 30 + 2
    assert users_of(morning.tables["core/events"]) == whole | {"tail", "time", ""}
    assert sum(row["plays"] for row in morning.tables["core/sessions"]) == expected
    assert sum(row["plays"] for row in morning.published["core/user_daily"]) == expected


def test_nothing_is_read_again_until_something_changes(morning, runs):
    again = runs.run("run", "--data-dir", morning.data_dir, "--groups", "raw")
    assert "Nothing is new" in again.out
    assert again.code == 1
