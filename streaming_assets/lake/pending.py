"""Which days must be computed: a function of what the tables' last commits say, and of nothing else."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.delta import State

REACHES_BACK = 1
REACHES_AHEAD = 2
"""Changed rows of day D change the daily tables of D − 1 … D + 2: sessions see two days back and one ahead."""


@dataclass(frozen=True)
class Window:
    """The days around a day that an input is read for."""

    before: int = 0
    after: int = 0


def required_versions(raw: State, within: Days | None = None) -> DayVersions:
    """Per day, the version of raw/events from which the daily tables must have been computed."""
    required = DayVersions()
    for changed, version in raw.days.items():
        for day in Days(changed, changed).around(REACHES_BACK, REACHES_AHEAD):
            if within is None or day in within:
                required[day] = max(required.get(day, 0), version)
    return required


def stale_days(required: DayVersions, table: State) -> set[dt.date]:
    """Days that the table was not computed for, or from too old a version of raw/events."""
    return {day for day, version in required.items() if table.days.get(day, 0) < version}


def unchecked_days(table: State, checked: int) -> set[dt.date]:
    """Days that were written after the version that their checks have seen."""
    return {day for day, version in table.written.items() if checked < version}


def settled(raw: DayVersions, unsettled: set[dt.date]) -> DayVersions:
    """The versions of raw/events by day, with 1 for changes that every daily table has taken in.

    unsettled: days that some daily table must still compute. Old days share a version so, and are written as one run.
    """
    waiting = {near for day in unsettled for near in Days(day, day).around(REACHES_AHEAD, REACHES_BACK)}
    return DayVersions({day: version if day in waiting else 1 for day, version in raw.items()})


def sufficient(stamped: DayVersions, required: DayVersions) -> DayVersions:
    """Stamps no higher than what is required: that is all that anybody asks of them."""
    return DayVersions({day: min(version, required.get(day, version)) for day, version in stamped.items()})


def stamps(days: Days, current: int, required: DayVersions, inputs: Iterable[tuple[State, Window]]) -> DayVersions:
    """Per day, the version of raw/events that the rows now computed reflect.

    It is the current one unless an input is itself behind on a day that is read: then the table is no further.
    """
    found = DayVersions(dict.fromkeys(days, current))
    for state, window in inputs:
        behind = stale_days(required, state)
        for day in behind:
            for reader in Days(day, day).around(window.after, window.before):
                if reader in found:
                    found[reader] = min(found[reader], state.days.get(day, 0))
    return found


def achievable_versions(required: DayVersions, events: State, blocked: set[dt.date]) -> DayVersions:
    """What is required, less what cannot be had yet: on days that depend on a blocked one, the state of its events.

    Stamps reach a day further back than changes do: sessions are stamped by the plays of their next day, and these by
    the events of the day after.
    """
    found = DayVersions(required)
    for held in blocked:
        for day in Days(held, held).around(REACHES_BACK + 1, REACHES_AHEAD):
            if day in found:
                found[day] = min(found[day], events.days.get(held, 0))
    return found


def changed_inputs(inputs: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Inputs whose version is another than the one a table was made from."""
    return [name for name, version in now.items() if inputs.get(name) != version]
