"""A standalone cluster of Spark on this machine: a master and workers, each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from streaming_assets_tests.deployment.postgres import free_port

CONFIGURATION = """
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 512m
spark.executor.memory 600m
spark.executor.cores 1
spark.ui.enabled false
spark.sql.shuffle.partitions 4
# Work begins on all executors, not on the first one that is there.
spark.scheduler.minRegisteredResourcesRatio 1.0
spark.cores.max 2
"""
WORKERS = ("worker-0", "worker-1")
SECONDS = 600


class Cluster:
    """Its processes, and in a folder what they are configured with, log and keep."""

    def __init__(self, home: Path, more: Mapping[str, str] | None = None) -> None:
        """more: settings of Spark besides CONFIGURATION, or in place of its own."""
        self._home = home
        self._configuration = CONFIGURATION + "".join(f"{name} {value}\n" for name, value in (more or {}).items())
        self.master = f"spark://127.0.0.1:{free_port()}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Of every process that computes on the cluster, or with it."""
        return {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_CONF_DIR": str(self._home / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "STREAMING_ASSETS_SPARK_MASTER": self.master,
        }

    @contextmanager
    def up(self) -> Iterator["Cluster"]:
        """With the master and every worker at work; all are killed in the end."""
        (self._home / "conf").mkdir(parents=True)
        (self._home / "conf" / "spark-defaults.conf").write_text(self._configuration)
        try:
            self._start("master", "master.Master", "--port", self.master.rpartition(":")[2])
            for worker in WORKERS:
                folder = str(self._home / worker / "work")
                self._start(
                    worker, "worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir", folder, self.master
                )
            until(lambda: all("Successfully registered" in self._log(worker) for worker in WORKERS))
            yield self
        finally:
            for name in list(self._processes):
                self.kill(name)

    def kill(self, name: str) -> None:
        """At once: a process and the executors that it started."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def tasks_of(self, worker: str) -> int:
        """How many tasks the executors of a worker have finished."""
        logs = (self._home / worker / "work").glob("app-*/*/stderr")
        return sum(log.read_text().count("Finished task") for log in logs)

    def shuffled_by(self, worker: str) -> list[Path]:
        """Files that the executors of a worker hold for tasks of later stages."""
        return list((self._home / worker / "local").rglob("shuffle_*.data"))

    @property
    def lost_executors(self) -> int:
        """Of how many the master has told the run that they are gone."""
        return self._log("master").count("Telling app of lost executor")

    def _start(self, name: str, class_: str, *arguments: str) -> None:
        import pyspark

        program = Path(pyspark.__file__).parent / "bin" / "spark-class"
        where = ("--host", "127.0.0.1", "--webui-port", "0")
        with (self._home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [str(program), f"org.apache.spark.deploy.{class_}", *where, *arguments],
                env={**self.environment, "SPARK_LOCAL_DIRS": str(self._home / name / "local")},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, name: str) -> str:
        return (self._home / f"{name}.log").read_text()


def until(is_so: Callable[[], object]) -> None:
    """Wait for something to be so. Raises TimeoutError."""
    latest = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > latest:
            raise TimeoutError(f"not so after {SECONDS} seconds")
        time.sleep(0.02)
