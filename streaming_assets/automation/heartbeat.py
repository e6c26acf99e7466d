"""Whether sensors and schedules are alive: what the daemon has left in Dagster's own storage."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from streaming_assets.automation.clock import utc_of

Tick = Any
"""What instance.get_ticks gives; Dagster has no public name for its type."""

ALIVE_WITHIN = dt.timedelta(minutes=2)
"""The daemon tells that it is alive every half minute; a sensor may be late by so much beside its interval."""
INTERVALS_MISSED = 3
START_IT = "`streaming-assets ui` starts it"
LOOK_THERE = "see in the UI under Deployment whether the project's code loads"


def heartbeat_lines(instance: dg.DagsterInstance, now: dt.datetime, sensors: Mapping[str, int]) -> Iterator[str]:
    """Whether the daemon is alive and asks the sensors, then what was stopped by hand or fails.

    sensors: every how many seconds each of the project's sensors is to be asked. now: UTC without zone.
    """
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    if not beats:
        yield f"automation the daemon never ran here; {START_IT}"
        return
    last = utc_of(max(beats))
    states = instance.all_instigator_state()
    stopped = sorted(state.instigator_name for state in states if not state.is_running)
    # The latest may be under way; the one before it has ended.
    ticks = {
        state.instigator_name: instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2)
        for state in states
    }
    running = {name: seconds for name, seconds in sorted(sensors.items()) if name not in stopped}
    silent = {
        name: line for name, seconds in running.items() for line in _silent(name, ticks.get(name, []), seconds, now)
    }
    failing = {name: line for name, found in sorted(ticks.items()) for line in _failing(name, found)}
    broken = silent.keys() | (running.keys() & failing.keys())
    if now - last > ALIVE_WITHIN:
        yield f"automation the daemon is not running, last seen {last:%Y-%m-%d %H:%M} UTC; {START_IT}"
    elif broken:
        yield f"automation the daemon runs, and {len(broken)} of {len(running)} sensors do not: {LOOK_THERE}"
        yield from silent.values()
    else:
        yield f"automation alive, {len(states) - len(stopped)} sensors and schedules, seen {_ago(now - last)} ago"
    if stopped:
        yield f"  stopped by hand: {', '.join(stopped)}"
    yield from failing.values()


def _silent(name: str, ticks: Sequence[Tick], seconds: int, now: dt.datetime) -> Iterator[str]:
    """That a sensor is not asked as often as it is to be."""
    if not ticks:
        yield f"  {name} was never asked"
        return
    asked = utc_of(ticks[0].timestamp)
    if now - asked > INTERVALS_MISSED * dt.timedelta(seconds=seconds) + ALIVE_WITHIN:
        yield f"  {name} was last asked at {asked:%Y-%m-%d %H:%M} UTC; every {seconds} seconds are due"
    elif asked - now > ALIVE_WITHIN:
        yield f"  {name} is not asked before {asked:%Y-%m-%d %H:%M} UTC: it was asked then, by a clock that was ahead"


def _failing(name: str, ticks: Sequence[Tick]) -> Iterator[str]:
    """That what it was last asked ended with an error."""
    ended = next((tick for tick in ticks if tick.end_timestamp is not None), None)
    if ended is not None and ended.error is not None:
        told = ended.error.message.strip().splitlines()[-1]
        yield f"  {name} failed at {utc_of(ended.timestamp):%Y-%m-%d %H:%M} UTC: {told}"


def _ago(span: dt.timedelta) -> str:
    return f"{max(span, dt.timedelta()).seconds} seconds"
