"""The compact daily tables: what a day says of users, of titles and of its hours."""

import datetime as dt
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core
from streaming_assets.transforms.daily import (
    content_daily,
    hourly_activity,
    hours_of,
    user_content_daily,
    user_daily,
)
from streaming_assets_tests.transforms.situations import (
    FIRST_DAY,
    MIDNIGHT,
    at,
    calendar,
    event,
    play,
    plays_of,
    rows_of,
    table,
)

COMPLETION_SUMS = ("completion_pct_sum", "completion_pct_n", "watched_known_seconds", "content_known_seconds")


def with_completion(rows):
    """core/events states the completion that its watch time and length amount to."""
    return [
        {**row, "completion_pct": 100 * min(row["watch_seconds"], row["content_seconds"]) / row["content_seconds"]}
        if row["watch_seconds"] is not None and row["content_seconds"]
        else row
        for row in rows
    ]


def user_days(rows):
    rows = with_completion(rows)
    made = user_daily(table(plays_of(rows), core.plays), table(rows))
    return rows_of(made, core.user_daily, ["user_id", "date"])


def user_titles(rows):
    made = user_content_daily(table(plays_of(with_completion(rows)), core.plays))
    return rows_of(made, core.user_content_daily, core.user_content_daily.key)


def titles(rows):
    made = content_daily(table(plays_of(with_completion(rows)), core.plays))
    return rows_of(made, core.content_daily, core.content_daily.key)


def hours(rows, timezone="UTC", first=FIRST_DAY, last=FIRST_DAY):
    days = calendar(timezone, first, last)
    made = hourly_activity(table(plays_of(rows, timezone=timezone), core.plays), days)
    return rows_of(made, core.hourly_activity, "hour_at")


def shown(row, *names):
    return {name: row[name] for name in names}


# Users


def test_a_users_day_adds_up_plays_and_other_events():
    (ann,) = user_days(
        [
            play(
                "ann", "10:00", "10:10", content_id="a", genre="jazz", pauses=2, buffer_events=1, was_recommended=True
            ),
            play("ann", "10:10", "10:15", content_id="a", genre="jazz", was_recommended=False),
            play("ann", "20:00", "20:30", content_id="b", genre=None, buffer_events=3),
            event("ann", at("09:00"), "search", content_id=None),
            event("ann", at("10:05"), "skip"),
            event("ann", at("10:06"), "pause"),
            event("ann", at("10:07"), "complete"),
            event("ann", at("23:00"), "preview"),
        ]
    )
    assert shown(
        ann, "date", "plays", "skips", "completes", "pauses", "buffer_events", "recommended_plays", "watch_seconds"
    ) == {
        "date": FIRST_DAY, "plays": 3, "skips": 1, "completes": 1, "pauses": 3, "buffer_events": 4,
        "recommended_plays": 1, "watch_seconds": 45 * 60.0,
    }  # fmt: skip
    assert shown(ann, "sessions_started", "distinct_content", "distinct_genres", "first_event_at", "last_event_at") == {
        "sessions_started": 2, "distinct_content": 2, "distinct_genres": 1,
        "first_event_at": at("09:00"), "last_event_at": at("23:00"),
    }  # fmt: skip


def test_someone_who_only_searched_has_a_day_of_zeros():
    (ann,) = user_days([event("ann", at("09:00"), "search", content_id=None)])
    times = ("first_event_at", "last_event_at")
    assert shown(ann, "user_id", "date", *times) == {
        "user_id": "ann", "date": FIRST_DAY, "first_event_at": at("09:00"), "last_event_at": at("09:00"),
    }  # fmt: skip
    assert {value for name, value in ann.items() if name not in ("user_id", "date", *times)} == {0}


def test_skip_events_and_plays_left_too_soon_are_both_skips_and_only_the_second_are_plays():
    rule = {"skip_under_seconds": 30.0}
    (ann,) = user_days(
        [play("ann", "10:00:00", **rule), play("ann", "10:00:20", **rule), event("ann", at("10:00:40"), "skip")]
    )
    assert shown(ann, "plays", "skips") == {"plays": 2, "skips": 2}


def test_an_evening_across_midnight_is_one_session_of_the_first_day_and_plays_of_both():
    found = user_days([play("ann", "23:50", "23:59"), play("ann", "+1d 00:05", "+1d 00:15")])
    assert [(row["date"].day, row["plays"], row["sessions_started"], row["watch_seconds"]) for row in found] == [
        (2, 1, 1, 540.0),
        (3, 1, 0, 600.0),
    ]


