"""Which cluster is which from one training to the next."""

import datetime as dt

import numpy as np

from streaming_assets.models.clusters.continuity import kept_names, last_centres
from streaming_assets.models.clusters.profiles import Clusters
from streaming_assets.models.clusters.space import Space

FEATURES = ("active_days_per_week", "plays_per_session", "distinct_genres")


def space(features: tuple[str, ...] = FEATURES, center: float = 0.0, scale: float = 1.0) -> Space:
    each = np.ones(len(features))
    return Space(features, center * each, scale * each, each)


def clusters(centres: dict[str, float], where: Space | None = None) -> Clusters:
    """Clusters by name, each at the same place along every feature."""
    where = where or space()
    points = np.array([[at] * len(where.features) for at in centres.values()])
    return Clusters(tuple(centres), tuple(dt.date(2026, 7, 18) for _ in centres), points, where)


def kept(last: dict[str, float], now: list[float]) -> list[str | None]:
    names = kept_names(clusters(last), space(), np.array([[at] * 3 for at in now]))
    return [names.get(place) for place in range(len(now))]


def test_a_cluster_keeps_its_name_while_its_centre_moves_by_less_than_half_a_standard_deviation_per_feature():
    assert kept({"a": -1.0, "b": 1.0}, [1.49, -0.51]) == ["b", "a"]
    assert kept({"a": -1.0, "b": 1.0}, [1.51, -0.49]) == [None, None]


def test_one_that_went_and_one_that_came_shift_no_other_name():
    # Matched by squared distances, c would become b and b the new one: 0.4² + 0.4² is less than 0.8².
    assert kept({"c": 0.0, "b": 0.4}, [0.4, 0.8]) == ["b", None]


def test_a_name_goes_to_the_nearer_of_two_halves_of_a_cluster():
    assert kept({"a": 0.0}, [0.4, -0.3]) == [None, "a"]


def test_names_stand_when_everybody_changes_alike_and_k_means_starts_where_the_centres_were():
    # Who lay 1 above a mean of 2 lies at 3, which is 0.5 above a mean of 2.5.
    last, now = clusters({"a": 1.0}, space(center=2.0)), space(center=2.5)
    assert kept_names(last, now, np.array([[1.0, 1.0, 1.0]])) == {0: "a"}
    np.testing.assert_allclose(last_centres(last, now, 1), [[0.5, 0.5, 0.5]])


def test_a_name_goes_when_all_others_change_so_that_it_says_what_is_no_longer_so():
    last, now = clusters({"a": 1.0}, space(center=2.0)), space(center=3.5)
    assert kept_names(last, now, np.array([[-0.5, -0.5, -0.5]])) == {}


def test_names_stand_when_a_feature_comes_to_be_known_but_k_means_starts_anew():
    last = clusters({"a": 1.0}, space(FEATURES[:2]))
    assert kept_names(last, space(), np.array([[1.0, 1.0, -2.0]])) == {0: "a"}
    assert last_centres(last, space(), 1) is None


def test_no_name_stands_where_no_feature_is_the_same():
    last = clusters({"a": 1.0}, space(("skip_rate",)))
    assert kept_names(last, space(), np.array([[1.0, 1.0, 1.0]])) == {}


def test_another_number_of_clusters_starts_anew():
    assert last_centres(clusters({"a": 1.0, "b": 0.0}), space(), 3) is None
