"""Users: what each of them did up to T."""

import datetime as dt

import pytest

from streaming_assets.contracts import core, meta
from streaming_assets.contracts.marts import users as marts
from streaming_assets.transforms.users import user_metrics
from streaming_assets_tests.transforms.situations import at, rows_of, table

T = dt.date(2026, 3, 31)


def before(days):
    """So many days before T."""
    return T - dt.timedelta(days=days)


def day(user_id="ann", days_before=0, plays=1, hours=None, **columns):
    """A row of core/user_daily, so many days before T; without hours no watch time is known."""
    known = {
        "user_id": user_id,
        "date": before(days_before),
        "plays": plays,
        "watch_seconds": 3600.0 * (hours or 0),
        "plays_with_watch_time": 0 if hours is None else plays,
    }
    numbers = dict.fromkeys((name for name, type_ in core.user_daily.schema.items() if type_.is_numeric()), 0)
    return {**dict.fromkeys(core.user_daily.column_names), **numbers, **known, **columns}


def session(user_id, minutes):
    """A row of core/sessions."""
    return {
        **dict.fromkeys(core.sessions.column_names),
        "user_id": user_id,
        "session_date": T,
        "duration_seconds": 60.0 * minutes,
    }


def played(user_id="ann", content_id="c", plays=1, last="12:00", state=None):
    """A row of meta/user_titles."""
    return {
        "user_id": user_id,
        "content_id": content_id,
        "state": state,
        "plays": plays,
        "first_date": before(0),
        "last_event_at": at(last),
    }


def title(content_id, genre=None):
    """A row of core/content."""
    return {
        **dict.fromkeys(core.content.column_names),
        "content_id": content_id,
        "genre": genre,
        "is_derived": False,
    }


def metrics_of(days, sessions=(), titles=None, content=()):
    """The mart's rows by user; where nothing is said of titles, every user played one of which nobody says a word."""
    if titles is None:
        titles = [played(user_id) for user_id in {row["user_id"] for row in days}]
    found = user_metrics(
        user_daily=table(days, core.user_daily),
        sessions=table(sessions, core.sessions),
        user_titles=table(titles, meta.user_titles),
        content=table(content, core.content),
        as_of=T,
    )
    return {row["user_id"]: row for row in rows_of(found, marts.user_metrics, "user_id")}


def ann(days, **inputs):
    return metrics_of(days, **inputs)["ann"]


def shown(row, *names):
    return tuple(row[name] for name in names)


# Who has a row


def test_a_lake_without_plays_has_no_users():
    assert metrics_of([]) == {}


def test_who_only_skipped_and_never_played_has_no_row():
    assert list(metrics_of([day("ann"), day("bob", plays=0, skips=3)], titles=[played("ann")])) == ["ann"]


def test_of_a_user_with_one_play_of_which_nothing_is_known_only_counts_and_dates_are_told():
    row = ann([day(sessions_started=1)], sessions=[session("ann", 0)], content=[title("c")])
    assert row == {
        "user_id": "ann",
        "total_plays": 1,
        "total_sessions": 1,
        "watch_hours": None,
        "avg_watch_minutes": None,
        "avg_completion_pct": None,
        "plays_with_completion": 0,
        "distinct_content": 1,
        "distinct_genres": 0,
        "first_play_date": T,
        "last_play_date": T,
        "activity_span_days": 0,
        "active_days": 1,
        "avg_session_minutes": 0.0,
        "sessions_per_active_day": 1.0,
        "skip_rate": 0.0,
        "recommended_share": None,
        "buffer_events_per_hour": None,
        "days_since_last_play": 0,
        "plays_7d": 1,
        "plays_28d": 1,
        "favourite_genre": None,
        "favourite_content_id": "c",
        "cohort_month": "2026-03",
    }


