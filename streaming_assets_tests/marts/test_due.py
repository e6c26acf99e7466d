"""When marts are made anew, of which days they speak, and that they stand whatever little is known."""

import dataclasses
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets_tests.end_to_end.data_folder import (
    UP_TO_EXPERIMENTS,
    DataFolder,
    differences,
    errors,
    failed_blocking,
    jobs,
)
from streaming_assets_tests.end_to_end.service import ONE_DAY, lines, play, steady_week
from streaming_assets_tests.end_to_end.steady import DAYS, FIRST_DAY, taken_in

MARTS = contracts.marts.TABLES


def marts_of(folder: DataFolder) -> dict[str, pa.Table]:
    return {table.name: folder.table(table) for table in MARTS}


def run(folder: DataFolder) -> list[str]:
    steps = folder.run(groups=UP_TO_EXPERIMENTS)
    assert not errors(steps)
    assert not failed_blocking(steps)
    return jobs(steps)


@pytest.fixture(scope="module")
def twelve_days(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """Twelve days of plays that no midnight divides, their marts made; tests work on copies."""
    return taken_in(tmp_path_factory).folder


def test_nothing_new_makes_no_mart(twelve_days: DataFolder, tmp_path: Path):
    assert run(twelve_days.copy_to(tmp_path / "copy")) == []


@pytest.mark.slow
def test_marts_as_of_a_day_are_those_of_a_lake_that_ends_with_it(twelve_days: DataFolder, tmp_path: Path):
    seven = FIRST_DAY + 6 * ONE_DAY
    copy = twelve_days.copy_to(tmp_path / "copy")
    as_of = DataFolder(dataclasses.replace(copy.settings, as_of=seven))
    assert run(as_of) == ["compute_marts", "publish"]

    shorter = DataFolder.at(tmp_path / "shorter")
    shorter.land(steady_week(FIRST_DAY, 7))
    run(shorter)
    assert differences(marts_of(as_of), marts_of(shorter)) == []
    assert as_of.query("SELECT DISTINCT as_of FROM meta.tables WHERE name LIKE 'marts/%'") == [(seven,)]


@pytest.mark.slow
def test_days_without_plays_up_to_a_later_t_count(twelve_days: DataFolder, tmp_path: Path):
    copy = twelve_days.copy_to(tmp_path / "copy")
    later = FIRST_DAY + (DAYS + 6) * ONE_DAY
    run(DataFolder(dataclasses.replace(copy.settings, as_of=later)))
    assert copy.query("SELECT max(date), min(plays) FROM marts.platform_daily") == [(later, 0)]
    assert copy.query("SELECT DISTINCT days_since_last_play FROM marts.user_metrics") == [(7,)]
    assert copy.query("SELECT plays_7d, rank_7d FROM marts.content_performance WHERE rank_7d IS NOT NULL") == []


@pytest.mark.slow
def test_another_threshold_makes_the_marts_anew_and_leaves_core_alone(twelve_days: DataFolder, tmp_path: Path):
    copy = twelve_days.copy_to(tmp_path / "copy")
    assert copy.query("SELECT DISTINCT engagement FROM marts.user_segments") == [("heavy",)]
    before = copy.core()
    assert run(DataFolder(dataclasses.replace(copy.settings, engagement_plays=(50, 20, 10)))) == [
        "compute_marts",
        "publish",
    ]
    assert copy.query("SELECT DISTINCT engagement FROM marts.user_segments") == [("regular",)]
    assert differences(copy.core(), before) == []


@pytest.mark.slow
def test_a_new_day_changes_what_is_published(twelve_days: DataFolder, tmp_path: Path):
    copy = twelve_days.copy_to(tmp_path / "copy")
    day = FIRST_DAY + DAYS * ONE_DAY
    copy.land({"events/new.jsonl": lines([play("new", dt.datetime.combine(day, dt.time(12)), "title 1", 60.0)])})
    assert run(copy)[-2:] == ["compute_marts", "publish"]
    assert copy.query("SELECT plays, new_users FROM marts.platform_daily WHERE date = ?", day) == [(1, 1)]


def test_marts_keep_their_state_while_a_blocking_check_of_raw_stands_failed(twelve_days: DataFolder, tmp_path: Path):
    copy = twelve_days.copy_to(tmp_path / "copy")
    before = marts_of(copy)
    path = f"events/{FIRST_DAY}.jsonl"
    copy.land({path: (copy.landing / path).read_text() + '{"user_id": "x"}\n' * 5})
    steps = copy.run(groups=UP_TO_EXPERIMENTS)
    assert "compute_marts" not in jobs(steps)
    assert differences(marts_of(copy), before) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="an empty lake"),
        pytest.param(
            [play("ann", dt.datetime(2026, 3, 24, 12), "one", None)],
            id="a single play, nothing known of it",
        ),
        pytest.param(
            [play("ann", dt.datetime(2026, 3, 24, 12 + hour), "one", 60.0) for hour in range(3)],
            id="a single user",
        ),
        pytest.param(
            [play(f"user {number}", dt.datetime(2026, 3, 24, number), "one", 60.0) for number in range(24)],
            id="a single day",
        ),
        pytest.param(
            [{**play("ann", dt.datetime(2026, 3, 24, 12), "one", None), "event_type": "search"}],
            id="no play at all",
        ),
    ],
)
def test_every_mart_stands_when_there_is_little(tmp_path: Path, events):
    folder = DataFolder.at(tmp_path / "data")
    if events:
        folder.land({"events/few.jsonl": lines(events)})
    run(folder)
    made = marts_of(folder)
    assert set(made) == {table.name for table in MARTS}
    users = {event["user_id"] for event in events if event.get("event_type", "play") == "play"}
    assert made["marts/user_metrics"].num_rows == len(users)
    published = folder.query("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'marts'")
    assert published == [(len(MARTS),)]
