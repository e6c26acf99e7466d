"""What experiments do to the sessions of the users whom they treat: plays are added at the end, or taken away there."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effects:
    """How strong it is, what is planted in experiments.

    more_plays: plays that a session could gain at its end on average, per play of it. fewer_plays: chance that a play is
    lost, the first of a session excepted. withheld: share of the treated users whose exposure is never logged.
    """

    more_plays: float = 0.65
    fewer_plays: float = 0.6
    withheld: float = 0.45

    def __post_init__(self) -> None:
        if not (self.more_plays >= 0 and math.isfinite(self.more_plays)):
            raise ValueError(f"more_plays {self.more_plays}: expected a finite number, at least 0")
        for name, share in (("fewer_plays", self.fewer_plays), ("withheld", self.withheld)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share}: expected a share from 0 to 1")


NO_EFFECTS = Effects(more_plays=0.0, fewer_plays=0.0, withheld=0.0)


@dataclass(frozen=True)
class Treatments:
    """Who is treated and when. first, end: bounds of the time in milliseconds since 1970, the end exclusive.

    gains, loses: whether each user's sessions that start in that time gain plays, lose plays; both at once multiply.
    """

    first: int
    end: int
    gains: Flags
    loses: Flags
    effects: Effects

    def left(self, user: Numbers, start: Numbers, plays: Numbers, least: Numbers, rng: np.random.Generator) -> Numbers:
        """How many of its plays, and of these the first ones, a session keeps; at least as many as told."""
        treated = self._in_time(start) & self.loses[user]
        left = plays.copy()
        drawn = 1 + rng.binomial(plays[treated] - 1, 1 - self.effects.fewer_plays)
        left[treated] = np.maximum(drawn, least[treated])
        return left

    def added(self, user: Numbers, start: Numbers, plays: Numbers, rng: np.random.Generator) -> Numbers:
        """How many plays a session of so many plays gains."""
        treated = self._in_time(start) & self.gains[user]
        added = np.zeros_like(plays)
        added[treated] = rng.poisson(self.effects.more_plays * plays[treated])
        return added

    def _in_time(self, start: Numbers) -> Flags:
        return (start >= self.first) & (start < self.end)
