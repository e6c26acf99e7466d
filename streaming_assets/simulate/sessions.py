"""Sessions by the rule that analysts use: plays of one user without a break longer than the gap."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streaming_assets.simulate import rows
from streaming_assets.simulate.rows import SECOND, Rows

SESSION_GAP = 30 * 60 * SECOND

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Stretches of time, one entry per stretch in each array: whose it is, and its bounds in milliseconds since 1970."""

    user: Numbers
    begin: Numbers
    end: Numbers

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Spans":
        return Spans(self.user[chosen], self.begin[chosen], self.end[chosen])


def spans_of(plays: Rows) -> Spans:
    """The time that each play takes; one of unknown watch time ends as it starts."""
    watched = np.where(plays["watch"] == rows.UNKNOWN_WATCH, 0, plays["watch"]).astype(np.int64) * (SECOND // 10)
    return Spans(plays["user"].astype(np.int64), plays["at"].copy(), plays["at"] + watched)


def sessions_of(spans: Spans) -> Spans:
    """One span per session, by user and time; a session starts more than SESSION_GAP after the latest end before it."""
    if len(spans.user) == 0:
        return spans
    order = np.lexsort((spans.begin, spans.user))
    user, begin, end = spans.user[order], spans.begin[order], spans.end[order]
    # Each user's times lie above all times of the users before, so that one running maximum serves all.
    origin = begin.min()
    place = np.cumsum(np.diff(user, prepend=user[:1]) != 0)
    lift = place * (end.max() - origin + SESSION_GAP + 1) - origin
    latest_end = np.maximum.accumulate(end + lift)
    starts = np.append(True, (begin + lift)[1:] > latest_end[:-1] + SESSION_GAP)
    first = np.flatnonzero(starts)
    return Spans(user[first], begin[first], np.maximum.reduceat(end, first))


@dataclass
class SessionTotals:
    """How many sessions start in a window, and how long they last, of plays that come day by day.

    first, end: bounds of the window in milliseconds since 1970, the end exclusive.
    """

    first: int
    end: int
    sessions: int = 0
    milliseconds: int = 0
    _open: Spans = field(default_factory=lambda: spans_of(rows.empty(0)))

    def add(self, plays: Rows, day_end: int) -> None:
        """Takes in the plays of the day that ends then; those of earlier days have been."""
        new = spans_of(plays)
        both = zip(vars(self._open).values(), vars(new).values(), strict=True)
        known = sessions_of(Spans(*(np.concatenate(pair) for pair in both)))
        is_over = known.end + SESSION_GAP < day_end
        self._count(known.where(is_over))
        self._open = known.where(~is_over)

    def close(self) -> None:
        """Counts the sessions that are still open: no plays follow."""
        self._count(self._open)
        self._open = spans_of(rows.empty(0))

    @property
    def minutes(self) -> float:
        return self.milliseconds / (60 * SECOND)

    def _count(self, sessions: Spans) -> None:
        inside = sessions.where((sessions.begin >= self.first) & (sessions.begin < self.end))
        self.sessions += len(inside.user)
        self.milliseconds += int((inside.end - inside.begin).sum())
