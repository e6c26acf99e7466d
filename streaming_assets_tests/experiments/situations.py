"""Situations for experiments: what users did, told as a person would, and what an experiment makes of it.

Times are told from the experiment's first day: '20:15' is on it, '+1d 00:20' on the next, '-3d 12:00' three days before.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from streaming_assets.contracts import core
from streaming_assets.contracts import experiments as contract
from streaming_assets.experiments.assignment import Facts, assignments, logged_units
from streaming_assets.experiments.config import Experiment
from streaming_assets.experiments.units import unit_days, unit_metrics
from streaming_assets.experiments.window import Window, window_of
from streaming_assets_tests.transforms.situations import FIRST_DAY, at, calendar, rows_of, table

DAYS = 14
ACTIVE = ("sessions", "session_minutes", "plays", "skips", "watch_hours", "creators", "genres")

Row = dict[str, Any]
Told = tuple[str, Row]


def day(offset: int) -> dt.date:
    """So many days after the experiment's first day."""
    return FIRST_DAY + dt.timedelta(days=offset)


def experiment(**changes: Any) -> Experiment:
    """Two weeks, two halves, everybody from their first play on, where nothing else is said."""
    usual = {
        "id": "test",
        "start": day(0),
        "end": day(DAYS - 1),
        "assignment": {"salt": "test", "variants": {"control": 50, "treatment": 50}},
        "primary": "session_minutes",
    }
    return Experiment.model_validate({**usual, **changes})


def logged_experiment(*variants: str, **changes: Any) -> Experiment:
    """One whose arms are what the exposure events say."""
    equal = dict.fromkeys(variants or ("control", "treatment"), 50)
    return experiment(exposure="logged", assignment={"variants": equal}, **changes)


# What happened


def play(user_id: str, when: str, minutes: float | None = None, content_id: str = "c", **columns: Any) -> Told:
    """A play; without minutes its watch time is unknown."""
    seconds = None if minutes is None else minutes * 60
    return "plays", {
        "event_type": "play", "user_id": user_id, "started_at": at(when), "content_id": content_id,
        "event_id": f"{user_id} {when} {content_id}", "watch_seconds": seconds, "watch_is_assumed": False,
        "is_skip": False, "is_session_start": False, "day_is_full": False, **columns,
    }  # fmt: skip


def skip(user_id: str, when: str) -> Told:
    """A skip event."""
    return "events", {"event_type": "skip", "user_id": user_id, "started_at": at(when), "content_id": "c"}


def search(user_id: str, when: str) -> Told:
    """An event that no metric counts."""
    return "events", {"event_type": "search", "user_id": user_id, "started_at": at(when)}


def exposure(user_id: str, when: str, variant: str | None, experiment_id: str = "test", **columns: Any) -> Told:
    """An exposure event."""
    known = {"event_type": "exposure", "user_id": user_id, "started_at": at(when)}
    return "events", {**known, "experiment_id": experiment_id, "variant": variant, **columns}


def session(user_id: str, when: str, minutes: float) -> Told:
    """A session."""
    starts = at(when)
    return "sessions", {
        "session_id": f"{user_id} {when}", "user_id": user_id, "started_at": starts,
        "ended_at": starts + dt.timedelta(minutes=minutes), "duration_seconds": minutes * 60.0, "plays": 1,
    }  # fmt: skip


def record(user_id: str, valid_from: str = "-40d 00:00", signed_up: str | None = None, **columns: Any) -> Told:
    """A landed record of a user."""
    signed_up_at = None if signed_up is None else at(signed_up)
    known = {"user_id": user_id, "valid_from": at(valid_from), "signed_up_at": signed_up_at}
    return "users", {**known, "is_derived": False, **columns}


def title(content_id: str, *, is_derived: bool = False, **columns: Any) -> Told:
    """What core/content knows of a title."""
    return "content", {"content_id": content_id, "is_derived": is_derived, **columns}


