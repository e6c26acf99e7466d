"""Which number of clusters is accepted, and which of those is chosen."""

import datetime as dt

import numpy as np
import pytest

from streaming_assets.models.clusters.candidates import Candidate, candidates, chosen
from streaming_assets.models.clusters.partition import Agreement, Partition
from streaming_assets.models.clusters.profiles import Clusters
from streaming_assets.models.clusters.space import Space


def candidate(
    k: int = 3, ari: float = 0.9, recurrence: float = 0.9, smallest: int = 20, leeway: float = 0
) -> Candidate:
    """A candidate with a cluster of a thousand users less those of the others, which have so many each."""
    sizes = [1_000 - smallest * (k - 1), *[smallest] * (k - 1)]
    found = Partition(np.zeros((k, 2)), np.repeat(np.arange(k), sizes), 1.0)
    return Candidate(k, found, Agreement(ari, recurrence), leeway)


@pytest.mark.parametrize(
    ("figures", "is_accepted"),
    [
        ({"ari": 0.85, "recurrence": 0.75, "smallest": 20}, True),
        ({"ari": 0.849}, False),
        ({"recurrence": 0.749}, False),
        ({"smallest": 19}, False),
        ({"ari": 0.81, "recurrence": 0.71, "leeway": 0.05}, True),
        ({"ari": 0.79, "leeway": 0.05}, False),
        ({"ari": 0.89, "leeway": -0.05}, False),
        ({"smallest": 19, "leeway": 0.05}, False),
    ],
)
def test_a_number_of_clusters_is_accepted_where_halves_agree_and_none_is_too_small(figures, is_accepted):
    assert candidate(**figures).is_accepted is is_accepted


def test_the_largest_accepted_number_is_chosen():
    tried = [candidate(3), candidate(4), candidate(5, ari=0.5), candidate(6), candidate(7, recurrence=0.5)]
    assert chosen(tried) is tried[3]


def test_none_is_chosen_where_none_is_accepted():
    assert chosen([candidate(3, ari=0.5)]) is None
    assert chosen([]) is None


def test_less_is_asked_of_the_number_that_stands_and_more_of_larger_ones():
    each = np.ones(3)
    space = Space(("plays_per_session", "distinct_genres", "skip_rate"), each, each, each)
    names = ("a", "b", "c", "d", "e")
    last = Clusters(names, (dt.date(2026, 7, 18),) * 5, np.zeros((5, 3)), space)
    points = np.random.default_rng(1).standard_normal((100, 3))
    asked = {one.k: round(one.least_ari, 2) for one in candidates(points, space, last, seed=1)}
    assert asked == {3: 0.85, 4: 0.85, 5: 0.80, 6: 0.90, 7: 0.90, 8: 0.90}
