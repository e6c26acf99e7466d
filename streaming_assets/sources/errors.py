"""What can be wrong with a source definition or with a landed file, in words for the person who can mend it."""

import re

from streaming_assets.sources.definition import Source

_AT = r"(?:[@＠﹫]|%(?:25)*40|\\+u(?:0040|[fF]{2}20|[fF][eE]6[bB])|&#(?:0*64|[xX]0*40);|&commat;)"
_QUOTED = r"""\\*["'][^"'@＠﹫]*\\*["']+"""
_BARE = r"""[^\s@＠﹫"<>,;:|]+(?: \([^()@]*\))?"""
_DOMAIN = r"""(?:\[[^\[\]\s]*\]|[^\s@＠﹫"<>,;|]+)"""
_DOTTED = r"""[^\s@＠﹫"<>,;|.]+\.[^\s@＠﹫"<>,;|]+"""
EMAIL = f"(?:{_QUOTED}|{_BARE})(?:{_AT}{_DOMAIN}| {{0,3}}{_AT} {{0,3}}{_DOTTED})"
"""Whatever looks like an e-mail address; read alike by Python and RE2.

With a quoted local part, comments, an IP address for a domain, blanks around the at sign, and with that sign escaped as
in addresses of the web, JSON and HTML. Rather a word too much than half an address.
"""

MASK = "***"

# Of a message that quotes a value of megabytes; looking for addresses takes the square of it.
_LOOKED_AT = 2_000


class SourceError(ValueError):
    """A source definition cannot be used; the message names file and line, what was found, what was expected."""


class FileError(ValueError):
    """A landed file cannot be used as a whole; nothing of it loads. source: who would have read it, where that is known."""

    def __init__(self, message: str, source: Source | None = None) -> None:
        super().__init__(message)
        self.source = source


def mask_emails(text: str) -> str:
    """The text with *** in place of e-mail addresses."""
    return re.sub(EMAIL, MASK, text)


def first_line(error: Exception) -> str:
    """What an engine says is wrong, without the statement and without data that it quotes on further lines."""
    return mask_emails(str(error).split("\n", 1)[0][:_LOOKED_AT]).strip()[:300]
