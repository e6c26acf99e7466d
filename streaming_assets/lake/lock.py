"""One writer at a time."""

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

_held: dict[Path, int] = {}


@contextlib.contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the lake's lock, waiting for whoever has it; the kernel frees it when the process dies.

    A process that holds it already enters again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / ".lock").resolve()
    if path in _held:
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another run is writing to %s; waiting until it is done", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
        _held[path] = 1
        try:
            yield
        finally:
            del _held[path]
