"""Sensors and schedules, asked by hand: what they request as files come, and that runs on request end where the command line ends."""

import datetime as dt
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from streaming_assets import contracts
from streaming_assets.assets.io import RANGE_END, RANGE_START
from streaming_assets.automation.attempts import LONGEST_WAIT, WORK, attempt
from streaming_assets.automation.dead_runs import STARTING, end_dead_runs
from streaming_assets.automation.jobs import STANDING_CHECKS
from streaming_assets.automation.report import status
from streaming_assets.automation.schedules import last_two_days
from streaming_assets.build import build_definitions
from streaming_assets.errors import LandingMissingError
from streaming_assets.lake.days import Days
from streaming_assets.lake.lock import writer_lock
from streaming_assets.settings import Settings
from streaming_assets_tests.end_to_end.data_folder import NOW, DataFolder, differences
from streaming_assets_tests.end_to_end.service import steady_week

FIRST_DAY = dt.date(2026, 3, 24)
SENSORS = ("landing_sensor", "pending_days_sensor", "refresh_sensor")


class Instance:
    """A Dagster instance whose sensors are asked by hand, and whose requests run at once in this process."""

    def __init__(self, folder: DataFolder, instance: dg.DagsterInstance, now: dt.datetime = NOW) -> None:
        self.now = now
        self.instance = instance
        self._definitions = build_definitions(folder.settings, lambda: self.now)

    def ask(self, sensor: str) -> dg.RunRequest | str:
        """What a sensor asks for, or why it does not."""
        definition = self._definitions.resolve_sensor_def(sensor)
        tick = definition.evaluate_tick(dg.build_sensor_context(self.instance, definitions=self._definitions))
        return tick.run_requests[0] if tick.run_requests else str(tick.skip_message)

    def run(self, request: dg.RunRequest) -> bool:
        job = self._definitions.resolve_job_def(request.job_name)
        return job.execute_in_process(instance=self.instance, tags=request.tags, raise_on_error=False).success

    def work_off(self) -> Iterator[str]:
        """The jobs that run until no sensor asks for anything."""
        while requests := [found for found in map(self.ask, SENSORS) if isinstance(found, dg.RunRequest)]:
            assert self.run(requests[0])
            yield str(requests[0].job_name)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder.at(tmp_path / "data")


