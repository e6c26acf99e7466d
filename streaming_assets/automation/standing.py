"""Checks that a schedule asks each morning, whatever ran: they judge what did not happen.

One that stands failed is asked again as soon as it would pass, so that its recovery need not wait for the next morning.

A run judges what it has written. That nothing came, or that a day was left behind, no run would notice. They are not part
of `streaming-assets run` or `check`, and publishing does not wait for them: who tries the sample runs no schedule.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from streaming_assets.assets.checks import CheckSet, Finding, Named
from streaming_assets.automation.clock import Clock
from streaming_assets.automation.partitions import known_days
from streaming_assets.automation.plan import due_days
from streaming_assets.lake.days import ONE_DAY
from streaming_assets.lake.failures import OpenFailure, Verdict, held_since, open_failures
from streaming_assets.lake.lake import LEDGER, Lake
from streaming_assets.quality.punctuality import hours_between, hours_since_change, is_live, missing_days
from streaming_assets.transforms.calendar import date_at

ASSET = "core/events"
LEFT_AFTER_HOURS = 24.0
_SHOWN = 20


@dataclass(frozen=True)
class Standing:
    """A standing check: a sentence that is true when it passes, and what to do when it fails."""

    name: str
    description: str
    advice: str
    asset: str = ASSET
    is_blocking: bool = False


YESTERDAY = Standing(
    "yesterday_has_landed",
    (
        "core/events has events of yesterday, in the reporting zone. Expected of a lake that once took in a file within two "
        "days of its last event; of history alone, such as the sample, nothing is."
    ),
    (
        "See in `streaming-assets status` whether files wait, and in the UI whether the sensors run; if nothing waits, ask "
        "the producer for the days shown."
    ),
)
NOTHING_LEFT = Standing(
    "no_partition_is_left_failed",
    f"No day waits for a correction, or to be computed or checked, for more than {LEFT_AFTER_HOURS:g} hours.",
    (
        "A held day: correct the files that its failed check of raw names and land them again. A pending day: run "
        "`streaming-assets run` and read what stops it."
    ),
)
STANDING = (YESTERDAY, NOTHING_LEFT)


def standing_checks(daily: Mapping[str, str], clock: Clock) -> CheckSet:
    """The set, asked at the clock's time. daily: the sets of checks of daily tables as subject → table."""
    return CheckSet(
        subject=f"{LEDGER} standing of {ASSET}",
        asset=ASSET,
        about=LEDGER,
        checks=[Named(found.name, found.description, found.is_blocking, found.advice) for found in STANDING],
        find=partial(_find, daily=daily, clock=clock),
    )


def recovered(lake: Lake, daily: Mapping[str, str], now: dt.datetime) -> list[OpenFailure]:
    """Standing checks that stand failed and would not fail now, on some of their days at least.

    They are asked only where one stands failed. What begins to fail waits for the morning.
    """
    names = {(one.asset, one.name) for one in STANDING}
    standing = [failure for failure in open_failures(lake) if (failure.asset, failure.check) in names]
    if not standing:
        return []
    verdicts = {found.verdict.check: found.verdict for found in _find(lake, None, daily=daily, clock=lambda: now)}
    return [failure for failure in standing if not failure.days <= (verdicts[failure.check].days or frozenset())]


def _find(lake: Lake, _days: list[dt.date] | None, *, daily: Mapping[str, str], clock: Clock) -> Iterable[Finding]:
    now, ledger = clock(), lake.rows(LEDGER)
    yield yesterday_has_landed(lake, ledger, now)
    yield no_partition_is_left_failed(lake, ledger, daily, now)


def yesterday_has_landed(lake: Lake, ledger: Iterable[Mapping[str, Any]], now: dt.datetime) -> Finding:
    """Fails on every day from the last one with events, of those up to yesterday, to yesterday."""
    rows, events = list(ledger), lake.snapshot(ASSET)
    yesterday = date_at(now, lake.settings.timezone) - ONE_DAY
    last_day, missing = missing_days(rows, map(events.days_of, events.files), yesterday)
    numbers: dict[str, Any] = {"days_missing": len(missing or ()), "last_day": str(last_day or "none")}
    if not is_live(rows):
        numbers["expected"] = "nothing: no file was ever taken in within two days of its last event"
    verdict = Verdict(YESTERDAY.name, missing is None, False, numbers, frozenset(missing) if missing else None)
    return Finding(verdict, [{"date": str(day)} for day in list(missing or ())[:_SHOWN]], YESTERDAY.advice)


def no_partition_is_left_failed(
    lake: Lake, ledger: Iterable[Mapping[str, Any]], daily: Mapping[str, str], now: dt.datetime
) -> Finding:
    """Fails on every day that has waited for too long."""
    due = due_days(lake, known_days(lake.settings, now), daily)
    waiting = [("pending", day, hours) for day, hours in hours_since_change(ledger, due, now).items()]
    waiting += [("held", day, hours_between(since, now)) for day, since in sorted(held_since(lake).items())]
    left = [found for found in waiting if found[2] > LEFT_AFTER_HOURS]
    numbers = {
        "days_left": len(left),
        "days_waiting": len(waiting),
        "longest_hours": max((hours for _why, _day, hours in waiting), default=0.0),
    }
    days = frozenset(day for _why, day, _hours in left)
    sample = [{"date": str(day), "waits": why, "hours": hours} for why, day, hours in left[:_SHOWN]]
    return Finding(Verdict(NOTHING_LEFT.name, not left, False, numbers, days or None), sample, NOTHING_LEFT.advice)
