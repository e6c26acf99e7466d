"""What a source is: which files it claims, how they are read, and what canonical rows come of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from streaming_assets.contracts import Table, raw

READER_VERSION = "2"
"""Enters every fingerprint: raise it when the reader yields other rows from the same file, so that all are read again."""

TABLES: Mapping[str, Table] = MappingProxyType({"events": raw.events, "users": raw.users, "content": raw.content})
CANONICAL = MappingProxyType(
    {"events": raw.CANONICAL_EVENT, "users": raw.CANONICAL_USER, "content": raw.CANONICAL_CONTENT}
)
REQUIRED = MappingProxyType({"events": ("user_id", "started_at"), "users": ("user_id",), "content": ("content_id",)})


@dataclass(frozen=True)
class Expression:
    """SQL as written in a source YAML, with the line where it stands."""

    sql: str
    line: int


@dataclass(frozen=True)
class Target:
    """The rows of one table that a file yields.

    select: canonical column and expression over the file's columns; query: a whole SELECT from `file` instead.
    With neither, each canonical column is the file's column of that name.
    """

    table: str
    select: tuple[tuple[str, Expression], ...] = ()
    query: Expression | None = None


@dataclass(frozen=True)
class Claims:
    """A file is claimed when its name fits one glob and one of the lists of columns is there; none means any."""

    files: tuple[str, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Reader:
    """How the bytes become rows. Without a format or delimiter the file's extension decides.

    columns: declared names and DuckDB types, for CSV; they name the columns of a file without a header.
    """

    format: str | None = None
    delimiter: str | None = None
    header: bool = True
    quote: str = '"'
    columns: tuple[tuple[str, str], ...] = ()
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Source:
    """A source definition. The first target is what the file is counted as; others are taken from it besides.

    The rules are in seconds: assume_until_next_up_to and assume_last stand in for unknown watch times,
    skip_under_seconds makes a short play a skip. fingerprint: sha256 of the definition's content.
    """

    name: str
    path: Path
    claims: Claims
    reader: Reader
    targets: tuple[Target, ...]
    assume_until_next_up_to: float | None
    assume_last: float | None
    skip_under_seconds: float | None
    fingerprint: str

    @property
    def table(self) -> str:
        return self.targets[0].table


@dataclass(frozen=True)
class Sources:
    """All usable definitions in the order in which they are asked; errors: what is wrong with each other one."""

    sources: tuple[Source, ...]
    errors: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 over all definitions: it changes when any of them does."""
        return hashlib.sha256("".join(source.fingerprint for source in self.sources).encode()).hexdigest()

    def named(self, name: str) -> Source:
        return next(source for source in self.sources if source.name == name)
