from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A new lake."""
    settings = Settings(data_dir=tmp_path / "data", threads=1, memory_limit="500MB")
    with duckdb_engine(settings) as engine:
        yield Lake(settings, engine)
