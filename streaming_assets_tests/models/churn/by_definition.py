"""Snapshots written from the definition of each feature, one user at a time: the truth for random days."""

import datetime as dt
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]
DAY = dt.timedelta(days=1)


def snapshot_by_definition(core: Mapping[str, list[Row]], cutoff: dt.date, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """Rows of the snapshot by user, of core tables in UTC days as lists of rows; labels are of inactivity."""
    everybody = {row["user_id"] for row in core["user_daily"] if row["plays"] and row["date"] < cutoff}
    return {
        user_id: _known(
            {name: [row for row in rows if row.get("user_id") == user_id] for name, rows in core.items()},
            core,
            cutoff,
            as_of,
        )
        for user_id in everybody
    }


def _known(
    own: Mapping[str, list[Row]], core: Mapping[str, list[Row]], cutoff: dt.date, as_of: dt.date
) -> dict[str, Any]:
    midnight = dt.datetime.combine(cutoff, dt.time())

    def last(days: int, name: str = "user_daily", day: str = "date") -> list[Row]:
        return [row for row in own[name] if cutoff - days * DAY <= row[day] < cutoff]

    def sum_of(column: str, days: int = 28) -> float:
        return sum(row[column] for row in last(days))

    # When the user plays next, which may be after the cutoff, tells whether it is a skip and how long it is assumed to last.
    eve = [row for row in own["plays"] if row["event_date"] == cutoff - DAY]
    last_of_eve = max(eve, key=lambda row: (row["started_at"], row["event_id"]), default={"is_skip": False})
    left_out = last_of_eve.get("watch_is_assumed", False)

    def hours(days: int) -> float | None:
        if left_out:
            return (sum_of("watch_seconds", days) - (last_of_eve["watch_seconds"] or 0)) / 3600
        if sum_of("plays", days) and not sum_of("plays_with_watch_time", days):
            return None
        return sum_of("watch_seconds", days) / 3600

    active = sorted(row["date"] for row in own["user_daily"] if row["plays"])
    seen = [day for day in active if cutoff - 90 * DAY <= day < cutoff]
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(seen)]
    plays = last(90, "user_content_daily")
    latest = max((row["last_event_at"] for row in last(90) if row["plays"]), default=None)
    recency = latest and (midnight - latest) / dt.timedelta(hours=1)
    records = [row for row in own["users"] if not row["is_derived"] and row["valid_from"] < midnight]
    record = max(records, key=lambda row: row["valid_from"], default={})
    recent = {row["content_id"] for row in last(28, "user_content_daily")}
    earlier = {row["content_id"] for row in plays if row["date"] < cutoff - 28 * DAY}
    genres = _genres(last(28, "user_content_daily"), core["content"])
    sessions = [row for row in last(28, "sessions", "session_date") if row["session_date"] < cutoff - DAY]
    gap = statistics.median(gaps) if gaps else None
    plan = record.get("plan")
    tenure = (cutoff - active[0]).days
    status = "lapsed" if not sum_of("plays") else "new" if tenure < 14 else "active"
    is_closed = cutoff + 28 * DAY <= as_of
    has_returned = any(cutoff + DAY <= day <= cutoff + 28 * DAY for day in active)
    return {
        "status": status,
        "churned": not has_returned if is_closed and status == "active" else None,
        "tenure_days": tenure,
        "country": record.get("country") or _usual(plays, "country"),
        "platform": record.get("platform") or _usual(plays, "platform"),
        "plan": plan,
        "age": record.get("age"),
        "recency_hours": recency,
        **{f"active_days_{days}": sum(row["plays"] > 0 for row in last(days)) for days in (7, 28, 90)},
        **{f"plays_{days}": sum_of("plays", days) for days in (7, 28, 90)},
        **{f"watch_hours_{days}": hours(days) for days in (7, 28, 90)},
        "watch_trend": _of(lambda week, month: math.log((4 * week + 1) / (month + 1)), hours(7), hours(28)),
        "median_gap_days": gap,
        "recency_per_gap": _of(lambda value, typical: value / 24 / typical, recency, gap),
        "buffer_events_per_hour": _ratio(sum_of("buffer_events"), hours(28))
        if sum_of("plays_with_buffering")
        else None,
        "buffered_session_share": _ratio(sum(row["buffer_events"] > 0 for row in sessions), len(sessions))
        if sum_of("plays_with_buffering")
        else None,
        "pauses_per_play": _ratio(sum_of("pauses"), sum_of("plays")),
        "completion_share": _ratio(sum_of("watched_known_seconds"), sum_of("content_known_seconds")),
        "abandoned_share": _ratio(sum_of("plays_under_10pct"), sum_of("completion_pct_n")),
        "skip_rate": _ratio(sum_of("skips") - last_of_eve["is_skip"], sum_of("plays")),
        "preferred_genre_share": _ratio(genres[record["preferred_genre"]], genres.total())
        if record.get("preferred_genre")
        else None,
        "distinct_content_28": len(recent),
        "titles_per_play": _ratio(len(recent), sum_of("plays")),
        "distinct_genres_28": len(genres),
        "genre_entropy": -sum(n / genres.total() * math.log(n / genres.total()) for n in genres.values())
        if genres
        else None,
        "new_title_share": _ratio(len(recent - earlier), len(recent)),
        "recommended_share": _ratio(sum_of("recommended_plays"), sum_of("plays_with_recommendation")),
        "is_paid": None if plan is None else int(plan != "free"),
        "is_premium": None if plan is None else int(plan == "premium"),
        "premium_unused": _of(lambda name, month: (name == "premium") / (1 + month), plan, hours(28)),
    }


def _genres(plays: Iterable[Row], content: Iterable[Row]) -> Counter[str]:
    recorded = {row["content_id"]: row["genre"] for row in content if not row["is_derived"]}
    found: Counter[str] = Counter()
    for row in plays:
        genre = recorded.get(row["content_id"]) or row["genre"]
        if genre:
            found[genre] += row["plays"]
    return found


def _usual(plays: Iterable[Row], attribute: str) -> str | None:
    counted: dict[str, list[Any]] = {}
    for row in plays:
        if row[attribute]:
            so_far = counted.setdefault(row[attribute], [0, dt.datetime.min])
            so_far[:] = so_far[0] + row["plays"], max(so_far[1], row["last_event_at"])
    return max(counted, key=lambda value: (*counted[value], value), default=None)


def _ratio(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


def _of(formula: Callable[[Any, Any], float], *values: Any) -> float | None:
    return None if None in values else formula(*values)