def test_unknown_watch_times_pauses_and_recommendations_add_nothing():
    (ann,) = user_days([play("ann", "10:00", content_seconds=600.0), play("ann", "10:01", genre=None)])
    assert shown(ann, "plays", "watch_seconds", "pauses", "buffer_events", "recommended_plays", "distinct_genres") == {
        "plays": 2, "watch_seconds": 0.0, "pauses": 0, "buffer_events": 0, "recommended_plays": 0, "distinct_genres": 0,
    }  # fmt: skip
    assert shown(ann, *COMPLETION_SUMS) == dict.fromkeys(COMPLETION_SUMS, 0)


def test_completion_sums_are_over_plays_of_known_length_with_the_watch_capped_at_it():
    (ann,) = user_days(
        [
            play("ann", "10:00", "10:05", content_seconds=1200.0),  # 25 %
            play("ann", "11:00", "11:30", content_seconds=1200.0),  # longer than it lasts: 100 %
            play("ann", "12:00", "12:30"),  # of unknown length
            play("ann", "13:00", "13:30", content_seconds=0.0),  # of no length
        ]
    )
    assert shown(ann, *COMPLETION_SUMS) == {
        "completion_pct_sum": 125.0, "completion_pct_n": 2, "watched_known_seconds": 1500.0, "content_known_seconds": 2400.0,
    }  # fmt: skip


def test_a_play_is_abandoned_under_10_percent_and_not_at_10():
    watched = [("10:00:00", "10:00:59"), ("11:00:00", "11:01:00"), ("12:00:00", "12:00:00")]
    (ann,) = user_days([play("ann", start, end, content_seconds=600.0) for start, end in watched])
    assert shown(ann, "plays_under_10pct", "completion_pct_n") == {"plays_under_10pct": 2, "completion_pct_n": 3}


# Users and titles


def test_plays_of_a_title_in_an_unknown_state_are_one_row():
    found = user_titles(
        [
            play("ann", "10:00", "10:10", state=None, country="DE", platform="tv"),
            play("ann", "12:00", "12:05", state=None, country="DE", platform="tv"),
            play("ann", "14:00", "14:01", state="BE", country="DE", platform="tv"),
            play("ben", "10:00", "10:10", state=None, country="DE", platform="tv"),
        ]
    )
    key = ("user_id", "state", "plays", "watch_seconds", "last_event_at")
    assert sorted((tuple(row[name] for name in key) for row in found), key=str) == [
        ("ann", "BE", 1, 60.0, at("14:00")),
        ("ann", None, 2, 900.0, at("12:00")),
        ("ben", None, 1, 600.0, at("10:00")),
    ]


def test_country_platform_title_and_day_each_make_a_row_of_their_own():
    found = user_titles(
        [
            play("ann", "10:00", "10:10", country="DE", platform="tv"),
            play("ann", "11:00", "11:10", country="FR", platform="tv"),
            play("ann", "12:00", "12:10", country="DE", platform="web"),
            play("ann", "13:00", "13:10", country="DE", platform="tv", content_id="d"),
            play("ann", "+1d 10:00", "+1d 10:10", country="DE", platform="tv"),
        ]
    )
    assert [row["plays"] for row in found] == [1] * 5


def test_the_attributes_of_a_row_are_those_that_its_plays_name_and_the_greatest_text_where_they_differ():
    (found,) = user_titles(
        [
            play("ann", "10:00", "10:10", title="A", creator="x", genre=None),
            play("ann", "11:00", "11:10", title="B", creator=None, genre=None),
        ]
    )
    assert shown(found, "title", "creator", "genre") == {"title": "B", "creator": "x", "genre": None}


# Titles


def test_it_is_told_of_how_many_plays_something_is_known():
    rows = [
        play("ann", "10:00", "10:10", buffer_events=0, was_recommended=False),
        play("ann", "11:00", buffer_events=2),
        play("ann", "12:00", was_recommended=True),
    ]
    (row,) = user_days(rows)
    known = ("plays_with_watch_time", "plays_with_buffering", "plays_with_recommendation")
    assert shown(row, *known) == dict(zip(known, (1, 2, 2), strict=True))
    (title,) = titles(rows)
    assert title["plays_with_watch_time"] == 1


