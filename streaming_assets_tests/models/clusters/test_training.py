"""Kinds of users that are found again, named so that the names last, and said not to exist where they do not."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from streaming_assets.contracts.models.clusters import FEATURES, cluster_profiles, cluster_summary
from streaming_assets.models.clusters.assignment import assign
from streaming_assets.models.clusters.training import Clustering, train
from streaming_assets_tests.models.clusters.population import FIVE, five_kinds, of_no_kind, users

T = dt.date(2026, 7, 18)
NEXT_WEEK = T + dt.timedelta(days=7)
NAMES = [column.name for column in FEATURES]
SEED = 11


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return five_kinds(600, seed=1)


@pytest.fixture(scope="module")
def first(people) -> Clustering:
    return train(people, None, as_of=T, seed=SEED)


def cluster_of(people: pd.DataFrame, trained: Clustering) -> pd.Series:
    """Clusters by user."""
    return assign(people, trained.profiles).set_index("user_id")["cluster"].sort_index()


def kind_of(people: pd.DataFrame, trained: Clustering) -> dict[str, str]:
    """By cluster the kind that most of its users are of."""
    kinds = people.set_index("user_id")["kind"]
    return {str(name): own.mode().item() for name, own in kinds.groupby(cluster_of(people, trained))}


def stay(people: pd.DataFrame, one: Clustering, other: Clustering) -> float:
    """Share of users who are in the cluster of the same name."""
    return float((cluster_of(people, one) == cluster_of(people, other)).mean())


def names(trained: Clustering) -> list[str]:
    return trained.profiles["cluster"].drop_duplicates().tolist()


class TestFiveKinds:
    def test_are_found_with_the_users_who_are_of_them(self, people, first):
        kinds = people.set_index("user_id")["kind"].sort_index()
        found = cluster_of(people, first).map(kind_of(people, first))
        assert first.summary["k"] == 5
        assert (found == kinds).mean() >= 0.97

    def test_are_called_by_what_they_do(self, people, first):
        assert kind_of(people, first) == {
            "binge watchers, few genres": "bingers",
            "almost daily users, many genres": "regulars",
            "skippers, short plays": "samplers",
            "takers of recommendations, long plays": "followers",
            "absent users, titles played again": "leavers",
        }

    def test_have_profiles_that_follow_from_their_users(self, people, first):
        clusters = people.set_index("user_id").groupby(cluster_of(people, first))
        overall = people[NAMES].mean()
        for row in first.profiles.itertuples():
            assert row.users == len(clusters.get_group(row.cluster))
            assert row.share == row.users / 600
            assert row.mean == pytest.approx(clusters.get_group(row.cluster)[row.feature].mean())
            assert row.overall_mean == pytest.approx(overall[row.feature])
            assert row.fill == people[row.feature].median()

    def test_have_centres_in_standard_deviations_of_the_logarithms(self, people, first):
        logs = np.log1p(people.set_index("user_id")["plays_per_session"])
        scores = ((logs - logs.mean()) / logs.std(ddof=0)).clip(-3, 3)
        expected = scores.groupby(cluster_of(people, first)).mean()
        found = first.profiles[first.profiles.feature == "plays_per_session"].set_index("cluster")["centroid"]
        pd.testing.assert_series_equal(found.sort_index(), expected, check_names=False, rtol=1e-6)

    def test_are_summed_up(self, first):
        summary = first.summary
        assert (summary["status"], summary["users"], summary["trained_as_of"]) == ("stable", 600, T)
        assert summary["ari"] > 0.95
        assert summary["recurrence"] > 0.95
        assert summary["smallest_share"] == pytest.approx(FIVE["leavers"], abs=0.01)
        assert summary["reason"].startswith("5 kinds of users, on which random halves of the 600 users agree")
        assert [told.split(" clusters")[0] for told in summary["candidates"]] == ["3", "4", "5", "6", "7", "8"]
        assert (summary["new"], summary["kept"], summary["retired"]) == (names(first), [], [])

    def test_are_the_same_in_any_order_of_rows_and_with_any_number_of_threads(self, people, first):
        with threadpool_limits(2):
            again = train(people.sample(frac=1, random_state=5), None, as_of=T, seed=SEED)
        pd.testing.assert_frame_equal(again.profiles, first.profiles, rtol=1e-9)
        assert again.summary == {**first.summary, "ari": pytest.approx(first.summary["ari"], rel=1e-9)}

    def test_keep_their_users_when_few_leave(self, people, first):
        again = train(people.sample(frac=0.95, random_state=2), first.profiles, as_of=NEXT_WEEK, seed=SEED + 1)
        assert stay(people, first, again) >= 0.95
        assert set(again.summary["kept"]) == set(names(first))
        assert set(again.profiles["since"]) == {T}

    def test_are_told_apart_by_what_is_known(self, people):
        log_of_plays = people.assign(avg_completion_pct=np.nan, recommended_share=None, skip_rate=0.0)
        found = train(log_of_plays, None, as_of=T, seed=SEED)
        assert found.summary["features_left_out"] == ["avg_completion_pct", "skip_rate", "recommended_share"]
        assert found.summary["status"] == "stable"
        assert set(found.profiles["feature"]) == set(found.summary["features"])


def test_a_kind_that_went_takes_its_name_along_and_one_that_came_gets_its_own(people, first):
    others = {kind: share for kind, share in FIVE.items() if kind != "samplers"}
    after = users(600, 2, {**others, "newcomers": FIVE["samplers"]})
    other = train(after, first.profiles, as_of=NEXT_WEEK, seed=SEED)
    was, now = kind_of(people, first), kind_of(after, other)
    assert [was[name] for name in other.summary["retired"]] == ["samplers"]
    assert [now[name] for name in other.summary["new"]] == ["newcomers"]
    assert {name: was[name] for name in other.summary["kept"]} == {name: now[name] for name in other.summary["kept"]}
    since = other.profiles.drop_duplicates("cluster").set_index("cluster")["since"]
    assert since.to_dict() == {name: T if name in was else NEXT_WEEK for name in now}


class TestNoClusters:
    def test_users_of_no_kind_have_no_stable_segmentation(self):
        found = train(of_no_kind(600, seed=3), None, as_of=T, seed=SEED)
        assert found.profiles.empty
        assert (found.summary["status"], found.summary["k"]) == ("no_stable_segmentation", None)
        assert "The rule-based segments stand alone." in found.summary["reason"]
        assert len(found.summary["candidates"]) == 6

    def test_names_go_where_nothing_is_stable_any_more(self, first):
        alike = of_no_kind(300, seed=3).assign(**dict.fromkeys(NAMES[2:], 1.0))
        assert train(alike, first.profiles, as_of=NEXT_WEEK, seed=SEED).summary["retired"] == sorted(names(first))

    def test_fewer_than_a_hundred_users_are_too_few(self, people):
        found = train(people.head(99), None, as_of=T, seed=SEED)
        assert found.profiles.empty
        assert found.summary["status"] == "too_few_users"
        assert found.summary["reason"] == (
            "99 users with at least 10 plays; kinds of users are looked for among 100 or more. "
            "The rule-based segments stand alone."
        )

    def test_nobody_is_too_few(self, people):
        found = train(people.head(0), None, as_of=T, seed=SEED)
        assert (found.summary["status"], found.summary["features"]) == ("too_few_users", [])

    def test_users_who_differ_in_two_features_at_most_are_not_told_apart(self):
        alike = of_no_kind(300, seed=3).assign(**dict.fromkeys(NAMES[2:], 1.0))
        summary = train(alike, None, as_of=T, seed=SEED).summary
        assert (summary["status"], summary["features"]) == ("no_stable_segmentation", NAMES[:2])
        assert summary["reason"].startswith("Users differ in 2 features;")

    def test_users_of_two_exact_patterns_are_no_three_kinds(self):
        patterns = pd.DataFrame([dict.fromkeys(NAMES, 1.0), dict.fromkeys(NAMES, 2.0)])
        twins = patterns.loc[np.tile([0, 1], 75)].assign(user_id=[f"u{number:03d}" for number in range(150)])
        assert train(twins, None, as_of=T, seed=SEED).summary["status"] == "no_stable_segmentation"


def test_rows_fit_the_contracts_and_come_back_as_they_went(people, first):
    profiles = ibis.memtable(first.profiles, schema=cluster_profiles.schema).to_pandas()
    pd.testing.assert_series_equal(cluster_of(people, first), cluster_of(people, Clustering(profiles, {})))
    for found in (first, train(people.head(9), None, as_of=T, seed=SEED)):
        assert list(found.summary) == list(cluster_summary.column_names)
        assert list(found.profiles) == list(cluster_profiles.column_names)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_users_stay_week_after_week_while_one_in_twenty_is_another(seed):
    people = five_kinds(1_500, seed=100 + seed)
    last = train(people, None, as_of=T, seed=seed)
    for week in range(1, 4):
        again = train(people.sample(frac=0.95, random_state=week), last.profiles, as_of=NEXT_WEEK, seed=seed + week)
        assert stay(people, last, again) >= 0.95
        last = again


@pytest.mark.slow
@pytest.mark.parametrize("size", [200, 2_000, 20_000])
@pytest.mark.parametrize("seed", range(3))
def test_users_of_no_kind_have_none_however_many_they_are(size, seed):
    assert train(of_no_kind(size, seed), None, as_of=T, seed=seed).summary["status"] == "no_stable_segmentation"
