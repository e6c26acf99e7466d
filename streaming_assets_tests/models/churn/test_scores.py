"""Scores: everybody has a row, the riskiest are found, and nothing is said where nothing is known."""

import datetime as dt
import math
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming_assets.contracts.models.churn import FAMILIES, NO_DRIVER, churn_scores, churn_snapshots, churn_summary
from streaming_assets.models.churn.scores import risk_bands, scores, summary
from streaming_assets_tests.models.churn.by_hand import additive

CUTOFF = dt.date(2026, 4, 1)
MODEL = additive(-2.0, recency_hours=0.01, premium_unused=2.0)
FAVOURITES = pd.DataFrame(columns=["user_id", "favourite_genre", "preferred_genre", "genres_seen"])
TITLES = pd.DataFrame(columns=["genre", "title", "genre_plays", "best_completed", "most_played", "shorter", "newest"])


def user(user_id, status="active", **columns):
    """A row of churn_snapshots; what is not given is unknown."""
    known = {"cutoff": CUTOFF, "user_id": user_id, "status": status, "recency_hours": 0.0, "premium_unused": 0.0}
    return {**dict.fromkeys(churn_snapshots.column_names), **known, **columns}


def scored(users, model=MODEL):
    """The rows by user."""
    found = scores(pd.DataFrame(users), model, FAVOURITES, TITLES)
    as_written(found, churn_scores)
    return found.set_index("user_id")


def as_written(frame, contract):
    """As the lake takes it, which refuses wrong types and NULLs that the contract forbids."""
    rows = pa.Table.from_pandas(frame[list(contract.column_names)], contract.schema.to_pyarrow(), preserve_index=False)
    assert all(rows[column.name].null_count == 0 for column in contract.columns if column.not_null)
    return rows.to_pylist()


# Scores


def test_of_an_active_user_everything_is_told():
    found = scored(
        [user("ann", recency_hours=300.0, premium_unused=0.5, plan="premium", country="DE", watch_hours_28=2.0)]
    )
    (row,) = as_written(found.reset_index(), churn_scores)
    assert row == {
        "user_id": "ann",
        "cutoff": CUTOFF,
        "status": "active",
        "churn_probability": pytest.approx(1 / (1 + math.exp(-2))),  # −2 + 3 + 1
        "risk_band": "high",
        "driver_1": "inactivity",
        "driver_2": "plan",
        "margin": pytest.approx(2.0),
        "inactivity_contribution": pytest.approx(3.0),
        "playback_contribution": 0.0,
        "content_mismatch_contribution": 0.0,
        "discovery_contribution": 0.0,
        "plan_contribution": pytest.approx(1.0),
        "remedy": "Remind the user of what is new",
        "plan": "premium",
        "country": "DE",
        "recency_hours": 300.0,
        "watch_hours_28": 2.0,
        "model_version": "by hand",
    }


def test_new_and_lapsed_users_have_a_row_and_no_probability():
    found = scored([user("ann"), user("bob", "new"), user("cem", "lapsed", plan="basic")])
    names = [
        "churn_probability",
        "risk_band",
        "driver_1",
        "margin",
        "inactivity_contribution",
        "remedy",
        "model_version",
    ]
    assert found.loc[["bob", "cem"], names].isna().all(axis=None)
    assert found.status.to_dict() == {"ann": "active", "bob": "new", "cem": "lapsed"}
    assert found.plan["cem"] == "basic"


def test_without_a_model_everybody_has_a_status_and_nobody_a_probability():
    found = scored([user("ann"), user("bob", "new")], model=None)
    assert found.status.to_dict() == {"ann": "active", "bob": "new"}
    assert found.drop(columns=["cutoff", "status", "recency_hours"]).isna().all(axis=None)


def test_where_nobody_is_active_nobody_is_scored():
    assert scored([user("bob", "new")]).churn_probability.isna().all()


def test_no_users_have_no_scores():
    empty = pd.DataFrame([user("ann")]).head(0)
    assert scores(empty, MODEL, FAVOURITES, TITLES).columns.tolist() == list(churn_scores.column_names)


def test_the_order_of_the_rows_changes_nothing():
    users = [user(f"u{number}", recency_hours=float(number % 7)) for number in range(40)]
    pd.testing.assert_frame_equal(scored(users), scored(users[::-1]))


def test_only_the_high_and_medium_bands_have_a_remedy():
    found = scored([user(f"u{number}", recency_hours=10.0 * number) for number in range(20)])
    assert found.remedy.notna().tolist() == found.risk_band.isin(["high", "medium"]).tolist()


# Bands


def banded(probabilities):
    return risk_bands(pd.Series(probabilities)).tolist()


