"""marts/survival, and the groups of marts/early_behaviour, re-computed in plain pandas from events and sessions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import CensoredData, binomtest, ecdf

CHURN = 28
DAY = pd.Timedelta(days=1)


@pytest.fixture
def plays(published):
    events = published.frame("core/events")
    return events[events.event_type == "play"]


def same(found, expected):
    """Counts exactly, other numbers to 1e-9, unknown where unknown is expected."""
    pd.testing.assert_frame_equal(
        found[list(expected.columns)], expected, check_dtype=False, rtol=1e-9, atol=1e-12, check_index_type=False
    )


# Survival


def lifetime(days, as_of):
    """(day of life, is lost) of a user with plays on these days, in order."""
    for last, following in zip(days, [*days[1:], None], strict=True):
        days_without = (as_of if following is None else following - DAY) - last
        if days_without >= CHURN * DAY:
            return (last - days[0]).days + CHURN, True
    return (as_of - days[0]).days, False


def test_the_survival_curve_is_the_one_of_plays_taken_user_by_user(published, plays):
    days = plays.drop_duplicates(["user_id", "event_date"]).sort_values("event_date").groupby("user_id").event_date
    lives = pd.DataFrame([lifetime(list(own), published.as_of) for _user, own in days], columns=["day", "is_lost"])
    found = published.frame("marts/survival").sort_values("day", ignore_index=True)
    timeline = np.arange(lives.day.max() + 1)
    counted = pd.DataFrame(
        {
            "day": timeline,
            "n_at_risk": [(lives.day >= day).sum() for day in timeline],
            "n_lost": [((lives.day == day) & lives.is_lost).sum() for day in timeline],
            "n_censored": [((lives.day == day) & ~lives.is_lost).sum() for day in timeline],
        }
    )
    same(found, counted)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
def test_survival_and_its_bounds_are_those_of_an_independent_estimator(published):
    found = published.frame("marts/survival").sort_values("day", ignore_index=True)
    lost, censored = np.repeat(found.day, found.n_lost), np.repeat(found.day, found.n_censored)
    sf = ecdf(CensoredData(uncensored=lost, right=censored)).sf
    bounds = sf.confidence_interval(method="log-log")
    inside = found[found.survival.between(0, 1, inclusive="neither")]
    assert inside.survival.to_numpy() == pytest.approx(sf.evaluate(inside.day), rel=1e-9)
    assert inside.survival_low.to_numpy() == pytest.approx(bounds.low.evaluate(inside.day), rel=1e-9)
    assert inside.survival_high.to_numpy() == pytest.approx(bounds.high.evaluate(inside.day), rel=1e-9)
    before = found[found.day < lost.min()] if len(lost) else found
    assert (before[["survival", "survival_low", "survival_high"]] == 1).all(axis=None)


# Early behaviour


def early(published, plays):
    """One row per user whose D0 + 7 is reached: genres (NaN where none is known), sessions, retained."""
    zero = plays.groupby("user_id").event_date.min()
    zero = zero[zero + 7 * DAY <= published.as_of]
    aged = plays[plays.user_id.isin(zero.index)]
    aged = aged.assign(day=(aged.event_date - aged.user_id.map(zero)).dt.days)
    genre_of = published.frame("core/content").set_index("content_id").genre
    first = aged[aged.day <= 2]
    genres = first.assign(genre=first.content_id.map(genre_of)).groupby("user_id").genre.nunique()
    sessions = published.frame("core/sessions")
    sessions = sessions[sessions.user_id.isin(zero.index)]
    begun = sessions[(sessions.session_date - sessions.user_id.map(zero)).dt.days.between(0, 2)]
    return pd.DataFrame(
        {
            "genres": genres.replace(0, np.nan),
            "sessions": begun.groupby("user_id").size(),
            "is_retained": zero.index.isin(aged[aged.day == 7].user_id),
        },
        index=zero.index,
    )


def bounds(retained, eligible):
    interval = binomtest(retained, eligible).proportion_ci(method="wilson")
    return interval.low, interval.high


def expected_groups(users, behaviour):
    """Rates by level with Wilson's interval, and differences to level 1 with Newcombe's."""
    levels = users[behaviour].map(
        lambda level: "unknown" if pd.isna(level) else "4+" if level >= 4 else str(int(level))
    )
    rows = []
    for level in ("1", "2", "3", "4+", "unknown") if behaviour == "genres" else ("1", "2", "3", "4+"):
        outcomes = users.is_retained[levels == level]
        row = {"level": level, "n_eligible": len(outcomes), "n_retained": int(outcomes.sum())}
        if len(outcomes):
            low, high = bounds(row["n_retained"], row["n_eligible"])
            row |= {"rate": outcomes.mean(), "rate_low": low, "rate_high": high}
        if len(outcomes) and level not in ("1", "unknown") and rows[0]["n_eligible"]:
            base = rows[0]
            row["difference"] = row["rate"] - base["rate"]
            below = (row["rate"] - low) ** 2 + (base["rate_high"] - base["rate"]) ** 2
            above = (high - row["rate"]) ** 2 + (base["rate"] - base["rate_low"]) ** 2
            row |= {
                "difference_low": row["difference"] - below**0.5,
                "difference_high": row["difference"] + above**0.5,
            }
        rows.append(row)
    columns = ["level", "n_eligible", "n_retained", "rate", "rate_low", "rate_high"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "difference_low", "difference_high"])


@pytest.mark.parametrize("behaviour", ["genres", "sessions"])
def test_d7_by_genres_and_sessions_of_the_first_three_days_is_that_of_plays_taken_user_by_user(
    published, plays, behaviour
):
    found = published.frame("marts/early_behaviour")
    groups = found[(found.analysis == "groups") & (found.behaviour == behaviour)]
    expected = expected_groups(early(published, plays), behaviour)
    same(groups.sort_values("level", ignore_index=True), expected.astype({"rate": float, "difference": float}))


def test_the_regression_and_the_shift_are_about_all_users_with_known_genres(published, plays):
    known = early(published, plays).dropna(subset="genres")
    found = published.frame("marts/early_behaviour")
    others = found[found.analysis != "groups"]
    assert len(others) == 5
    assert (others.n_eligible == len(known)).all()
    assert (others.n_retained == known.is_retained.sum()).all()
