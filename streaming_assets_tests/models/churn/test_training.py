import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models.churn import (
    CANDIDATES,
    FAMILIES,
    churn_candidates,
    churn_champion,
    churn_reliability,
    churn_slices,
)
from streaming_assets.models.churn.cutoffs import Split
from streaming_assets.models.churn.model import Model
from streaming_assets.models.churn.rows import rows_at
from streaming_assets.models.churn.training import Training, train
from streaming_assets_tests.models.churn.audiences import EVERY_FAMILY, RECENCY_ALONE, audience, cutoffs_of, split

STAGES = split(train=2, calibrate=1, test=2)
AS_OF = dt.date(2026, 6, 1)
LATER = AS_OF + dt.timedelta(weeks=1)
NOT_KNOWN = ("buffer_events_per_hour", "buffered_session_share", "pauses_per_play", "plan", "is_paid", "is_premium", "premium_unused")  # fmt: skip


def trained(
    snapshots: pd.DataFrame,
    stages: Split | None = STAGES,
    incumbent: Model | None = None,
    as_of: dt.date = AS_OF,
    label: str = "inactivity",
) -> Training:
    return train(snapshots, stages, incumbent, as_of=as_of, label=label, code="1", seed=1)


@pytest.fixture(scope="module")
def every_family() -> pd.DataFrame:
    return audience(900, cutoffs_of(STAGES), EVERY_FAMILY)


@pytest.fixture(scope="module")
def first(every_family) -> Training:
    """Without a champion, where every family matters."""
    return trained(every_family)


@pytest.fixture(scope="module")
def recency_alone() -> Training:
    """Where recency is all that matters, and neither plan nor playback is known."""
    snapshots = audience(900, cutoffs_of(STAGES), RECENCY_ALONE)
    return trained(snapshots.assign(**dict.fromkeys(NOT_KNOWN)))


@pytest.fixture(scope="module")
def replaced(every_family, recency_alone) -> Training:
    """The rows of `first` in another order, where the champion knows recency alone."""
    return trained(every_family.sample(frac=1, random_state=1), incumbent=recency_alone.model)


@pytest.fixture(scope="module")
def kept(every_family, first) -> Training:
    return trained(every_family, incumbent=first.model, as_of=LATER)


def of_test(training: Training, candidate: str) -> pd.Series:
    found = training.candidates.set_index(["candidate", "fold"])
    return found.loc[(candidate, "test")]


def test_where_every_family_matters_the_champion_beats_recency_in_log_loss_and_auc(first):
    champion = of_test(first, first.champion["candidate"])
    assert first.outcome == "trained"
    assert champion["gain"] > 0.05
    assert champion["gain_low"] > 0
    assert champion["auc_gain"] > 0.05
    assert champion["auc_gain_low"] > 0
    assert champion["ece"] <= max(0.03, champion["ece_limit"])


def test_the_tables_have_their_contracts_columns_and_every_candidate(first):
    assert tuple(first.candidates.columns) == churn_candidates.column_names
    assert tuple(first.reliability.columns) == churn_reliability.column_names
    assert tuple(first.slices.columns) == churn_slices.column_names
    assert set(first.champion) == set(churn_champion.column_names) - {"card", "model_cutoffs"}
    assert sorted(zip(first.candidates["candidate"], first.candidates["fold"], strict=True)) == sorted(
        (candidate, fold) for candidate in CANDIDATES for fold in ("calibrate", "test")
    )
    assert list(first.candidates.loc[first.candidates["is_challenger"], "candidate"]) == ["logistic_regression"] * 2


def test_the_reliability_and_each_dimension_of_the_slices_add_up_to_the_test_rows(first, every_family):
    n = every_family["cutoff"].isin(STAGES.test).sum()
    assert first.reliability["n"].sum() == n
    assert set(first.slices.groupby("dimension")["n"].sum()) == {n}
    assert first.reliability["mean_probability"].is_monotonic_decreasing
    assert (first.reliability["rate_low"] <= first.reliability["observed_rate"]).all()


