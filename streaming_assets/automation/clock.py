"""Times as the project has them everywhere: UTC without zone, from a clock that is an argument."""

import datetime as dt
from collections.abc import Callable

Clock = Callable[[], dt.datetime]


def utc_of(timestamp: float) -> dt.datetime:
    """The time of seconds since 1970, as Dagster's storage keeps them."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).replace(tzinfo=None)
