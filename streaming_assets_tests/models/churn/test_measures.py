import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from streaming_assets.models.churn.bootstrap import resampled
from streaming_assets.models.churn.measures import (
    at_capacity,
    calibration_error,
    calibration_error_limit,
    caught,
    measures,
    tenths,
)


def test_measures_of_four_users_by_hand():
    found = measures(np.array([True, False, False, False]), np.array([0.8, 0.5, 0.2, 0.1]))
    assert (found["n"], found["n_churned"], found["prevalence"]) == (4, 1, 0.25)
    assert found["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.5) + np.log(0.8) + np.log(0.9)) / 4)
    assert found["brier"] == pytest.approx((0.04 + 0.25 + 0.04 + 0.01) / 4)
    assert found["ece"] == pytest.approx((0.2 + 0.5 + 0.2 + 0.1) / 4)
    assert (found["auc"], found["pr_auc"], found["lift_10"]) == (1, 1, 4)


def test_measures_agree_with_scikit_learn():
    random = np.random.default_rng(1)
    probability = random.random(500).round(2)
    churned = random.random(500) < probability
    found = measures(churned, probability)
    clipped = np.clip(probability, np.finfo(float).eps, 1 - np.finfo(float).eps)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(churned, clipped))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(churned, probability))
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(churned, probability))
    assert found["pr_auc"] == pytest.approx(metrics.average_precision_score(churned, probability))


def test_with_one_class_there_is_no_ranking_to_measure():
    nobody = measures(np.zeros(20, dtype=bool), np.linspace(0, 0.5, 20))
    assert (nobody["prevalence"], nobody["auc"], nobody["pr_auc"], nobody["lift_10"]) == (0, None, None, None)
    everybody = measures(np.ones(20, dtype=bool), np.linspace(0.5, 1, 20))
    assert (everybody["auc"], everybody["pr_auc"], everybody["lift_10"]) == (None, 1, 1)


def test_capacity_is_a_tenth_and_tells_how_many_of_those_who_leave_are_reached():
    churned = np.arange(40) < 8
    probability = np.where(np.arange(40) % 4 == 0, 0.9, 0.1) - np.arange(40) / 1000
    # The four riskiest are the users 0, 4, 8 and 12; two of them are among the eight who left.
    assert at_capacity(churned, probability) == {
        "capacity": 4,
        "precision_at_capacity": 0.5,
        "recall_at_capacity": 0.25,
    }


def test_who_ties_for_the_last_places_shares_them_so_that_a_constant_finds_what_chance_does():
    churned = np.arange(100) < 30
    assert caught(churned, np.full(100, 0.3)) == pytest.approx(10 * 0.3)
    assert measures(churned, np.full(100, 0.3))["lift_10"] == pytest.approx(1)


def test_equal_probabilities_share_a_tenth_so_that_a_true_constant_has_no_calibration_error():
    assert set(tenths(np.full(50, 0.2))) == {10}
    assert calibration_error(np.arange(50) < 10, np.full(50, 0.2)) == pytest.approx(0)


def test_the_first_tenth_is_the_riskiest():
    np.testing.assert_array_equal(tenths(np.arange(100) / 100), 10 - np.arange(100) // 10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.05, 0.3, 0.31, 0.9, 1.0])), min_size=1, max_size=60))
def test_measures_stay_in_their_bounds_and_do_not_depend_on_the_order_of_users(rows):
    churned, probability = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found, turned = measures(churned, probability), measures(churned[::-1], probability[::-1])
    for name, value in found.items():
        assert turned[name] == pytest.approx(value)
        assert value is None or value >= 0
    shares = [found[name] for name in ("prevalence", "ece", "auc", "pr_auc")]
    reached = at_capacity(churned, probability)
    shares += [reached["precision_at_capacity"], reached["recall_at_capacity"]]
    assert all(share is None or share <= 1 for share in shares)


def test_true_probabilities_exceed_the_limit_of_the_calibration_error_in_about_one_of_twenty_samples():
    random = np.random.default_rng(5)
    probability = random.beta(1, 4, 400)
    limit = calibration_error_limit(probability, seed=1)
    errors = [calibration_error(random.random(400) < probability, probability) for _ in range(300)]
    assert 0.01 <= np.mean(np.array(errors) > limit) <= 0.11


def test_the_bootstrap_starts_with_the_rows_as_they_are():
    random = np.random.default_rng(2)
    probability = random.random(300).round(1)
    churned = random.random(300) < probability
    found = resampled(churned, np.arange(300) // 3, {"model": probability.clip(0.01, 0.99)}, seed=1)
    expected = measures(churned, probability.clip(0.01, 0.99))
    assert found.log_loss["model"][0] == pytest.approx(expected["log_loss"])
    assert found.auc["model"][0] == pytest.approx(expected["auc"])
    assert len(found.log_loss["model"]) == 1 + 200


def test_the_bootstrap_draws_users_with_all_of_their_rows():
    # Two users, one always told right and one always wrong: samples hold one of them alone or both, in equal numbers of rows.
    churned = np.array([True, False, True, False])
    found = resampled(churned, np.array(["a", "a", "b", "b"]), {"model": np.array([0.9, 0.1, 0.1, 0.9])}, seed=3)
    right, wrong = -np.log(0.9), -np.log(0.1)
    assert set(found.log_loss["model"].round(9)) == {round(value, 9) for value in (right, wrong, (right + wrong) / 2)}
    assert set(found.auc["model"]) == {1.0, 0.0, 0.5}


def test_a_gain_is_relative_in_log_loss_absolute_in_auc_and_none_over_itself():
    churned = np.arange(200) % 2 == 0
    sharp, blunt = np.where(churned, 0.8, 0.2), np.full(200, 0.5)
    found = resampled(churned, np.arange(200), {"sharp": sharp, "blunt": blunt}, seed=1)
    assert found.gain("sharp", "blunt").value == pytest.approx(1 - np.log(0.8) / np.log(0.5))
    assert found.auc_gain("sharp", "blunt").value == pytest.approx(0.5)
    itself = found.gain("sharp", "sharp")
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)
