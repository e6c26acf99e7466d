"""The candidates on days that are over: which is best, and how far to trust it."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streaming_assets.contracts.models import forecast as contracts
from streaming_assets.models.forecast import metrics
from streaming_assets.models.forecast.candidates import expected
from streaming_assets.models.forecast.intervals import rolling_bands
from streaming_assets.models.forecast.plan import Plan, plan
from streaming_assets.models.forecast.timeline import Targets, Timeline, targets, timeline
from streaming_assets.models.forecast.verdict import champion_of, reasons

if TYPE_CHECKING:
    import pandas as pd

_SEASON = 168
_FIGURES = ("mae", "mase", "wape", "bias", "pinball", "coverage_80", "coverage_95", "width_80")


@dataclass(frozen=True)
class Backtest:
    """rows: models/forecast_backtest; summary: models/forecast_summary; coverage: models/forecast_coverage."""

    rows: "pd.DataFrame"
    summary: "pd.DataFrame"
    coverage: "pd.DataFrame"


def backtest(history: "pd.DataFrame", as_of: dt.date, seed: int) -> Backtest:
    """Every candidate that the history allows, from rolling daily origins up to its end.

    history: rows of `hours.history`, in any order, none where there is none. as_of: T, told in the summary.
    """
    line = timeline(history)
    planned = plan(line)
    rows = _rows(line, planned, seed)
    figures = _figures(line, planned, rows)
    champion = champion_of(figures["mae"], planned)
    kept = rows[rows.is_evaluated | (rows.model == champion)]
    return Backtest(
        rows=kept[list(contracts.forecast_backtest.column_names)].reset_index(drop=True),
        summary=_summary(figures, champion, planned, as_of),
        coverage=_coverage(rows[rows.is_evaluated & (rows.model == champion)]),
    )


def _rows(line: Timeline, planned: Plan, seed: int) -> "pd.DataFrame":
    """The columns of models/forecast_backtest and local_hour, of every candidate and origin."""
    import pandas as pd

    asked = targets(line, planned.origins)
    forecasts = expected(line, asked, planned.candidates, seed)
    frames = [_of_candidate(name, line, planned, asked, forecasts[name]) for name in planned.candidates]
    empty = pd.DataFrame(columns=[*contracts.forecast_backtest.column_names, "local_hour"]).astype(
        {"is_evaluated": bool}
    )
    rows = pd.concat(frames) if frames else empty
    return rows[rows.expected.notna()]


def _of_candidate(name: str, line: Timeline, planned: Plan, asked: Targets, forecast: metrics.Floats) -> "pd.DataFrame":
    import pandas as pd

    actual = line.value[asked.hour]
    first_evaluated = len(line.value) - 24 * planned.evaluated
    return pd.DataFrame(
        {
            "model": name,
            "origin_at": line.hour_at[asked.origin],
            "hour_at": line.hour_at[asked.hour],
            "horizon": asked.horizon,
            "actual": actual,
            "expected": forecast,
            **rolling_bands(asked.origin, forecast, actual),
            "is_evaluated": asked.origin >= first_evaluated,
            "local_hour": line.local_hour[asked.hour],
        }
    )


def _figures(line: Timeline, planned: Plan, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Indexed by candidate: n_origins, n_hours and the metrics; all nine, those that were not tried without metrics."""
    import pandas as pd

    judged = rows[rows.is_evaluated & rows.actual.notna()]
    scale = _scale(line, planned)
    found = {str(name): _of_rows(part, scale) for name, part in judged.groupby("model")}
    nothing = {"n_origins": 0, "n_hours": 0, **dict.fromkeys(_FIGURES, np.nan)}
    return pd.DataFrame([found.get(name, nothing) for name in contracts.CANDIDATES], index=contracts.CANDIDATES)


def _scale(line: Timeline, planned: Plan) -> float:
    """Seasonal naive error (168) of the hours before the first evaluated origin, by the local clock."""
    end = line.slot[len(line.value) - 24 * planned.evaluated] if planned.evaluated else 0
    return metrics.seasonal_naive_error(line.by_slot[:end], _SEASON)


def _of_rows(rows: "pd.DataFrame", scale: float) -> dict[str, float]:
    actual, forecast, lo80, hi80, lo95, hi95 = (
        rows[name].to_numpy("float64") for name in ("actual", "expected", "lo80", "hi80", "lo95", "hi95")
    )
    return {
        "n_origins": rows.origin_at.nunique(),
        "n_hours": len(rows),
        "mae": metrics.mae(actual, forecast),
        "mase": metrics.mase(actual, forecast, scale),
        "wape": metrics.wape(actual, forecast),
        "bias": metrics.bias(actual, forecast),
        "pinball": metrics.pinball(actual, {0.025: lo95, 0.1: lo80, 0.5: forecast, 0.9: hi80, 0.975: hi95}),
        "coverage_80": metrics.coverage(actual, lo80, hi80),
        "coverage_95": metrics.coverage(actual, lo95, hi95),
        "width_80": metrics.width(lo80, hi80),
    }


def _summary(figures: "pd.DataFrame", champion: str | None, planned: Plan, as_of: dt.date) -> "pd.DataFrame":
    told = figures.rename_axis("model").reset_index()
    told = told.assign(
        is_champion=told.model == champion,
        is_reference=told.model == contracts.REFERENCE,
        low_history=planned.low_history,
        reason=reasons(figures, champion, planned),
        trained_as_of=as_of,
    )
    return told[list(contracts.forecast_summary.column_names)]


def _coverage(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Of the champion's evaluated rows."""
    judged = rows[rows.actual.notna() & rows.lo80.notna()]
    inside = judged.actual.between(judged.lo80, judged.hi80)
    found = inside.groupby([judged.local_hour, judged.model]).agg(["size", "mean"]).reset_index()
    return found.rename(columns={"size": "n", "mean": "coverage_80"})[list(contracts.forecast_coverage.column_names)]
