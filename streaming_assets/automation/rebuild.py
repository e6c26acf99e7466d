"""Starting the lake anew from the landed files."""

import datetime as dt
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from streaming_assets.lake.ingest import LEDGER
from streaming_assets.lake.lock import writer_lock
from streaming_assets.settings import Settings

_SHOWN = 10


class MissingFilesError(RuntimeError):
    """Files that are loaded are no longer in landing: a new lake would not have them."""


def put_aside(settings: Settings, forget_missing: bool) -> Path:
    """Rename the lake, so that the next run makes a new one; the new name.

    Raises MissingFilesError while loaded files are no longer in landing, unless they may be forgotten.
    """
    with writer_lock(settings.lake_dir):
        missing = [path for path in _loaded_paths(settings) if not (settings.landing_dir / path).exists()]
        if missing and not forget_missing:
            listed = "\n".join(f"  - {path}" for path in missing[:_SHOWN])
            more = f"\n  … and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise MissingFilesError(
                f"{len(missing)} loaded files are no longer in {settings.landing_dir}:\n{listed}{more}\n"
                "Put them back, name their folder with --landing, or give --forget-missing to go on without them."
            )
        aside = settings.lake_dir.with_name(f"lake.before-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}")
        settings.lake_dir.rename(aside)
    return aside


def _loaded_paths(settings: Settings) -> list[str]:
    # The lake may have been made with other settings or contracts: its ledger is read as it is.
    try:
        ledger = DeltaTable(str(settings.lake_dir / LEDGER))
    except TableNotFoundError:
        return []
    rows = ledger.to_pyarrow_table(columns=["path", "raw_version"]).to_pylist()
    return sorted(row["path"] for row in rows if row["raw_version"] is not None)
