"""The services of deploy/compose.yaml as processes of this machine: their commands, environment and health checks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from streaming_assets_tests.deployment import compose
from streaming_assets_tests.deployment.postgres import Server, free_port

PROJECT = compose.DEPLOY.parent
SECONDS_TO_BE_WELL = 300
ORDER = ("code", "daemon", "webserver")


class Deployment:
    """What runs, in a folder that stands for the volumes."""

    def __init__(self, folder: Path, postgres: Server, settings: Mapping[str, str]) -> None:
        self.home, self.data, self.landing = folder / "dagster", folder / "data", folder / "landing"
        self.logs = folder / "logs"
        for made in (self.home, self.data, self.landing, self.logs):
            made.mkdir()
        for name in ("dagster.yaml", "workspace.yaml"):
            (self.home / name).write_text(compose.text(name))
        self._settings = settings
        self._services = compose.services(
            {
                "POSTGRES_PASSWORD": postgres.password,
                "DATA_FOLDER": str(self.data),
                "LANDING_FOLDER": str(self.landing),
            }
        )
        self.webserver_port = free_port()
        # What containers have of their own and processes share: folders, ports, names of hosts.
        self._here = {
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(postgres.port),
            "DAGSTER_GRPC_HOST": "127.0.0.1",
            "DAGSTER_GRPC_PORT": str(free_port()),
            "DAGSTER_WEBSERVER_HOST": "127.0.0.1",
            "DAGSTER_WEBSERVER_PORT": str(self.webserver_port),
            "STREAMING_ASSETS_DATA_DIR": str(self.data),
            "STREAMING_ASSETS_LANDING": str(self.landing),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def up(self) -> Iterator["Deployment"]:
        """All services, each well before the next one starts, as `docker compose up` has it."""
        with ExitStack() as stack:
            self.call("storage", *self._services["storage"]["command"])
            for service in ORDER:
                stack.enter_context(self._started(service))
                health = compose.health_command(self._services[service])
                self.until(lambda service=service, health=health: self.call(service, *health, check=False) == 0)
            yield self

    def call(self, service: str, *command: str, check: bool = True) -> int:
        """Exit code of a command, called where the service runs."""
        with (self.logs / f"{service} {Path(command[0]).name}").open("ab") as log:
            return subprocess.run(
                command,
                cwd=self.home,
                env=self._environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=check,
            ).returncode

    def until(self, is_so: Callable[[], bool], seconds: float = SECONDS_TO_BE_WELL) -> None:
        """Wait for something to be so, as long as all that was started goes on."""
        latest = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < latest, self.told()
            for service, process in self._running.items():
                with suppress(subprocess.TimeoutExpired):
                    raise AssertionError(f"{service} ended with {process.wait(timeout=0.3)}\n{self.told()}")

    def told(self) -> str:
        """The end of what every process printed."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.logs.iterdir()))

    @contextmanager
    def _started(self, service: str) -> Iterator[None]:
        with (self.logs / service).open("wb") as log:
            process = subprocess.Popen(
                self._services[service]["command"],
                cwd=self.home,
                env=self._environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[service] = process
        try:
            yield
        finally:
            del self._running[service]
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _environment(self, service: str) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "PYTHONPATH": str(PROJECT),
            **{
                name: str(value) for name, value in compose.environment(self._services[service], self._settings).items()
            },
            **{name: value for name, value in self._here.items() if service == "code" or not name.startswith("STREAM")},
        }
