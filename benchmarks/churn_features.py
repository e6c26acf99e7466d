"""Features of churn of many users at 13 weekly cutoffs, beside one scan of core/user_daily.

Run as a script, this module makes the tables and prints the figures.
"""

import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from streaming_assets.contracts import Table, core
from streaming_assets.lake.engine import DuckDBEngine, duckdb_engine
from streaming_assets.models.churn.cutoffs import scoring_cutoff
from streaming_assets.models.churn.snapshot import snapshots
from streaming_assets.settings import Settings
from streaming_assets.transforms.calendar import days

USERS = 100_000
DAYS = 200
CUTOFFS = 13
TITLES_PER_DAY = 2.0
SEED = 5
ROUNDS = 5
THREADS = 2
MEMORY_LIMIT = "4GB"

_FIRST_DAY = dt.date(2026, 1, 1)
_LAST_DAY = _FIRST_DAY + dt.timedelta(days=DAYS - 1)
_ACTIVE = (0.7, 1.3)
"""Parameters of the beta distribution of users' active days per day: 0.35 on average, and few do much."""
_TITLES, _GENRES = 5_000, 12
_DAILY = (core.user_daily, core.user_content_daily, core.sessions, core.plays)


def run(users: int = USERS, titles_per_day: float = TITLES_PER_DAY) -> dict[str, Any]:
    """The figures, as they go into last.json: seconds of wall time and of both cores together.

    load_before: processes that wanted a core in the minute before; above 0 the wall times are too long.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        rows = _make(Path(folder), users, titles_per_day)
        settings = Settings(data_dir=Path(folder), threads=THREADS, memory_limit=MEMORY_LIMIT)
        with duckdb_engine(settings) as engine:
            tables = _tables(engine, Path(folder))
            weekly = [_LAST_DAY - dt.timedelta(days=28 + 7 * number) for number in range(CUTOFFS)]
            timed = _in_turn(
                {
                    "scan": lambda: _scan(engine, tables["user_daily"]),
                    "together": lambda: _features(engine, tables, weekly),
                    "to_score": lambda: _features(engine, tables, [scoring_cutoff(_LAST_DAY)]),
                }
            )
    return {
        "users": users,
        "days": DAYS,
        "cutoffs": CUTOFFS,
        "rounds": ROUNDS,
        "rows": rows,
        **timed,
        "ratio": timed["together"]["wall"] / timed["scan"]["wall"],
        "cpu_ratio": timed["together"]["cpu"] / timed["scan"]["cpu"],
        "load_before": load,
    }


def _scan(engine: DuckDBEngine, user_daily: ibis.Table) -> None:
    """All rows and columns of core/user_daily, added up by user."""
    numbers = {name: user_daily[name].sum() for name, kind in user_daily.schema().items() if kind.is_numeric()}
    instants = {name: user_daily[name].max() for name in ("date", "first_event_at", "last_event_at")}
    _materialise(engine, user_daily.group_by("user_id").agg(**numbers, **instants))


def _features(engine: DuckDBEngine, tables: Mapping[str, ibis.Table], cutoffs: list[dt.date]) -> None:
    _materialise(engine, snapshots(cutoffs, as_of=_LAST_DAY, **tables))


def _materialise(engine: DuckDBEngine, rows: ibis.Table) -> None:
    engine.backend.create_table("result", rows, temp=True, overwrite=True)
    engine.backend.drop_table("result")


def _in_turn(acts: Mapping[str, Callable[[], None]]) -> dict[str, dict[str, float]]:
    """Medians of each, in turn after each was done once: the machine's own speed wanders within minutes."""
    for act in acts.values():
        act()
    rounds = [{name: _seconds(act) for name, act in acts.items()} for _round in range(ROUNDS)]
    return {name: {of: median(one[name][of] for one in rounds) for of in ("wall", "cpu")} for name in acts}


