"""Event rows as the simulator holds them: one NumPy record per row, texts as positions in vocabularies."""

from collections.abc import Iterator
from enum import IntEnum

import numpy as np
import numpy.typing as npt

SECOND = 1_000
DAY = 86_400 * SECOND
NOTHING = -1
"""Stands for an absent value wherever a real one cannot be negative."""

UNKNOWN_WATCH = np.iinfo(np.int32).min

Rows = npt.NDArray[np.void]

ROW = np.dtype(
    [
        ("user", np.int32),
        ("at", np.int64),  # milliseconds since 1970, UTC
        ("item", np.int32),
        ("event_type", np.int8),
        ("number", np.int64),  # of the event id
        ("watch", np.int32),  # tenths of a second
        ("length_is_known", np.bool_),
        ("platform", np.int8),
        ("pauses", np.int16),
        ("buffer_events", np.int16),
        ("was_recommended", np.int8),
        ("experiment", np.int8),
        ("variant", np.int8),
        ("effect", np.int8),
        ("fault", np.int8),
    ]
)

EVENT_TYPES = ("play", "skip", "complete", "pause", "search", "preview", "exposure")
PLAY, SKIP, COMPLETE, PAUSE, SEARCH, PREVIEW, EXPOSURE = range(len(EVENT_TYPES))

LOGGED_EXPERIMENTS = ("sim_srm",)
VARIANTS = ("control", "treatment")
CONTROL, TREATMENT = range(len(VARIANTS))


class Effect(IntEnum):
    """What an experiment did to a row.

    A row that was taken away goes along until its day is landed: what else is planted follows from the rows as they
    would be without experiments, and the truth compares both.
    """

    NONE = 0
    ADDED = 1
    TAKEN = 2


class Fault(IntEnum):
    """What is wrong with a row, so that it cannot be used."""

    NONE = 0
    FUTURE = 1
    MISSING_USER = 2
    NEGATIVE_WATCH = 3
    ABSURD_WATCH = 4
    MALFORMED = 5


def empty(count: int) -> Rows:
    """Plays of nobody and nothing yet: every field that may be absent is."""
    rows = np.zeros(count, ROW)
    for field in ("user", "item", "number", "pauses", "buffer_events", "was_recommended", "experiment", "variant"):
        rows[field] = NOTHING
    rows["watch"] = UNKNOWN_WATCH
    return rows


def in_time_order(rows: Rows) -> Rows:
    """The rows by time; those of one instant stay in their order."""
    return rows[np.argsort(rows["at"], kind="stable")]


def by_day(rows: Rows, origin: int) -> Iterator[tuple[int, Rows]]:
    """(days since origin, rows of that UTC day), in order of days; origin in milliseconds since 1970."""
    days = (rows["at"] - origin) // DAY
    for day in np.unique(days):
        yield int(day), rows[days == day]
