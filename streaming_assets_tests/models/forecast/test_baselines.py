"""What the same hour was like before: by the local clock, as far as the origin knows it, and across gaps."""

import datetime as dt

import numpy as np
import pytest

from streaming_assets.models.forecast import baselines, hours
from streaming_assets.models.forecast.timeline import targets, timeline
from streaming_assets_tests.models.forecast.situations import activity, after
from streaming_assets_tests.models.forecast.situations import hours as history_of
from streaming_assets_tests.transforms.situations import calendar

NAN = float("nan")
DAY = dt.timedelta(days=1)


def forecast(method, history, ahead=None):
    line = timeline(history, after(history) if ahead is None else ahead)
    return method(line, targets(line, [len(history)]))


def weeks(*levels):
    """A week each of one value at all hours."""
    return history_of(np.repeat(np.array(levels, dtype=float), 168))


def test_the_hour_of_the_week_before_the_median_and_the_mean():
    history = weeks(10, 99, 20, 30, 60)
    assert forecast(baselines.naive_168, history).tolist() == [60] * 24
    assert forecast(baselines.median_4w, history).tolist() == [45] * 24
    assert forecast(baselines.mean_4w, history).tolist() == [(99 + 20 + 30 + 60) / 4] * 24


def test_the_hour_of_the_day_before():
    assert forecast(baselines.naive_24, history_of(range(48))).tolist() == list(range(24, 48))


@pytest.mark.parametrize(("levels", "median"), [((7,), 7), ((7, 9), 8), ((7, 9, 100), 9), ((1, NAN, NAN, 3), 2)])
def test_the_median_takes_the_weeks_there_are(levels, median):
    assert forecast(baselines.median_4w, weeks(*levels)).tolist() == [median] * 24


def test_a_gap_is_bridged_by_the_latest_day_of_which_the_hour_is_known():
    history = history_of([*range(24), *[NAN] * 48])
    assert forecast(baselines.naive_24, history).tolist() == list(range(24))


def test_an_hour_never_seen_takes_the_mean_of_what_was():
    history = history_of([4, 8, *[NAN] * 22])
    assert forecast(baselines.naive_24, history).tolist() == [4, 8, *[6] * 22]
    assert forecast(baselines.mean_4w, history).tolist() == [4, 8, *[6] * 22]


def test_after_28_days_of_nothing_there_is_no_forecast():
    assert np.isnan(forecast(baselines.naive_24, history_of([5, *[NAN] * 24 * 29]))).all()


def by_the_clock(first, last, latest):
    """Users are 100 · day of the month + hour of Berlin's clock."""
    days = calendar("Europe/Berlin", first=first, last=dt.date(2026, 5, 1))
    played = [first + number * DAY for number in range((last - first).days + 1)]
    rows = activity(played, lambda hour: 0, "Europe/Berlin")
    rows = rows.mutate(active_users=100 * rows.date.day().cast("int64") + rows.local_hour, plays=1)
    latest_event_at = dt.datetime.fromisoformat(latest)
    history = hours.history(rows, days, latest_event_at, last).to_pandas()
    return history, hours.ahead(days, latest_event_at, last).to_pandas()


def test_yesterday_is_the_same_hour_of_the_clock_where_the_day_has_23_hours():
    # Known to the midnight at which Sunday, the 29th, begins; its last hour ahead is Monday's first, a day after one
    # that is not known yet.
    history, ahead = by_the_clock(dt.date(2026, 3, 9), dt.date(2026, 3, 28), "2026-03-28 23:00")
    yesterday = [2800 + hour for hour in (0, 1, *range(3, 24))]
    assert forecast(baselines.naive_24, history, ahead).tolist() == [*yesterday, 2800]
    last_week = [2200 + hour for hour in (0, 1, *range(3, 24))]
    assert forecast(baselines.naive_168, history, ahead).tolist() == [*last_week, 2300]


def test_the_hour_that_was_skipped_is_taken_from_the_day_before():
    history, ahead = by_the_clock(dt.date(2026, 3, 9), dt.date(2026, 3, 29), "2026-03-29 22:00")
    assert forecast(baselines.naive_24, history, ahead).tolist() == [2900, 2901, 2802, *range(2903, 2924)]


def test_of_the_hour_that_came_twice_the_mean_is_taken():
    autumn = history_of([5.0] * 26 + [10, 30] + [5] * 20)
    line = timeline(autumn.assign(local_hour=[*range(24), 0, 1, 2, 2, *range(3, 23)]))
    assert line.slot[26] == line.slot[27]
    assert line.by_slot[line.slot[26]] == 20


def test_rows_may_come_in_any_order():
    history = history_of(range(24 * 30))
    ahead = after(history)
    mixed = forecast(baselines.median_4w, history.sample(frac=1, random_state=1), ahead.sample(frac=1, random_state=2))
    assert mixed.tolist() == forecast(baselines.median_4w, history, ahead).tolist()
