"""Wall time and peak memory of a command.

The command is started from a small process of its own: Linux counts what the parent holds at the fork into the peak of
the child. Run as a script, this module is that process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """A command that ended well: wall time, largest resident set of it or one of its children, what it printed."""

    seconds: float
    peak_bytes: int
    output: str


class CommandError(RuntimeError):
    """The command ended with another code than 0; the message holds the end of what it printed."""


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end; environment is what it gets besides PATH, HOME and the like. Raises CommandError."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as figures:
        ended = subprocess.run(
            [sys.executable, __file__, figures.name, *command],
            env={**_inherited(), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise CommandError(
                f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-4000:]}"
            )
        return Measured(**json.load(figures), output=ended.stdout)


def _inherited() -> dict[str, str]:
    """The environment without settings of the project or an instance of Dagster that the person has set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("STREAMING_ASSETS_", "DAGSTER_"))}


def _main(figures: Path, command: Sequence[str]) -> int:
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    figures.write_text(json.dumps({"seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024}), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2:]))
