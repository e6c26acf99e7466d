"""Runs that are killed, without a chance to tidy up, and what the next run makes of what they left."""

import datetime as dt
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from streaming_assets.simulate import simulate

from .content import Tables, assert_same, lake_tables, published_tables
from .landed import csv, land, plays
from .running import COMMIT, WRITE, Fault, Runs, about

RECORD = "streaming_assets.assets.checks:record"
KILLED = -9

FIRST_RUN = [
    about("after", "streaming_assets.lake.delta:_open_or_create", "raw/users"),
    about("after", WRITE, "raw/events"),
    about("after", COMMIT, "raw/events"),
    about("after", COMMIT, "raw/event_files"),
    about("after", WRITE, "core/events"),
    about("after", COMMIT, "core/sessions"),
    Fault("before", RECORD, "'core/sessions'"),
    about("after", COMMIT, "core/users"),
    about("after", COMMIT, "marts/user_metrics"),
    Fault("before", RECORD, "'marts/retention'"),
    about("after", COMMIT, "experiments/unit_days"),
    Fault("before", "pathlib:Path.replace", "building-"),
]
SECOND_RUN = [
    about("after", COMMIT, "raw/events"),
    about("after", COMMIT, "raw/event_files"),
    about("after", COMMIT, "core/user_daily"),
    about("before", COMMIT, "core/content"),
    about("before", COMMIT, "marts/survival"),
    about("before", COMMIT, "experiments/decisions"),
    Fault("before", "pathlib:Path.replace", "building-"),
]
AFTER_THE_RENAME = [
    Fault("after", "pathlib:Path.replace", "building-"),
    Fault("after", "streaming_assets.lake.publish:vacuum", nth=2),
]
# Models have kills of their own, with more history than these runs have.
GROUPS = ("--groups", "raw,core,marts,experiments,published")
EXPERIMENTS = """
- id: first_days
  start: 2024-03-01
  end: 2024-03-03
  assignment: {salt: first_days, variants: {control: 50, treatment: 50}}
  primary: session_minutes
- id: going_on
  start: 2024-03-02
  end: 2024-04-01
  assignment: {salt: going_on, variants: {control: 50, treatment: 50}}
  primary: plays_per_user
"""


@dataclass(frozen=True)
class Undisturbed:
    """Two runs that nothing disturbed: landing folders before each, and what was there after each.

    Before the second a file comes late, two are corrected, and one of these no longer has rows of its second day.
    """

    landings: tuple[Path, Path]
    data_dir_after_first: Path
    lake: tuple[Tables, Tables]
    published: tuple[Tables, Tables]


