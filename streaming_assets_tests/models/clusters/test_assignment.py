"""Who is in which cluster, beside the segments by rule."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming_assets.contracts.marts.users import user_segments
from streaming_assets.contracts.models import clusters as contract
from streaming_assets.models.clusters.assignment import assign, user_clusters

T = dt.date(2026, 7, 18)


def profile(cluster: str, feature: str, centroid: float, **columns) -> dict:
    """A row of models/cluster_profiles: mean 1 and deviation 0.5 after the logarithm, and e² − 1 where a value is unknown."""
    return {
        "cluster": cluster,
        "feature": feature,
        "centroid": centroid,
        "center": 1.0,
        "scale": 0.5,
        "fill": np.e**2 - 1,
        "since": T,
        **columns,
    }


BINGE = "binge watchers, few genres"
PROFILES = pd.DataFrame(
    [
        profile(BINGE, "plays_per_session", 2.0),
        profile(BINGE, "distinct_genres", -1.0),
        profile("explorers", "plays_per_session", -1.0),
        profile("explorers", "distinct_genres", 1.0),
    ]
)


def user(user_id: str, plays_per_session: float | None, distinct_genres: float | None) -> dict:
    """Values given in standard deviations."""
    features = {"plays_per_session": plays_per_session, "distinct_genres": distinct_genres}
    return {
        **{column.name: None for column in contract.FEATURES},
        "user_id": user_id,
        **{name: None if score is None else np.expm1(1 + 0.5 * score) for name, score in features.items()},
    }


def assigned(*users: dict) -> pd.DataFrame:
    return assign(pd.DataFrame(users), PROFILES)


def test_users_are_in_the_nearest_cluster_at_a_distance_per_feature():
    found = assigned(user("ann", 2.0, -1.0), user("bob", -1.0, 2.0))
    assert found["user_id"].tolist() == ["ann", "bob"]
    assert found["cluster"].tolist() == [BINGE, "explorers"]
    assert found["distance"].tolist() == pytest.approx([0.0, np.sqrt(0.5)])


def test_a_value_that_is_not_known_is_the_median_of_the_training():
    # The median lies at (2 − 1) / 0.5 = 2 standard deviations.
    assert assigned(user("ann", None, -1.0))["distance"].tolist() == pytest.approx([0.0])


def test_an_extreme_value_is_no_further_away_than_three_standard_deviations():
    assert assigned(user("ann", 40.0, -1.0))["distance"].tolist() == pytest.approx([np.sqrt(0.5)])


def test_without_clusters_nobody_is_in_one():
    found = assign(pd.DataFrame([user("ann", 1.0, 1.0)]), PROFILES.head(0))
    assert found.columns.tolist() == ["user_id", "cluster", "distance"]
    assert found.empty


def test_nobody_is_in_no_cluster():
    assert assign(pd.DataFrame([user("ann", 1.0, 1.0)]).head(0), PROFILES).empty


SEGMENTS = {"engagement": "heavy", "completion": "engaged", "lifecycle_stage": "one_week", "rfm_segment": "loyal"}


def beside_segments(clusters: pd.DataFrame) -> list[dict]:
    rows = [{**dict.fromkeys(user_segments.column_names), **SEGMENTS, "user_id": who} for who in ("ann", "bob")]
    segments = ibis.memtable(pa.Table.from_pylist(rows, user_segments.schema.to_pyarrow()), schema=user_segments.schema)
    found = user_clusters(segments, clusters)
    assert found.schema() == contract.user_clusters.schema
    return found.order_by("user_id").to_pyarrow().to_pylist()


def test_every_user_has_the_segments_by_rule_and_those_who_can_be_told_apart_a_cluster():
    assert beside_segments(assigned(user("ann", 2.0, -1.0))) == [
        {"user_id": "ann", "cluster": BINGE, "distance": pytest.approx(0.0), **SEGMENTS},
        {"user_id": "bob", "cluster": None, "distance": None, **SEGMENTS},
    ]


def test_without_clusters_the_segments_by_rule_stand_alone():
    nobody = assign(pd.DataFrame([user("ann", 1.0, 1.0)]), PROFILES.head(0))
    assert [row["cluster"] for row in beside_segments(nobody)] == [None, None]
