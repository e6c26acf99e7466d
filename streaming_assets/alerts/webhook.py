"""Messages to a webhook."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
    from http.client import HTTPResponse
    from urllib.request import OpenerDirector, Request

CHARACTERS = 8_000
"""Slack takes 40,000, and an ampersand is five of them."""
_ABOUT_THE_MESSAGE = (400, 413, 422)
"""Answers that the next message need not get."""


@dataclass(frozen=True)
class Webhook:
    """A POST of {"text": …}, as Slack and what is compatible to it take it."""

    url: str = field(repr=False)
    seconds: float = MESSAGE_WITHIN
    name: str = "webhook"

    @property
    def described(self) -> str:
        return f"webhook at {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError
        from urllib.request import Request

        body = json.dumps({"text": _escaped(cut(message.text, CHARACTERS))}).encode()
        request = Request(self.url, body, {"Content-Type": "application/json; charset=utf-8"})  # noqa: S310 - http(s) by the settings
        try:
            within(self.seconds, lambda line: _opener(line).open(request, timeout=self.seconds).close())
        except HTTPError as error:
            refused = MessageRefusedError if error.code in _ABOUT_THE_MESSAGE else ChannelDownError
            raise refused(f"answered {error.code}") from None
        except TimeoutError:
            raise no_answer(self.seconds) from None
        except URLError as error:
            raise ChannelDownError(reason(error.reason)) from None
        except (OSError, HTTPException, ValueError) as error:  # the environment may name a proxy that is no address
            raise ChannelDownError(reason(error)) from None


def _opener(line: Line) -> "OpenerDirector":
    """Opens requests over the line, by a proxy where the environment names one."""
    from http.client import HTTPConnection, HTTPSConnection
    from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, build_opener

    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            line.goes_over(self.sock)

    class EncryptedConnection(HTTPSConnection, Connection):
        """Encrypts what its second parent opens."""

    class Plain(HTTPHandler):
        def http_open(self, request: "Request") -> "HTTPResponse":
            return self.do_open(Connection, request)

    class Encrypted(HTTPSHandler):
        def https_open(self, request: "Request") -> "HTTPResponse":
            return self.do_open(EncryptedConnection, request)

    class NoRedirects(HTTPRedirectHandler):
        """A redirected POST would become a GET, and the message would be lost without an error."""

        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    return build_opener(Plain, Encrypted, NoRedirects)


def _escaped(text: str) -> str:
    """What came from landed files must not mention people or channels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
