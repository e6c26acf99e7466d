"""A forecast of any hourly series, without a lake or a calendar."""

from typing import TYPE_CHECKING

from streaming_assets.models.forecast.backtest import backtest
from streaming_assets.models.forecast.hours import HISTORY_DAYS, HORIZONS
from streaming_assets.models.forecast.issue import issue

if TYPE_CHECKING:
    import pandas as pd


def forecast(hours: "pd.DataFrame", next_hours: int = HORIZONS, seed: int = 0) -> "pd.DataFrame":
    """The hours after the last one given, in UTC. Columns: contract models/viewer_forecast; is_peak is of all 24.

    hours: hour_at and one column of numbers of 0 or more, in any order. Hours that are missing are not known, rather
    than 0; rows of the same hour are added up. No rows with less than a day from the first hour to the last. Raises
    ValueError for next_hours that are not 1 … 24.
    """
    import pandas as pd

    if not 1 <= next_hours <= HORIZONS:
        raise ValueError(f"next_hours {next_hours}: expected 1 to {HORIZONS}")
    (column,) = hours.columns.difference(["hour_at"])
    at = pd.to_datetime(hours.hour_at).dt.floor("h")
    known = hours.groupby(at)[column].sum(min_count=1).astype("float64").asfreq("h")[-24 * HISTORY_DAYS :]
    history = _in_utc(known.index).assign(value=known.to_numpy())
    last = known.index.max() if len(known) else pd.Timestamp(0)
    ahead = _in_utc(pd.date_range(last, periods=HORIZONS + 1, freq="h")[1:])
    made = backtest(history, last.date(), seed)
    return issue(history, ahead, made.summary, made.rows, seed)[:next_hours]


def _in_utc(hours: "pd.DatetimeIndex") -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {"hour_at": hours, "date": hours.date, "local_hour": hours.hour, "day_of_week": hours.day_of_week + 1}
    )
