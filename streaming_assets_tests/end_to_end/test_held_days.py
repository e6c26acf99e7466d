"""A day that waits for a correction holds back itself alone, whatever made it wait and whoever looks meanwhile."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from streaming_assets.automation.pipeline import Pipeline
from streaming_assets.build import subjects
from streaming_assets.contracts import core
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import held_days, unchecked
from streaming_assets.lake.ingest import ingest
from streaming_assets.lake.keys import email_key
from streaming_assets.lake.lake import Lake
from streaming_assets.sources import load_sources
from streaming_assets_tests.end_to_end.data_folder import (
    NOW,
    DataFolder,
    errors,
    failed_blocking,
    jobs,
)

BLOCKING = "rejected_share_of_every_day_is_within_the_limit"


def march(day: int, hour: int = 10, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute)


def play(user: str, at: dt.datetime, **columns: Any) -> str:
    row = {"user_id": user, "started_at": f"{at.isoformat()}Z", "content_id": "c", "watch_seconds": 60.0, **columns}
    return json.dumps(row) + "\n"


def plays(name: str, day: int, count: int) -> str:
    return "".join(play(f"{name}{number}", march(day)) for number in range(count))


def refused(day: int, count: int) -> str:
    return play("", march(day, 14)) * count


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder.at(tmp_path / "data")


def check(folder: DataFolder) -> list[str]:
    """`streaming-assets check`; the blocking checks that failed."""
    with dg.DagsterInstance.ephemeral() as instance:
        return failed_blocking(Pipeline(folder.settings, instance, lambda: NOW).check())


def held(folder: DataFolder) -> set[int]:
    with duckdb_engine(folder.settings) as engine:
        return {day.day for day in held_days(Lake(folder.settings, engine))}


def session_plays(folder: DataFolder) -> dict[int, int]:
    """Per day of March on which a session started, its plays."""
    found: Counter[int] = Counter()
    for row in folder.table(core.sessions).select(["session_date", "plays"]).to_pylist():
        found[row["session_date"].day] += row["plays"]
    return dict(found)


def blocking_of_core(folder: DataFolder) -> list[str]:
    return [str(one) for one in folder.open_failures() if one.is_blocking and one.asset.startswith("core/")]


def with_settings(folder: DataFolder, **settings: Any) -> DataFolder:
    return DataFolder.at(folder.settings.data_dir, **settings)


@pytest.mark.slow
class TestWhileADayIsHeld:
    def test_other_days_are_computed_whatever_stands_failed_on_it_or_goes_on_from_it(self, folder: DataFolder):
        shared = play("x", march(10, 12), event_id="e1") + play("x", march(11, 12), event_id="e1")
        owl = play("owl", march(10, 23, 55)), play("owl", march(11, 0, 5))
        folder.land({"a.jsonl": plays("u", 10, 20) + shared + owl[0] + plays("y", 14, 1)})
        folder.run()
        folder.land({"b.jsonl": plays("w", 10, 20) + refused(10, 10), "c.jsonl": owl[1] + plays("z", 14, 50)})
        folder.run()
        assert held(folder) == {10}
        assert blocking_of_core(folder) == []
        assert session_plays(folder) == {10: 22, 11: 1, 14: 51}
        warned = [one for one in folder.open_failures() if one.check == "every_event_id_is_on_one_day"]
        assert sorted(str(one).split(" on ")[1] for one in warned) == ["2026-03-10", "2026-03-11"]

        (step,) = folder.run()
        assert step.job == "publish"
        assert BLOCKING in step.errors[0]

        folder.land({"b.jsonl": plays("w", 10, 20)})
        assert errors(folder.run()) == []
        assert session_plays(folder) == {10: 43, 11: 1, 14: 51}
        assert folder.run() == []

    def test_a_check_of_everything_opens_nothing_of_core_and_both_days_are_corrected_in_one_run(
        self, folder: DataFolder
    ):
        folder.land({"a.jsonl": plays("u", 5, 20) + plays("u", 25, 20)})
        folder.run()
        folder.land({"b.jsonl": plays("w", 5, 5) + refused(5, 9), "c.jsonl": plays("w", 25, 5) + refused(25, 9)})
        folder.run()
        assert {name.split(":")[0] for name in check(folder)} == {"raw/events", "raw/event_files"}
        assert held(folder) == {5, 25}
        assert blocking_of_core(folder) == []
        folder.land({"b.jsonl": plays("w", 5, 5), "c.jsonl": plays("w", 25, 5)})
        steps = folder.run()
        assert (errors(steps), failed_blocking(steps)) == ([], [])
        assert session_plays(folder) == {5: 25, 25: 25}
        assert folder.run() == []


@pytest.mark.slow
def test_a_check_between_ingest_and_computing_opens_nothing_that_stops_the_computing(folder: DataFolder):
    folder.land({"a.jsonl": plays("u", 5, 20) + plays("u", 25, 20)})
    folder.run(groups=("raw", "core"))
    folder.land({"b.jsonl": plays("w", 5, 5) + plays("w", 25, 5)})
    folder.run(groups=("raw",))
    assert check(folder) == []
    folder.run(groups=("core",))
    assert session_plays(folder) == {5: 25, 25: 25}


FIRST = {"a.jsonl": plays("u", 1, 100) + plays("w", 5, 20)}


class TestDaysThatOnlyGainRefusedRows:
    def test_they_are_held_and_nothing_is_published_until_the_file_is_corrected(self, folder: DataFolder):
        folder.land(FIRST)
        folder.run(groups=("raw",))
        folder.land({"b.jsonl": plays("x", 1, 300) + refused(5, 20) + refused(8, 5)})
        steps = folder.run(groups=("raw", "published"))
        assert failed_blocking(steps) == [f"raw/events: {BLOCKING}"]
        assert held(folder) == {5, 8}
        assert BLOCKING in errors(steps)[0]
        folder.land({"b.jsonl": plays("x", 1, 300) + plays("x", 8, 5)})
        folder.run(groups=("raw",))
        assert folder.open_failures() == []

    def test_they_are_held_when_the_run_that_read_them_ended_before_its_checks(self, folder: DataFolder):
        folder.land(FIRST)
        folder.run(groups=("raw",))
        folder.land({"b.jsonl": plays("x", 1, 50) + refused(8, 5)})
        with duckdb_engine(folder.settings) as engine:
            lake = Lake(folder.settings, engine)
            ingest(lake, load_sources(folder.settings.sources_dir), email_key(folder.settings), NOW)
            assert "raw/event_files reconciliation of raw/events" in unchecked(lake, subjects(folder.settings))
        assert jobs(folder.run(groups=("raw",))) == ["ingest"]
        assert held(folder) == {8}

    def test_a_day_is_held_when_its_accepted_rows_go_and_its_refused_ones_stay(self, folder: DataFolder):
        folder.land({"a.jsonl": plays("u", 5, 30) + plays("u", 1, 9), "b.jsonl": plays("x", 1, 90) + refused(5, 3)})
        folder.run(groups=("raw",))
        assert held(folder) == set()
        folder.land({"a.jsonl": plays("u", 1, 9)})
        folder.run(groups=("raw",))
        assert held(folder) == {5}


class TestTheLimitOfRefusedRows:
    def test_the_next_run_with_a_higher_one_releases_what_is_within_it(self, folder: DataFolder):
        folder.land({"a.jsonl": plays("u", 1, 10) + refused(1, 3)})
        folder.run(groups=("raw",))
        assert held(folder) == {1}
        higher = with_settings(folder, max_rejected_share=0.5)
        assert errors(higher.run(groups=("raw",))) == []
        assert [one.check for one in higher.open_failures()] == ["at_most_1_percent_of_a_days_rows_are_rejected"]
        assert higher.run(groups=("raw",)) == []

    def test_the_next_run_with_a_lower_one_holds_what_is_beyond_it(self, folder: DataFolder):
        folder.land({"a.jsonl": plays("u", 1, 95) + refused(1, 5)})
        folder.run(groups=("raw",))
        assert held(folder) == set()
        lower = with_settings(folder, max_rejected_share=0.02)
        lower.run(groups=("raw",))
        assert held(lower) == {1}
