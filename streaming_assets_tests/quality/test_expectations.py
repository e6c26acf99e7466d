import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from streaming_assets import contracts
from streaming_assets.contracts import Column, Reference, Table
from streaming_assets.quality.expectations import (
    Evaluation,
    EvaluationError,
    Expectation,
    evaluate,
    expectations_of,
)

PLAYS = Table(
    "core/plays_of_a_test",
    grain="one row per play and day",
    key=("day", "play_id"),
    source="nothing",
    columns=(
        Column("day", "date", "day", not_null=True),
        Column("play_id", "string", "the play"),
        Column("user_id", "string", "who", refers_to=Reference("core/users", "user_id")),
        Column("kind", "string", "what happened", one_of=("play", "skip")),
        Column("hour", "int64", "hour", at_least=0, at_most=23),
        Column("seconds", "float64", "watched time", at_least=0),
        Column("score", "float64", "share", at_most=1.5),
    ),
)
GOOD = ("2026-03-02", "p1", "ann", "play", 20, 60.0, 0.5)
USERS = "SELECT unnest(['ann', 'bob', NULL]) AS user_id"


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def select(*rows: tuple[object, ...]) -> str:
    def text(value: object) -> str:
        return "NULL" if value is None else f"'{value}'"

    values = ", ".join(f"({', '.join(map(text, row))})" for row in rows)
    types = {"date": "DATE", "string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}
    columns = ", ".join(f'"{column.name}"::{types[column.type]} AS "{column.name}"' for column in PLAYS.columns)
    names = ", ".join(f'"{name}"' for name in PLAYS.column_names)
    return f"SELECT {columns} FROM (VALUES {values}) AS plays({names})"


def evaluation(connection: duckdb.DuckDBPyConnection, name: str, *rows: tuple[object, ...]) -> Evaluation:
    """Of the rows, given as what is other than in a good one."""
    found = evaluate(PLAYS, connection, select(*rows), {"core/users": USERS})
    return next(evaluation for evaluation in found if evaluation.name == name)


def play(play_id: str | None, **other: object) -> tuple[object, ...]:
    row = dict(zip(PLAYS.column_names, GOOD, strict=True)) | {"play_id": play_id} | other
    return tuple(row.values())


class TestNames:
    def test_are_sentences_that_are_true_when_they_pass(self):
        assert [expectation.name for expectation in expectations_of(PLAYS)] == [
            "day_is_not_null",
            "hour_is_between_0_and_23",
            "seconds_is_at_least_0",
            "score_is_at_most_1_point_5",
            "kind_is_a_known_value",
            "day_and_play_id_are_unique",
            "user_id_exists_in_core_users",
        ]

    def test_a_key_of_one_column_is_unique(self):
        assert Expectation("session_id_is_unique", "").name in {
            found.name for found in expectations_of(contracts.ALL["core/sessions"])
        }

    def test_descriptions_say_what_is_allowed(self):
        descriptions = {found.name: found.description for found in expectations_of(PLAYS)}
        assert descriptions["kind_is_a_known_value"] == "kind (what happened) is one of play, skip, or unknown."
        assert descriptions["hour_is_between_0_and_23"] == "hour (hour) is between 0 and 23, or unknown."

    @pytest.mark.parametrize("table", contracts.ALL.values(), ids=lambda table: table.name)
    def test_of_every_contract_are_distinct_and_valid_in_dagster(self, table: Table):
        names = [found.name for found in expectations_of(table)]
        assert len(set(names)) == len(names) > 0
        assert all(name.isidentifier() and name.isascii() for name in names)

    def test_are_had_without_importing_great_expectations(self):
        program = "import sys; import streaming_assets.quality.expectations; print('great_expectations' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


class TestOfOneColumn:
    def test_good_rows_pass_everything_with_their_number(self, connection: duckdb.DuckDBPyConnection):
        rows = select(play("p1"), play("p2", hour=0, seconds=0, score=1.5, kind="skip", user_id="bob"))
        found = evaluate(PLAYS, connection, rows, {"core/users": USERS})
        assert [evaluation.name for evaluation in found] == [expected.name for expected in expectations_of(PLAYS)]
        for evaluated in found:
            assert evaluated.passed
            assert evaluated.numbers == {"rows": 2, "failing_rows": 0, "failing_share": 0.0}
            assert evaluated.sample == []

    def test_a_missing_value_is_found_with_the_rows_key(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, "day_is_not_null", play("p1"), play("p2", day=None), play("p3"), play("p4"))
        assert not found.passed
        assert found.numbers == {"rows": 4, "failing_rows": 1, "failing_share": 0.25}
        assert found.sample == [{"day": None, "play_id": "p2"}]

    @pytest.mark.parametrize("hour", [-1, 24])
    def test_a_value_outside_its_range_is_found(self, connection: duckdb.DuckDBPyConnection, hour: int):
        found = evaluation(connection, "hour_is_between_0_and_23", play("p1"), play("p2", hour=hour))
        assert not found.passed
        assert found.numbers == {"rows": 2, "failing_rows": 1, "failing_share": 0.5}
        assert found.sample == [{"day": "2026-03-02", "play_id": "p2", "hour": hour}]

    def test_a_value_below_a_lower_bound_is_found(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, "seconds_is_at_least_0", play("p1"), play("p2", seconds=-0.5))
        assert found.sample == [{"day": "2026-03-02", "play_id": "p2", "seconds": -0.5}]

    def test_a_value_above_an_upper_bound_is_found(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, "score_is_at_most_1_point_5", play("p1"), play("p2", score=1.6))
        assert found.sample == [{"day": "2026-03-02", "play_id": "p2", "score": 1.6}]

    @pytest.mark.parametrize("name", ["seconds_is_at_least_0", "score_is_at_most_1_point_5"])
    def test_nan_is_in_no_range(self, connection: duckdb.DuckDBPyConnection, name: str):
        column = name.split("_")[0]
        found = evaluation(connection, name, play("p1"), play("p2", **{column: "nan"}))
        assert found.numbers["failing_rows"] == 1
        assert found.sample == [{"day": "2026-03-02", "play_id": "p2", column: "nan"}]

    def test_a_value_that_is_not_on_the_list_is_found(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, "kind_is_a_known_value", play("p1"), play("p2", kind="stop"))
        assert not found.passed
        assert found.sample == [{"day": "2026-03-02", "play_id": "p2", "kind": "stop"}]

    @pytest.mark.parametrize(
        ("name", "column"),
        [
            ("hour_is_between_0_and_23", "hour"),
            ("seconds_is_at_least_0", "seconds"),
            ("score_is_at_most_1_point_5", "score"),
            ("kind_is_a_known_value", "kind"),
            ("user_id_exists_in_core_users", "user_id"),
        ],
    )
    def test_unknown_values_pass(self, connection: duckdb.DuckDBPyConnection, name: str, column: str):
        found = evaluation(connection, name, play("p1"), play("p2", **{column: None}))
        assert found.passed
        assert found.numbers == {"rows": 2, "failing_rows": 0, "failing_share": 0.0}


class TestKeys:
    name = "day_and_play_id_are_unique"

    def test_one_column_of_a_key_may_repeat(self, connection: duckdb.DuckDBPyConnection):
        assert evaluation(connection, self.name, play("p1"), play("p2"), play("p1", day="2026-03-03")).passed

    def test_all_rows_that_share_a_key_are_counted(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, self.name, *[play("p1")] * 3, play("p2"), *[play("p3")] * 2)
        assert not found.passed
        assert found.numbers == {"rows": 6, "failing_rows": 5, "failing_share": 5 / 6}
        assert found.sample == [
            {"day": "2026-03-02", "play_id": "p1", "rows": 3},
            {"day": "2026-03-02", "play_id": "p3", "rows": 2},
        ]

    def test_two_unknown_values_are_equal(self, connection: duckdb.DuckDBPyConnection):
        found = evaluation(connection, self.name, play(None), play(None), play("p1"))
        assert not found.passed
        assert found.sample == [{"day": "2026-03-02", "play_id": None, "rows": 2}]

    def test_an_unknown_value_is_no_known_one(self, connection: duckdb.DuckDBPyConnection):
        assert evaluation(connection, self.name, play(None), play("p1"), play(None, day="2026-03-03")).passed


class TestReferences:
    name = "user_id_exists_in_core_users"

    def test_values_that_are_missing_elsewhere_are_counted(self, connection: duckdb.DuckDBPyConnection):
        rows = [play("p1"), play("p2", user_id="eve"), play("p3", user_id="eve"), play("p4", user_id="dan")]
        found = evaluation(connection, self.name, *rows)
        assert not found.passed
        assert found.numbers == {"rows": 4, "failing_rows": 3, "failing_share": 0.75}
        assert found.sample == [{"user_id": "eve", "rows": 2}, {"user_id": "dan", "rows": 1}]
        assert "core/users" in found.advice

    def test_every_value_is_missing_in_an_empty_table(self, connection: duckdb.DuckDBPyConnection):
        found = evaluate(PLAYS, connection, select(play("p1")), {"core/users": f"{USERS} LIMIT 0"})
        assert found[-1].numbers == {"rows": 1, "failing_rows": 1, "failing_share": 1.0}

    def test_a_table_that_is_referred_to_must_be_given(self, connection: duckdb.DuckDBPyConnection):
        with pytest.raises(KeyError, match="core/users"):
            evaluate(PLAYS, connection, select(play("p1")), {})


def test_no_rows_pass_everything(connection: duckdb.DuckDBPyConnection):
    found = evaluate(PLAYS, connection, f"{select(GOOD)} WHERE false", {"core/users": USERS})
    assert all(evaluated.passed for evaluated in found)
    assert {json.dumps(evaluated.numbers) for evaluated in found} == {
        '{"rows": 0, "failing_rows": 0, "failing_share": 0.0}'
    }


@pytest.mark.parametrize("table", contracts.ALL.values(), ids=lambda table: table.name)
def test_every_contract_can_be_evaluated(connection: duckdb.DuckDBPyConnection, table: Table):
    types = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}

    def empty(of: Table) -> str:
        columns = (
            f"NULL::{types.get(item := column.type.removeprefix('array<').removesuffix('>'), item)}"
            f'{"[]" * column.type.startswith("array")} AS "{column.name}"'
            for column in of.columns
        )
        return f"SELECT {', '.join(columns)} WHERE false"

    referred = {column.refers_to.table for column in table.columns if column.refers_to is not None}
    found = evaluate(table, connection, empty(table), {name: empty(contracts.ALL[name]) for name in referred})
    assert [evaluated.name for evaluated in found] == [expected.name for expected in expectations_of(table)]


