"""Files, commits and versions of one table."""

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from streaming_assets import contracts
from streaming_assets.lake.days import Days, DayVersions
from streaming_assets.lake.delta import (
    ConflictError,
    ContractMismatchError,
    State,
    commit,
    delta_schema,
    snapshot,
    vacuum,
)
from streaming_assets.lake.lake import Lake, files_of

from .rows import HOURS, hours_of, march, plays_by_day, table_of, write_hours

FIRST_SEEN = contracts.ALL["meta/first_seen"]


def on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}


def fresh(lake: Lake) -> Lake:
    """The lake as another process would open it."""
    return Lake(lake.settings, lake.engine)


def test_a_table_that_was_never_written_has_version_0_and_no_rows_of_the_right_types(lake):
    at = lake.snapshot(HOURS.name)
    assert (at.files, at.state.version, at.delta_version) == ((), 0, 0)
    assert lake.read(HOURS.name).to_pyarrow().schema.equals(HOURS.schema.to_pyarrow())
    assert lake.rows(HOURS.name) == []


@pytest.mark.parametrize("name", contracts.ALL)
def test_every_table_reads_back_what_was_written_with_the_types_of_its_contract(lake, name):
    contract = contracts.ALL[name]
    lists = {"array<string>": ["a"], "array<int64>": [1, 2], "array<date>": [march(2)]}
    row = {column.name: lists[column.type] for column in contract.columns if column.type in lists}
    rows = table_of(contract, [row])
    written = lake.engine.write(rows, contract, lake.folder(contract))
    lake.replace_files(name, written, [], "write")
    assert lake.rows(name) == rows.to_pyarrow().to_pylist()
    in_file = pq.read_schema(lake.folder(contract) / written[0].path)
    promised = contract.schema.to_pyarrow()
    for column in contract.columns:
        if column.name not in contract.partition_by:
            assert in_file.field(column.name).type.equals(promised.field(column.name).type), column.name


def test_sums_of_integers_are_64_bit_integers_in_the_file(lake):
    hours = hours_of({march(1): 2, march(2): 3})
    summed = hours.group_by("hour_at", "date", "local_hour").agg(
        plays=hours.plays.sum(), active_users=hours.plays.sum(), watch_seconds=hours.plays.sum()
    )
    for file in lake.engine.write(summed, HOURS, lake.folder(HOURS)):
        schema = pq.read_schema(lake.folder(HOURS) / file.path)
        assert [str(schema.field(name).type) for name in ("plays", "active_users", "watch_seconds")] == [
            "int64",
            "int64",
            "double",
        ]


def test_a_written_file_says_how_many_rows_it_has_and_of_which_day(lake):
    files = lake.engine.write(hours_of({march(1): 2, march(2): 3}), HOURS, lake.folder(HOURS))
    assert sorted((file.partition["date"], file.rows) for file in files) == [("2024-03-01", 1), ("2024-03-02", 1)]
    assert all((lake.folder(HOURS) / file.path).stat().st_size == file.bytes for file in files)


def test_no_rows_are_no_files(lake):
    for contract in (HOURS, FIRST_SEEN):
        assert lake.engine.write(table_of(contract, []), contract, lake.folder(contract)) == []
        assert on_disk(lake.folder(contract)) == set()


def test_replacing_a_day_leaves_the_others_and_every_reader_sees_one_version(lake):
    write_hours(lake, Days(march(1), march(3)), {march(1): 1, march(2): 2, march(3): 3})
    reader = fresh(lake)
    assert plays_by_day(reader) == {march(1): 1, march(2): 2, march(3): 3}
    write_hours(lake, Days(march(2), march(2)), {march(2): 20})
    assert plays_by_day(lake) == plays_by_day(fresh(lake)) == {march(1): 1, march(2): 20, march(3): 3}
    assert plays_by_day(reader) == {march(1): 1, march(2): 2, march(3): 3}


def test_replacing_a_range_empties_its_days_without_rows(lake):
    write_hours(lake, Days(march(1), march(3)), {march(1): 1, march(2): 2, march(3): 3})
    write_hours(lake, Days(march(2), march(3)), {march(3): 30})
    assert plays_by_day(fresh(lake)) == {march(1): 1, march(3): 30}
    write_hours(lake, Days(march(1), march(3)), {})
    assert fresh(lake).rows(HOURS.name) == []


