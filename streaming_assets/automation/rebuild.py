"""Starting the lake anew from the landed files."""

import datetime as dt
import os
import shutil
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from streaming_assets.lake.lake import LEDGER, SHAPE_FILE
from streaming_assets.lake.lock import writer_lock
from streaming_assets.settings import Settings
from streaming_assets.sources import scan

_SHOWN = 10


class MissingFilesError(RuntimeError):
    """Files that are loaded are no longer in landing: a new lake would not have them."""


def put_aside(settings: Settings, forget_missing: bool) -> Path:
    """Keep a copy of the lake and empty it, so that the next run makes a new one; the copy's folder.

    The copy shares its files with the lake (hard links), and the lake's own Parquet files stay a day longer: the
    published file reads them until it is published anew. Raises MissingFilesError while loaded files are no longer in landing, unless they may be forgotten.
    """
    with writer_lock(settings.lake_dir):
        present = {file.file_id for file in scan(settings.landing_dir) if not file.problem}
        missing = sorted(path for file_id, path in _loaded_files(settings).items() if file_id not in present)
        if missing and not forget_missing:
            listed = "\n".join(f"  - {path}" for path in missing[:_SHOWN])
            more = f"\n  … and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise MissingFilesError(
                f"{len(missing)} loaded files are no longer in {settings.landing_dir}:\n{listed}{more}\n"
                "Put them back, name their folder with --landing, or give --forget-missing to go on without them."
            )
        aside = settings.data_dir / f"lake.before-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
        draft = aside.with_suffix(".part")
        shutil.copytree(settings.lake_dir, draft, copy_function=os.link, ignore=shutil.ignore_patterns(".*"))
        draft.rename(aside)
        _empty(settings.lake_dir)
    return aside


def _empty(lake: Path) -> None:
    """Forget every table; a rebuild that dies in between is refused or goes on, and reads every file again."""
    for file in lake.rglob("*.parquet"):
        file.touch()
    logs = sorted(lake.glob("*/*/_delta_log"), key=lambda log: log.parent != lake / LEDGER)
    for log in logs:
        shutil.rmtree(log)
    (lake / SHAPE_FILE).unlink()


def _loaded_files(settings: Settings) -> dict[str, str]:
    """The paths of the files that are loaded, by file_id."""
    # The lake may have been made with other settings or contracts: its ledger is read as it is.
    try:
        ledger = DeltaTable(str(settings.lake_dir / LEDGER))
    except TableNotFoundError:
        return {}
    rows = ledger.to_pyarrow_table(columns=["file_id", "path", "raw_version"]).to_pylist()
    return {row["file_id"]: row["path"] for row in rows if row["raw_version"] is not None}
