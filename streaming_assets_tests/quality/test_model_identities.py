"""Checks of models: numbers that agree pass, a leak, a break or a model worse than the baseline is found."""

import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.quality.model_identities import model_identities
from streaming_assets.quality.reconciliation import Reconciliation

CHECKS = model_identities()
NOON = dt.datetime(2026, 5, 1, 12)
C1, C2 = dt.date(2026, 5, 1), dt.date(2026, 6, 1)

Rows = list[dict[str, Any]]


def hour(number: int) -> dict[str, Any]:
    bands = {"lo95": 1.0, "lo80": 2.0, "hi80": 5.0, "hi95": 6.0}
    return {"issued_at": NOON, "hour_at": NOON + dt.timedelta(hours=number), "expected": 3.5, **bands}


def candidate(name: str, log_loss: float, **more: Any) -> dict[str, Any]:
    row = {"candidate": name, "fold": "test", "n": 400, "n_churned": 100, "log_loss": log_loss, "is_challenger": False}
    return {**row, **more}


SEGMENTS = {"engagement": "heavy", "completion": "engaged", "lifecycle_stage": "one_week", "rfm_segment": "loyal"}

TRUE: dict[str, Rows] = {
    "models/churn_candidates": [
        candidate("base_rate", 0.56),
        candidate("logistic_regression", 0.40, is_challenger=True, auc=0.84, ece=0.05, ece_limit=0.06),
        candidate("logistic_regression", 0.30, fold="calibrate", is_challenger=True, auc=0.99, ece=0.2, ece_limit=0.1),
    ],
    "models/churn_champion": [
        {"log_loss": 0.41, "shuffled_auc": 0.53, "best_single_feature": "skip_rate", "best_single_feature_auc": 0.7}
    ],
    "models/feature_drift": [{"feature": "plays_28", "psi": 0.2}, {"feature": "skip_rate", "psi": None}],
    "models/realised_performance": [
        # The oldest of five cutoffs no longer counts; by users the other four are at 0.39 against 0.50.
        {"cutoff": C1, "n": 100, "log_loss": 9.0, "base_rate_log_loss": 0.5},
        {"cutoff": C1 + dt.timedelta(1), "n": 10, "log_loss": 0.9, "base_rate_log_loss": 0.5},
        *({"cutoff": C1 + dt.timedelta(n), "n": 30, "log_loss": 1 / 3, "base_rate_log_loss": 0.5} for n in (2, 3, 4)),
    ],
    "models/churn_snapshots": [
        {"cutoff": C1, "user_id": "ann", "status": "lapsed"},
        {"cutoff": C2, "user_id": "ann", "status": "active"},
        {"cutoff": C2, "user_id": "bob", "status": "new"},
    ],
    "models/churn_scores": [
        {"cutoff": C2, "user_id": "ann", "status": "active", "risk_band": "high"},
        {"cutoff": C2, "user_id": "bob", "status": "new"},
    ],
    "models/churn_summary": [
        {"breakdown": "status", "value": "active", "users": 1},
        {"breakdown": "status", "value": "new", "users": 1},
        {"breakdown": "risk_band", "value": "high", "users": 1},
        {"breakdown": "driver", "value": "plan", "users": 1},
    ],
    "models/viewer_forecast": [hour(number) for number in range(24)],
    "models/forecast_log": [hour(number) for number in range(-24, 24)],
    "models/forecast_summary": [
        {"model": "naive_168", "is_champion": False, "mase": 1.0, "n_origins": 28},
        {"model": "ridge", "is_champion": True, "mase": 0.8, "n_origins": 28, "coverage_80": 0.79},
    ],
    "models/user_clusters": [{"user_id": "ann", "cluster": "regulars", **SEGMENTS}],
    "marts/user_segments": [{"user_id": "ann", **SEGMENTS}],
    "models/cluster_profiles": [
        {"cluster": name, "feature": feature, "users": users}
        for name, users in (("regulars", 60), ("skippers", 40), ("fans", 20))
        for feature in ("skip_rate", "distinct_genres")
    ],
    "models/cluster_summary": [{"users": 120, "k": 3}],
}

