"""A Dagster instance that is up: webserver, daemon and code server of `streaming-assets ui` on a data folder."""

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from streaming_assets import contracts
from streaming_assets.automation.jobs import COMPUTE_DAYS, INGEST
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.plan import REFRESHES, due_days, held_days
from streaming_assets.build import check_sets, utc_now
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.ingest import waiting_files
from streaming_assets.lake.lake import Lake
from streaming_assets.sources import load_sources
from streaming_assets_tests.end_to_end.data_folder import START, DataFolder

PACKED = Path(__file__).parents[2] / "streaming_assets" / "automation" / "dagster.yaml"
KEY = "one key for all folders"
DEADLINE = dt.timedelta(minutes=30)
LOOK_EVERY_SECONDS = 2.0
"""A look costs the instance a part of a processor."""


@dataclass
class RunningInstance:
    """`streaming-assets ui` on a folder, in processes of its own. settings: STREAMING_ASSETS_… of these names."""

    folder: DataFolder
    settings: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of the instance, and of a command line beside it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMING_", "DAGSTER_"))}
        chosen = {
            "DATA_DIR": str(self.folder.settings.data_dir),
            "LANDING": str(self.folder.landing),
            "START_DATE": START.isoformat(),
            "THREADS": "1",
            "MEMORY_LIMIT": "500MB",
            "EMAIL_KEY": KEY,
            "SETTLE_SECONDS": "1",
            **self.settings,
        }
        python_path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        return (
            kept | {f"STREAMING_ASSETS_{name}": value for name, value in chosen.items()} | {"PYTHONPATH": python_path}
        )

    @property
    def log(self) -> Path:
        return self.folder.settings.data_dir.parent / "instance.log"

    def start(self) -> None:
        home = self.folder.settings.dagster_home
        home.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_bytes(PACKED.read_bytes())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streaming_assets.cli", "ui", "--port", str(_free_port())],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A test run in the background has interrupts switched off, and hands that down.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def kill(self) -> None:
        """All processes of the instance and its runs at once, as when the machine goes down."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """As a person does, by Ctrl-C; what does not heed it is killed."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=60)
        self.kill()

    def land(self, files: Mapping[str, bytes]) -> None:
        """Each file appears under its name when it is whole."""
        for path, content in files.items():
            file = self.folder.landing / path
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_name(f"{file.name}.part")
            unfinished.write_bytes(content)
            unfinished.rename(file)

    def wait_for(self, what: str, has_come: Callable[[], bool], within: dt.timedelta = DEADLINE) -> None:
        until = time.monotonic() + within.total_seconds()
        while not has_come():
            assert self._process is not None
            assert self._process.poll() is None, f"the instance has ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < until, f"{what}: not within {within}; {self.told()}"
            time.sleep(LOOK_EVERY_SECONDS)

    def wait_until_taken_in(self, *paths: str) -> None:
        """Until the ledger has these files in their present state."""

        def are_taken_in() -> bool:
            return self._exists("core/calendar") and not {file.path for file in self._waiting()} & set(paths)

        self.wait_for(f"{', '.join(paths)} taken in", are_taken_in)

    def wait_until_nothing_is_due(self) -> None:
        """Until every table and the published file are what landing makes of them, but for what failed checks hold."""
        self.wait_for("nothing is due", lambda: self._exists("core/calendar") and not self.due())

    def due(self) -> list[str]:
        """What a command line run would do now; the published file is not due while days are held."""
        sets = check_sets(self.folder.settings)
        subjects = {job: {found.subject: found.about for found in found_sets} for job, found_sets in sets.items()}
        with self._lake() as lake:
            waiting = [file.path for file in waiting_files(lake, load_sources(self.folder.settings.sources_dir))]
            days = due_days(lake, known_days(self.folder.settings, utc_now()), subjects[COMPUTE_DAYS])
            is_held = bool(held_days(lake))
            jobs = [
                refresh.job
                for refresh in REFRESHES
                if not (is_held and refresh.group == "published")
                and refresh.is_due(lake, subjects.get(refresh.job, {}))
            ]
        return [*waiting, *map(str, sorted(days)), *jobs]

    def told(self) -> str:
        """For who reads a failed test."""
        return f"due: {self.due() if self._exists('core/calendar') else 'all'}; runs: {self.runs()}; {self.log.read_text()[-2000:]}"

    def runs(self) -> Counter[tuple[str, str]]:
        """How many runs there were, by (job, status)."""
        with self.instance() as instance:
            return Counter((run.job_name, run.status.value) for run in instance.get_runs())

    def ingests(self) -> int:
        return sum(count for (job, _), count in self.runs().items() if job == INGEST)

    @contextlib.contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's own storage of it, as another process sees it."""
        with dg.DagsterInstance.from_config(str(self.folder.settings.dagster_home)) as instance:
            yield instance

    def alerts(self) -> list[dict[str, Any]]:
        log = self.folder.settings.alert_log
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def published_at(self) -> tuple[int, int]:
        """Which file is published: its inode and time."""
        state = self.folder.database.stat()
        return state.st_ino, state.st_mtime_ns

    def _waiting(self) -> list[Any]:
        with self._lake() as lake:
            return waiting_files(lake, load_sources(self.folder.settings.sources_dir))

    def _exists(self, table: str) -> bool:
        return (self.folder.settings.lake_dir / contracts.ALL[table].name / "_delta_log").is_dir()

    @contextlib.contextmanager
    def _lake(self) -> Iterator[Lake]:
        with duckdb_engine(self.folder.settings) as engine:
            yield Lake(self.folder.settings, engine)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
