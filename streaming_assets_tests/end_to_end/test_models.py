"""Models in the pipeline: little data gives statuses, enough gives a champion that scores; killed and resumed, old and new."""

import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.automation.pipeline import GROUPS
from streaming_assets.lake import champions
from streaming_assets.simulate import simulate
from streaming_assets_tests.end_to_end.command_line import streaming_assets
from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences, errors, failed_blocking, jobs
from streaming_assets_tests.end_to_end.service import steady_week

MODELS = contracts.models.TABLES
MODELS_ALONE = ("models",)
FIRST_DAY = dt.date(2026, 3, 1)


def models_of(folder: DataFolder) -> dict[str, pa.Table]:
    return {table.name: folder.table(table) for table in MODELS}


def run(folder: DataFolder, groups: tuple[str, ...] = GROUPS) -> list[str]:
    steps = folder.run(groups=groups)
    assert not errors(steps)
    assert not failed_blocking(steps)
    return jobs(steps)


class TestThreeDays:
    """Six users, three days: nothing can be learned, and everything stands."""

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
        folder = DataFolder.at(tmp_path_factory.mktemp("three days") / "data")
        folder.land(steady_week(FIRST_DAY, 3))
        assert run(folder)[-2:] == ["refresh_models", "publish"]
        return folder

    def test_every_table_of_models_is_published(self, folder: DataFolder):
        published = folder.query("SELECT name FROM meta.tables WHERE name LIKE 'models/%'")
        assert {name for (name,) in published} == {table.name for table in MODELS}

    def test_there_is_a_status_in_the_place_of_a_model(self, folder: DataFolder):
        ((outcome, version, reason),) = folder.query("SELECT outcome, version, reason FROM models.churn_champion")
        assert (outcome, version) == ("not_enough_history", None)
        assert "too short" in reason
        assert folder.query("SELECT status, k FROM models.cluster_summary") == [("too_few_users", None)]

    def test_every_user_has_a_status_and_nobody_a_probability(self, folder: DataFolder):
        assert folder.query(
            "SELECT status, count(*), count(churn_probability), min(cutoff) FROM models.churn_scores GROUP BY status"
        ) == [("new", 6, 0, FIRST_DAY + dt.timedelta(days=3))]

    def test_yesterday_forecasts_tomorrow_and_says_that_it_knows_little(self, folder: DataFolder):
        # The last play is at 21:15 of the third day: 21 o'clock is not over, and the next 24 hours begin with it.
        hours = folder.query("SELECT hour_at, expected, model, low_history FROM models.viewer_forecast ORDER BY 1")
        assert len(hours) == 24
        assert hours[0] == (dt.datetime(2026, 3, 3, 21), 6.0, "naive_24", True)
        assert [expected for _, expected, *_ in hours[1:]] == [
            6.0 if hour in (8, 13) else 0.0 for hour in [22, 23, *range(21)]
        ]

    def test_users_carry_their_segments_beside_the_cluster_that_they_do_not_have(self, folder: DataFolder):
        assert folder.query(
            """
            SELECT count(*), count(cluster), count(*) FILTER (segments.engagement = clusters.engagement)
            FROM models.user_clusters clusters JOIN marts.user_segments segments USING (user_id)
            """
        ) == [(6, 0, 6)]

    def test_nothing_new_makes_nothing(self, folder: DataFolder):
        assert run(folder) == []

    def test_the_command_line_says_why_nobody_is_at_risk_and_what_tomorrow_brings(self, folder: DataFolder):
        told = streaming_assets("at-risk", "--data-dir", folder.settings.data_dir)
        assert told.code == 1
        assert "too short" in told.err
        assert streaming_assets("at-risk", "--data-dir", folder.settings.data_dir, "--driver", "boredom").code == 2
        told = streaming_assets("forecast", "--data-dir", folder.settings.data_dir, "--format", "json")
        assert told.code == 0
        assert len(json.loads(told.out)["viewer_forecast"]) == 24


