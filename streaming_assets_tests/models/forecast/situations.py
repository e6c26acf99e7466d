"""Audiences by the hour: rows as the lake has them, and simulated series."""

import datetime as dt
from collections.abc import Callable, Iterable

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from streaming_assets.contracts import core
from streaming_assets.contracts.table import Table
from streaming_assets.transforms.daily import hours_of
from streaming_assets_tests.transforms.situations import calendar, table

MONDAY = dt.date(2026, 3, 2)
HOUR = dt.timedelta(hours=1)


def activity(days: Iterable[dt.date], users: Callable[[dt.datetime], int], timezone: str = "UTC") -> ibis.Table:
    """core/hourly_activity of days with plays; users: by the UTC start of the hour. Twice as many plays."""
    wanted = list(days)
    hours = hours_of(calendar(timezone).filter(ibis._.date.isin(wanted))).to_pyarrow().to_pylist()
    rows = [
        {
            "hour_at": hour["hour_at"],
            "date": hour["date"],
            "local_hour": hour["local_hour"],
            "active_users": users(hour["hour_at"]),
            "plays": 2 * users(hour["hour_at"]),
            "watch_seconds": 0.0,
        }
        for hour in hours
    ]
    return table(rows, core.hourly_activity)


def in_utc(at: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"hour_at": at, "date": at.date, "local_hour": at.hour, "day_of_week": at.day_of_week + 1})


def hours(value: Iterable[float], first: dt.date = MONDAY) -> pd.DataFrame:
    """A history in UTC from the first midnight on, NaN where nothing is known."""
    known = np.asarray(list(value), dtype="float64")
    return in_utc(pd.date_range(first, periods=len(known), freq="h")).assign(value=known)


def after(history: pd.DataFrame) -> pd.DataFrame:
    """The 24 hours after a history in UTC."""
    return in_utc(pd.date_range(history.hour_at.max() + HOUR, periods=24, freq="h"))


def audience(days: int, seed: int = 7, level: float = 200.0) -> pd.DataFrame:
    """An audience with a daily and a weekly rhythm, a trend of 0.2 % a day, a level that wanders, and Poisson noise."""
    generator = np.random.default_rng(seed)
    number = np.arange(24 * days)
    hour, day = number % 24, number // 24
    rhythm = 0.6 * np.sin(2 * np.pi * (hour - 14) / 24) + 0.25 * np.sin(4 * np.pi * (hour - 10) / 24)
    weekend = 0.3 * ((day % 7 >= 5) & (hour > 8))
    wanders = np.zeros(len(number))
    for place, step in enumerate(generator.normal(0, 0.05, len(number))):
        wanders[place] = 0.9 * wanders[place - 1] + step
    return hours(generator.poisson(level * np.exp(rhythm + weekend + 0.002 * day + wanders)))


def fits(frame: pd.DataFrame, contract: Table) -> pa.Table:
    """The frame as the lake takes it in; raises where it does not fit the contract."""
    assert list(frame.columns) == list(contract.column_names)
    rows = pa.Table.from_pandas(frame, contract.schema.to_pyarrow(), preserve_index=False)
    for column in contract.columns:
        values = [value for value in rows[column.name].to_pylist() if value is not None]
        assert not column.not_null or len(values) == len(rows), column.name
        assert column.at_least is None or all(value >= column.at_least for value in values), column.name
        assert column.at_most is None or all(value <= column.at_most for value in values), column.name
        assert column.one_of is None or set(values) <= set(column.one_of), column.name
    assert not frame.duplicated(list(contract.key)).any()
    return rows
