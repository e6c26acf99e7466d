"""Files to land, made of plays at known times."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

HEADER = "user_id,started_at,content_id,watch_seconds\n"


def plays(name: str, count: int = 20, day: int = 1) -> str:
    """CSV rows: as many users, named after the file, each with one play of ten minutes from ten o'clock on that day of March."""
    start = dt.datetime(2024, 3, day, 10)
    return "".join(
        f"{name}{number},{start + dt.timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ},c{number % 3},600\n"
        for number in range(count)
    )


def json_plays(name: str, count: int = 20, day: int = 1) -> str:
    """The same rows as JSON lines."""
    rows = (line.split(",") for line in plays(name, count, day).splitlines())
    return "".join(
        f'{{"user_id": "{user}", "started_at": "{at}", "content_id": "{content}", "watch_seconds": {seconds}}}\n'
        for user, at, content, seconds in rows
    )


def csv(*rows: str) -> str:
    return HEADER + "".join(rows)


def land(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def users_of(rows: Iterable[dict[str, object]]) -> set[str]:
    """The users without the number that `plays` gave them."""
    return {str(row["user_id"]).rstrip("0123456789") for row in rows}
