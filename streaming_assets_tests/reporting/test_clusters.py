"""What the UI shows of the clusters: a picture of any number of them, a table in the features' units, and why there are none."""

import datetime as dt
import io
import warnings

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from streaming_assets.contracts.models import clusters as contracts
from streaming_assets.contracts.table import Table
from streaming_assets.reporting import clusters

T = dt.date(2026, 7, 18)
NAMES = [column.name for column in contracts.FEATURES]
LONG_NAME = "takers of recommendations, hardly a title twice, many plays in a row"


def read(contract: Table, rows: list[dict]) -> pd.DataFrame:
    """Rows of a contract as pandas gets them from the lake; a column that is not given is unknown."""
    whole = [{**dict.fromkeys(contract.column_names), **row} for row in rows]
    table = pa.Table.from_pylist(whole, schema=contract.schema.to_pyarrow())
    return clusters.whole(ibis.memtable(table, schema=contract.schema)).to_pandas()


def profile(cluster: str, users: int, **deviations: float) -> list[dict]:
    """The rows of a cluster of a thousand users; each feature's mean is 2, and with the cluster 2 + its deviation."""
    return [
        {
            "cluster": cluster,
            "feature": feature,
            "centroid": deviation,
            "mean": 2 + deviation,
            "overall_mean": 2.0,
            "users": users,
            "share": users / 1_000,
            "since": T,
        }
        for feature, deviation in deviations.items()
    ]


BINGE = profile(
    "binge watchers, few genres",
    700,
    plays_per_session=1.5,
    distinct_genres=-1.25,
    skip_rate=0.5,
    avg_watch_minutes=0.0,
)
OTHERS = profile(LONG_NAME, 300, plays_per_session=-1.0, distinct_genres=0.5, skip_rate=-0.25, avg_watch_minutes=2.9)


def drawn(rows: list[dict]) -> Image.Image:
    """The picture, which must be a small PNG; a warning of the library is an error."""
    profiles = read(contracts.cluster_profiles, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = clusters.draw_profiles(profiles)
    assert len(made) < 100_000
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.width) == ("PNG", 900)
    return picture


def told(rows: list[dict]) -> list[list[str]]:
    """The cells of the table, its head and ruler left out."""
    text = clusters.tell_profiles(read(contracts.cluster_profiles, rows))
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


def test_clusters_are_drawn():
    drawn(BINGE + OTHERS)


@pytest.mark.parametrize("count", [3, 8])
def test_any_number_of_clusters_is_drawn_with_all_features(count):
    rows = [
        row for place in range(count) for row in profile(f"{LONG_NAME} ({place})", 100, **dict.fromkeys(NAMES, -3.0))
    ]
    assert drawn(rows).height == 150 + 55 * count


def test_clusters_are_told_the_largest_first_with_what_tells_them_apart_in_its_own_unit():
    assert told(OTHERS + BINGE) == [
        [
            "binge watchers, few genres", "700", "70.0 %", "2026-07-18",
            "plays per session 3.5 (2.0)", "genres played 0.8 (2.0)", "skips per play 2.50 (2.00)",
        ],
        [
            LONG_NAME, "300", "30.0 %", "2026-07-18",
            "minutes per play 5 (2)", "plays per session 1.0 (2.0)", "genres played 2.5 (2.0)",
        ],
    ]  # fmt: skip


def test_shares_are_told_in_per_cent():
    rows = [{**row, "mean": 0.8, "overall_mean": 0.3} for row in profile("a", 10, recommended_share=2.0)]
    assert told(rows)[0][4:] == ["% recommended 80 (30)", "–", "–"]


def test_what_is_known_of_nobody_in_a_cluster_is_not_told():
    rows = [{**row, "mean": None} if row["feature"] == "plays_per_session" else row for row in BINGE]
    assert told(rows)[0][4] == "genres played 0.8 (2.0)"


SUMMARY = {
    "trained_as_of": T,
    "status": "stable",
    "reason": "5 kinds of users, on which random halves agree.",
    "candidates": ["3 clusters: adjusted Rand index 0.82", "4 clusters: adjusted Rand index 0.78"],
    "features": ["plays_per_session"],
    "features_left_out": [],
    "kept": ["explorers"],
    "new": ["skippers, short plays", "finishers"],
    "retired": [],
}


def training(**columns) -> list[str]:
    return clusters.tell_training(read(contracts.cluster_summary, [{**SUMMARY, **columns}])).splitlines()


def test_a_training_is_told_with_its_reason_its_candidates_and_what_became_of_names():
    assert training() == [
        "**There are stable kinds of users** (as of 2026-07-18): 5 kinds of users, on which random halves agree.",
        "",
        "- 3 clusters: adjusted Rand index 0.82",
        "- 4 clusters: adjusted Rand index 0.78",
        "- Names that stand as before: explorers",
        "- New names: skippers, short plays; finishers",
    ]


def test_without_a_stable_segmentation_the_reason_is_told_and_what_went():
    found = training(
        status="no_stable_segmentation", reason="Halves do not agree.", kept=[], new=[], retired=["explorers"]
    )
    assert found[0] == "**No stable segmentation** (as of 2026-07-18): Halves do not agree."
    assert found[-1] == "- Names that went: explorers"


def test_too_few_users_are_told_in_a_sentence():
    none = {name: [] for name in ("candidates", "features", "features_left_out", "kept", "new", "retired")}
    assert training(status="too_few_users", reason="12 users.", **none) == [
        "**Too few users** (as of 2026-07-18): 12 users."
    ]


def test_features_that_were_left_out_are_told_by_their_names_in_words():
    assert training(features_left_out=["avg_completion_pct", "skip_rate"])[-1] == (
        "- Left out, unknown of most users or the same for all: % completed; skips per play"
    )


def test_without_clusters_there_is_nothing_to_draw():
    assert read(contracts.cluster_profiles, []).empty