def test_any_delta_reader_sees_the_table(lake):
    write_hours(lake, Days(march(1), march(2)), {march(1): 1, march(2): 2})
    read = DeltaTable(str(lake.folder(HOURS))).to_pyarrow_table(columns=["date", "plays"])
    assert sorted((row["date"], row["plays"]) for row in read.to_pylist()) == [(march(1), 1), (march(2), 2)]


def test_the_state_is_committed_with_the_files(lake):
    write_hours(lake, Days(march(1), march(3)), {march(2): 2}, version=5)
    write_hours(lake, Days(march(2), march(2)), {march(2): 3}, version=6)
    state = fresh(lake).snapshot(HOURS.name).state
    assert state.version == 2
    assert state.days == {march(1): 5, march(2): 6, march(3): 5}
    assert state.written == {march(1): 1, march(2): 2, march(3): 1}


def test_a_state_survives_being_written_as_text():
    state = State(
        3, DayVersions({march(1): 2}), DayVersions({march(1): 3}), {"raw/users": 7}, {"through": "2024-03-01"}
    )
    assert State.from_json(state.to_json()) == state


def test_a_whole_table_names_the_versions_of_what_it_was_made_from(lake):
    write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    lake.write(FIRST_SEEN.name, table_of(FIRST_SEEN, [{"user_id": "ann"}]), inputs=[HOURS.name, "raw/users"])
    assert fresh(lake).snapshot(FIRST_SEEN.name).state.inputs == {HOURS.name: 1, "raw/users": 0}


@pytest.mark.parametrize("is_first", [True, False], ids=["new table", "existing table"])
def test_of_two_writers_from_one_snapshot_the_second_fails_and_changes_nothing(lake, is_first):
    if not is_first:
        write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    before = snapshot(HOURS, lake.folder(HOURS))
    ours, theirs = (lake.engine.write(hours_of({march(2): plays}), HOURS, lake.folder(HOURS)) for plays in (2, 3))
    commit(before, theirs, [], State(), "theirs")
    with pytest.raises(ConflictError):
        commit(before, ours, [], State(), "ours")
    assert plays_by_day(fresh(lake))[march(2)] == 3
    assert sum(row["date"] == march(2) for row in fresh(lake).rows(HOURS.name)) == 1


def test_of_two_writers_that_replace_one_file_the_second_fails(lake):
    write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    before = snapshot(HOURS, lake.folder(HOURS))
    ours, theirs = (lake.engine.write(hours_of({march(1): plays}), HOURS, lake.folder(HOURS)) for plays in (2, 3))
    commit(before, theirs, before.files, State(), "theirs")
    with pytest.raises(ConflictError):
        commit(before, ours, before.files, State(), "ours")
    assert plays_by_day(fresh(lake)) == {march(1): 3}


def test_a_run_killed_before_its_commit_leaves_the_table_as_it_was(lake):
    write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    lake.engine.write(hours_of({march(1): 9}), HOURS, lake.folder(HOURS))
    assert plays_by_day(fresh(lake)) == {march(1): 1}


def test_a_table_that_was_made_but_not_yet_committed_to_is_empty_and_takes_rows(lake):
    folder = lake.folder(HOURS)
    folder.mkdir(parents=True)
    DeltaTable.create(str(folder), delta_schema(HOURS), partition_by=["date"])
    assert fresh(lake).snapshot(HOURS.name).state == State()
    write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    assert plays_by_day(fresh(lake)) == {march(1): 1}
    assert fresh(lake).snapshot(HOURS.name).state.version == lake.snapshot(HOURS.name).state.version == 1


def test_a_table_whose_making_was_killed_takes_rows(lake):
    (lake.folder(HOURS) / "_delta_log").mkdir(parents=True)
    write_hours(lake, Days(march(1), march(1)), {march(1): 1})
    assert plays_by_day(fresh(lake)) == {march(1): 1}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda columns: columns[:-1], "watch_seconds"),
        (lambda columns: (*columns, contracts.Column("extra", "string", "one more")), "extra"),
        (
            lambda columns: tuple(
                dataclasses.replace(column, type="float64") if column.name == "plays" else column for column in columns
            ),
            "plays",
        ),
    ],
    ids=["column missing", "column more", "other type"],
)
def test_a_table_of_another_contract_is_refused_with_the_columns_and_the_command(lake, change, named):
    other = dataclasses.replace(HOURS, columns=change(HOURS.columns))
    commit(snapshot(other, lake.folder(HOURS)), [], [], State(), "made by another release")
    with pytest.raises(ContractMismatchError, match=rf"core/hourly_activity.*'{named}'.*`streaming-assets rebuild`"):
        lake.read(HOURS.name)


