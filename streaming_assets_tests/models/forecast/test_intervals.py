"""Intervals from what earlier forecasts missed by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_assets.models.forecast.intervals import bands, rolling_bands, scaled_residuals

NAN = float("nan")


def test_of_99_residuals_the_10_outermost_on_either_side_are_left_out_for_80_percent():
    # k = ⌊100 · 0.1⌋ = 10 and ⌊100 · 0.025⌋ = 2; with √100 = 10 users a unit.
    found = bands(np.array([100.0]), np.arange(-49, 50) / 10)
    assert (found["lo80"][0], found["hi80"][0]) == pytest.approx((100 - 40, 100 + 40))
    assert (found["lo95"][0], found["hi95"][0]) == pytest.approx((100 - 48, 100 + 48))


@pytest.mark.parametrize(
    ("count", "has_80", "has_95"), [(8, False, False), (9, True, False), (38, True, False), (39, True, True)]
)
def test_a_level_needs_as_many_residuals_as_it_can_leave_one_out_of_on_either_side(count, has_80, has_95):
    found = bands(np.array([4.0]), np.linspace(-1, 1, count))
    assert (not np.isnan(found["lo80"][0]), not np.isnan(found["hi95"][0])) == (has_80, has_95)


def test_nobody_is_fewer_than_none_and_small_audiences_spread_as_one_user_does():
    found = bands(np.array([0.0, 0.5]), np.linspace(-3, 3, 99))
    assert found["lo80"].tolist() == [0, 0]
    assert found["hi80"] == pytest.approx(np.array([0, 0.5]) + np.linspace(-3, 3, 99)[-10])


def test_residuals_are_in_roots_of_what_was_expected():
    found = scaled_residuals(np.array([120.0, 3.0, NAN]), np.array([100.0, 0.25, 9.0]))
    assert found[:2].tolist() == [2.0, 2.75]
    assert np.isnan(found[2])


def test_an_origin_learns_from_the_28_before_it_and_never_from_itself():
    origin = np.repeat(np.arange(31), 24)
    expected = np.full(len(origin), 100.0)
    # The first two origins miss wildly, all others by up to 1.
    actual = expected + np.where(origin < 2, 500.0, np.tile(np.linspace(-1, 1, 24), 31))
    found = rolling_bands(origin, expected, actual)
    assert np.isnan(found["lo80"][origin == 0]).all()
    assert (found["hi80"][origin == 1] == 600).all()
    assert (found["hi95"][origin == 29] == 600).all()
    assert (found["hi95"][origin == 30] <= 101).all()


@given(
    st.lists(st.floats(-50, 50), min_size=39, max_size=80),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
)
def test_wider_levels_hold_narrower_ones_and_all_hold_what_is_expected(residuals, expected):
    centre = np.array(expected)
    found = bands(centre, np.array(residuals))
    in_order = np.stack([np.zeros(len(centre)), found["lo95"], found["lo80"], centre, found["hi80"], found["hi95"]])
    assert (np.diff(in_order, axis=0) >= 0).all()
