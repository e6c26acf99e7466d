"""The tables are a function of the files that have landed, not of the order and the number of runs in which they came."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences, errors, failed_blocking
from streaming_assets_tests.end_to_end.service import Service, rich_service
from streaming_assets_tests.transforms.one_pass import one_pass

FIRST_DAY = dt.date(2026, 3, 2)
DAYS = 8
BATCHES = 3

seeds = st.integers(0, 2**32 - 1)
# An example takes four runs: a failing seed is told, not shrunk.
one_example, many_examples = (
    settings(max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    for count in (1, 12)
)


@pytest.mark.slow
@one_example
@given(seeds)
def test_landing_in_any_order_with_corrections_in_between_ends_in_the_same_tables(seed):
    lands_alike_in_any_order(seed)


@pytest.mark.slow
@many_examples
@given(seeds)
def test_landing_in_any_order_ends_in_the_same_tables_for_many_logs(seed):
    lands_alike_in_any_order(seed)


def lands_alike_in_any_order(seed: int) -> None:
    random = Random(seed)
    service = rich_service(random, FIRST_DAY, DAYS)
    with TemporaryDirectory() as folder:
        at_once, in_batches = DataFolder.at(Path(folder, "at once")), DataFolder.at(Path(folder, "in batches"))
        at_once.land(service.final)
        steps = at_once.run()
        assert (errors(steps), failed_blocking(steps)) == ([], [])
        expected = at_once.core()
        assert sessions_in(expected) == one_pass(plays_in(service.final), 30)
        # Some rows of a day without the others may be too few for the broken ones among them: that is for later files to mend.
        for batch in batches(random, service):
            in_batches.land(batch)
            steps = in_batches.run()
        assert (errors(steps), [one for one in in_batches.open_failures() if one.is_blocking]) == ([], [])
        assert differences(in_batches.core(), expected) == []


def batches(random: Random, service: Service) -> Iterator[dict[str, str]]:
    """Every file in one of the batches; one that is corrected comes in an earlier one first."""
    found: list[dict[str, str]] = [{} for _ in range(BATCHES)]
    for path in random.sample(sorted(service.final), len(service.final)):
        number = random.randrange(1 if path in service.corrected else 0, BATCHES)
        found[number][path] = service.final[path]
        if path in service.corrected:
            found[random.randrange(number)][path] = service.corrected[path]
    yield from found


def sessions_in(core: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    told = ("user_id", "started_at", "ended_at", "plays", "plays_next_day", "is_cut")
    return sorted(tuple(row[name] for name in told) for row in core["core/sessions"].to_pylist())


def plays_in(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """Plays by plain Python: of the rows with one key of a day the last in the order of (path, row)."""
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _, text in sorted(files.items()):
        for line in text.splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "started_at" not in row or "user_id" not in row:
                continue
            started_at = dt.datetime.fromisoformat(row["started_at"].removesuffix("Z"))
            event_type = row.get("event_type", "play")
            made_up = (row["user_id"], started_at, row["content_id"], event_type)
            key = (started_at.date(), row.get("event_id", made_up))
            last[key] = {
                "user_id": row["user_id"],
                "started_at": started_at,
                "event_id": str(key),
                "event_type": event_type,
                "watch_seconds": row.get("watch_seconds"),
            }
    return list(last.values())
