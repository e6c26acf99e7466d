"""How clusters are called."""

import numpy as np
import pytest

from streaming_assets.contracts.models.clusters import FEATURES
from streaming_assets.models.clusters.names import PHRASES, name

NAMES = [column.name for column in FEATURES]
BINGE = {"plays_per_session": 1.6, "distinct_genres": -1.1, "skip_rate": 0.4}


def named(deviations: dict[str, float], taken: tuple[str, ...] = ()) -> str:
    return name(np.array([deviations.get(feature, 0.0) for feature in NAMES]), NAMES, taken)


@pytest.mark.parametrize(
    ("deviations", "expected"),
    [
        (BINGE, "binge watchers, few genres"),
        ({"distinct_genres": -1.1, "plays_per_session": 0.9}, "specialists, many plays in a row"),
        ({"days_since_last_play": 2.5, "active_days_per_week": -0.3}, "absent users, on few days"),
    ],
)
def test_the_two_largest_deviations_make_the_name_and_the_larger_one_leads(deviations, expected):
    assert named(deviations) == expected


def test_a_deviation_too_small_to_tell_is_not_told():
    assert named({"plays_per_session": 1.6, "distinct_genres": -0.2}) == "binge watchers"


def test_users_who_differ_in_nothing_are_typical():
    assert named({"plays_per_session": 0.2}) == "typical users"


def test_a_name_that_is_taken_gets_the_third_deviation_and_then_a_number():
    taken: list[str] = []
    for _user in range(4):
        taken.append(named(BINGE, tuple(taken)))
    assert taken == [
        "binge watchers, few genres",
        "binge watchers, few genres, many skips",
        "binge watchers, few genres (2)",
        "binge watchers, few genres (3)",
    ]


def test_every_feature_has_phrases_and_no_two_say_the_same():
    said = [phrase for phrases in PHRASES.values() for phrase in phrases]
    assert list(PHRASES) == NAMES
    assert len(set(said)) == len(said)