@pytest.fixture
def instance(folder: DataFolder) -> Iterator[Instance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield Instance(folder, found)


def land(folder: DataFolder, changed_ago: dt.timedelta, **files: str) -> None:
    folder.land(files)
    at = (NOW - changed_ago).replace(tzinfo=dt.UTC).timestamp()
    for name in files:
        os.utime(folder.landing / name, (at, at))


def play(user: str, day: int) -> str:
    return f'{{"user_id": "{user}", "started_at": "2026-03-{day}T10:00:00Z", "content_id": "c1"}}\n'


@pytest.mark.slow
def test_files_in_landing_become_core_tables_as_by_the_command_line(folder, instance, tmp_path):
    files = steady_week(FIRST_DAY, 3)
    by_command = DataFolder.at(tmp_path / "by command")
    by_command.land(files)
    by_command.run(groups=("raw", "core"))
    folder.land(files)
    assert list(itertools.islice(instance.work_off(), 3)) == ["ingest", "compute_days", "refresh_entities"]
    assert differences(folder.core(), by_command.core()) == []


@pytest.mark.slow
def test_files_in_landing_end_in_the_published_file(folder, instance):
    folder.land(steady_week(FIRST_DAY, 3))
    jobs = list(instance.work_off())
    assert jobs[-1] == "publish"
    assert len(jobs) == len(set(jobs))
    assert folder.query("SELECT count(*) FROM core.sessions")[0][0] > 0


class TestLanding:
    def test_a_file_that_may_still_be_written_to_waits(self, folder, instance):
        land(folder, dt.timedelta(seconds=3), **{"a.jsonl": play("ann", 24)})
        assert instance.ask("landing_sensor") == f"nothing new in {folder.landing}"
        instance.now += dt.timedelta(seconds=30)
        assert isinstance(instance.ask("landing_sensor"), dg.RunRequest)

    def test_how_long_it_waits_is_a_setting(self, folder, instance):
        patient = DataFolder.at(folder.settings.data_dir, settle_seconds=60)
        land(folder, dt.timedelta(seconds=59), **{"a.jsonl": play("ann", 24)})
        asked = Instance(patient, instance.instance)
        assert asked.ask("landing_sensor") == f"nothing new in {folder.landing}"
        asked.now += dt.timedelta(seconds=1)
        assert asked.run(asked.ask("landing_sensor"))
        assert ledger(folder) == [("a.jsonl",)]

    def test_a_run_on_request_leaves_such_a_file_for_the_next_one(self, folder, instance):
        land(folder, dt.timedelta(minutes=1), **{"whole.jsonl": play("ann", 24)})
        land(folder, dt.timedelta(seconds=3), **{"growing.jsonl": play("bob", 24)})
        assert instance.run(instance.ask("landing_sensor"))
        assert [path for (path,) in ledger(folder)] == ["whole.jsonl"]
        instance.now += dt.timedelta(seconds=30)
        assert instance.run(instance.ask("landing_sensor"))
        assert [path for (path,) in ledger(folder)] == ["growing.jsonl", "whole.jsonl"]

    def test_a_file_that_was_read_is_not_asked_for_again_and_a_changed_one_is(self, folder, instance):
        land(folder, dt.timedelta(minutes=1), **{"a.jsonl": play("ann", 24)})
        first = instance.ask("landing_sensor")
        assert instance.run(first)
        assert instance.ask("landing_sensor") == f"nothing new in {folder.landing}"
        land(folder, dt.timedelta(minutes=1), **{"a.jsonl": play("ann", 24) + play("bob", 25)})
        assert instance.ask("landing_sensor").run_key != first.run_key


class TestALandingFolderThatIsNotThere:
    def test_is_no_empty_one_once_files_were_taken_in(self, folder, instance):
        land(folder, dt.timedelta(minutes=1), **{"a.jsonl": play("ann", 24), "b.csv": "a,b\n1,2\n"})
        request = instance.ask("landing_sensor")
        assert instance.run(request)
        folder.landing.rename(folder.landing.with_name("unmounted"))
        with pytest.raises(LandingMissingError, match=f"{folder.landing} is not there"):
            instance.ask("landing_sensor")
        assert not instance.run(request)
        assert ledger(folder) == [("a.jsonl",), ("b.csv",)]
        assert f"waiting    unknown: landing folder {folder.landing} is not there" in status(folder.settings)
        folder.landing.with_name("unmounted").rename(folder.landing)
        assert instance.ask("landing_sensor") == f"nothing new in {folder.landing}"

    def test_is_waited_for_before_anything_was_taken_in(self, folder, instance):
        folder.landing.rmdir()
        skipped = instance.ask("landing_sensor")
        assert skipped == f"nothing was taken in yet, and there is no folder {folder.landing} to look in"
        land(folder, dt.timedelta(minutes=1), **{"a.jsonl": play("ann", 24)})
        assert isinstance(instance.ask("landing_sensor"), dg.RunRequest)


def ledger(folder: DataFolder) -> list[tuple[str]]:
    rows = folder.table(contracts.ALL["raw/event_files"]).to_pylist()
    return sorted((row["path"],) for row in rows)


@pytest.mark.slow
def test_a_standing_check_that_failed_is_asked_again_as_soon_as_it_would_pass_and_not_before(folder, instance):
    def failing() -> list[str]:
        return [str(one) for one in folder.open_failures() if one.asset == "core/events"]

    folder.land({"a.jsonl": play("ann", 24) * 5 + '{"user_id": "x"}\n' * 5})
    folder.run(groups=("raw", "core"))
    instance.now = NOW + dt.timedelta(hours=30)
    assert instance.run(dg.RunRequest(job_name=STANDING_CHECKS))
    assert failing() == ["core/events: no_partition_is_left_failed on 2026-03-24"]
    assert "keeps its last state while these stand failed" in instance.ask("refresh_sensor")
    instance.now = NOW  # when the day has not waited for long
    request = instance.ask("refresh_sensor")
    assert request.job_name == STANDING_CHECKS
    assert instance.run(request)
    assert failing() == []
    assert "keeps its last state while these stand failed" in instance.ask("refresh_sensor")


class TestAttempts:
    @pytest.fixture
    def failed(self) -> Iterator[dg.DagsterInstance]:
        """An instance in which runs of the work `w` end as failed."""
        with dg.DagsterInstance.ephemeral() as kept:
            yield kept

    def end(self, instance: dg.DagsterInstance, times: int, run_key: str = "") -> str:
        for _ in range(times):
            run = instance.create_run_for_job(broken, tags={WORK: "w", "dagster/run_key": run_key})
            instance.report_run_failed(run)
        return run.run_id

    @pytest.mark.parametrize(("before", "minutes"), [(1, 0.5), (2, 1), (4, 4), (12, 60), (30, 60)])
    def test_each_waits_twice_as_long_as_the_one_before_up_to_an_hour(self, failed, before, minutes):
        self.end(failed, before)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        wait = dt.timedelta(minutes=minutes)
        assert isinstance(attempt(failed, "broken", "w", {}, now + wait - dt.timedelta(seconds=20)), dg.SkipReason)
        request = attempt(failed, "broken", "w", {}, now + wait + dt.timedelta(seconds=1))
        assert isinstance(request, dg.RunRequest)

    def test_every_one_has_a_key_of_its_own_though_old_runs_are_deleted(self, failed):
        later = dt.datetime.now(dt.UTC).replace(tzinfo=None) + 2 * LONGEST_WAIT
        keys, ids = [], []
        for number in range(26):
            keys.append(attempt(failed, "broken", "w", {}, later).run_key)
            ids.append(self.end(failed, 1, keys[-1]))
            if number > 20:
                failed.delete_run(ids[number - 21])
        assert len(set(keys)) == len(keys)

    @pytest.mark.parametrize("ahead", [dt.timedelta(minutes=30), dt.timedelta(days=3)])
    def test_one_that_ended_by_a_clock_that_was_ahead_is_not_waited_for_longer_than_an_hour(self, failed, ahead):
        self.end(failed, 3)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None) - ahead
        assert isinstance(attempt(failed, "broken", "w", {}, now + LONGEST_WAIT), dg.RunRequest)

    def test_other_work_starts_at_once(self, failed):
        self.end(failed, 5)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        assert isinstance(attempt(failed, "broken", "other", {}, now), dg.RunRequest)

    def test_nothing_is_asked_for_beside_a_run_that_goes_on(self, failed):
        run = failed.create_run_for_job(broken, status=dg.DagsterRunStatus.STARTED)
        skipped = attempt(failed, "broken", "w", {}, dt.datetime.now(dt.UTC).replace(tzinfo=None) + LONGEST_WAIT)
        assert isinstance(skipped, dg.SkipReason)
        assert run.run_id in str(skipped.skip_message)


