"""Rows of meta/open_failures and failed runs, by what matters of them."""

import datetime as dt

from streaming_assets.alerts.messages import Message
from streaming_assets.alerts.standing import FailedRun, Job
from streaming_assets.lake.failures import OpenFailure

NIGHT = dt.datetime(2026, 3, 6, 3, 0)
FILES, DAYS = "rejected_share_of_every_file_is_within_the_limit", "rejected_share_of_every_day_is_within_the_limit"


def march(day: int) -> dt.date:
    return dt.date(2026, 3, day)


def fails(
    asset: str,
    check: str,
    first: int | None = None,
    last: int | None = None,
    *,
    since: dt.datetime = NIGHT,
    warns: bool = False,
    numbers: str = '{"violations": 1}',
) -> OpenFailure:
    """A check that fails from a day of March to another."""
    days = (None, None) if first is None else (march(first), march(last or first))
    return OpenFailure(asset, check, not warns, *days, since, numbers)


def run(job: str, minute: int, *, run_id: str = "", assets: tuple[str, ...] = ()) -> FailedRun:
    """A run that failed so many minutes into the night."""
    at = NIGHT + dt.timedelta(minutes=minute)
    return FailedRun(Job(job, assets), run_id or f"{job}-{minute}", at, "No space left on device")


def message(number: int, text: str = "") -> Message:
    """A message, told by its number."""
    subject = f"FAILING: number {number}"
    at = NIGHT + dt.timedelta(minutes=number)
    return Message(f"id{number:04}", at, "failing", "blocking", "team:x", ("a/b: c",), subject, text or subject)
