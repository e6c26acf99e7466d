"""A landed file as a relation: what its columns are, and the SELECT that yields its rows in their order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROW_NUMBER = "__row_number"
IS_BROKEN = "__is_broken"
RAW = "__raw"
ROW = "__row"
RESERVED = frozenset({ROW_NUMBER, IS_BROKEN, RAW, ROW})
"""Names that stand beside a file's columns, and of the row as a whole; a file's own column of such a name is renamed or left out."""

MAX_COLUMNS = 2_000
"""More is no table but something else, such as data in the place of keys."""

Columns = tuple[tuple[str, str], ...]
"""Names and DuckDB types."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    relation: a SELECT of the columns, of IS_BROKEN (bool: the row is malformed whatever a source makes of it) and of
    RAW, from which the SQL expression raw_text makes the row's text; ROW_NUMBER is among them where is_numbered, else
    the order is the number. refused: rows that are not in the relation (Parquet: row_number, raw_row, why).
    carefully: opens the file again, row by row, for when the engine stumbles; None where there is no other way.
    """

    columns: Columns
    relation: str
    raw_text: str
    is_numbered: bool = False
    refused: Path | None = None
    refused_rows: int = 0
    carefully: Callable[[], "Rows"] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)


NO_ROWS = Rows((), f"SELECT false AS {IS_BROKEN}, NULL AS {RAW} WHERE false", raw_text=RAW)
"""A file with neither columns nor rows."""


def listed(names: Iterable[str]) -> str:
    """Column names for a message: the first 30, legibly."""
    shown = [name if name.isprintable() else ascii(name) for name in names]
    rest = f" and {len(shown) - 30} more" if len(shown) > 30 else ""
    return ", ".join(name[:60] for name in shown[:30]) + rest


def distinct_names(names: list[str]) -> list[str]:
    """Names without outer blanks, nameless ones called by position, repeated ones (whatever their case) numbered."""
    result: list[str] = []
    taken = set(RESERVED)
    for position, given in enumerate(names, start=1):
        name = given.replace("\0", "").strip() or f"column{position}"
        candidate, number = name, 1
        while candidate.lower() in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate.lower())
        result.append(candidate)
    return result
