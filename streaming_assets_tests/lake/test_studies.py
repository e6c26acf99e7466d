"""Which experiments are computed again, which are taken away, and that a part is replaced alone."""

import dataclasses
import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ibis
import pytest

from streaming_assets import contracts
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.failures import Verdict, record
from streaming_assets.lake.lake import Lake
from streaming_assets.lake.studies import TABLES, load_experiments, stale_experiments, studies
from streaming_assets.settings import Settings

from .rows import march, table_of

DAILY = ("core/plays", "core/events", "core/sessions", "core/user_daily")
READS = {"experiments/unit_days": ("experiments/assignments", "core/plays")}
ENDED, RUNNING = "ended", "running"


def experiment(name: str, first: int, last: int, more: str = "") -> str:
    return (
        f"- id: {name}\n  start: {march(first)}\n  end: {march(last)}\n  primary: session_minutes\n"
        f"  assignment: {{salt: {name}, variants: {{control: 1, treatment: 1}}}}\n{more}"
    )


BOTH = experiment(ENDED, 5, 10) + experiment(RUNNING, 8, 30)


def configure(lake: Lake, text: str) -> None:
    lake.settings.experiments_file.write_text(text)


def now(lake: Lake, **settings: Any) -> Lake:
    """The lake as whoever runs next finds it."""
    return Lake(dataclasses.replace(lake.settings, **settings), lake.engine)


def written(lake: Lake, first: int, last: int) -> None:
    """Every daily table has new rows of these days of March."""
    for name in DAILY:
        table = contracts.ALL[name]
        days = Days(march(first), march(last))
        rows = table_of(table, [{table.day_column: day} for day in days])
        now(lake).write_days(name, days, lambda _, rows=rows: rows, DayVersions(), weigh=name)


def refreshed(lake: Lake) -> None:
    """Users are made from the records and days as they are."""
    now(lake).write(
        "core/users",
        table_of(contracts.ALL["core/users"], []),
        inputs=("raw/users", "raw/event_files", "core/user_daily"),
    )


def computed(lake: Lake, tables: Iterable[str] = TABLES) -> None:
    """What is stale in the tables is made, with a row per experiment; what is gone is taken away."""
    fresh = now(lake)
    found = studies(fresh)
    for table in tables:
        fresh.write_parts(
            table,
            found.stale(fresh, table),
            lambda name, table=table: one_row(table, name),
            found.gone(fresh, table),
            {"made_of": found.noted(fresh, table, READS.get(table, ()))},
        )


def one_row(table: str, name: str) -> ibis.Table:
    return table_of(contracts.ALL[table], [{"experiment_id": name, "user_id": name}])


def stale(lake: Lake, **settings: Any) -> list[str]:
    return stale_experiments(now(lake, **settings))