@pytest.mark.parametrize(
    ("completion_pct", "bin_"),
    [(0.0, 0), (4.99, 0), (5.0, 1), (15.0, 3), (35.0, 7), (55.0, 11), (99.9, 19), (100.0, 19)],
)
def test_a_play_is_counted_in_the_bin_of_5_points_that_begins_at_or_below_its_completion(completion_pct, bin_):
    (row,) = titles([event("ann", at("10:00"), watch_seconds=completion_pct, content_seconds=100.0)])
    assert row["completion_histogram"] == [int(number == bin_) for number in range(20)]


def test_plays_without_a_completion_are_in_no_bin():
    (row,) = titles([play("ann", "10:00", "10:10"), play("ben", "10:00", content_seconds=60.0)])
    assert (row["plays"], row["completion_pct_n"], row["completion_histogram"]) == (2, 0, [0] * 20)


def test_a_user_in_two_countries_is_one_user_of_the_title():
    (row,) = titles(
        [
            play("ann", "10:00", "10:10", country="DE"),
            play("ann", "18:00", "18:10", country="FR"),
            play("ben", "18:00", "18:10", country="FR"),
        ]
    )
    assert shown(row, "plays", "unique_users", "watch_seconds") == {
        "plays": 3,
        "unique_users": 2,
        "watch_seconds": 1800.0,
    }


def test_state_and_platform_known_or_not_make_rows_of_their_own():
    places = [("BE", "tv"), ("BE", None), (None, "tv"), (None, None), (None, None)]
    found = titles(
        [play(f"user {number}", "10:00", "10:10", state=s, platform=p) for number, (s, p) in enumerate(places)]
    )
    assert {(row["state"], row["platform"]): row["unique_users"] for row in found} == {
        ("BE", "tv"): 1, ("BE", None): 1, (None, "tv"): 1, (None, None): 2,
    }  # fmt: skip


def test_events_that_are_no_plays_are_in_no_table_of_titles():
    others = [event("ann", at("10:00"), "skip"), event("ann", at("10:01"), "complete")]
    assert user_titles(others) == []
    assert titles(others) == []


# Hours


@pytest.mark.parametrize(
    ("timezone", "day"),
    [
        ("UTC", dt.date(2026, 3, 29)),
        ("Europe/Berlin", dt.date(2026, 3, 29)),
        ("Europe/Berlin", dt.date(2026, 10, 25)),
        ("America/Sao_Paulo", dt.date(2018, 11, 4)),
        ("America/Sao_Paulo", dt.date(2018, 2, 17)),
        ("America/Havana", dt.date(2026, 11, 1)),
        ("Asia/Kathmandu", dt.date(2026, 3, 29)),
    ],
)
def test_an_hour_is_the_one_that_the_clock_on_the_wall_shows(timezone, day):
    found = hours_of(calendar(timezone, day, day)).to_pyarrow().to_pylist()
    assert len(found) in (23, 24, 25)
    for row in found:
        wall = row["hour_at"].replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone))
        assert (row["date"], row["local_hour"]) == (wall.date(), wall.hour)


def test_every_hour_of_a_day_with_a_play_has_a_row_and_a_day_without_one_has_none():
    found = hours([play("ann", "10:00")], last=FIRST_DAY + dt.timedelta(days=1))
    assert [row["hour_at"] for row in found] == [MIDNIGHT + dt.timedelta(hours=number) for number in range(24)]
    idle = [row for row in found if row["hour_at"] != at("10:00")]
    assert {(row["date"], row["plays"], row["active_users"], row["watch_seconds"]) for row in idle} == {
        (FIRST_DAY, 0, 0, 0)
    }
    assert hours([]) == []


def test_a_play_counts_in_the_hour_of_its_start_with_all_of_its_watch_time():
    found = hours(
        [
            play("ann", "10:00:00", "10:10"),
            play("ann", "10:59:59", "12:59:59"),
            play("ben", "10:30:00"),
            play("ben", "11:00:00", "11:01"),
            event("cem", at("10:30"), "skip"),
        ]
    )
    busy = [(row["hour_at"], row["plays"], row["active_users"], row["watch_seconds"]) for row in found if row["plays"]]
    assert busy == [(at("10:00"), 3, 2, 7800.0), (at("11:00"), 1, 1, 60.0)]