@pytest.mark.slow
class TestAService:
    """400 simulated users over 150 days, with planted drivers of churn; T is the 121st, so that nights can follow."""

    @pytest.fixture(scope="class")
    def service(self, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
        root = tmp_path_factory.mktemp("service")
        simulate(users=400, days=150, seed=5, out=root / "simulated", start=FIRST_DAY)
        folder = DataFolder.at(
            root / "data", landing=root / "simulated" / "landing", as_of=FIRST_DAY + dt.timedelta(120)
        )
        run(folder, ("raw", "core", "marts", "published"))
        return folder

    @pytest.fixture(scope="class")
    def trained(self, service: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
        folder = service.copy_to(tmp_path_factory.mktemp("trained") / "data")
        assert run(folder, (*MODELS_ALONE, "published")) == ["refresh_models", "publish"]
        return folder

    def test_a_champion_scores_every_active_user(self, trained: DataFolder):
        ((outcome, version),) = trained.query("SELECT outcome, version FROM models.churn_champion")
        assert outcome == "trained"
        stored = trained.settings.models_dir / "churn"
        assert json.loads((stored / "champion.json").read_text()) == {"version": version}
        assert {file.name for file in (stored / version).iterdir()} == {
            "model.skops", "card.md", "metrics.json", "features.json", "environment.json",
        }  # fmt: skip
        assert trained.query(
            "SELECT bool_and((status = 'active') = (churn_probability IS NOT NULL)), count(DISTINCT model_version) FROM models.churn_scores"
        ) == [(True, 1)]

    def test_the_same_data_give_the_same_tables(self, service: DataFolder, trained: DataFolder, tmp_path: Path):
        again = service.copy_to(tmp_path / "again")
        run(again, MODELS_ALONE)
        assert differences(models_of(again), models_of(trained)) == []

    def test_a_week_later_everything_is_trained_again_and_before_that_only_scored(
        self, trained: DataFolder, tmp_path: Path
    ):
        folder = trained.copy_to(tmp_path / "later")
        ((trained_as_of,),) = folder.query("SELECT trained_as_of FROM models.churn_champion")
        for days, expected in ((6, trained_as_of), (7, trained_as_of + dt.timedelta(days=7))):
            later = DataFolder(dataclasses.replace(folder.settings, as_of=trained_as_of + dt.timedelta(days=days)))
            run(later, (*MODELS_ALONE, "published"))
            assert later.query("SELECT trained_as_of FROM models.churn_champion") == [(expected,)]
            assert later.query("SELECT DISTINCT cutoff FROM models.churn_scores") == [
                (trained_as_of + dt.timedelta(days=days + 1),)
            ]
            assert later.query("SELECT count(DISTINCT issued_at) > 1 FROM models.forecast_log") == [(True,)]

    def test_what_was_said_is_judged_when_the_label_window_is_over(self, trained: DataFolder, tmp_path: Path):
        folder = trained.copy_to(tmp_path / "judged")
        ((cutoff,),) = folder.query("SELECT DISTINCT cutoff FROM models.churn_scores")
        said = dict(folder.query("SELECT user_id, churn_probability FROM models.churn_scores WHERE status = 'active'"))
        for days in (27, 28):
            later = DataFolder(dataclasses.replace(folder.settings, as_of=cutoff + dt.timedelta(days=days)))
            run(later, (*MODELS_ALONE, "published"))
            judged = later.query("SELECT cutoff, n FROM models.realised_performance")
            assert judged == ([] if days == 27 else [(cutoff, len(said))])

    def test_a_stored_model_that_went_missing_is_trained_again(self, trained: DataFolder, tmp_path: Path):
        folder = trained.copy_to(tmp_path / "missing")
        shutil.rmtree(folder.settings.models_dir)
        run(folder, MODELS_ALONE)
        assert run(folder, MODELS_ALONE) == []
        assert (folder.settings.models_dir / "churn" / "champion.json").exists()

    def test_a_stored_model_with_anything_else_in_it_is_refused_and_nobody_is_scored_by_it(
        self, trained: DataFolder, tmp_path: Path
    ):
        import skops.io
        from sklearn.linear_model import SGDClassifier

        folder = trained.copy_to(tmp_path / "tampered")
        (model,) = (folder.settings.models_dir / "churn").glob("*/model.skops")
        model.write_bytes(skops.io.dumps({"model": SGDClassifier(loss="log_loss"), "more": SGDClassifier}))
        later = DataFolder(dataclasses.replace(folder.settings, as_of=folder.settings.as_of + dt.timedelta(days=1)))
        (error, *_) = errors(later.run(groups=MODELS_ALONE))
        assert "SGDClassifier" in error

    def test_another_minor_version_of_scikit_learn_trains_again(
        self, trained: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        folder = trained.copy_to(tmp_path / "upgraded")
        installed = champions.version
        monkeypatch.setattr(champions, "version", lambda name: "99.1" if name == "scikit-learn" else installed(name))
        later = DataFolder(dataclasses.replace(folder.settings, as_of=folder.settings.as_of + dt.timedelta(days=1)))
        run(later, MODELS_ALONE)
        (row,) = later.table(contracts.ALL["models/churn_champion"]).to_pylist()
        assert row["trained_as_of"] == later.settings.as_of
