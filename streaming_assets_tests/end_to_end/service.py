"""A small streaming service, as rich as a real one in what makes order matter: its files as they come to land."""

import datetime as dt
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

ONE_DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
PLATFORMS = ("tv", "web", "ios", "android", None)
STATES = ("CA", "NY", None)

Row = dict[str, Any]


@dataclass
class Service:
    """Files by path: as they stand in the end, and for some an earlier version that they correct."""

    final: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)


def steady_week(first: dt.date, days: int) -> dict[str, str]:
    """One file a day, all rows in order and on time: six users play at 8, 13 and 21 o'clock, each something longer."""
    files = {}
    for number in range(days):
        day = dt.datetime.combine(first + number * ONE_DAY, dt.time())
        rows = [
            play(
                f"user {user}",
                day + hour * HOUR + user * dt.timedelta(minutes=3),
                f"title {(user + number) % 4}",
                600.0 * (user + 1),
            )
            for hour in (8, 13, 21)
            for user in range(6)
        ]
        files[f"events/{day:%Y-%m-%d}.jsonl"] = lines(rows)
    return files


def rich_service(random: Random, first: dt.date, days: int) -> Service:
    """Some users over some days, one file per day of arrival.

    Late rows, rows sent twice with and without an event_id and with other values, one event_id for two plays of a day
    and of two days, plays that start at one instant on two platforms, plays of up to 12 hours, days without a break,
    skips and pauses, broken rows, a file landed under a second path, records of users and titles that supersede each
    other, and files that are corrected later: rows gone, changed, new and moved to another day, or a file of nonsense.
    """
    start = dt.datetime.combine(first, dt.time())
    rows = [
        *(row for user in range(5) for row in _ordinary(random, f"ordinary {user}", start, days)),
        *(row for user in range(2) for row in _long(random, f"long {user}", start, days)),
        *(row for user in range(2) for row in _non_stop(random, f"non-stop {user}", start, days)),
    ]
    for row in rows:
        if random.random() < 0.8:
            row["event_id"] = f"{random.getrandbits(64):x}"
    for other, row in zip(random.sample(rows, 4), random.sample(rows, 4), strict=True):
        row["event_id"] = other["event_id"] = f"shared {random.getrandbits(32):x}"
    arrivals: dict[dt.date, list[Row]] = {}
    for row in rows:
        for copy in [row, *_copies(random, row)]:
            late = random.choice([0] * 12 + [1, 2, 3])
            arrivals.setdefault(_at(row).date() + late * ONE_DAY, []).append(copy)
    for landed in arrivals.values():
        random.shuffle(landed)
    service = Service({f"events/{day}.jsonl": _with_broken_rows(random, landed) for day, landed in arrivals.items()})
    corrected = random.sample(sorted(day for day in arrivals if len(arrivals[day]) >= 20), 4)
    for day in corrected[:3]:
        service.corrected[f"events/{day}.jsonl"] = _before_correction(random, arrivals[day])
    service.corrected[f"events/{corrected[3]}.jsonl"] = "this is no JSON\n" * 9
    twice = random.choice(sorted(set(arrivals) - {start.date()}))
    service.final[f"another path/{'0' if random.random() < 0.5 else 'z'} {twice}.jsonl"] = lines(arrivals[twice])
    _land_records(random, service, start)
    return service


def lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _with_broken_rows(random: Random, rows: list[Row]) -> str:
    """One row in 30 cannot be used; so few must not stop anything."""
    found = lines(rows).splitlines()
    for row in random.sample(rows, len(rows) // 30):
        nobody = {name: value for name, value in row.items() if name != "user_id"}
        found.insert(random.randrange(len(found)), random.choice([json.dumps(row)[:-7], json.dumps(nobody)]))
    return "\n".join(found) + "\n"


def play(user_id: str, started_at: dt.datetime, content_id: str, watch_seconds: float | None, **columns: Any) -> Row:
    known = {
        "user_id": user_id,
        "started_at": f"{started_at.isoformat()}Z",
        "content_id": content_id,
        "watch_seconds": watch_seconds,
    }
    return {name: value for name, value in {**known, **columns}.items() if value is not None}


def _ordinary(random: Random, user: str, start: dt.datetime, days: int) -> list[Row]:
    rows = []
    for at in sorted(random.uniform(0, days * 86_400) for _ in range(days * 3)):
        started_at = start + dt.timedelta(seconds=round(at, 3))
        rows.append(_some_play(random, user, started_at, random.choice([None, 0.0, 240.0, 1500.5, 4000.25])))
        for event_type in random.sample(["skip", "pause", "complete", "search", "preview"], 2):
            after = dt.timedelta(seconds=random.choice([5, 900, 3600]))
            rows.append({**play(user, started_at + after, "title 9", None), "event_type": event_type})
        if random.random() < 0.2:
            rows.append(_some_play(random, user, started_at, 30.0))
    return rows


def _long(random: Random, user: str, start: dt.datetime, days: int) -> list[Row]:
    return [
        _some_play(
            random, user, start + number * ONE_DAY + random.uniform(18, 24) * HOUR, random.choice([3, 8, 12]) * 3600.0
        )
        for number in range(days)
        if random.random() < 0.7
    ]


def _non_stop(random: Random, user: str, start: dt.datetime, days: int) -> list[Row]:
    """A play every 20 to 40 minutes for two or three days, with a break somewhere that may be just too long."""
    begin = start + random.randrange(days - 3) * ONE_DAY + random.uniform(0, 24) * HOUR
    at, rows = begin, []
    for _ in range(random.choice([90, 130])):
        rows.append(_some_play(random, user, at, random.choice([600.0, 1200.0])))
        at += dt.timedelta(minutes=random.choice([20, 30, 40]))
    return rows


def _some_play(random: Random, user: str, started_at: dt.datetime, watch_seconds: float | None) -> Row:
    title = random.randrange(6)
    return play(
        user,
        started_at.replace(microsecond=started_at.microsecond // 1000 * 1000),
        f"title {title}",
        watch_seconds,
        content_seconds=random.choice([None, 1500.0, 5400.0]),
        platform=random.choice(PLATFORMS),
        state=random.choice(STATES),
        country="US",
        pauses=random.choice([None, 0, 2]),
        was_recommended=random.choice([None, True, False]),
        title=random.choice([None, f"Title {title}", f"Title {title}, renamed"]),
        genre=random.choice([None, "drama", "jazz"]),
    )


def _copies(random: Random, row: Row) -> list[Row]:
    """Sometimes the row again: as it is, or with another watch time."""
    if random.random() > 0.08:
        return []
    return [row if random.random() < 0.5 else {**row, "watch_seconds": 77.125, "platform": "tv"}]


def _before_correction(random: Random, landed: list[Row]) -> str:
    kept = random.sample(landed, len(landed) * 3 // 4)
    changed = [{**row, "watch_seconds": 11_000.0} if random.random() < 0.2 else row for row in kept]
    moved = [
        {**row, "started_at": f"{(_at(row) + random.choice([-ONE_DAY, ONE_DAY])).isoformat()}Z"}
        for row in random.sample(kept, 4)
    ]
    return lines(changed + moved)


def _land_records(random: Random, service: Service, start: dt.datetime) -> None:
    plans = [
        {
            "user_id": f"ordinary {user}",
            "signed_up_at": f"{start - ONE_DAY:%Y-%m-%d}",
            "plan": random.choice(["free", "basic"]),
        }
        for user in range(4)
    ]
    upgrade = {
        "user_id": "ordinary 0",
        "valid_from": f"{start + ONE_DAY:%Y-%m-%d}",
        "signed_up_at": f"{start:%Y-%m-%d}",
        "plan": "premium",
    }
    service.final["users/1.jsonl"] = lines(plans)
    service.final["users/2.jsonl"] = lines([upgrade, {**plans[1], "plan": "premium"}, {**plans[1], "plan": "free"}])
    service.corrected["users/1.jsonl"] = lines(
        [{**row, "plan": "trial"} for row in [*plans, {**plans[0], "user_id": "gone"}]]
    )
    titles = [{"content_id": f"title {number}", "title": f"Film {number}", "genre": "drama"} for number in range(2)]
    service.final["content/b.jsonl"] = lines([{**titles[1], "title": "Film 1, recut"}])
    service.final["content/a.jsonl"] = lines(titles)


def _at(row: Row) -> dt.datetime:
    return dt.datetime.fromisoformat(row["started_at"].removesuffix("Z"))
