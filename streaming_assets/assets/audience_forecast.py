"""The audience forecast: which function makes which table, from what."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from streaming_assets.assets.models import Refreshed, Trained
from streaming_assets.contracts.models import forecast as contract
from streaming_assets.lake.days import Days
from streaming_assets.lake.lake import Lake, reporting_day
from streaming_assets.lake.training import Training

if TYPE_CHECKING:
    import pandas as pd

SEED = 20_261_127
_ACTIVITY = ("core/hourly_activity", "core/user_daily", "core/calendar")


def _is_settled(lake: Lake) -> bool:
    """The full backtest is there; with less history more of it changes what can be compared."""
    return any(row["is_champion"] and not row["low_history"] for row in lake.rows(contract.forecast_summary.name))


TRAINING = Training(
    "forecast",
    (contract.forecast_backtest.name, contract.forecast_coverage.name, contract.forecast_summary.name),
    _ACTIVITY,
    _is_settled,
)


def _train(lake: Lake) -> Mapping[str, "pd.DataFrame"]:
    from streaming_assets.models.forecast.backtest import backtest

    found = backtest(_history(lake), reporting_day(lake), SEED)
    return {
        contract.forecast_backtest.name: found.rows,
        contract.forecast_coverage.name: found.coverage,
        contract.forecast_summary.name: found.summary,
    }


def _viewer_forecast(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.forecast.hours import ahead
    from streaming_assets.models.forecast.issue import issue

    asked = ahead(lake.read("core/calendar"), *_until(lake)).to_pandas()
    summary, rows = (_frame(lake, table.name) for table in (contract.forecast_summary, contract.forecast_backtest))
    return issue(_history(lake), asked, summary, rows, SEED)


def _forecast_log(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.forecast.issue import log

    previous, issued = (_frame(lake, table.name) for table in (contract.forecast_log, contract.viewer_forecast))
    return log(previous, issued, _history(lake))


def _daily_plays_forecast(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.forecast.daily import daily_plays
    from streaming_assets.models.forecast.hours import plays_by_day

    days = plays_by_day(lake.read("core/hourly_activity"), lake.read("core/calendar"), *_until(lake))
    return daily_plays(days.to_pandas())


def _history(lake: Lake) -> "pd.DataFrame":
    from streaming_assets.models.forecast.hours import history

    return history(lake.read("core/hourly_activity"), lake.read("core/calendar"), *_until(lake)).to_pandas()


def _until(lake: Lake) -> tuple[dt.datetime, dt.date]:
    """Until when the audience is known: the time of the latest event, and T."""
    as_of = reporting_day(lake)
    last = lake.snapshot("core/user_daily").last_day or as_of
    latest: Any = lake.read("core/user_daily", Days(last, last)).last_event_at.max().to_pyarrow().as_py()
    return latest or dt.datetime.combine(as_of, dt.time()), as_of


def _frame(lake: Lake, table: str) -> "pd.DataFrame":
    return lake.read(table).to_pandas()


TRAINED = Trained(TRAINING, _train)
REFRESHED = (
    Refreshed(
        contract.viewer_forecast,
        _viewer_forecast,
        (*_ACTIVITY, contract.forecast_summary.name, contract.forecast_backtest.name),
    ),
    Refreshed(contract.forecast_log, _forecast_log, (*_ACTIVITY, contract.viewer_forecast.name)),
    Refreshed(contract.daily_plays_forecast, _daily_plays_forecast, _ACTIVITY),
)
