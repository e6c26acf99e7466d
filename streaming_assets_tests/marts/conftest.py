"""Marts as they were published, and the core tables that they must follow from, as pandas frames."""

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from streaming_assets_tests.marts.taken_in import sample, taken_in

THIRD_PARTY = {
    "lastfm1k_sample_5000.tsv.gz": "userid-timestamp-sample.tsv.gz",
    "lastfm1k_userid-profile.tsv": "lastfm1k_userid-profile.tsv",
    "hoyt_emerson_streaming_data.json": "hoyt_emerson_streaming_data.json",
    "livestreaming_user_sessions_dataset.csv.gz": "livestreaming_user_sessions_dataset.csv.gz",
    "livestreaming_backup_users.csv": "livestreaming_backup_users.csv",
    "livestreaming_shows.csv": "livestreaming_shows.csv",
}


@dataclass(frozen=True)
class Published:
    """A published file after a whole run; as_of is the day of the latest event."""

    database: Path

    def frame(self, table: str) -> pd.DataFrame:
        """A published table such as marts/retention; dates and timestamps are datetime64, unknown numbers NaN."""
        return _frame(self.database, table)

    @property
    def experiments_file(self) -> Path:
        """What was configured."""
        return self.database.with_name("experiments.yaml")

    @property
    def as_of(self) -> pd.Timestamp:
        return self.frame("core/events").event_date.max()


@cache
def _frame(database: Path, table: str) -> pd.DataFrame:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table.replace('/', '.')}").df()


@pytest.fixture(scope="session")
def sample_published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """data/sample."""
    return Published(sample(tmp_path_factory).database)


@pytest.fixture(scope="session")
def third_party_published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Three third-party logs with their users and titles; their folder is STREAMING_REAL_DATA."""
    if "STREAMING_REAL_DATA" not in os.environ:
        pytest.skip("set STREAMING_REAL_DATA to the folder of the third-party files")
    source = Path(os.environ["STREAMING_REAL_DATA"])

    def put(landing: Path) -> None:
        for name, lands_as in THIRD_PARTY.items():
            shutil.copy(source / name, landing / lands_as)

    folder = taken_in(tmp_path_factory, "third_party", put, start_date=dt.date(2005, 1, 1), max_rejected_share=1.0)
    return Published(folder.database)


@pytest.fixture(params=["sample_published", pytest.param("third_party_published", marks=pytest.mark.slow)])
def published(request: pytest.FixtureRequest) -> Published:
    """Each of the two in turn."""
    found: Published = request.getfixturevalue(request.param)
    return found
