"""The first three days against D7: who is counted as what, and what the counts can tell."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from streaming_assets.contracts import core, meta
from streaming_assets.contracts.marts import retention as contracts
from streaming_assets.transforms.early_behaviour import early_behaviour, early_counts
from streaming_assets_tests.transforms.situations import FIRST_DAY, calendar, table

GENRES = {"mingus": "jazz", "monk": "jazz", "bach": "classical", "abba": "pop", "noise": None}
SHARE = 0.1


def on(day):
    return FIRST_DAY + dt.timedelta(days=day)


def noon(day):
    return dt.datetime.combine(on(day), dt.time(12))


def day(user_id, number, *titles, sessions=1, state=None):
    """A user's day with a play of each title, `number` days after the first day."""
    return {"user_id": user_id, "date": on(number), "titles": titles, "sessions": sessions, "state": state}


def counted(days, as_of, signed_up=None):
    """{(genres, sessions, plays, retained): users}; signed_up: user → day, and the origin of D0 where given."""
    first, seen = {}, {}
    for one in days:
        for title in one["titles"]:
            first[one["user_id"]] = min(first.get(one["user_id"], one["date"]), one["date"])
            key = (one["user_id"], title, one["state"])
            seen[key] = min(seen.get(key, one["date"]), one["date"])
    user_days = [
        {
            "user_id": one["user_id"], "date": one["date"], "plays": len(one["titles"]), "sessions_started": one["sessions"],
        }
        for one in days
    ]  # fmt: skip
    titles = [
        {"user_id": user_id, "content_id": title, "state": state, "first_date": date}
        for (user_id, title, state), date in seen.items()
    ]
    records = [
        {"user_id": user_id, "valid_from": noon(number), "signed_up_at": noon(number), "is_derived": False}
        for user_id, number in (signed_up or {}).items()
    ]
    found = early_counts(
        user_daily=rows(user_days, core.user_daily),
        first_days=rows([{"user_id": user_id, "first_date": date} for user_id, date in first.items()], meta.first_days),
        user_titles=rows(titles, meta.user_titles),
        users=rows(records, core.users),
        content=rows([{"content_id": title, "genre": genre} for title, genre in GENRES.items()], core.content),
        calendar=calendar(),
        as_of=on(as_of),
        retention_origin="signed_up" if signed_up else "first_play",
    )
    columns = ("genres", "sessions", "plays", "retained", "users")
    return {tuple(row[name] for name in columns[:-1]): row["users"] for row in found.to_pyarrow().to_pylist()}


def rows(found, contract):
    return table([{**dict.fromkeys(contract.column_names), **row} for row in found], contract)


def told(counts, share=SHARE):
    """marts/early_behaviour of {(genres, sessions, plays, retained): users}, by its key."""
    frame = pd.DataFrame(
        [(*key, users) for key, users in counts.items()], columns=["genres", "sessions", "plays", "retained", "users"]
    )
    return early_behaviour(frame, share).set_index(list(contracts.early_behaviour.key)).sort_index()


def odds(found, term):
    """(odds ratio, low, high) of the regression."""
    row = found.loc[("regression", term, "per unit")]
    return row.odds_ratio, row.odds_ratio_low, row.odds_ratio_high


def is_told(found):
    return {term: not math.isnan(odds(found, term)[0]) for term in ("genres", "sessions", "plays")}


# Counting


def test_genres_sessions_and_plays_of_the_first_three_days_are_counted_and_those_of_the_fourth_are_not():
    days = [day("ann", 0, "mingus", "monk"), day("ann", 2, "bach", sessions=2), day("ann", 3, "abba", sessions=5)]
    assert counted(days, as_of=7) == {(2, 3, 3, False): 1}


def test_three_days_without_a_known_genre_have_an_unknown_number_of_them():
    assert counted([day("ann", 0, "noise"), day("ann", 4, "abba")], as_of=7) == {(None, 1, 1, False): 1}


def test_a_title_of_unknown_genre_adds_none_to_those_that_are_known():
    assert counted([day("ann", 0, "noise", "abba")], as_of=7) == {(1, 1, 2, False): 1}


