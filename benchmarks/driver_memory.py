"""What the driver of a run on a cluster holds, for a million events and for ten: a standalone master and two workers."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import pipeline_runs, simulated
from streaming_assets_tests.spark.cluster import Cluster

USERS, DAYS = (400, 4_000), 195
"""As many days for both, and so as many files and commits: what differs is the rows."""
DRIVER_MEMORY = "512m"
_COMMAND = ("-m", "streaming_assets.cli", "run", "--groups", "raw,core", "--engine", "spark")
_AFTER_COLLECTION = re.compile(r"Pause .* (\d+)M->(\d+)M\(")


class RunError(RuntimeError):
    """A run that did not end well; the message has what it said."""


def run(work: Path) -> dict[str, Any]:
    """The figures, as they go into last.json: bytes of the driver's processes by run, in the order of USERS."""
    return {"days": DAYS, "driver_memory": DRIVER_MEMORY, "runs": [_run(work, users) for users in USERS]}


def _run(work: Path, users: int) -> dict[str, Any]:
    landing = simulated.landing(work, users, DAYS)
    home = work / f"driver-{users}"
    shutil.rmtree(home, ignore_errors=True)
    (home / "data").mkdir(parents=True)
    collections = home / "collections.log"
    settings = {
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Xlog:gc:file={collections}",
        "spark.sql.shuffle.partitions": "32",
    }
    with Cluster(home / "cluster", settings).up() as cluster:
        peaks = _watched(cluster, landing, home)
    in_use = [int(after) for _before, after in _AFTER_COLLECTION.findall(collections.read_text(encoding="utf-8"))]
    measured = {
        "users": users,
        "events": pipeline_runs.rows(home / "data", "core/events"),
        "heap_bytes": max(in_use) * 2**20,
        "jvm_bytes": peaks["java"],
        "python_bytes": peaks["python"],
    }
    shutil.rmtree(home)
    return measured


def _watched(cluster: Cluster, landing: Path, home: Path) -> dict[str, int]:
    """Largest resident set of the run's own process and of its Java, by name."""
    environment = {
        **cluster.environment,
        "STREAMING_ASSETS_DATA_DIR": str(home / "data"),
        "STREAMING_ASSETS_LANDING": str(landing),
        "STREAMING_ASSETS_THREADS": "2",
        "STREAMING_ASSETS_MEMORY_LIMIT": "1GB",
    }
    peaks = {"python": 0, "java": 0}
    with (home / "told").open("wb") as told:
        driver = subprocess.Popen([sys.executable, *_COMMAND], env=environment, stdout=told, stderr=subprocess.STDOUT)
        while driver.poll() is None:
            for name, pid in [("python", driver.pid), *(("java", pid) for pid in _java_of(driver.pid))]:
                peaks[name] = max(peaks[name], _peak(pid))
            time.sleep(0.5)
    if driver.returncode:
        raise RunError((home / "told").read_text(encoding="utf-8")[-6000:])
    return peaks


def _java_of(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        text = _text(status)
        # The name of a program, in brackets, may hold blanks; its parent is the second word after it.
        name, rest = text[text.find("(") + 1 : text.rfind(")")], text[text.rfind(")") + 2 :].split()
        if name == "java" and rest[1] == str(parent):
            yield int(status.parent.name)


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", _text(Path(f"/proc/{pid}/status")))
    return int(found[1]) * 1024 if found else 0


def _text(path: Path) -> str:
    """What it holds; nothing where the process has just ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
