"""From a look at what stands failed to messages, and from messages to channels."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from streaming_assets.alerts.channels import LOG, Channel, ChannelDownError, MessageRefusedError
from streaming_assets.alerts.messages import Message, Wording, undelivered
from streaming_assets.alerts.record import Outbox, Record
from streaming_assets.alerts.standing import FailedCheck, FailedRun, Job, news_of_checks, news_of_runs
from streaming_assets.lake.failures import OpenFailure

FORGET_CHANNEL_AFTER = dt.timedelta(days=7)
"""A channel that is out of the settings so long is gone; before, somebody else may have it in theirs."""
FORGET_RUN_AFTER = dt.timedelta(days=30)
"""A failed run whose job never ran again is no longer waited for."""
FORGET_SET_ASIDE_AFTER = dt.timedelta(days=7)
"""That a channel did not want a message is said so long."""
PATIENCE = 5.0
"""Seconds in which one channel may begin to take messages in one go. With MESSAGE_WITHIN it bounds a round: Dagster gives
up on a sensor after 60 seconds, and another teller may have to be waited for."""


@dataclass(frozen=True)
class Found:
    """What a look found: rows of meta/open_failures, failed runs, when jobs last ran green.

    seen: times of all failed runs that were looked at, those whose checks say why they failed too; runs_until: up to when.
    """

    failures: Sequence[OpenFailure]
    runs: Sequence[FailedRun]
    green: Mapping[Job, dt.datetime | None]
    seen: Mapping[str, dt.datetime]
    runs_until: dt.datetime | None


def put_right(record: Record, now: dt.datetime) -> Record:
    """The record after the clock was set back: what it has of the time to come is of now."""
    runs = tuple((dataclasses.replace(run, failed_at=min(run.failed_at, now)), told) for run, told in record.runs)
    looked_at = record.looked_at and min(record.looked_at, now)
    return dataclasses.replace(record, looked_at=looked_at, runs=runs)


def with_channels(record: Record, names: Collection[str], now: dt.datetime) -> Record:
    """The record with an outbox for every configured channel.

    A new channel is to tell what stands failed. One that is no longer configured is kept for a while, as the command line
    and the daemon may have different settings.
    """
    standing = {message.id: message for _, message in (*record.checks, *record.runs)}
    kept = {
        name: outbox
        for name, outbox in record.outboxes.items()
        if name in names or now - outbox.configured_at < FORGET_CHANNEL_AFTER
    }
    present = {name: _configured(kept.get(name, Outbox(now, tuple(standing.values()))), now) for name in names}
    return dataclasses.replace(record, outboxes={**kept, **present})


def _configured(outbox: Outbox, now: dt.datetime) -> Outbox:
    aside = outbox.set_aside
    is_old = aside is not None and now - aside.at >= FORGET_SET_ASIDE_AFTER
    return dataclasses.replace(outbox, configured_at=now, set_aside=None if is_old else aside)


def looked(record: Record, found: Found, wording: Wording, now: dt.datetime) -> Record:
    """The record after a look, with the messages that are due in every outbox, each once."""
    checks, of_checks = _checks(record, found, wording, now)
    runs, of_runs = _runs(record, found, wording, now)
    outboxes = {name: outbox.with_([*of_checks, *of_runs]) for name, outbox in record.outboxes.items()}
    return Record(now, tuple(checks), tuple(runs), found.seen, found.runs_until, outboxes)


def deliver(
    record: Record,
    channels: Collection[Channel],
    save: Callable[[Record], None],
    clock: Callable[[], dt.datetime],
    seconds: Callable[[], float],
) -> Record:
    """Give every channel what waits for it, in order, as far as it takes it; what was taken is saved at once.

    A channel that takes nothing is left until the next time; the others do not wait for it. A message that it refuses as
    it is makes way for the next one after some tries. seconds: a count that no clock's setting changes.
    """
    for channel in channels:
        until = seconds() + PATIENCE
        while record.outboxes[channel.name].waiting and seconds() < until:
            before = record.outboxes[channel.name]
            after = _handed_over(before, channel, clock)
            outboxes = {**record.outboxes, channel.name: after}
            if after.set_aside is not None and after.set_aside != before.set_aside:
                aside = undelivered(before.waiting[0], channel.name, after.set_aside.error, after.set_aside.at)
                outboxes[LOG] = outboxes[LOG].with_([aside])
            record = dataclasses.replace(record, outboxes=outboxes)
            save(record)
            if after.down_since:
                break
    return record


def _handed_over(outbox: Outbox, channel: Channel, clock: Callable[[], dt.datetime]) -> Outbox:
    """The outbox after its first message was sent."""
    try:
        channel.send(outbox.waiting[0])
    except ChannelDownError as down:
        return outbox.down(str(down), clock())
    except MessageRefusedError as refused:
        return outbox.refused(str(refused), clock())
    return outbox.taken()


def _checks(
    record: Record, found: Found, wording: Wording, now: dt.datetime
) -> tuple[list[tuple[FailedCheck, Message]], list[Message]]:
    """The checks that stand failed, each with what was told of it, and what is to be told now."""
    news = news_of_checks([check for check, _ in record.checks], found.failures)
    failing = [(group, wording.failing(group, now)) for group in news.failing]
    standing = [
        (after, told) for after, (_, told) in zip(news.continuing, record.checks, strict=True) if after is not None
    ]
    standing += [(check, message) for group, message in failing for check in group]
    return standing, [wording.recovered(group, now) for group in news.recovered] + [message for _, message in failing]


def _runs(
    record: Record, found: Found, wording: Wording, now: dt.datetime
) -> tuple[list[tuple[FailedRun, Message]], list[Message]]:
    """The runs whose jobs stand failed, each with what was told of it, and what is to be told now."""
    told = {run: message for run, message in record.runs if now - message.at < FORGET_RUN_AFTER}
    news = news_of_runs(told, [run for run in found.runs if run.run_id not in record.seen], found.green)
    messages = []
    for run, is_green in news.told:
        message = (wording.run_recovered if is_green else wording.run_failing)(run, now)
        messages.append(message)
        if not is_green:
            told[run] = message
    return [(run, told[run]) for run in news.standing], messages
