"""Runs the command line in forked children, in each of which a fault may be planted; imports are paid for once.

One JSON request per line on standard input, one JSON answer per line on standard output: {"arguments", "environment",
"output", "errors", "fault", "remembers"} starts a child and answers {"pid"}; {"wait": pid} answers {"code"}, negative
for a signal. A child that does not remember has a Dagster instance of its own, which is gone with it: what a run knows
of earlier ones must come from the lake, and a disk that syncs every event does not set the pace.
"""

import functools
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import dagster as dg
import great_expectations  # noqa: F401 - imported for the children

import streaming_assets.automation.pipeline
import streaming_assets.automation.report  # noqa: F401 - imported for the children
from streaming_assets.automation import instance
from streaming_assets.build import build_definitions
from streaming_assets.cli import main
from streaming_assets.settings import Settings


def plant(fault: dict[str, Any]) -> None:
    """Let something happen before or after the nth call of a function with an argument that mentions a text."""
    module, path = fault["function"].split(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    function: Callable[..., Any] = getattr(owner, name)
    calls = 0

    @functools.wraps(function)
    def faulty(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += fault["mentioning"] in repr((args, kwargs))
        is_due = calls == fault["nth"] and fault["mentioning"] in repr((args, kwargs))
        if is_due and fault["moment"] == "before":
            happen(fault)
        result = function(*args, **kwargs)
        if is_due and fault["moment"] == "after":
            happen(fault)
        return result

    setattr(owner, name, faulty)


def happen(fault: dict[str, Any]) -> None:
    """The fault: be killed, wait at a named pipe until the test has come and gone, or find a file replaced."""
    if fault["what"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault["what"] == "wait":
        for mode in ("w", "r"):
            with open(fault["pipe"], mode):  # noqa: PTH123 - opening waits for the other side
                pass
    else:
        os.replace(fault["new"], fault["old"])  # noqa: PTH105 - Path.replace may be the function that is faulty


def child(request: dict[str, Any]) -> int:
    """The command line, with the fault, the environment and the outputs that the request names."""
    os.environ.update(request["environment"])
    for number, path in ((0, os.devnull), (1, request["output"]), (2, request["errors"])):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if not request["remembers"]:
        setattr(instance, "local_instance", lambda settings: dg.DagsterInstance.ephemeral())  # noqa: B010 - for mypy
    if request["fault"]:
        plant(request["fault"])
    try:
        return main(request["arguments"])
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:
        # As the interpreter does with what nobody caught.
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve() -> None:
    """Answer requests until standard input ends."""
    # What is slow the first time only is done before the first fork.
    build_definitions(Settings()).get_repository_def()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if not pid:
                os._exit(child(request))
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    serve()
