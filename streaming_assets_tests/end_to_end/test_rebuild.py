"""A lake is made anew only from files that are there."""

import os
from pathlib import Path

import pytest

from streaming_assets.automation.rebuild import MissingFilesError, put_aside
from streaming_assets_tests.end_to_end.command_line import streaming_assets
from streaming_assets_tests.end_to_end.data_folder import DataFolder

ROWS = b"user_id,started_at,content_id\nann,2026-03-01T10:00:00Z,c\n"
NAME = b"m_\xff.csv"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder.at(tmp_path / "data")
    (folder.landing / os.fsdecode(NAME)).write_bytes(ROWS)
    folder.run(groups=("raw",))
    return folder


def test_a_file_is_found_by_a_name_that_is_no_text(folder: DataFolder):
    aside = put_aside(folder.settings, forget_missing=False)
    assert (aside / "raw" / "event_files").is_dir()


def test_a_file_that_is_gone_is_named(folder: DataFolder):
    (folder.landing / os.fsdecode(NAME)).unlink()
    with pytest.raises(MissingFilesError, match=r"1 loaded files are no longer in .*\n  - m_\\xff\.csv"):
        put_aside(folder.settings, forget_missing=False)


def test_an_engine_that_cannot_run_is_refused_with_the_lake_in_place(
    folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "no java"))
    versions = folder.versions()
    told = streaming_assets("rebuild", "--data-dir", folder.settings.data_dir, "--engine", "spark")
    assert (told.code, told.out) == (2, "")
    assert "the engine spark needs" in told.err
    assert folder.versions() == versions
