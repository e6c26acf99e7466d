"""A month of nights, one after the other, each at its own date: what a night costs, and what stays on disk.

Every night is a process of its own to which `faketime` (Debian package of that name) tells a later date, so that Delta
sees its old files grow old and vacuum takes them away.
"""

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streaming_assets.simulate import simulate

USERS, SEED = 100, 7
DAYS_BEFORE, NIGHTS = 30, 30
MEMORY_LIMIT = "2GB"
_DAY = dt.timedelta(days=1)


class NightError(RuntimeError):
    """A night that did not go well; the message has what it said."""


def run(work: Path, nights: int = NIGHTS) -> dict[str, Any]:
    """The figures, as they go into last.json: one entry per night.

    Users are the same all along, so that every day has about as many events. The first night finds DAYS_BEFORE days.
    """
    folder = work / "month-of-nights"
    shutil.rmtree(folder, ignore_errors=True)
    today = dt.datetime.now(dt.UTC).date()
    simulate(USERS, DAYS_BEFORE + nights, SEED, folder / "simulated", start=today - DAYS_BEFORE * _DAY)
    landed = folder / "data" / "landing"
    days = sorted((folder / "simulated/landing/events").glob("20*"), key=_day)
    shutil.copytree(folder / "simulated/landing", landed, ignore=shutil.ignore_patterns("events"))
    (landed / "events").mkdir(parents=True)
    measured = []
    for night in range(nights):
        for file in days:
            if _day(file) < today + night * _DAY and not (landed / "events" / file.name).exists():
                shutil.copy(file, landed / "events")
        measured.append({"night": night + 1, **_night(folder / "data", night), **_on_disk(folder / "data")})
    return {"users": USERS, "days_before": DAYS_BEFORE, "nights": measured}


def typical(nights: list[Mapping[str, Any]], name: str) -> float:
    """The median over some nights."""
    return statistics.median(float(night[name]) for night in nights)


def _day(file: Path) -> dt.date:
    return dt.date.fromisoformat(file.name[:10])


def _night(data_dir: Path, later: int) -> dict[str, Any]:
    environment = {
        **os.environ,
        "DONT_FAKE_MONOTONIC": "1",
        "STREAMING_ASSETS_MEMORY_LIMIT": MEMORY_LIMIT,
        "STREAMING_ASSETS_THREADS": "2",
    }
    command = ["faketime", "-f", f"+{later}d", sys.executable, "-m", "benchmarks.one_night", str(data_dir)]
    said = data_dir.parent / "night.txt"
    # Into a file and not a pipe: what Dagster starts to follow the logs of steps outlives a night that is told its time.
    with said.open("w", encoding="utf-8") as out:
        night = subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environment, start_new_session=True)
        code = night.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(night.pid, signal.SIGKILL)
    text = said.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if code or not lines:
        raise NightError(f"night {later + 1}: {text[-6000:]}")
    return dict(json.loads(lines[-1]))


def _on_disk(data_dir: Path) -> dict[str, int]:
    sizes = {name: [file.stat().st_size for file in (data_dir / name).rglob("*") if file.is_file()] for name in _PARTS}
    parquet = sum(1 for _file in (data_dir / "lake").rglob("*.parquet"))
    return {**{f"{name}_bytes": sum(found) for name, found in sizes.items()}, "parquet_files": parquet}


_PARTS = ("lake", "dagster", "models")
