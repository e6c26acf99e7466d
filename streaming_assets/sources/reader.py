"""From a landed file to canonical rows: what loads, what is refused, and why."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from streaming_assets.settings import Settings
from streaming_assets.sources import claiming, container, landing
from streaming_assets.sources.canonical import Rules
from streaming_assets.sources.definition import Source, Sources
from streaming_assets.sources.errors import FileError, mask_emails
from streaming_assets.sources.landing import LandedFile
from streaming_assets.sources.opening import Opener
from streaming_assets.sources.staging import RESULTS, Staged, Stager

CHANGED = "changed while it was read; it is read again next time"


@dataclass(frozen=True)
class ReadFile:
    """What became of a landed file.

    file: as it was when it was read. status: loaded, failed or unclaimed; error: why not loaded. rows = accepted +
    rejected, of the source's main table; 0 unless loaded. read_with: fingerprint of the source when loaded, else of all.
    accepted: by table, a SELECT of the accepted rows with the columns of the table's contract; none for an empty file.
    rejects: a Parquet file with the columns of raw/rejected_rows, where there are any. Both live in the staging folder.
    """

    file: LandedFile
    status: str
    source: str | None
    table: str | None
    error: str | None
    sha256: str
    read_with: str
    rows: int = 0
    rejected: int = 0
    accepted: dict[str, str] = field(default_factory=dict)
    rejects: Path | None = None


def read_file(
    connection: duckdb.DuckDBPyConnection,
    file: LandedFile,
    sources: Sources,
    settings: Settings,
    email_key: str,
    staging: Path,
    now: dt.datetime,
) -> ReadFile:
    """Reads a file into `staging`, with the first source that claims it.

    A file that cannot be used is reported, never raised; a full disk, exhausted memory and the like are raised.
    now: UTC without zone. Sets the connection's time zone to UTC and has it keep the order of rows.
    """
    if file.problem is not None:
        return _unread(file, sources, f"found {file.problem}, expected a file within the landing folder")
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
    try:
        before = _identity(file)
    except OSError as error:
        return _unread(file, sources, f"cannot be opened: {error.strerror}")
    current, digest = before
    try:
        result = _read(connection, current, digest, sources, Rules(settings, email_key, now), staging)
    except (duckdb.Error, OSError):
        if _is_same(file, before):
            raise
        result = None
    if result is None or not _is_same(file, before):
        return _unread(current, sources, CHANGED, digest)
    return result


def _identity(file: LandedFile) -> tuple[LandedFile, str]:
    return landing.inspect(file.landing, file.absolute), container.sha256(file.absolute)


def _is_same(file: LandedFile, before: tuple[LandedFile, str]) -> bool:
    try:
        return _identity(file) == before
    except OSError:
        return False


def _read(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, digest: str, sources: Sources, rules: Rules, staging: Path
) -> ReadFile:
    if file.problem is not None:
        return _unread(file, sources, f"found {file.problem}, expected a file within the landing folder")
    if file.size == 0:
        return _loaded(file, digest, claiming.claim_by_name(file.name, sources))
    source: Source | None = None
    folder = staging / file.file_id
    folder.mkdir()
    try:
        path = container.plain(file, folder)
        source, rows = claiming.claim(file.name, Opener(connection, path), sources)
        stager = Stager(connection, folder, file.file_id, source, rules)
        return _loaded(file, digest, source, stager.staged(rows))
    except claiming.UnclaimedError as error:
        return _unread(file, sources, str(error), digest, status="unclaimed")
    except FileError as error:
        return _unread(file, sources, str(error).replace(f"{folder}/", ""), digest, error.source or source)
    finally:
        _keep_results(folder)


def _keep_results(folder: Path) -> None:
    """Frees the disk of what was made only to get there: unpacked and transcoded copies."""
    for path in folder.iterdir():
        if path.name not in RESULTS:
            path.unlink()


def _loaded(file: LandedFile, digest: str, source: Source, staged: Staged | None = None) -> ReadFile:
    return ReadFile(
        file=file,
        status="loaded",
        source=source.name,
        table=source.table,
        error=None,
        sha256=digest,
        read_with=source.fingerprint,
        **({} if staged is None else vars(staged)),
    )


def _unread(
    file: LandedFile,
    sources: Sources,
    error: str,
    digest: str = "",
    source: Source | None = None,
    status: str = "failed",
) -> ReadFile:
    return ReadFile(
        file=file,
        status=status,
        source=source.name if source else None,
        table=source.table if source else None,
        error=mask_emails(error),
        sha256=digest,
        read_with=sources.fingerprint,
    )
