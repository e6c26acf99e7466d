"""The Dagster instance that the command line and the UI share."""

import glob
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import DBAPIError

from streaming_assets.errors import InstanceError
from streaming_assets.lake.lock import exclusive
from streaming_assets.settings import SettingError, Settings

ONE_PLANNED_EVENT_PER_ASSET = {"DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "true"}
"""Without it Dagster announces every day of every asset before a run begins: half the event log of a long backfill."""


_PART_OF_AN_ADDRESS = re.compile(r"\?|%[0-9a-fA-F]{2}")


def prepare_home(settings: Settings) -> str:
    """The instance's folder: DAGSTER_HOME where it is set, else DIR/dagster with the project's dagster.yaml in it.

    Raises SettingError for one that Dagster could not use.
    """
    given = os.environ.get("DAGSTER_HOME")
    home = Path(given) if given else settings.dagster_home.resolve()
    if given and not (home.is_absolute() and home.is_dir()):
        raise SettingError(f"DAGSTER_HOME: found {given!r}, expected the absolute path of a folder that is there")
    if misread := _PART_OF_AN_ADDRESS.search(str(home)):
        raise SettingError(
            f"Dagster's folder {home}: found {misread[0]} in its path, and Dagster opens its records by an address in which "
            "that means something else; name another folder in DAGSTER_HOME"
        )
    if given:
        return given
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_bytes(resources.files(__package__).joinpath("dagster.yaml").read_bytes())
    return str(home)


@contextmanager
def local_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, open. Raises InstanceError where its storage cannot be reached, read or written."""
    for variable, value in ONE_PLANNED_EVENT_PER_ASSET.items():
        os.environ.setdefault(variable, value)
    with ExitStack() as stack:
        try:
            # Two processes that make the storage at once would break it for good.
            with exclusive(settings.data_dir / ".dagster.lock"):
                instance = stack.enter_context(_instance_in(prepare_home(settings)))
                instance.get_runs_count()
                instance.get_latest_materialization_event(dg.AssetKey("any"))
                instance.all_instigator_state()
            yield instance
        except Exception as error:
            # A database server that does not answer is the cause of an exception of dagster-postgres, which need not be there.
            refusal = error if isinstance(error, DBAPIError) else error.__cause__
            if not isinstance(refusal, DBAPIError):
                raise
            raise InstanceError(
                f"Dagster's own storage, as {prepare_home(settings)} has it, failed: {str(refusal.orig).strip()}; "
                "see whether the disk is full, or the database server away"
            ) from error


def require_config_found_by_dagster(home: str) -> None:
    """Raises SettingError for a folder whose dagster.yaml Dagster's own processes would pass over without a word."""
    if glob.has_magic(home):
        raise SettingError(
            f"Dagster's folder {home}: found * or [ in its path, and Dagster takes that for a pattern and would not find the "
            "settings in it; name another folder in DAGSTER_HOME, for `run` as well"
        )


def _instance_in(home: str) -> dg.DagsterInstance:
    # Dagster takes the path of its configuration for a pattern.
    return dg.DagsterInstance.from_config(home, glob.escape(str(Path(home) / "dagster.yaml")))
