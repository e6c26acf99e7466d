import datetime as dt
import hashlib
import os
from pathlib import Path

import pytest

from streaming_assets.errors import LandingMissingError
from streaming_assets.sources import scan


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_of_the_known_extensions_are_found_at_any_depth_sorted_by_path(tmp_path):
    names = ["b.jsonl", "a/deep/er/c.csv.gz", "a.tsv.zst", "z.parquet", "a/x.json", "Upper.CSV"]
    for name in [*names, "notes.txt", "archive.zip", "x.parquet.gz", "plain.gz"]:
        put(tmp_path / name)
    assert [file.path for file in scan(tmp_path)] == sorted(names)


def test_hidden_and_unfinished_names_are_never_touched(tmp_path):
    for name in (".a.csv", "b.csv.tmp", "c.csv.part", ".git/d.csv", "up.part/e.csv", "up.tmp/f.csv"):
        put(tmp_path / name)
    assert scan(tmp_path) == []


def test_a_landing_folder_that_is_not_there_is_no_empty_one(tmp_path):
    put(tmp_path / "a file")
    for landing in (tmp_path / "unmounted", tmp_path / "a file"):
        with pytest.raises(LandingMissingError, match=f"{landing} is not there; expected a folder"):
            scan(landing)


def test_a_file_is_known_by_the_md5_of_its_path_and_its_state(tmp_path):
    path = put(tmp_path / "day" / "events.csv", b"12345")
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    (file,) = scan(tmp_path)
    assert file.file_id == hashlib.md5(b"day/events.csv").hexdigest()
    assert (file.size, file.modified_at, file.problem) == (5, dt.datetime(2023, 11, 14, 22, 13, 20, 123456), None)


def test_a_name_that_is_not_utf8_is_found_and_written_legibly(tmp_path):
    put(tmp_path / os.fsdecode(b"caf\xe9.csv"))
    (file,) = scan(tmp_path)
    assert file.path == "caf\\xe9.csv"
    assert file.file_id == hashlib.md5(b"caf\xe9.csv").hexdigest()


def test_links_out_of_landing_and_to_nothing_and_what_is_no_file_have_a_problem(tmp_path):
    outside = put(tmp_path / "outside.csv")
    landing = tmp_path / "landing"
    put(landing / "real.csv")
    (landing / "out.csv").symlink_to(outside)
    (landing / "nothing.csv").symlink_to(landing / "missing.csv")
    (landing / "inside.csv").symlink_to(landing / "real.csv")
    os.mkfifo(landing / "pipe.csv")
    assert {file.path: file.problem for file in scan(landing)} == {
        "inside.csv": None,
        "nothing.csv": "a link to nothing",
        "out.csv": "a link that leads out of the landing folder",
        "pipe.csv": "not a regular file",
        "real.csv": None,
    }


def test_a_landing_folder_that_is_itself_a_link_is_read(tmp_path):
    put(tmp_path / "elsewhere" / "a.csv")
    (tmp_path / "landing").symlink_to(tmp_path / "elsewhere")
    assert [(file.path, file.problem) for file in scan(tmp_path / "landing")] == [("a.csv", None)]
