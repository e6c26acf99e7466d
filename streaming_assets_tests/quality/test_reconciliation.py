import datetime as dt
from typing import Any

import ibis
import pyarrow as pa
import pytest

from streaming_assets import contracts
from streaming_assets.lake.days import Days
from streaming_assets.quality.reconciliation import Reconciliation, reconciliations

SUNDAY, MONDAY, TUESDAY, WEDNESDAY = (dt.date(2026, 3, day) for day in (1, 2, 3, 4))
JUST_MONDAY = Days(MONDAY, MONDAY)


def violated(
    asset: str,
    name: str,
    tables: dict[str, list[dict[str, Any]]],
    days: Days | None,
    max_rejected_share: float = 0.10,
) -> list[dict[str, Any]]:
    """The violations in a lake that holds these rows; columns that are not given are NULL."""
    checks = reconciliations(max_rejected_share)
    check = next(found for found in checks if (found.asset, found.name) == (asset, name))

    def read(table_name: str, wanted: Days | None) -> ibis.Table:
        table = contracts.ALL[table_name]
        schema = table.schema
        rows = ibis.memtable(pa.Table.from_pylist(tables[table_name], schema=schema.to_pyarrow()), schema=schema)
        if wanted is None or table.day_column is None:
            return rows
        return rows.filter(rows[table.day_column].between(wanted.first, wanted.last))

    found = check.violated(read, days).to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: str(row.get("date", row.get("path"))))


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute))


def ledger(path: str, rows: int, accepted: int, rejected: int, table: str = "events") -> dict[str, Any]:
    return {
        "file_id": path,
        "path": path,
        "table": table,
        "rows": rows,
        "accepted": accepted,
        "rejected": rejected,
        "event_dates": [MONDAY],
    }


def loaded(path: str, rows: int, day: dt.date = MONDAY) -> list[dict[str, Any]]:
    return [{"file_id": path, "row_number": number, "event_date": day} for number in range(1, rows + 1)]


def refused(
    path: str, rows: int, reason: str = "missing_user_id", day: dt.date | None = MONDAY
) -> list[dict[str, Any]]:
    return [
        {"file_id": path, "table": "events", "row_number": 100 + number, "reason": reason, "event_date": day}
        for number in range(rows)
    ]


def raw(*event_ids: str, day: dt.date = MONDAY) -> list[dict[str, Any]]:
    return [{"event_id": event_id, "event_date": day} for event_id in event_ids]


def event(event_id: str, day: dt.date = MONDAY, event_type: str = "play") -> dict[str, Any]:
    return {"event_id": event_id, "event_date": day, "event_type": event_type}


def play(day: dt.date = MONDAY, watch_seconds: float | None = 60.0) -> dict[str, Any]:
    return {"event_date": day, "watch_seconds": watch_seconds}


def session(
    user: str, day: dt.date, started_at: dt.datetime, ended_at: dt.datetime, plays: int = 1, plays_next_day: int = 0
) -> dict[str, Any]:
    return {
        "session_id": f"{user} {started_at}",
        "user_id": user,
        "session_date": day,
        "started_at": started_at,
        "ended_at": ended_at,
        "plays": plays,
        "plays_next_day": plays_next_day,
    }


NO_ROWS: dict[str, list[dict[str, Any]]] = {name: [] for name in contracts.ALL}


