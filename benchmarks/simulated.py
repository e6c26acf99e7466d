"""The simulated Last.fm log, made once per size, and pieces of it by days."""

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from streaming_assets.simulate import simulate
from streaming_assets.simulate.lastfm import LOG_NAME, PROFILE_NAME

FIRST_DAY = dt.date(2005, 2, 14)
SEED = 1
_COPIED_AT_ONCE = 16 * 2**20


def landing(work: Path, users: int, days: int) -> Path:
    """The landing folder of a log of that size from FIRST_DAY on, made where it is not there yet."""
    out = work / f"lastfm-{users}-users-{days}-days"
    if not out.exists():
        draft = out.with_name(out.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        simulate(users, days, SEED, draft, format="lastfm", start=FIRST_DAY)
        draft.rename(out)
    return out / "landing"


def profiles(source: Path, target: Path) -> None:
    """Copy the users of a landing folder into another one."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / PROFILE_NAME, target)


def land_days(source: Path, target: Path, first: dt.date, last: dt.date) -> None:
    """Put the lines of a landing folder's log from first to last, both included, into a file of another one."""
    name = f"userid-timestamp-{first}-{last}.tsv"
    # A name that no source claims until the file is whole.
    draft = target / f".{name}"
    with (source / LOG_NAME).open("rb") as log, draft.open("wb") as piece:
        start, end = line_from(log, first), line_from(log, last + dt.timedelta(days=1))
        log.seek(start)
        while log.tell() < end:
            piece.write(log.read(min(_COPIED_AT_ONCE, end - log.tell())))
    draft.rename(target / name)


def line_from(log: BinaryIO, day: dt.date) -> int:
    """Byte offset of the first line of that day or later, by bisection: the log is ordered by time."""
    low, high = 0, log.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        _seek_line(log, middle)
        line = log.readline()
        if line and line.split(b"\t")[1][:10].decode() < day.isoformat():
            low = middle + 1
        else:
            high = middle
    _seek_line(log, low)
    return log.tell()


def _seek_line(log: BinaryIO, offset: int) -> None:
    """Go to the first line that begins at the offset or later."""
    log.seek(max(offset - 1, 0))
    if offset:
        log.readline()
