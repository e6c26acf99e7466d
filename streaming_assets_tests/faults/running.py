"""Runs of the command line as processes that can be killed, held up, and asked how they ended."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

COMMIT = "streaming_assets.lake.lake:commit"
WRITE = "streaming_assets.lake.engine:DuckDBEngine.write_sql"
UP_TO_CORE = ("--groups", "raw,core,published")
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Fault:
    """What happens before or after the nth call of module:function with an argument that mentions a text."""

    moment: Literal["before", "after"]
    function: str
    mentioning: str = ""
    nth: int = 1
    what: Literal["kill", "wait", "replace"] = "kill"
    pipe: str = ""
    new: str = ""
    old: str = ""

    def __str__(self) -> str:
        return f"{self.moment} {self.function.split(':')[1]} {self.mentioning} {self.nth}"


def about(moment: Literal["before", "after"], function: str, table: str, nth: int = 1) -> Fault:
    """Killed before or after a function's nth call for a table."""
    return Fault(moment, function, f"Table(name='{table}'", nth)


@dataclass(frozen=True)
class Ended:
    """A run that is over. code: negative for the signal that killed it."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Started:
    """A run that goes on."""

    pid: int
    out: Path
    err: Path


class Runs:
    """Starts runs; each is a forked child of one process that has imported everything."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("STREAMING_", "DAGSTER_"))
        }
        self._server = subprocess.Popen(
            [sys.executable, "-m", "streaming_assets_tests.faults.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=inherited | dict(environment),
            cwd=Path(__file__).parents[2],
        )

    def run(
        self, *arguments: str | Path, fault: Fault | None = None, environment: Mapping[str, str] = NOTHING
    ) -> Ended:
        """A run from beginning to end."""
        return self.end_of(self.start(*arguments, fault=fault, environment=environment))

    def start(
        self,
        *arguments: str | Path,
        fault: Fault | None = None,
        errors: Path | None = None,
        remembers: bool = False,
        environment: Mapping[str, str] = NOTHING,
    ) -> Started:
        """A run that goes on while the test does.

        errors: where its standard error goes. remembers: it uses the Dagster instance of its data folder.
        """
        number = next(self._numbers)
        out, err = self._folder / f"{number}.out", errors or self._folder / f"{number}.err"
        answer = self._ask(
            {
                "arguments": [str(argument) for argument in arguments],
                "environment": dict(environment),
                "output": str(out),
                "errors": str(err),
                "fault": asdict(fault) if fault else None,
                "remembers": remembers,
            }
        )
        return Started(answer["pid"], out, err)

    def end_of(self, run: Started) -> Ended:
        """Waits for a run."""
        code = self._ask({"wait": run.pid})["code"]
        err = run.err.read_text() if run.err.is_file() else ""
        return Ended(code, run.out.read_text(), err)

    def close(self) -> None:
        """No more runs."""
        self._pipes()[0].close()
        self._server.wait()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        asked, answered = self._pipes()
        asked.write(json.dumps(request) + "\n")
        asked.flush()
        answer: dict[str, Any] = json.loads(answered.readline())
        return answer

    def _pipes(self) -> Sequence[Any]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        return self._server.stdin, self._server.stdout