@pytest.mark.parametrize(
    ("day", "expected", "first_hour"),
    [
        (dt.date(2026, 3, 29), 23, dt.datetime(2026, 3, 28, 23)),
        (dt.date(2026, 10, 25), 25, dt.datetime(2026, 10, 24, 22)),
        (dt.date(2026, 7, 1), 24, dt.datetime(2026, 6, 30, 22)),
    ],
)
def test_a_day_on_which_clocks_change_has_a_row_for_each_of_its_hours(day, expected, first_hour):
    last_hour = first_hour + dt.timedelta(hours=expected - 1)
    late = event("ann", last_hour + dt.timedelta(minutes=59), watch_seconds=60.0, event_date=day)
    days = calendar("Europe/Berlin", day, day)
    around = calendar("Europe/Berlin", day - dt.timedelta(days=2), day + dt.timedelta(days=2))
    played = table([{**dict.fromkeys(core.plays.column_names), **shared(late)}], core.plays)
    found = rows_of(hourly_activity(played, days), core.hourly_activity, "hour_at")
    assert [row["hour_at"] for row in found] == [first_hour + dt.timedelta(hours=number) for number in range(expected)]
    assert [row["plays"] for row in found] == [0] * (expected - 1) + [1]
    assert len(rows_of(hourly_activity(played, around), core.hourly_activity, "hour_at")) == expected


def shared(row):
    return {name: value for name, value in row.items() if name in core.plays.column_names}


def test_the_two_hours_of_one_name_at_the_end_of_summer_time_are_told_apart():
    day = dt.date(2026, 10, 25)
    berlin = ZoneInfo("Europe/Berlin")
    twice = [
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold).astimezone(dt.UTC).replace(tzinfo=None)
        for fold in (0, 1)
    ]
    played = [event("ann", moment, event_date=day, local_hour=2) for moment in twice]
    rows = table([{**dict.fromkeys(core.plays.column_names), **shared(row)} for row in played], core.plays)
    found = rows_of(hourly_activity(rows, calendar("Europe/Berlin", day, day)), core.hourly_activity, "hour_at")
    busy = [row["hour_at"] for row in found if row["plays"]]
    assert busy == [dt.datetime(2026, 10, 25, 0), dt.datetime(2026, 10, 25, 1)]


def test_hours_of_a_zone_half_an_hour_off_begin_at_the_half_hour():
    day = dt.date(2026, 3, 2)
    start = dt.datetime(2026, 3, 1, 18, 30)  # midnight in Kolkata, 5:30 ahead of UTC
    played = [event("ann", start + dt.timedelta(minutes=minutes), event_date=day) for minutes in (0, 59, 60)]
    rows = table([{**dict.fromkeys(core.plays.column_names), **shared(row)} for row in played], core.plays)
    found = rows_of(hourly_activity(rows, calendar("Asia/Kolkata", day, day)), core.hourly_activity, "hour_at")
    assert [(row["hour_at"], row["plays"]) for row in found[:3]] == [
        (start, 2), (start + dt.timedelta(hours=1), 1), (start + dt.timedelta(hours=2), 0),
    ]  # fmt: skip
    assert len(found) == 24


# All of them


MAYBE = st.sampled_from([None, "x", "y"])


@st.composite
def logs(draw):
    """Two days of three users: plays and other events, with much unknown."""
    moments = draw(
        st.sets(st.tuples(st.sampled_from(["ann", "ben", "cem"]), st.integers(0, 2 * 1440 - 1)), max_size=30)
    )
    rows = []
    for user_id, minute in sorted(moments):
        columns = {name: draw(MAYBE) for name in ("country", "state", "platform", "genre", "title")}
        rows.append(
            event(
                user_id,
                MIDNIGHT + dt.timedelta(minutes=minute),
                draw(st.sampled_from(["play", "play", "play", "skip", "complete", "pause", "search"])),
                content_id=draw(st.sampled_from(["c", "d"])),
                watch_seconds=draw(st.sampled_from([None, 0.0, 30.0, 61.5, 600.0])),
                content_seconds=draw(st.sampled_from([None, 0.0, 60.0, 1200.0])),
                pauses=draw(st.sampled_from([None, 0, 2])),
                buffer_events=draw(st.sampled_from([None, 1])),
                was_recommended=draw(st.sampled_from([None, True, False])),
                skip_under_seconds=draw(st.sampled_from([None, 120.0])),
                **columns,
            )
        )
    return rows


