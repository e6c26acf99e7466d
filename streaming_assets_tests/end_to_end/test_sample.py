"""The committed sample, against what its simulator says is in it; and a reader who was there all the while."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streaming_assets.automation.pipeline import Step
from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences, errors, failed_blocking
from streaming_assets_tests.marts.taken_in import sample

TRUTH_AND_CORRECTIONS = Path(__file__).parents[1] / "data" / "sample"
TRUTH = json.loads((TRUTH_AND_CORRECTIONS / "truth.json").read_text())

READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("SET enable_progress_bar = false")
plays = connection.execute("SELECT coalesce(watch_seconds, 0) FROM core.plays")
seen = plays.fetchmany(10)
print("reading", flush=True)
sys.stdin.readline()
while rows := plays.fetchmany(10_000):
    seen += rows
print(len(seen), sum(row[0] for row in seen))
print(*connection.execute("SELECT count(*), sum(watch_seconds) FROM core.plays").fetchone())
print(*connection.execute("SELECT sum(rows) FROM raw.event_files").fetchone())
"""


@dataclass(frozen=True)
class Sample:
    """The sample taken in, then its corrections, with a reader in the middle of a query from before to after."""

    folder: DataFolder
    landed: dict[str, Any]
    corrected_steps: list[Step]
    reader: list[str]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = sample(tmp_path_factory).copy_to(tmp_path_factory.mktemp("sample") / "data")
    landed = counts(folder)
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(folder.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        shutil.copytree(TRUTH_AND_CORRECTIONS / "corrections", folder.landing, dirs_exist_ok=True)
        corrected_steps = folder.run()
        told, _ = reader.communicate("go on\n", timeout=60)
    return Sample(folder, landed, corrected_steps, told.splitlines())


def counts(folder: DataFolder) -> dict[str, Any]:
    """What truth.json says of landed files, asked of streaming.duckdb."""
    (totals,) = folder.query(
        "SELECT count(*), sum(rows), sum(accepted) FROM raw.event_files WHERE path LIKE 'events/%'"
    )
    (events,) = folder.query("SELECT count(*) FROM core.events")
    (plays,) = folder.query("SELECT count(*), count(DISTINCT user_id), sum(watch_seconds) FROM core.plays")
    by_day = folder.query(
        """
        SELECT CAST(event_date AS VARCHAR), count(*), count(*) FILTER (event_type = 'play'),
               sum(watch_seconds) FILTER (event_type = 'play')
        FROM core.events GROUP BY event_date ORDER BY event_date
        """
    )
    return {
        **dict(zip(("files", "rows", "accepted"), totals, strict=True)),
        "rejected": dict(
            folder.query(
                """SELECT reason, count(*) FROM raw.rejected_rows WHERE "table" = 'events' GROUP BY reason ORDER BY reason"""
            )
        ),
        "events": events[0],
        **dict(zip(("plays", "users_with_a_play", "watch_seconds"), plays, strict=True)),
        "by_day": {day: dict(zip(("events", "plays", "watch_seconds"), found, strict=True)) for day, *found in by_day},
    }


def approximately(truth: dict[str, Any]) -> dict[str, Any]:
    """The truth with sums of floats to 1e-9 of them."""
    days = {
        day: {**told, "watch_seconds": pytest.approx(told["watch_seconds"], rel=1e-9)}
        for day, told in truth["by_day"].items()
    }
    return {**truth, "watch_seconds": pytest.approx(truth["watch_seconds"], rel=1e-9), "by_day": days}


def test_corrections_are_taken_in_without_a_blocking_check_failing(taken_in: Sample):
    assert (errors(taken_in.corrected_steps), failed_blocking(taken_in.corrected_steps)) == ([], [])


def test_the_tables_hold_what_the_simulator_planted(taken_in: Sample):
    assert taken_in.landed == approximately(TRUTH["landed"])


def test_corrected_files_replace_what_they_correct(taken_in: Sample):
    assert counts(taken_in.folder) == approximately(TRUTH["corrected"])


def test_every_record_of_users_and_titles_is_taken_in(taken_in: Sample):
    tables = taken_in.folder.query("SELECT count(*), count(DISTINCT user_id) FROM core.users WHERE NOT is_derived")
    assert tables == [(TRUTH["users"]["rows"], TRUTH["users"]["users"])]
    assert taken_in.folder.query("SELECT count(*) FROM core.content WHERE NOT is_derived") == [
        (TRUTH["content"]["rows"],)
    ]


def test_a_reader_in_the_middle_of_a_query_keeps_its_state_while_new_data_are_published(taken_in: Sample):
    rest_of_the_query, a_query_after, rows_of_files = (list(map(float, line.split())) for line in taken_in.reader)
    before = [TRUTH["landed"]["plays"], pytest.approx(TRUTH["landed"]["watch_seconds"], rel=1e-9)]
    assert rest_of_the_query == before
    assert a_query_after == before
    assert rows_of_files == [TRUTH["landed"]["rows"] + TRUTH["users"]["rows"] + TRUTH["content"]["rows"]]


@pytest.mark.slow
def test_landing_corrections_ends_in_the_tables_of_a_run_on_the_corrected_files(taken_in: Sample, tmp_path: Path):
    at_once = DataFolder.at(tmp_path / "data", landing=taken_in.folder.landing)
    at_once.run(groups=("raw", "core"))
    assert differences(taken_in.folder.core(), at_once.core()) == []
