"""Corrected versions of landed files: some rows gone, some watch times other, some rows new."""

from dataclasses import dataclass

import numpy as np

from streaming_assets.simulate import rows
from streaming_assets.simulate.rows import DAY, SECOND, Fault, Rows

REMOVED = 0.02
CHANGED = 0.05
ADDED = 0.01
LONGEST_SHIFT = 600 * SECOND


@dataclass(frozen=True)
class Correction:
    """The rows of the corrected file, and in how many rows it differs."""

    rows: Rows
    removed: int
    changed: int
    added: int


def correction_days(days: int) -> tuple[int, ...]:
    """Days whose files are corrected: two, a third and two thirds through; fewer when there are fewer days."""
    return tuple(sorted({days // 3, 2 * days // 3}))


def correct(landed: Rows, next_number: int, rng: np.random.Generator) -> Correction:
    """A corrected version of a file; rows that could not be used stay as they are.

    next_number: the first event id that is free. Added rows are plays of the file at another time of the same day.
    """
    usable = landed["fault"] == Fault.NONE
    is_timed_play = usable & (landed["event_type"] == rows.PLAY) & (landed["watch"] > 1)
    chance = rng.random(len(landed))
    removed = usable & (chance < REMOVED)
    changed = is_timed_play & (chance >= REMOVED) & (chance < REMOVED + CHANGED)
    added = is_timed_play & (chance >= 1 - ADDED)

    fixed = landed.copy()
    fixed["watch"][changed] = fixed["watch"][changed] // 2
    new = landed[added]
    new["number"] = next_number + np.arange(len(new))
    midnight = new["at"] // DAY * DAY
    shifted = new["at"] + rng.integers(SECOND, LONGEST_SHIFT, len(new))
    new["at"] = np.minimum(shifted, midnight + DAY - 1)
    return Correction(
        rows.in_time_order(np.concatenate([fixed[~removed], new])),
        int(removed.sum()),
        int(changed.sum()),
        len(new),
    )
