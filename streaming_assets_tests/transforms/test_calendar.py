"""Days and offsets of a reporting zone, against the published dates of clock changes."""

import datetime as dt
import itertools
from bisect import bisect_right
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.transforms.calendar import date_at, days, offsets

HOUR = dt.timedelta(hours=1)


def bounds(timezone: str, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    ((found, starts_at, ends_at, *_),) = days(timezone, day, day)
    assert found == day
    return starts_at, ends_at


def length(timezone: str, day: dt.date) -> dt.timedelta:
    starts_at, ends_at = bounds(timezone, day)
    return ends_at - starts_at


def test_an_ordinary_day_in_berlin_starts_at_23_or_22_utc():
    assert bounds("Europe/Berlin", dt.date(2024, 1, 15)) == (dt.datetime(2024, 1, 14, 23), dt.datetime(2024, 1, 15, 23))
    assert bounds("Europe/Berlin", dt.date(2024, 7, 15)) == (dt.datetime(2024, 7, 14, 22), dt.datetime(2024, 7, 15, 22))


def test_in_berlin_the_day_in_march_has_23_hours_and_the_one_in_october_25():
    assert bounds("Europe/Berlin", dt.date(2024, 3, 31)) == (dt.datetime(2024, 3, 30, 23), dt.datetime(2024, 3, 31, 22))
    assert length("Europe/Berlin", dt.date(2024, 3, 31)) == 23 * HOUR
    assert bounds("Europe/Berlin", dt.date(2024, 10, 27)) == (
        dt.datetime(2024, 10, 26, 22),
        dt.datetime(2024, 10, 27, 23),
    )
    assert length("Europe/Berlin", dt.date(2024, 10, 27)) == 25 * HOUR


def test_clocks_in_berlin_change_at_one_utc():
    changes = offsets("Europe/Berlin", dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert changes == [
        (dt.datetime(2023, 12, 31), 3600),
        (dt.datetime(2024, 3, 31, 1), 7200),
        (dt.datetime(2024, 10, 27, 1), 3600),
    ]


def test_utc_has_days_of_24_hours_and_one_offset():
    assert bounds("UTC", dt.date(2024, 2, 29)) == (dt.datetime(2024, 2, 29), dt.datetime(2024, 3, 1))
    assert offsets("UTC", dt.date(2024, 1, 1)) == [(dt.datetime(2023, 12, 31), 0)]


def test_the_day_that_samoa_skipped_has_no_length():
    # At the end of 29 December 2011 the clocks went on to 31 December.
    assert bounds("Pacific/Apia", dt.date(2011, 12, 29)) == (
        dt.datetime(2011, 12, 29, 10),
        dt.datetime(2011, 12, 30, 10),
    )
    assert bounds("Pacific/Apia", dt.date(2011, 12, 30)) == (
        dt.datetime(2011, 12, 30, 10),
        dt.datetime(2011, 12, 30, 10),
    )
    assert bounds("Pacific/Apia", dt.date(2011, 12, 31)) == (
        dt.datetime(2011, 12, 30, 10),
        dt.datetime(2011, 12, 31, 10),
    )


@pytest.mark.parametrize(
    ("timezone", "day", "starts_at"),
    [
        ("America/Sao_Paulo", dt.date(2018, 11, 4), dt.datetime(2018, 11, 4, 3)),
        ("Africa/Cairo", dt.date(2024, 4, 26), dt.datetime(2024, 4, 25, 22)),
        ("Asia/Beirut", dt.date(2024, 3, 31), dt.datetime(2024, 3, 30, 22)),
    ],
)
def test_a_day_whose_midnight_does_not_exist_starts_at_the_change_and_has_23_hours(timezone, day, starts_at):
    assert bounds(timezone, day) == (starts_at, starts_at + 23 * HOUR)


@pytest.mark.parametrize(
    ("timezone", "day", "starts_at"),
    [
        # Clocks go back at midnight: the hour before it comes twice and belongs to the day that ends.
        ("America/Sao_Paulo", dt.date(2018, 2, 17), dt.datetime(2018, 2, 17, 2)),
        ("Africa/Cairo", dt.date(2024, 10, 31), dt.datetime(2024, 10, 30, 21)),
        # In Havana they go back at one: midnight itself comes twice, and the day starts at the first.
        ("America/Havana", dt.date(2024, 11, 3), dt.datetime(2024, 11, 3, 4)),
    ],
)
def test_a_day_whose_last_or_first_hour_comes_twice_has_25_hours(timezone, day, starts_at):
    assert bounds(timezone, day) == (starts_at, starts_at + 25 * HOUR)


def test_a_change_of_half_an_hour_is_one():
    assert length("Australia/Lord_Howe", dt.date(2024, 4, 7)) == dt.timedelta(hours=24, minutes=30)
    assert length("Australia/Lord_Howe", dt.date(2024, 10, 6)) == dt.timedelta(hours=23, minutes=30)


@pytest.mark.parametrize(
    "timezone",
    ["Europe/Berlin", "Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "Africa/Casablanca", "America/Havana"],
)
def test_days_follow_each_other_without_gap_or_overlap(timezone):
    found = days(timezone, dt.date(2005, 1, 1), dt.date(2030, 12, 31))
    assert len(found) == 9496
    assert all(before[2] == after[1] for before, after in itertools.pairwise(found))
    assert all(starts_at <= ends_at for _, starts_at, ends_at, *_ in found)


ZONES = (
    "Europe/Berlin",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Caracas",
    "Asia/Pyongyang",
)
START, LAST = dt.date(2005, 1, 1), dt.date(2040, 12, 31)
CHANGES = {zone: offsets(zone, START, LAST) for zone in ZONES}
DAYS = {zone: days(zone, START, LAST) for zone in ZONES}
instants = st.datetimes(dt.datetime(2005, 1, 2), dt.datetime(2040, 12, 30))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), instants)
def test_the_offset_at_any_instant_is_that_of_the_time_zone_database(timezone, at):
    row = bisect_right(CHANGES[timezone], at, key=lambda change: change[0]) - 1
    local = at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone))
    assert CHANGES[timezone][row][1] == local.utcoffset().total_seconds()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), instants)
def test_any_instant_lies_in_the_day_that_the_clock_on_the_wall_says(timezone, at):
    row = bisect_right(DAYS[timezone], at, key=lambda day: day[1]) - 1
    day, starts_at, ends_at, *_ = DAYS[timezone][row]
    assert starts_at <= at < ends_at
    assert day == date_at(at, timezone) == at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).date()


@pytest.mark.parametrize(
    ("timezone", "day", "change", "shift"),
    [
        ("UTC", dt.date(2024, 3, 31), None, 0),
        ("Europe/Berlin", dt.date(2024, 3, 30), None, 0),
        ("Europe/Berlin", dt.date(2024, 3, 31), dt.datetime(2024, 3, 31, 1), 3600),
        ("Europe/Berlin", dt.date(2024, 10, 27), dt.datetime(2024, 10, 27, 1), -3600),
        # The skipped midnight: the day starts at the change, with the clock at one.
        ("America/Sao_Paulo", dt.date(2018, 11, 4), dt.datetime(2018, 11, 4, 3), 3600),
    ],
)
def test_a_day_tells_when_and_by_how_much_its_clocks_change(timezone, day, change, shift):
    ((_, _, _, changes_at, seconds),) = days(timezone, day, day)
    assert (changes_at, seconds) == (change, shift)