def test_a_sample_has_twenty_rows_and_the_numbers_are_of_all(connection: duckdb.DuckDBPyConnection):
    rows = [play(f"p{number}", hour=99, user_id=f"nobody {number}") for number in range(30)]
    for found in (
        evaluation(connection, "hour_is_between_0_and_23", *rows),
        evaluation(connection, "user_id_exists_in_core_users", *rows),
        evaluation(connection, "day_and_play_id_are_unique", *rows, *rows),
    ):
        assert found.numbers["failing_rows"] == found.numbers["rows"] >= 30
        assert len(found.sample) == 20
        assert json.loads(json.dumps(found.sample, allow_nan=False)) == found.sample


def test_the_broken_row_among_several_files_is_found(tmp_path: Path):
    folder = tmp_path / "it's {odd}: 100%"
    for day, hour in (("2026-03-01", 1), ("2026-03-02", 99), ("2026-03-03", 3)):
        (folder / f"day={day}").mkdir(parents=True)
        with duckdb.connect() as writer:
            path = str(folder / f"day={day}" / "part.parquet").replace("'", "''")
            columns = "* EXCLUDE (day)"
            writer.execute(
                f"COPY (SELECT {columns} FROM ({select(play('p1', hour=hour))})) TO '{path}' (FORMAT parquet)"
            )
    files = ", ".join(f"'{path}'" for path in (str(found).replace("'", "''") for found in folder.rglob("*.parquet")))
    relation = f"SELECT * FROM read_parquet([{files}], hive_partitioning = true, hive_types = {{'day': DATE}})"
    with duckdb.connect() as connection:
        found = {one.name: one for one in evaluate(PLAYS, connection, relation, {"core/users": USERS})}
    assert found["day_and_play_id_are_unique"].passed
    assert found["hour_is_between_0_and_23"].numbers == {"rows": 3, "failing_rows": 1, "failing_share": 1 / 3}
    assert found["hour_is_between_0_and_23"].sample == [{"day": "2026-03-02", "play_id": "p1", "hour": 99}]


