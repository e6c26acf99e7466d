"""Which hours are known, which are to come: gaps, the last hour, T, and days of 23 and 25 hours."""

import datetime as dt

import pytest

from streaming_assets.models.forecast import hours
from streaming_assets_tests.models.forecast.situations import MONDAY, activity
from streaming_assets_tests.transforms.situations import calendar

DAY = dt.timedelta(days=1)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + number * DAY for number in (1, 2, 3))
BERLIN = "Europe/Berlin"


def at(date: dt.date, clock: str) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.fromisoformat(clock))


def known(played, latest_event_at, as_of, timezone="UTC"):
    rows = activity(played, lambda hour: hour.hour, timezone)
    return hours.history(rows, calendar(timezone), latest_event_at, as_of).to_pandas()


def to_come(latest_event_at, as_of, timezone="UTC"):
    return hours.ahead(calendar(timezone), latest_event_at, as_of).to_pandas()


def test_a_day_without_plays_is_not_known_rather_than_empty():
    history = known([MONDAY, WEDNESDAY], at(THURSDAY, "00:00"), WEDNESDAY)
    by_day = history.groupby("date").value
    assert by_day.size().tolist() == [24, 24, 24]
    assert by_day.count().tolist() == [24, 0, 24]


def test_the_hour_of_the_latest_event_is_not_complete():
    history = known([MONDAY, TUESDAY], at(TUESDAY, "17:42"), TUESDAY)
    ahead = to_come(at(TUESDAY, "17:42"), TUESDAY)
    assert history.hour_at.max() == at(TUESDAY, "16:00")
    assert (ahead.hour_at.min(), ahead.hour_at.max()) == (at(TUESDAY, "17:00"), at(WEDNESDAY, "16:00"))


def test_an_event_at_the_full_hour_completes_the_one_before():
    assert known([MONDAY], at(MONDAY, "17:00"), MONDAY).hour_at.max() == at(MONDAY, "16:00")
    assert to_come(at(MONDAY, "17:00"), MONDAY).hour_at.min() == at(MONDAY, "17:00")


def test_history_ends_with_t_where_it_is_set_earlier():
    latest = at(THURSDAY, "12:30")
    history = known([MONDAY, TUESDAY, WEDNESDAY, THURSDAY], latest, TUESDAY)
    assert history.hour_at.max() == at(TUESDAY, "23:00")
    assert to_come(latest, TUESDAY).hour_at.min() == at(WEDNESDAY, "00:00")


def test_t_years_later_does_not_move_the_forecast_away_from_the_data():
    late = dt.date(2026, 4, 30)
    assert known([MONDAY, TUESDAY], at(TUESDAY, "17:42"), late).hour_at.max() == at(TUESDAY, "16:00")
    assert to_come(at(TUESDAY, "17:42"), late).hour_at.min() == at(TUESDAY, "17:00")


def test_nothing_is_known_without_plays():
    assert known([], at(MONDAY, "12:00"), MONDAY).empty


def test_history_looks_back_140_days():
    rows = activity([MONDAY], lambda hour: 1)
    days = calendar(last=dt.date(2026, 12, 31))
    last = MONDAY + 200 * DAY
    history = hours.history(rows, days, at(last, "23:59"), last).to_pandas()
    assert history.hour_at.min() == at(last - 139 * DAY, "00:00")


@pytest.mark.parametrize(
    ("day", "latest", "clock"),
    [
        (dt.date(2026, 3, 29), "2026-03-28 23:10", [0, 1, *range(3, 24), 0]),
        (dt.date(2025, 10, 26), "2025-10-25 22:10", [0, 1, 2, *range(2, 23)]),
    ],
    ids=["23 hours", "25 hours"],
)
def test_the_24_hours_ahead_follow_the_local_clock_where_it_changes(day, latest, clock):
    days = calendar(BERLIN, first=dt.date(2025, 10, 1))
    ahead = hours.ahead(days, dt.datetime.fromisoformat(latest), day).to_pandas()
    assert ahead.local_hour.tolist() == clock
    assert (ahead.hour_at.diff().dropna() == dt.timedelta(hours=1)).all()
    assert ahead.day_of_week[0] == 7


def test_a_day_counts_when_it_is_over_at_the_latest_event():
    rows = activity([MONDAY, WEDNESDAY, THURSDAY], lambda hour: 1)
    days = hours.plays_by_day(rows, calendar(), at(THURSDAY, "23:10"), THURSDAY).to_pandas()
    assert days.date.dt.date.tolist() == [MONDAY, TUESDAY, WEDNESDAY]
    assert days.plays.tolist()[::2] == [48, 48]
    assert days.plays.isna().tolist() == [False, True, False]