def test_slices_name_what_is_not_known_and_few_rows_say_nothing(recency_alone):
    slices = recency_alone.slices.set_index(["dimension", "slice"])
    assert list(slices.loc["plan"].index) == ["unknown"]
    assert "unknown" in slices.loc["age"].index
    assert slices.loc[slices["n"] < 30, "log_loss"].isna().all()
    assert slices.loc[slices["n"] >= 30, "log_loss"].notna().all()


def test_the_champion_says_on_which_cutoffs_features_and_labels_it_stands(first):
    assert first.champion["train_cutoffs"] == list(STAGES.train)
    assert first.champion["calibrate_cutoffs"] == list(STAGES.calibrate)
    assert first.champion["test_cutoffs"] == list(STAGES.test)
    assert first.champion["families"] == list(FAMILIES)
    assert (first.champion["label"], first.champion["model_as_of"]) == ("inactivity", AS_OF)
    assert first.champion["log_loss"] == pytest.approx(of_test(first, "logistic_regression")["log_loss"])
    assert first.champion["baseline_log_loss"] == pytest.approx(of_test(first, "recency_only")["log_loss"])


def test_shuffled_labels_give_no_skill_and_no_single_feature_knows_too_much(first):
    assert first.champion["shuffled_auc"] == pytest.approx(0.5, abs=0.06)
    assert 0.5 < first.champion["best_single_feature_auc"] < 0.8
    assert first.champion["best_single_feature"] not in ("recency_hours", "plays_7")


def test_after_the_report_the_recipe_is_fitted_to_all_closed_cutoffs_and_meets_their_rate(first, every_family):
    assert first.model.scoring.through == STAGES.test[-1]
    assert first.model.judged.through == STAGES.calibrate[-1]
    latest = every_family[every_family["cutoff"].isin((*STAGES.calibrate, *STAGES.test))]
    assert first.model.probabilities(latest).mean() == pytest.approx(latest["churned"].mean(), abs=1e-6)


def test_the_reference_are_medians_of_users_who_stayed(first, every_family):
    stayed = every_family[~every_family["churned"]]
    assert first.model.reference["recency_hours"] == pytest.approx(stayed["recency_hours"].median())
    assert set(first.model.design.columns) == set(first.model.reference.index)


def test_where_recency_is_all_that_matters_the_simple_model_is_kept_and_the_reason_says_so(recency_alone):
    assert recency_alone.champion["candidate"] == "recency_only"
    assert "The simple model is as good" in recency_alone.reason


def test_data_without_plans_and_stops_trains_without_those_families_and_says_so(recency_alone):
    assert recency_alone.champion["families"] == ["inactivity", "content_mismatch", "discovery"]
    assert recency_alone.champion["dropped"] == [name for name in NOT_KNOWN if name != "plan"]


def test_a_clearly_better_challenger_replaces_the_champion(replaced):
    assert replaced.outcome == "trained"
    assert replaced.champion["candidate"] == "logistic_regression"
    assert "against the present champion on the same held-out cutoffs" in replaced.reason


def test_the_same_rows_in_another_order_give_the_same_model_and_figures(first, replaced, every_family):
    figures = churn_candidates.column_names[2:-1]
    np.testing.assert_allclose(
        replaced.candidates[list(figures)].astype(float), first.candidates[list(figures)].astype(float), rtol=1e-9
    )
    np.testing.assert_allclose(
        replaced.model.probabilities(every_family), first.model.probabilities(every_family), rtol=0, atol=1e-9
    )
    assert replaced.model.version == first.model.version


def test_a_champion_that_is_as_good_stays_and_the_row_tells_of_it(kept, first):
    assert (kept.outcome, kept.model) == ("kept", first.model)
    assert kept.champion["version"] == first.model.version
    assert (kept.champion["trained_as_of"], kept.champion["model_as_of"]) == (LATER, AS_OF)
    assert kept.champion["log_loss"] == pytest.approx(first.champion["log_loss"])
    assert kept.candidates["is_challenger"].sum() == 2


