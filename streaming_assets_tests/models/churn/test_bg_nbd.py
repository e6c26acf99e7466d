from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from streaming_assets.models.churn.bg_nbd import BgNbd, fit_bg_nbd

CDNOW = Path(__file__).parent / "data" / "cdnow_grouped.csv"
PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def cdnow() -> list[np.ndarray]:
    """x, t_x, T in weeks and how many customers have just these."""
    rows = pd.read_csv(CDNOW, comment="#")
    return [rows[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T", "customers")]


@pytest.fixture(scope="module")
def simulated() -> dict[str, np.ndarray]:
    """200,000 users of the published process, watched for 26 weeks and then for 4 more."""
    random = np.random.default_rng(7)
    n, watched, horizon = 200_000, 26.0, 4.0
    rate = random.gamma(PUBLISHED.r, 1 / PUBLISHED.alpha, n)
    leaves = random.beta(PUBLISHED.a, PUBLISHED.b, n)
    now, visits, last, later = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool)
    active = np.ones(n, dtype=bool)
    while active.any():
        now[active] += random.exponential(1 / np.maximum(rate[active], 1e-12))
        before = active & (now <= watched)
        visits[before] += 1
        last[before] = now[before]
        later |= active & (now > watched) & (now <= watched + horizon)
        active = before & (random.random(n) >= leaves)
    return {"x": visits, "t_x": last, "watched": np.full(n, watched), "later": later}


def test_cdnow_gives_the_published_parameters_and_likelihood(cdnow):
    *history, customers = cdnow
    assert customers.sum() == 2357
    found = fit_bg_nbd(*history, customers)
    # Fader, Hardie and Lee (2005), table 2.
    assert [round(value, 3) for value in (found.r, found.alpha, found.a, found.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(float(customers @ found.log_likelihood(*history)), 1) == -9582.4


def test_who_never_came_again_stays_away_with_a_ratio_of_powers():
    # Without a repeat visit nobody can have left: the gamma-mixed Poisson alone, ((alpha + T) / (alpha + T + h))^r.
    found = np.exp(PUBLISHED.log_no_visit(np.array([0.0]), np.array([0.0]), np.array([26.0]), 4.0))
    assert found[0] == pytest.approx((30.414 / 34.414) ** 0.243)


def test_no_visit_is_having_left_or_staying_away_while_active():
    x, t_x, watched, horizon = np.array([1.0, 4.0, 20.0]), np.array([3.0, 25.0, 10.0]), np.full(3, 26.0), 4.0
    # P(active) of Fader and Hardie (2008), Computing P(alive) Using the BG/NBD Model.
    odds_left = (
        PUBLISHED.a / (PUBLISHED.b + x - 1) * ((PUBLISHED.alpha + watched) / (PUBLISHED.alpha + t_x)) ** (0.243 + x)
    )
    visits_if_active = 1 - ((PUBLISHED.alpha + watched) / (PUBLISHED.alpha + watched + horizon)) ** (0.243 + x)
    expected = 1 - visits_if_active / (1 + odds_left)
    np.testing.assert_allclose(np.exp(PUBLISHED.log_no_visit(x, t_x, watched, horizon)), expected)


def test_simulated_users_stay_away_as_often_as_said_whatever_their_history(simulated):
    said = np.exp(PUBLISHED.log_no_visit(simulated["x"], simulated["t_x"], simulated["watched"], 4.0))
    recent = simulated["t_x"] > 20
    for mine in (
        simulated["x"] == 0,
        (simulated["x"] == 1) & ~recent,
        recent & (simulated["x"] < 4),
        simulated["x"] > 8,
    ):
        error = np.sqrt(said[mine].mean() * (1 - said[mine].mean()) / mine.sum())
        assert abs(said[mine].mean() - (~simulated["later"][mine]).mean()) < 4 * error


def test_grouped_rows_are_worth_as_many_users_as_they_say(cdnow):
    *history, customers = cdnow
    one_by_one = [np.repeat(values, customers.astype(int)) for values in history]
    np.testing.assert_allclose(
        list(vars(fit_bg_nbd(*one_by_one, np.ones(2357))).values()),
        list(vars(fit_bg_nbd(*history, customers)).values()),
        rtol=1e-4,
    )


def test_where_nobody_leaves_the_fit_ends_and_says_so():
    # Everybody came in the last week of twenty: nothing speaks for having left.
    visits = np.array([3.0, 6.0, 12.0])
    found = fit_bg_nbd(visits, np.full(3, 19.5), np.full(3, 20.0), np.array([50, 40, 20]))
    assert np.isfinite(list(vars(found).values())).all()
    assert found.a / (found.a + found.b) < 0.01
