"""What users are told apart by, worked out by hand from marts/user_metrics."""

import ibis
import pyarrow as pa
import pytest

from streaming_assets.contracts.marts.users import user_metrics
from streaming_assets.contracts.models.clusters import FEATURES
from streaming_assets.models.clusters.features import features

ANN = {
    "user_id": "ann",
    "total_plays": 60,
    "total_sessions": 24,
    "active_days": 20,
    "activity_span_days": 69,
    "avg_watch_minutes": 42.0,
    "avg_completion_pct": 80.0,
    "distinct_content": 40,
    "distinct_genres": 3,
    "skip_rate": 1.5,
    "recommended_share": 0.25,
    "days_since_last_play": 4,
}


def described(*users: dict) -> dict[str, dict]:
    """By user the features of rows of marts/user_metrics; what is not given is NULL."""
    rows = [{**dict.fromkeys(user_metrics.column_names), **user} for user in users]
    table = ibis.memtable(
        pa.Table.from_pylist(rows, user_metrics.schema.to_pyarrow()),
        schema=user_metrics.schema,
    )
    return {row.pop("user_id"): row for row in features(table).to_pyarrow().to_pylist()}


def test_features_are_rates_in_their_own_units():
    assert described(ANN)["ann"] == pytest.approx(
        {
            "active_days_per_week": 2.0,  # 20 days in the 10 weeks from first to latest play
            "plays_per_session": 2.5,
            "avg_watch_minutes": 42.0,
            "avg_completion_pct": 80.0,
            "distinct_genres": 3.0,
            "plays_per_title": 1.5,
            "skip_rate": 1.5,
            "recommended_share": 0.25,
            "days_since_last_play": 4.0,
        }
    )


def test_features_are_those_of_the_contract_in_its_order():
    assert list(described(ANN)["ann"]) == [column.name for column in FEATURES]


def test_a_user_of_two_days_is_active_two_days_a_week():
    assert described({**ANN, "active_days": 2, "activity_span_days": 1})["ann"]["active_days_per_week"] == 2


def test_users_with_fewer_than_ten_plays_are_not_told_apart():
    nine, ten = ({**ANN, "user_id": f"of {plays}", "total_plays": plays} for plays in (9, 10))
    assert set(described(nine, ten)) == {"of 10"}


def test_what_is_not_known_is_null_and_no_number():
    unknown = {"avg_watch_minutes": None, "avg_completion_pct": None, "recommended_share": None}
    found = described({**ANN, **unknown, "distinct_genres": 0, "total_sessions": 0})["ann"]
    assert {name for name, value in found.items() if value is None} == {
        *unknown,
        "distinct_genres",
        "plays_per_session",
    }