def test_a_champion_is_judged_by_a_fit_that_has_not_seen_the_held_out_cutoffs(first):
    seen = STAGES.test[-1]
    assert first.model.held_out_from(seen) is first.model.judged
    assert first.model.held_out_from(seen + dt.timedelta(days=28)) is first.model.judged
    assert first.model.held_out_from(seen + dt.timedelta(days=29)) is first.model.scoring


def test_snapshots_without_an_outcome_are_not_learnt_from(every_family):
    one_user = every_family["user_id"] == "u000001"
    few = every_family[every_family["user_id"] < "u000100"]
    unknown = few.assign(churned=few["churned"].astype(object).where(~one_user, None))
    assert "198 rows to train on" in trained(unknown).reason


@pytest.mark.parametrize(
    ("stages", "change", "outcome", "said"),
    [
        (None, {}, "not_enough_history", "The history is too short"),
        (split(1), {}, "too_few_users", "150 rows to train on, at least 200 are needed"),
        (STAGES, {"churned": False}, "one_class", "0 of 300 rows of the train cutoffs churned"),
        (STAGES, {"churned": True}, "one_class", "300 of 300 rows of the train cutoffs churned"),
        (STAGES, {"only": 20}, "too_few_users", "at least 30 who churned and 30 who stayed are needed"),
    ],
)
@pytest.mark.parametrize("has_champion", [False, True])
def test_without_enough_to_learn_from_there_is_a_status_and_the_champion_stays(
    stages, change, outcome, said, has_champion, first
):
    snapshots = audience(150, cutoffs_of(STAGES), EVERY_FAMILY)
    if "only" in change:
        snapshots["churned"] = snapshots["user_id"] < f"u{change['only'] // 2:06d}"
    elif change:
        snapshots = snapshots.assign(**change)
    incumbent = first.model if has_champion else None
    found = trained(snapshots, stages, incumbent)
    assert (found.outcome, found.model) == (outcome, incumbent)
    assert said in found.reason
    assert ("The champion stays." in found.reason) is has_champion
    assert set(found.champion) == set(churn_champion.column_names) - {"card", "model_cutoffs"}
    assert found.champion["version"] == (first.model.version if has_champion else None)
    assert (len(found.candidates), len(found.reliability), len(found.slices)) == (0, 0, 0)
    assert tuple(found.candidates.columns) == churn_candidates.column_names


def test_no_snapshots_at_all_are_too_few(every_family):
    assert trained(every_family.head(0)).outcome == "too_few_users"


def test_test_cutoffs_of_one_class_have_nothing_to_judge_by(every_family):
    unjudged = every_family.assign(churned=every_family["churned"] & ~every_family["cutoff"].isin(STAGES.test))
    assert trained(unjudged).outcome == "one_class"


@pytest.mark.slow
def test_a_champion_that_predicts_another_label_is_not_compared(first, every_family):
    other = dataclasses.replace(first.model, label="cancellation")
    found = trained(every_family, incumbent=other)
    assert (found.outcome, found.champion["label"]) == ("trained", "inactivity")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effects", "champion"),
    [(EVERY_FAMILY, "logistic_regression"), (RECENCY_ALONE, "recency_only"), ({}, "base_rate")],
)
def test_on_many_users_the_champion_knows_what_was_planted_and_no_more(effects, champion):
    stages = split(3, 2, 2)
    found = trained(audience(5_000, cutoffs_of(stages), effects, seed=11), stages)
    assert found.champion["candidate"] == champion
    row = of_test(found, champion)
    assert row["ece"] <= 0.03
    assert found.champion["shuffled_auc"] == pytest.approx(0.5, abs=0.03)
    if effects is EVERY_FAMILY:
        assert min(row["gain_low"], row["auc_gain_low"]) > 0.05


def test_cutoffs_may_come_as_timestamps_too(every_family):
    as_timestamps = every_family.assign(cutoff=pd.to_datetime(every_family["cutoff"]))
    by_date, by_timestamp = (rows_at(frame, STAGES.test) for frame in (every_family, as_timestamps))
    np.testing.assert_array_equal(by_timestamp.churned, by_date.churned)
    assert by_date.n == 2 * 900
