"""Plays expected per day of the next week."""

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast.baselines import known_median
from streaming_assets.models.forecast.intervals import bands, scaled_residuals
from streaming_assets.models.forecast.plan import FULL_DAYS
from streaming_assets.models.forecast.timeline import LAG_DAYS, WEEKS, Floats

if TYPE_CHECKING:
    import pandas as pd

_DAYS_AHEAD = 7
_RESIDUAL_DAYS = 56


def daily_plays(days: "pd.DataFrame") -> "pd.DataFrame":
    """The 7 days after the last one given. Grain and columns: contract models/daily_plays_forecast.

    days: rows of `hours.plays_by_day`, in any order. No rows where none of the last 28 days has plays. A week ahead the
    last same weekday is always known, so that one rule forecasts all seven days, and what it missed by on past days is
    out of sample.
    """
    import pandas as pd

    in_order = days.sort_values("date")
    plays = in_order.plays.to_numpy("float64")
    lately = plays[-LAG_DAYS:]
    if np.isnan(lately).all():
        return pd.DataFrame(columns=list(contracts.daily_plays_forecast.column_names))
    forecast = _of_weekdays(np.concatenate([plays, np.full(_DAYS_AHEAD, np.nan)]))
    missed_by = scaled_residuals(plays, forecast[:-_DAYS_AHEAD])[-_RESIDUAL_DAYS:]
    expected = np.where(np.isnan(forecast), np.nanmedian(lately), forecast)[-_DAYS_AHEAD:]
    band = bands(expected, missed_by)
    last = in_order.date.iloc[-1]
    return pd.DataFrame(
        {
            "date": [last + dt.timedelta(days=number) for number in range(1, _DAYS_AHEAD + 1)],
            "expected_plays": expected,
            "lo80": band["lo80"],
            "hi80": band["hi80"],
            "low_history": len(plays) - np.flatnonzero(~np.isnan(plays))[0] < FULL_DAYS,
        }
    )


def _of_weekdays(plays: Floats) -> Floats:
    """For every day the median of the four same weekdays before it, as many as are known."""
    return known_median(
        [np.concatenate([np.full(7 * week, np.nan), plays])[: len(plays)] for week in range(1, WEEKS + 1)]
    )
