"""Sessions of published examples: gaps, durations, and evenings across midnight."""

from streaming_assets_tests.transforms.situations import at, bounds, play, sessions_of


def moments(*times):
    """Plays that take no time: a log of clicks, as the examples have it."""
    return [play("ann", time, time) for time in times]


def durations_in_minutes(found):
    return [row["duration_seconds"] / 60 for row in found]


def test_a_break_of_forty_minutes_splits_five_events_into_two_sessions():
    found = sessions_of(moments("13:00", "13:10", "13:50", "14:10", "14:25"))
    assert bounds(found) == [(at("13:00"), at("13:10"), 2), (at("13:50"), at("14:25"), 3)]
    assert durations_in_minutes(found) == [10, 35]


def test_midnight_does_not_split_a_session():
    found = sessions_of(moments("23:30", "23:50", "+1d 00:05", "+1d 00:10"))
    assert bounds(found) == [(at("23:30"), at("+1d 00:10"), 4)]
    assert durations_in_minutes(found) == [40]
    assert [row["plays_next_day"] for row in found] == [2]
