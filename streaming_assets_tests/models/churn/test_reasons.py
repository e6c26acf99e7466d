"""Reasons: which users state one, as they were before, and whether behaviour tells it."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming_assets.contracts import core
from streaming_assets.contracts.models.churn import churn_reasons, churn_snapshots
from streaming_assets.models.churn.reasons import reasons, stated_reasons
from streaming_assets_tests.models.churn.by_hand import additive
from streaming_assets_tests.transforms.situations import calendar, table

MODEL = additive(buffer_events_per_hour=1.0, abandoned_share=1.0, premium_unused=1.0)
TELLS = {
    "technical problems": "buffer_events_per_hour",
    "nothing to watch": "abandoned_share",
    "too expensive": "premium_unused",
}
"""By reason, the feature that shows it."""


# Who states one

FIRST, SECOND, AFTER = dt.date(2026, 3, 2), dt.date(2026, 3, 9), dt.date(2026, 4, 1)
EVENING, MORNING = dt.time(22, 59), dt.time(8, 0)


def snapshot(user_id, cutoff, status="active"):
    """A row of churn_snapshots."""
    zeros = dict.fromkeys((name for name, kind in churn_snapshots.schema.items() if kind.is_numeric()), 0)
    known = {"cutoff": cutoff, "user_id": user_id, "status": status}
    return {**dict.fromkeys(churn_snapshots.column_names), **zeros, **known}


def cancelled(user_id, day, reason, time=MORNING, valid_from=None):
    """A row of core/users of somebody who cancelled."""
    at = dt.datetime.combine(day, time)
    known = {
        "user_id": user_id,
        "valid_from": valid_from or at,
        "cancelled_at": at,
        "cancel_reason": reason,
        "is_current": True,
        "is_derived": False,
    }
    return {**dict.fromkeys(core.users.column_names), **known}


def stated(snapshots, users, timezone="UTC"):
    """(user, cutoff, reason) of those who state one."""
    found = stated_reasons(
        table(snapshots, churn_snapshots), table(users, core.users), calendar(timezone), AFTER
    ).order_by("user_id")
    return [(row["user_id"], row["cutoff"], row["cancel_reason"]) for row in found.to_pyarrow().to_pylist()]


def test_who_cancels_and_says_why_is_seen_at_the_last_cutoff_before():
    snapshots = [snapshot("ann", cutoff) for cutoff in (FIRST, SECOND, AFTER)]
    assert stated(snapshots, [cancelled("ann", dt.date(2026, 3, 20), "price")]) == [("ann", SECOND, "price")]


def test_a_cutoff_after_the_cancellation_does_not_count():
    snapshots = [snapshot("ann", cutoff) for cutoff in (FIRST, SECOND)]
    assert stated(snapshots, [cancelled("ann", dt.date(2026, 3, 8), "price")]) == [("ann", FIRST, "price")]


def test_the_cutoff_is_the_start_of_the_day_in_the_reporting_zone():
    # 22:59 UTC on 8 March is a minute before midnight in Berlin: the cutoff of the 9th comes after it; a minute later it does not.
    snapshots = [snapshot(user, cutoff) for user in ("ann", "bob") for cutoff in (FIRST, SECOND)]
    users = [
        cancelled("ann", dt.date(2026, 3, 8), "price", EVENING),
        cancelled("bob", dt.date(2026, 3, 8), "price", dt.time(23, 0)),
    ]
    assert stated(snapshots, users, "Europe/Berlin") == [("ann", FIRST, "price"), ("bob", SECOND, "price")]


def test_who_says_nothing_or_was_never_active_before_is_left_out():
    users = [cancelled("ann", dt.date(2026, 3, 20), None), cancelled("bob", dt.date(2026, 3, 20), "price")]
    assert stated([snapshot("ann", FIRST), snapshot("bob", FIRST, "lapsed")], users) == []


def test_what_is_cancelled_or_recorded_after_t_is_not_known():
    snapshots = [snapshot(user, FIRST) for user in ("ann", "bob")]
    users = [
        cancelled("ann", AFTER, "price"),
        cancelled("bob", dt.date(2026, 3, 20), "price", valid_from=dt.datetime(2026, 4, 2)),
    ]
    assert stated(snapshots, users) == []


def test_of_two_cancellations_the_latest_counts():
    users = [cancelled("ann", dt.date(2026, 3, 4), "price"), cancelled("ann", dt.date(2026, 3, 20), "content")]
    assert stated([snapshot("ann", FIRST), snapshot("ann", SECOND)], users) == [("ann", SECOND, "content")]


# Whether behaviour tells it


def leavers(seed=1, noise=0.4, **stating):
    """So many users by reason, whose feature is about 1 where it shows the reason and about 0 where it does not."""
    random = np.random.default_rng(seed)
    said = np.repeat([name.replace("_", " ") for name in stating], list(stating.values()))
    features = {feature: (said == reason) + noise * random.normal(size=len(said)) for reason, feature in TELLS.items()}
    users = [f"u{number}" for number in random.permutation(len(said))]
    return pd.DataFrame({"user_id": users, "cancel_reason": said, **features})


def judged(rows, model=MODEL):
    """The rows by reason, as the lake takes them."""
    found = reasons(rows, model, seed=1)
    written = pa.Table.from_pandas(found, churn_reasons.schema.to_pyarrow(), preserve_index=False).to_pylist()
    return {row["reason"]: row for row in written}


ROWS = leavers(technical_problems=120, nothing_to_watch=90, too_expensive=60, moved_house=7)


@pytest.fixture(scope="module")
def told():
    return judged(ROWS)


def test_reasons_that_show_in_the_features_are_told_better_than_by_the_most_frequent_one(told):
    assert told["all"]["f1"] > 0.8
    # Always saying the most frequent of 120, 90 and 60: precision 120/270, recall 1, so F1 = 240/390, and 0 for both others.
    assert told["all"]["baseline_f1"] == pytest.approx(240 / 390 / 3)
    assert told["technical problems"]["baseline_f1"] == pytest.approx(240 / 390)
    assert told["all"]["n"] == 270


def test_the_whole_is_the_mean_of_the_reasons_and_counts_everybody(told):
    by_reason = [told[reason] for reason in TELLS]
    assert told["all"]["f1"] == pytest.approx(np.mean([row["f1"] for row in by_reason]))
    assert told["all"]["recall"] == pytest.approx(sum(row["recall"] * row["n"] for row in by_reason) / 270)
    assert [row["n"] for row in by_reason] == [120, 90, 60]


def test_each_reason_tells_the_driver_that_its_users_have_most_often(told):
    usual = {reason: told[reason]["usual_driver"] for reason in TELLS}
    assert list(usual.values()) == ["playback", "content_mismatch", "plan"]
    assert told["technical problems"]["usual_driver_share"] > 0.7


def test_the_status_of_the_whole_compares_with_the_first_driver_alone(told):
    assert told["all"]["status"].startswith("trained: macro-F1 0.")
    assert told["all"]["status"].count("0.") == 3
    assert "the first driver alone 0." in told["all"]["status"]


def test_a_reason_that_fewer_than_30_state_is_left_out_and_said_to_be(told):
    row = told["moved house"]
    assert (row["status"], row["n"], row["f1"]) == ("left out: 30 users are needed", 7, None)
    assert row["usual_driver"] is not None


def test_reasons_that_show_in_nothing_are_told_no_better_than_by_chance():
    rows = leavers(technical_problems=100, nothing_to_watch=100)
    shuffled = rows.assign(cancel_reason=np.random.default_rng(2).permutation(rows.cancel_reason))
    assert judged(shuffled)["all"]["f1"] < 0.6


def test_the_order_of_the_rows_changes_nothing(told):
    assert judged(ROWS[::-1]) == told


@pytest.mark.parametrize(
    ("stating", "status"),
    [
        ({}, "too few labels: 0 users with a reason, 200 are needed, 30 for each of two reasons or more"),
        (
            {"too_expensive": 100, "nothing_to_watch": 99},
            "too few labels: 199 users with a reason, 200 are needed, 30 for each of two reasons or more",
        ),
        (
            {"too_expensive": 180, "nothing_to_watch": 29},
            "too few labels: 209 users with a reason, 200 are needed, 30 for each of two reasons or more",
        ),
        (
            {"too_expensive": 220, "nothing_to_watch": 29},
            "one reason only: 200 are needed, 30 for each of two reasons or more",
        ),
    ],
)
def test_where_labels_are_lacking_one_row_says_so(stating, status):
    assert judged(leavers(**stating)) == {
        "all": {
            **dict.fromkeys(churn_reasons.column_names),
            "reason": "all",
            "status": status,
            "n": sum(stating.values()),
        }
    }


def test_where_no_model_scores_one_row_says_so():
    found = judged(leavers(technical_problems=120, nothing_to_watch=90), model=None)
    assert {reason: row["status"] for reason, row in found.items()} == {"all": "no champion: its features are needed"}
