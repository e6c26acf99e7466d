"""Snapshots of random listening: as their definition has them, and the same whatever comes after the cutoff."""

import datetime as dt
import random

import ibis
import pytest

from streaming_assets.contracts import core
from streaming_assets.contracts.models.churn import FEATURES, churn_snapshots
from streaming_assets.models.churn.differences import differing_rows
from streaming_assets.models.churn.snapshot import outcomes, snapshot, snapshots
from streaming_assets.transforms.daily import user_content_daily, user_daily
from streaming_assets.transforms.plays import plays
from streaming_assets.transforms.sessions import sessions
from streaming_assets_tests.models.churn.by_definition import snapshot_by_definition
from streaming_assets_tests.models.churn.known_days import derived, record, title
from streaming_assets_tests.transforms.situations import calendar, event, rows_of, table

FIRST, DAYS = dt.date(2026, 1, 1), 150
AS_OF = FIRST + dt.timedelta(days=DAYS - 1)
CUTOFFS = tuple(FIRST + dt.timedelta(days=number) for number in (40, 47, 85, 121, 150))
CALENDAR = calendar(first=FIRST - dt.timedelta(days=1), last=AS_OF + dt.timedelta(days=60))
INPUTS = {
    "user_daily": core.user_daily,
    "user_content_daily": core.user_content_daily,
    "sessions": core.sessions,
    "plays": core.plays,
    "users": core.users,
    "content": core.content,
}


def listening(seed=11):
    """Random rows of core/events: users who come, pause for long and leave, evenings that go on past midnight.

    Every third user's plays are skips by what follows them; where watch times are not known, a half of them is assumed.
    """
    rng = random.Random(seed)
    rows = []
    for user in range(9):
        knows = {name: rng.random() < 0.7 for name in ("watch", "length", "stops", "recommended", "genre")}
        knows["rules"] = {"skip_under_seconds": 1200.0} if user % 3 == 0 else {}
        if user % 2 == 0:
            knows["rules"] |= {"assume_until_next_seconds": 600.0, "assume_last_seconds": 210.0 if user % 4 else None}
        rate, joined, left = rng.choice([0.05, 0.3, 0.9]), rng.randrange(-40, 110), rng.randrange(60, 260)
        for number in range(max(0, joined), min(DAYS, left)):
            at = dt.datetime.combine(FIRST, dt.time(rng.choice([9, 22, 23]), rng.randrange(60)))
            at += dt.timedelta(days=number)
            for _play in range(rng.randrange(1, 6) if rng.random() < rate else 0):
                rows.append(_play_of(f"u{user}", at, knows, rng))
                if rng.random() < 0.2:
                    rows.append(event(f"u{user}", at + dt.timedelta(seconds=5), rng.choice(["skip", "pause"])))
                at += dt.timedelta(minutes=rng.randrange(1, 50))
    return [row for row in rows if row["event_date"] <= AS_OF]


def _play_of(user_id, at, knows, rng):
    length = rng.choice([600.0, 3600.0])
    watched = rng.randrange(0, 600_000) / 1000
    told = {
        "watch_seconds": watched if knows["watch"] else None,
        "completion_pct": 100 * min(watched, length) / length if knows["watch"] and knows["length"] else None,
        "content_seconds": length if knows["length"] else None,
        "buffer_events": rng.choice([0, 0, 0, 1, 3]) if knows["stops"] else None,
        "was_recommended": rng.random() < 0.3 if knows["recommended"] else None,
        "genre": rng.choice(["a", "b"]) if knows["genre"] else None,
        **knows["rules"],
    }
    places = {"platform": rng.choice(["tv", "web", None]), "country": rng.choice(["DE", "FR", None])}
    return event(user_id, at, content_id=f"c{rng.randrange(25)}", **places, **told)


def records(seed=12):
    """Random rows of core/users, of some users several in time, of some none."""
    rng = random.Random(seed)
    start = (dt.date(2026, 6, 1) - FIRST).days
    rows = []
    for user in range(7):
        for number in sorted(rng.sample(range(-10, DAYS), rng.randrange(1, 4))):
            about = {
                "plan": rng.choice(["free", "basic", "premium", None]),
                "preferred_genre": rng.choice(["a", "b", "c", None]),
                "country": rng.choice(["US", None]),
                "age": rng.choice([20, 40, None]),
            }
            rows.append(record(f"u{user}", start - number, f"{rng.randrange(24):02}:30", **about))
    return rows


CONTENT = [*[title(f"c{number}", "abc"[number % 3]) for number in range(12)], title("c12", None)]


def core_tables(events, users, derived_genre):
    """Core as the pipeline makes it of a log; what plays say of a title is the latest that they said."""
    log = table(events)
    played = ibis.memtable(rows_to_arrow(plays(log, CALENDAR, 30), core.plays), schema=core.plays.schema)
    titles = [title(f"c{number}", derived_genre, is_derived=True) for number in range(13, 25)]
    days = rows_of(user_daily(played, log), core.user_daily, ["user_id", "date"])
    return {
        "user_daily": days,
        "user_content_daily": rows_of(user_content_daily(played), core.user_content_daily, ["user_id", "date"]),
        "plays": rows_of(played, core.plays, ["user_id", "started_at", "event_id"]),
        "sessions": rows_of(sessions(played, log, CALENDAR), core.sessions, ["user_id", "started_at"]),
        "users": [*users, *derived(days, users)],
        "content": [*CONTENT, *titles],
    }


