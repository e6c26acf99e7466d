"""What the checks of each morning say, at a time that the test sets."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from streaming_assets import contracts
from streaming_assets.automation.jobs import STANDING_CHECKS
from streaming_assets.automation.standing import no_partition_is_left_failed, recovered, yesterday_has_landed
from streaming_assets.build import build_definitions
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import Verdict, open_failures, record
from streaming_assets.lake.lake import LEDGER, Lake
from streaming_assets.settings import Settings
from streaming_assets_tests.lake.rows import march, table_of

EVENTS, RAW = contracts.ALL["core/events"], contracts.ALL["raw/events"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", threads=1, memory_limit="500MB", start_date=march(1))


@pytest.fixture
def lake(settings: Settings) -> Iterator[Lake]:
    with duckdb_engine(settings) as engine:
        yield Lake(settings, engine)


def morning(day: int, hour: int = 7) -> dt.datetime:
    return dt.datetime.combine(march(day), dt.time(hour))


def taken_in(day: int, ingested_at: dt.datetime) -> dict[str, Any]:
    """The ledger's row of a file with the events of a day, the last of them at 23:00."""
    return {
        "file_id": str(day),
        "path": f"{day}.jsonl",
        "table": "events",
        "last_event_at": morning(day, 23),
        "ingested_at": ingested_at,
        "touched_dates": [march(day)],
        "status": "loaded",
    }


def with_events(lake: Lake, *days: int) -> None:
    rows = [{"event_date": march(day), "event_id": str(day)} for day in days]
    whole = Days(march(min(days)), march(max(days)))
    lake.write_days(EVENTS.name, whole, lambda _part: table_of(EVENTS, rows), DayVersions(), weigh=EVENTS.name)


class TestYesterdayHasLanded:
    def test_it_passes_when_yesterday_has_events(self, lake: Lake):
        with_events(lake, 1, 2, 3)
        finding = yesterday_has_landed(lake, [taken_in(3, morning(4, 3))], morning(4))
        assert finding.verdict.passed
        assert finding.verdict.numbers == {"days_missing": 0, "last_day": "2024-03-03"}

    def test_it_names_every_day_since_the_last_that_has_and_stops_nothing(self, lake: Lake):
        with_events(lake, 1, 2, 3)
        verdict = yesterday_has_landed(lake, [taken_in(3, morning(4, 3))], morning(6)).verdict
        assert (verdict.passed, verdict.is_blocking) == (False, False)
        assert verdict.days == {march(4), march(5)}
        assert verdict.numbers["days_missing"] == 2

    def test_a_later_day_with_events_does_not_stand_for_yesterday(self, lake: Lake):
        with_events(lake, 1, 2, 5)
        verdict = yesterday_has_landed(lake, [taken_in(2, morning(3, 3))], morning(5)).verdict
        assert verdict.days == {march(3), march(4)}
        assert verdict.numbers == {"days_missing": 2, "last_day": "2024-03-02"}

    def test_of_a_service_that_begins_today_nothing_is_expected(self, lake: Lake):
        with_events(lake, 5)
        assert yesterday_has_landed(lake, [taken_in(5, morning(5, 8))], morning(5, 9)).verdict.passed

    def test_yesterday_is_that_of_the_reporting_zone(self, lake: Lake):
        with_events(lake, 3)
        lake.settings = replace(lake.settings, timezone="America/Los_Angeles")
        ledger = [taken_in(3, morning(4, 12))]
        assert yesterday_has_landed(lake, ledger, morning(5)).verdict.passed  # it is still the evening of 4 March
        assert yesterday_has_landed(lake, ledger, morning(5, 9)).verdict.days == {march(4)}

    def test_of_a_lake_that_took_in_nothing_but_history_nothing_is_expected(self, lake: Lake):
        with_events(lake, 1, 2, 3)
        verdict = yesterday_has_landed(lake, [taken_in(3, morning(20))], morning(25)).verdict
        assert verdict.passed
        assert verdict.numbers["expected"].startswith("nothing")

    def test_an_empty_lake_expects_nothing(self, lake: Lake):
        assert yesterday_has_landed(lake, [], morning(4)).verdict.passed


