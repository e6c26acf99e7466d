"""Whether two DuckDB files hold the same core tables, in any order of rows."""

import json
import math
import sys
from pathlib import Path
from typing import TypeAlias

import duckdb

TABLES = (
    "events",
    "plays",
    "sessions",
    "user_daily",
    "user_content_daily",
    "content_daily",
    "hourly_activity",
    "users",
    "content",
)
# The pipeline makes hours for the days around the log too; the hand-written script knows only the days of the log.
DAYS_OF_THE_LOG = {
    "hourly_activity": "WHERE date BETWEEN (SELECT min(event_date) FROM core.plays) AND (SELECT max(event_date) FROM core.plays)"
}
RELATIVE_TOLERANCE = 1e-9

Numbers: TypeAlias = dict[str, float]


def numbers(database: Path, table: str) -> Numbers:
    """What identifies a table's content: rows, the sum of each float column, and two hashes over all other columns.

    Columns enter by name; the hashes do not depend on the order of rows.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'core' AND table_name = ? ORDER BY 1",
            [table],
        ).fetchall()
        floats = [name for name, type_ in columns if type_ == "DOUBLE"]
        exact = [f"{name} := {name}::{type_}" for name, type_ in columns if type_ != "DOUBLE"]
        known = [f"{name} := {name} IS NOT NULL" for name in floats]
        cursor = connection.execute(
            f"""
            SELECT count(*) AS rows, {"".join(f"coalesce(sum({name}), 0) AS {name}, " for name in floats)}
                sum(found % 1000000007) AS sum_of_hashes, bit_xor(found) AS xor_of_hashes
            FROM (SELECT {"".join(f"{name}, " for name in floats)} hash(struct_pack({", ".join(exact + known)})) AS found
                  FROM core.{table} {DAYS_OF_THE_LOG.get(table, "")})
            """
        )
        row = cursor.fetchone()
        assert row is not None
        return {name: value for (name, *_), value in zip(cursor.description, row, strict=True)}


def differences(table: str, ours: Numbers, theirs: Numbers) -> list[str]:
    """One sentence per number that differs, or is there on one side only."""
    return [
        f"core.{table}: {name} is {ours.get(name)} and {theirs.get(name)}"
        for name in sorted(ours.keys() | theirs.keys())
        if name not in ours or name not in theirs or not _agree(ours[name], theirs[name])
    ]


def _agree(one: float, other: float) -> bool:
    return one == other or (isinstance(one, float) and math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE))


def disagreements(ours: Path, theirs: Path) -> list[str]:
    """One sentence per difference between the core tables of two files; none where they agree."""
    return [found for table in TABLES for found in differences(table, numbers(ours, table), numbers(theirs, table))]


if __name__ == "__main__":
    print(json.dumps(disagreements(Path(sys.argv[1]), Path(sys.argv[2]))))
