"""How long users stay: when one is lost, and the Kaplan–Meier curve of all."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from streaming_assets.contracts import core
from streaming_assets.contracts.marts import retention as contracts
from streaming_assets.transforms.survival import lifetimes, survival_curve
from streaming_assets_tests.transforms.situations import FIRST_DAY, table

CHURN = 28


def on(day):
    return FIRST_DAY + dt.timedelta(days=day)


def user_days(**days_of):
    """User-days with a play, numbered from the first day; a negative number is a day with other events only."""
    defaults = dict.fromkeys(core.user_daily.column_names, 0)
    return table(
        [
            {
                **defaults,
                "user_id": user_id,
                "date": on(abs(day)),
                "plays": int(day >= 0),
                "first_event_at": dt.datetime.combine(on(abs(day)), dt.time(20)),
                "last_event_at": dt.datetime.combine(on(abs(day)), dt.time(21)),
            }
            for user_id, days in days_of.items()
            for day in days
        ],
        core.user_daily,
    )


def lives(as_of, **days_of):
    """(day, n_lost, n_censored) in order of the day."""
    found = lifetimes(user_days(**days_of), on(as_of), CHURN)
    return [tuple(row.values()) for row in found.order_by("day").to_pyarrow().to_pylist()]


def curve(lost=(), censored=()):
    """The curve of users lost and censored on these days of life."""
    days = sorted({*lost, *censored})
    counts = {"n_lost": [lost.count(day) for day in days], "n_censored": [censored.count(day) for day in days]}
    return survival_curve(pd.DataFrame({"day": days, **counts}, dtype="int64"))


# Lifetimes


def test_who_stays_away_for_28_whole_days_is_lost_28_days_after_the_last_play():
    assert lives(100, ann=[0, 10]) == [(38, 1, 0)]


def test_who_plays_again_on_the_28th_day_after_a_play_had_27_days_without_one_and_stays():
    assert lives(60, ann=[0, 10, 38, 60]) == [(60, 0, 1)]


def test_who_plays_again_on_the_29th_day_after_a_play_had_28_days_without_one_and_was_lost():
    assert lives(60, ann=[0, 10, 39, 60]) == [(38, 1, 0)]


@pytest.mark.parametrize(("as_of", "expected"), [(37, (37, 0, 1)), (38, (38, 1, 0)), (39, (38, 1, 0))])
def test_the_loss_is_known_when_the_last_of_the_28_days_is_over_and_not_before(as_of, expected):
    assert lives(as_of, ann=[0, 10]) == [expected]


def test_the_first_of_several_absences_counts():
    assert lives(400, ann=[0, 50, 51, 200]) == [(28, 1, 0)]


def test_life_begins_with_the_users_own_first_play():
    assert lives(100, ann=[90, 100], ben=[60, 61]) == [(10, 0, 1), (29, 1, 0)]


def test_users_of_one_lifetime_are_counted_together():
    assert lives(30, ann=[0, 20], ben=[0, 25], cem=[0, 2]) == [(30, 1, 2)]


def test_a_search_is_no_sign_of_life():
    assert lives(100, ann=[-5, 10, -20, -40]) == [(28, 1, 0)]


def test_who_plays_on_the_last_day_for_the_first_time_is_censored_on_day_0():
    assert lives(0, ann=[0]) == [(0, 0, 1)]


@pytest.mark.parametrize("days_of", [{}, {"ann": [-3]}])
def test_without_plays_there_are_no_lifetimes(days_of):
    assert lives(100, **days_of) == []


def naive_life(days, as_of):
    """By walking from day to day."""
    idle = 0
    for day in range(min(days), as_of + 1):
        idle = 0 if day in days else idle + 1
        if idle == CHURN:
            return day - min(days), True
    return as_of - min(days), False


@settings(max_examples=25, deadline=None)
@given(
    everyone=st.lists(st.sets(st.integers(0, 120), min_size=1, max_size=6), min_size=1, max_size=8),
    more=st.integers(0, 40),
)
def test_lifetimes_equal_a_walk_from_day_to_day(everyone, more):
    as_of = max(map(max, everyone)) + more
    found = lives(as_of, **{f"user {number}": sorted(days) for number, days in enumerate(everyone)})
    expected = [naive_life(days, as_of) for days in everyone]
    days = sorted({day for day, _is_lost in expected})
    assert found == [(day, expected.count((day, True)), expected.count((day, False))) for day in days]


# The curve


def test_every_day_of_the_longest_life_has_a_row_with_those_who_reached_it():
    found = curve(lost=[2], censored=[0, 2, 3])
    assert found[["day", "n_at_risk", "n_lost", "n_censored"]].to_numpy().tolist() == [
        [0, 4, 0, 1],
        [1, 3, 0, 0],
        [2, 3, 1, 1],
        [3, 1, 0, 1],
    ]
    assert found.survival.tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])


# Weeks in remission of 21 leukaemia patients under 6-mercaptopurine: Freireich and others, Blood 21 (1963), 699–716.
REMISSIONS_ENDED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
REMISSIONS_LASTING = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def test_the_remissions_of_freireichs_patients_give_the_curve_worked_out_by_hand():
    found = curve(REMISSIONS_ENDED, REMISSIONS_LASTING).set_index("day")
    expected = 1.0
    for week, ended, at_risk in [(6, 3, 21), (7, 1, 17), (10, 1, 15), (13, 1, 12), (16, 1, 11), (22, 1, 7), (23, 1, 6)]:
        expected *= (at_risk - ended) / at_risk
        assert (found.n_lost[week], found.n_at_risk[week]) == (ended, at_risk)
        assert found.survival[week] == pytest.approx(expected)
    assert found.survival[35] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
def test_curve_and_interval_equal_those_of_scipy():
    random = np.random.default_rng(5)
    lives_, watched = random.geometric(0.02, 400), random.integers(0, 90, 400)
    lost, censored = lives_[lives_ <= watched], watched[lives_ > watched]
    sf = ecdf(CensoredData(uncensored=lost, right=censored)).sf
    bounds = sf.confidence_interval(method="log-log")
    found = curve(lost.tolist(), censored.tolist()).set_index("day").loc[lost.min() :]
    for name, function in (("survival", sf), ("survival_low", bounds.low), ("survival_high", bounds.high)):
        assert found[name].to_numpy() == pytest.approx(function.evaluate(found.index), rel=1e-9)


def test_before_the_first_loss_survival_and_both_bounds_are_1():
    before = curve(lost=[3], censored=[1, 5]).set_index("day").loc[:2]
    assert before[["survival", "survival_low", "survival_high"]].to_numpy().tolist() == [[1.0] * 3] * 3


def test_where_nobody_is_left_survival_is_0_and_has_no_interval():
    last = curve(lost=[1, 3]).iloc[-1]
    assert last.survival == 0
    assert last[["survival_low", "survival_high"]].isna().all()


def test_without_users_the_curve_is_empty_and_of_the_contracts_types():
    found = curve()
    assert len(found) == 0
    assert {name: str(type_) for name, type_ in found.dtypes.items()} == {
        column.name: column.type for column in contracts.survival.columns
    }


@settings(max_examples=25, deadline=None)
@given(
    lost=st.lists(st.integers(0, 60), max_size=30),
    censored=st.lists(st.integers(0, 60), min_size=1, max_size=30),
)
def test_survival_never_rises_lies_within_its_bounds_and_everybody_is_accounted_for(lost, censored):
    found = curve(lost, censored)
    assert found.day.tolist() == list(range(max(lost + censored) + 1))
    assert found.n_at_risk.tolist() == [sum(day >= start for day in lost + censored) for start in found.day]
    assert (found.survival.diff().dropna() <= 0).all()
    bounded = found.dropna()
    assert (bounded.survival_low <= bounded.survival).all()
    assert (bounded.survival <= bounded.survival_high).all()
    assert bounded.survival_low.ge(0).all()
    assert bounded.survival_high.le(1).all()
    assert found[found.survival_low.isna()].survival.eq(0).all()
