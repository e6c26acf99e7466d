"""The forecast of the next 24 hours, and the log of all that were issued."""

from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast.candidates import expected
from streaming_assets.models.forecast.intervals import RESIDUAL_ORIGINS, bands, scaled_residuals
from streaming_assets.models.forecast.timeline import WEEKS, Floats, targets, timeline

if TYPE_CHECKING:
    import pandas as pd


def issue(
    history: "pd.DataFrame", ahead: "pd.DataFrame", summary: "pd.DataFrame", rows: "pd.DataFrame", seed: int
) -> "pd.DataFrame":
    """The champion's forecast of the hours ahead. Grain and columns: contract models/viewer_forecast.

    history, ahead: rows of the functions of that name in `hours`. summary, rows: models/forecast_summary and
    models/forecast_backtest as `backtest` made them, now or some days ago. No rows where there is no champion, or no
    hour of the last 28 days is known.
    """
    import pandas as pd

    columns = list(contracts.viewer_forecast.column_names)
    champion = summary[summary.is_champion.astype(bool)]
    if champion.empty or history.empty:
        return pd.DataFrame(columns=columns)
    model = str(champion.model.iloc[0])
    line = timeline(history, ahead)
    asked = targets(line, [len(history)])
    forecast = expected(line, asked, [model], seed)[model]
    if np.isnan(forecast).any():
        return pd.DataFrame(columns=columns)
    hours = ahead.sort_values("hour_at")
    return pd.DataFrame(
        {
            "issued_at": line.hour_at[asked.origin],
            "hour_at": line.hour_at[asked.hour],
            "date": hours.date.to_numpy(),
            "local_hour": line.local_hour[asked.hour],
            "expected": forecast,
            **bands(forecast, _residuals(rows[rows.model == model])),
            "model": model,
            "low_history": bool(champion.low_history.iloc[0]),
            "is_peak": np.arange(len(forecast)) == forecast.argmax(),
            **{f"week_before_{week}": line.lagged(asked, 7 * week) for week in range(1, WEEKS + 1)},
        }
    )[columns]


def log(previous: "pd.DataFrame", issued: "pd.DataFrame", history: "pd.DataFrame") -> "pd.DataFrame":
    """Everything issued so far, with what came of it. Grain and columns: contract models/forecast_log.

    previous: the log as it stands; issued: rows of `issue`, which take the place of an earlier issue of the same time;
    history: what is known now. What came of hours that it no longer holds stays as it was.
    """
    import pandas as pd

    columns = list(contracts.forecast_log.column_names)
    latest = issued.assign(horizon=issued.hour_at.rank().astype("int64"), actual=np.nan)
    before = previous[~previous.issued_at.isin(issued.issued_at)]
    logged = pd.concat([part[columns] for part in (before, latest) if len(part)] or [previous[columns]])
    now_known = logged.hour_at.map(history.set_index("hour_at")["value"])
    logged = logged.assign(actual=now_known.fillna(logged.actual).astype("float64"))
    return logged.sort_values(["issued_at", "hour_at"], ignore_index=True)


def _residuals(rows: "pd.DataFrame") -> Floats:
    latest = np.sort(rows.origin_at.unique())[-RESIDUAL_ORIGINS:]
    kept = rows[rows.origin_at.isin(latest)]
    return scaled_residuals(kept.actual.to_numpy("float64"), kept.expected.to_numpy("float64"))