@pytest.mark.parametrize(("back_on", "is_retained"), [(6, False), (7, True), (8, False)])
def test_retained_is_who_plays_on_the_seventh_day_after_the_first_and_on_no_other(back_on, is_retained):
    assert counted([day("ann", 0, "abba"), day("ann", back_on, "abba")], as_of=20) == {(1, 1, 1, is_retained): 1}


def test_a_search_on_the_seventh_day_is_no_return():
    assert counted([day("ann", 0, "abba"), day("ann", 7)], as_of=20) == {(1, 1, 1, False): 1}


def test_who_began_less_than_seven_days_ago_is_left_out():
    assert counted([day("ann", 0, "abba"), day("ben", 1, "abba")], as_of=7) == {(1, 1, 1, False): 1}


def test_users_who_did_alike_are_one_row():
    days = [day(user_id, start, "abba", "bach") for user_id, start in (("ann", 0), ("ben", 3), ("cem", 5))]
    assert counted(days, as_of=20) == {(2, 1, 2, False): 3}


def test_a_title_played_in_two_states_is_first_played_on_the_earlier_day():
    days = [day("ann", 0, "abba", state="BE"), day("ann", 2, "abba", state="HH")]
    assert counted(days, as_of=7) == {(1, 2, 2, False): 1}


def test_from_the_sign_up_on_its_three_days_count_and_the_day_seven_days_after_it():
    days = [day("ann", 1, "abba"), day("ann", 3, "bach"), day("ann", 7, "monk")]
    assert counted(days, as_of=20, signed_up={"ann": 0}) == {(1, 1, 1, True): 1}


def test_who_plays_nothing_in_the_three_days_from_the_sign_up_is_left_out():
    days = [day("ann", 3, "abba"), day("ann", 7, "abba"), day("ben", 0, "abba")]
    assert counted(days, as_of=20, signed_up={"ann": 0}) == {(1, 1, 1, False): 1}


def test_what_was_played_before_a_late_sign_up_was_not_explored_after_it():
    days = [day("ann", 0, "abba", state="BE"), day("ann", 5, "abba", "bach", state="HH")]
    assert counted(days, as_of=20, signed_up={"ann": 5}) == {(1, 1, 2, False): 1}


def test_without_plays_nothing_is_counted():
    assert counted([], as_of=20) == {}
    assert counted([day("ann", 0)], as_of=20) == {}


# Groups


def test_rates_by_level_with_the_difference_to_the_first():
    found = told({(1, 1, 1, True): 20, (1, 1, 1, False): 80, (3, 2, 5, True): 30, (3, 2, 5, False): 20})
    three = found.loc[("groups", "genres", "3")]
    assert (three.n_eligible, three.n_retained, three.rate) == (50, 30, 0.6)
    assert three.difference == pytest.approx(0.4)
    independent = binomtest(30, 50).proportion_ci(method="wilson")
    assert (three.rate_low, three.rate_high) == pytest.approx((independent.low, independent.high), rel=1e-9)
    assert found.loc[("groups", "sessions", "2")].difference == pytest.approx(0.4)


def test_more_than_four_genres_or_sessions_count_as_four():
    found = told({(4, 9, 9, True): 1, (7, 4, 9, False): 2, (5, 5, 5, False): 4})
    assert found.loc[("groups", "genres", "4+")].n_eligible == 7
    assert found.loc[("groups", "sessions", "4+")].n_eligible == 7


def test_plays_of_a_session_that_began_the_day_before_count_as_one_session():
    assert told({(1, 0, 2, True): 3}).loc[("groups", "sessions", "1")].n_eligible == 3


def test_users_without_a_known_genre_are_a_level_of_their_own_and_take_part_in_sessions_only():
    found = told({(None, 2, 2, True): 5, (1, 1, 1, False): 5})
    assert found.loc[("groups", "genres", "unknown")].n_retained == 5
    assert found.loc[("groups", "sessions", "2")].n_eligible == 5
    assert found.loc[("regression", "genres", "per unit")].n_eligible == 5


def test_the_first_level_and_the_unknown_one_are_compared_with_nothing():
    found = told({(1, 1, 1, True): 5, (None, 1, 1, False): 5})
    assert found.loc[[("groups", "genres", "1"), ("groups", "genres", "unknown")]].difference.isna().all()


