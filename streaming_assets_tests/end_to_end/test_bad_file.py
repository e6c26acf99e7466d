"""A badly broken file stops the line instead of thinning the numbers, until it is corrected."""

import contextlib
import datetime as dt
import io
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.automation.alerting import tell
from streaming_assets.automation.report import report, status
from streaming_assets.build import advice, check_sets
from streaming_assets.lake.failures import OpenFailure
from streaming_assets_tests.end_to_end.data_folder import NOW, DataFolder, differences, errors, jobs
from streaming_assets_tests.end_to_end.steady import Steady

CHECK_OF_FILES = "raw/event_files: rejected_share_of_every_file_is_within_the_limit"
CHECK_OF_DAYS = "raw/events: rejected_share_of_every_day_is_within_the_limit"


@dataclass(frozen=True)
class Stage:
    """What there is after a run. told: what it printed; published: when the file was made and its days with events;
    alerts: the alert log so far.
    """

    is_fine: bool
    jobs: list[str]
    errors: list[str]
    told: str
    status: str
    failures: list[OpenFailure]
    loaded: set[dt.date]
    published: tuple[int, int] | None
    alerts: list[dict[str, Any]]


@dataclass(frozen=True)
class Story:
    """A new data folder, taken in step by step: five days, the first one bad; its correction; seven more, the last one bad."""

    folder: DataFolder
    days: list[dt.date]
    expected: dict[str, pa.Table]
    first_bad: Stage
    first_corrected: Stage
    second_bad: Stage
    nothing_new: Stage
    second_corrected: Stage


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(steady: Steady, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = DataFolder.at(tmp_path_factory.mktemp("broken") / "data")
    files = list(steady.files.items())
    with dg.DagsterInstance.ephemeral() as instance:
        land = partial(land_in, folder, instance)
        return Story(
            folder,
            steady.days,
            steady.folder.core(),
            first_bad=land(dict(files[:5]) | {files[0][0]: with_a_fifth_broken(files[0][1])}),
            first_corrected=land(dict(files[:1])),
            second_bad=land(dict(files[5:]) | {files[11][0]: with_a_fifth_broken(files[11][1])}),
            nothing_new=land({}),
            second_corrected=land(dict(files[11:])),
        )


def land_in(folder: DataFolder, instance: dg.DagsterInstance, files: dict[str, str]) -> Stage:
    folder.land(files)
    steps = folder.run_in(instance)
    tell(folder.settings, instance, lambda: NOW, advice(check_sets(folder.settings)))
    with contextlib.redirect_stdout(io.StringIO()) as told:
        is_fine = report(folder.settings, steps)
    published = None
    if folder.database.exists():
        days = folder.query("SELECT count(DISTINCT event_date) FROM core.events")[0][0]
        published = (folder.database.stat().st_mtime_ns, days)
    loaded = set(folder.table(contracts.core.events).column("event_date").to_pylist())
    return Stage(
        is_fine,
        jobs(steps),
        errors(steps),
        told.getvalue(),
        status(folder.settings),
        folder.open_failures(),
        loaded,
        published,
        [json.loads(line) for line in folder.settings.alert_log.read_text().splitlines()],
    )


def with_a_fifth_broken(text: str) -> str:
    """Every fifth row unusable, each in another way."""
    ways = (
        lambda row: json.dumps({**row, "user_id": None}),
        lambda row: json.dumps({**row, "watch_seconds": -1.0}),
        lambda row: json.dumps(row)[:30],
        lambda row: json.dumps({**row, "watch_seconds": 90_000.0}),
    )
    rows = text.splitlines()
    for way, number in zip(ways, range(0, len(rows), 5), strict=True):
        rows[number] = way(json.loads(rows[number]))
    return "\n".join(rows) + "\n"


class TestWhileABadFileStands:
    def test_its_day_stays_out_of_core_and_the_others_load(self, story: Story):
        assert story.first_bad.loaded == set(story.days[1:5])
        assert story.second_bad.loaded == set(story.days) - {story.days[11]}

    def test_nothing_is_published_before_the_first_good_run(self, story: Story):
        assert story.first_bad.published is None

    def test_the_published_file_stays_as_it_was(self, story: Story):
        assert story.first_corrected.published is not None
        assert story.second_bad.published == story.nothing_new.published == story.first_corrected.published

    def test_every_run_ends_as_failed(self, story: Story):
        stages = (story.first_bad, story.second_bad, story.nothing_new)
        assert [stage.is_fine for stage in stages] == [False, False, False]

    def test_the_run_and_the_status_name_the_checks_and_the_day(self, story: Story):
        for stage, day in ((story.first_bad, story.days[0]), (story.second_bad, story.days[11])):
            for check in (CHECK_OF_FILES, CHECK_OF_DAYS):
                assert f"BLOCKING: {check} on {day}" in stage.told
                assert f"blocking  {check} on {day}" in stage.status

    def test_publishing_says_why_it_refuses(self, story: Story):
        (refusal,) = story.second_bad.errors
        assert f"{CHECK_OF_FILES} on {story.days[11]}" in refusal

    def test_the_status_tells_which_days_are_held(self, story: Story):
        assert f"held       {story.days[11]}:" in story.second_bad.status

    def test_a_run_with_nothing_new_computes_no_day_again(self, story: Story):
        assert [job for job in story.nothing_new.jobs if job.startswith("compute_days")] == []


class TestAfterTheCorrectedFileLanded:
    def test_the_run_is_fine_and_no_check_stands_failed(self, story: Story):
        for stage in (story.first_corrected, story.second_corrected):
            assert (stage.is_fine, stage.failures, stage.errors) == (True, [], [])
            assert "failed     no check" in stage.status

    def test_what_was_held_back_is_published(self, story: Story):
        assert [
            stage.published and stage.published[1] for stage in (story.first_corrected, story.second_corrected)
        ] == [5, 12]

    def test_the_tables_equal_those_of_a_run_on_good_files(self, story: Story):
        assert differences(story.folder.core(), story.expected) == []


class TestAlerts:
    def test_each_broken_day_is_told_once_and_its_recovery_once(self, story: Story):
        stages = (
            story.first_bad, story.first_corrected, story.second_bad, story.nothing_new, story.second_corrected,
        )  # fmt: skip
        assert [[line["kind"] for line in stage.alerts] for stage in stages] == [
            ["failing"],
            ["failing", "recovered"],
            ["failing", "recovered", "failing"],
            ["failing", "recovered", "failing"],
            ["failing", "recovered", "failing", "recovered"],
        ]

    def test_they_name_the_checks_with_the_day_and_what_to_do(self, story: Story):
        for line, day in zip(story.second_corrected.alerts, (0, 0, 11, 11), strict=True):
            assert {f"{check} on {story.days[day]}" for check in (CHECK_OF_FILES, CHECK_OF_DAYS)} <= set(line["about"])
            assert line["severity"] == "blocking"
        assert "What to do: See the reasons" in story.second_bad.alerts[2]["text"]
