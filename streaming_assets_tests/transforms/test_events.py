"""Cleaned events: which of several rows with one key stays, and how much of the content was watched."""

import datetime as dt
import hashlib

import duckdb
import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming_assets.contracts import core, raw
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources, read_file, scan
from streaming_assets.transforms.events import completion_pct, events
from streaming_assets_tests.transforms.situations import FIRST_DAY, at, rows_of, table

NEXT_DAY = FIRST_DAY + dt.timedelta(days=1)


def landed(file_id, row_number, event_id, **columns):
    """A row of raw/events; what is not given is unknown."""
    known = {
        "user_id": "ann",
        "started_at": at("20:00"),
        "content_id": "c",
        "event_type": "play",
        "event_date": FIRST_DAY,
        "local_hour": 20,
    }
    place = {"file_id": file_id, "row_number": row_number, "event_id": event_id}
    return {**dict.fromkeys(raw.events.column_names), **known, **place, **columns}


def ledger(**paths):
    """The ledger of files, given as file_id = path."""
    rows = [{"file_id": file_id, "path": path} for file_id, path in paths.items()]
    return table([{**dict.fromkeys(raw.event_files.column_names), **row} for row in rows], raw.event_files)


def events_of(rows, files):
    return rows_of(events(table(rows, raw.events), files), core.events, ["event_date", "event_id"])


def test_of_rows_with_one_id_the_one_in_the_last_path_stays_whatever_the_file_ids():
    rows = [landed("z", 9, "e", title="early"), landed("a", 1, "e", title="late")]
    assert [row["title"] for row in events_of(rows, ledger(z="2026/01.jsonl", a="2026/02.jsonl"))] == ["late"]
    assert [row["title"] for row in events_of(rows, ledger(z="2026/03.jsonl", a="2026/02.jsonl"))] == ["early"]


def test_within_a_file_the_last_row_stays_by_number_and_not_by_its_digits():
    rows = [landed("f", 10, "e", title="tenth"), landed("f", 9, "e", title="ninth")]
    assert [row["title"] for row in events_of(rows, ledger(f="a.csv"))] == ["tenth"]


def test_the_row_that_stays_is_whole_and_takes_nothing_from_the_others():
    rows = [
        landed("f", 1, "e", platform="tv", watch_seconds=60.0, content_seconds=600.0),
        landed("f", 2, "e", platform=None, watch_seconds=90.0, content_seconds=None),
    ]
    (kept,) = events_of(rows, ledger(f="a.csv"))
    assert (kept["platform"], kept["watch_seconds"], kept["content_seconds"], kept["completion_pct"]) == (
        None, 90.0, None, None,
    )  # fmt: skip


def test_one_id_on_two_days_is_kept_on_both():
    rows = [landed("f", 1, "e"), landed("f", 2, "e", event_date=NEXT_DAY, started_at=at("+1d 20:00"))]
    assert [row["event_date"] for row in events_of(rows, ledger(f="a.csv"))] == [FIRST_DAY, NEXT_DAY]


def test_rows_that_share_all_but_the_id_are_different_events():
    rows = [landed("f", 1, "e1"), landed("f", 2, "e2")]
    assert [row["event_id"] for row in events_of(rows, ledger(f="a.csv"))] == ["e1", "e2"]


