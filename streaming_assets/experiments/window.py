"""The days that an experiment looks at."""

import datetime as dt
from dataclasses import dataclass

from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.metrics import PRE_PERIOD_DAYS


@dataclass(frozen=True)
class Window:
    """From the first day of exposure to the last day that is known, min(end, T); first_read: the first day of facts."""

    start: dt.date
    last: dt.date

    @property
    def first_read(self) -> dt.date:
        return self.start - dt.timedelta(days=PRE_PERIOD_DAYS)

    @property
    def has_begun(self) -> bool:
        return self.start <= self.last


def window_of(experiment: Experiment, as_of: dt.date) -> Window:
    """The experiment's window as of the day T; before its start the last day lies before the first."""
    return Window(experiment.start, min(experiment.end, as_of))
