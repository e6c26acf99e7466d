"""What a correct pipeline must find in the files, counted from the simulator's own records.

The rules are restated here on purpose and share nothing with the pipeline: of several rows with one key the last in
the order of (path, position in the file) counts; a key is the day with the event id, or else user, instant, content
and type.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import rows
from streaming_assets.simulate.places import milliseconds
from streaming_assets.simulate.rows import DAY, NOTHING, Fault, Rows

REASONS = {
    Fault.FUTURE: "timestamp_in_future",
    Fault.MISSING_USER: "missing_user_id",
    Fault.NEGATIVE_WATCH: "negative_watch_seconds",
    Fault.ABSURD_WATCH: "watch_seconds_too_long",
    Fault.MALFORMED: "malformed_row",
}


def reasons(landed: Rows) -> dict[str, int]:
    """Number of rows by the reason for which they cannot be used; reasons that do not occur are left out."""
    faults, counts = np.unique(landed["fault"][landed["fault"] != Fault.NONE], return_counts=True)
    return {REASONS[Fault(fault)]: int(count) for fault, count in zip(faults, counts, strict=True)}


@dataclass(frozen=True)
class DayTruth:
    """One UTC day: distinct usable events, plays among them, and their watch time in tenths of a second."""

    events: int
    plays: int
    watch: int


@dataclass
class Tally:
    """Counts over event files as they land; the rows of a day are held until the day is closed."""

    start: dt.date
    users: int
    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    by_day: dict[int, DayTruth] = field(default_factory=dict)
    _paths: set[str] = field(default_factory=set)
    _open: dict[int, list[tuple[str, Rows]]] = field(default_factory=dict)
    _user_played: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._user_played = np.zeros(self.users, np.bool_)

    def land(self, path: str, landed: Rows) -> None:
        """Takes a file in, or a part of one that grows, its rows in the order in which they stand in it."""
        self._paths.add(path)
        self.rows += len(landed)
        self.rejected.update(reasons(landed))
        for day, part in rows.by_day(landed[landed["fault"] == Fault.NONE], milliseconds(self.start)):
            self._open.setdefault(day, []).append((path, part))

    def close_through(self, last_day: int) -> None:
        """Counts every day up to this one; no file with rows of them may follow."""
        for day in sorted(day for day in self._open if day <= last_day):
            in_order = sorted(self._open.pop(day), key=lambda landed: landed[0])
            events = _distinct(np.concatenate([part for _, part in in_order]))
            plays = events[events["event_type"] == rows.PLAY]
            known = plays["watch"][plays["watch"] != rows.UNKNOWN_WATCH]
            self._user_played[plays["user"]] = True
            self.by_day[day] = DayTruth(len(events), len(plays), int(known.sum(dtype=np.int64)))

    @property
    def files(self) -> int:
        return len(self._paths)

    @property
    def plays(self) -> int:
        return sum(day.plays for day in self.by_day.values())

    @property
    def users_with_a_play(self) -> int:
        return int(self._user_played.sum())

    def as_dict(self) -> dict[str, object]:
        """The counts as they stand in truth.json; every day must be closed."""
        rejected = sum(self.rejected.values())
        return {
            "files": self.files,
            "rows": self.rows,
            "accepted": self.rows - rejected,
            "rejected": dict(sorted(self.rejected.items())),
            "events": sum(day.events for day in self.by_day.values()),
            "plays": self.plays,
            "watch_seconds": sum(day.watch for day in self.by_day.values()) / 10,
            "users_with_a_play": self.users_with_a_play,
            "by_day": {
                str(self.start + dt.timedelta(days=number)): {
                    "events": day.events,
                    "plays": day.plays,
                    "watch_seconds": day.watch / 10,
                }
                for number, day in sorted(self.by_day.items())
            },
        }


def _distinct(usable: Rows) -> Rows:
    """The last row of each key, among rows of one day."""
    has_id = usable["number"] != NOTHING
    instant_and_user = (usable["at"] % DAY) << 32 | usable["user"]
    content_and_type = usable["item"].astype(np.int64) << 8 | usable["event_type"]
    first = np.where(has_id, usable["number"], instant_and_user)
    second = np.where(has_id, np.iinfo(np.int64).min, content_and_type)
    order = np.lexsort((second, first))
    changes = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    return usable[order[np.append(changes, True)]]
