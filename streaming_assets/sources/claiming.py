"""Which source reads a file."""

from fnmatch import fnmatchcase

from streaming_assets.sources.definition import Source, Sources
from streaming_assets.sources.errors import FileError
from streaming_assets.sources.opening import Opener
from streaming_assets.sources.rows import Rows, listed

FALLBACK = "canonical_events"


class UnclaimedError(FileError):
    """No source claims the file; the message names the nearest one, what it misses, and what is there."""


def claim(name: str, opener: Opener, sources: Sources) -> tuple[Source, Rows]:
    """The first source that claims a file of this name, and the file's rows as that source reads them.

    A file without any column is claimed by its name alone, else as canonical events. Raises UnclaimedError, or
    FileError when a source that names such files, or every other one, cannot read it at all.
    """
    seen: dict[Source, Rows] = {}
    faults: list[FileError] = []
    for source in sources.sources:
        if not _fits_name(source, name):
            continue
        try:
            rows = opener.rows(source.reader)
        except FileError as fault:
            if source.claims.files:
                raise FileError(str(fault), source) from fault
            faults.append(fault)
            continue
        if rows is not None and _fits_columns(source, rows):
            return source, rows
        if rows is not None:
            seen[source] = rows
    if any(rows.columns for rows in seen.values()):
        raise UnclaimedError(_nearest(seen))
    if faults:
        raise faults[0]
    fallback = sources.named(FALLBACK)
    return fallback, seen[fallback]


def claim_by_name(name: str, sources: Sources) -> Source:
    """The source of a file of 0 bytes."""
    named = (source for source in sources.sources if source.claims.files and _fits_name(source, name))
    return next(named, sources.named(FALLBACK))


def _fits_name(source: Source, name: str) -> bool:
    return not source.claims.files or any(fnmatchcase(name, glob) for glob in source.claims.files)


def _fits_columns(source: Source, rows: Rows) -> bool:
    wanted = source.claims.columns
    if not rows.columns:
        return bool(source.claims.files)
    return not wanted or any(set(columns) <= set(rows.names) for columns in wanted)


def _nearest(seen: dict[Source, Rows]) -> str:
    """The source and list of columns of which the greatest share is there; of equals our own format, else the earlier."""
    candidates = [
        (len(set(columns) & set(rows.names)) / len(columns), source, columns, rows)
        for source, rows in seen.items()
        for columns in source.claims.columns
        if columns
    ]
    _, source, columns, rows = max(candidates, key=lambda candidate: (candidate[0], candidate[1].name == FALLBACK))
    missing = ", ".join(column for column in columns if column not in rows.names)
    return f"no source claims it; the nearest, {source.name}, misses the columns {missing}; found {listed(rows.names)}"
