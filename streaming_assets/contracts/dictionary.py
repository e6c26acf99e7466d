"""The data dictionary, rendered from the contracts: `python -m streaming_assets.contracts.dictionary` writes it."""

import importlib
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from streaming_assets.contracts import ALL, Column, Table

PATH = Path("docs/data-dictionary.md")
"""Where the dictionary is, in the project's folder."""

_PREFACE = """\
# Data dictionary

Made from the contracts in `streaming_assets/contracts` by `python -m streaming_assets.contracts.dictionary`;
edit them, not this file. The same declarations are the schemas on write, the columns in the Dagster UI and the checks.

A table `group/name` is a Delta Lake table in `lake/group/name` of the data folder; the published `streaming.duckdb` has
most of them, as `group.name`. A `timestamp` is UTC with microseconds, stored without a zone. A `date` is a day of the reporting zone.
Where a column of a key may be unknown, two unknown values are equal. Bounds are inclusive, and unknown values meet them.
"""


def data_dictionary() -> str:
    """Every table of the lake as Markdown, by group: grain, key, partitions, source, caveats and columns."""
    parts = [_PREFACE, _contents()]
    for group, tables in groupby(ALL.values(), key=lambda table: table.group):
        parts += [f"## {group}\n", _about(group), *(_table(table) for table in tables)]
    return "\n".join(parts)


def _contents() -> str:
    return _lines(f"- [{table.name}](#{table.name.replace('/', '')}): {table.grain}" for table in ALL.values())


def _about(group: str) -> str:
    """What the docstring of the group's module says after the colon."""
    docstring = importlib.import_module(f"streaming_assets.contracts.{group}").__doc__ or ""
    text = docstring.strip().splitlines()[0].partition(": ")[2]
    return _lines([text[:1].upper() + text[1:]])


def _table(table: Table) -> str:
    facts = [
        ("Key", _names(table.key)),
        ("Partitioned by", _names(table.partition_by)),
        ("Made from", table.source),
        ("Caveats", table.caveats),
    ]
    return _lines(
        [
            f"### {table.name}",
            "",
            f"**{table.grain[:1].upper()}{table.grain[1:]}.**",
            "",
            *(f"- {label}: {text}" for label, text in facts if text),
            "",
            "| column | type | meaning | always |",
            "|---|---|---|---|",
            *(_row(column) for column in table.columns),
        ]
    )


def _row(column: Column) -> str:
    cells = [f"`{column.name}`", f"`{column.type}`", column.description, _constraints(column)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _constraints(column: Column) -> str:
    found = ["known"] if column.not_null else []
    if column.at_least is not None:
        found.append(f"≥ {column.at_least:g}")
    if column.at_most is not None:
        found.append(f"≤ {column.at_most:g}")
    if column.one_of is not None:
        found.append(f"one of {_names(column.one_of)}")
    if column.refers_to is not None:
        found.append(f"a `{column.refers_to.column}` of {column.refers_to.table}")
    return "; ".join(found)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(data_dictionary(), encoding="utf-8")