def test_a_play_without_an_id_that_comes_twice_is_one_event_and_another_type_is_another(tmp_path):
    landing, staging = tmp_path / "landing", tmp_path / "staging"
    landing.mkdir()
    staging.mkdir()
    play = "ann,2026-03-02T20:00:00Z,c"
    (landing / "a.csv").write_text(f"user_id,started_at,content_id,event_type\n{play},play\n{play},skip\n{play},\n")
    (landing / "b.csv").write_text(
        f"user_id,started_at,content_id,event_id\n{play},\n{play},own\nben,2026-03-02T20:00:00Z,c,\n"
    )
    connection, now = duckdb.connect(), dt.datetime(2026, 3, 3)
    read = [
        read_file(connection, file, load_sources(tmp_path), Settings(), "k" * 16, staging, now)
        for file in scan(landing)
    ]
    accepted = " UNION ALL ".join(f"({file.accepted['events']})" for file in read)
    rows = connection.sql(accepted).to_arrow_table().to_pylist()
    found = events_of(rows, ledger(**{file.file.file_id: file.file.path for file in read}))

    def made_id(user_id, event_type):
        return hashlib.md5("\x1f".join([user_id, "1772481600000000", "c", event_type]).encode()).hexdigest()

    assert {(row["user_id"], row["event_type"], row["event_id"]) for row in found} == {
        ("ann", "play", made_id("ann", "play")),
        ("ann", "skip", made_id("ann", "skip")),
        ("ann", "play", "own"),
        ("ben", "play", made_id("ben", "play")),
    }
    assert len(found) == 4


@pytest.mark.parametrize(
    ("watch_seconds", "content_seconds", "completion_pct"),
    [
        (0.0, 1200.0, 0.0),
        (300.0, 1200.0, 25.0),
        (1200.0, 1200.0, 100.0),
        (1500.0, 1200.0, 100.0),  # a pause button that does not stop the clock
        (300.0, 0.0, None),
        (300.0, -1.0, None),
        (300.0, None, None),
        (None, 1200.0, None),
        (None, None, None),
    ],
)
def test_completion_is_the_share_of_a_known_length_that_was_watched(watch_seconds, content_seconds, completion_pct):
    row = landed("f", 1, "e", watch_seconds=watch_seconds, content_seconds=content_seconds)
    (found,) = events_of([row], ledger(f="a.csv"))
    assert found["completion_pct"] == completion_pct


def test_no_rows_make_no_events():
    assert events_of([], ledger(f="a.csv")) == []


PATHS = {"f1": "b/2.csv", "f2": "a/9.csv", "f3": "b/10.csv", "f4": "ä/1.csv"}


@st.composite
def raw_rows(draw):
    """Rows of four files with many repeated keys, in any order."""
    places = draw(st.lists(st.tuples(st.sampled_from(sorted(PATHS)), st.integers(1, 20)), unique=True, max_size=40))
    return [
        landed(
            file_id,
            row_number,
            draw(st.sampled_from("pqrst")),
            event_date=draw(st.sampled_from([FIRST_DAY, NEXT_DAY])),
            title=f"{file_id} {row_number}",
            watch_seconds=draw(st.sampled_from([None, 0.0, 30.0, 90.0])),
            content_seconds=draw(st.sampled_from([None, 0.0, 60.0])),
        )
        for file_id, row_number in places
    ]


@settings(max_examples=15, deadline=None)
@given(rows=raw_rows(), random=st.randoms(use_true_random=False))
def test_events_equal_a_plain_recomputation_in_any_order_of_rows_and_files(rows, random):
    expected = pd.DataFrame(rows, columns=raw.events.column_names)
    expected["path"] = expected["file_id"].map(PATHS)
    expected = expected.sort_values(["path", "row_number"]).groupby(["event_date", "event_id"]).tail(1)
    kept = sorted(zip(expected["event_date"], expected["event_id"], expected["title"], strict=True))
    files = list(PATHS.items())
    random.shuffle(rows)
    random.shuffle(files)
    found = events_of(rows, ledger(**dict(files)))
    assert [(row["event_date"], row["event_id"], row["title"]) for row in found] == kept


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=200))
def test_a_play_watched_to_its_end_or_longer_is_complete_to_the_last_digit(milliseconds):
    lengths = [number / 1000 for number in milliseconds]
    rows = [{"watch": watched, "length": length} for length in lengths for watched in (length, 2 * length)]
    plays = ibis.memtable(rows, schema={"watch": "float64", "length": "float64"})
    found = plays.select(pct=completion_pct(plays.watch, plays.length)).to_pyarrow()["pct"].to_pylist()
    assert all(99.999999 <= pct <= 100 for pct in found)
    assert max(found) <= 100