def test_columns_may_be_named_like_words_of_sql(connection: duckdb.DuckDBPyConnection):
    table = Table(
        "raw/select",
        grain="one row per table and order",
        key=("table", "order"),
        source="nothing",
        columns=(
            Column("table", "string", "a table", not_null=True, one_of=("a", "b")),
            Column("order", "int64", "an order", at_least=0),
        ),
    )
    rows = """SELECT * FROM (VALUES ('a', 1), ('a', 1), ('c', -1)) AS named("table", "order")"""
    assert [(found.name, found.numbers["failing_rows"]) for found in evaluate(table, connection, rows, {})] == [
        ("table_is_not_null", 0),
        ("order_is_at_least_0", 1),
        ("table_is_a_known_value", 1),
        ("table_and_order_are_unique", 2),
    ]


def test_times_in_a_sample_are_iso_texts(connection: duckdb.DuckDBPyConnection):
    table = Table(
        "core/times",
        grain="one row per time",
        key=("at",),
        source="nothing",
        columns=(Column("at", "timestamp", "a time"), Column("value", "int64", "a value", at_least=0)),
    )
    found = evaluate(table, connection, "SELECT TIMESTAMP '2026-03-02 20:15:00.5' AS at, -1::BIGINT AS value", {})
    assert found[0].sample == [{"at": dt.datetime(2026, 3, 2, 20, 15, 0, 500_000).isoformat(), "value": -1}]


