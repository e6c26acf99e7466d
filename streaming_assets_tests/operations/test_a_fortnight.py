"""Fourteen days land one by one in a running instance, two late and one broken, and nobody touches anything."""

import datetime as dt
import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.simulate import simulate
from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences, errors, failed_blocking

from .conftest import Up
from .running_instance import KEY, RunningInstance

FIRST_DAY = dt.date(2026, 3, 1)
BROKEN = 8
COMPARED = [table for table in contracts.ALL.values() if table.group in ("core", "marts", "experiments")]
OF_DAYS = "raw/events: rejected_share_of_every_day_is_within_the_limit"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty users over fourteen days."""
    out = tmp_path_factory.mktemp("service") / "simulated"
    simulate(users=30, days=14, seed=5, out=out, start=FIRST_DAY)
    return out


def of_days(service: Path) -> dict[int, tuple[str, bytes]]:
    """By day of March, path and content of its file; corrected where the simulator corrects it."""
    found = {}
    for number in range(1, 15):
        path = f"events/{FIRST_DAY + dt.timedelta(days=number - 1)}.jsonl.gz"
        corrected, landed = service / "corrections" / path, service / "landing" / path
        found[number] = path, (corrected if corrected.exists() else landed).read_bytes()
    return found


def records(service: Path) -> dict[str, bytes]:
    """Users and titles."""
    landing = service / "landing"
    return {
        str(path.relative_to(landing)): path.read_bytes()
        for path in sorted(landing.rglob("*"))
        if path.is_file() and not path.is_relative_to(landing / "events")
    }


def with_a_fifth_broken(packed: bytes) -> bytes:
    """Every fifth row lacks its user."""
    rows = [json.loads(row) for row in gzip.decompress(packed).splitlines()]
    for row in rows[::5]:
        row["user_id"] = None
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


def all_at_once(service: Path, files: Mapping[str, bytes], data_dir: Path) -> dict[str, pa.Table]:
    """What the command line makes of all files in one run."""
    folder = DataFolder.at(data_dir, email_key=KEY)
    (folder.settings.data_dir / "experiments.yaml").write_bytes((service / "experiments.yaml").read_bytes())
    folder.land(files)
    steps = folder.run(groups=("raw", "core", "marts", "experiments"))
    assert (errors(steps), failed_blocking(steps)) == ([], [])
    return tables(folder)


def tables(folder: DataFolder) -> dict[str, pa.Table]:
    return {table.name: folder.table(table) for table in COMPARED}


def blocking(instance: RunningInstance) -> list[str]:
    """What was told of checks that block, in order."""
    return [line["kind"] for line in instance.alerts() if line["severity"] == "blocking"]


@pytest.mark.slow
def test_days_that_land_one_by_one_end_in_the_tables_of_all_at_once_and_a_broken_one_is_told_once(
    up: Up, service: Path, tmp_path: Path
) -> None:
    days = of_days(service)
    instance = up()
    folder = instance.folder
    (folder.settings.data_dir / "experiments.yaml").write_bytes((service / "experiments.yaml").read_bytes())

    def drop(*numbers: int) -> None:
        """One by one; then waits for them."""
        for number in numbers:
            instance.land(dict([days[number]]))
        instance.wait_until_taken_in(*(days[number][0] for number in numbers))

    instance.land(records(service))
    drop(1)
    drop(2, 3, 5, 7)
    expected = all_at_once(service, records(service) | dict(days.values()), tmp_path / "at once")
    instance.wait_until_nothing_is_due()
    published, before = instance.published_at(), downstream(folder)

    path, whole = days[BROKEN]
    instance.land({path: with_a_fifth_broken(whole)})
    instance.wait_for("an alert of the broken day", lambda: blocking(instance) == ["failing"])
    drop(9)
    drop(4, 10)
    instance.wait_for("days beside the broken one", lambda: {4, 9, 10} <= march(folder))
    instance.wait_until_nothing_is_due()
    assert instance.published_at() == published
    assert downstream(folder) == before
    assert BROKEN not in march(folder)

    drop(BROKEN)
    instance.wait_for("the news that it recovered", lambda: blocking(instance) == ["failing", "recovered"])
    drop(11, 12, 6)
    drop(13, 14)
    instance.wait_until_nothing_is_due()

    assert instance.published_at() != published
    assert differences(tables(folder), expected) == []
    failure, recovery = (line for line in instance.alerts() if line["severity"] == "blocking")
    for line in (failure, recovery):
        assert f"{OF_DAYS} on {FIRST_DAY + dt.timedelta(days=BROKEN - 1)}" in line["about"]
    assert [line for line in instance.alerts() if line["severity"] == "run"] == []


def downstream(folder: DataFolder) -> dict[str, int]:
    """Versions of what is made from days."""
    return {name: version for name, version in folder.versions().items() if name.startswith(("marts/", "experiments/"))}


def march(folder: DataFolder) -> set[int]:
    """Days of March that core/events has."""
    rows = folder.table(contracts.core.events).column("event_date").to_pylist()
    return {day.day for day in rows if day is not None}
