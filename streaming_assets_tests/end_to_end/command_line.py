"""The command line as a test calls it: in this process where the process does not matter, in one of its own where it does."""

import contextlib
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from streaming_assets.cli import main
from streaming_assets.settings import PREFIX
from streaming_assets_tests.end_to_end.data_folder import START

SMALL = {"START_DATE": START.isoformat(), "THREADS": "2", "MEMORY_LIMIT": "1GB"}


@dataclass(frozen=True)
class Outcome:
    """What a person at the terminal gets."""

    code: int
    out: str
    err: str


def streaming_assets(*arguments: object, **settings: str) -> Outcome:
    """`streaming-assets …` with STREAMING_ASSETS_… settings of these names and no others."""
    out, err = io.StringIO(), io.StringIO()
    with _settings(settings), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except Exception:
            # What the interpreter does with an error that nobody caught is what the person at the terminal gets.
            traceback.print_exc(file=err)
            code = 1
    return Outcome(code, out.getvalue(), err.getvalue())


def streaming_assets_process(*arguments: object, cwd: Path) -> Outcome:
    """As `streaming_assets`, in a process of its own, of a person who never ran Dagster: it greets those where it may."""
    newcomer = {**environment(), "HOME": str(cwd)}
    ended = subprocess.run(
        command(*arguments), cwd=cwd, env=newcomer, capture_output=True, text=True, check=False, timeout=600
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def command(*arguments: object) -> list[str]:
    """`streaming-assets …` as it is started in a process of its own."""
    return [sys.executable, "-m", "streaming_assets.cli", *map(str, arguments)]


def environment(**settings: str) -> dict[str, str]:
    """That of a process of its own, with STREAMING_ASSETS_… settings of these names and no others."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with _settings(settings):
        return {**os.environ, "PYTHONPATH": path}


@contextlib.contextmanager
def _settings(settings: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(PREFIX) or name == "DAGSTER_HOME"]:
            environment.delenv(name)
        for name, value in {**SMALL, **settings}.items():
            environment.setenv(PREFIX + name, value)
        yield
