"""The audience over time: figures per day and week, windows of active users, who comes and who goes, the week's rhythm."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core
from streaming_assets.contracts.marts import audience as contracts
from streaming_assets.transforms import audience
from streaming_assets_tests.transforms.situations import calendar, rows_of, table

DAY = dt.timedelta(days=1)
MONDAY = dt.date(2026, 3, 2)
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = (MONDAY + number * DAY for number in range(1, 7))
NEXT_MONDAY = MONDAY + 7 * DAY


def user_day(user_id, date, plays=1, **columns):
    """A row of core/user_daily; what is not given is 0."""
    noon = dt.datetime.combine(date, dt.time(12))
    known = {"user_id": user_id, "date": date, "plays": plays, "first_event_at": noon, "last_event_at": noon}
    return {**dict.fromkeys(core.user_daily.column_names, 0), **known, **columns}


def session(user_id, date, minutes):
    """A row of core/sessions; what is not given is unknown."""
    known = {"user_id": user_id, "session_date": date, "duration_seconds": 60.0 * minutes}
    return {**dict.fromkeys(core.sessions.column_names), **known}


def daily(user_days, sessions=(), as_of=SUNDAY):
    made = audience.platform_daily(
        user_daily=table(user_days, core.user_daily),
        sessions=table(sessions, core.sessions),
        calendar=calendar(),
        as_of=as_of,
    )
    return rows_of(made, contracts.platform_daily, "date")


def weekly(user_days, sessions=(), as_of=SUNDAY, days=None):
    made = audience.platform_weekly(
        user_daily=table(user_days, core.user_daily),
        sessions=table(sessions, core.sessions),
        calendar=calendar() if days is None else days,
        as_of=as_of,
    )
    return rows_of(made, contracts.platform_weekly, "week_start")


def active(user_days, as_of=SUNDAY):
    made = audience.active_users(table(user_days, core.user_daily), calendar(), as_of)
    return rows_of(made, contracts.active_users, "date")


def lifecycle_by_day(user_days, as_of=SUNDAY):
    made = audience.lifecycle_daily(table(user_days, core.user_daily), calendar(), as_of)
    return rows_of(made, contracts.lifecycle_daily, "date")


def lifecycle_by_week(user_days, as_of=SUNDAY):
    made = audience.lifecycle_weekly(table(user_days, core.user_daily), calendar(), as_of)
    return rows_of(made, contracts.lifecycle_weekly, "week_start")


def profile(hours, days, as_of):
    made = audience.hourly_profile(table(hours, core.hourly_activity), days, as_of)
    return {(row["day_of_week"], row["hour"]): row for row in rows_of(made, contracts.hourly_profile, "hour")}


def shown(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


# Figures per day


def test_a_days_figures_are_those_of_its_users_and_of_the_sessions_that_start_on_it():
    ann = user_day(
        "ann", MONDAY, plays=3, skips=1, watch_seconds=3600.0, plays_with_watch_time=3,
        completion_pct_sum=150.0, completion_pct_n=2, watched_known_seconds=1800.0, content_known_seconds=3000.0,
    )  # fmt: skip
    ben = user_day(
        "ben", MONDAY, plays=1, skips=1, watch_seconds=1800.0, plays_with_watch_time=1,
        completion_pct_sum=30.0, completion_pct_n=1, watched_known_seconds=600.0, content_known_seconds=2000.0,
    )  # fmt: skip
    started = [session("ann", MONDAY, 40), session("ann", MONDAY, 20), session("ben", MONDAY, 30)]
    (row,) = daily([ann, ben], started, as_of=MONDAY)
    assert row == {
        "date": MONDAY, "plays": 4, "active_users": 2, "new_users": 2, "sessions": 3, "watch_hours": 1.5,
        "avg_completion_pct": 60.0, "weighted_completion_pct": 48.0, "avg_session_minutes": 30.0, "skips": 2,
        "skip_rate": 0.5, "plays_per_user": 2.0, "avg_watch_minutes_per_user": 45.0, "is_complete": True,
    }  # fmt: skip


def test_a_day_without_plays_between_others_has_a_row_of_zeros_and_unknown_rates():
    rows = daily([user_day("ann", MONDAY), user_day("ann", WEDNESDAY)], as_of=WEDNESDAY)
    assert rows[1] == {
        "date": TUESDAY, "plays": 0, "active_users": 0, "new_users": 0, "sessions": 0, "watch_hours": 0.0,
        "avg_completion_pct": None, "weighted_completion_pct": None, "avg_session_minutes": None, "skips": 0,
        "skip_rate": None, "plays_per_user": None, "avg_watch_minutes_per_user": None, "is_complete": True,
    }  # fmt: skip


def test_days_run_from_the_first_play_to_the_day_as_of_which_the_figures_are():
    only_searched = user_day("ann", MONDAY, plays=0)
    rows = daily([only_searched, user_day("ann", TUESDAY)], as_of=FRIDAY)
    assert shown(rows, "date") == [(TUESDAY,), (WEDNESDAY,), (THURSDAY,), (FRIDAY,)]


@pytest.mark.parametrize("user_days", [[], [user_day("ann", MONDAY, plays=0, skips=2)]], ids=["no_event", "no_play"])
def test_where_nothing_was_played_there_are_no_rows(user_days):
    made = (daily, weekly, active, lifecycle_by_day, lifecycle_by_week)
    assert [one(user_days) for one in made] == [[]] * 5


def test_someone_who_only_skips_adds_skips_and_is_not_active():
    (row,) = daily([user_day("ann", MONDAY, plays=1), user_day("ben", MONDAY, plays=0, skips=3)], as_of=MONDAY)
    assert shown([row], "active_users", "new_users", "plays", "skips", "skip_rate", "plays_per_user") == [
        (1, 1, 1, 3, 3.0, 1.0)
    ]


def test_watch_hours_of_plays_are_unknown_where_no_play_has_a_watch_time_and_0_where_it_was_0():
    unknown = user_day("ann", MONDAY, plays=2)
    zero = user_day("ann", TUESDAY, plays=2, plays_with_watch_time=1)
    rows = daily([unknown, zero], as_of=TUESDAY)
    assert shown(rows, "watch_hours", "avg_watch_minutes_per_user") == [(None, None), (0.0, 0.0)]


def test_a_user_is_new_on_the_first_day_with_a_play_and_on_no_other():
    user_days = [
        user_day("ann", MONDAY, plays=0, completes=1),
        user_day("ben", MONDAY),
        user_day("ann", TUESDAY),
        user_day("ben", TUESDAY),
        user_day("ann", THURSDAY),
    ]
    assert shown(daily(user_days, as_of=THURSDAY), "active_users", "new_users") == [(1, 1), (2, 1), (0, 0), (1, 0)]


# Figures per week


def test_a_weeks_users_are_counted_once_and_its_sums_are_over_all_its_days():
    user_days = [
        user_day("ann", MONDAY, plays=2, watch_seconds=1800.0, plays_with_watch_time=2),
        user_day("ann", SUNDAY, plays=4, watch_seconds=5400.0, plays_with_watch_time=4),
        user_day("ben", SUNDAY, plays=3),
        user_day("ann", NEXT_MONDAY, plays=1),
        user_day("cem", NEXT_MONDAY, plays=1),
    ]
    started = [session("ann", MONDAY, 30), session("ann", SUNDAY, 60), session("cem", NEXT_MONDAY, 10)]
    rows = weekly(user_days, started, as_of=NEXT_MONDAY)
    assert shown(rows, "iso_year", "iso_week", "week_start", "plays", "active_users", "new_users", "sessions") == [
        (2026, 10, MONDAY, 9, 2, 2, 2),
        (2026, 11, NEXT_MONDAY, 2, 2, 1, 1),
    ]
    assert shown(rows, "watch_hours", "avg_session_minutes", "plays_per_user", "avg_watch_minutes_per_user") == [
        (2.0, 45.0, 4.5, 60.0),
        (None, 10.0, 1.0, None),
    ]


@pytest.mark.parametrize(("as_of", "complete"), [(SATURDAY, False), (SUNDAY, True), (NEXT_MONDAY, True)])
def test_a_week_is_complete_from_its_sunday_on(as_of, complete):
    first = weekly([user_day("ann", WEDNESDAY)], as_of=as_of)[0]
    assert (first["week_start"], first["is_complete"]) == (MONDAY, complete)


def test_a_week_without_plays_between_others_has_a_row_of_zeros():
    rows = weekly([user_day("ann", MONDAY), user_day("ann", MONDAY + 14 * DAY)], as_of=MONDAY + 14 * DAY)
    assert shown(rows, "iso_week", "plays", "active_users", "watch_hours", "skip_rate", "is_complete") == [
        (10, 1, 1, None, 0.0, True),
        (11, 0, 0, 0.0, None, True),
        (12, 1, 1, None, 0.0, False),
    ]


@pytest.mark.parametrize(
    ("date", "year", "week", "monday"),
    [
        (dt.date(2024, 12, 29), 2024, 52, dt.date(2024, 12, 23)),
        (dt.date(2024, 12, 30), 2025, 1, dt.date(2024, 12, 30)),
        (dt.date(2021, 1, 3), 2020, 53, dt.date(2020, 12, 28)),
        (dt.date(2021, 1, 4), 2021, 1, dt.date(2021, 1, 4)),
        (dt.date(2005, 1, 1), 2004, 53, dt.date(2004, 12, 27)),
        (dt.date(2027, 1, 1), 2026, 53, dt.date(2026, 12, 28)),
        (dt.date(2028, 2, 29), 2028, 9, dt.date(2028, 2, 28)),
    ],
)
def test_a_week_belongs_to_the_year_of_its_thursday(date, year, week, monday):
    (row,) = weekly([user_day("ann", date)], as_of=date, days=calendar(first=date, last=date))
    assert shown([row], "iso_year", "iso_week", "week_start") == [(year, week, monday)]


# Windows of active users


def test_a_user_is_in_the_window_of_7_days_for_7_days_and_in_that_of_28_for_28():
    rows = active([user_day("ann", MONDAY)], as_of=MONDAY + 28 * DAY)
    assert [row["dau"] for row in rows] == [1] + [0] * 28
    assert [row["wau_7d"] for row in rows] == [1] * 7 + [0] * 22
    assert [row["mau_28d"] for row in rows] == [1] * 28 + [0]


def test_a_user_with_several_days_in_a_window_is_counted_once():
    user_days = [user_day("ann", date) for date in (MONDAY, TUESDAY, SUNDAY)] + [user_day("ben", TUESDAY)]
    rows = active(user_days, as_of=NEXT_MONDAY + DAY)
    assert shown(rows, "dau", "wau_7d") == [(1, 1), (2, 2), (0, 2), (0, 2), (0, 2), (0, 2), (1, 2), (0, 2), (0, 1)]


def test_dau_to_mau_is_unknown_only_when_nobody_played_for_28_days():
    rows = active([user_day("ann", MONDAY), user_day("ben", MONDAY), user_day("ann", TUESDAY)], MONDAY + 30 * DAY)
    ratios = [row["dau_mau_ratio"] for row in rows]
    assert ratios[:3] == [1.0, 0.5, 0.0]
    assert ratios[28:] == [0.0, None, None]


# Who comes and who goes


def test_a_user_is_new_then_returning_then_dormant_once_then_resurrecting():
    ann = [user_day("ann", date) for date in (MONDAY, TUESDAY, FRIDAY)]
    rows = lifecycle_by_day(ann, as_of=SUNDAY)
    assert shown(rows, "date", "active", "new", "returning", "resurrecting", "dormant") == [
        (MONDAY, 1, 1, 0, 0, 0),
        (TUESDAY, 1, 0, 1, 0, 0),
        (WEDNESDAY, 0, 0, 0, 0, 1),
        (THURSDAY, 0, 0, 0, 0, 0),
        (FRIDAY, 1, 0, 0, 1, 0),
        (SATURDAY, 0, 0, 0, 0, 1),
        (SUNDAY, 0, 0, 0, 0, 0),
    ]
    assert {row["is_complete"] for row in rows} == {True}


def test_weeks_compare_with_the_week_before_whatever_the_day():
    user_days = [
        user_day("ann", MONDAY),
        user_day("ann", NEXT_MONDAY + 6 * DAY),
        user_day("ben", SUNDAY),
        user_day("ben", MONDAY + 14 * DAY),
        user_day("cem", NEXT_MONDAY),
        user_day("cem", NEXT_MONDAY + DAY),
    ]
    rows = lifecycle_by_week(user_days, as_of=MONDAY + 14 * DAY)
    names = ("iso_week", "active", "new", "returning", "resurrecting", "dormant", "is_complete")
    assert shown(rows, *names) == [
        (10, 2, 2, 0, 0, 0, True),
        (11, 2, 1, 1, 0, 1, True),
        (12, 1, 0, 0, 1, 2, False),
    ]


def test_a_search_does_not_bring_a_user_back():
    rows = lifecycle_by_day([user_day("ann", MONDAY), user_day("ann", TUESDAY, plays=0)], as_of=TUESDAY)
    assert shown(rows, "active", "returning", "dormant") == [(1, 0, 0), (0, 0, 1)]


# The rhythm of the week


def hour(hour_at, date, local_hour, plays, users):
    """A row of core/hourly_activity."""
    return {
        "hour_at": hour_at, "date": date, "local_hour": local_hour, "plays": plays, "active_users": users,
        "watch_seconds": 0.0,
    }  # fmt: skip


def utc_hour(date, local_hour, plays, users=1):
    return hour(dt.datetime.combine(date, dt.time(local_hour)), date, local_hour, plays, users)


def test_hours_of_days_without_plays_count_as_0_in_the_means():
    mondays = [utc_hour(MONDAY, 20, plays=6, users=3), utc_hour(MONDAY + 14 * DAY, 20, plays=3, users=2)]
    found = profile(mondays, calendar(), as_of=MONDAY + 14 * DAY)
    at_eight = found[1, 20]
    assert (at_eight["hours"], at_eight["mean_plays"], at_eight["mean_active_users"]) == (3, 3.0, 5 / 3)
    assert (found[1, 21]["hours"], found[1, 21]["mean_plays"]) == (3, 0.0)
    assert (found[2, 20]["hours"], found[2, 20]["mean_plays"]) == (2, 0.0)
    assert len(found) == 7 * 24


def test_only_weekdays_between_the_first_play_and_the_end_are_there():
    silent = [utc_hour(TUESDAY, number, plays=0, users=0) for number in range(24)]
    found = profile([*silent, utc_hour(WEDNESDAY, 9, plays=1)], calendar(), as_of=FRIDAY)
    assert sorted(found) == [(weekday, number) for weekday in (3, 4, 5) for number in range(24)]


def test_without_hours_there_is_no_profile():
    assert profile([], calendar(), as_of=SUNDAY) == {}


def test_the_hour_that_spring_skips_is_not_counted_on_that_day():
    sunday = dt.date(2026, 3, 29)  # Berlin's clocks go from 2 to 3; midnight is 23:00 UTC the day before
    after_the_change = hour(dt.datetime(2026, 3, 29, 1), sunday, 3, plays=4, users=2)
    days = calendar("Europe/Berlin", sunday, sunday + 7 * DAY)
    on_the_day = profile([after_the_change], days, as_of=sunday)
    assert sorted(number for _, number in on_the_day) == [0, 1, *range(3, 24)]
    assert on_the_day[7, 3]["mean_plays"] == 4.0
    a_week_later = profile([after_the_change], days, as_of=sunday + 7 * DAY)
    assert [(a_week_later[7, number]["hours"], a_week_later[7, number]["mean_plays"]) for number in (1, 2, 3)] == [
        (2, 0.0),
        (1, 0.0),
        (2, 2.0),
    ]


def test_the_hour_that_autumn_repeats_is_counted_twice_on_that_day():
    sunday = dt.date(2026, 10, 25)  # Berlin's clocks show 2 to 3 twice: at 0:00 and at 1:00 UTC
    twice = [
        hour(dt.datetime(2026, 10, 25, 0), sunday, 2, plays=5, users=2),
        hour(dt.datetime(2026, 10, 25, 1), sunday, 2, plays=1, users=1),
        hour(dt.datetime(2026, 10, 25, 2), sunday, 3, plays=7, users=7),
    ]
    days = calendar("Europe/Berlin", sunday, sunday + 7 * DAY)
    on_the_day = profile(twice, days, as_of=sunday)
    shown_hours = [(on_the_day[7, number]["hours"], on_the_day[7, number]["mean_plays"]) for number in (1, 2, 3)]
    assert shown_hours == [(1, 0.0), (2, 3.0), (1, 7.0)]
    assert on_the_day[7, 2]["mean_active_users"] == 1.5
    assert len(on_the_day) == 24
    assert profile(twice, days, as_of=sunday + 7 * DAY)[7, 2]["hours"] == 3


# Whatever is played


LAST = 50
PLAYED = st.sets(
    st.tuples(st.sampled_from(["ann", "ben", "cem", "dan"]), st.integers(0, LAST)), min_size=1, max_size=40
)
SETTINGS = settings(max_examples=25, deadline=None)


def dates_of(played):
    """The day numbers of each user's plays, as dates from a Monday on."""
    return {user: {MONDAY + number * DAY for who, number in played if who == user} for user, _ in played}