def test_users_do_not_share_their_figures():
    found = metrics_of(
        [day("ann", plays=3, hours=1.0), day("bob", plays=1, hours=4.0)],
        sessions=[session("ann", 60), session("bob", 240)],
    )
    names = ("total_plays", "watch_hours", "avg_session_minutes")
    assert {user_id: shown(row, *names) for user_id, row in found.items()} == {
        "ann": (3, 1.0, 60.0),
        "bob": (1, 4.0, 240.0),
    }


# Days


def test_the_first_and_last_play_bound_the_span_and_days_without_a_play_do_not_count():
    row = ann(
        [
            day(days_before=50, plays=0, skips=1),
            day(days_before=40, plays=2),
            day(days_before=33, plays=1),
            day(days_before=4, plays=1),
            day(days_before=1, plays=0, completes=1),
        ]
    )
    assert shown(row, "first_play_date", "last_play_date") == (dt.date(2026, 2, 19), dt.date(2026, 3, 27))
    assert shown(row, "activity_span_days", "active_days", "days_since_last_play") == (36, 3, 4)
    assert row["cohort_month"] == "2026-02"


def test_the_cohort_is_the_month_of_the_first_play_in_its_year():
    row = ann([day(days_before=90), day()])
    assert shown(row, "first_play_date", "cohort_month") == (dt.date(2025, 12, 31), "2025-12")


def test_the_last_7_and_28_days_end_with_t_and_are_counted_with_it():
    row = ann([day(days_before=days, plays=10**number) for number, days in enumerate([0, 6, 7, 27, 28])])
    assert shown(row, "plays_7d", "plays_28d", "total_plays") == (11, 1_111, 11_111)


def test_recent_plays_are_0_and_not_unknown_for_who_left_long_ago():
    row = ann([day(days_before=200, plays=5)])
    assert shown(row, "plays_7d", "plays_28d", "days_since_last_play") == (0, 0, 200)


# Watch time and completion


def test_watch_minutes_per_play_are_over_the_plays_whose_watch_time_is_known():
    row = ann([day(plays=3, hours=2.0), day(days_before=1, plays=5), day(days_before=2, plays=1, hours=1.0)])
    assert shown(row, "total_plays", "watch_hours", "avg_watch_minutes") == (9, 3.0, 45.0)


def test_hours_of_plays_that_were_left_at_once_are_0_and_those_nobody_knows_are_null():
    found = metrics_of([day("ann", hours=0.0), day("bob")])
    assert shown(found["ann"], "watch_hours", "avg_watch_minutes") == (0.0, 0.0)
    assert shown(found["bob"], "watch_hours", "avg_watch_minutes") == (None, None)


def test_completion_is_the_mean_over_plays_and_not_over_days():
    row = ann(
        [
            day(plays=3, completion_pct_sum=270.0, completion_pct_n=3),
            day(days_before=1, plays=2, completion_pct_sum=10.0, completion_pct_n=1),
        ]
    )
    assert shown(row, "avg_completion_pct", "plays_with_completion") == (70.0, 4)


# Sessions


def test_sessions_are_those_started_and_their_length_is_the_mean_of_their_minutes():
    row = ann(
        [day(plays=5, sessions_started=3), day(days_before=1, sessions_started=2), day(days_before=9)],
        sessions=[session("ann", minutes) for minutes in (10, 20, 30, 40, 0)],
    )
    assert shown(row, "total_sessions", "avg_session_minutes") == (5, 20.0)
    assert row["sessions_per_active_day"] == pytest.approx(5 / 3)


def test_a_user_whose_plays_all_belong_to_a_session_of_a_day_before_has_no_session_length():
    row = ann([day()])
    assert shown(row, "total_sessions", "avg_session_minutes", "sessions_per_active_day") == (0, None, 0.0)


# Rates


def test_skips_of_days_without_a_play_count_so_that_the_rate_can_exceed_1():
    assert ann([day(plays=2, skips=1), day(days_before=1, plays=0, skips=4)])["skip_rate"] == 2.5