@pytest.fixture(scope="module")
def computed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Days from 1 to 14 March, one experiment that is over and one that goes on, both computed; tests work on copies."""
    folder = tmp_path_factory.mktemp("computed") / "data"
    settings = Settings(data_dir=folder, threads=1, memory_limit="500MB")
    with duckdb_engine(settings) as engine:
        lake = Lake(settings, engine)
        configure(lake, BOTH)
        written(lake, 1, 14)
        refreshed(lake)
        computed(lake)
    return folder


@pytest.fixture
def service(computed_once: Path, lake: Lake) -> Lake:
    shutil.copytree(computed_once, lake.settings.data_dir, dirs_exist_ok=True)
    return now(lake)


class TestAnExperimentIsComputedAgain:
    def test_when_it_is_new_and_then_no_more(self, lake: Lake):
        configure(lake, BOTH)
        written(lake, 12, 12)
        assert stale(lake) == [ENDED, RUNNING]
        computed(lake)
        assert stale(lake) == []

    def test_when_a_value_of_its_entry_changes(self, service: Lake):
        configure(service, BOTH + "  alpha: 0.01\n")
        assert stale(service) == [RUNNING]

    def test_not_when_the_file_says_the_same_otherwise(self, service: Lake):
        entry = experiment(ENDED, 5, 10).splitlines()
        turned = "\n".join(["- " + entry[2].strip(), *(f"  {line[2:]}" for line in (entry[1], *entry[3:], entry[0]))])
        configure(service, f"# A comment\n{experiment(RUNNING, 8, 30)}  kind: ab  # as it was\n\n{turned}\n")
        assert [found.id for found in load_experiments(service.settings.experiments_file).valid] == [RUNNING, ENDED]
        assert stale(service) == []

    @pytest.mark.parametrize(
        ("day", "again"),
        [(9, [ENDED, RUNNING]), (2, [ENDED, RUNNING]), (14, [RUNNING]), (15, [RUNNING])],
        ids=["of both", "before both", "after the end of one", "new"],
    )
    def test_when_a_day_up_to_its_last_one_changes(self, service: Lake, day: int, again: list[str]):
        written(service, day, day)
        refreshed(service)
        assert stale(service) == again

    def test_when_t_moves_within_its_days(self, service: Lake):
        assert stale(service, as_of=march(13)) == [RUNNING]
        assert stale(service, as_of=march(9)) == [ENDED, RUNNING]

    def test_when_the_records_of_users_change(self, service: Lake):
        now(service).write("raw/users", table_of(contracts.ALL["raw/users"], [{"user_id": "ann", "plan": "free"}]))
        refreshed(service)
        assert stale(service) == [ENDED, RUNNING]

    def test_not_when_only_the_ledger_does(self, service: Lake):
        now(service).write_rows("raw/event_files", [])
        assert stale(service) == []

    @pytest.mark.parametrize("change", ["records", "days"])
    def test_when_it_was_made_before_users_were_refreshed(self, service: Lake, change: str):
        if change == "records":
            now(service).write("raw/users", table_of(contracts.ALL["raw/users"], [{"user_id": "ann"}]))
        else:
            written(service, 3, 3)
        computed(service)
        assert stale(service) == []
        refreshed(service)
        assert stale(service) == [ENDED, RUNNING]

    def test_when_a_table_of_it_was_made_alone_from_rows_of_before(self, service: Lake):
        configure(service, BOTH + "  alpha: 0.01\n")
        computed(service, ["experiments/unit_days"])
        computed(service, [table for table in TABLES if table != "experiments/unit_days"])
        assert stale(service) == [RUNNING]
        computed(service)
        assert stale(service) == []

    def test_when_a_blocking_check_of_one_of_its_tables_stands_failed(self, service: Lake):
        lake, table = now(service), "experiments/results"
        for passed, again in ((False, [ENDED, RUNNING]), (True, [])):
            verdict = Verdict("p_value_is_a_share", passed, is_blocking=True)
            record(lake, table, table, [verdict], None, lake.snapshot(table).state, dt.datetime(2024, 3, 20))
            assert stale(service) == again


class TestAnExperimentIsTakenAway:
    def test_when_it_is_no_longer_in_the_file(self, service: Lake):
        configure(service, experiment(RUNNING, 8, 30))
        assert stale(service) == [ENDED]
        computed(service)
        assert stale(service) == []
        for table in TABLES:
            assert {row["experiment_id"] for row in now(service).rows(table)} == {RUNNING}

    def test_when_there_is_no_file_any_more(self, service: Lake):
        service.settings.experiments_file.unlink()
        computed(service)
        assert [now(service).rows(table) for table in TABLES] == [[]] * len(TABLES)

    @pytest.mark.parametrize(
        "text",
        [
            experiment(RUNNING, 8, 30) + experiment("wrong", 9, 8),
            BOTH.replace("primary: session_minutes", "primary: happiness", 1),
            "- id: [",
            "nothing",
        ],
        ids=["another is wrong", "it is wrong itself", "no YAML", "no list"],
    )
    def test_not_while_the_file_has_mistakes(self, service: Lake, text: str):
        configure(service, text)
        assert load_experiments(service.settings.experiments_file).errors
        assert stale(service) == []
        computed(service)
        assert {row["experiment_id"] for row in now(service).rows("experiments/decisions")} == {ENDED, RUNNING}

    def test_and_computed_when_it_comes_back(self, service: Lake):
        configure(service, experiment(RUNNING, 8, 30))
        computed(service)
        configure(service, BOTH)
        assert stale(service) == [ENDED]


def test_a_run_keeps_to_the_file_that_it_read_first(service: Lake):
    running = now(service)
    assert list(studies(running).by_id) == [ENDED, RUNNING]
    configure(service, experiment("another", 1, 2))
    assert list(studies(running).by_id) == [ENDED, RUNNING]
    assert list(studies(now(service)).by_id) == ["another"]


def test_no_file_is_no_experiment(lake: Lake):
    assert stale(lake) == []
    assert load_experiments(lake.settings.experiments_file).errors == ()


class TestParts:
    table = "experiments/assignments"

    def files(self, lake: Lake) -> dict[str | None, str]:
        return {file.partition["experiment_id"]: file.path for file in now(lake).snapshot(self.table).files}

    def users(self, lake: Lake, name: str) -> list[str]:
        return now(lake).read_part(self.table, name).user_id.to_pyarrow().to_pylist()

    def test_one_is_replaced_and_another_taken_away_while_the_others_keep_their_files(self, lake: Lake):
        lake.write_parts(self.table, ["one", "one_b", "gone"], lambda name: one_row(self.table, name), [], {})
        before = self.files(lake)
        changed = table_of(contracts.ALL[self.table], [{"experiment_id": "one", "user_id": "new"}])
        now(lake).write_parts(self.table, ["one"], lambda name: changed, ["gone"], {"made_of": {"one": "this"}})
        after = self.files(lake)
        assert set(after) == {"one", "one_b"}
        assert after["one_b"] == before["one_b"]
        assert (self.users(lake, "one"), self.users(lake, "one_b"), self.users(lake, "gone")) == (
            ["new"],
            ["one_b"],
            [],
        )
        assert now(lake).snapshot(self.table).state.notes == {"made_of": {"one": "this"}}

    def test_one_without_rows_has_no_file(self, lake: Lake):
        lake.write_parts(self.table, ["one"], lambda name: one_row(self.table, name), [], {})
        nobody = table_of(contracts.ALL[self.table], [])
        now(lake).write_parts(self.table, ["one"], lambda name: nobody, [], {})
        assert self.files(lake) == {}
        assert self.users(lake, "one") == []