def facts(*told: Told, timezone: str = "UTC", first: dt.date = dt.date(2026, 1, 1)) -> Facts:
    """The core tables of what is told; users without a record have a derived one. first: of the calendar."""
    zone = ZoneInfo(timezone)
    kinds: dict[str, list[Row]] = {name: [] for name in ("plays", "events", "sessions", "users", "content")}
    for number, (kind, row) in enumerate(told):
        if "started_at" not in row:
            kinds[kind].append(row)
            continue
        local = row["started_at"].replace(tzinfo=dt.UTC).astimezone(zone)
        placed = {"event_id": f"event {number}", "event_date": local.date(), "session_date": local.date(), **row}
        kinds[kind].append(placed)
        if kind == "plays":
            kinds["events"].append(placed)
    return Facts(
        plays=_table(kinds["plays"], core.plays),
        events=_table(kinds["events"], core.events),
        sessions=_table(kinds["sessions"], core.sessions),
        users=_table(_users(kinds["users"], kinds["events"]), core.users),
        content=_table(kinds["content"], core.content),
        calendar=calendar(timezone, first),
    )


def _users(records: Sequence[Row], events: Sequence[Row]) -> list[Row]:
    seen: dict[str, dt.datetime] = {}
    for row in events:
        seen[row["user_id"]] = min(row["started_at"], seen.get(row["user_id"], row["started_at"]))
    unrecorded = seen.keys() - {row["user_id"] for row in records}
    derived = [
        # A derived row's first event stands in for a sign-up that nobody told.
        {"user_id": name, "valid_from": seen[name], "signed_up_at": seen[name], "is_derived": True}
        for name in sorted(unrecorded)
    ]
    return [{**row, "first_event_at": seen.get(row["user_id"])} for row in (*records, *derived)]


def _table(rows: Iterable[Row], of: Any) -> ibis.Table:
    return table([{name: row.get(name) for name in of.column_names} for row in rows], of)


# What an experiment makes of it


def assigned(known: Facts, of: Experiment | None = None, as_of: int = 99) -> dict[str, Row]:
    """Rows of experiments/assignments by user; as_of: days after the first."""
    of, window = _of(of, as_of)
    rows = rows_of(assignments(of, window, known), contract.assignments, "user_id")
    return _by_user(rows)


def exposed(known: Facts, of: Experiment | None = None, as_of: int = 99) -> dict[str, dt.datetime]:
    """When each unit was exposed."""
    return {user_id: row["exposed_at"] for user_id, row in assigned(known, of, as_of).items()}


def counted_as_logged(known: Facts, of: Experiment, as_of: int = 99) -> Row:
    """The row of `logged_units`."""
    of, window = _of(of, as_of)
    (row,) = logged_units(of, window, known).to_pyarrow().to_pylist()
    return dict(row)


def active_days(known: Facts, of: Experiment | None = None, as_of: int = 99) -> dict[tuple[str, int], Row]:
    """Rows of experiments/unit_days, what they count only, by user and days after the first."""
    of, window = _of(of, as_of)
    rows = rows_of(
        unit_days(window, assignments(of, window, known), known), contract.unit_days, list(contract.unit_days.key)
    )
    return {
        (row["user_id"], (row["date"] - FIRST_DAY).days): {name: row[name] for name in ACTIVE if row[name]}
        for row in rows
    }


def measured(known: Facts, of: Experiment | None = None, as_of: int = 99) -> dict[str, Row]:
    """Rows of experiments/unit_metrics by user."""
    of, window = _of(of, as_of)
    units = assignments(of, window, known)
    made = unit_metrics(window, units, unit_days(window, units, known), known)
    return _by_user(rows_of(made, contract.unit_metrics, "user_id"))


def did(row: Row, *names: str) -> Row:
    """What is not 0 of what a unit did, or of the named columns."""
    return {name: row[name] for name in names or ACTIVE if row[name]}


def _of(of: Experiment | None, as_of: int) -> tuple[Experiment, Window]:
    known = of or experiment()
    return known, window_of(known, day(as_of))


def _by_user(rows: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    found = {row["user_id"]: dict(row) for row in rows}
    assert len(found) == len(rows)
    return found