def test_a_table_partitioned_otherwise_is_refused(lake):
    other = dataclasses.replace(HOURS, partition_by=(), day_column=None)
    commit(snapshot(other, lake.folder(HOURS)), [], [], State(), "made by another release")
    with pytest.raises(ContractMismatchError, match=r"partitioned by \[\], expected \['date'\]"):
        lake.read(HOURS.name)


def test_vacuum_keeps_what_is_published_and_what_is_current_and_deletes_the_rest(lake):
    one_day = Days(march(1), march(1))
    published, superseded, current = (write_hours(lake, one_day, {march(1): plays}) for plays in (1, 2, 3))
    lake.engine.write(hours_of({march(1): 9}), HOURS, lake.folder(HOURS))
    assert len(on_disk(lake.folder(HOURS))) == 4
    assert vacuum(current, published.delta_version, retention=dt.timedelta(0)) == 2
    assert on_disk(lake.folder(HOURS)) == {published.files[0].path, current.files[0].path}
    assert superseded.files[0].path not in on_disk(lake.folder(HOURS))


def test_vacuum_deletes_nothing_younger_than_the_retention(lake):
    one_day = Days(march(1), march(1))
    for plays in (1, 2, 3):
        write_hours(lake, one_day, {march(1): plays})
    at = lake.snapshot(HOURS.name)
    assert vacuum(at, at.delta_version, retention=dt.timedelta(hours=24)) == 0
    assert len(on_disk(lake.folder(HOURS))) == 3


def test_vacuum_keeps_the_state_and_the_version_of_the_content(lake):
    write_hours(lake, Days(march(1), march(2)), {march(1): 1}, version=4)
    before = write_hours(lake, Days(march(1), march(1)), {march(1): 2}, version=5)
    vacuum(before, before.delta_version, retention=dt.timedelta(0))
    after = fresh(lake).snapshot(HOURS.name)
    assert after.state == before.state
    assert after.delta_version > before.delta_version
    assert plays_by_day(fresh(lake)) == {march(1): 2}


def test_commits_after_a_vacuum_count_their_versions_on(lake):
    one_day = Days(march(1), march(1))
    before = write_hours(lake, one_day, {march(1): 1})
    vacuum(before, before.delta_version, retention=dt.timedelta(0))
    later = fresh(lake)
    after = write_hours(later, one_day, {march(1): 2})
    assert after.state.version == after.delta_version == fresh(lake).snapshot(HOURS.name).state.version
    assert after.state.written == {march(1): after.state.version}


def test_the_files_of_days_are_found_and_no_others(lake):
    at = write_hours(lake, Days(march(1), march(3)), {march(1): 1, march(2): 2, march(3): 3})
    assert [at.days_of(file) for file in files_of(at, {march(1), march(3)})] == [march(1), march(3)]
    assert {at.days_of(file) for file in files_of(at, Days(march(2), march(9)))} == {march(2), march(3)}
    assert files_of(at, None) == list(at.files)


def test_the_log_of_what_checks_found_keeps_no_commits_of_more_than_a_day_ago(lake: Lake) -> None:
    seen = contracts.ALL["meta/first_seen"]
    log = lake.folder(seen) / "_delta_log"
    for number in range(1, 251):
        lake.write_rows(seen.name, [{"user_id": f"user {number}"}], notes={"number": number})
        if number == 120:
            for commit_file in log.glob("*.json"):
                long_ago = commit_file.stat().st_mtime - dt.timedelta(days=2).total_seconds()
                os.utime(commit_file, (long_ago, long_ago))
    kept = sorted(int(path.stem) for path in log.glob("*.json"))
    assert kept[0] > 90
    assert kept[-1] == 250
    assert fresh(lake).snapshot(seen.name).state.notes == {"number": 250}
    assert [row["user_id"] for row in fresh(lake).rows(seen.name)] == ["user 250"]
