"""Calm days of a service, in which only chance and the weekday differ, and the tables that statistical checks read."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from streaming_assets import contracts
from streaming_assets.lake.days import ONE_DAY, Days
from streaming_assets.quality.statistical import statistical_checks

FIRST = dt.date(2025, 1, 1)
FIXED = {"volume": 0, "nulls": 1, "watch times": 2, "late": 3}
"""Places of the checks among all statistical ones."""

SHARES = {
    "watch_seconds": 0.02, "content_seconds": 0.05, "platform": 0.0, "device": 0.1, "country": 0.0, "state": 0.45,
    "was_recommended": 0.6, "title": 0.3, "creator": 0.3, "genre": 0.01, "content_type": 0.0,
}  # fmt: skip
"""In what share of the plays a column is NULL."""


@dataclass
class Service:
    """counts: events per day, the first day FIRST. landed: per day, when its file was taken in, if not at 3 o'clock the night after."""

    counts: list[int]
    events: pa.Table | None = None
    landed: dict[dt.date, dt.datetime] = field(default_factory=dict)
    replaced: set[dt.date] = field(default_factory=set)

    @property
    def days(self) -> Days:
        return Days(FIRST, FIRST + (len(self.counts) - 1) * ONE_DAY)

    def found(self, check: str, days: Days | None = None) -> list[dict[str, Any]]:
        """What a statistical check finds unusual on the days."""
        return self.asked("violated", check, days)

    def figures(self, check: str, days: Days | None = None) -> list[dict[str, Any]]:
        return self.asked("measured", check, days)

    def asked(self, question: str, check: str, days: Days | None) -> list[dict[str, Any]]:
        asked = statistical_checks()[FIXED[check]]
        rows = getattr(asked, question)(self.read, days or self.days, self.count)
        return sorted(rows.to_pyarrow().to_pylist(), key=lambda row: (row["date"], str(row.get("column"))))

    def unusual(self, days: Days | None = None) -> dict[str, list[dt.date]]:
        """Per check that finds something, on which days."""
        found = {name: sorted({row["date"] for row in self.found(name, days)}) for name in FIXED}
        return {name: dates for name, dates in found.items() if dates}

    def read(self, name: str, days: Days | None) -> ibis.Table:
        if name == "core/calendar":
            return table(name, [{"date": day, "ends_at": at(day + ONE_DAY)} for day in self.days.around(10, 10)])
        if name == "raw/event_files":
            return table(name, [self._file(day) for day, count in self._by_day() if count])
        assert name == "core/events"
        assert self.events is not None
        assert days is not None
        events = ibis.memtable(self.events)
        return events.filter(events.event_date.between(days.first, days.last))

    def count(self, name: str) -> ibis.Table:
        """As the Delta log has it: no row for days without events."""
        assert name in ("core/events", "raw/events")
        rows = [{"date": day, "file_id": str(day), "rows": count} for day, count in self._by_day() if count]
        schema = {"date": "date", "file_id": "string", "rows": "int64"}
        return ibis.memtable(pa.Table.from_pylist(rows, ibis.schema(schema).to_pyarrow()), schema=schema)

    def _by_day(self) -> Iterable[tuple[dt.date, int]]:
        return zip(self.days, self.counts, strict=True)

    def _file(self, day: dt.date) -> dict[str, Any]:
        return {
            "file_id": str(day),
            "path": f"events/{day}.jsonl",
            "source": "app",
            "table": "events",
            "raw_version": 1,
            "ingested_at": self.landed.get(day, at(day + ONE_DAY, 3)),
            "status": "replaced" if day in self.replaced else "loaded",
        }


def calm(days: int, level: float, seed: int, growth_a_week: float = 0.02) -> Service:
    """Events come in sessions of three on average, more on weekends, a little more each week, and scatter by 8 % besides."""
    random = np.random.default_rng(seed)
    week = np.array([1.0, 0.95, 0.95, 1.0, 1.1, 1.35, 1.3])
    usual = [
        level * week[(FIRST + number * ONE_DAY).weekday()] * (1 + growth_a_week) ** (number / 7)
        for number in range(days)
    ]
    counts = [
        int(random.geometric(1 / 3, random.poisson(events * random.lognormal(0, 0.08) / 3)).sum()) for events in usual
    ]
    return Service(counts)


def with_events(service: Service, seed: int) -> Service:
    """Its events as plays: watch times of films and clips, columns NULL as SHARES says."""
    random = np.random.default_rng(seed)
    count = sum(service.counts)
    watched = np.where(random.random(count) < 0.6, random.lognormal(7.3, 0.5, count), random.lognormal(5.0, 0.9, count))
    days = np.repeat(np.array(list(service.days), "datetime64[D]"), service.counts)
    columns: dict[str, Any] = {
        "event_date": pa.array(days),
        "event_type": pa.array(["play"] * count),
        **{name: null_where(np.full(count, "x"), random.random(count) < share) for name, share in SHARES.items()},
        "watch_seconds": null_where(watched.round(3), random.random(count) < SHARES["watch_seconds"]),
    }
    service.events = pa.table(columns)
    return service


def on(service: Service, days: set[dt.date]) -> np.ndarray:
    """Which of the events are on these days."""
    assert service.events is not None
    return np.isin(service.events["event_date"].to_numpy(), np.array(sorted(days), "datetime64[D]"))


def replace(service: Service, **columns: pa.Array) -> None:
    """Put these columns of the events in place of theirs."""
    assert service.events is not None
    for name, values in columns.items():
        service.events = service.events.set_column(service.events.column_names.index(name), name, values)


def keep(service: Service, wanted: np.ndarray) -> None:
    """Take the other events away, and count again."""
    assert service.events is not None
    service.events = service.events.filter(pa.array(wanted))
    dates = service.events["event_date"].to_numpy()
    service.counts = [int((dates == np.datetime64(day)).sum()) for day in service.days]


def null_where(values: Any, is_null: np.ndarray) -> pa.Array:
    """The values, NULL where they are NaN or it is said."""
    found = np.asarray(values)
    return pa.array(found, mask=is_null | np.isnan(found) if found.dtype.kind == "f" else is_null)


def at(day: dt.date, hour: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour))


def table(name: str, rows: list[Mapping[str, Any]]) -> ibis.Table:
    schema = contracts.ALL[name].schema
    return ibis.memtable(pa.Table.from_pylist([dict(row) for row in rows], schema.to_pyarrow()), schema=schema)
