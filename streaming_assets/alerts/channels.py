"""What a channel is, and the log file, which every deployment has."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streaming_assets.alerts.messages import Message

LOG = "log"
"""The name of the channel that takes everything."""
MESSAGE_WITHIN = 8.0
"""Seconds that a channel has for one message, from the look-up of its name to its answer."""
_LAST_LINE_WITHIN = 1_000_000


class ChannelDownError(RuntimeError):
    """A channel did not take a message; the text says why, without addresses that are secret."""


class MessageRefusedError(RuntimeError):
    """A channel was reached and does not want this message; the text says what it answered."""


class Channel(Protocol):
    """Somewhere that messages go. name: by which the record knows it; described: for people."""

    @property
    def name(self) -> str: ...

    @property
    def described(self) -> str: ...

    def send(self, message: Message) -> None:
        """Hand a message over. Raises ChannelDownError if it was not taken, MessageRefusedError if it never will be."""


@dataclass(frozen=True)
class LogFile:
    """One JSON object per line: at, kind, severity, owner, about, subject, text, id."""

    file: Path
    name: str = LOG

    @property
    def described(self) -> str:
        return f"log {self.file}"

    def send(self, message: Message) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab+") as log:
                last = _last_line(log.seek(0, os.SEEK_END), self.file)
                is_whole = last.endswith(b"\n") or not last
                # Who was killed between writing and noting it wrote it all the same.
                if not (is_whole and message.id.encode() in last):
                    log.write((b"" if is_whole else b"\n") + _line(message))
                    log.flush()
                    os.fsync(log.fileno())
        except OSError as error:
            raise ChannelDownError(f"{self.file}: {error.strerror}") from error


def _line(message: Message) -> bytes:
    written = {
        "at": f"{message.at.isoformat(timespec='seconds')}Z",
        "kind": message.kind,
        "severity": message.severity,
        "owner": message.owner,
        "about": message.about,
        "subject": message.subject,
        "text": message.text,
        "id": message.id,
    }
    return (json.dumps(written, ensure_ascii=False) + "\n").encode()


def _last_line(size: int, file: Path) -> bytes:
    """The last line of the log, without the end of it where a full disk cut it short."""
    with file.open("rb") as log:
        log.seek(max(0, size - _LAST_LINE_WITHIN))
        return (log.read().splitlines(keepends=True) or [b""])[-1]


def cut(text: str, characters: int) -> str:
    """A text of a length that a channel takes; where it was longer, it says so at its end."""
    more = "\n… cut here; the log of the alerts has it whole"
    return text if len(text) <= characters else text[: characters - len(more)] + more


def no_answer(seconds: float) -> ChannelDownError:
    """Of a channel that was waited for in vain."""
    return ChannelDownError(f"no answer within {seconds:g} seconds")


def reason(error: object) -> str:
    """What went wrong, in words that hold neither address nor password."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
