"""A day whose file does not come with the others is warned of; when it comes after all, what is said of it changes."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from streaming_assets.automation.pipeline import Pipeline
from streaming_assets_tests.end_to_end.data_folder import DataFolder, errors, failed_blocking
from streaming_assets_tests.end_to_end.service import ONE_DAY, lines, play

FIRST = dt.date(2026, 3, 2)
VOLUME, LATE = "daily_volume_is_within_the_seasonal_band", "at_most_5_percent_of_a_days_events_are_late"
NULLS = "null_shares_are_those_of_the_28_days_before"


def file_of(day: dt.date, **columns: Any) -> dict[str, str]:
    """120 users play once each, spread over the day."""
    rows = [
        play(
            f"u{user}",
            dt.datetime.combine(day, dt.time(user // 6, user % 6 * 9)),
            f"c{user % 7}",
            300.0 + user,
            **columns,
        )
        for user in range(120)
    ]
    return {f"events/{day}.jsonl": lines(rows)}


def taken_in(folder: DataFolder, *days: dt.date, on: dt.date, **columns: Any) -> dict[str, dict[str, Any]]:
    """The days' files land in the night to a day, and a run takes them in: numbers of the checks that stand failed or not."""
    for day in days:
        folder.land(file_of(day, **columns))
    with dg.DagsterInstance.ephemeral() as instance:
        clock = dt.datetime.combine(on, dt.time(3))
        steps = Pipeline(folder.settings, instance, lambda: clock).run(groups=("raw", "core"))
        assert (errors(steps), failed_blocking(steps)) == ([], [])
        records = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
    found = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in reversed(records)]
    return {one.check_name: {name: value.value for name, value in one.metadata.items()} for one in found}


def standing(folder: DataFolder) -> list[str]:
    return sorted(str(one).removeprefix("core/events: ") for one in folder.open_failures())


@pytest.mark.slow
def test_a_day_that_is_missing_and_then_comes_four_days_late(tmp_path: Path):
    folder = DataFolder.at(tmp_path / "data")
    days = [FIRST + number * ONE_DAY for number in range(50)]
    missing = days[43]
    taken_in(folder, *days[:43], on=days[43], genre="drama")
    assert standing(folder) == []

    taken_in(folder, days[44], days[45], on=days[46], genre="drama")
    assert standing(folder) == [f"{VOLUME} on {missing}"]

    numbers = taken_in(folder, missing, days[46], days[47], on=days[48], genre="drama")
    assert standing(folder) == [f"{LATE} on {missing}"]
    assert numbers[VOLUME]["violations"] == 0
    assert (numbers[LATE]["late_events"], numbers[LATE]["late_share"], numbers[LATE]["date"]) == (
        120,
        1.0,
        str(missing),
    )
    assert "advice" in numbers[LATE]

    numbers = taken_in(folder, days[48], on=days[49])  # the producer no longer fills genre
    assert standing(folder) == [f"{LATE} on {missing}", f"{NULLS} on {days[48]}"]
    assert (numbers[NULLS]["column"], numbers[NULLS]["null_share_jump"]) == ("genre", 1.0)
