"""Drivers: the axioms that make Shapley values what they are, games solved by hand, and troubles that were planted."""

from itertools import permutations
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_assets.contracts.models.churn import FAMILIES, NO_DRIVER
from streaming_assets.models.churn.drivers import ROWS_AT_ONCE, contributions, drivers, ranked
from streaming_assets_tests.models.churn.by_hand import HandModel, PlainDesign, additive

ABC = {"a": [0], "b": [1], "c": [2]}


def of_one(log_odds, user, stays, groups):
    """The contributions of a single user."""
    (found,) = contributions(log_odds, np.array([user], float), np.array(stays, float), groups)
    return found.tolist()


# Games solved by hand


def test_two_features_that_only_raise_the_risk_together_share_what_they_do():
    assert of_one(lambda m: m[:, 0] * m[:, 1], [2, 3], [0, 0], {"a": [0], "b": [1]}) == [3.0, 3.0]


def test_an_interaction_is_shared_by_the_mean_over_both_orders():
    # f is 1 for who stays, 2 with a alone, 3 with b alone and 6 with both: a adds 1 first and 3 last, b adds 2 and 4.
    assert of_one(lambda m: m[:, 0] * m[:, 1], [2, 3], [1, 1], {"a": [0], "b": [1]}) == [2.0, 3.0]


def test_the_glove_game_has_its_textbook_solution():
    # One owns a left glove, two a right one, and only a pair is worth anything: Shapley gives 2/3, 1/6, 1/6.
    pair = of_one(lambda m: m[:, 0] * np.maximum(m[:, 1], m[:, 2]), [1, 1, 1], [0, 0, 0], ABC)
    assert pair == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_features_of_one_family_act_as_one():
    families = {"a": [0, 2], "b": [1]}
    assert of_one(lambda m: m[:, 0] * m[:, 2] + m[:, 1], [2, 5, 3], [0, 1, 0], families) == [6.0, 4.0]


def test_a_family_that_the_data_lacks_contributes_nothing():
    assert of_one(lambda m: m[:, 0], [4], [1], {"a": [0], "plan": []}) == [3.0, 0.0]


def test_the_context_stays_the_users_own_and_is_given_no_part():
    # With the user's own tenure of 10 the family adds 2 · 10; with that of the reference it would add 2 · 1.
    assert of_one(lambda m: m[:, 0] * m[:, 1] + m[:, 1], [2, 10], [0, 1], {"a": [0]}) == [20.0]


# Axioms, for games of any values


UP_TO_FOUR = st.integers(1, 4)


@st.composite
def games(draw, players=UP_TO_FOUR):
    """Values of all coalitions: bit p of a position says whether player p is in."""
    n = draw(players)
    return draw(st.lists(st.floats(-100, 100), min_size=2**n, max_size=2**n))


def shapley(values):
    """The contributions of the players of a game of two-valued features."""
    players = len(values).bit_length() - 1
    positions = 2 ** np.arange(players)
    worth = np.array(values)
    return of_one(
        lambda m: worth[(m @ positions).astype(int)], [1] * players, [0] * players, {p: [p] for p in range(players)}
    )


@given(games())
def test_a_contribution_is_the_mean_over_all_orders_of_what_the_family_adds(values):
    players = range(len(values).bit_length() - 1)
    orders = list(permutations(players))
    added = {
        player: [values[before | 1 << player] - values[before] for before in (_before(player, o) for o in orders)]
        for player in players
    }
    assert shapley(values) == pytest.approx([fmean(added[player]) for player in players], abs=1e-9)


def _before(player, order):
    return sum(1 << other for other in order[: order.index(player)])


@given(games())
def test_contributions_add_up_to_the_distance_from_who_stays(values):
    assert sum(shapley(values)) == pytest.approx(values[-1] - values[0], abs=1e-9)


@given(games(players=st.integers(2, 4)))
def test_families_that_do_the_same_contribute_the_same(values):
    # Coalitions with only one of the first two players are worth the same, whichever it is.
    alike = [values[number & ~0b11 | 0b01] if number & 0b11 == 0b10 else worth for number, worth in enumerate(values)]
    assert shapley(alike)[0] == pytest.approx(shapley(alike)[1], abs=1e-9)


@given(games())
def test_a_family_that_changes_nothing_contributes_nothing(values):
    ignored = [values[number & ~1] for number in range(len(values))]
    assert shapley(ignored)[0] == pytest.approx(0, abs=1e-9)


@given(st.data())
def test_contributions_to_a_sum_of_two_models_are_the_sums_of_the_contributions(data):
    players = st.just(data.draw(UP_TO_FOUR))
    first, second = data.draw(games(players)), data.draw(games(players))
    both = [a + b for a, b in zip(first, second, strict=True)]
    assert shapley(both) == pytest.approx(np.add(shapley(first), shapley(second)).tolist(), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5)), min_size=4, max_size=4))
