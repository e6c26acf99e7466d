"""From a source YAML to a Source: every key is known, every value has its kind, or the file and line are named."""

import codecs
import hashlib
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from streaming_assets.sources.definition import (
    CANONICAL,
    READER_VERSION,
    REQUIRED,
    Claims,
    Expression,
    Reader,
    Source,
    Sources,
    Target,
)
from streaming_assets.sources.errors import SourceError, first_line, mask_emails
from streaming_assets.yaml_file import YamlFileError, read_yaml

SHIPPED = Path(__file__).parent
CANONICAL_LAST = ("canonical_events", "canonical_users", "canonical_content")

FORMATS = ("csv", "json", "parquet")
COLUMN_TYPES = {
    "str": "VARCHAR",
    "int": "BIGINT",
    "num": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "ts": "TIMESTAMP",
}

_TARGET_KEYS = ("table", "select", "query")
_KEYS = ("name", *_TARGET_KEYS, "also", "claims", "reader", "assume_watch_seconds", "skip_under_seconds")
_READER_KEYS = ("format", "delimiter", "header", "quote", "columns", "encoding")


def load_sources(user_dir: Path) -> Sources:
    """The user's definitions in the order of their file names, then the shipped ones, the canonical ones last.

    A definition that cannot be used is left out and explained in `errors`; it never stops the others.
    """
    users = sorted(path for path in user_dir.glob("*") if path.suffix in (".yaml", ".yml")) if user_dir.is_dir() else []
    shipped = [path for path in sorted(SHIPPED.glob("*.yaml")) if path.stem not in CANONICAL_LAST]
    ours = [parse_source(path) for path in (*shipped, *(SHIPPED / f"{name}.yaml" for name in CANONICAL_LAST))]
    named = {source.name: source for source in ours}
    sources: list[Source] = []
    errors: list[str] = []
    for path in users:
        try:
            source = parse_source(path, named)
        except SourceError as error:
            errors.append(str(error))
        else:
            sources.append(source)
            named[source.name] = source
    return Sources((*sources, *ours), tuple(errors))


def parse_source(path: Path, named: Mapping[str, Source] = MappingProxyType({})) -> Source:
    """The definition in a YAML file. Raises SourceError naming file, line, what was found and what was expected.

    named: those that there are already, whose names no other may have.
    """
    try:
        content, lines = read_yaml(path, keep_unreadable=False)
    except YamlFileError as error:
        raise SourceError(mask_emails(str(error))) from error
    return _Parser(path, lines, named).source(content)


