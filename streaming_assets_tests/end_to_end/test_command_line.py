"""The command line: exit codes, messages, and that a refused command has changed nothing."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from streaming_assets_tests.end_to_end.command_line import streaming_assets, streaming_assets_process
from streaming_assets_tests.end_to_end.conftest import Moved
from streaming_assets_tests.end_to_end.data_folder import DAILY, DataFolder, differences
from streaming_assets_tests.end_to_end.service import ONE_DAY, lines, play
from streaming_assets_tests.end_to_end.steady import Steady


class TestWrongUse:
    def test_a_setting_that_does_not_exist_is_refused_with_those_that_do(self, tmp_path: Path):
        told = streaming_assets("status", "--data-dir", tmp_path, COLOUR="blue")
        assert (told.code, told.out) == (2, "")
        assert "STREAMING_ASSETS_COLOUR is not a setting" in told.err
        assert "STREAMING_ASSETS_TIMEZONE" in told.err

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("TIMEZONE", "Mars/Phobos", "Europe/Berlin"),
            ("THREADS", "many", "whole number"),
            ("START_DATE", "01.02.2026", "date from 1970-01-02 to 2100-01-01"),
            ("MAX_REJECTED_SHARE", "10", "share from 0 to 1"),
            ("MEMORY_LIMIT", "lots", "size of 100MB or more"),
            ("ENGINE", "abacus", "duckdb"),
            ("ENGINE", "spark,marts=duckdb,marts=spark", "spark,marts=duckdb"),
            ("SPARK_MASTER", "local[x]", "spark://host:7077"),
        ],
    )
    def test_a_wrong_value_is_refused_with_its_name_and_what_was_expected(
        self, tmp_path: Path, name: str, value: str, expected: str
    ):
        told = streaming_assets("run", "--data-dir", tmp_path, **{name: value})
        assert (told.code, told.out) == (2, "")
        assert f"STREAMING_ASSETS_{name}: found {value!r}, expected" in told.err
        assert expected in told.err

    def test_a_wrong_key_is_not_shown(self, tmp_path: Path):
        told = streaming_assets("run", "--data-dir", tmp_path, EMAIL_KEY="too short")
        assert told.code == 2
        assert "STREAMING_ASSETS_EMAIL_KEY" in told.err
        assert "too short" not in told.err

    @pytest.mark.parametrize("command", ["run", "rebuild"])
    def test_a_landing_folder_that_is_not_there_is_refused_and_the_lake_left_in_place(
        self, steady: Steady, tmp_path: Path, command: str
    ):
        folder = steady.folder.copy_to(tmp_path / "data")
        flags = ["--forget-missing"] if command == "rebuild" else []
        told = streaming_assets(
            command, "--data-dir", folder.settings.data_dir, "--landing", tmp_path / "nowhere", *flags
        )
        assert told.code == 2
        assert f"landing folder {tmp_path / 'nowhere'} is not there" in told.err
        assert folder.versions() == steady.folder.versions()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--from", "2026-03-05", "--to", "2026-03-04"], "--from 2026-03-05 is later than --to 2026-03-04"),
            (["--from", "yesterday"], "'yesterday' is not a date such as"),
            (["--groups", "raw,marble"], "marble is no group; the groups are raw,core"),
            (["--colour"], "unrecognized arguments: --colour"),
        ],
    )
    def test_arguments_that_make_no_sense_are_refused(self, tmp_path: Path, arguments: list[str], message: str):
        (tmp_path / "landing").mkdir()
        told = streaming_assets("run", "--data-dir", tmp_path, *arguments)
        assert told.code == 2
        assert message in told.err
        assert not (tmp_path / "lake").exists()

    def test_days_before_the_start_date_are_refused_or_passed_over(self, steady: Steady, tmp_path: Path):
        folder = steady.folder.copy_to(tmp_path / "data")
        told = streaming_assets(
            "run", "--data-dir", folder.settings.data_dir, "--from", "1990-01-01", "--to", "1990-01-02"
        )
        assert told.code in (0, 2)
        assert "Dagster" not in told.err
        assert folder.versions() == steady.folder.versions()

    @pytest.mark.parametrize("command", ["check", "rebuild"])
    def test_what_needs_a_lake_says_that_there_is_none_and_how_to_make_one(self, tmp_path: Path, command: str):
        (tmp_path / "landing").mkdir()
        told = streaming_assets(command, "--data-dir", tmp_path)
        assert told.code == 2
        assert f"there is no lake in {tmp_path}; `streaming-assets run` makes one" in told.err
        assert [path.name for path in tmp_path.iterdir()] == ["landing"]

    def test_the_ui_is_not_opened_where_dagster_would_pass_over_its_settings(self, tmp_path: Path):
        told = streaming_assets_process("ui", "--data-dir", "a [1]", cwd=tmp_path)
        assert told.code == 2
        assert f"Dagster's folder {tmp_path}/a [1]/dagster: found * or [ in its path" in told.err
        assert "name another folder in DAGSTER_HOME" in told.err

    def test_help_tells_of_every_command(self):
        told = streaming_assets("--help")
        assert told.code == 0
        told_of = set(re.findall(r"^ {4}(\w+)(?: |$)", told.out, re.MULTILINE))
        assert told_of >= {"run", "simulate", "status", "check", "export", "experiment", "ui", "rebuild"}


class TestStatus:
    def test_without_a_lake_says_how_to_make_one_and_makes_none(self, tmp_path: Path):
        told = streaming_assets("status", "--data-dir", tmp_path)
        assert told.code == 0
        assert "`streaming-assets run` makes one" in told.out
        assert list(tmp_path.iterdir()) == []

    def test_tells_files_days_and_that_nothing_is_pending(self, steady: Steady):
        told = streaming_assets("status", "--data-dir", steady.folder.settings.data_dir)
        assert told.code == 0
        for line in (
            "files      12 loaded",
            "waiting    0 files",
            "days       12 with events, 2026-03-24 to 2026-04-04",
            "pending    no days",
            "unchecked  nothing",
            "failed     no check",
        ):
            assert line in told.out
        assert "up to date" in told.out


class TestSimulate:
    def test_writes_a_landing_folder_and_says_how_to_take_it_in(self, tmp_path: Path):
        told = streaming_assets("simulate", "--users", 20, "--days", 2, "--seed", 3, "--out", tmp_path / "made")
        assert told.code == 0
        truth = json.loads((tmp_path / "made" / "truth.json").read_text())
        assert f"{truth['landed']['plays']:,} plays by {truth['landed']['users_with_a_play']:,} users" in told.out
        assert f"streaming-assets run --data-dir {tmp_path / 'made'}\n" in told.out

    def test_refuses_a_folder_with_something_in_it_and_leaves_it_alone(self, tmp_path: Path):
        (tmp_path / "mine.txt").write_text("keep me")
        told = streaming_assets("simulate", "--users", 5, "--days", 1, "--out", tmp_path)
        assert told.code == 2
        assert f"{tmp_path} is not empty" in told.err
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    @pytest.mark.parametrize(
        "arguments",
        [["--users", 0, "--days", 1], ["--users", 1, "--days", "x"], ["--users", 1, "--days", 1, "--seed", -1]],
    )
    def test_refuses_numbers_that_make_no_service(self, tmp_path: Path, arguments: list[object]):
        assert streaming_assets("simulate", *arguments, "--out", tmp_path / "made").code == 2
        assert not (tmp_path / "made").exists()


class TestRun:
    def test_ends_with_a_summary_and_code_0(self, steady: Steady):
        told = steady.outcome
        assert told.code == 0
        assert "12 files: 216 rows, 0 rejected" in told.out
        # Plays of a user at 8, 13 and 21 o'clock lie hours apart: each is a session.
        assert "216 plays in 216 sessions by 6 users, 2026-03-24 to 2026-04-04" in told.out
        assert "126 hours watched" in told.out
        assert ", 0 failed" in told.out

    def test_shows_nothing_but_its_progress_besides(self, steady: Steady):
        assert steady.outcome.err.splitlines() == [
            "read landed files …",
            "compute days 2026-03-23 to 2026-04-06 …",
            "refresh users and content …",
            "compute marts …",
            "train and score models …",
            "publish …",
        ]

    def test_groups_raw_only_takes_files_in(self, steady: Steady, tmp_path: Path):
        folder = steady.folder.copy_to(tmp_path / "data")
        folder.land({"events/new.jsonl": lines([play("new user", dt.datetime(2026, 3, 30, 12), "title 1", 60.0)])})
        before, published_at = folder.versions(), folder.database.stat().st_mtime_ns
        told = streaming_assets("run", "--data-dir", folder.settings.data_dir, "--groups", "raw")
        assert told.code == 0
        after = folder.versions()
        assert {name for name in after if after[name] != before[name]} == {
            "raw/events",
            "raw/event_files",
            "meta/open_failures",
        }
        assert folder.database.stat().st_mtime_ns == published_at
        assert (
            "pending    2026-03-29 to 2026-04-01"
            in streaming_assets("status", "--data-dir", folder.settings.data_dir).out
        )


@pytest.mark.slow
class TestARowThatWasCorrupted:
    """One user's plays of a day are raised behind the pipeline's back: checked, found, computed again."""

    day = dt.date(2026, 3, 28)

    def test_is_found_by_check_and_mended_by_computing_the_day_again(self, steady: Steady, tmp_path: Path):
        folder = steady.folder.copy_to(tmp_path / "data")
        data_dir = ("--data-dir", folder.settings.data_dir)
        corrupt(folder, self.day)
        found = streaming_assets("check", *data_dir, ALERT_WEBHOOK="http://127.0.0.1:1/hunter2")
        assert found.code == 1
        assert "alerts: webhook is down since " in found.err
        assert "hunter2" not in found.err
        assert "failed: core/user_daily: plays_reconcile_with_core_plays" in found.out
        assert (
            f"blocking  core/user_daily: plays_reconcile_with_core_plays on {self.day}"
            in streaming_assets("status", *data_dir).out
        )

        written = {table.name: folder.written(table.name) for table in DAILY}
        mended = streaming_assets("run", *data_dir, "--from", self.day, "--to", self.day + ONE_DAY)
        assert mended.code == 0
        for table in DAILY:
            now = folder.written(table.name)
            assert [day for day in now if now[day] != written[table.name][day]] == [self.day, self.day + ONE_DAY]
        assert differences(folder.core(), steady.folder.core()) == []
        alerts = [json.loads(line) for line in folder.settings.alert_log.read_text().splitlines()]
        of_users = [line for line in alerts if any(one.startswith("core/user_daily: plays_") for one in line["about"])]
        assert [(line["kind"], line["severity"]) for line in of_users] == [
            ("failing", "blocking"),
            ("recovered", "blocking"),
        ]
        assert [line for line in alerts if line["severity"] == "run"] == []


def corrupt(folder: DataFolder, day: dt.date) -> None:
    lake_table = folder.settings.lake_dir / "core" / "user_daily"
    (file,) = DeltaTable(str(lake_table)).file_uris([("date", "=", str(day))])
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE rows AS SELECT * FROM read_parquet(?, hive_partitioning = false)", [file])
        connection.execute("UPDATE rows SET plays = plays + 1 WHERE user_id = 'user 3'")
        connection.execute(f"COPY rows TO '{Path(file).with_suffix('.new')}' (FORMAT parquet)")
    Path(file).with_suffix(".new").replace(file)


@pytest.mark.slow
class TestALakeInAnotherTimeZone:
    @pytest.mark.parametrize("command", ["run", "status", "check"])
    def test_is_refused_with_the_command_that_makes_it_anew(self, moved_to_berlin: Moved, command: str):
        told = moved_to_berlin.refused[command]
        assert told.code in (1, 2)
        assert "was made with timezone = UTC, now it is Europe/Berlin" in told.err
        assert "streaming-assets rebuild" in told.err
        assert "Traceback" not in told.err

    def test_is_not_made_anew_while_loaded_files_are_gone(self, moved_to_berlin: Moved):
        told = moved_to_berlin.refused["rebuild"]
        assert told.code == 1
        assert moved_to_berlin.forgotten in told.err
        assert "--forget-missing" in told.err

    def test_stays_as_it_was_when_refused(self, moved_to_berlin: Moved):
        assert moved_to_berlin.versions_after_refusals == moved_to_berlin.versions

    def test_is_made_anew_without_the_files_that_may_be_forgotten(self, moved_to_berlin: Moved):
        told = moved_to_berlin.rebuilt
        assert (told.code, "12 files: 207 rows, 0 rejected" in told.out) == (0, True)
        folder = moved_to_berlin.folder
        assert folder.query("SELECT count(*) FROM raw.event_files WHERE path = ?", moved_to_berlin.forgotten) == [(0,)]
        assert folder.query("SELECT max(event_date) FROM core.events") == [(dt.date(2026, 4, 3),)]

    def test_is_kept_beside_the_new_one(self, moved_to_berlin: Moved):
        (kept,) = moved_to_berlin.folder.settings.data_dir.glob("lake.before-*")
        assert str(kept) in moved_to_berlin.rebuilt.out
        assert DeltaTable(str(kept / "core" / "events")).to_pyarrow_table().num_rows == 216


def test_who_closes_the_pipe_early_as_head_does_sees_no_complaint(tmp_path: Path):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "streaming_assets.cli", "status", "--data-dir", str(tmp_path)],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")
