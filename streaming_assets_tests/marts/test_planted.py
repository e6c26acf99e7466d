"""Effects of stated size, planted by the simulator, as the marts find them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from streaming_assets.simulate import simulate
from streaming_assets.transforms.early_behaviour import early_behaviour
from streaming_assets_tests.end_to_end.data_folder import UP_TO_EXPERIMENTS, DataFolder, errors, failed_blocking

USERS, DAYS, SEED = 8000, 11, 3
"""Many users over a few days more than the week after which they come back or do not."""

EFFECT = 0.35
SESSION_GAP = pd.Timedelta(minutes=30)
CHURN_INACTIVE_DAYS = 28


pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Found:
    """A published folder, and what its simulator planted."""

    folder: DataFolder
    planted: dict[str, Any]

    def row(self, sql: str) -> tuple[Any, ...]:
        (row,) = self.folder.query(sql)
        return row


def taken_in(home: Path, landing: Path) -> Found:
    folder = DataFolder.at(home / "data", landing=landing, memory_limit="2GB")
    steps = folder.run(groups=UP_TO_EXPERIMENTS)
    assert (errors(steps), failed_blocking(steps)) == ([], [])
    return Found(folder, json.loads((home / "service" / "truth.json").read_text(encoding="utf-8"))["planted"])


def plays_of(service: Path) -> pd.DataFrame:
    """Distinct usable plays of a service, with their date and the days since the user's first play."""
    plays = pq.read_table(service / "landing" / "events", filters=[("event_type", "=", "play")]).to_pandas()
    watched = plays["watch_seconds"].fillna(0)
    usable = plays["user_id"].notna() & watched.between(0, 43_200) & (plays["started_at"] < "2080-01-01")
    plays = plays[usable].drop_duplicates(["user_id", "started_at", "content_id"])
    plays["date"] = plays["started_at"].dt.normalize()
    plays["age"] = (plays["date"] - plays.groupby("user_id")["date"].transform("min")).dt.days
    return plays


def early_counts(plays: pd.DataFrame) -> pd.DataFrame:
    """Users by genres, sessions and plays of their first three days, and by whether they play on D0 + 7."""
    early = plays[plays["age"] < 3].sort_values(["user_id", "started_at"])
    ended_at = early["started_at"] + pd.to_timedelta(early["watch_seconds"].fillna(0), unit="s")
    busy_until = ended_at.groupby(early["user_id"]).cummax().groupby(early["user_id"]).shift()
    starts = busy_until.isna() | (early["started_at"] > busy_until + SESSION_GAP)
    users = (
        early.assign(starts=starts)
        .groupby("user_id")
        .agg(first=("date", "min"), genres=("genre", "nunique"), sessions=("starts", "sum"), plays=("date", "size"))
    )
    users["retained"] = users.index.isin(plays.loc[plays["age"] == 7, "user_id"])
    users = users[users["first"] + pd.Timedelta(days=7) <= plays["date"].max()]
    return users.groupby(["genres", "sessions", "plays", "retained"]).size().rename("users").reset_index()


@pytest.fixture(scope="module")
def newcomers(tmp_path_factory: pytest.TempPathFactory) -> Found:
    home = tmp_path_factory.mktemp("newcomers")
    simulate(USERS, DAYS, SEED, home / "service", format="parquet", genre_diversity_effect=EFFECT)
    return taken_in(home, home / "service" / "landing")


@pytest.fixture(scope="module")
def without_effect(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The analysis of the same users without the effect; by a recount, since it is the analysis that is asked here."""
    service = tmp_path_factory.mktemp("without effect")
    simulate(USERS, DAYS, SEED, service, format="parquet", genre_diversity_effect=0.0)
    return early_behaviour(early_counts(plays_of(service)), genre_shift_share=0.1)


@pytest.fixture(scope="module")
def regulars(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Users who play on five of their first 14 days or more, over four months; one play of each of their days."""
    home = tmp_path_factory.mktemp("regulars")
    simulate(1800, 120, 1, home / "service", format="parquet")
    days = plays_of(home / "service").drop_duplicates(["user_id", "date"])
    active_days = days[days["age"] < 14].groupby("user_id").size()
    often = days[days["user_id"].isin(active_days[active_days >= 5].index)]
    (home / "landing").mkdir()
    often.drop(columns=["date", "age"]).to_parquet(home / "landing" / "plays.parquet", index=False)
    return taken_in(home, home / "landing")


def test_the_regression_finds_the_planted_effect_of_a_genre(newcomers: Found):
    assert newcomers.planted["genre_diversity"]["effect"] == EFFECT
    low, high = newcomers.row(
        """
        SELECT odds_ratio_low, odds_ratio_high FROM marts.early_behaviour
        WHERE analysis = 'regression' AND behaviour = 'genres'
        """
    )
    assert 1 < low < math.exp(EFFECT) < high < 1.25 * low


def test_the_regression_finds_no_effect_where_none_is_planted(without_effect: pd.DataFrame):
    found = without_effect.query("analysis == 'regression' and behaviour == 'genres'").iloc[0]
    assert found["odds_ratio_low"] < 1 < found["odds_ratio_high"] < 1.25 * found["odds_ratio_low"]


def test_rates_by_genres_differ_even_without_an_effect_since_active_users_meet_more(without_effect: pd.DataFrame):
    found = without_effect.query("analysis == 'groups' and behaviour == 'genres' and level == '4+'").iloc[0]
    assert found["difference_low"] > 0.1


def test_a_shift_to_more_genres_is_worth_something_with_the_effect_alone(
    newcomers: Found, without_effect: pd.DataFrame
):
    (low,) = newcomers.row(
        "SELECT difference_low FROM marts.early_behaviour WHERE analysis = 'shift' AND level = 'then'"
    )
    without = without_effect.query("analysis == 'shift' and level == 'then'").iloc[0]
    assert low > 0
    assert without["difference_low"] < 0 < without["difference_high"]


def test_users_come_back_after_a_week_as_often_as_was_drawn(newcomers: Found):
    eligible, retained = newcomers.row(
        """
        SELECT n_eligible, n_retained FROM marts.retention
        WHERE breakdown = 'overall' AND mode = 'exact' AND n = 7
        """
    )
    told = newcomers.planted["genre_diversity"]
    # Rows that cannot be used now and then are a user's only ones of a day.
    assert eligible == pytest.approx(told["users"], rel=0.005)
    assert retained == pytest.approx(told["returned"], rel=0.01)


@pytest.mark.parametrize("days", ["14", "30", "60"])
def test_the_survival_curve_finds_the_planted_lifetimes(regulars: Found, days: str):
    day = int(days) + CHURN_INACTIVE_DAYS
    low, high = regulars.row(f"SELECT survival_low, survival_high FROM marts.survival WHERE day = {day}")
    assert low <= regulars.planted["lifetimes"]["longer_than_days"][days]["planted"] <= high < low + 0.1


def test_next_to_nobody_is_lost_before_the_shortest_planted_lifetime(regulars: Found):
    day = regulars.planted["lifetimes"]["shortest_days"] + CHURN_INACTIVE_DAYS - 1
    (survival,) = regulars.row(f"SELECT survival FROM marts.survival WHERE day = {day}")
    assert survival > 0.995