@SETTINGS
@given(played=PLAYED, after=st.integers(0, 3))
def test_active_users_are_those_with_a_play_in_the_days_up_to_the_day(played, after):
    dates = dates_of(played)
    last = max(max(own) for own in dates.values())
    rows = active([user_day(user, MONDAY + number * DAY) for user, number in played], as_of=last + after * DAY)

    def users_in(date, days):
        window = {date - number * DAY for number in range(days)}
        return sum(bool(own & window) for own in dates.values())

    assert [row["date"] for row in rows][-1] == last + after * DAY
    assert shown(rows, "dau", "wau_7d", "mau_28d") == [
        (users_in(row["date"], 1), users_in(row["date"], 7), users_in(row["date"], 28)) for row in rows
    ]


@SETTINGS
@given(played=PLAYED, made=st.sampled_from([lifecycle_by_day, lifecycle_by_week]))
def test_every_active_user_is_of_one_kind_and_whoever_was_active_returns_or_is_dormant(played, made):
    rows = made([user_day(user, MONDAY + number * DAY) for user, number in played], as_of=MONDAY + LAST * DAY)
    for row in rows:
        assert row["active"] == row["new"] + row["returning"] + row["resurrecting"]
    for before, row in pairwise(rows):
        assert row["returning"] + row["dormant"] == before["active"]
    assert (rows[0]["returning"], rows[0]["resurrecting"], rows[0]["dormant"]) == (0, 0, 0)
    assert sum(row["new"] for row in rows) == len(dates_of(played))
