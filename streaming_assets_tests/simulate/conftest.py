from pathlib import Path

import pandas as pd
import pytest

from streaming_assets.simulate import simulate

from .recount import event_rows

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks of 1,000 users."""
    out = tmp_path_factory.mktemp("service")
    simulate(users=1000, days=21, seed=7, out=out)
    return out


@pytest.fixture(scope="session")
def landed(service: Path) -> pd.DataFrame:
    return event_rows(service / "landing")


@pytest.fixture(scope="session")
def sample_rows() -> pd.DataFrame:
    """The committed sample as it landed."""
    return event_rows(SAMPLE)
