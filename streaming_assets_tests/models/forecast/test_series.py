"""Any hourly series, fed directly."""

import os
from pathlib import Path

import pandas as pd
import pytest

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast.series import forecast
from streaming_assets_tests.models.forecast.situations import audience, fits

ENOUGH = pd.Timedelta(hours=23)


@pytest.fixture(scope="module")
def viewers() -> pd.DataFrame:
    """hour_at, channel, viewers: of a group of live channels over 19 days, hours without a stream missing."""
    if "STREAMING_REAL_DATA" not in os.environ:
        pytest.skip("STREAMING_REAL_DATA is not set: the real rows are not on this machine")
    rows = pd.read_csv(Path(os.environ["STREAMING_REAL_DATA"]) / "twitch_dreamsmp_hourly_2021-05.csv")
    return rows.assign(hour_at=pd.to_datetime(rows["date"]) + pd.to_timedelta(rows["hour"], unit="h"))


def test_real_viewers_with_gaps_are_forecast_and_flagged(viewers):
    found = forecast(viewers[["hour_at", "viewers"]])
    fits(found, contracts.viewer_forecast)
    assert found.low_history.all()
    assert found.hour_at.tolist() == list(pd.date_range("2021-05-20 19:00", periods=24, freq="h"))
    assert found.lo80.notna().all()
    # Nineteen days: each hour is the mean of the same hours of the week, where both are known.
    total = viewers.groupby("hour_at").viewers.sum()
    known = [total[found.hour_at[22] - pd.Timedelta(weeks=week)] for week in (1, 2)]
    assert found.expected[22] == pytest.approx(sum(known) / 2)


def test_each_real_channel_with_a_day_of_history_is_forecast_and_flagged(viewers):
    for channel, rows in viewers.groupby("channel"):
        found = forecast(rows[["hour_at", "viewers"]])
        is_long = rows.hour_at.max() - rows.hour_at.min() >= ENOUGH
        assert len(fits(found, contracts.viewer_forecast)) == (24 if is_long else 0), channel
        assert found.low_history.all(), channel
        assert found.expected.between(rows.viewers.min(), rows.viewers.max()).all(), channel


def test_rows_of_one_hour_are_added_up_and_minutes_do_not_matter():
    whole = audience(9)[["hour_at", "value"]]
    half = whole.assign(value=whole.value / 2, hour_at=whole.hour_at + pd.Timedelta(minutes=20))
    pd.testing.assert_frame_equal(forecast(pd.concat([half, half])), forecast(whole))


def test_fewer_hours_are_the_first_of_the_24():
    series = audience(9)[["hour_at", "value"]]
    pd.testing.assert_frame_equal(forecast(series, next_hours=6), forecast(series)[:6])


def test_a_series_of_nothing_has_no_forecast():
    assert forecast(audience(1)[["hour_at", "value"]][:0]).empty


@pytest.mark.parametrize("next_hours", [0, 25])
def test_other_horizons_are_refused(next_hours):
    with pytest.raises(ValueError, match="expected 1 to 24"):
        forecast(audience(2)[["hour_at", "value"]], next_hours)
