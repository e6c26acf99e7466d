import datetime as dt
import hashlib
from zoneinfo import ZoneInfo

import pytest

from streaming_assets.contracts import core
from streaming_assets.transforms.plays import plays
from streaming_assets_tests.transforms.situations import (
    at,
    bounds,
    calendar,
    event,
    play,
    plays_of,
    rows_of,
    sessions_of,
    table,
)


def spans(*expected):
    return [(at(start), at(end), plays) for start, end, plays in expected]


def test_a_film_longer_than_the_gap_does_not_split_the_evening():
    evening = [
        play("ann", "20:00", "22:10"),  # a film
        play("ann", "20:30", "20:40"),  # a clip on the phone meanwhile
        play("ann", "22:35", "23:59"),  # 25 minutes after the film
        play("ann", "+1d 00:20", "+1d 00:50"),  # across midnight
        play("ann", "+1d 01:21", "+1d 01:30"),  # 31 minutes later
    ]
    assert bounds(sessions_of(evening)) == spans(("20:00", "+1d 00:50", 4), ("+1d 01:21", "+1d 01:30", 1))


def test_a_break_of_exactly_the_gap_does_not_split_and_a_second_more_does():
    exactly = [play("ann", "10:00", "10:10"), play("ann", "10:40", "10:50")]
    longer = [play("ann", "10:00", "10:10"), play("ann", "10:40:01", "10:50")]
    assert bounds(sessions_of(exactly)) == spans(("10:00", "10:50", 2))
    assert bounds(sessions_of(longer)) == spans(("10:00", "10:10", 1), ("10:40:01", "10:50", 1))


def test_users_do_not_share_sessions():
    found = sessions_of([play("ann", "10:00", "10:10"), play("ben", "10:05", "10:20")])
    assert [(row["user_id"], row["plays"]) for row in found] == [("ann", 1), ("ben", 1)]


def test_plays_after_midnight_count_for_the_next_day():
    found = sessions_of([play("ann", "23:50", "23:58"), play("ann", "+1d 00:05", "+1d 00:10")])
    assert [(row["session_date"], row["plays"], row["plays_next_day"]) for row in found] == [
        (dt.date(2026, 3, 2), 2, 1)
    ]


def test_someone_who_never_stops_gets_a_session_a_day_and_none_is_lost():
    nights = [
        play("ann", f"+{day}d {hour:02}:{minute}", f"+{day}d {hour:02}:{minute[0]}9")
        for day in range(3)
        for hour in range(24)
        for minute in ("00", "20", "40")
    ]
    found = sessions_of(nights)
    assert [(row["session_date"].day, row["plays"], row["is_cut"]) for row in found] == [
        (2, 72, False),
        (3, 72, False),
        (4, 72, False),
    ]


def test_a_full_day_cuts_the_session_at_its_end_and_says_so():
    all_day = [play("ann", f"{hour:02}:00", f"{hour:02}:59") for hour in range(23)]
    found = sessions_of([*all_day, play("ann", "23:00", "+1d 01:00"), play("ann", "+1d 00:30", "+1d 00:40")])
    assert bounds(found) == spans(("00:00", "+1d 00:00", 24), ("+1d 00:30", "+1d 00:40", 1))
    assert [row["is_cut"] for row in found] == [True, False]


def test_a_day_that_starts_late_is_not_full():
    late = [play("ann", "00:31", "12:00"), play("ann", "12:10", "23:50"), play("ann", "+1d 00:10", "+1d 00:20")]
    assert bounds(sessions_of(late)) == spans(("00:31", "+1d 00:20", 3))


def test_a_play_of_the_day_before_covers_the_morning_of_a_full_day():
    covered = [
        play("ann", "-1d 22:00", "06:00"),
        play("ann", "06:10", "18:00"),
        play("ann", "18:10", "23:45"),
        play("ann", "+1d 00:05", "+1d 00:15"),
    ]
    assert bounds(sessions_of(covered)) == spans(("-1d 22:00", "23:45", 3), ("+1d 00:05", "+1d 00:15", 1))


def test_plays_without_a_watch_time_end_where_they_start():
    unknown = [play("ann", "10:00"), play("ann", "10:30"), play("ann", "11:00:01")]
    found = sessions_of(unknown)
    assert bounds(found) == spans(("10:00", "10:30", 2), ("11:00:01", "11:00:01", 1))
    assert [(row["watch_seconds"], row["watch_is_assumed"]) for row in found] == [(0.0, False), (0.0, False)]