# Of table II of Newcombe, Statistics in Medicine 17 (1998), 873–890, method 10; the last is known to two digits.
@pytest.mark.parametrize(
    ("more", "base", "low", "high", "digits"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339, 4),
        ((9, 10), (3, 10), 0.1705, 0.8090, 4),
        ((6, 7), (2, 7), 0.0582, 0.8062, 4),
        ((5, 56), (0, 29), -0.0381, 0.1926, 4),
        ((0, 10), (0, 20), -0.1611, 0.2775, 4),
        ((10, 10), (0, 20), 0.6791, 1.0, 4),
        ((7, 34), (1, 34), 0.019, 0.34, 2),
    ],
)
def test_intervals_of_differences_are_the_published_ones(more, base, low, high, digits):
    counts = {}
    for genres, (k, n) in ((1, base), (2, more)):
        counts |= {(genres, 1, 1, True): k, (genres, 1, 1, False): n - k}
    row = told(counts).loc[("groups", "genres", "2")]
    assert row.difference == pytest.approx(more[0] / more[1] - base[0] / base[1])
    assert (row.difference_low, row.difference_high) == pytest.approx((low, high), abs=0.5 * 10**-digits)


# Regression


def two_by_two(a, b, c, d, genres=(1, 2)):
    """a of the users with more genres came back, b did not; c and d of those with fewer."""
    few, more = genres
    return {(more, 1, 1, True): a, (more, 1, 1, False): b, (few, 1, 1, True): c, (few, 1, 1, False): d}


def test_of_a_two_by_two_table_the_odds_ratio_is_ad_over_bc_and_its_error_woolfs():
    a, b, c, d = 30, 20, 25, 75
    found = told(two_by_two(a, b, c, d))
    error = math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    value = math.log(a * d / (b * c))
    expected = [math.exp(value + z * error) for z in (0, -1.959963984540054, 1.959963984540054)]
    assert odds(found, "genres") == pytest.approx(expected, rel=1e-9)
    assert found.loc[("regression", "genres", "per unit")].p_value == pytest.approx(
        2 * norm.sf(value / error), rel=1e-9
    )


def test_the_odds_ratio_of_plays_is_per_doubling():
    counts = {(1, 1, 8, True): 30, (1, 1, 8, False): 20, (1, 1, 2, True): 25, (1, 1, 2, False): 75}
    found = told(counts)
    assert odds(found, "plays")[0] == pytest.approx(math.sqrt(30 * 75 / (20 * 25)), rel=1e-9)


# Plain Newton steps run away from this one: whoever has one genre returns, hardly any other does.
STEEP = {
    (1, 1, 1, True): 2,
    (2, 1, 1, False): 29_792,
    (3, 1, 1, False): 83_780,
    (3, 1, 1, True): 1,
    (4, 1, 1, False): 3080,
}


@pytest.mark.parametrize(("name", "terms"), [("planted", ["genres", "sessions", "plays"]), ("steep", ["genres"])])
def test_a_fit_equals_that_of_scikit_learn(name, terms):
    from sklearn.linear_model import LogisticRegression

    counts = planted(seed=3, users=3000) if name == "planted" else STEEP
    found = told(counts)
    genres, sessions, plays, retained = (np.array(column, "float64") for column in zip(*counts, strict=True))
    columns = {"genres": np.minimum(genres, 4), "sessions": np.minimum(sessions, 4), "plays": np.log2(plays)}
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)
    model.fit(np.column_stack([columns[term] for term in terms]), retained, sample_weight=list(counts.values()))
    assert [odds(found, term)[0] for term in terms] == pytest.approx(np.exp(model.coef_[0]), rel=1e-6)


PLANTED = {"genres": 0.35, "sessions": 0.1, "plays": 0.25}


