from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streaming_assets_tests.end_to_end.data_folder import DataFolder

from .running_instance import KEY, RunningInstance

Up = Callable[..., RunningInstance]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts an instance on a new data folder whose landing folder lies outside of it; it is stopped with the test."""
    started: list[RunningInstance] = []

    def start(**settings: str) -> RunningInstance:
        folder = DataFolder.at(
            tmp_path / "data", landing=tmp_path / "landing", threads=1, memory_limit="500MB", email_key=KEY
        )
        instance = RunningInstance(folder, settings)
        instance.start()
        started.append(instance)
        return instance

    yield start
    for instance in started:
        instance.stop()
