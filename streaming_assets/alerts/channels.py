"""Where messages go: a log file, a webhook, e-mail. Each takes a message or says why not; none names a secret."""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from streaming_assets.alerts.messages import Message

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
_LAST_LINE_WITHIN = 1_000_000
_TLS_FROM_THE_START = 465


class ChannelDownError(RuntimeError):
    """A channel did not take a message; the text says why, without addresses that are secret."""


class Channel(Protocol):
    """Somewhere that messages go. name: by which the record knows it; described: for people."""

    @property
    def name(self) -> str: ...

    @property
    def described(self) -> str: ...

    def send(self, message: Message) -> None:
        """Hand a message over. Raises ChannelDownError if it was not taken."""


@dataclass(frozen=True)
class LogFile:
    """One JSON object per line: at, kind, severity, owner, about, subject, text, id."""

    file: Path
    name: str = "log"

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


@dataclass(frozen=True)
class Webhook:
    """A POST of {"text": …}, as Slack and what is compatible to it take it."""

    url: str = field(repr=False)
    name: str = "webhook"

    @property
    def described(self) -> str:
        return f"webhook at {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class NoRedirects(HTTPRedirectHandler):
            """A redirected POST would become a GET, and the message would be lost without an error."""

            def redirect_request(self, *_: object, **__: object) -> None:
                return None

        body = json.dumps({"text": _escaped(message.text)}).encode()
        request = Request(self.url, body, {"Content-Type": "application/json; charset=utf-8"})  # noqa: S310 - http(s) by the settings
        try:
            with build_opener(NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
                return
        except HTTPError as error:
            raise ChannelDownError(f"answered {error.code}") from None
        except URLError as error:
            raise ChannelDownError(_reason(error.reason)) from None
        except (OSError, HTTPException) as error:
            raise ChannelDownError(_reason(error)) from None


@dataclass(frozen=True)
class Email:
    """Mail by SMTP, encrypted where the server can; a password only then."""

    host: str
    port: int
    sender: str
    recipients: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = "email"

    @property
    def described(self) -> str:
        return f"e-mail to {', '.join(self.recipients)} by {self.host}:{self.port}"

    def send(self, message: Message) -> None:
        import smtplib

        try:
            with self._opened() as server:
                self._log_in(server)
                refused = server.send_message(self._mail(message))
        except smtplib.SMTPResponseException as error:
            raise ChannelDownError(f"the mail server answered {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused:
            raise ChannelDownError("the mail server refused every recipient") from None
        except OSError as error:
            raise ChannelDownError(_reason(error)) from None
        if refused:
            logger.warning("the mail server refused %s of %s recipients", len(refused), len(self.recipients))

    def _opened(self) -> "smtplib.SMTP":
        import smtplib
        import ssl

        if self.port == _TLS_FROM_THE_START:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)

    def _log_in(self, server: "smtplib.SMTP") -> None:
        import ssl

        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if self.user is not None and self.password is not None:
            if not isinstance(server.sock, ssl.SSLSocket):
                raise ChannelDownError("the mail server offers no STARTTLS, and no password is sent without it")
            server.login(self.user, self.password)

    def _mail(self, message: Message) -> "EmailMessage":
        from email.message import EmailMessage
        from email.utils import format_datetime

        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail["Subject"] = f"[streaming_assets] {message.subject}"
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.id}@streaming-assets>"
        mail.set_content(message.text)
        return mail


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


def _escaped(text: str) -> str:
    """What came from landed files must not mention people or channels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _reason(error: object) -> str:
    """What went wrong, in words that hold neither address nor password."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
