"""Where users live, when people there watch, and how far their clocks are from UTC."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate.rows import SECOND


@dataclass(frozen=True)
class Place:
    """A home: country (ISO code and name), US state where there is one, time zone, share of the users."""

    country: str
    country_name: str
    state: str | None
    zone: str
    share: float


PLACES = (
    Place("US", "United States", "CA", "America/Los_Angeles", 0.12),
    Place("US", "United States", "TX", "America/Chicago", 0.09),
    Place("US", "United States", "NY", "America/New_York", 0.09),
    Place("US", "United States", "FL", "America/New_York", 0.07),
    Place("US", "United States", "IL", "America/Chicago", 0.04),
    Place("US", "United States", "WA", "America/Los_Angeles", 0.04),
    Place("US", "United States", "CO", "America/Denver", 0.03),
    Place("US", "United States", "GA", "America/New_York", 0.03),
    Place("GB", "United Kingdom", None, "Europe/London", 0.14),
    Place("DE", "Germany", None, "Europe/Berlin", 0.12),
    Place("FR", "France", None, "Europe/Paris", 0.07),
    Place("BR", "Brazil", None, "America/Sao_Paulo", 0.08),
    Place("IN", "India", None, "Asia/Kolkata", 0.05),
    Place("JP", "Japan", None, "Asia/Tokyo", 0.03),
)

WEEKDAY_FACTORS = (0.90, 0.87, 0.90, 0.95, 1.12, 1.28, 1.18)
"""Activity by day of the week, Monday first, relative to the mean."""

# fmt: off
_WORKDAY_HOURS = (2.0, 1.2, 0.8, 0.5, 0.5, 0.8, 1.8, 3.0, 2.8, 2.2, 2.2, 2.6,
                  3.4, 3.0, 2.6, 2.8, 3.4, 4.6, 6.6, 8.6, 10.0, 9.4, 6.8, 4.0)
_WEEKEND_HOURS = (3.4, 2.4, 1.6, 1.0, 0.7, 0.7, 1.0, 1.8, 3.0, 4.2, 5.0, 5.2,
                  5.4, 5.6, 5.8, 5.8, 6.0, 6.4, 7.4, 8.6, 9.4, 9.0, 7.4, 5.2)
# fmt: on


def start_times(date: dt.date, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Hours after local midnight at which sessions start: low at night, highest in the evening."""
    weights = np.array(_WEEKEND_HOURS if date.weekday() >= 5 else _WORKDAY_HOURS)
    hours = np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(count))
    return np.minimum(hours, 23) + rng.random(count)


def utc_offsets(date: dt.date) -> npt.NDArray[np.int64]:
    """Milliseconds that the clocks of each place are ahead of UTC at noon of the date."""
    noon = dt.datetime.combine(date, dt.time(12))
    offsets = [noon.replace(tzinfo=ZoneInfo(place.zone)).utcoffset() or dt.timedelta() for place in PLACES]
    return np.array([offset // dt.timedelta(milliseconds=1) for offset in offsets], np.int64)


def milliseconds(date: dt.date) -> int:
    """Midnight UTC of the date, in milliseconds since 1970."""
    return (date - dt.date(1970, 1, 1)).days * 86_400 * SECOND


def random_places(count: int, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Positions in PLACES, drawn by their shares."""
    shares = np.array([place.share for place in PLACES])
    return rng.choice(len(PLACES), count, p=shares / shares.sum()).astype(np.int8)