class TestNoPartitionIsLeftFailed:
    def pending(self, lake: Lake, day: int) -> list[dict[str, Any]]:
        """A day that was read and not computed: raw/events was changed, and no daily table since."""
        rows = table_of(RAW, [{"event_date": march(day), "file_id": str(day)}])
        files = lake.engine.write(rows, RAW, lake.folder(RAW))
        lake.replace_files(RAW.name, files, [], "read a file")
        return [taken_in(day, morning(day + 1, 3))]

    def test_a_day_that_was_read_within_a_day_is_not_yet_left(self, lake: Lake):
        verdict = no_partition_is_left_failed(lake, self.pending(lake, 5), {}, morning(6)).verdict
        assert verdict.passed
        assert verdict.numbers == {"days_left": 0, "days_waiting": 4, "longest_hours": 4.0}

    def test_days_that_wait_to_be_computed_for_longer_are_named(self, lake: Lake):
        finding = no_partition_is_left_failed(lake, self.pending(lake, 5), {}, morning(7, 4))
        assert not finding.verdict.passed
        assert finding.verdict.days == set(Days(march(4), march(7)))
        assert finding.sample[0] == {"date": "2024-03-04", "waits": "pending", "hours": 25.0}

    def test_a_day_that_waits_for_a_correction_for_longer_is_named(self, lake: Lake):
        verdict = Verdict("too_many_refused", False, True, days=frozenset([march(5)]))
        record(
            lake, "raw/events refused", RAW.name, [verdict], [march(5)], lake.snapshot(RAW.name).state, morning(6, 3)
        )
        assert no_partition_is_left_failed(lake, [], {}, morning(7, 3)).verdict.passed
        finding = no_partition_is_left_failed(lake, [], {}, morning(7, 4))
        assert finding.verdict.days == {march(5)}
        assert finding.sample == [{"date": "2024-03-05", "waits": "held", "hours": 25.0}]


class TestRecovered:
    def missing(self, lake: Lake, *days: int) -> None:
        """Yesterday's check was asked when these days were missing; the ledger is of a service that runs."""
        lake.write(LEDGER, table_of(contracts.ALL[LEDGER], [taken_in(3, morning(4, 3)) | {"touched_dates": []}]))
        verdict = Verdict("yesterday_has_landed", False, False, days=frozenset(map(march, days)))
        record(lake, "standing", EVENTS.name, [verdict], None, lake.snapshot(LEDGER).state, morning(max(days) + 1))

    def found(self, lake: Lake, now: dt.datetime) -> list[str]:
        return list(map(str, recovered(lake, {}, now)))

    def test_a_check_that_would_fail_on_the_same_days_or_more_has_not(self, lake: Lake):
        with_events(lake, 3)
        self.missing(lake, 4, 5)
        assert self.found(lake, morning(6)) == self.found(lake, morning(7)) == []

    def test_one_that_would_pass_on_some_of_its_days_has(self, lake: Lake):
        with_events(lake, 3, 4)
        self.missing(lake, 4, 5)
        assert self.found(lake, morning(6)) == ["core/events: yesterday_has_landed on 2024-03-04 to 2024-03-05"]

    def test_where_none_stands_failed_there_is_nothing_to_recover(self, lake: Lake):
        with_events(lake, 3)
        assert self.found(lake, morning(6)) == []


def test_the_job_enters_what_it_finds_and_takes_it_out_when_yesterday_has_come(settings: Settings):
    def ask(at: dt.datetime) -> list[str]:
        job = build_definitions(settings, lambda: at).get_repository_def().get_job(STANDING_CHECKS)
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(instance=instance)
        assert result.success
        assert len(result.get_asset_check_evaluations()) == 2
        with duckdb_engine(settings) as engine:
            return list(map(str, open_failures(Lake(settings, engine))))

    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        with_events(lake, 1, 2, 3)
        rows = table_of(contracts.ALL[LEDGER], [taken_in(3, morning(4, 3)) | {"touched_dates": []}])
        lake.write(LEDGER, rows)
    assert ask(morning(5)) == ["core/events: yesterday_has_landed on 2024-03-04"]
    with duckdb_engine(settings) as engine:
        with_events(Lake(settings, engine), 3, 4)
    assert ask(morning(5)) == []
