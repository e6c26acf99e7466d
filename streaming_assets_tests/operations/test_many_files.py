"""Thousands of small files landed at once."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from streaming_assets import contracts
from streaming_assets.automation.jobs import INGEST

from .conftest import Up
from .running_instance import RunningInstance

FEW, MANY = 1_000, 10_000
ROWS = 3
MEGABYTES_MORE = 300
"""What the run over ten times the files may need beyond what the first one needed: lists of files, not their rows."""


def written(folder: Path, count: int) -> Path:
    """A folder with so many files of three plays over fourteen days."""
    start = dt.datetime(2026, 3, 1, 8)
    for number in range(count):
        part = folder / f"part {number % 100:02}"
        part.mkdir(parents=True, exist_ok=True)
        day = start + dt.timedelta(days=number % 14, seconds=number)
        rows = (
            f'{{"user_id": "user {(number + play) % 500}", "started_at": "{(day + dt.timedelta(minutes=play)).isoformat()}Z", '
            f'"content_id": "title {play}", "watch_seconds": 60}}\n'
            for play in range(ROWS)
        )
        (part / f"{number:05}.jsonl").write_text("".join(rows))
    return folder


def peak_megabytes(instance: RunningInstance, until_files: int) -> float:
    """The most memory that the process of an ingest held, until the ledger has so many files."""
    peaks = [0.0]

    def is_done() -> bool:
        peaks.append(max(map(megabytes_of, processes(instance)), default=0.0))
        ledger = instance.folder.settings.lake_dir / "raw" / "event_files" / "_delta_log"
        return ledger.is_dir() and instance.folder.table(contracts.raw.event_files).num_rows == until_files

    instance.wait_for(f"{until_files:,} files in the ledger", is_done, within=dt.timedelta(minutes=60))
    return max(peaks)


def processes(instance: RunningInstance) -> list[int]:
    with instance.instance() as storage:
        started = dg.RunsFilter(job_name=INGEST, statuses=[dg.DagsterRunStatus.STARTED])
        events = [
            storage.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START) for run in storage.get_runs(started)
        ]
    return [int(entry.get_dagster_event().pid or 0) for entries in events for entry in entries]


def megabytes_of(process: int) -> float:
    status = Path(f"/proc/{process}/status")
    try:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    except FileNotFoundError:
        return 0.0
    return int(lines["VmHWM"].split()[0]) / 1000 if "VmHWM" in lines else 0.0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of another process is told by Linux only")
def test_ten_thousand_files_landed_at_once_are_few_runs_of_bounded_memory(up: Up, tmp_path: Path) -> None:
    instance = up()
    written(tmp_path / "few", FEW).rename(instance.folder.landing / "few")
    of_few = peak_megabytes(instance, FEW)
    ingests = instance.ingests()
    written(tmp_path / "many", MANY).rename(instance.folder.landing / "many")
    of_many = peak_megabytes(instance, FEW + MANY)
    assert ingests <= 2
    assert instance.ingests() - ingests <= 2
    assert 0 < of_few < of_many < of_few + MEGABYTES_MORE
    assert instance.folder.table(contracts.raw.events).num_rows == (FEW + MANY) * ROWS