MUSIC = {"assume_until_next_seconds": 600.0, "assume_last_seconds": 210.0}


def test_assumed_watch_times_fill_durations_and_move_no_boundary():
    songs = [
        play("ann", "10:00", **MUSIC),
        play("ann", "10:04", **MUSIC),
        play("ann", "10:20", **MUSIC),
        play("ann", "10:50:01", **MUSIC),
    ]
    assert [(row["watch_seconds"], row["is_session_start"]) for row in plays_of(songs)] == [
        (240.0, True),
        (600.0, False),
        (210.0, False),
        (210.0, True),
    ]
    found = sessions_of(songs)
    assert bounds(found) == spans(("10:00", "10:23:30", 3), ("10:50:01", "10:53:31", 1))
    assert [(row["watch_seconds"], row["watch_is_assumed"]) for row in found] == [(1050.0, True), (210.0, True)]


def test_an_assumed_end_does_not_reach_into_the_next_session():
    long_last = {"assume_until_next_seconds": 600.0, "assume_last_seconds": 600.0}
    found = sessions_of([play("ann", "10:00", **long_last), play("ann", "10:06", **long_last)], gap_minutes=5)
    assert bounds(found) == spans(("10:00", "10:06", 1), ("10:06", "10:16", 1))


def test_a_play_that_is_left_too_soon_is_a_skip_where_the_source_says_so():
    rule = {"skip_under_seconds": 30.0}
    songs = [play("ann", "10:00:00", **rule), play("ann", "10:00:29", **rule), play("ann", "10:00:59", **rule)]
    assert [row["is_skip"] for row in plays_of(songs)] == [True, False, False]
    assert [row["skips"] for row in sessions_of(songs)] == [1]
    assert [row["is_skip"] for row in plays_of([play("ann", "10:00:00"), play("ann", "10:00:05")])] == [False, False]


def test_other_events_join_the_open_session_and_never_make_or_extend_one():
    found = sessions_of(
        [
            event("ann", at("09:59:59"), "skip"),
            play("ann", "10:00", "10:10", pauses=2),
            event("ann", at("10:00"), "skip"),
            event("ann", at("10:05"), "pause"),
            event("ann", at("10:10"), "skip"),
            event("ann", at("10:10:01"), "skip"),
            event("ben", at("10:05"), "skip"),
        ]
    )
    assert [(row["user_id"], row["skips"], row["pauses"], row["ended_at"]) for row in found] == [
        ("ann", 2, 3, at("10:10"))
    ]


def test_what_a_session_says_of_its_plays():
    (found,) = sessions_of(
        [
            play(
                "ann",
                "10:00",
                "10:10",
                content_id="a",
                creator="x",
                genre="jazz",
                platform=None,
                was_recommended=True,
                buffer_events=2,
            ),
            play(
                "ann", "10:10", "10:15", content_id="b", creator="x", genre=None, platform="tv", was_recommended=False
            ),
            play("ann", "10:15", "10:25", content_id="a", creator="x", genre="jazz", platform="web"),
        ]
    )
    expected = {
        "plays": 3, "distinct_content": 2, "distinct_creators": 1, "distinct_genres": 1, "watch_seconds": 1500.0,
        "duration_seconds": 1500.0, "recommended_plays": 1, "buffer_events": 2, "platform": "tv", "is_cut": False,
        "session_id": hashlib.md5(b"ann\x1f1772445600000000").hexdigest(),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("order", [1, -1])
def test_of_plays_at_one_instant_the_least_event_id_tells_the_platform(order):
    at_once = [play("ann", "10:00", "10:10", event_id=name, platform=name[1:]) for name in ("1web", "2tv")]
    (found,) = sessions_of(at_once[::order])
    assert found["platform"] == "web"


@pytest.mark.parametrize(("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)])
def test_a_day_of_23_or_25_hours_is_full_when_all_of_it_is_covered(day, hours):
    start = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Berlin")).astimezone(dt.UTC).replace(tzinfo=None)
    covered = [
        event("ann", start + dt.timedelta(hours=hour), watch_seconds=3500.0, event_date=day) for hour in range(hours)
    ]
    tomorrow = event(
        "ann", start + dt.timedelta(hours=hours, minutes=10), watch_seconds=60.0, event_date=day + dt.timedelta(days=1)
    )
    zone = calendar("Europe/Berlin", dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    made = rows_of(plays(table([*covered, tomorrow]), zone, 30), core.plays, "started_at")
    assert [row["is_session_start"] for row in made] == [True] + [False] * (hours - 1) + [True]
