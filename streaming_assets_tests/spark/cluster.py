"""A standalone cluster of Spark on this machine: a master and workers, each a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
DEFAULTS = """
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.driver.memory 512m
spark.executor.memory 700m
spark.executor.cores 1
spark.ui.enabled false
spark.network.timeout 60s
spark.executor.heartbeatInterval 2s
spark.sql.shuffle.partitions 8
"""


@dataclass
class Cluster:
    """home: with the configuration, the logs and the folders of the workers."""

    home: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process gets that computes on the cluster."""
        return {
            **os.environ,
            "SPARK_CONF_DIR": str(self.home / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "STREAMING_ASSETS_SPARK_MASTER": self.master,
        }

    def start(self, name: str, class_: str, *arguments: str) -> None:
        log = (self.home / f"{name}.log").open("wb")
        command = [
            str(SPARK_CLASS),
            f"org.apache.spark.deploy.{class_}",
            "--host",
            "127.0.0.1",
            "--webui-port",
            "0",
            *arguments,
        ]
        self.processes[name] = subprocess.Popen(
            command, stdout=log, stderr=log, env=self.environment, start_new_session=True
        )

    def executors(self, worker: str) -> list[Path]:
        """The folders of executors that a worker has started."""
        return sorted((self.home / worker).glob("app-*/*"))

    def kill(self, name: str) -> None:
        """The process and all that it started, at once."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def registered(self) -> int:
        return (self.home / "master.log").read_text().count("Registering worker")


@contextmanager
def standalone(home: Path, workers: int = 2) -> Iterator[Cluster]:
    """A cluster with all its workers registered; everything is killed in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        cluster = Cluster(home, free.getsockname()[1])
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "spark-defaults.conf").write_text(DEFAULTS)
    try:
        cluster.start("master", "master.Master", "--port", str(cluster.port))
        for number in range(workers):
            name = f"worker-{number}"
            cluster.start(
                name, "worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir", str(home / name), cluster.master
            )
        wait_for("the workers", lambda: cluster.registered() == workers)
        yield cluster
    finally:
        for name, process in cluster.processes.items():
            if process.poll() is None:
                cluster.kill(name)


def wait_for(what: str, is_there: Callable[[], object], seconds: float = 300) -> None:
    """Raises TimeoutError where it does not come about."""
    until = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.2)


def command_line(data_dir: Path, environment: Mapping[str, str], engine: str, *arguments: str) -> subprocess.Popen[str]:
    """`streaming-assets run` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "streaming_assets.cli",
        "run",
        "--data-dir",
        str(data_dir),
        "--engine",
        engine,
        *arguments,
    ]
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
