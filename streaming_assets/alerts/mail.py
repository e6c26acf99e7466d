"""Messages by e-mail."""

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streaming_assets.alerts.channels import (
    MESSAGE_WITHIN,
    ChannelDownError,
    MessageRefusedError,
    cut,
    no_answer,
    reason,
)
from streaming_assets.alerts.deadline import Line, within
from streaming_assets.alerts.messages import Message

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

logger = logging.getLogger(__name__)

CHARACTERS = 100_000
"""Mail servers take megabytes, and people do not read on."""
SUBJECT_CHARACTERS = 200
_TLS_FROM_THE_START = 465


@dataclass(frozen=True)
class Email:
    """Mail by SMTP, encrypted where the server can; a password only then."""

    host: str
    port: int
    sender: str
    recipients: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    seconds: float = MESSAGE_WITHIN
    name: str = "email"

    @property
    def described(self) -> str:
        return f"e-mail to {', '.join(self.recipients)} by {self.host}:{self.port}"

    def send(self, message: Message) -> None:
        import smtplib

        try:
            within(self.seconds, lambda line: self._hand_over(line, message))
        except smtplib.SMTPResponseException as error:
            refused = MessageRefusedError if _is_about_the_message(error) else ChannelDownError
            raise refused(f"the mail server answered {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused:
            raise ChannelDownError("the mail server refused every recipient") from None
        except TimeoutError:
            raise no_answer(self.seconds) from None
        except (OSError, ValueError) as error:
            raise ChannelDownError(reason(error)) from None

    def _hand_over(self, line: Line, message: Message) -> None:
        with self._opened(line) as server:
            self._log_in(server)
            refused = server.send_message(self._mail(message))
        if refused:
            logger.warning("the mail server refused %s of %s recipients", len(refused), len(self.recipients))

    def _opened(self, line: Line) -> "smtplib.SMTP":
        import smtplib
        import ssl

        class Plain(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                opened = socket.create_connection((host, port), timeout)
                line.goes_over(opened)
                return opened

        class Encrypted(smtplib.SMTP_SSL, Plain):
            """Encrypts what its second parent opens."""

        if self.port == _TLS_FROM_THE_START:
            return Encrypted(self.host, self.port, timeout=self.seconds, context=ssl.create_default_context())
        return Plain(self.host, self.port, timeout=self.seconds)

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
        mail["Subject"] = f"[streaming_assets] {_line_of(message.subject)}"
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message.id}@streaming-assets>"
        mail.set_content(cut(message.text, CHARACTERS))
        return mail


def _is_about_the_message(error: "smtplib.SMTPResponseException") -> bool:
    """Whether the server took sender and recipients, and then refused what it was to hand to them for good."""
    import smtplib

    too_large = 552
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code == too_large
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _line_of(subject: str) -> str:
    return subject if len(subject) <= SUBJECT_CHARACTERS else f"{subject[:SUBJECT_CHARACTERS]} …"