BROKEN: list[tuple[str, str, int, dict[str, Any]]] = [
    # Of 400 rows with 100 churned the standard error of an AUC is 0.0334.
    ("shuffled_labels_give_no_skill", "churn_champion", 0, {"shuffled_auc": 0.64}),
    ("shuffled_labels_give_no_skill", "churn_champion", 0, {"shuffled_auc": 0.36}),
    ("the_auc_of_the_challenger_is_believable", "churn_candidates", 1, {"auc": 0.951}),
    ("the_champion_is_no_worse_than_the_base_rate", "churn_champion", 0, {"log_loss": 0.57}),
    ("the_challenger_is_calibrated", "churn_candidates", 1, {"ece": 0.061}),
    ("no_single_feature_tells_too_much", "churn_champion", 0, {"best_single_feature_auc": 0.81}),
    ("features_are_distributed_as_in_training", "feature_drift", 0, {"psi": 0.26}),
    ("scores_have_come_true_better_than_the_base_rate", "realised_performance", 1, {"log_loss": 3.0}),
    ("every_user_of_the_snapshot_has_a_status", "churn_scores", 1, {"user_id": "eve"}),
    ("every_user_of_the_snapshot_has_a_status", "churn_scores", 0, {"status": "lapsed"}),
    ("every_user_of_the_snapshot_has_a_status", "churn_snapshots", 0, {"cutoff": C2, "user_id": "eve"}),
    ("users_add_up_to_the_scores", "churn_summary", 0, {"users": 2}),
    ("users_add_up_to_the_scores", "churn_summary", 2, {"users": 0}),
    ("the_next_24_hours_follow_each_other", "viewer_forecast", 5, {"hour_at": NOON}),
    ("the_next_24_hours_follow_each_other", "viewer_forecast", 23, {"hour_at": NOON + dt.timedelta(hours=25)}),
    ("intervals_enclose_what_is_expected", "viewer_forecast", 3, {"lo80": 0.5}),
    ("intervals_enclose_what_is_expected", "viewer_forecast", 3, {"hi80": 7.0}),
    ("the_champion_is_no_worse_than_the_naives", "forecast_summary", 1, {"mase": 1.1}),
    ("80_percent_intervals_hold_72_to_88_percent", "forecast_summary", 1, {"coverage_80": 0.71}),
    ("80_percent_intervals_hold_72_to_88_percent", "forecast_summary", 1, {"coverage_80": 0.89}),
    ("the_latest_issue_is_logged", "forecast_log", 30, {"expected": 4.0}),
    ("users_are_those_of_user_segments", "user_clusters", 0, {"rfm_segment": "lost"}),
    ("clusters_add_up_to_the_users_trained_on", "cluster_summary", 0, {"users": 121}),
    ("clusters_add_up_to_the_users_trained_on", "cluster_summary", 0, {"k": 4}),
    ("clusters_add_up_to_the_users_trained_on", "cluster_summary", 0, {"k": None}),
]


def violations(check: Reconciliation, tables: dict[str, Rows]) -> Rows:
    def read(table: str, _days: None) -> ibis.Table:
        schema = contracts.ALL[table].schema
        return ibis.memtable(pa.Table.from_pylist(tables.get(table, []), schema=schema.to_pyarrow()), schema=schema)

    return check.violated(read, None).to_pyarrow().to_pylist()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_numbers_that_agree_pass_and_so_do_empty_tables(check: Reconciliation):
    assert violations(check, TRUE) == []
    assert violations(check, {}) == []


@pytest.mark.parametrize(("name", "table", "row", "change"), BROKEN)
def test_a_number_that_does_not_is_found(name: str, table: str, row: int, change: dict[str, Any]):
    (check,) = [found for found in CHECKS if found.name == name]
    rows = TRUE[f"models/{table}"]
    damaged = [{**found, **change} if number == row else found for number, found in enumerate(rows)]
    assert violations(check, {**TRUE, f"models/{table}": damaged})


def test_there_is_a_broken_case_for_every_check():
    assert {name for name, *_ in BROKEN} == {check.name for check in CHECKS}


def test_a_high_auc_over_few_who_churned_is_chance_not_a_leak():
    (check,) = [found for found in CHECKS if found.name == "the_auc_of_the_challenger_is_believable"]
    few = [candidate("logistic_regression", 0.1, is_challenger=True, auc=0.99, n_churned=9)]
    assert violations(check, {"models/churn_candidates": few}) == []


def test_who_stands_in_with_little_history_may_be_worse_than_a_naive():
    (check,) = [found for found in CHECKS if found.name == "the_champion_is_no_worse_than_the_naives"]
    rows = [
        {"model": "naive_168", "is_champion": False, "mase": 0.0, "low_history": True},
        {"model": "mean_4w", "is_champion": True, "mase": 1.1, "low_history": True},
    ]
    assert violations(check, {"models/forecast_summary": rows}) == []


def test_only_leaks_breaks_and_models_below_the_baseline_block():
    assert {check.name for check in CHECKS if not check.is_blocking} == {
        "the_challenger_is_calibrated",
        "no_single_feature_tells_too_much",
        "features_are_distributed_as_in_training",
        "scores_have_come_true_better_than_the_base_rate",
        "80_percent_intervals_hold_72_to_88_percent",
    }