class _Parser:
    """Checks values one by one; `at` is always the way of keys from the document's root to a value."""

    def __init__(self, path: Path, lines: Mapping[tuple[str, ...], int], named: Mapping[str, Source]) -> None:
        self.path = path
        self.lines = lines
        self.named = named

    def source(self, content: Any) -> Source:
        content = self.mapping((), content, _KEYS)
        assumed = self.mapping(
            ("assume_watch_seconds",), content.get("assume_watch_seconds", {}), ("until_next_up_to", "last")
        )
        main = self.target((), content)
        source = Source(
            name=self.name(content.get("name")),
            path=self.path,
            claims=self.claims(content.get("claims")),
            reader=self.reader(content.get("reader", {})),
            targets=(main, *self.others(content.get("also", []), main.table)),
            assume_until_next_up_to=self.seconds(("assume_watch_seconds", "until_next_up_to"), assumed),
            assume_last=self.seconds(("assume_watch_seconds", "last"), assumed),
            skip_under_seconds=self.seconds(("skip_under_seconds",), content),
            fingerprint="",
        )
        canonical_json = json.dumps([READER_VERSION, content], sort_keys=True, default=str)
        return replace(source, fingerprint=hashlib.sha256(canonical_json.encode()).hexdigest())

    def name(self, content: Any) -> str:
        name = self.text(("name",), content)
        if name in self.named:
            raise self.refused(("name",), name, f"another name than that of {self.named[name].path}")
        return name

    def others(self, content: Any, main_table: str) -> Iterator[Target]:
        if not isinstance(content, list):
            raise self.refused(("also",), content, "a list of tables, each with its select")
        tables = {main_table}
        for number, entry in enumerate(content):
            at = ("also", str(number))
            target = self.target(at, self.mapping(at, entry, _TARGET_KEYS))
            if target.table in tables:
                raise self.refused((*at, "table"), f"{target.table} twice", "each table once")
            tables.add(target.table)
            yield target

    def target(self, at: tuple[str, ...], content: Mapping[str, Any]) -> Target:
        table = self.one_of((*at, "table"), content.get("table"), CANONICAL)
        if "query" in content and "select" in content:
            raise self.refused((*at, "query"), "query beside select", "one of the two")
        query = self.expression((*at, "query"), content["query"], "{}") if "query" in content else None
        if "select" not in content:
            return Target(table, query=query)
        names = [column.name for column in CANONICAL[table]]
        select = self.mapping((*at, "select"), content["select"], names)
        for name in REQUIRED[table]:
            if name not in select:
                raise self.refused((*at, "select"), f"no {name}", f"an expression for {' and '.join(REQUIRED[table])}")
        return Target(
            table,
            tuple((name, self.expression((*at, "select", name), sql, "SELECT ({}\n)")) for name, sql in select.items()),
        )

    def expression(self, at: tuple[str, ...], content: Any, statement: str) -> Expression:
        """SQL that parses on its own; whether its columns exist shows when it meets a file."""
        if not isinstance(content, str | int | float) or not str(content).strip():
            raise self.refused(at, content, "an SQL expression")
        sql = str(content).strip().removesuffix(";")
        try:
            statements = duckdb.extract_statements(statement.format(sql))
        except duckdb.Error as error:
            raise self.refused(at, f"{sql!r} ({first_line(error)})", "SQL in DuckDB's dialect") from error
        if [parsed.type for parsed in statements] != [duckdb.StatementType.SELECT]:
            raise self.refused(at, repr(sql), "one SELECT or expression")
        return Expression(sql, self.lines[at])

    def claims(self, content: Any) -> Claims:
        content = self.mapping(("claims",), content, ("files", "columns"))
        columns = content.get("columns", [])
        if not isinstance(columns, list):
            raise self.refused(("claims", "columns"), columns, "a list of lists of column names")
        return Claims(
            files=self.texts(("claims", "files"), content.get("files", [])),
            columns=tuple(
                self.texts(("claims", "columns", str(number)), names) for number, names in enumerate(columns)
            ),
        )

    def reader(self, content: Any) -> Reader:
        content = self.mapping(("reader",), content, _READER_KEYS)
        header = content.get("header", True)
        if not isinstance(header, bool):
            raise self.refused(("reader", "header"), header, "true or false")
        columns = self.mapping(("reader", "columns"), content.get("columns", {}), None)
        if not header and not columns:
            raise self.refused(("reader",), "header: false without columns", "the names of the columns")
        if "quote" in content and content["quote"] == content.get("delimiter", ","):
            raise self.refused(("reader", "quote"), content["quote"], "another character than the delimiter")
        return Reader(
            format=self.one_of(("reader", "format"), content["format"], FORMATS) if "format" in content else None,
            delimiter=self.character("delimiter", content["delimiter"]) if "delimiter" in content else None,
            header=header,
            quote="" if content.get("quote") == "" else self.character("quote", content.get("quote", '"')),
            columns=tuple(
                (name, COLUMN_TYPES[self.one_of(("reader", "columns", name), kind, COLUMN_TYPES)])
                for name, kind in columns.items()
            ),
            encoding=self.encoding(content.get("encoding", "utf-8")),
        )

    def encoding(self, content: Any) -> str:
        at = ("reader", "encoding")
        name = self.text(at, content)
        try:
            "".encode(name)  # Of what Python can look up, some turns no bytes into text.
            return codecs.lookup(name).name
        except (LookupError, ValueError) as error:
            raise self.refused(at, content, "an encoding such as utf-8 or latin-1") from error

    def character(self, key: str, content: Any) -> str:
        if not isinstance(content, str) or len(content.encode()) != 1 or content in "\0\r\n":
            raise self.refused(("reader", key), content, "one ASCII character")
        return content

    def seconds(self, at: tuple[str, ...], content: Mapping[str, Any]) -> float | None:
        value = content.get(at[-1])
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
            raise self.refused(at, value, "seconds above 0")
        return float(value)

    def mapping(self, at: tuple[str, ...], content: Any, known: Collection[str] | None) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise self.refused(at, content, f"a mapping of {', '.join(known) if known else 'names'}")
        for key in content:
            if not isinstance(key, str) or (known is not None and key not in known):
                raise self.refused(
                    (*at, str(key)), f"the key {key!r}", f"one of {', '.join(known) if known else 'the names'}"
                )
        return content

    def one_of(self, at: tuple[str, ...], content: Any, known: Collection[str]) -> str:
        if not isinstance(content, str) or content not in known:
            raise self.refused(at, content, f"one of {', '.join(known)}")
        return content

    def text(self, at: tuple[str, ...], content: Any) -> str:
        if not isinstance(content, str) or not content.strip():
            raise self.refused(at, content, "a text")
        return content

    def texts(self, at: tuple[str, ...], content: Any) -> tuple[str, ...]:
        if not isinstance(content, list):
            raise self.refused(at, content, "a list of texts")
        return tuple(self.text((*at, str(number)), entry) for number, entry in enumerate(content))

    def refused(self, at: tuple[str, ...], found: Any, expected: str) -> SourceError:
        known = next(at[:length] for length in range(len(at), -1, -1) if at[:length] in self.lines)
        name = ".".join(at) or "the document"
        shown = found if isinstance(found, str) else repr(found)
        return SourceError(f"{self.path}:{self.lines[known]}: {name}: found {shown}, expected {expected}")