def test_the_riskiest_tenth_is_high_and_the_next_two_are_medium():
    found = banded(np.linspace(0.01, 0.99, 20))
    assert found == ["low"] * 14 + ["medium"] * 4 + ["high"] * 2


@pytest.mark.parametrize(
    ("n", "high", "medium"), [(1, 1, 0), (2, 1, 0), (4, 1, 1), (10, 1, 2), (11, 2, 2), (30, 3, 6), (1_000, 100, 200)]
)
def test_a_tenth_that_is_no_whole_number_is_rounded_up(n, high, medium):
    found = banded(np.linspace(0, 1, n))
    assert (found.count("high"), found.count("medium"), found.count("low")) == (high, medium, n - high - medium)


def test_users_with_one_probability_are_told_apart_by_their_id_and_not_by_its_last_digits():
    noise = [0.3, 0.3 + 1e-14, 0.3 - 1e-14, 0.3, 0.3 + 2e-14, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert banded(noise) == ["high", "medium", "medium"] + ["low"] * 7


# Summary


def summed(users, model=MODEL):
    found = summary(scored(users, model).reset_index())
    as_written(found, churn_summary)
    return found.set_index(["breakdown", "value"])


def test_every_status_band_and_driver_has_a_row_though_nobody_has_it():
    found = summed([user("ann", recency_hours=300.0)])
    assert found.index.tolist() == [
        *(("status", value) for value in ("active", "new", "lapsed")),
        *(("risk_band", value) for value in ("high", "medium", "low")),
        *(("driver", value) for value in (*FAMILIES, NO_DRIVER)),
    ]
    assert found.users.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]


def test_expected_leavers_are_the_sum_of_probabilities_and_shares_are_of_the_breakdown():
    # One user with even odds in the high band, one of 4 in medium, and eight who hardly leave in low.
    users = [user("a", recency_hours=200.0), user("b", recency_hours=100.0), user("new", "new")]
    found = summed([*users, *(user(f"u{number}") for number in range(8))])
    low = 1 / (1 + math.exp(2))
    assert found.expected_leavers["risk_band", "high"] == pytest.approx(0.5)
    assert found.expected_leavers["risk_band", "medium"] == pytest.approx(1 / (1 + math.e) + low)
    assert found.mean_probability["risk_band", "low"] == pytest.approx(low)
    assert found.share["risk_band"].tolist() == [0.1, 0.2, 0.7]
    assert found.share["status", "new"] == pytest.approx(1 / 11)


def test_drivers_are_counted_among_the_users_at_risk_only():
    users = [user(f"u{number}", recency_hours=10.0 + number) for number in range(20)]
    found = summed(users)
    assert (found.users["driver", "inactivity"], found.share["driver", "inactivity"]) == (6, 1.0)


def test_nothing_is_expected_of_users_without_a_probability_and_none_to_leave_where_there_are_none():
    found = summed([user("ann", recency_hours=300.0), user("bob", "new")])
    assert math.isnan(found.expected_leavers["status", "new"])
    assert found.expected_leavers["status", "lapsed"] == 0
    assert math.isnan(found.mean_probability["status", "lapsed"])


def test_without_a_model_users_are_counted_by_status_alone():
    found = summed([user("ann"), user("bob", "new")], model=None)
    assert found.users["status"].tolist() == [1, 1, 0]
    assert found.users[["risk_band", "driver"]].sum() == 0
    assert found[["expected_leavers", "mean_probability"]].isna().all(axis=None)
    assert found.share[["risk_band", "driver"]].isna().all()


# Speed


@pytest.mark.slow
def test_a_hundred_thousand_active_users_are_scored_with_drivers_and_remedies_within_20_seconds():
    random = np.random.default_rng(1)
    n = 100_000
    columns = {name: [None] * n for name in churn_snapshots.column_names}
    known = {"cutoff": CUTOFF, "user_id": [f"u{number}" for number in range(n)], "status": "active"}
    features = {name: random.gamma(1.0, 1.0, n) for family in MODEL.design.families.values() for name in family}
    users = pd.DataFrame({**columns, **known, **features})
    genres = [f"genre {number}" for number in range(20)]
    favourites = pd.DataFrame(
        {
            "user_id": users.user_id,
            "favourite_genre": random.choice(genres, n),
            "preferred_genre": random.choice(genres, n),
            "genres_seen": [list(random.choice(genres, 5, replace=False)) for _ in range(n)],
        }
    )
    titles = pd.DataFrame(
        {"genre": genre, "title": f"{genre} {place}", "genre_plays": 1, "newest": place, "best_completed": place}
        for genre in genres
        for place in (1, 2, 3)
    ).assign(most_played=None, shorter=None)
    start = time.perf_counter()
    scores(users, MODEL, favourites, titles)
    assert time.perf_counter() - start < 20
