"""What can be wrong with a source definition or with a landed file, in words for the person who can mend it."""

import re

from streaming_assets.sources.definition import Source

EMAIL = r"""[^\s@"'<>,;:=|()\[\]{}\\]+(?:@|%40|\\u0040)[^\s@"'<>,;:=|()\[\]{}\\]+"""
"""An e-mail address, also percent-encoded or escaped as in JSON; read alike by Python and RE2."""

MASK = "***"


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
    return mask_emails(str(error).split("\n", 1)[0]).strip()[:300]
