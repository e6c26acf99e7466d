"""The examples of docs/sources.md do what it says they do."""

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streaming_assets.lake.engine import duckdb_engine
from streaming_assets.lake.ingest import ingest
from streaming_assets.lake.lake import Lake
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources

PAGE = (Path(__file__).parents[1] / "docs" / "sources.md").read_text(encoding="utf-8")
LISTENS = "mydata/landing/listens_2026-03.csv"
NOW = dt.datetime(2026, 3, 10, 6, 0)
LATER = NOW + dt.timedelta(days=1)


def shown(name: str) -> str:
    """The content of a file that the page shows under its name."""
    found = re.search(rf"`{re.escape(name)}`[^`]*:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/sources.md shows no {name}"
    return found[1]


def queries() -> list[tuple[str, list[tuple[str, ...]]]]:
    """Every query of the page with the rows of the table that follows it."""
    pairs = re.findall(r"```sql\n(.*?)```.*?\n\n(\|.*?)\n\n", PAGE, re.DOTALL)
    return [(sql, [tuple(line.strip("| ").split(" | ")) for line in table.splitlines()[2:]]) for sql, table in pairs]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, the old export in Latin-1."""
    for name in re.findall(r"`(mydata/[^`*]+\.(?:csv|yaml|jsonl))`[^`]*:\n\n```", PAGE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown(name), encoding="latin-1" if name == LISTENS else "utf-8")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("STREAMING_ASSETS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    return tmp_path


@contextmanager
def lake_of(settings: Settings) -> Iterator[Lake]:
    with duckdb_engine(settings) as engine:
        yield Lake(settings, engine)


def read_landing(now: dt.datetime = NOW) -> list[dict[str, Any]]:
    """Reads what is new; the ledger's rows of the files that were read."""
    settings = Settings(data_dir=Path("mydata"))
    with lake_of(settings) as lake:
        return [dict(row) for row in ingest(lake, load_sources(settings.sources_dir), "k" * 16, now).files]


def rows(table: str) -> list[dict[str, Any]]:
    with lake_of(Settings(data_dir=Path("mydata"))) as lake:
        return lake.rows(table)


def plays_of_listens() -> dict[int, tuple[Any, ...]]:
    """Of the radio app's rows, by row number: who, when, what and for how long."""
    names = ("user_id", "started_at", "content_id", "event_type", "watch_seconds")
    return {
        row["row_number"]: tuple(row[name] for name in names) for row in rows("raw/events") if row["user_id"][0] == "u"
    }


@pytest.mark.usefixtures("folder")
def test_the_radio_apps_file_is_read_as_the_page_says():
    ledger = {row["path"]: row for row in read_landing()}
    found = ledger["listens_2026-03.csv"]
    assert (found["status"], found["source"], found["rows"], found["rejected"]) == ("loaded", "radio_app", 11, 1)
    plays = plays_of_listens()
    assert plays[1] == ("u17", dt.datetime(2026, 3, 2, 19, 15), "n204", "play", 1470.0)
    assert plays[3] == ("u17", dt.datetime(2026, 3, 2, 20, 29), "n206", "skip", None)
    assert plays[4] == ("u17", dt.datetime(2026, 3, 3, 6, 5), "b011", "play", 735.0)
    assert sorted(plays) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]
    titles = {row["content_id"]: (row["title"], row["creator"], row["content_type"]) for row in rows("raw/content")}
    assert titles["n205"] == ("Café Zénith", "Night Shift", "podcast")
    refused = [(str(row["row_number"]), row["reason"], row["raw_row"]) for row in rows("raw/rejected_rows")]
    assert refused == queries()[1][1]


@pytest.mark.usefixtures("folder")
def test_rows_that_hold_several_events_become_one_row_each():
    read_landing()
    boxes = [row for row in rows("raw/events") if row["user_id"].startswith("b")]
    names = ("row_number", "user_id", "started_at", "content_id", "watch_seconds")
    assert sorted(tuple(row[name] for name in names) for row in boxes) == [
        (1, "b1", dt.datetime(2026, 3, 2, 20, 15), "n204", 1470.0),
        (2, "b1", dt.datetime(2026, 3, 2, 20, 41), "n205", 2880.0),
        (3, "b2", dt.datetime(2026, 3, 2, 21, 0), "n204", 3120.0),
    ]


@pytest.mark.usefixtures("folder")
def test_a_corrected_file_replaces_exactly_its_rows_and_the_same_content_again_is_not_read():
    read_landing()
    others = [row for row in rows("raw/events") if row["user_id"].startswith("b")]
    listens = Path(LISTENS)
    listens.write_text(shown(LISTENS).replace("yesterday", "03.03.2026 17:00"), encoding="latin-1")
    (corrected,) = read_landing(LATER)
    assert (corrected["status"], corrected["accepted"], corrected["rejected"]) == ("replaced", 11, 0)
    assert corrected["touched_dates"] == [dt.date(2026, 3, 2), dt.date(2026, 3, 3)]
    assert plays_of_listens()[10] == ("u31", dt.datetime(2026, 3, 3, 16, 0), "b013", "play", 1800.0)
    assert [row for row in rows("raw/events") if row["user_id"].startswith("b")] == others
    assert rows("raw/rejected_rows") == []
    os.utime(listens, (0, 0))
    assert read_landing(LATER + dt.timedelta(days=1)) == []


@pytest.mark.usefixtures("folder")
def test_a_source_that_is_added_after_its_files_has_them_read_and_one_that_is_changed_has_them_read_again():
    definition = Path("mydata/sources/radio_app.yaml")
    text = definition.read_text(encoding="utf-8")
    definition.unlink()
    assert {row["path"]: row["status"] for row in read_landing()} == {
        "boxes.jsonl": "loaded",
        "listens_2026-03.csv": "unclaimed",
    }
    definition.write_text(text, encoding="utf-8")
    assert [row["status"] for row in read_landing(LATER)] == ["loaded"]
    definition.write_text(text.replace("platform: app", "platform: upper(app)"), encoding="utf-8")
    assert [(row["path"], row["status"]) for row in read_landing(LATER)] == [("listens_2026-03.csv", "replaced")]
    assert {row["platform"] for row in rows("raw/events") if row["user_id"].startswith("u")} == {"IOS", "CAR", "WEB"}


@pytest.mark.usefixtures("folder")
def test_a_misspelt_column_is_refused_as_the_page_shows_and_other_files_load():
    definition = Path("mydata/sources/radio_app.yaml")
    definition.write_text(definition.read_text(encoding="utf-8").replace(" platform:", " plattform:"), encoding="utf-8")
    message = next(line for line in PAGE.splitlines() if line.startswith("mydata/sources/radio_app.yaml:"))
    (error,) = load_sources(Path("mydata/sources")).errors
    assert error.startswith(message.removesuffix("…"))
    assert {row["path"]: row["status"] for row in read_landing()}["boxes.jsonl"] == "loaded"


@pytest.mark.slow
def test_the_whole_example_runs_and_its_queries_find_what_the_page_shows(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "mydata/landing/boxes.jsonl").unlink()
    subprocess.run([sys.executable, "-m", "streaming_assets.cli", "run", "--data-dir", "mydata"], check=True)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # an SQL tool is started anywhere
    with duckdb.connect(str(folder / "mydata" / "streaming.duckdb"), read_only=True) as connection:
        for sql, expected in queries():
            assert [tuple(map(str, row)) for row in connection.execute(sql).fetchall()] == expected
    assert len(queries()) == 2