def planted(seed, users=4000, effects=PLANTED):
    """Users who meet more genres the more they play, and return by a logistic model of these effects."""
    random = np.random.default_rng(seed)
    plays = random.geometric(0.15, users)
    genres = 1 + random.binomial(np.minimum(plays, 7) - 1, 0.3)
    sessions = 1 + random.binomial(np.minimum(plays, 6) - 1, 0.4)
    log_odds = (
        -2.2
        + effects["genres"] * np.minimum(genres, 4)
        + effects["sessions"] * np.minimum(sessions, 4)
        + effects["plays"] * np.log2(plays)
    )
    retained = random.random(users) < 1 / (1 + np.exp(-log_odds))
    keys, numbers = np.unique(np.column_stack([genres, sessions, plays, retained]), axis=0, return_counts=True)
    return {(*key[:3], bool(key[3])): number for key, number in zip(keys.tolist(), numbers.tolist(), strict=True)}


def test_planted_effects_lie_in_the_intervals_of_about_19_samples_in_20():
    covered = dict.fromkeys(PLANTED, 0)
    for seed in range(40):
        found = told(planted(seed))
        for term, effect in PLANTED.items():
            _value, low, high = odds(found, term)
            covered[term] += low <= math.exp(effect) <= high
    assert all(35 <= count <= 40 for count in covered.values())


def test_where_only_plays_matter_more_genres_go_with_more_returns_until_plays_are_held_fixed():
    found = told(planted(seed=7, users=20_000, effects={"genres": 0.0, "sessions": 0.0, "plays": 0.6}))
    assert found.loc[("groups", "genres", "3")].difference_low > 0
    _value, low, high = odds(found, "genres")
    assert low < 1 < high
    assert odds(found, "plays")[1] > 1


# What cannot be told


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {(None, 1, 1, True): 9, (None, 2, 3, False): 9},  # no genre is known
        {(1, 1, 1, True): 1},  # one user
        {(1, 1, 2, True): 9, (2, 2, 3, True): 9},  # everybody returns
        {(1, 1, 2, False): 9, (2, 2, 3, False): 9},  # nobody returns
        {(1, 1, 1, False): 9, (2, 1, 1, True): 9},  # genres decide
        {(1, 1, 1, False): 9, (1, 1, 1, True): 9, (2, 1, 1, True): 9},  # all with two genres return
        # Neither alone decides: who has more genres than sessions returns.
        {(2, 1, 1, True): 9, (3, 2, 1, True): 9, (1, 2, 1, False): 9, (2, 3, 1, False): 9, (4, 4, 1, False): 9},
    ],
)
def test_where_no_regression_can_be_fitted_its_numbers_are_unknown_and_the_groups_stand(counts):
    found = told(counts)
    assert is_told(found) == {"genres": False, "sessions": False, "plays": False}
    assert found.loc["regression"][["odds_ratio_low", "odds_ratio_high", "p_value"]].isna().all(axis=None)
    assert found.loc["shift"][["rate", "rate_low", "rate_high", "difference"]].isna().all(axis=None)
    assert found.loc[("groups", "sessions")].n_eligible.sum() == sum(counts.values())


def test_a_term_that_never_varies_cannot_be_told_and_leaves_the_others_as_they_are():
    assert is_told(told(two_by_two(30, 20, 25, 75))) == {"genres": True, "sessions": False, "plays": False}


def test_two_terms_that_always_go_together_cannot_be_told_apart_and_the_third_can():
    counts = {
        (level, level, plays, retained): 10 + 3 * level + plays * retained
        for level in (1, 2, 3)
        for plays in (1, 2, 8)
        for retained in (True, False)
    }
    found = told(counts)
    assert is_told(found) == {"genres": False, "sessions": False, "plays": True}
    assert not math.isnan(found.loc[("shift", "genres", "now")].rate)
    assert math.isnan(found.loc[("shift", "genres", "then")].rate)


def test_an_estimate_that_a_single_user_keeps_from_infinity_is_no_estimate():
    far = {(1, 1, 1_000_000, False): 10**6, (1, 1, 1_000_001, True): 10**6, (1, 1, 1_000_001, False): 1}
    far |= {(1, 1, 1_000_000, True): 1, (2, 1, 1_000_000, False): 5, (2, 1, 1_000_001, True): 5}
    assert not is_told(told(far))["plays"]


def test_a_handful_of_users_against_millions_tells_nothing():
    counts = {
        (1, 2, 14, False): 13, (1, 2, 154, False): 2, (1, 4, 889, False): 4, (1, 4, 118, False): 53_228_176,
        (1, 4, 442, True): 1_991_661, (1, 4, 131, True): 37_545_027, (1, 1, 964, True): 225_292,
    }  # fmt: skip
    assert is_told(told(counts)) == {"genres": False, "sessions": False, "plays": False}