def _seconds(act: Callable[[], None]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def _tables(engine: DuckDBEngine, folder: Path) -> dict[str, ibis.Table]:
    """The tables that snapshots are made of, the large ones as Parquet files, a folder per day as in the lake."""
    found = {
        table.short_name: engine.scan(table, folder / table.short_name, _files(folder / table.short_name))
        for table in (*_DAILY, core.users, core.content)
    }
    calendar = days("UTC", _FIRST_DAY - dt.timedelta(days=1), _LAST_DAY + dt.timedelta(days=60))
    return {**found, "calendar": ibis.memtable(calendar, schema=core.calendar.schema)}


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


def _make(folder: Path, users: int, titles_per_day: float) -> dict[str, int]:
    """Rows by table, written below the folder."""
    rng = np.random.default_rng(SEED)
    user_ids = pa.array(f"u{number:06d}" for number in range(users))
    content_ids = pa.array(f"c{number:05d}" for number in range(_TITLES))
    rate = rng.beta(*_ACTIVE, users)
    _write(folder, core.users, None, _records(user_ids, rng))
    _write(folder, core.content, None, _catalogue(content_ids, rng))
    rows = dict.fromkeys((table.short_name for table in _DAILY), 0)
    for number in range(DAYS):
        day = _FIRST_DAY + dt.timedelta(days=number)
        active = rng.permutation(np.flatnonzero(rng.random(users) < rate))  # the engine writes them in no order
        for table, columns in _day(active, day, titles_per_day, user_ids, content_ids, rng):
            rows[table.short_name] += _write(folder, table, day, columns)
    return rows


Columns = dict[str, pa.Array | npt.NDArray[Any]]


def _day(
    active: npt.NDArray[np.int64],
    day: dt.date,
    titles_per_day: float,
    user_ids: pa.Array,
    content_ids: pa.Array,
    rng: np.random.Generator,
) -> Iterator[tuple[Table, Columns]]:
    titles = 1 + rng.poisson(titles_per_day - 1, len(active))
    sessions = 1 + rng.poisson(0.4, len(active))
    yield core.user_daily, _deeds(user_ids.take(pa.array(active)), titles, sessions, day, rng)
    of_play = np.repeat(active, titles)
    title = (rng.random(len(of_play)) ** 3 * _TITLES).astype(np.int64)
    # Of a title twice on a day there is one row.
    of_play, title = np.unique(np.stack([of_play, title]), axis=1)
    order = rng.permutation(len(of_play))
    yield (
        core.user_content_daily,
        _titles(user_ids.take(pa.array(of_play[order])), content_ids.take(pa.array(title[order])), day, rng),
    )
    yield core.plays, _plays(user_ids.take(pa.array(of_play)), content_ids.take(pa.array(title)), day, rng)
    yield core.sessions, _sessions(user_ids.take(pa.array(np.repeat(active, sessions))), day, rng)


def _deeds(
    user_id: pa.Array,
    titles: npt.NDArray[np.int64],
    sessions: npt.NDArray[np.int64],
    day: dt.date,
    rng: np.random.Generator,
) -> Columns:
    n = len(titles)
    lengths = rng.random(n) * 9_000 * titles
    return {
        "user_id": user_id,
        "plays": titles,
        "skips": rng.poisson(0.3, n),
        "completes": rng.binomial(titles, 0.5),
        "watch_seconds": np.round(lengths * rng.random(n), 3),
        "plays_with_watch_time": titles,
        "sessions_started": sessions,
        "distinct_content": titles,
        "distinct_genres": np.minimum(titles, 4),
        "pauses": rng.poisson(0.8, n),
        "buffer_events": rng.poisson(0.2, n),
        "plays_with_buffering": titles,
        "recommended_plays": rng.binomial(titles, 0.3),
        "plays_with_recommendation": titles,
        "completion_pct_sum": rng.random(n) * 100 * titles,
        "completion_pct_n": titles,
        "watched_known_seconds": np.round(lengths * rng.random(n), 3),
        "content_known_seconds": np.round(lengths, 3),
        "plays_under_10pct": rng.binomial(titles, 0.1),
        "first_event_at": _instants(day, 0, n, rng),
        "last_event_at": _instants(day, 12, n, rng),
    }


def _titles(user_id: pa.Array, content_id: pa.Array, day: dt.date, rng: np.random.Generator) -> Columns:
    n = len(user_id)
    return {
        "user_id": user_id,
        "content_id": content_id,
        "state": _texts(rng.integers(0, 50, n), "state"),
        "country": _texts(rng.integers(0, 2, n), "country"),
        "platform": _texts(rng.integers(0, 4, n), "platform"),
        "plays": np.ones(n, np.int64),
        "watch_seconds": np.round(rng.random(n) * 9_000, 3),
        "completion_pct_sum": rng.random(n) * 100,
        "completion_pct_n": np.ones(n, np.int64),
        "watched_known_seconds": np.round(rng.random(n) * 9_000, 3),
        "content_known_seconds": np.full(n, 9_000.0),
        "genre": _texts(rng.integers(0, _GENRES, n), "genre"),
        "last_event_at": _instants(day, 0, n, rng),
    }


def _plays(user_id: pa.Array, content_id: pa.Array, day: dt.date, rng: np.random.Generator) -> Columns:
    """Of a source that tells watch times and skips itself, as most do."""
    n = len(user_id)
    return {
        "user_id": user_id,
        "started_at": _instants(day, 0, n, rng),
        "content_id": content_id,
        "event_id": pa.array(f"{number:032x}" for number in rng.integers(0, 2**62, n)),
        "watch_seconds": np.round(rng.random(n) * 9_000, 3),
        "watch_is_assumed": np.zeros(n, np.bool_),
        "local_hour": rng.integers(0, 24, n),
        "is_session_start": rng.random(n) < 0.5,
        "is_skip": np.zeros(n, np.bool_),
        "day_is_full": np.zeros(n, np.bool_),
    }


def _sessions(user_id: pa.Array, day: dt.date, rng: np.random.Generator) -> Columns:
    n = len(user_id)
    zeros, ones = np.zeros(n, np.int64), np.ones(n, np.int64)
    return {
        "session_id": pa.array(f"{number:032x}" for number in rng.integers(0, 2**62, n)),
        "user_id": user_id,
        "started_at": _instants(day, 0, n, rng),
        "ended_at": _instants(day, 12, n, rng),
        "duration_seconds": np.round(rng.random(n) * 9_000, 3),
        "plays": ones,
        "plays_next_day": zeros,
        "skips": zeros,
        "distinct_content": ones,
        "distinct_creators": ones,
        "distinct_genres": ones,
        "watch_seconds": np.round(rng.random(n) * 9_000, 3),
        "watch_is_assumed": np.zeros(n, np.bool_),
        "pauses": rng.poisson(0.6, n),
        "buffer_events": rng.poisson(0.15, n),
        "recommended_plays": zeros,
        "platform": _texts(rng.integers(0, 4, n), "platform"),
        "is_cut": np.zeros(n, np.bool_),
    }


def _records(user_ids: pa.Array, rng: np.random.Generator) -> Columns:
    """One record per user; one in ten has cancelled or will have."""
    n = len(user_ids)
    before = np.datetime64(_FIRST_DAY, "us") - np.timedelta64(10, "D")
    at = before + rng.integers(20, DAYS, n).astype("timedelta64[D]")
    return {
        "user_id": user_ids,
        "valid_from": np.full(n, before),
        "plan": pa.array(["free", "basic", "premium"]).take(pa.array(rng.integers(0, 3, n))),
        "age": rng.integers(16, 80, n),
        "country": _texts(rng.integers(0, 20, n), "country"),
        "platform": _texts(rng.integers(0, 4, n), "platform"),
        "preferred_genre": _texts(rng.integers(0, _GENRES, n), "genre"),
        "cancelled_at": pa.array(at, mask=rng.random(n) > 0.1),
        "is_current": np.ones(n, np.bool_),
        "is_derived": np.zeros(n, np.bool_),
    }


def _catalogue(content_ids: pa.Array, rng: np.random.Generator) -> Columns:
    genre = _texts(rng.integers(0, _GENRES, _TITLES), "genre")
    return {"content_id": content_ids, "genre": genre, "is_derived": np.zeros(_TITLES, np.bool_)}


def _texts(numbers: npt.NDArray[np.int64], name: str) -> pa.Array:
    return pa.array(f"{name} {number}" for number in range(numbers.max() + 1)).take(pa.array(numbers))


def _instants(day: dt.date, hour: int, count: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    return np.datetime64(day, "us") + (rng.random(count) * 11 * 3.6e9 + hour * 3.6e9).astype("timedelta64[us]")


def _write(folder: Path, table: Table, day: dt.date | None, columns: Columns) -> int:
    """As the lake does: what is not given is NULL, the day is in the folder's name."""
    own = pa.schema([field for field in table.schema.to_pyarrow() if field.name not in table.partition_by])
    count = len(next(iter(columns.values())))
    nothing = pa.nulls(count)
    rows = pa.table({name: pa.array(columns.get(name, nothing)) for name in own.names}).cast(own)
    path = folder / table.short_name / (f"{table.day_column}={day}" if day else ".") / "part-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, compression="zstd", compression_level=1)
    return count


if __name__ == "__main__":
    print(json.dumps(run(*(kind(text) for kind, text in zip((int, float), sys.argv[1:], strict=False))), indent=1))