@pytest.fixture(scope="module")
def undisturbed(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("undisturbed")
    simulate(users=15, days=4, seed=3, out=root / "service", start=dt.date(2024, 3, 1))
    first, second = root / "first", root / "second"
    shutil.copytree(root / "service" / "landing", first)
    (first / "events" / "2024-03-02.jsonl.gz").unlink()
    play = '{"user_id": "ann", "started_at": "2024-03-%02dT10:00:00Z", "content_id": "c1"}\n'
    (first / "hand.jsonl").write_text(play % 2 + play % 4)
    shutil.copytree(root / "service" / "landing", second)
    shutil.copytree(root / "service" / "corrections", second, dirs_exist_ok=True)
    (second / "hand.jsonl").write_text(play % 2)

    (root / "data").mkdir()
    (root / "data" / "experiments.yaml").write_text(EXPERIMENTS)
    lake, published = [], []
    for number, landing in enumerate((first, second), start=1):
        ended = runs.run("run", "--data-dir", root / "data", "--landing", landing, *GROUPS)
        assert ended.code == 0, ended.err
        lake.append(lake_tables(root / "data"))
        published.append(published_tables(root / "data"))
        if number == 1:
            shutil.copytree(root / "data", root / "after first")
    for name in ("core/sessions", "experiments/unit_days"):
        assert lake[0][name] != lake[1][name]
    return Undisturbed((first, second), root / "after first", (lake[0], lake[1]), (published[0], published[1]))


def run_killed(runs: Runs, data_dir: Path, landing: Path, fault: Fault) -> None:
    ended = runs.run("run", "--data-dir", data_dir, "--landing", landing, *GROUPS, fault=fault)
    assert ended.code == KILLED, f"{fault} did not come to pass\n{ended.out}\n{ended.err}"


def run_to_the_end(runs: Runs, data_dir: Path, landing: Path) -> None:
    ended = runs.run("run", "--data-dir", data_dir, "--landing", landing, *GROUPS)
    assert ended.code == 0, ended.err
    again = runs.run("run", "--data-dir", data_dir, "--landing", landing, *GROUPS)
    assert "Nothing is new" in again.out


@pytest.mark.slow
def test_a_first_run_killed_at_every_stage_ends_as_if_nothing_had_happened(runs, undisturbed, data_dir):
    landing = undisturbed.landings[0]
    (data_dir / "experiments.yaml").write_text(EXPERIMENTS)
    for fault in FIRST_RUN:
        run_killed(runs, data_dir, landing, fault)
        assert published_tables(data_dir) == {}, fault
    for fault in AFTER_THE_RENAME:
        run_killed(runs, data_dir, landing, fault)
        assert_same(published_tables(data_dir), undisturbed.published[0])
    run_to_the_end(runs, data_dir, landing)
    assert_same(lake_tables(data_dir), undisturbed.lake[0])
    assert_same(published_tables(data_dir), undisturbed.published[0])
    assert not list(data_dir.glob("*building*"))


@pytest.mark.slow
def test_a_run_over_late_and_corrected_files_killed_at_every_stage_ends_as_if_nothing_had_happened(
    runs, undisturbed, tmp_path
):
    data_dir = tmp_path / "data"
    shutil.copytree(undisturbed.data_dir_after_first, data_dir)
    landing = undisturbed.landings[1]
    for fault in SECOND_RUN:
        run_killed(runs, data_dir, landing, fault)
        assert_same(published_tables(data_dir), undisturbed.published[0])
    for fault in AFTER_THE_RENAME:
        run_killed(runs, data_dir, landing, fault)
        assert_same(published_tables(data_dir), undisturbed.published[1])
    run_to_the_end(runs, data_dir, landing)
    assert_same(published_tables(data_dir), undisturbed.published[1])
    assert_same(lake_tables(data_dir), undisturbed.lake[1])


INGEST = ("--groups", "raw")
BETWEEN_ROWS_AND_LEDGER = about("after", COMMIT, "raw/events")


def test_rows_whose_file_changes_before_it_was_entered_in_the_ledger_do_not_stand_alone(runs, data_dir):
    landing = data_dir / "landing"
    for name in ("good", "broken", "gone"):
        land(landing, f"{name}.csv", csv(plays(name)))
    run_killed(runs, data_dir, landing, BETWEEN_ROWS_AND_LEDGER)
    land(landing, "broken.csv", csv("Bj\xf6rk,2024-03-01T10:00:00Z,c1,600\n").encode("latin-1"))
    (landing / "gone.csv").unlink()
    ended = runs.run("run", "--data-dir", data_dir, *INGEST)
    tables = lake_tables(data_dir)
    assert "broken.csv: failed: row 1 is not UTF-8" in ended.out
    accepted = {row["file_id"]: row["accepted"] for row in tables["raw/event_files"]}
    assert dict(Counter(row["file_id"] for row in tables["raw/events"])) == {
        file_id: count for file_id, count in accepted.items() if count
    }
    assert "BLOCKING" not in ended.out


def test_days_that_a_corrected_file_no_longer_has_are_still_named_after_a_kill(runs, data_dir):
    landing = data_dir / "landing"
    land(landing, "days.csv", csv(plays("ann", day=1), plays("ann", day=5)))
    assert runs.run("run", "--data-dir", data_dir, *INGEST).code == 0
    land(landing, "days.csv", csv(plays("ann", day=1)))
    run_killed(runs, data_dir, landing, BETWEEN_ROWS_AND_LEDGER)
    assert runs.run("run", "--data-dir", data_dir, *INGEST).code == 0
    (row,) = lake_tables(data_dir)["raw/event_files"]
    assert row["touched_dates"] == [dt.date(2024, 3, 1), dt.date(2024, 3, 5)]


def test_what_a_killed_run_did_not_check_is_not_published(runs, data_dir):
    landing = data_dir / "landing"
    land(landing, "day.csv", csv(plays("ann"), *["ann,yesterday,c1,600\n"] * 8))
    run_killed(runs, data_dir, landing, about("after", COMMIT, "raw/event_files"))
    unchecked = runs.run("run", "--data-dir", data_dir, "--groups", "published")
    assert unchecked.code == 1
    assert "written and not checked since" in unchecked.err
    assert published_tables(data_dir) == {}
    checked = runs.run("run", "--data-dir", data_dir, "--groups", "raw,published")
    assert checked.code == 1
    assert "BLOCKING: raw/event_files: rejected_share_of_every_file_is_within_the_limit" in checked.out
    assert published_tables(data_dir) == {}
