"""Trainings and scores that are killed: what the next run makes is what an undisturbed one makes."""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from streaming_assets.simulate import simulate

from .content import assert_same, lake_tables
from .running import COMMIT, Ended, Fault, Runs, about

pytestmark = pytest.mark.slow

KILLED = -9
FAULTS = {
    "churn": [
        about("after", COMMIT, "models/churn_snapshots"),
        Fault("after", "streaming_assets.lake.model_store:ModelStore.save"),
        about("after", COMMIT, "models/churn_candidates"),
        about("before", COMMIT, "models/churn_champion"),
        about("after", COMMIT, "models/churn_champion"),
        about("after", COMMIT, "meta/churn_score_log"),
    ],
    "forecast": [
        about("after", COMMIT, "models/forecast_backtest"),
        about("after", COMMIT, "models/viewer_forecast"),
        about("after", COMMIT, "models/forecast_log"),
    ],
    "clusters": [about("before", COMMIT, "models/cluster_profiles"), about("after", COMMIT, "models/user_clusters")],
}


@dataclass(frozen=True)
class Undisturbed:
    """A service up to its marts, and the same once its models were made."""

    before: Path
    landing: Path
    after: Path


@pytest.fixture(scope="module")
def undisturbed(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("undisturbed")
    simulate(users=600, days=132, seed=4, out=root / "service", start=dt.date(2024, 3, 1))
    found = Undisturbed(root / "before", root / "service" / "landing", root / "after")
    assert model_run(runs, found.before, found.landing, groups="raw,core,marts").code == 0
    shutil.copytree(found.before, found.after)
    assert model_run(runs, found.after, found.landing).code == 0
    return found


def model_run(runs: Runs, data_dir: Path, landing: Path, fault: Fault | None = None, groups: str = "models") -> Ended:
    return runs.run("run", "--data-dir", data_dir, "--landing", landing, "--groups", groups, fault=fault)


@pytest.mark.parametrize("model", FAULTS)
def test_models_killed_at_every_stage_end_as_if_nothing_had_happened(
    runs: Runs, undisturbed: Undisturbed, tmp_path: Path, model: str
):
    data_dir = tmp_path / "data"
    shutil.copytree(undisturbed.before, data_dir)
    for fault in FAULTS[model]:
        ended = model_run(runs, data_dir, undisturbed.landing, fault)
        assert ended.code == KILLED, f"{fault} did not come to pass\n{ended.out}\n{ended.err}"
    assert model_run(runs, data_dir, undisturbed.landing).code == 0
    assert_same(lake_tables(data_dir), lake_tables(undisturbed.after))
    assert stored(data_dir) == stored(undisturbed.after)


def stored(data_dir: Path) -> list[str]:
    """The versions of the model of churn that are whole, and the file that names the champion."""
    return sorted(path.name for path in (data_dir / "models" / "churn").iterdir() if not path.name.startswith("."))
