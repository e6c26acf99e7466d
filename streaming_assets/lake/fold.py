"""Aggregates over all days whose cost follows the new days: what is known up to a day is kept, the rest is added."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import ibis

from streaming_assets import contracts
from streaming_assets.lake.code import code_of_rows
from streaming_assets.lake.days import Days
from streaming_assets.lake.delta import Snapshot
from streaming_assets.lake.engine import conform
from streaming_assets.lake.lake import Lake

TAIL_DAYS = 30
"""The newest days are left out of what is kept: they are the ones that late files change."""
ADVANCE_AFTER_DAYS = 60


@dataclass(frozen=True)
class Fold:
    """An aggregate of a daily table that can be merged: merge(fold(a) ∪ fold(b)) = fold(a ∪ b).

    kept: the table that keeps it up to a day. over: the daily table.
    """

    kept: str
    over: str
    fold: Callable[[ibis.Table], ibis.Table]
    merge: Callable[[ibis.Table], ibis.Table]


def folded(lake: Lake, aggregate: Fold, up_to: dt.date = dt.date.max) -> ibis.Table:
    """The aggregate over all days of the daily table up to one, made once for everybody who reads it in a run.

    What is kept is made anew when a day that it covers was written since, and moves on when many days follow it.
    """
    what = f"{aggregate.kept} of version {lake.snapshot(aggregate.over).delta_version} up to {up_to}"
    return lake.remember(what, contracts.ALL[aggregate.kept], lambda: _folded(lake, aggregate, up_to))


def _folded(lake: Lake, aggregate: Fold, up_to: dt.date) -> ibis.Table:
    over = lake.snapshot(aggregate.over)
    last = over.last_day
    if last is None:
        return aggregate.fold(lake.read(aggregate.over))
    through = _kept_through(lake, aggregate)
    if through is None or (last - through).days > ADVANCE_AFTER_DAYS:
        horizon = last - dt.timedelta(days=TAIL_DAYS)
        rows = _merged(lake, aggregate, through, horizon)
        lake.write(aggregate.kept, rows, notes={"through": horizon.isoformat(), "made_of": _fingerprint(over, horizon)})
        through = horizon
    return _merged(lake, aggregate, through if through <= up_to else None, up_to)


def _kept_through(lake: Lake, aggregate: Fold) -> dt.date | None:
    notes = lake.snapshot(aggregate.kept).state.notes
    if not notes:
        return None
    through = dt.date.fromisoformat(notes["through"])
    return through if notes["made_of"] == _fingerprint(lake.snapshot(aggregate.over), through) else None


def _fingerprint(over: Snapshot, through: dt.date) -> str:
    """Of the code, and of the files up to the day: a day that is written again has files of other names."""
    paths = sorted(file.path for file in over.files if over.days_of(file) <= through)
    return hashlib.sha256("\n".join([code_of_rows(), *paths]).encode()).hexdigest()


def _merged(lake: Lake, aggregate: Fold, after: dt.date | None, up_to: dt.date) -> ibis.Table:
    """What is kept up to `after` and the days that follow, up to and including the last one."""
    table = contracts.ALL[aggregate.kept]
    if after == up_to:
        return lake.read(aggregate.kept)
    first = dt.date.min if after is None else after + dt.timedelta(days=1)
    new = aggregate.fold(lake.read(aggregate.over, Days(first, up_to)))
    if after is None:
        return conform(new, table)
    return aggregate.merge(conform(new, table).union(lake.read(aggregate.kept)))
