"""What a table promises: the vocabulary in which contracts are written.

Schema on write, column metadata in the UI, Great Expectations checks and the data dictionary
all derive from these declarations. Nothing here knows an engine or an orchestrator.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import ibis

TYPES = frozenset(
    {
        "string",
        "int64",
        "float64",
        "boolean",
        "date",
        "timestamp",
        "array<string>",
        "array<int64>",
        "array<date>",
    }
)
"""Column types. A timestamp is UTC with microseconds, stored without zone."""


@dataclass(frozen=True)
class Reference:
    """Every value of the column exists in another table's column."""

    table: str
    column: str


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, and what always holds for its values.

    at_least and at_most are inclusive; one_of is a closed list; NULL passes all three.
    """

    name: str
    type: str
    description: str
    not_null: bool = False
    at_least: float | None = None
    at_most: float | None = None
    one_of: Sequence[str] | None = None
    refers_to: Reference | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"column {self.name}: type {self.type!r}, expected one of {sorted(TYPES)}")


@dataclass(frozen=True)
class Table:
    """A table of the lake: name `group/table`, grain, key and columns.

    partition_by: the columns that name its folders; the first is `day_column` where the table
    grows with time. source: what it is made from; caveats: what a reader must know.
    """

    name: str
    grain: str
    key: Sequence[str]
    columns: Sequence[Column]
    source: str
    caveats: str = ""
    partition_by: Sequence[str] = ()
    day_column: str | None = None
    owner: str = "team:data-platform"
    column_names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple(column.name for column in self.columns)
        object.__setattr__(self, "column_names", names)
        missing = [name for name in (*self.key, *self.partition_by) if name not in names]
        if missing or len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: key or partition columns {missing} are missing, or a name repeats")
        if self.day_column is not None and self.partition_by[:1] != (self.day_column,):
            raise ValueError(f"table {self.name}: day_column must be the first of partition_by")

    @property
    def group(self) -> str:
        return self.name.split("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.split("/")[1]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def schema(self) -> ibis.Schema:
        """The Ibis schema; timestamps have six digits and no zone."""
        return ibis.schema({column.name: _ibis_type(column.type) for column in self.columns})

    @property
    def description(self) -> str:
        """Grain, key, source and caveats, as Markdown."""
        lines = [
            f"**{self.grain}**",
            f"Key: {', '.join(self.key)}." if self.key else "",
            f"Made from {self.source}.",
            self.caveats,
        ]
        return "\n\n".join(line for line in lines if line)


def _ibis_type(type_: str) -> str:
    return {"timestamp": "timestamp(6)"}.get(type_, type_)
