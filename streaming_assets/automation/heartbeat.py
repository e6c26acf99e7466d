"""Whether sensors and schedules are alive: what the daemon has left in Dagster's own storage."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from streaming_assets.automation.clock import utc_of

ALIVE_WITHIN = dt.timedelta(minutes=2)
"""The daemon tells that it is alive every half minute."""
START_IT = "`streaming-assets ui` starts it"


def heartbeat_lines(instance: dg.DagsterInstance, now: dt.datetime) -> Iterator[str]:
    """Whether the daemon is alive, then what was stopped by hand or fails. now: UTC without zone."""
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    if not beats:
        yield f"automation the daemon never ran here; {START_IT}"
        return
    last = utc_of(max(beats))
    states = instance.all_instigator_state()
    stopped = sorted(state.instigator_name for state in states if not state.is_running)
    if now - last > ALIVE_WITHIN:
        yield f"automation the daemon is not running, last seen {last:%Y-%m-%d %H:%M} UTC; {START_IT}"
    else:
        yield f"automation alive, {len(states) - len(stopped)} sensors and schedules, seen {_ago(now - last)} ago"
    if stopped:
        yield f"  stopped by hand: {', '.join(stopped)}"
    for state in sorted(states, key=lambda state: state.instigator_name):
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1):
            if tick.error is not None:
                told = tick.error.message.strip().splitlines()[-1]
                yield f"  {state.instigator_name} failed at {utc_of(tick.timestamp):%Y-%m-%d %H:%M} UTC: {told}"


def _ago(span: dt.timedelta) -> str:
    return f"{max(span, dt.timedelta()).seconds} seconds"