class TestRowsOfFiles:
    name = "rows_of_every_file_are_accepted_or_rejected"

    def found(self, **tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
        given = {f"raw/{name}": rows for name, rows in tables.items()}
        return violated("raw/event_files", self.name, NO_ROWS | given, None)

    def test_a_file_whose_rows_are_all_accounted_for_passes(self):
        assert not self.found(
            event_files=[ledger("a.csv", rows=5, accepted=3, rejected=2)],
            events=loaded("a.csv", 3),
            rejected_rows=refused("a.csv", 2),
        )

    def test_users_and_content_are_counted_in_their_own_tables(self):
        users = [{"file_id": "u.csv", "row_number": 1}, {"file_id": "u.csv", "row_number": 2}]
        assert not self.found(event_files=[ledger("u.csv", 2, 2, 0, table="users")], users=users)
        assert self.found(event_files=[ledger("u.csv", 2, 2, 0, table="content")], users=users)

    def test_a_file_with_no_rows_and_one_that_failed_pass(self):
        failed = ledger("broken.csv.gz", 0, 0, 0) | {"table": None}
        assert not self.found(event_files=[ledger("empty.csv", 0, 0, 0), failed])

    def test_a_row_that_went_missing_is_named_with_its_file(self):
        found = self.found(
            event_files=[ledger("a.csv", 5, 3, 1), ledger("b.csv", 2, 2, 0)],
            events=loaded("a.csv", 3) + loaded("b.csv", 2),
            rejected_rows=refused("a.csv", 1),
        )
        assert found == [
            {
                "file_id": "a.csv",
                "path": "a.csv",
                "event_dates": [MONDAY],
                "table": "events",
                "rows": 5,
                "accepted": 3,
                "rejected": 1,
                "loaded": 3,
                "kept_rejects": 1,
            }
        ]

    def test_rows_refused_for_a_table_that_the_file_yields_besides_do_not_count_as_its_own(self):
        besides = [row | {"table": "content"} for row in refused("a.csv", 2, "malformed_row", day=None)]
        assert not self.found(
            event_files=[ledger("a.csv", rows=3, accepted=2, rejected=1)],
            events=loaded("a.csv", 2),
            rejected_rows=refused("a.csv", 1) + besides,
        )

    def test_accepted_rows_that_were_not_loaded_are_found(self):
        (found,) = self.found(event_files=[ledger("a.csv", 3, 3, 0)], events=loaded("a.csv", 2))
        assert (found["accepted"], found["loaded"]) == (3, 2)

    def test_rejected_rows_that_were_not_kept_are_found(self):
        (found,) = self.found(event_files=[ledger("a.csv", 3, 2, 1)], events=loaded("a.csv", 2))
        assert (found["rejected"], found["kept_rejects"]) == (1, 0)


def test_rows_of_a_file_that_the_ledger_does_not_know_are_found():
    tables = {
        "raw/event_files": [ledger("a.csv", 1, 1, 0)],
        "raw/events": loaded("a.csv", 1) + loaded("stray.csv", 2, MONDAY) + loaded("stray.csv", 1, TUESDAY),
    }
    name = "every_raw_event_comes_from_a_file_of_the_ledger"
    assert violated("raw/event_files", name, tables, None) == [
        {"file_id": "stray.csv", "loaded": 3, "first_date": MONDAY, "last_date": TUESDAY}
    ]
    known = tables | {"raw/events": loaded("a.csv", 1)}
    assert not violated("raw/event_files", name, known, None)


def test_a_file_may_have_a_tenth_of_its_rows_rejected_and_no_more():
    files = [ledger("good.csv", 10, 9, 1), ledger("bad.csv", 8, 7, 1), ledger("empty.csv", 0, 0, 0)]
    found = violated(
        "raw/event_files", "rejected_share_of_every_file_is_within_the_limit", {"raw/event_files": files}, None
    )
    assert [(row["path"], row["rows"], row["rejected"], row["rejected_share"]) for row in found] == [
        ("bad.csv", 8, 1, 0.125)
    ]


def test_files_of_which_nothing_was_loaded_are_named_with_their_error():
    broken = {"status": "failed", "error": "gzip container cannot be decoded"}
    files = [
        ledger("good.csv", 3, 3, 0) | {"status": "loaded"},
        ledger("landed_again.csv", 3, 3, 0) | {"status": "replaced"},
        ledger("new.csv.gz", 0, 0, 0) | broken | {"event_dates": []},
        ledger("once_good.csv.gz", 3, 3, 0) | broken,
        ledger("strange.csv", 0, 0, 0) | {"status": "unclaimed", "error": "no source claims it"},
    ]
    found = violated("raw/event_files", "every_landed_file_was_read", {"raw/event_files": files}, None)
    assert [(row["path"], row["status"], row["error"]) for row in found] == [
        ("new.csv.gz", "failed", "gzip container cannot be decoded"),
        ("once_good.csv.gz", "failed", "gzip container cannot be decoded"),
        ("strange.csv", "unclaimed", "no source claims it"),
    ]
    assert not violated("raw/event_files", "every_landed_file_was_read", {"raw/event_files": files[:2]}, None)


class TestRejectedShareOfDays:
    blocking = "rejected_share_of_every_day_is_within_the_limit"
    warning = "at_most_1_percent_of_a_days_rows_are_rejected"

    def found(self, name: str, events: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return violated("raw/events", name, {"raw/events": events, "raw/rejected_rows": rejected}, JUST_MONDAY)

    def test_a_day_with_a_tenth_of_its_rows_rejected_is_only_warned_of(self):
        events, rejected = loaded("a.csv", 9), refused("a.csv", 1)
        assert not self.found(self.blocking, events, rejected)
        assert self.found(self.warning, events, rejected) == [
            {"date": MONDAY, "rejected": 1, "rows": 10, "rejected_share": 0.1}
        ]

    def test_a_day_above_the_limit_fails_with_its_numbers(self):
        assert self.found(self.blocking, loaded("a.csv", 3), refused("a.csv", 1)) == [
            {"date": MONDAY, "rejected": 1, "rows": 4, "rejected_share": 0.25}
        ]

    def test_a_day_on_which_everything_was_rejected_fails(self):
        assert self.found(self.blocking, [], refused("a.csv", 2)) == [
            {"date": MONDAY, "rejected": 2, "rows": 2, "rejected_share": 1.0}
        ]

    def test_rows_refused_for_their_time_are_of_no_day(self):
        rejected = (
            refused("a.csv", 5, "timestamp_in_future")
            + refused("b.csv", 5, "timestamp_before_start")
            + refused("c.csv", 5, "unparseable_timestamp", day=None)
        )
        assert not self.found(self.warning, loaded("a.csv", 1), rejected)

    def test_rows_without_a_time_are_of_no_day(self):
        tables = {"raw/events": loaded("a.csv", 1), "raw/rejected_rows": refused("a.csv", 5, "malformed_row", day=None)}
        assert not violated("raw/events", self.blocking, tables, None)

    def test_rejected_users_do_not_count_to_the_days_of_events(self):
        users = [row | {"table": "users"} for row in refused("u.csv", 5)]
        assert not self.found(self.warning, loaded("a.csv", 1), users)

    def test_every_ingest_is_judged_on_all_days_by_what_the_files_say_of_their_rows(self):
        (check,) = [found for found in reconciliations(0.10) if found.name == self.blocking]
        assert (check.about, check.judged_by) == ("raw/event_files", "max_rejected_share")
        rejected = refused("a.csv", 5) + refused("a.csv", 5, day=TUESDAY)
        schema = contracts.ALL["raw/rejected_rows"].schema
        rows = ibis.memtable(pa.Table.from_pylist(rejected, schema=schema.to_pyarrow()), schema=schema)
        count = ibis.memtable({"date": [MONDAY], "rows": [45]}, schema={"date": "date", "rows": "int64"})
        found = check.violated(lambda name, days: rows, None, lambda name: count).to_pyarrow().to_pylist()
        assert found == [{"date": TUESDAY, "rejected": 5, "rows": 5, "rejected_share": 1.0}]

    def test_other_days_are_not_judged(self):
        assert not self.found(self.blocking, loaded("a.csv", 1), refused("a.csv", 9, day=TUESDAY))


class TestDuplicates:
    def test_raw_rows_are_the_kept_ones_and_the_duplicates(self):
        tables = {"raw/events": raw("e1", "e1", "e2"), "core/events": [event("e1"), event("e2")]}
        assert not violated("core/events", "raw_rows_are_kept_or_duplicates", tables, JUST_MONDAY)

    def test_a_lost_event_fails_with_the_days_numbers(self):
        tables = {
            "raw/events": raw("e1", "e1", "e2") + raw("e3", day=TUESDAY),
            "core/events": [event("e1"), event("e3", TUESDAY)],
        }
        found = violated("core/events", "raw_rows_are_kept_or_duplicates", tables, Days(MONDAY, TUESDAY))
        assert found == [{"date": MONDAY, "raw_rows": 3, "kept": 1, "duplicates": 1}]

    def test_an_event_on_a_day_without_raw_rows_fails(self):
        tables = {"raw/events": [], "core/events": [event("e1")]}
        found = violated("core/events", "raw_rows_are_kept_or_duplicates", tables, JUST_MONDAY)
        assert found == [{"date": MONDAY, "raw_rows": 0, "duplicates": 0, "kept": 1}]

    @pytest.mark.parametrize(("singles", "fails"), [(18, False), (17, True)])
    def test_one_duplicate_in_twenty_rows_is_the_most_that_is_not_warned_of(self, singles: int, fails: bool):
        ids = ["twice", *(f"e{number}" for number in range(singles))]
        tables = {"raw/events": raw("twice", *ids), "core/events": [event(event_id) for event_id in ids]}
        name = "at_most_5_percent_of_a_days_rows_are_duplicates"
        found = violated("core/events", name, tables, JUST_MONDAY)
        assert found == (
            [{"date": MONDAY, "raw_rows": 19, "duplicates": 1, "duplicate_share": 1 / 19}] if fails else []
        )


class TestEventIdsOnTwoDays:
    name = "every_event_id_is_on_one_day"

    def found(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        return violated("core/events", self.name, {"core/events": list(events)}, JUST_MONDAY)

    def test_ids_that_are_on_one_day_each_pass(self):
        assert not self.found(event("e1"), event("e2", TUESDAY), event("e3", SUNDAY))

    @pytest.mark.parametrize("other_day", [SUNDAY, TUESDAY])
    def test_an_id_that_the_day_before_or_after_has_too_is_found(self, other_day: dt.date):
        assert self.found(event("e1"), event("e2"), event("e2", other_day)) == [
            {"date": MONDAY, "event_ids": 1, "example_event_id": "e2"}
        ]


def test_plays_are_counted_against_the_events_of_type_play():
    events = [event("e1"), event("e2"), event("e3", event_type="pause")]
    name = "plays_are_the_plays_of_the_events"
    assert not violated("core/plays", name, {"core/events": events, "core/plays": [play(), play()]}, JUST_MONDAY)
    assert violated("core/plays", name, {"core/events": events, "core/plays": [play()]}, JUST_MONDAY) == [
        {"date": MONDAY, "play_events": 2, "plays": 1}
    ]


class TestPlaysInSessions:
    over_midnight = session("ann", SUNDAY, at(SUNDAY, 23), at(MONDAY, 1), plays=3, plays_next_day=1)
    in_the_evening = session("ann", MONDAY, at(MONDAY, 20), at(TUESDAY, 1), plays=4, plays_next_day=2)

    def found(self, plays: int, *sessions: dict[str, Any]) -> list[dict[str, Any]]:
        tables = {"core/plays": [play()] * plays, "core/sessions": list(sessions)}
        return violated("core/sessions", "every_play_is_in_one_session", tables, JUST_MONDAY)

    def test_plays_after_midnight_are_those_of_the_session_of_the_day_before(self):
        assert not self.found(3, self.over_midnight, self.in_the_evening)

    def test_a_play_in_no_session_fails(self):
        assert self.found(4, self.over_midnight, self.in_the_evening) == [
            {"date": MONDAY, "plays": 4, "session_plays": 3}
        ]

    def test_sessions_of_plays_that_are_gone_fail(self):
        assert self.found(0, self.over_midnight) == [{"date": MONDAY, "plays": 0, "session_plays": 1}]


class TestOverlappingSessions:
    name = "sessions_of_a_user_do_not_overlap"

    def found(self, days: Days, *sessions: dict[str, Any]) -> list[dict[str, Any]]:
        return violated("core/sessions", self.name, {"core/sessions": list(sessions)}, days)

    def test_a_session_may_end_when_the_next_one_starts(self):
        assert not self.found(
            JUST_MONDAY,
            session("ann", MONDAY, at(MONDAY, 8), at(MONDAY, 9)),
            session("ann", MONDAY, at(MONDAY, 9), at(MONDAY, 10)),
        )

    def test_sessions_of_two_users_may_overlap(self):
        assert not self.found(
            JUST_MONDAY,
            session("ann", MONDAY, at(MONDAY, 8), at(MONDAY, 10)),
            session("bob", MONDAY, at(MONDAY, 9), at(MONDAY, 11)),
        )

    def test_an_overlap_within_a_day_is_counted_once(self):
        assert self.found(
            JUST_MONDAY,
            session("ann", MONDAY, at(MONDAY, 8), at(MONDAY, 9, 1)),
            session("ann", MONDAY, at(MONDAY, 9), at(MONDAY, 10)),
        ) == [{"date": MONDAY, "overlaps": 1, "example_user_id": "ann"}]

    @pytest.mark.parametrize("day", [SUNDAY, MONDAY])
    def test_an_overlap_across_midnight_is_found_on_either_day(self, day: dt.date):
        assert self.found(
            Days(day, day),
            session("ann", SUNDAY, at(SUNDAY, 23), at(MONDAY, 1)),
            session("ann", MONDAY, at(MONDAY, 0, 30), at(MONDAY, 2)),
        ) == [{"date": day, "overlaps": 1, "example_user_id": "ann"}]


def test_sessions_are_counted_against_those_that_users_started():
    sessions = [
        session("ann", MONDAY, at(MONDAY, 8), at(MONDAY, 9)),
        session("bob", MONDAY, at(MONDAY, 8), at(MONDAY, 9)),
    ]
    users = [
        {"user_id": "ann", "date": MONDAY, "sessions_started": 1},
        {"user_id": "bob", "date": MONDAY, "sessions_started": 1},
    ]
    name = "sessions_reconcile_with_users"
    assert not violated("core/user_daily", name, {"core/sessions": sessions, "core/user_daily": users}, JUST_MONDAY)
    assert violated(
        "core/user_daily", name, {"core/sessions": sessions, "core/user_daily": users[:1]}, JUST_MONDAY
    ) == [{"date": MONDAY, "sessions": 2, "sessions_started": 1}]


@pytest.mark.parametrize(
    "daily", ["core/user_daily", "core/user_content_daily", "core/content_daily", "core/hourly_activity"]
)
class TestDailyTables:
    def found(
        self, daily: str, name: str, plays: list[dict[str, Any]], rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        return violated(daily, name, {"core/plays": plays, daily: rows}, Days(MONDAY, TUESDAY))

    def test_plays_that_sum_up_pass(self, daily: str):
        rows = [{"date": MONDAY, "plays": 2}, {"date": MONDAY, "plays": 1}, {"date": TUESDAY, "plays": 0}]
        assert not self.found(daily, "plays_reconcile_with_core_plays", [play(), play(), play()], rows)

    def test_a_day_with_other_plays_fails(self, daily: str):
        rows = [{"date": MONDAY, "plays": 1}, {"date": TUESDAY, "plays": 2}]
        plays = [play(), play(), play(TUESDAY), play(TUESDAY)]
        assert self.found(daily, "plays_reconcile_with_core_plays", plays, rows) == [
            {"date": MONDAY, "plays": 2, "daily_plays": 1}
        ]

    def test_watch_time_may_differ_in_the_last_digits(self, daily: str):
        plays = [play(watch_seconds=600_000.0), play(watch_seconds=400_000.0), play(watch_seconds=None)]
        name = "watch_seconds_reconcile_with_core_plays"
        assert not self.found(daily, name, plays, [{"date": MONDAY, "watch_seconds": 1_000_000.5}])
        assert self.found(daily, name, plays, [{"date": MONDAY, "watch_seconds": 1_000_002.0}]) == [
            {"date": MONDAY, "watch_seconds": 1_000_000.0, "daily_watch_seconds": 1_000_002.0}
        ]

    def test_plays_of_unknown_watch_time_have_none(self, daily: str):
        rows = [{"date": MONDAY, "watch_seconds": 0.0}]
        assert not self.found(daily, "watch_seconds_reconcile_with_core_plays", [play(watch_seconds=None)], rows)

    def test_a_day_that_the_daily_table_misses_fails(self, daily: str):
        assert self.found(daily, "watch_seconds_reconcile_with_core_plays", [play(watch_seconds=60.0)], []) == [
            {"date": MONDAY, "watch_seconds": 60.0, "daily_watch_seconds": 0.0}
        ]


@pytest.mark.parametrize("check", reconciliations(0.10), ids=lambda check: f"{check.asset}-{check.name}")
class TestEveryReconciliation:
    def test_passes_without_rows(self, check: Reconciliation):
        days = None if contracts.ALL[check.asset].day_column is None else JUST_MONDAY
        assert not violated(check.asset, check.name, NO_ROWS, days)

    def test_has_a_name_that_dagster_takes_and_reads_tables_that_exist(self, check: Reconciliation):
        assert check.name.isidentifier()
        assert {check.asset, *check.reads} <= set(contracts.ALL)

    def test_says_what_to_do(self, check: Reconciliation):
        assert check.advice.endswith(".")
        assert check.description.endswith(".")


@pytest.mark.parametrize(("limit", "fails"), [(0.3, True), (0.4, False)])
def test_the_limit_of_rejected_rows_is_the_setting(limit: float, fails: bool):
    of_file = {"raw/event_files": [ledger("a.csv", 10, 6, 4)]}
    of_day = {"raw/events": loaded("a.csv", 6), "raw/rejected_rows": refused("a.csv", 4)}
    file_check = "rejected_share_of_every_file_is_within_the_limit"
    day_check = "rejected_share_of_every_day_is_within_the_limit"
    assert bool(violated("raw/event_files", file_check, of_file, None, limit)) == fails
    assert bool(violated("raw/events", day_check, of_day, JUST_MONDAY, limit)) == fails
