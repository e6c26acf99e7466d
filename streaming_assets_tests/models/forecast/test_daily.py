"""Plays per day of the next week."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast import hours
from streaming_assets.models.forecast.daily import daily_plays
from streaming_assets_tests.models.forecast.situations import MONDAY, activity, fits
from streaming_assets_tests.transforms.situations import calendar

DAY = dt.timedelta(days=1)
NAN = float("nan")


def days(plays) -> pd.DataFrame:
    return pd.DataFrame({"date": [MONDAY + number * DAY for number in range(len(plays))], "plays": list(plays)})


def test_a_day_is_the_median_of_the_last_four_same_weekdays():
    # Five weeks whose Mondays are 10, 99, 20, 30, 60 and so on by 100 a weekday.
    plays = [level + 100.0 * weekday for level in (10, 99, 20, 30, 60) for weekday in range(7)]
    found = daily_plays(days(plays).sample(frac=1, random_state=1))
    assert [row["date"] for row in fits(found, contracts.daily_plays_forecast).to_pylist()] == [
        MONDAY + number * DAY for number in range(35, 42)
    ]
    assert found.expected_plays.tolist() == [45 + 100 * weekday for weekday in range(7)]


def test_the_interval_is_of_what_past_weeks_were_missed_by():
    generator = np.random.default_rng(1)
    plays = generator.poisson(400, 140).astype(float)
    found = daily_plays(days(plays))
    missed_by = []
    for day in range(84, 140):
        usual = np.median(plays[[day - 7, day - 14, day - 21, day - 28]])
        missed_by.append((plays[day] - usual) / usual**0.5)
    # ⌊57 · 0.1⌋ = 5 of 56 lie beyond on either side.
    low, high = sorted(missed_by)[4], sorted(missed_by)[-5]
    assert found.lo80.tolist() == pytest.approx((found.expected_plays + low * found.expected_plays**0.5).tolist())
    assert found.hi80.tolist() == pytest.approx((found.expected_plays + high * found.expected_plays**0.5).tolist())
    assert not found.low_history.any()


def test_with_a_few_days_their_median_stands_in_without_an_interval():
    # A Monday of 10 and a Wednesday of 30: Thursday is the first to come.
    found = daily_plays(days([10.0, NAN, 30]))
    assert found.expected_plays.tolist() == [20, 20, 20, 20, 10, 20, 30]
    assert found.lo80.isna().all()
    assert found.low_history.all()


def test_without_a_known_day_there_is_no_forecast():
    assert len(fits(daily_plays(days([])), contracts.daily_plays_forecast)) == 0
    assert len(fits(daily_plays(days([5.0, *[NAN] * 28])), contracts.daily_plays_forecast)) == 0


def test_from_the_lake_the_day_of_the_latest_event_is_still_forecast():
    played = [MONDAY + number * DAY for number in range(10)]
    last = played[-1]
    rows = activity(played, lambda hour: 3)
    known = hours.plays_by_day(rows, calendar(), dt.datetime.combine(last, dt.time(23, 5)), last).to_pandas()
    found = fits(daily_plays(known), contracts.daily_plays_forecast).to_pylist()
    assert [row["date"] for row in found] == [last + number * DAY for number in range(7)]
    assert [row["expected_plays"] for row in found] == [24 * 6] * 7