@dg.job
def broken() -> None:
    """A job that nobody runs."""


class TestARunWhoseProcessIsGone:
    @pytest.fixture
    def begun(self) -> Iterator[tuple[dg.DagsterInstance, dg.DagsterRun]]:
        with dg.DagsterInstance.ephemeral() as kept:
            yield kept, kept.create_run_for_job(broken, status=dg.DagsterRunStatus.STARTED)

    def end(self, folder: DataFolder, instance: dg.DagsterInstance, after: dt.timedelta) -> list[str]:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None) + after
        return end_dead_runs(folder.settings, instance, now)

    def test_is_entered_as_failed_when_two_looks_find_nobody_holding_the_lock(self, folder, begun):
        instance, run = begun
        for minutes in (-1, 1):
            assert self.end(folder, instance, STARTING + dt.timedelta(minutes=minutes)) == []
        assert self.end(folder, instance, STARTING + dt.timedelta(minutes=2)) == [run.run_id]
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE

    def test_is_left_alone_when_it_was_about_to_end(self, folder, begun):
        instance, run = begun
        assert self.end(folder, instance, 2 * STARTING) == []
        instance.report_run_canceled(run)
        assert self.end(folder, instance, 3 * STARTING) == []
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.CANCELED

    def test_is_left_alone_while_somebody_holds_the_lock(self, folder, begun):
        instance, run = begun
        with writer_lock(folder.settings.lake_dir):
            assert self.end(folder, instance, 20 * STARTING) == self.end(folder, instance, 21 * STARTING) == []
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED

    @pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
    def test_is_entered_as_failed_before_its_start_too(self, folder, status):
        with dg.DagsterInstance.ephemeral() as instance:
            run = instance.create_run_for_job(broken, status=status)
            assert self.end(folder, instance, 2 * STARTING) == []
            assert self.end(folder, instance, 3 * STARTING) == [run.run_id]


class TestSchedules:
    @pytest.mark.parametrize(
        ("now", "days"),
        [
            pytest.param(
                "2026-06-10T00:30", Days(dt.date(2026, 6, 8), dt.date(2026, 6, 9)), id="half past two in Berlin"
            ),
            pytest.param(
                "2026-06-09T23:30", Days(dt.date(2026, 6, 8), dt.date(2026, 6, 9)), id="already tomorrow in Berlin"
            ),
            pytest.param(
                "2026-06-02T00:30", Days(dt.date(2026, 6, 1), dt.date(2026, 6, 1)), id="the second day there is"
            ),
        ],
    )
    def test_the_night_computes_yesterday_and_the_day_before_in_the_reporting_zone(self, now, days):
        settings = Settings(data_dir=Path("data"), timezone="Europe/Berlin", start_date=dt.date(2026, 6, 1))
        assert last_two_days(settings, dt.datetime.fromisoformat(now)) == days

    @pytest.mark.slow
    def test_at_night_all_that_follows_from_days_is_made_whether_it_is_due_or_not(self, folder, instance):
        folder.land(steady_week(FIRST_DAY, 3))
        folder.run()
        before = folder.versions()
        tags = {RANGE_START: "2026-03-25", RANGE_END: "2026-03-26"}
        assert instance.run(dg.RunRequest(job_name="nightly", tags=tags))
        after = folder.versions()
        for name in ("core/sessions", "core/users", "marts/platform_daily"):
            assert after[name] > before.get(name, -1)
        assert after["raw/events"] == before["raw/events"]
        assert [written for day, written in folder.written("core/sessions").items() if str(day) == "2026-03-24"] == [
            before["core/sessions"]
        ]

    def test_the_night_is_passed_over_while_a_blocking_check_stands_failed(self, folder, instance):
        folder.land({"a.jsonl": play("ann", 24) * 5 + '{"user_id": "x"}\n' * 5})
        folder.run(groups=("raw",))
        definitions = build_definitions(folder.settings, lambda: NOW)
        tick = definitions.resolve_schedule_def("nightly_schedule").evaluate_tick(
            dg.build_schedule_context(instance.instance)
        )
        assert tick.run_requests == []
        assert "rejected_share_of_every_file_is_within_the_limit" in str(tick.skip_message)