def rows_to_arrow(rows, contract):
    return rows.select(*contract.column_names).cast(dict(contract.schema.items())).to_pyarrow()


def inputs_of(rows):
    return {**{name: table(rows[name], contract) for name, contract in INPUTS.items()}, "calendar": CALENDAR}


@pytest.fixture(scope="module")
def log():
    return listening(), records()


@pytest.fixture(scope="module")
def full(log):
    return core_tables(*log, derived_genre="z")


@pytest.fixture(scope="module")
def stored(full):
    """All cutoffs, made together, as a table."""
    made = rows_to_arrow(snapshots(CUTOFFS, as_of=AS_OF, **inputs_of(full)), churn_snapshots)
    return ibis.memtable(made, schema=churn_snapshots.schema)


def test_every_column_is_what_its_definition_says(full, stored):
    found = rows_of(stored, churn_snapshots, ["cutoff", "user_id"])
    expected = {
        (cutoff, user_id): row
        for cutoff in CUTOFFS
        for user_id, row in snapshot_by_definition(full, cutoff, AS_OF).items()
    }
    assert [(row["cutoff"], row["user_id"]) for row in found] == sorted(expected)
    for row in found:
        known = expected[row["cutoff"], row["user_id"]]
        differing = {name: (row[name], value) for name, value in known.items() if not same(row[name], value)}
        assert differing == {}
        assert set(row) - set(known) == {"cutoff", "user_id", "observation_days"}


def same(found, expected):
    is_number = isinstance(expected, float) and found is not None
    return found == (pytest.approx(expected, rel=1e-9, abs=1e-12) if is_number else expected)


def test_the_random_users_leave_nothing_out(stored):
    """Every status, both outcomes, and of every feature known and unknown values, unless it is always known."""
    rows = rows_of(stored, churn_snapshots, ["cutoff", "user_id"])
    assert {row["status"] for row in rows} == {"active", "new", "lapsed"}
    assert {row["churned"] for row in rows} == {True, False, None}
    features = [column.name for family in FEATURES.values() for column in family]
    assert [name for name in features if len({row[name] for row in rows} - {None}) < 2] == []


@pytest.mark.parametrize("cutoff", CUTOFFS[1:4])
def test_features_of_the_log_truncated_at_the_cutoff_are_the_same(log, stored, cutoff):
    events, users = log
    midnight = dt.datetime.combine(cutoff, dt.time())
    truncated = core_tables(
        [row for row in events if row["started_at"] < midnight],
        [row for row in users if row["valid_from"] < midnight],
        derived_genre=None,
    )
    assert len(truncated["user_daily"]) > 50
    recomputed = snapshot(cutoff, as_of=cutoff - dt.timedelta(days=1), **inputs_of(truncated))
    differing = differing_rows(stored.filter(stored.cutoff == cutoff), recomputed)
    assert differing.to_pyarrow().to_pylist() == []


def test_outcomes_of_active_users_are_those_of_the_snapshot(full, stored):
    cutoff = CUTOFFS[2]
    inputs = {name: value for name, value in inputs_of(full).items() if name in ("user_daily", "users", "calendar")}
    told = outcomes(cutoff, as_of=AS_OF, label="inactivity", **inputs).to_pyarrow().to_pylist()
    rows = rows_of(stored.filter(stored.cutoff == cutoff), churn_snapshots, "user_id")
    assert {row["user_id"] for row in told} == {row["user_id"] for row in rows}
    active = {(row["user_id"], row["churned"]) for row in rows if row["status"] == "active"}
    assert active <= {(row["user_id"], row["churned"]) for row in told}


# What differing rows are


def known(user_id="ann", **columns):
    zeros = {name: 0 for name, kind in churn_snapshots.schema.items() if kind.is_numeric()}
    row = {"cutoff": FIRST, "user_id": user_id, "status": "active", "churned": True, **zeros, **columns}
    return {**dict.fromkeys(churn_snapshots.column_names), **row}


def test_rows_differ_in_the_columns_that_do_and_rounding_is_no_difference():
    before = [
        known("same", watch_trend=1e-17, watch_hours_7=3.0, completion_share=None),
        known("other values", plays_7=4, watch_hours_7=3.0, platform="tv"),
        known("now known", plan=None, genre_entropy=None, age=30),
        known("gone"),
    ]
    after = [
        known("same", watch_trend=-1e-17, watch_hours_7=3.0 + 1e-9, completion_share=None, churned=None),
        known("other values", plays_7=5, watch_hours_7=3.00000001, platform="tv"),
        known("now known", plan="free", genre_entropy=0.0, age=None),
    ]
    found = differing_rows(table(before, churn_snapshots), table(after, churn_snapshots)).to_pyarrow().to_pylist()
    differing = {(row["user_id"], row["column"]): (row["stored"], row["recomputed"]) for row in found}
    assert {name for user_id, name in differing if user_id == "gone"} >= {"status", "plays_7", "watch_trend"}
    assert {key: values for key, values in differing.items() if key[0] != "gone"} == {
        ("other values", "plays_7"): ("4", "5"),
        ("other values", "watch_hours_7"): ("3.0", "3.00000001"),
        ("now known", "plan"): (None, "free"),
        ("now known", "genre_entropy"): (None, "0.0"),
        ("now known", "age"): ("30", None),
    }
