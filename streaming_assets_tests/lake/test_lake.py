"""Ranges written in parts, settings that shape the tables, odd folders."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from streaming_assets import contracts
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake, LakeSettingsError, clear_scratch
from streaming_assets.settings import Settings

from .rows import HOURS, hours_of, march, plays_by_day, table_of, write_hours

EVENTS = contracts.ALL["core/events"]


def write_events(lake: Lake, rows_per_day: dict[dt.date, int]) -> None:
    """core/events with some rows per day: the weight of the days."""
    rows = [
        {"event_id": str(number), "event_date": day} for day, count in rows_per_day.items() for number in range(count)
    ]
    lake.replace_files(EVENTS.name, lake.engine.write(table_of(EVENTS, rows), EVENTS, lake.folder(EVENTS)), [], "write")


def write_in_parts(lake: Lake, days: Days, plays: dict[dt.date, int], rows_at_once: int) -> list[Days]:
    parts = []

    def build(part):
        parts.append(part)
        return hours_of({day: plays[day] for day in part})

    lake.engine.rows_at_once = rows_at_once
    lake.write_days(HOURS.name, days, build, DayVersions(), weigh=EVENTS.name)
    return parts


def test_a_range_is_taken_in_parts_of_about_as_many_rows_as_fit(lake):
    write_events(lake, {march(1): 3, march(2): 3, march(3): 4, march(5): 6, march(6): 20, march(7): 1})
    days = Days(march(1), march(8))
    plays = {day: day.day for day in days}
    assert write_in_parts(lake, days, plays, rows_at_once=10) == [
        Days(march(1), march(4)),
        Days(march(5), march(5)),
        Days(march(6), march(6)),
        Days(march(7), march(8)),
    ]
    assert plays_by_day(lake) == plays
    assert lake.snapshot(HOURS.name).state.version == 1


@pytest.mark.parametrize("rows_at_once", [1, 4, 1000])
def test_a_range_written_in_parts_equals_the_range_at_once(lake, rows_at_once):
    days = Days(march(1), march(6))
    write_events(lake, dict.fromkeys(days, 3))
    plays = {day: 100 - day.day for day in days}
    write_in_parts(lake, days, plays, rows_at_once)
    assert plays_by_day(lake) == plays


def test_rows_outside_the_range_are_not_written(lake):
    everything = hours_of({march(1): 1, march(2): 2, march(3): 3})
    lake.write_days(HOURS.name, Days(march(2), march(2)), lambda part: everything, DayVersions(), weigh=EVENTS.name)
    assert plays_by_day(lake) == {march(2): 2}


def test_a_failure_in_a_later_part_leaves_the_table_as_it_was(lake):
    days = Days(march(1), march(2))
    write_hours(lake, days, {march(1): 1, march(2): 2})
    write_events(lake, {march(1): 5, march(2): 5})
    lake.engine.rows_at_once = 5

    def build(part):
        if march(2) in part:
            raise ZeroDivisionError
        return hours_of({march(1): 10})

    with pytest.raises(ZeroDivisionError):
        lake.write_days(HOURS.name, days, build, DayVersions(), weigh=EVENTS.name)
    assert plays_by_day(Lake(lake.settings, lake.engine)) == {march(1): 1, march(2): 2}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("timezone", "Europe/Berlin", "timezone = UTC"),
        ("session_gap_minutes", 45, "session_gap_minutes = 30"),
        ("max_watch_seconds", 100, "max_watch_seconds = 43200"),
        ("start_date", march(1), "start_date = 2005-01-01"),
    ],
)
def test_a_setting_that_shapes_the_tables_cannot_change_later(lake, name, value, shown):
    with pytest.raises(LakeSettingsError, match=rf"{shown}, now it is {value}.*`streaming-assets rebuild`"):
        Lake(dataclasses.replace(lake.settings, **{name: value}), lake.engine)
    Lake(lake.settings, lake.engine)


def test_other_settings_may_change(lake):
    Lake(dataclasses.replace(lake.settings, max_rejected_share=0.5, memory_limit="1GB"), lake.engine)


@pytest.mark.parametrize(
    "folder",
    ["it's here", 'so "quoted"', "100% of [1] *? {a,b}", "user=ann", "ünïcode 日本"],
)
def test_the_data_folder_may_have_any_name(tmp_path, folder):
    settings = Settings(data_dir=tmp_path / folder, threads=1, memory_limit="500MB")
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        write_hours(lake, Days(march(1), march(2)), {march(1): 1, march(2): 2})
        assert plays_by_day(Lake(settings, engine)) == {march(1): 1, march(2): 2}


def test_a_data_folder_that_reads_like_a_partition_is_refused(tmp_path, lake):
    with pytest.raises(LakeSettingsError, match=r"below 'date=2020-01-01', which reads like a partition"):
        Lake(Settings(data_dir=tmp_path / "date=2020-01-01" / "data"), lake.engine)


def test_scratch_is_emptied_of_what_a_killed_run_left(lake):
    left_over: Path = clear_scratch(lake.settings) / "a" / "b"
    left_over.mkdir(parents=True)
    assert list(clear_scratch(lake.settings).iterdir()) == []


def test_scratch_of_a_relative_data_folder_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert clear_scratch(Settings(data_dir=Path("data"))).is_relative_to(tmp_path)
