"""Files that change: between two runs, and while they are read."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .content import Tables, assert_same, lake_tables
from .landed import csv, land, plays, users_of
from .running import UP_TO_CORE, Ended, Fault, Runs

BROKEN = csv("Bj\xf6rk,2024-03-01T10:00:00Z,c1,600\n").encode("latin-1")


@dataclass(frozen=True)
class Morning:
    """A run, and what was there after it."""

    ended: Ended
    tables: Tables

    def file(self, path: str) -> dict[str, Any] | None:
        return next((row for row in self.tables["raw/event_files"] if row["path"] == path), None)

    def status(self, path: str) -> str | None:
        row = self.file(path)
        return row and row["status"]

    def has_plays(self, user: str, table: str = "core/events") -> int:
        return sum(row["user_id"].rstrip("0123456789") == user for row in self.tables[table])


@pytest.fixture(scope="module")
def mornings(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Morning, Morning, Morning]:
    """Three runs over a landing folder that changes in between."""
    data_dir = tmp_path_factory.mktemp("changing") / "data"
    landing = data_dir / "landing"

    def run() -> Morning:
        ended = runs.run("run", "--data-dir", data_dir, *UP_TO_CORE)
        assert "Traceback" not in ended.err
        return Morning(ended, lake_tables(data_dir))

    for name in ("removed", "spoiled", "same", "turned", "grown"):
        land(landing, f"{name}.csv", csv(plays(name)))
    for name in ("mended", "withdrawn"):
        land(landing, f"{name}.csv", BROKEN)
    first = run()

    for name in ("removed", "withdrawn"):
        (landing / f"{name}.csv").unlink()
    land(landing, "spoiled.csv", BROKEN)
    land(landing, "mended.csv", csv(plays("mended")))
    land(landing, "turned.csv", "user_id,plan\nturned1,free\n")
    land(landing, "grown.csv", csv(plays("grown", 10), plays("later", 5, day=9)))
    os.utime(land(landing, "same.csv", csv(plays("same"))), ns=(1, 1))
    land(landing, "same_elsewhere.csv", csv(plays("same")))
    second = run()

    (landing / "spoiled.csv").unlink()
    return first, second, run()


def test_a_file_that_disappears_stays_loaded(mornings):
    for morning in mornings:
        assert (morning.status("removed.csv"), morning.has_plays("removed")) == ("loaded", 20)


def test_a_broken_file_that_is_corrected_loads(mornings):
    first, second, _ = mornings
    assert (first.status("mended.csv"), first.has_plays("mended")) == ("failed", 0)
    assert (second.status("mended.csv"), second.has_plays("mended")) == ("loaded", 20)
    assert second.file("mended.csv")["error"] is None


def test_a_broken_file_that_is_taken_away_is_no_longer_reported(mornings):
    first, second, _ = mornings
    assert first.status("withdrawn.csv") == "failed"
    assert second.file("withdrawn.csv") is None
    assert "withdrawn.csv" not in second.ended.out


def test_a_file_landed_again_broken_is_reported_and_keeps_its_old_rows(mornings):
    _, second, _ = mornings
    row = second.file("spoiled.csv")
    assert (row["status"], row["accepted"], second.has_plays("spoiled")) == ("failed", 20, 20)
    assert "row 1 is not UTF-8" in row["error"]
    assert f"spoiled.csv: failed: {row['error']}" in second.ended.out


def test_when_the_broken_file_is_taken_away_its_old_rows_stay_and_all_is_well(mornings):
    _, _, third = mornings
    row = third.file("spoiled.csv")
    assert (row["status"], row["error"], row["accepted"], third.has_plays("spoiled")) == ("loaded", None, 20, 20)


def test_runs_fail_for_as_long_as_a_file_is_broken(mornings):
    assert [morning.ended.code for morning in mornings] == [1, 1, 0]


def test_the_same_content_again_is_not_read_again(mornings):
    first, second, _ = mornings
    assert second.file("same.csv") == first.file("same.csv")
    assert second.status("same.csv") == "loaded"


def test_the_same_content_under_another_path_counts_once(mornings):
    _, second, _ = mornings
    assert second.file("same_elsewhere.csv")["accepted"] == 20
    assert (second.has_plays("same", "raw/events"), second.has_plays("same")) == (40, 20)


def test_a_file_with_other_content_replaces_exactly_its_rows(mornings):
    first, second, _ = mornings
    assert (first.has_plays("grown"), first.has_plays("later")) == (20, 0)
    assert (second.has_plays("grown"), second.has_plays("later")) == (10, 5)
    row = second.file("grown.csv")
    assert (row["status"], [str(day) for day in row["touched_dates"]]) == ("replaced", ["2024-03-01", "2024-03-09"])


def test_a_file_that_turns_from_events_into_users_no_longer_has_plays(mornings):
    first, second, _ = mornings
    assert (first.file("turned.csv")["table"], first.has_plays("turned")) == ("events", 20)
    row = second.file("turned.csv")
    assert (row["table"], row["accepted"], [str(day) for day in row["touched_dates"]]) == ("users", 1, ["2024-03-01"])
    assert second.has_plays("turned", "raw/events") == second.has_plays("turned") == 0
    assert [user["plan"] for user in second.tables["core/users"] if user["user_id"] == "turned1"] == ["free"]


def test_tables_are_what_one_run_over_the_files_of_the_end_makes(mornings, runs, data_dir):
    _, _, third = mornings
    landing = data_dir / "landing"
    for name in ("removed", "spoiled", "same", "mended"):
        land(landing, f"{name}.csv", csv(plays(name)))
    land(landing, "same_elsewhere.csv", csv(plays("same")))
    land(landing, "turned.csv", "user_id,plan\nturned1,free\n")
    land(landing, "grown.csv", csv(plays("grown", 10), plays("later", 5, day=9)))
    assert runs.run("run", "--data-dir", data_dir, "--groups", "raw,core").code == 0
    core = {name: rows for name, rows in third.tables.items() if name.startswith("core/")}
    assert_same(core, {name: rows for name, rows in lake_tables(data_dir).items() if name in core})


def replaced_while_read(landing: Path, moment: str, nth: int) -> Fault:
    """The landed file gives way to another when its bytes are hashed."""
    new = land(landing, ".new.csv", csv(plays("new")))
    return Fault(
        moment, "streaming_assets.sources.container:sha256", "day.csv", nth, "replace", new=str(new), old=str(landing / "day.csv")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "nth"),
    [
        pytest.param("after", 1, id="before reading"),
        pytest.param("before", 2, id="after reading", marks=pytest.mark.slow),
    ],
)
def test_a_file_that_is_replaced_while_it_is_read_does_not_load_until_it_holds_still(runs, data_dir, moment, nth):
    landing = data_dir / "landing"
    land(landing, "day.csv", csv(plays("old")))
    land(landing, "still.csv", csv(plays("still")))
    only_raw = ("run", "--data-dir", data_dir, "--groups", "raw")
    first = runs.run(*only_raw, fault=replaced_while_read(landing, moment, nth))
    after_first = lake_tables(data_dir)
    assert first.code == 1
    assert "day.csv: failed: changed while it was read; it is read again next time" in first.out
    assert users_of(after_first["raw/events"]) == {"still"}
    assert runs.run(*only_raw).code == 0
    assert users_of(lake_tables(data_dir)["raw/events"]) == {"new", "still"}
