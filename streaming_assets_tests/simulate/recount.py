"""A second opinion on a landing folder: plain json, gzip and pandas, nothing of the package."""

import gzip
import json
from pathlib import Path

import pandas as pd

REASONS = (
    "malformed_row",
    "missing_user_id",
    "timestamp_in_future",
    "negative_watch_seconds",
    "watch_seconds_too_long",
)
FAR_FUTURE = pd.Timestamp("2080-01-01")


def event_rows(landing: Path, corrections: Path | None = None) -> pd.DataFrame:
    """Every row of every event file, in the order of (path, row), with the reason for which it is unusable.

    A file under corrections takes the place of the one with the same relative path.
    """
    frames = []
    for file in sorted(path for path in (landing / "events").rglob("*") if path.is_file()):
        relative = file.relative_to(landing)
        used = corrections / relative if corrections and (corrections / relative).exists() else file
        frames.append(_file_rows(used).assign(path=relative.as_posix()))
    rows = pd.concat(frames, ignore_index=True)
    rows["started_at"] = pd.to_datetime(rows["started_at"], format="ISO8601", utc=True).dt.tz_localize(None)
    rows["reason"] = None
    rows.loc[rows["watch_seconds"] > 43_200, "reason"] = "watch_seconds_too_long"
    rows.loc[rows["watch_seconds"] < 0, "reason"] = "negative_watch_seconds"
    rows.loc[rows["started_at"] > FAR_FUTURE, "reason"] = "timestamp_in_future"
    rows.loc[rows["user_id"].isna(), "reason"] = "missing_user_id"
    rows.loc[rows["is_malformed"], "reason"] = "malformed_row"
    rows["date"] = rows["started_at"].dt.date
    parts = [rows[name].fillna("") for name in ("user_id", "content_id", "event_type")]
    made_up = rows["started_at"].astype(str).str.cat(parts, sep="|")
    rows["key"] = rows["event_id"].where(rows["event_id"].notna(), made_up)
    return rows


def usable_events(rows: pd.DataFrame) -> pd.DataFrame:
    """The last row of each key of a day."""
    return rows[rows["reason"].isna()].drop_duplicates(["date", "key"], keep="last")


def counts(rows: pd.DataFrame) -> dict[str, object]:
    """What truth.json says of such rows, but for the watch times, which are compared within float error."""
    events = usable_events(rows)
    plays = events[events["event_type"] == "play"]
    rejected = rows["reason"].value_counts().to_dict()
    return {
        "files": rows["path"].nunique(),
        "rows": len(rows),
        "accepted": int(rows["reason"].isna().sum()),
        "rejected": {reason: rejected[reason] for reason in sorted(REASONS) if reason in rejected},
        "events": len(events),
        "plays": len(plays),
        "users_with_a_play": plays["user_id"].nunique(),
        "events_by_day": {str(date): count for date, count in events.groupby("date").size().items()},
        "plays_by_day": {str(date): count for date, count in plays.groupby("date").size().items()},
    }


def watch_by_day(rows: pd.DataFrame) -> dict[str, float]:
    events = usable_events(rows)
    plays = events[events["event_type"] == "play"]
    return {str(date): seconds for date, seconds in plays.groupby("date")["watch_seconds"].sum().items()}


def sessions(plays: pd.DataFrame) -> pd.DataFrame:
    """(user_id, started_at, ended_at) of runs of plays of one user without a break of more than half an hour."""
    plays = plays.sort_values(["user_id", "started_at"])
    ended_at = plays["started_at"] + pd.to_timedelta(plays["watch_seconds"].fillna(0), unit="s")
    busy_until = ended_at.groupby(plays["user_id"]).cummax().groupby(plays["user_id"]).shift()
    starts = busy_until.isna() | (plays["started_at"] > busy_until + pd.Timedelta(minutes=30))
    runs = plays.assign(ended_at=ended_at, run=starts.cumsum()).groupby("run")
    return runs.agg(user_id=("user_id", "first"), started_at=("started_at", "min"), ended_at=("ended_at", "max"))


def _file_rows(file: Path) -> pd.DataFrame:
    if file.suffix == ".parquet":
        return pd.read_parquet(file).assign(is_malformed=False)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return pd.DataFrame([_record(line) for line in lines])


def _record(line: str) -> dict[str, object]:
    try:
        return {**json.loads(line), "is_malformed": False}
    except json.JSONDecodeError:
        return {"is_malformed": True}
