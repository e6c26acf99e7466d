"""What was told, and what waits for a channel: one file, replaced by rename, that outlives every process."""

import dataclasses
import datetime as dt
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streaming_assets.alerts.messages import Message
from streaming_assets.alerts.standing import FailedCheck, FailedRun, Job
from streaming_assets.lake.days import Days

WAIT_AT_MOST = 500
"""Messages kept for a channel that is down; the oldest make way, and are counted."""
TRIES = 3
"""How often a channel may refuse a message as it is, before those behind it have their turn."""


@dataclass(frozen=True)
class SetAside:
    """Messages that a channel refused for good. at, subject and error: of the last of them."""

    messages: int
    at: dt.datetime
    subject: str
    error: str


@dataclass(frozen=True)
class Outbox:
    """One channel: the messages that it has still to take, oldest first, and since when it takes none.

    configured_at: when it was last among the settings. dropped: messages that made way since it went down. refusals: how
    often the first message was refused as it is. set_aside: what was given up for that.
    """

    configured_at: dt.datetime
    waiting: tuple[Message, ...] = ()
    down_since: dt.datetime | None = None
    error: str = ""
    dropped: int = 0
    refusals: int = 0
    set_aside: SetAside | None = None

    def with_(self, messages: Collection[Message]) -> "Outbox":
        """With further messages at the end."""
        waiting = (*self.waiting, *messages)
        too_many = max(0, len(waiting) - WAIT_AT_MOST)
        refusals = 0 if too_many else self.refusals
        dropped = self.dropped + too_many
        return dataclasses.replace(self, waiting=waiting[too_many:], dropped=dropped, refusals=refusals)

    def taken(self) -> "Outbox":
        """After the channel took the first message."""
        waiting = self.waiting[1:]
        return dataclasses.replace(
            self, waiting=waiting, down_since=None, error="", dropped=self.dropped if waiting else 0, refusals=0
        )

    def down(self, error: str, at: dt.datetime) -> "Outbox":
        """After the channel took nothing."""
        return dataclasses.replace(self, down_since=self.down_since or at, error=error)

    def refused(self, error: str, at: dt.datetime) -> "Outbox":
        """After the channel refused the first message as it is: tried again, or set aside."""
        if self.refusals + 1 < TRIES:
            return dataclasses.replace(self.down(error, at), refusals=self.refusals + 1)
        before = self.set_aside.messages if self.set_aside else 0
        return dataclasses.replace(self.taken(), set_aside=SetAside(before + 1, at, self.waiting[0].subject, error))


@dataclass(frozen=True)
class Record:
    """checks and runs: what stands failed and was told, each with the message that told it.

    seen: failed runs that were looked at, with their times, as far back as they are asked for; runs_until: up to when runs
    were looked at, by the clock that they have their times from.
    """

    looked_at: dt.datetime | None = None
    checks: tuple[tuple[FailedCheck, Message], ...] = ()
    runs: tuple[tuple[FailedRun, Message], ...] = ()
    seen: Mapping[str, dt.datetime] = field(default_factory=dict)
    runs_until: dt.datetime | None = None
    outboxes: Mapping[str, Outbox] = field(default_factory=dict)


class RecordUnreadableError(RuntimeError):
    """The file of the record holds something else; the text names it and says what to do."""


def load(file: Path) -> Record:
    """The record; an empty one where nothing was told yet. Raises RecordUnreadableError."""
    if not file.exists():
        return Record()
    try:
        return _read(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordUnreadableError(
            f"{file} is no record of alerts ({type(error).__name__}: {error}); remove it, and what stands failed is told once more"
        ) from error


def _read(written: Mapping[str, Any]) -> Record:
    messages = {id_: _message(id_, found) for id_, found in written["messages"].items()}
    return Record(
        _time(written["looked_at"]),
        tuple((_check(found), messages[found["message"]]) for found in written["checks"]),
        tuple((_run(found), messages[found["message"]]) for found in written["runs"]),
        {run_id: dt.datetime.fromisoformat(at) for run_id, at in written["seen"].items()},
        _time(written["runs_until"]),
        {
            name: Outbox(
                dt.datetime.fromisoformat(found["configured_at"]),
                tuple(messages[id_] for id_ in found["waiting"]),
                _time(found["down_since"]),
                found["error"],
                found["dropped"],
                found.get("refusals", 0),
                _set_aside(found.get("set_aside")),
            )
            for name, found in written["outboxes"].items()
        },
    )


def save(record: Record, file: Path) -> None:
    """Put the record in place; after a crash at any moment there is the old or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as opened:
        json.dump(_written(record), opened, indent=1, default=_as_text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _written(record: Record) -> dict[str, Any]:
    used = [message for _, message in (*record.checks, *record.runs)]
    used += [message for outbox in record.outboxes.values() for message in outbox.waiting]
    return {
        "looked_at": record.looked_at,
        "checks": [
            {**vars(check), "spans": _pairs(check.spans), "ever": _pairs(check.ever), "message": message.id}
            for check, message in record.checks
        ],
        "runs": [{**vars(run), "job": vars(run.job), "message": message.id} for run, message in record.runs],
        "seen": record.seen,
        "runs_until": record.runs_until,
        "outboxes": {
            name: {
                **vars(outbox),
                "waiting": [message.id for message in outbox.waiting],
                "set_aside": vars(outbox.set_aside) if outbox.set_aside else None,
            }
            for name, outbox in record.outboxes.items()
        },
        "messages": {
            message.id: {name: value for name, value in vars(message).items() if name != "id"} for message in used
        },
    }


def _as_text(value: object) -> str:
    assert isinstance(value, dt.date)  # noqa: S101 - a datetime is one too, and nothing else is of another type
    return value.isoformat()


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _set_aside(found: Mapping[str, Any] | None) -> SetAside | None:
    return None if found is None else SetAside(**{**found, "at": dt.datetime.fromisoformat(found["at"])})


def _check(found: Mapping[str, Any]) -> FailedCheck:
    return FailedCheck(
        found["asset"],
        found["check"],
        found["is_blocking"],
        _spans(found["spans"]),
        _spans(found["ever"]),
        dt.datetime.fromisoformat(found["opened_at"]),
        found["numbers"],
    )


def _pairs(spans: Iterable[Days]) -> list[list[dt.date]]:
    return [[span.first, span.last] for span in spans]


def _spans(pairs: Iterable[Sequence[str]]) -> tuple[Days, ...]:
    return tuple(Days(dt.date.fromisoformat(first), dt.date.fromisoformat(last)) for first, last in pairs)


def _run(found: Mapping[str, Any]) -> FailedRun:
    job = Job(found["job"]["name"], tuple(found["job"]["assets"]))
    return FailedRun(
        job, found["run_id"], dt.datetime.fromisoformat(found["failed_at"]), found["error"], found["owner"]
    )


def _message(id_: str, found: Mapping[str, Any]) -> Message:
    return Message(id_, **{**found, "at": dt.datetime.fromisoformat(found["at"]), "about": tuple(found["about"])})
