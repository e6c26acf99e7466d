from collections.abc import Iterator
from pathlib import Path

import pytest

from .content import START_DATE
from .running import Runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The command line with one thread, over days from February 2024 on."""
    environment = {
        "STREAMING_ASSETS_THREADS": "1",
        "STREAMING_ASSETS_MEMORY_LIMIT": "500MB",
        "STREAMING_ASSETS_START_DATE": START_DATE.isoformat(),
        "STREAMING_ASSETS_EMAIL_KEY": "a key that only the tests know",
    }
    found = Runs(tmp_path_factory.mktemp("outputs"), environment)
    yield found
    found.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A new data folder with an empty landing folder."""
    (tmp_path / "data" / "landing").mkdir(parents=True)
    return tmp_path / "data"
