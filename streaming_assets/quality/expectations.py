"""The expectations of a table's contract, evaluated by Great Expectations inside the engine that has the rows.

`expectations_of` names them cheaply, for definitions; `evaluate` and `evaluate_frames` import Great Expectations and run them.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from streaming_assets.contracts import Column, Reference, Table

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import DataFrame

SAMPLE_ROWS = 20
_HASH = "<hash>"
_Rows = TypeVar("_Rows")


class EvaluationError(RuntimeError):
    """An expectation could not be evaluated at all, say because a column is missing; the message says which."""


@dataclass(frozen=True)
class Expectation:
    """One promise of a contract. The name is a sentence that is true when it passes, and a valid Dagster name."""

    name: str
    description: str


@dataclass(frozen=True)
class Evaluation:
    """What became of one expectation.

    numbers: rows (evaluated), failing_rows, failing_share (0 … 1; 0 where there are no rows). sample: at most
    20 failing rows with their key and the column, or failing keys and values with the number of rows that
    have them, all as JSON values. advice: what to do when it failed.
    """

    name: str
    passed: bool
    numbers: dict[str, float | int]
    sample: list[dict[str, Any]]
    advice: str


@dataclass(frozen=True)
class Rule:
    """An expectation as Great Expectations is to evaluate it.

    shown: the columns that a sample of failing rows shows. arguments: of the expectation of that kind; a query
    selects failing keys or values from {batch}, with the columns `rows` (that have it) and `failing_rows` (in all).
    """

    expectation: Expectation
    advice: str
    shown: tuple[str, ...]
    kind: Literal["not_null", "range", "one_of", "query"]
    arguments: Mapping[str, Any]

    def with_hash(self, function: str) -> "Rule":
        """The rule for an engine whose hash of columns, 64 bits wide, has this name."""
        named = {
            name: value.replace(_HASH, function) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }
        return dataclasses.replace(self, arguments=named)


def expectations_of(table: Table) -> list[Expectation]:
    """One expectation per not_null, range, closed list, key and reference of the contract, in that order."""
    return [rule.expectation for rule in _rules(table)]


def advice_of(table: Table) -> dict[str, str]:
    """What to do when one of `expectations_of(table)` fails, by its name."""
    return {rule.expectation.name: rule.advice for rule in _rules(table)}


def evaluate(
    table: Table, connection: "duckdb.DuckDBPyConnection", relation: str, referred: Mapping[str, str]
) -> list[Evaluation]:
    """Evaluates `expectations_of(table)`, in their order, on the rows of a relation; no rows pass everything.

    relation: a SELECT over exactly the rows to check. referred: by table name, a SELECT over the rows that
    values must exist in. The connection must not be inside a transaction and stays open; on return it is as
    it was. Two NULLs in a key are equal; NULL passes ranges, lists and references; NaN passes no range.

    Raises EvaluationError when an expectation cannot be evaluated, KeyError when a referred table is missing.
    """
    rules = _rules(table)
    if not rules:
        return []
    from streaming_assets.quality.great_expectations_in_duckdb import Relations, evaluated

    relations = Relations(relation, _by_view(table, referred))
    return evaluated(rules, connection, relations)


def evaluate_frames(table: Table, rows: "DataFrame", referred: "Mapping[str, DataFrame]") -> list[Evaluation]:
    """As `evaluate`, for rows that Spark has. referred: by table name, the rows that values must exist in."""
    rules = _rules(table)
    if not rules:
        return []
    from streaming_assets.quality.great_expectations_in_spark import evaluated

    return evaluated(rules, rows, _by_view(table, referred))


def _by_view(table: Table, referred: Mapping[str, _Rows]) -> dict[str, _Rows]:
    """The rows of the tables that the columns refer to, by the name under which queries find them."""
    needed = {column.refers_to.table for column in table.columns if column.refers_to is not None}
    return {referred_view(name): referred[name] for name in sorted(needed)}


def referred_view(table_name: str) -> str:
    """The name under which a query finds the rows of a referred table."""
    return f"referred {table_name}"


def _rules(table: Table) -> list[Rule]:
    return [
        *(_not_null(table, column) for column in table.columns if column.not_null),
        *(
            _range(table, column)
            for column in table.columns
            if column.at_least is not None or column.at_most is not None
        ),
        *(_one_of(table, column, column.one_of) for column in table.columns if column.one_of is not None),
        *([_key(table)] if table.key else []),
        *(_reference(table, column, column.refers_to) for column in table.columns if column.refers_to is not None),
    ]


def _not_null(table: Table, column: Column) -> Rule:
    return Rule(
        Expectation(f"{column.name}_is_not_null", f"Every row has a {column.name} ({column.description})."),
        f"Find out why rows have no {column.name}; {_remedy(table)}",
        _shown(table, column),
        "not_null",
        {"column": column.name},
    )


def _range(table: Table, column: Column) -> Rule:
    low, high = column.at_least, column.at_most
    if low is not None and high is not None:
        name, words = f"between_{_spoken(low)}_and_{_spoken(high)}", f"between {low:g} and {high:g}"
    elif low is not None:
        name, words = f"at_least_{_spoken(low)}", f"at least {low:g}"
    else:
        name, words = f"at_most_{_spoken(high)}", f"at most {high:g}"
    # DuckDB ranks NaN above every number: only an upper bound finds it.
    if high is None and column.type == "float64":
        high = sys.float_info.max
    return Rule(
        Expectation(f"{column.name}_is_{name}", f"{column.name} ({column.description}) is {words}, or unknown."),
        f"Find out where {column.name} outside its range comes from; {_remedy(table)}",
        _shown(table, column),
        "range",
        {"column": column.name, "min_value": low, "max_value": high},
    )


def _one_of(table: Table, column: Column, values: Sequence[str]) -> Rule:
    return Rule(
        Expectation(
            f"{column.name}_is_a_known_value",
            f"{column.name} ({column.description}) is one of {', '.join(values)}, or unknown.",
        ),
        f"If a value of the sample is right, add it to the contract of {table.name}; else {_remedy(table)}",
        _shown(table, column),
        "one_of",
        {"column": column.name, "value_set": list(values)},
    )


def _key(table: Table) -> Rule:
    verb = "is" if len(table.key) == 1 else "are"
    return Rule(
        Expectation(
            f"{'_and_'.join(table.key)}_{verb}_unique",
            f"There is {table.grain}: no two rows share {', '.join(table.key)}. Two unknown values are equal.",
        ),
        f"Find out why rows of the sample are there twice; {_remedy(table)}",
        (*table.key, "rows"),
        "query",
        {"unexpected_rows_query": _repeated_keys(", ".join(_quoted(name) for name in table.key))},
    )


def _repeated_keys(columns: str) -> str:
    # Rows with one key have one hash. Grouping numbers first keeps the keys of millions of rows out of memory;
    # the second step is exact and sees next to nothing. GROUP BY takes two NULLs for equal, as a key does.
    return f"""
        WITH suspects AS (
            SELECT {_HASH}({columns}) AS suspect FROM {{batch}} GROUP BY suspect HAVING count(*) > 1
        ), repeated AS (
            SELECT {columns}, count(*) AS rows FROM {{batch}}
            WHERE {_HASH}({columns}) IN (SELECT suspect FROM suspects) GROUP BY ALL HAVING count(*) > 1
        )
        SELECT *, sum(rows) OVER () AS failing_rows FROM repeated ORDER BY rows DESC, {columns} LIMIT {SAMPLE_ROWS}
    """


def _reference(table: Table, column: Column, reference: Reference) -> Rule:
    return Rule(
        Expectation(
            f"{column.name}_exists_in_{reference.table.replace('/', '_')}",
            f"Every {column.name} is a {reference.column} of {reference.table}.",
        ),
        f"Materialise {reference.table} again; if the values of the sample are missing there still, {_remedy(table)}",
        (column.name, "rows"),
        "query",
        {"unexpected_rows_query": _unknown_values(_quoted(column.name), reference)},
    )


def _unknown_values(column: str, reference: Reference) -> str:
    target, referred = _quoted(reference.column), _quoted(referred_view(reference.table))
    return f"""
        SELECT {column}, count(*) AS rows, sum(count(*)) OVER () AS failing_rows FROM {{batch}}
        WHERE {column} NOT IN (SELECT {target} FROM {referred} WHERE {target} IS NOT NULL)
        GROUP BY ALL ORDER BY rows DESC, {column} LIMIT {SAMPLE_ROWS}
    """


def _shown(table: Table, column: Column) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*table.key, column.name)))


def _remedy(table: Table) -> str:
    if table.group == "raw":
        return "correct the landed file or its source's YAML, then land it again."
    return f"correct the step that makes {table.name}, or its inputs, then materialise it again."


def _spoken(number: float | None) -> str:
    return f"{number:.15g}".replace("-", "minus_").replace("+", "").replace(".", "_point_")


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