def test_a_column_that_is_not_there_is_no_failed_expectation_but_an_error(connection: duckdb.DuckDBPyConnection):
    with pytest.raises(EvaluationError, match=r"hour_is_between_0_and_23: .*hour"):
        evaluate(PLAYS, connection, f"SELECT * EXCLUDE (hour) FROM ({select(GOOD)})", {"core/users": USERS})


def test_the_connection_is_left_as_it_was():
    with duckdb.connect() as connection:
        connection.execute("CREATE TEMP TABLE mine AS SELECT 1 AS one")
        before = connection.execute("SELECT view_name FROM duckdb_views() ORDER BY ALL").fetchall()
        evaluate(PLAYS, connection, select(GOOD), {"core/users": USERS})
        with pytest.raises(EvaluationError):
            evaluate(PLAYS, connection, "SELECT one FROM mine", {"core/users": USERS})
        assert connection.execute("SELECT view_name FROM duckdb_views() ORDER BY ALL").fetchall() == before
        assert connection.begin().execute("SELECT one FROM mine").fetchall() == [(1,)]


def test_nothing_is_printed_nor_sent(tmp_path: Path):
    program = """
import sys
sys.addaudithook(lambda event, args: event.startswith("socket.connect") and print(event, args))
import duckdb
from streaming_assets.contracts import Column, Table
from streaming_assets.quality.expectations import evaluate
columns = (Column("id", "string", "id", not_null=True), Column("n", "int64", "n", at_least=0))
table = Table("core/things", grain="one row per thing", key=("id",), source="nothing", columns=columns)
connection = duckdb.connect()
rows = "SELECT * FROM (VALUES ('a', 1), ('a', -1), (NULL, 1)) AS things(id, n)"
assert [found.passed for found in evaluate(table, connection, rows, {})] == [False, False, False]
"""
    env = os.environ | {"PYTHONPATH": str(Path(contracts.__file__).parents[2]), "HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
