"""One writer at a time."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

logger = logging.getLogger(__name__)

_held: dict[Path, int] = {}


@contextlib.contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the lake's lock, waiting for whoever has it; the kernel frees it when the process dies.

    A process that holds it already enters again.
    """
    with exclusive(folder / ".lock", f"another run is writing to {folder}; waiting until it is done"):
        yield


def is_writing(folder: Path) -> bool:
    """Whether somebody holds the lake's lock at this moment."""
    path = folder / ".lock"
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def exclusive(file: Path, waiting: str = "") -> Iterator[None]:
    """Hold a lock file, saying so while somebody else has it; a process that holds it already enters again."""
    path = file.resolve()
    if path in _held:
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    with contextlib.closing(_lock(path, waiting)):
        _held[path] = 1
        try:
            yield
        finally:
            del _held[path]


def _lock(path: Path, waiting: str) -> TextIO:
    """The lock file, open and locked; its closing frees it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                logger.warning(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        # Somebody may have moved the folder meanwhile: the lock that was waited for is then another lake's.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()