def test_the_recommended_share_is_of_the_plays_of_which_it_is_known():
    found = metrics_of(
        [
            day("ann", plays=5, recommended_plays=1, plays_with_recommendation=3),
            day("ann", days_before=1, plays=1, recommended_plays=0, plays_with_recommendation=1),
            day("bob", plays=4, recommended_plays=0, plays_with_recommendation=2),
            day("cem", plays=4),
        ]
    )
    assert [row["recommended_share"] for row in found.values()] == [0.25, 0.0, None]


def test_rebuffering_is_per_hour_watched_and_null_where_it_or_the_hours_are_not_known_or_0():
    found = metrics_of(
        [
            day("stops six times in four hours", hours=3.0, buffer_events=6, plays_with_buffering=1),
            day("stops six times in four hours", days_before=1, hours=1.0),
            day("never stops", hours=2.0, plays_with_buffering=1),
            day("nobody counted", hours=2.0),
            day("nobody knows how long", buffer_events=3, plays_with_buffering=1),
            day("watched nothing", hours=0.0, buffer_events=3, plays_with_buffering=1),
        ]
    )
    assert {user_id: row["buffer_events_per_hour"] for user_id, row in found.items()} == {
        "stops six times in four hours": 1.5,
        "never stops": 0.0,
        "nobody counted": None,
        "nobody knows how long": None,
        "watched nothing": None,
    }


# Titles and genres


def test_titles_count_once_in_however_many_states_they_were_played_and_genres_once_in_however_many_titles():
    row = ann(
        [day(plays=5)],
        titles=[
            played(content_id="film", state="BE"),
            played(content_id="film", state="BY"),
            played(content_id="other film"),
            played(content_id="song"),
            played(content_id="of no genre"),
            played(content_id="of no record"),
        ],
        content=[title("film", "drama"), title("other film", "drama"), title("song", "jazz"), title("of no genre")],
    )
    assert shown(row, "distinct_content", "distinct_genres") == (5, 2)


def test_the_favourite_title_is_the_one_of_most_plays_over_all_states():
    titles = [
        played(content_id="often", plays=3, last="20:00"),
        played(content_id="on journeys", plays=2, state="BE", last="08:00"),
        played(content_id="on journeys", plays=2, state="BY", last="09:00"),
    ]
    assert ann([day(plays=7)], titles=titles)["favourite_content_id"] == "on journeys"


def test_the_favourite_genre_is_the_one_of_most_plays_which_need_not_be_that_of_the_favourite_title():
    row = ann(
        [day(plays=9)],
        titles=[
            played(content_id="film", plays=3),
            played(content_id="song", plays=2),
            played(content_id="dance", plays=2),
            played(content_id="of no genre", plays=5),
        ],
        content=[title("film", "drama"), title("song", "jazz"), title("dance", "jazz"), title("of no genre")],
    )
    assert shown(row, "favourite_genre", "favourite_content_id") == ("jazz", "of no genre")


def test_of_equally_often_played_ones_the_one_played_last_is_the_favourite():
    row = ann(
        [day(plays=4)],
        titles=[
            played(content_id="z", plays=2, last="08:00"),
            played(content_id="a", plays=1, last="07:00", state="BE"),
            played(content_id="a", plays=1, last="09:00", state="BY"),
        ],
        content=[title("a", "crime"), title("z", "war")],
    )
    assert shown(row, "favourite_genre", "favourite_content_id") == ("crime", "a")


def test_of_those_played_last_at_one_instant_the_greatest_text_is_the_favourite():
    row = ann(
        [day(plays=2)],
        titles=[played(content_id="b"), played(content_id="c"), played(content_id="a")],
        content=[title("a", "war"), title("b", "crime"), title("c", "jazz")],
    )
    assert shown(row, "favourite_genre", "favourite_content_id") == ("war", "c")


def test_favourites_are_each_users_own():
    found = metrics_of(
        [day("ann"), day("bob")],
        titles=[played("ann", "film", plays=1), played("bob", "song", plays=9)],
        content=[title("film", "drama"), title("song", "jazz")],
    )
    assert {user_id: row["favourite_genre"] for user_id, row in found.items()} == {"ann": "drama", "bob": "jazz"}
