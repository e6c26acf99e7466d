"""Intervals for proportions, against published and independently computed values."""

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from streaming_assets.transforms.intervals import wilson, wilson_of


def on_a_table(counts):
    rows = ibis.memtable(
        {"number": range(len(counts)), "successes": [k for k, _ in counts], "trials": [n for _, n in counts]},
        schema={"number": "int64", "successes": "int64", "trials": "int64"},
    )
    low, high = wilson(rows.successes, rows.trials)
    found = rows.select("number", low=low, high=high).order_by("number").to_pyarrow()
    return list(zip(found["low"].to_pylist(), found["high"].to_pylist(), strict=True))


def on_arrays(counts):
    low, high = wilson_of([k for k, _ in counts], [n for _, n in counts])
    return list(zip(low.tolist(), high.tolist(), strict=True))


@pytest.mark.parametrize("interval", [on_a_table, on_arrays])
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_bounds_are_those_of_newcombes_examples(interval, successes, trials, low, high):
    ((found_low, found_high),) = interval([(successes, trials)])
    assert (round(found_low, 4), round(found_high, 4)) == (low, high)


@pytest.mark.parametrize("interval", [on_a_table, on_arrays])
def test_ten_of_a_hundred_lie_between_5_and_a_half_and_17_and_a_half_percent(interval):
    ((low, high),) = interval([(10, 100)])
    assert (low, high) == pytest.approx((0.05522914, 0.17436566), abs=5e-9)


@pytest.mark.parametrize("interval", [on_a_table, on_arrays])
@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(
        st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=20
    )
)
def test_bounds_are_those_of_an_independent_computation_and_enclose_the_rate(interval, counts):
    for (k, n), (low, high) in zip(counts, interval(counts), strict=True):
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)
        assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize("interval", [on_a_table, on_arrays])
def test_none_and_all_reach_the_ends_exactly(interval):
    sizes = [1, 2, 3, 7, 10, 29, 1000, 123_457]
    assert [low for low, _ in interval([(0, n) for n in sizes])] == [0.0] * len(sizes)
    assert [high for _, high in interval([(n, n) for n in sizes])] == [1.0] * len(sizes)


def test_without_trials_nothing_can_be_said():
    assert on_a_table([(0, 0), (1, 2)])[0] == (None, None)
    assert np.isnan(wilson_of([0], [0])).all()
    assert on_a_table([]) == []