def test_of_a_linear_model_a_family_contributes_its_weights_times_the_distances(features):
    weights, user, stays = np.array(features).T
    families = {"a": [0, 3], "b": [1], "c": [2]}
    distance = weights * (user - stays)
    expected = [distance[0] + distance[3], distance[1], distance[2]]
    assert of_one(lambda m: 7 + m @ weights, user, stays, families) == pytest.approx(expected, abs=1e-9)


def test_how_many_users_are_asked_for_at_once_changes_no_one():
    users = np.random.default_rng(1).normal(size=(ROWS_AT_ONCE + 7, 2))
    families = {"a": [0], "b": [1]}
    found = contributions(lambda m: np.tanh(m[:, 0] * m[:, 1]), users, np.zeros(2), families)
    last = contributions(lambda m: np.tanh(m[:, 0] * m[:, 1]), users[-10:], np.zeros(2), families)
    assert np.allclose(found[-10:], last, rtol=0, atol=1e-12)


# Naming them


@pytest.mark.parametrize(
    ("contributions", "named"),
    [
        ([0.5, 1.5, -1.0], ("b", "a", 1.0)),
        ([0.5, -1.0, -2.0], ("a", None, 0.5)),  # the next one that raises the risk is none
        ([0.55, 0.5, 0.0], (NO_DRIVER, None, 0.05)),  # nearly the same
        ([0.05, -3.0, 0.0], (NO_DRIVER, None, 0.05)),  # hardly anything
        ([-0.5, 0.0, -0.1], (NO_DRIVER, None, None)),  # nothing raises the risk
        ([1.0, 1.0, 0.0], (NO_DRIVER, None, 0.0)),
    ],
)
def test_the_two_families_that_raise_the_risk_most_are_named_where_the_first_stands_out(contributions, named):
    (found,) = ranked(np.array([contributions]), ["a", "b", "c"], margin_floor=0.1).to_dict("records")
    assert known(found) == pytest.approx(named)


def known(driver):
    """driver_1, driver_2 and margin, None where there is none."""
    return tuple(None if pd.isna(driver[name]) else driver[name] for name in ("driver_1", "driver_2", "margin"))


def test_a_single_family_can_be_the_driver():
    (found,) = ranked(np.array([[0.7]]), ["inactivity"]).to_dict("records")
    assert known(found) == ("inactivity", None, 0.7)


def test_every_family_of_the_contract_has_a_contribution_though_the_model_knows_two():
    model = additive(recency_hours=0.01, premium_unused=2.0)
    users = pd.DataFrame({"recency_hours": [100.0, 0.0], "premium_unused": [0.2, 0.5]}, index=[7, 3])
    found = drivers(model, users)
    assert found.loc[7].to_dict() == {
        "inactivity_contribution": 1.0,
        "playback_contribution": 0.0,
        "content_mismatch_contribution": 0.0,
        "discovery_contribution": 0.0,
        "plan_contribution": 0.4,
        "driver_1": "inactivity",
        "driver_2": "plan",
        "margin": pytest.approx(0.6),
    }
    assert found.driver_1.to_dict() == {7: "inactivity", 3: "plan"}


def test_no_users_have_no_drivers():
    assert len(drivers(additive(recency_hours=1.0), pd.DataFrame({"recency_hours": []}))) == 0


# Planted troubles

TWO_EACH = {
    "inactivity": ("recency_hours", "recency_per_gap"),
    "playback": ("buffer_events_per_hour", "pauses_per_play"),
    "content_mismatch": ("abandoned_share", "skip_rate"),
    "discovery": ("distinct_genres_28", "genre_entropy"),
    "plan": ("premium_unused", "is_premium"),
}


def test_of_the_riskiest_tenth_the_trouble_that_was_planted_is_named_first():
    users, planted, churned = planted_troubles(users=10_000, seed=3)
    model = fitted(users, churned)
    riskiest = model.probabilities(users).argsort()[-1_000:]
    named = drivers(model, users.iloc[riskiest]).driver_1.to_numpy()
    assert (named == planted[riskiest]).mean() >= 0.85


def planted_troubles(users, seed):
    """Features, the one family that troubles each user (none for most), and who left: 5 % without trouble, 50 % with.

    Trouble moves both features of its family by 2.5 standard deviations of what they are without.
    """
    random = np.random.default_rng(seed)
    planted = random.choice([*FAMILIES, "none"], size=users, p=[0.08] * 5 + [0.6])
    features = {
        name: random.normal(size=users) + np.where(planted == family, 2.5, 0.0)
        for family, names in TWO_EACH.items()
        for name in names
    }
    churned = random.random(users) < np.where(planted == "none", 0.05, 0.5)
    return pd.DataFrame(features), planted, churned


def fitted(users, churned):
    from sklearn.linear_model import LogisticRegression

    design = PlainDesign(TWO_EACH)
    model = LogisticRegression().fit(design.matrix(users), churned)
    return HandModel(design, model.decision_function, users[~churned].median())
