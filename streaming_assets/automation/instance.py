"""The Dagster instance that the command line and the UI share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import dagster as dg

from streaming_assets.settings import Settings


def prepare_home(settings: Settings) -> str:
    """The instance's folder: DAGSTER_HOME where it is set, else DIR/dagster with the project's dagster.yaml in it."""
    if "DAGSTER_HOME" in os.environ:
        return os.environ["DAGSTER_HOME"]
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_bytes(resources.files(__package__).joinpath("dagster.yaml").read_bytes())
    return str(home)


@contextmanager
def local_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, open."""
    with dg.DagsterInstance.from_config(prepare_home(settings)) as instance:
        yield instance