# Shift


def test_a_shift_moves_its_share_of_the_one_genre_users_to_the_rate_of_three():
    # With nothing else to tell users apart the regression gives back the two rates: 25 of 100 and 30 of 50.
    found = told(two_by_two(30, 20, 25, 75, genres=(1, 3)), share=0.2)
    now, then = found.loc[("shift", "genres", "now")], found.loc[("shift", "genres", "then")]
    assert now.rate == pytest.approx(55 / 150)
    assert then.rate == pytest.approx((80 * 0.25 + 70 * 0.6) / 150)
    assert then.difference == pytest.approx(20 * (0.6 - 0.25) / 150)
    one, three = 0.25 * 0.75 / 100, 0.6 * 0.4 / 50
    z = 1.959963984540054

    def interval(value, of_one, of_three):
        half = z * math.sqrt((of_one / 150) ** 2 * one + (of_three / 150) ** 2 * three)
        return pytest.approx((value - half, value + half))

    assert (now.rate_low, now.rate_high) == interval(now.rate, 100, 50)
    assert (then.rate_low, then.rate_high) == interval(then.rate, 80, 70)
    assert (then.difference_low, then.difference_high) == interval(then.difference, -20, 20)
    assert math.isnan(now.difference)


def test_users_shift_with_the_sessions_and_plays_that_they_have():
    effects = {"genres": 0.5, "sessions": 0.0, "plays": 0.4}
    counts = planted(seed=11, users=50_000, effects=effects)
    then = told(counts, share=1).loc[("shift", "genres", "then")]
    expected = 0
    for (genres, sessions, plays, _retained), users in counts.items():
        explored = 3 if genres == 1 else min(genres, 4)
        log_odds = -2.2 + 0.5 * explored + 0.4 * math.log2(plays) + 0 * sessions
        expected += users / (1 + math.exp(-log_odds)) / 50_000
    assert then.rate_low < expected < then.rate_high
    assert then.rate_high - then.rate_low < 0.02


def test_no_shift_changes_nothing():
    then = told(planted(seed=1), share=0).loc[("shift", "genres", "then")]
    assert (then.difference, then.difference_low, then.difference_high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_both_levels_of_the_shift_show_the_users_and_returns_that_were_seen():
    found = told({**two_by_two(30, 20, 25, 75), (None, 1, 1, True): 7}).loc["shift"]
    assert found[["n_eligible", "n_retained"]].to_numpy().tolist() == [[150, 55]] * 2


# All of it

LEVEL = st.integers(1, 6)
COUNTS = st.dictionaries(
    st.tuples(st.none() | LEVEL, st.integers(0, 6), st.sampled_from([1, 2, 3, 50, 10**6]), st.booleans()),
    st.integers(1, 10) | st.integers(1, 10**7),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(counts=COUNTS, share=st.floats(0, 1))
def test_whatever_the_counts_every_row_is_there_with_the_contracts_types_and_possible_numbers(counts, share):
    found = told(counts, share).reset_index()
    assert found[["analysis", "behaviour", "level"]].to_numpy().tolist() == [
        *(["groups", "genres", level] for level in ("1", "2", "3", "4+", "unknown")),
        *(["groups", "sessions", level] for level in ("1", "2", "3", "4+")),
        *(["regression", term, "per unit"] for term in ("genres", "plays", "sessions")),
        *(["shift", "genres", level] for level in ("now", "then")),
    ]
    for column in contracts.early_behaviour.columns:
        values = found[column.name]
        assert values.dtype == {"string": "str"}.get(column.type, column.type)
        if column.type == "float64":
            assert not np.isinf(values).any()
            assert column.at_least is None or not (values < column.at_least).any()
            assert column.at_most is None or not (values > column.at_most).any()
    for name in ("rate", "difference", "odds_ratio"):
        assert not (found[f"{name}_low"] > found[name] + 1e-12).any()
        assert not (found[f"{name}_high"] < found[name] - 1e-12).any()
