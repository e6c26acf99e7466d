"""What lies in the landing folder: which files are to be read, and which must not be touched."""

import datetime as dt
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from streaming_assets.errors import LandingMissingError

TEXT_EXTENSIONS = (".jsonl", ".csv", ".tsv", ".json")
COMPRESSIONS = (".gz", ".zst")
EXTENSIONS = (".parquet", *(text + packed for text in TEXT_EXTENSIONS for packed in ("", *COMPRESSIONS)))

_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class LandedFile:
    r"""A file below landing, as it was when it was looked at.

    file_id: md5 of the path under landing; path: that path with `/`, bytes that are no UTF-8 written as `\xNN`;
    size: bytes; modified_at: UTC without zone, microseconds; problem: why it must not be opened, or None.
    """

    file_id: str
    path: str
    absolute: Path
    landing: Path
    size: int
    modified_at: dt.datetime
    problem: str | None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def extension(self) -> str:
        """The longest of EXTENSIONS that the name ends with: `.csv.gz`, not `.gz`."""
        return max((extension for extension in EXTENSIONS if self.name.lower().endswith(extension)), key=len)


def is_settled(file: LandedFile, now: dt.datetime, seconds: int) -> bool:
    """Whether the file has been as it is for so long; a time of change that is still to come says nothing of it."""
    return not now - dt.timedelta(seconds=seconds) < file.modified_at <= now


def scan(landing: Path) -> list[LandedFile]:
    """The files below landing at any depth that have a known extension, sorted by path.

    Hidden names and names ending in `.tmp` or `.part`, of files and of folders, are passed over. Linked folders
    are not entered. What vanishes meanwhile is left out, but for landing itself, such as a disk that was unmounted: raises
    LandingMissingError; OSError for a folder that cannot be listed.
    """

    def unless_gone(error: OSError) -> None:
        require_landing(landing)
        if not isinstance(error, FileNotFoundError):
            raise error

    found = []
    for folder, folders, names in os.walk(landing, onerror=unless_gone):
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        for name in names:
            if name.lower().endswith(EXTENSIONS) and not _is_passed_over(name):
                try:
                    found.append(inspect(landing, Path(folder, name)))
                except FileNotFoundError:
                    continue
    require_landing(landing)
    return sorted(found, key=lambda file: file.path)


def inspect(landing: Path, absolute: Path) -> LandedFile:
    """The file at `absolute` as it is now. Raises FileNotFoundError when there is none."""
    relative = os.fsencode(absolute.relative_to(landing).as_posix())
    problem = None if absolute.exists() else "a link to nothing"
    state = absolute.lstat() if problem else absolute.stat()
    if not problem and not stat.S_ISREG(state.st_mode):
        problem = "not a regular file"
    if not absolute.resolve().is_relative_to(landing.resolve()):
        problem = "a link that leads out of the landing folder"
    return LandedFile(
        file_id=hashlib.md5(relative, usedforsecurity=False).hexdigest(),
        path=relative.decode("utf-8", "backslashreplace"),
        absolute=absolute,
        landing=landing,
        size=state.st_size,
        modified_at=_EPOCH + dt.timedelta(microseconds=state.st_mtime_ns // 1000),
        problem=problem,
    )


def require_landing(landing: Path) -> None:
    """Raises LandingMissingError."""
    if not landing.is_dir():
        raise LandingMissingError(
            f"landing folder {landing} is not there; expected a folder: mount it again or make it, "
            "or name another one by STREAMING_ASSETS_LANDING"
        )


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith((".tmp", ".part"))