def recomputed_user_days(played, rows):
    """core/user_daily by looping over every user and day."""
    result = []
    for user_id, date in sorted({(row["user_id"], row["event_date"]) for row in rows}):
        own = [row for row in rows if (row["user_id"], row["event_date"]) == (user_id, date)]
        plays = [row for row in played if (row["user_id"], row["event_date"]) == (user_id, date)]
        kinds = [row["event_type"] for row in own]
        result.append(
            {
                "user_id": user_id,
                "date": date,
                "plays": kinds.count("play"),
                "skips": kinds.count("skip") + sum(row["is_skip"] for row in plays),
                "completes": kinds.count("complete"),
                "watch_seconds": sum(row["watch_seconds"] or 0 for row in plays),
                "sessions_started": sum(row["is_session_start"] for row in plays),
                "distinct_content": len({row["content_id"] for row in plays}),
                "distinct_genres": len({row["genre"] for row in plays} - {None}),
                "pauses": kinds.count("pause") + sum(row["pauses"] or 0 for row in plays),
                "buffer_events": sum(row["buffer_events"] or 0 for row in plays),
                "recommended_plays": sum(row["was_recommended"] is True for row in plays),
                **recomputed_completion(plays),
                "plays_under_10pct": sum(
                    row["completion_pct"] is not None and row["completion_pct"] < 10 for row in plays
                ),
                "first_event_at": min(row["started_at"] for row in own),
                "last_event_at": max(row["started_at"] for row in own),
            }
        )
    return result


def recomputed_completion(plays):
    known = [row for row in plays if row["watch_seconds"] is not None and row["content_seconds"]]
    return {
        "completion_pct_sum": sum(
            100 * min(row["watch_seconds"], row["content_seconds"]) / row["content_seconds"] for row in known
        ),
        "completion_pct_n": len(known),
        "watched_known_seconds": sum(min(row["watch_seconds"], row["content_seconds"]) for row in known),
        "content_known_seconds": sum(row["content_seconds"] for row in known),
    }


def recomputed_groups(played, key, **more):
    """One row per group of plays, as (key, plays, watch_seconds, completion sums and whatever more asks for)."""
    result = []
    frame = pd.DataFrame({"number": range(len(played)), **{name: [str(row[name]) for row in played] for name in key}})
    for _, group in frame.groupby(list(key)) if len(frame) else ():
        plays = [played[number] for number in group["number"]]
        row = {name: plays[0][name] for name in key}
        row |= {"plays": len(plays), "watch_seconds": sum(one["watch_seconds"] or 0 for one in plays)}
        result.append(row | recomputed_completion(plays) | {name: made(plays) for name, made in more.items()})
    return result


def histogram(plays):
    completed = [int(row["completion_pct"]) for row in plays if row["completion_pct"] is not None]
    return [sum(min(value // 5, 19) == number for value in completed) for number in range(20)]


def same(found, expected, *key):
    """Rows in one order, floats rounded: sums of floats depend on their order."""

    def plain(rows):
        rounded = [
            {name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()}
            for row in rows
        ]
        return sorted(rounded, key=lambda row: [str(row[name]) for name in key])

    return plain([{name: row[name] for name in expected[0]} for row in found] if expected else found) == plain(expected)


# Every example is five queries: shrinking a failure would take minutes and tell little more.
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(rows=logs(), random=st.randoms(use_true_random=False))
def test_the_daily_tables_equal_a_plain_recomputation_in_any_order_of_rows(rows, random):
    played = [{**row, "date": row["event_date"]} for row in plays_of(with_completion(rows))]
    users = recomputed_user_days(played, rows)
    by_user = recomputed_groups(
        played,
        ("user_id", "content_id", "state", "country", "platform", "date"),
        title=lambda plays: max((row["title"] for row in plays if row["title"]), default=None),
        last_event_at=lambda plays: max(row["started_at"] for row in plays),
    )
    by_title = recomputed_groups(
        played,
        ("content_id", "state", "platform", "date"),
        unique_users=lambda plays: len({row["user_id"] for row in plays}),
        completion_histogram=histogram,
    )
    random.shuffle(rows)
    assert same(user_days(rows), users, "user_id", "date")
    assert same(user_titles(rows), by_user, *core.user_content_daily.key)
    assert same(titles(rows), by_title, *core.content_daily.key)
    per_hour = {row["hour_at"]: row for row in hours(rows, last=FIRST_DAY + dt.timedelta(days=1))}
    assert len(per_hour) == 24 * len({row["event_date"] for row in played})
    for hour_at, row in per_hour.items():
        inside = [one for one in played if hour_at <= one["started_at"] < hour_at + dt.timedelta(hours=1)]
        assert (row["plays"], row["active_users"]) == (len(inside), len({one["user_id"] for one in inside}))
        assert row["watch_seconds"] == pytest.approx(sum(one["watch_seconds"] or 0 for one in inside))
