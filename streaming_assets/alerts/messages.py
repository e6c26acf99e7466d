"""How a failure and its recovery are said: what, whose, where, since when, how much, what to do, and where to look."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from streaming_assets.alerts.standing import FailedCheck, FailedRun, Job
from streaming_assets.lake.days import Days

LISTED = 20
"""How many checks one message spells out; channels have limits."""
RANGES_NAMED = 5
ERROR_LENGTH = 500
ASSET_JOB = "__ASSET_JOB"
"""What Dagster calls the job of assets that are materialised by themselves."""


@dataclass(frozen=True)
class Message:
    """One thing to tell, the same on every channel.

    id: of this message and no other. kind: failing, recovered, or undelivered, which is for the log alone. severity: blocking, warning or run. about: one entry
    per check or run. subject is a line, text the whole.
    """

    id: str
    at: dt.datetime
    kind: str
    severity: str
    owner: str
    about: tuple[str, ...]
    subject: str
    text: str


@dataclass(frozen=True)
class Wording:
    """Where the UI is, and what to do about a check, by (asset, check)."""

    ui_url: str
    advice: Mapping[tuple[str, str], str]

    def failing(self, checks: Sequence[FailedCheck], now: dt.datetime) -> Message:
        """Checks that began to fail."""
        return self._of_checks("failing", checks, now, [self._failure(check) for check in checks])

    def recovered(self, checks: Sequence[FailedCheck], now: dt.datetime) -> Message:
        """Checks that pass again."""
        lines = [f"- {_name(check)}: passes again, failed since {_minute(check.opened_at)}" for check in checks]
        return self._of_checks("recovered", checks, now, lines)

    def run_failing(self, run: FailedRun, now: dt.datetime) -> Message:
        """A run that failed, with what it said."""
        lines = [f"at {_minute(run.failed_at)}: {shortened(run.error)}", f"{self.ui_url}/runs/{run.run_id}"]
        return _message(now, "failing", "run", run.owner, [_of_run(run)], f"run of {title_of(run.job)} failed", lines)

    def run_recovered(self, run: FailedRun, now: dt.datetime) -> Message:
        """The job of a failed run ran green."""
        line = f"run {run.run_id} had failed at {_minute(run.failed_at)}"
        return _message(
            now, "recovered", "run", run.owner, [_of_run(run)], f"{title_of(run.job)} has run green", [line]
        )

    def _of_checks(self, kind: str, checks: Sequence[FailedCheck], now: dt.datetime, lines: Sequence[str]) -> Message:
        first = min(checks, key=lambda check: not check.is_blocking)
        severity = "blocking" if first.is_blocking else "warning"
        others = f" and {len(checks) - 1} more of {first.stage}" if len(checks) > 1 else ""
        listed = [*lines[:LISTED], *([f"- … and {len(lines) - LISTED} more"] if len(lines) > LISTED else [])]
        about = [_name(check) for check in checks]
        return _message(now, kind, severity, first.owner, about, f"{_name(first)}{others} ({severity})", listed)

    def _failure(self, check: FailedCheck) -> str:
        severity = "blocks what is downstream" if check.is_blocking else "warns"
        advice = self.advice.get((check.asset, check.check))
        return "\n".join(
            [
                f"- {_name(check)}: {severity}, fails since {_minute(check.opened_at)}; {_numbers(check.numbers)}",
                *([f"  What to do: {advice}"] if advice else []),
                f"  {self.ui_url}/assets/{quote(check.asset)}?view=checks&checkDetail={quote(check.check)}",
            ]
        )


def undelivered(message: Message, channel: str, error: str, now: dt.datetime) -> Message:
    """That a channel did not want a message."""
    what = f"{channel} {error}, and does not get: {message.subject}"
    return _message(now, "undelivered", message.severity, message.owner, message.about, what, [f"message {message.id}"])


def _message(
    now: dt.datetime, kind: str, severity: str, owner: str, about: Sequence[str], what: str, lines: Sequence[str]
) -> Message:
    subject = _printable(" ".join(f"{kind.upper()}: {what}".split()))
    text = _printable("\n".join([subject, f"owner {owner}", *lines]))
    id_ = hashlib.sha256(f"{now.isoformat()}\n{text}".encode()).hexdigest()[:16]
    return Message(id_, now, kind, severity, owner, tuple(about), subject, text)


def _printable(text: str) -> str:
    """Without the halves of characters by which Python names files whose names are no UTF-8."""
    return text.encode(errors="replace").decode()


def _name(check: FailedCheck) -> str:
    return f"{check.asset}: {check.check}" + (f" on {_days(check.ever)}" if check.ever else "")


def _days(spans: Sequence[Days]) -> str:
    more = f" and {len(spans) - RANGES_NAMED} ranges more" if len(spans) > RANGES_NAMED else ""
    return ", ".join(map(str, spans[:RANGES_NAMED])) + more


def title_of(job: Job) -> str:
    """What a run of it does, in a few words."""
    chosen = ", ".join(job.assets[:3]) + (f" and {len(job.assets) - 3} more" if len(job.assets) > 3 else "")
    if job.name == ASSET_JOB:
        return f"materialising {chosen}"
    return f"{job.name} of {chosen}" if chosen else job.name


def _of_run(run: FailedRun) -> str:
    return f"{title_of(run.job)}: run {run.run_id}"


def _numbers(numbers: str) -> str:
    found: dict[str, Any] = json.loads(numbers)
    return ", ".join(f"{name} {_number(value)}" for name, value in found.items()) or "no numbers"


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _minute(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def shortened(error: str) -> str:
    """An error's text on one line, of a length that a channel takes."""
    line = " ".join(error.split())
    return line if len(line) <= ERROR_LENGTH else f"{line[:ERROR_LENGTH]} …"
