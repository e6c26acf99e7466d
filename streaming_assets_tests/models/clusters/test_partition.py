"""k-means and how far halves agree on it, on points in the plane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from streaming_assets.models.clusters.partition import agreement, nearest, partition
from streaming_assets.models.clusters.space import distances

CORNERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
COORDINATES = st.floats(-3, 3, allow_nan=False, width=32)


def around(centres: np.ndarray, sizes: list[int], spread: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.repeat(centres, sizes, axis=0) + spread * rng.standard_normal((sum(sizes), 2))


FOUR = around(CORNERS, [40, 30, 20, 10])
EVERYBODY = np.arange(len(FOUR))


def test_clusters_are_the_groups_there_are_the_largest_first():
    found = partition(FOUR, EVERYBODY, 4, seed=1)
    assert found.sizes.tolist() == [40, 30, 20, 10]
    assert found.labels.tolist() == [0] * 40 + [1] * 30 + [2] * 20 + [3] * 10
    np.testing.assert_allclose(found.centres[0], FOUR[:40].mean(axis=0))


def test_inertia_is_the_mean_squared_distance_per_feature():
    found = partition(FOUR, EVERYBODY, 4, seed=1)
    expected = np.mean((FOUR - found.centres[found.labels]) ** 2)
    assert found.inertia == pytest.approx(expected)


def test_starts_found_among_some_points_lead_to_clusters_of_all():
    some = np.random.default_rng(2).permutation(100)[:40]
    assert partition(FOUR, some, 4, seed=1).sizes.tolist() == [40, 30, 20, 10]


@pytest.mark.parametrize("axis", [0, 1])
def test_of_two_cuts_that_are_as_good_the_one_stands_that_stood(axis):
    side = np.linspace(-1, 1, 12)
    square = np.array([[x, y] for x in side for y in side])
    last = np.zeros((2, 2))
    last[:, axis] = [-0.5, 0.5]
    found = partition(square, np.arange(144), 2, seed=1, last_centres=last)
    np.testing.assert_array_equal(found.labels == found.labels[0], square[:, axis] < 0)


def test_last_centres_give_way_where_a_group_went_and_another_came():
    found = partition(FOUR, EVERYBODY, 4, seed=1)
    moved = around(np.vstack([CORNERS[:3], [[30.0, 30.0]]]), [40, 30, 20, 10])
    again = partition(moved, EVERYBODY, 4, seed=1, last_centres=found.centres)
    assert again.sizes.tolist() == [40, 30, 20, 10]


class TestAgreement:
    def of(self, points: np.ndarray, k: int):
        found = partition(points, np.arange(len(points)), k, seed=1)
        return agreement(points, found.labels, k, seed=1)

    def test_halves_agree_on_groups_far_apart(self):
        agreed = self.of(FOUR, 4)
        assert (agreed.ari, agreed.recurrence) == (1.0, 1.0)

    def test_a_group_that_is_cut_in_two_at_random_does_not_recur_though_the_rand_index_is_high(self):
        corners = np.array([[x, y] for x in (0.0, 10.0, 20.0) for y in (0.0, 10.0)])
        agreed = self.of(around(corners, [40] * 6), 7)
        assert agreed.ari > 0.85
        assert agreed.recurrence < 0.75

    def test_halves_do_not_agree_where_there_are_no_groups(self):
        agreed = self.of(np.random.default_rng(1).standard_normal((300, 8)), 4)
        assert agreed.ari < 0.4
        assert agreed.recurrence < 0.7


def test_fewer_different_points_than_clusters_leave_one_empty():
    found = partition(np.repeat(CORNERS[:2], 60, axis=0), np.arange(120), 3, seed=1)
    assert sorted(found.sizes.tolist()) == [0, 60, 60]


@given(arrays(float, (12, 3), elements=COORDINATES), arrays(float, (4, 3), elements=COORDINATES))
def test_the_nearest_centre_is_the_first_of_those_with_the_least_distance(points, centres):
    apart = [[round(float(np.sqrt(np.mean((point - centre) ** 2))), 9) for centre in centres] for point in points]
    assert nearest(points, centres).tolist() == [row.index(min(row)) for row in apart]


def test_distances_are_root_mean_squares_over_the_features():
    assert distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).item() == pytest.approx(np.sqrt(12.5))
