"""streaming.duckdb: what readers have before, while and after it is replaced."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streaming_assets import contracts
from streaming_assets.lake.days import Days
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import Verdict, record
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.publish import PublishRefusedError, clean_up, is_stale, publish, published_tables
from streaming_assets.settings import Settings

from .rows import HOURS, march, write_hours

NOW = dt.datetime(2024, 3, 10, 6)
LATER = dt.datetime(2024, 3, 11, 6)
PLAYS = "SELECT date, plays FROM core.hourly_activity ORDER BY date"
SUBJECTS = {"hours": HOURS.name}
ONE_DAY = Days(march(1), march(1))


def asked(database: Path, query: str) -> list[Any]:
    with duckdb.connect(str(database), read_only=True) as reader:
        return reader.execute(query).fetchall()


def check(lake: Lake, passed: bool = True, is_blocking: bool = True) -> None:
    state = lake.snapshot(HOURS.name).state
    record(lake, "hours", HOURS.name, [Verdict("adds_up", passed, is_blocking)], list(state.written), state, NOW)


@pytest.fixture
def published(lake: Lake) -> Iterator[Lake]:
    """A lake with one day, published."""
    write_hours(lake, ONE_DAY, {march(1): 1})
    publish(lake, {}, {}, NOW)
    return lake


def test_every_table_is_there_with_its_columns_even_when_it_is_empty(lake):
    assert publish(lake, {}, {}, NOW) == len(published_tables())
    for table in published_tables():
        described = asked(lake.settings.database, f'DESCRIBE "{table.group}"."{table.short_name}"')
        assert [column[0] for column in described] == list(table.column_names)
        assert asked(lake.settings.database, f'SELECT count(*) FROM "{table.group}"."{table.short_name}"') == [(0,)]
    assert asked(lake.settings.database, "DESCRIBE core.hourly_activity")[0][:2] == ("hour_at", "TIMESTAMP")


def test_it_says_of_every_table_what_it_is_and_how_old(published):
    found = asked(
        published.settings.database,
        "SELECT name, grain, rows, lake_version, published_at FROM meta.tables WHERE name = 'core/hourly_activity'",
    )
    assert found == [("core/hourly_activity", HOURS.grain, 1, 1, NOW)]
    columns = asked(published.settings.database, 'SELECT "column" FROM meta.columns WHERE "table" = \'core/sessions\'')
    assert [column for (column,) in columns] == list(contracts.ALL["core/sessions"].column_names)


def test_it_can_be_opened_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    settings = Settings(data_dir=Path("data"), threads=1, memory_limit="500MB")
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        write_hours(lake, ONE_DAY, {march(1): 1})
        publish(lake, {}, {}, NOW)
    monkeypatch.chdir("/")
    assert asked(tmp_path / "work" / "data" / "streaming.duckdb", PLAYS) == [(march(1), 1)]


def test_a_reader_keeps_what_it_opened_and_the_next_one_gets_the_new_state(published):
    database = published.settings.database
    with duckdb.connect(str(database), read_only=True) as reader:
        write_hours(published, ONE_DAY, {march(1): 2})
        publish(published, {}, {}, LATER)
        clean_up(published, LATER)
        assert reader.execute(PLAYS).fetchall() == [(march(1), 1)]
    assert asked(database, PLAYS) == [(march(1), 2)]


def test_what_is_written_after_publishing_does_not_show(published):
    write_hours(published, ONE_DAY, {march(1): 2})
    assert is_stale(published)
    assert asked(published.settings.database, PLAYS) == [(march(1), 1)]


def test_it_is_up_to_date_until_a_table_changes_or_the_file_is_gone(published):
    assert not is_stale(published)
    clean_up(published, LATER)
    assert not is_stale(Lake(published.settings, published.engine))
    published.settings.database.unlink()
    assert is_stale(published)


def test_rows_that_no_check_has_seen_are_refused(published):
    write_hours(published, ONE_DAY, {march(1): 2})
    with pytest.raises(PublishRefusedError, match="written and not checked since: hours"):
        publish(published, SUBJECTS, {}, LATER)
    assert asked(published.settings.database, PLAYS) == [(march(1), 1)]
    check(published)
    publish(published, SUBJECTS, {}, LATER)
    assert asked(published.settings.database, PLAYS) == [(march(1), 2)]


def test_a_blocking_check_that_stands_failed_is_named_and_a_warning_is_let_pass(published):
    write_hours(published, ONE_DAY, {march(1): 2})
    check(published, passed=False)
    with pytest.raises(PublishRefusedError, match="core/hourly_activity: adds_up on 2024-03-01"):
        publish(published, SUBJECTS, {}, LATER)
    check(published, passed=False, is_blocking=False)
    publish(published, SUBJECTS, {}, LATER)
    assert asked(published.settings.database, PLAYS) == [(march(1), 2)]


def test_drafts_of_killed_runs_are_removed(published):
    draft = published.settings.database.with_name("streaming.duckdb.building-1")
    draft.write_bytes(b"half a file")
    wal = draft.with_name(draft.name + ".wal")
    wal.write_bytes(b"its log")
    publish(published, {}, {}, LATER)
    assert [path.name for path in published.settings.data_dir.iterdir() if "building" in path.name] == []


@pytest.mark.parametrize(
    "folder", ["core/plays/.writing-1", "core/plays/.writing-2/event_date=2024-03-01", ".spill/tmp1"]
)
def test_what_killed_runs_left_is_deleted_when_nothing_has_touched_it_for_a_day(published, folder):
    left = published.root / folder / "part.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rows")
    clean_up(published, dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=23))
    assert left.exists()
    clean_up(published, dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=25))
    assert not left.exists()


def test_superseded_files_of_two_days_ago_are_deleted_and_the_published_ones_stay(published):
    folder = published.folder(HOURS)
    orphan = folder / "date=2024-03-01" / "part-of-a-killed-run.parquet"
    orphan.write_bytes(b"")
    two_days_ago = dt.datetime.now(dt.UTC).timestamp() - 48 * 3600
    for path in folder.rglob("*.parquet"):
        os.utime(path, (two_days_ago, two_days_ago))
    write_hours(published, ONE_DAY, {march(1): 2})
    clean_up(published, LATER)
    assert not orphan.exists()
    assert asked(published.settings.database, PLAYS) == [(march(1), 1)]
