"""Reading landed files where they are not seen, as on another machine."""

import datetime as dt
from pathlib import Path

import pytest

from streaming_assets.errors import LandingMissingError
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.reading import Reading
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources, scan


def test_a_process_that_does_not_see_landing_blames_no_file_for_it(tmp_path: Path):
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "plays.csv").write_text("user_id,started_at\nann,2026-03-01T10:00:00Z\n")
    files = scan(landing)
    landing.rename(tmp_path / "unmounted")
    settings = Settings(data_dir=tmp_path / "data", threads=1, memory_limit="200MB")
    reading = Reading(
        settings, load_sources(tmp_path / "sources"), "a key of tests only", dt.datetime(2026, 3, 2),
        tmp_path / "data" / "lake", tmp_path / "scratch",
    )  # fmt: skip
    with (
        duckdb_engine(settings) as engine,
        pytest.raises(LandingMissingError, match=f"landing folder {landing} is not there"),
    ):
        reading.batch(engine, files)
