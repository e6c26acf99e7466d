"""Return rates: which breaks count, and how many of them ended, by hand and by a recount of random days."""

import random

import pytest
from scipy.stats import binomtest

from streaming_assets.contracts import core
from streaming_assets.contracts.models.churn import return_rate as contract
from streaming_assets.models.churn.return_rate import MOST_IDLE_DAYS, RETURN_DAYS, return_rate
from streaming_assets_tests.models.churn.known_days import C as T
from streaming_assets_tests.models.churn.known_days import day
from streaming_assets_tests.transforms.situations import rows_of, table


def curve(days):
    """(n_breaks, n_returned) by idle days, of days told as (user, days before T, plays)."""
    rows = [day(user_id, back, plays=plays) for user_id, back, plays in days]
    found = rows_of(return_rate(table(rows, core.user_daily), T), contract, "idle_days")
    return {row["idle_days"]: row for row in found}


def counts(found):
    return {idle: (row["n_breaks"], row["n_returned"]) for idle, row in found.items()}


@pytest.fixture(scope="module")
def breaks():
    return curve(
        [
            # A break of 2 idle days, then two active days in a row, then one that lasts to T.
            *[("ann", back, 1) for back in (200, 197, 196)],
            # Back on the 90th day, and too late on the 91st.
            *[("bob", back, 1) for back in (400, 310, 219)],
            # Starts 90 days before T, and one day later, which is too late to know.
            *[("cem", back, 1) for back in (90, 89)],
            *[("dee", back, 1) for back in (90, 80)],
            # Skips do not end a break, nor does what comes after T.
            *[("eve", 300, 1), ("eve", 299, 0), ("eve", 290, 1), ("eve", -1, 1)],
        ]
    )


def test_breaks_count_once_their_90_days_are_over_and_end_within_them(breaks):
    found = counts(breaks)
    # ann 2 and 196, bob 89, 90 and 219, dee 9, eve 9 and 290 idle days.
    assert found[1] == found[2] == (8, 4)
    assert found[3] == found[9] == (7, 3)
    assert found[10] == found[60] == (5, 1)


def test_rates_have_wilsons_interval(breaks):
    expected = binomtest(3, 7).proportion_ci(method="wilson")
    row = breaks[9]
    assert (row["rate"], row["rate_low"], row["rate_high"]) == pytest.approx((3 / 7, expected.low, expected.high))


def test_without_breaks_there_are_60_rows_and_no_rates():
    found = curve([("ann", back, 1) for back in range(120)])
    assert list(found) == list(range(1, 61))
    assert {(row["n_breaks"], row["rate"], row["rate_low"], row["rate_high"]) for row in found.values()} == {
        (0, None, None, None)
    }


def test_a_recount_of_random_days_finds_the_same():
    rng = random.Random(3)
    active = {str(user): sorted(rng.sample(range(300), rng.randint(1, 40)), reverse=True) for user in range(40)}
    found = curve([(user, back, 1) for user, backs in active.items() for back in backs])
    breaks = []
    for backs in active.values():
        for back, following in zip(backs, [*backs[1:], -1], strict=True):
            has_returned = following >= 0 and back - following <= RETURN_DAYS
            if back >= RETURN_DAYS:
                breaks.append((back - following - 1, has_returned))
    assert counts(found) == {
        n: (sum(idle >= n for idle, _ in breaks), sum(idle >= n and back for idle, back in breaks))
        for n in range(1, MOST_IDLE_DAYS + 1)
    }


def test_t_itself_may_be_an_active_day():
    assert counts(curve([("ann", 90, 1), ("ann", 0, 1)]))[60] == (1, 1)
