"""At which days the clock is set to learn who leaves, and to tell who will."""

import datetime as dt
from dataclasses import dataclass

GAP_DAYS = 1
"""Days between what is known and what is predicted: the time that acting on a score takes."""
LABEL_DAYS = 28
"""Days that tell whether a user churned: [cutoff + GAP_DAYS, cutoff + GAP_DAYS + LABEL_DAYS)."""
OBSERVATION_DAYS = 90
"""Days before a cutoff that features see, as far as there are so many."""
LEAST_OBSERVATION_DAYS = 28
OBSERVATIONS = (OBSERVATION_DAYS, 60, LEAST_OBSERVATION_DAYS)
STAGE_DAYS = GAP_DAYS + LABEL_DAYS
"""From the last cutoff of a stage to the first of the next: its labels are told before the next stage begins."""

MOST_CUTOFFS = {"train": 5, "calibrate": 4, "test": 4}
"""By stage, in the order in which they get one cutoff more."""

_WEEK = dt.timedelta(days=7)
_STAGE = dt.timedelta(days=STAGE_DAYS)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Split:
    """Cutoffs by stage, each in ascending order and a week apart; stages follow each other in time, none is empty."""

    train: tuple[dt.date, ...]
    calibrate: tuple[dt.date, ...]
    test: tuple[dt.date, ...]


def scoring_cutoff(as_of: dt.date) -> dt.date:
    """The cutoff at which all days up to T, which is as_of, are known and no more."""
    return as_of + _DAY


def split(first_day: dt.date, as_of: dt.date) -> Split | None:
    """The cutoffs of a training at T, which is as_of, on data from first_day on; None below 115 days.

    The last test cutoff is the last one whose label window is over at T. Stages are purged: every stage begins
    STAGE_DAYS or more after the last cutoff of the one before, so that no label overlaps it. The earliest cutoff has
    LEAST_OBSERVATION_DAYS or more before it. 115 days give one cutoff per stage; every 7 more give one more, to train,
    calibrate and test in turn until each has its share of MOST_CUTOFFS.
    """
    last_test = scoring_cutoff(as_of) - _STAGE
    first_train = last_test - (len(MOST_CUTOFFS) - 1) * _STAGE
    spare = first_train - (first_day + dt.timedelta(days=LEAST_OBSERVATION_DAYS))
    if spare < dt.timedelta():
        return None
    counts = _counts(spare // _WEEK)
    test = _weekly(last_test, counts["test"])
    calibrate = _weekly(test[0] - _STAGE, counts["calibrate"])
    return Split(_weekly(calibrate[0] - _STAGE, counts["train"]), calibrate, test)


def observation_days(first_day: dt.date, split: Split) -> int:
    """How far features may look back at every cutoff of a training: the longest of OBSERVATIONS that the earliest has.

    As far for all, since a sum over 90 days means something else where the data are younger than that. In steps, so that
    a champion seldom meets features of another length than it has learned from.
    """
    known = (split.train[0] - first_day).days
    return next(days for days in OBSERVATIONS if days <= known)


def _counts(spare_weeks: int) -> dict[str, int]:
    turns = [
        stage for turn in range(1, max(MOST_CUTOFFS.values())) for stage, most in MOST_CUTOFFS.items() if turn < most
    ]
    given = turns[:spare_weeks]
    return {stage: 1 + given.count(stage) for stage in MOST_CUTOFFS}


def _weekly(last: dt.date, count: int) -> tuple[dt.date, ...]:
    return tuple(last - number * _WEEK for number in reversed(range(count)))
