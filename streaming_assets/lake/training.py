"""When models are trained: a function of T, of what the tables of the last training say, and of nothing else."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from streaming_assets.lake.code import code_of_models
from streaming_assets.lake.lake import Lake, reporting_day


@dataclass(frozen=True)
class Training:
    """A model's tables, which are made together by one training.

    tables: in the order in which they are committed; the state of the last one says what came of the training. reads:
    tables that it learns from. is_settled: whether it came to a result that stands until the next one is due; if not,
    because there were too few data, it is tried again when there are others. is_lost: whether what it stored is no longer
    there, or can no longer be used. is_to_be_made: whether a training would find tables that it reads to be made anew first.
    """

    name: str
    tables: tuple[str, ...]
    reads: tuple[str, ...]
    is_settled: Callable[[Lake], bool]
    is_lost: Callable[[Lake], bool] = lambda lake: False
    is_to_be_made: Callable[[Lake], bool] = lambda lake: False

    @property
    def record(self) -> str:
        """The table whose commit ends the training."""
        return self.tables[-1]

    def trained_as_of(self, lake: Lake) -> dt.date | None:
        """T at the last training; None where there was none."""
        found = lake.snapshot(self.record).state.notes.get("as_of")
        return dt.date.fromisoformat(found) if found else None

    def is_due(self, lake: Lake) -> bool:
        """So many days as the setting says have gone by since the last training, T went back, the code is another, what was
        stored is lost, or the last training came to nothing and what it learns from has changed.
        """
        last, as_of = self.trained_as_of(lake), reporting_day(lake)
        if last is None or self.is_lost(lake) or lake.snapshot(self.record).state.notes != notes_of(last):
            return True
        if not 0 <= (as_of - last).days < lake.settings.train_every_days:
            return True
        if self.is_settled(lake):
            return False
        return as_of != last or self._inputs_changed(lake) or self.is_to_be_made(lake)

    def due_next(self, lake: Lake) -> dt.date | None:
        """The T at which it will be due, if nothing else makes it so."""
        last = self.trained_as_of(lake)
        return last and last + dt.timedelta(days=lake.settings.train_every_days)

    def _inputs_changed(self, lake: Lake) -> bool:
        made_from = lake.snapshot(self.record).state.inputs
        return any(made_from.get(name) != lake.snapshot(name).state.version for name in self.reads)


def notes_of(as_of: dt.date) -> dict[str, str]:
    """What the tables of models follow from besides their inputs."""
    return {"as_of": str(as_of), "code": code_of_models()}


def stale_tables(lake: Lake, tables: Mapping[str, Collection[str]]) -> list[str]:
    """Tables made from other versions of what they read, another T or other code than the present ones.

    tables: name → what it reads, in an order in which each comes after those that it reads.
    """
    now: dict[str, Any] = notes_of(reporting_day(lake))
    found: list[str] = []
    for name, reads in tables.items():
        state = lake.snapshot(name).state
        is_behind = any(read in found or state.inputs.get(read) != lake.snapshot(read).state.version for read in reads)
        if is_behind or dict(state.notes) != now:
            found.append(name)
    return found
