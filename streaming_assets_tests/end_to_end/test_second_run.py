"""Cost follows the change: what a second run does not need to touch it leaves alone."""

import datetime as dt
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from streaming_assets_tests.end_to_end.data_folder import DAILY, differences, jobs
from streaming_assets_tests.end_to_end.service import ONE_DAY, lines, play
from streaming_assets_tests.end_to_end.steady import Steady


def test_a_second_run_with_nothing_new_does_nothing(steady: Steady, tmp_path: Path):
    folder = steady.folder.copy_to(tmp_path / "data")
    versions, published_at = folder.versions(), folder.database.stat().st_mtime_ns
    assert folder.run() == []
    assert folder.versions() == versions
    assert folder.database.stat().st_mtime_ns == published_at


def test_a_file_that_was_only_touched_changes_no_table_but_the_ledger(steady: Steady, tmp_path: Path):
    folder = steady.folder.copy_to(tmp_path / "data")
    before = folder.versions()
    os.utime(folder.landing / next(iter(steady.files)), (1_790_000_000, 1_790_000_000))
    assert jobs(folder.run()) == ["ingest", "publish"]
    after = folder.versions()
    changed = {name for name in before if before[name] != after[name]}
    assert {name for name in changed if not name.startswith("meta/")} == {"raw/event_files"}
    assert folder.run() == []


def test_a_late_file_for_an_old_day_recomputes_the_day_before_to_two_days_after_and_adds_just_its_play(
    steady: Steady, tmp_path: Path
):
    folder = steady.folder.copy_to(tmp_path / "data")
    before, written = folder.core(), {table.name: folder.written(table.name) for table in DAILY}
    day = steady.days[5]
    started_at = dt.datetime.combine(day, dt.time(23, 50))
    folder.land({"events/late.jsonl": lines([play("late", started_at, "title 1", 2400.0)])})
    recomputed = [day - ONE_DAY, day, day + ONE_DAY, day + 2 * ONE_DAY]

    ran = jobs(folder.run())
    assert ran == ["ingest", f"compute_days {recomputed[0]} to {recomputed[-1]}", "refresh_entities", "publish"]
    for table in DAILY:
        now = folder.written(table.name)
        assert [date for date in now if now[date] != written[table.name].get(date)] == recomputed, table.name

    after = folder.core()
    of_users = [name for name in before if "user_id" in before[name].column_names]
    others = {name: after[name].filter(pc.field("user_id") != "late") for name in of_users}
    assert differences(others, {name: before[name] for name in of_users}) == []
    late = {name: after[name].filter(pc.field("user_id") == "late").to_pylist() for name in of_users}
    assert {name: len(rows) for name, rows in late.items()} == dict.fromkeys(of_users, 1)
    session = late["core/sessions"][0]
    assert (session["session_date"], session["started_at"]) == (day, started_at)
    assert session["ended_at"] == started_at + dt.timedelta(minutes=40)
    assert (session["plays"], session["plays_next_day"], session["watch_seconds"]) == (1, 0, 2400.0)
    assert late["core/users"][0]["is_derived"]
    user_day = late["core/user_daily"][0]
    assert (user_day["date"], user_day["plays"], user_day["sessions_started"]) == (day, 1, 1)

    hour_before, hour = changed_row(before, after, "core/hourly_activity")
    assert (hour_before["plays"], hour_before["active_users"], hour_before["watch_seconds"]) == (0, 0, 0.0)
    assert (hour["hour_at"], hour["plays"], hour["active_users"], hour["watch_seconds"]) == (
        dt.datetime.combine(day, dt.time(23)),
        1,
        1,
        2400.0,
    )
    title_before, title = changed_row(before, after, "core/content_daily")
    assert (
        (title["date"], title["content_id"]) == (title_before["date"], title_before["content_id"]) == (day, "title 1")
    )
    for name, more in (("plays", 1), ("unique_users", 1), ("watch_seconds", 2400.0)):
        assert title[name] == title_before[name] + more
    assert differences(after, {"core/content": before["core/content"], "core/calendar": before["core/calendar"]}) == []


def changed_row(before: dict[str, pa.Table], after: dict[str, pa.Table], name: str) -> tuple[dict, dict]:
    """The one row that differs, as it was and as it is."""
    old, new = before[name].to_pylist(), after[name].to_pylist()
    (was,), (is_now,) = [row for row in old if row not in new], [row for row in new if row not in old]
    return was, is_now
