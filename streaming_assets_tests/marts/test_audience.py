"""The marts on the whole audience over time, re-computed in plain pandas from plays, sessions and events."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

DAY = pd.Timedelta(days=1)


@pytest.fixture
def plays(published):
    return published.frame("core/plays").assign(day=lambda frame: frame.event_date)


@pytest.fixture
def days(published, plays):
    """Every day from the first play to T."""
    return pd.date_range(plays.day.min(), published.as_of, freq="D")


def monday(days):
    """The Monday of each day's ISO week."""
    days = pd.Series(days)
    return days - pd.to_timedelta(days.dt.weekday, unit="D")


def with_iso_week(frame):
    """`period`, a Monday, as the columns that name an ISO week."""
    iso = frame.period.dt.isocalendar()
    return frame.assign(iso_year=iso.year, iso_week=iso.week).rename(columns={"period": "week_start"})


def expected_figures(published, plays, period_of, periods):
    """Each period's figures by their definitions; period_of gives the period of a series of days."""
    plays = plays.assign(period=period_of(plays.day).to_numpy())
    events = published.frame("core/events")
    skip_events = events[events.event_type == "skip"]
    skip_events = skip_events.assign(period=period_of(skip_events.event_date).to_numpy())
    sessions = published.frame("core/sessions")
    sessions = sessions.assign(period=period_of(sessions.session_date).to_numpy())
    first_period = plays.groupby("user_id").period.min()
    rows = []
    by_period = dict(list(plays.groupby("period")))
    skips_by_period = skip_events.groupby("period").size()
    sessions_by_period = dict(list(sessions.groupby("period")))
    new_by_period = first_period.value_counts()
    for period in periods:
        own = by_period.get(period, plays.iloc[:0])
        started = sessions_by_period.get(period, sessions.iloc[:0])
        users = own.user_id.nunique()
        known = own[own.completion_pct.notna()]
        watched = known[["watch_seconds", "content_seconds"]].min(axis=1).sum()
        nothing_known = len(own) > 0 and own.watch_seconds.isna().all()
        watch_hours = np.nan if nothing_known else own.watch_seconds.sum() / 3600
        skips = int(own.is_skip.sum()) + int(skips_by_period.get(period, 0))
        rows.append(
            {
                "period": period,
                "plays": len(own),
                "active_users": users,
                "new_users": int(new_by_period.get(period, 0)),
                "sessions": len(started),
                "watch_hours": watch_hours,
                "avg_completion_pct": known.completion_pct.mean() if len(known) else np.nan,
                "weighted_completion_pct": 100 * watched / known.content_seconds.sum() if len(known) else np.nan,
                "avg_session_minutes": started.duration_seconds.mean() / 60 if len(started) else np.nan,
                "skips": skips,
                "skip_rate": skips / len(own) if len(own) else np.nan,
                "plays_per_user": len(own) / users if users else np.nan,
                "avg_watch_minutes_per_user": watch_hours * 60 / users if users else np.nan,
            }
        )
    return pd.DataFrame(rows)


def expected_lifecycle(plays, period_of, periods):
    """Who came and who went in each period, by sets of users."""
    users = plays.user_id.groupby(period_of(plays.day).to_numpy()).agg(set)
    ever: set[str] = set()
    before: set[str] = set()
    rows = []
    for period in periods:
        now = users.get(period, set())
        rows.append(
            {
                "period": period,
                "active": len(now),
                "new": len(now - ever),
                "returning": len(now & before),
                "resurrecting": len((now & ever) - before),
                "dormant": len(before - now),
            }
        )
        ever |= now
        before = now
    return pd.DataFrame(rows)


def assert_same(found, expected, *key):
    found = found[list(expected.columns)]
    found, expected = (frame.sort_values(list(key)).reset_index(drop=True) for frame in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9, atol=0)


def test_platform_daily_follows_from_plays_sessions_and_skips(published, plays, days):
    expected = expected_figures(published, plays, pd.Series, days).rename(columns={"period": "date"})
    found = published.frame("marts/platform_daily")
    assert_same(found, expected, "date")
    assert found.is_complete.all()


def test_platform_weekly_follows_from_plays_sessions_and_skips(published, plays, days):
    mondays = monday(days).unique()
    expected = with_iso_week(expected_figures(published, plays, monday, mondays))
    found = published.frame("marts/platform_weekly")
    assert_same(found, expected, "week_start")
    assert (found.is_complete == (found.week_start + 6 * DAY <= published.as_of)).all()


def test_lifecycle_daily_follows_from_the_sets_of_each_days_users(published, plays, days):
    expected = expected_lifecycle(plays, pd.Series, days).rename(columns={"period": "date"})
    assert_same(published.frame("marts/lifecycle_daily"), expected, "date")


def test_lifecycle_weekly_follows_from_the_sets_of_each_weeks_users(published, plays, days):
    expected = with_iso_week(expected_lifecycle(plays, monday, monday(days).unique()))
    found = published.frame("marts/lifecycle_weekly")
    assert_same(found, expected, "week_start")
    assert (found.is_complete == (found.week_start + 6 * DAY <= published.as_of)).all()


@pytest.mark.parametrize("table", ["marts/lifecycle_daily", "marts/lifecycle_weekly"])
def test_lifecycle_adds_up(published, table):
    found = published.frame(table)
    found = found.sort_values("date" if "date" in found else "week_start")
    assert (found.active == found.new + found.returning + found.resurrecting).all()
    for before, now in pairwise(found.itertuples()):
        assert now.returning + now.dormant == before.active


def test_active_users_are_the_union_of_the_users_of_a_windows_days(published, plays, days):
    users = plays.groupby("day").user_id.agg(set).to_dict()

    def users_in(day, length):
        return len(set().union(*(users.get(day - number * DAY, set()) for number in range(length))))

    expected = pd.DataFrame(
        {"date": day, "dau": users_in(day, 1), "wau_7d": users_in(day, 7), "mau_28d": users_in(day, 28)} for day in days
    )
    expected["dau_mau_ratio"] = expected.dau / expected.mau_28d.replace(0, np.nan)
    assert_same(published.frame("marts/active_users"), expected, "date")


def test_hourly_profile_is_the_mean_over_every_such_hour_of_the_span(published, plays, days):
    per_hour = plays.groupby(["day", "local_hour"]).agg(plays=("event_id", "size"), users=("user_id", "nunique"))
    every_hour = pd.MultiIndex.from_product([days, range(24)], names=["day", "hour"])
    per_hour = per_hour.rename_axis(["day", "hour"]).reindex(every_hour, fill_value=0).reset_index()
    expected = (
        per_hour.assign(day_of_week=per_hour.day.dt.weekday + 1)
        .groupby(["day_of_week", "hour"], as_index=False)
        .agg(hours=("plays", "size"), mean_plays=("plays", "mean"), mean_active_users=("users", "mean"))
    )
    assert_same(published.frame("marts/hourly_profile"), expected, "day_of_week", "hour")


def test_days_and_weeks_agree_on_what_can_be_added(published):
    by_day = published.frame("marts/platform_daily")
    by_week = published.frame("marts/platform_weekly").set_index("week_start")
    summed = by_day.groupby(monday(by_day.date).to_numpy())[["plays", "new_users", "sessions"]].sum()
    pd.testing.assert_frame_equal(summed, by_week.loc[summed.index, summed.columns], check_names=False)
