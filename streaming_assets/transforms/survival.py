"""How long users stay: lifetimes, and the curve that they make."""

import datetime as dt
from typing import TYPE_CHECKING

import ibis
import numpy as np
from ibis import _

from streaming_assets.transforms.columns import count_where
from streaming_assets.transforms.intervals import Z_95

if TYPE_CHECKING:
    import pandas as pd


def lifetimes(user_daily: ibis.Table, as_of: dt.date, churn_inactive_days: int) -> ibis.Table:
    """Users by the day of life on which they were last known: (day, n_lost, n_censored).

    Grain: one row per day of life on which somebody was lost or censored. Life begins with the first play. A user is
    lost with the last play before the first `churn_inactive_days` whole days without one, so many days after that play;
    whoever comes back later stays lost. All others are censored at T.
    """
    in_order = ibis.window(group_by="user_id", order_by="date")
    day_after = ibis.literal(as_of + dt.timedelta(days=1))
    idle_days = _.date.lead().over(in_order).coalesce(day_after).delta(_.date, unit="day").cast("int64") - 1
    return (
        user_daily.filter(_.plays > 0)
        .mutate(idle_days=idle_days)
        .group_by("user_id")
        .agg(first_play=_.date.min(), last_play=_.date.min(where=_.idle_days >= churn_inactive_days))
        .mutate(
            lived=_.last_play.delta(_.first_play, unit="day").cast("int64") + churn_inactive_days,
            observed=-_.first_play.delta(as_of, unit="day").cast("int64"),
        )
        .group_by(day=_.lived.coalesce(_.observed))
        .agg(n_lost=count_where(_.lived.notnull()), n_censored=count_where(_.lived.isnull()))
    )


def survival_curve(counts: "pd.DataFrame") -> "pd.DataFrame":
    """The Kaplan–Meier curve of `lifetimes`. Grain and columns: contract marts/survival.

    Users who are lost and censored on one day were both at risk on it: Kaplan and Meier, Nonparametric estimation from
    incomplete observations, JASA 53 (1958), pages 457–481. The interval is Greenwood's variance carried to the scale of
    log(−log survival), where it stays within 0 … 1 and holds its level with few losses: Kalbfleisch and Prentice, The
    Statistical Analysis of Failure Time Data, 2nd edition (2002).

    Neither end has a point on that scale. Until the first loss the variance is 0 and the bounds are 1, which is exact
    for the days on which nobody can be lost yet, and too narrow after them where users are few. Where nobody is left
    survival is 0, the variance does not exist, and the bounds are NaN.
    """
    import pandas as pd

    days = np.arange(counts["day"].max() + 1 if len(counts) else 0, dtype="int64")
    ended = counts.set_index("day").reindex(days, fill_value=0)
    lost, censored = (ended[name].to_numpy("int64") for name in ("n_lost", "n_censored"))
    at_risk = (lost + censored)[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - lost / at_risk)
    low, high = _log_log_bounds(survival, lost, at_risk)
    return pd.DataFrame(
        {
            "day": days,
            "n_at_risk": at_risk,
            "n_lost": lost,
            "n_censored": censored,
            "survival": survival,
            "survival_low": low,
            "survival_high": high,
        }
    )


def _log_log_bounds(survival: np.ndarray, lost: np.ndarray, at_risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    between = (survival > 0) & (survival < 1)
    left = np.where(at_risk > lost, at_risk - lost, 1)
    greenwood = np.cumsum(lost / (at_risk * left))
    spread = Z_95 * np.sqrt(greenwood[between]) / -np.log(survival[between])
    low, high = (np.where(survival == 1, 1.0, np.nan) for _bound in range(2))
    low[between] = survival[between] ** np.exp(spread)
    high[between] = survival[between] ** np.exp(-spread)
    return low, high
