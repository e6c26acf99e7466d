import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from streaming_assets_tests.end_to_end.command_line import Outcome, streaming_assets
from streaming_assets_tests.end_to_end.data_folder import DataFolder
from streaming_assets_tests.end_to_end.service import lines, play
from streaming_assets_tests.end_to_end.steady import Steady, taken_in
from streaming_assets_tests.made_once import made_once


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Steady:
    return taken_in(tmp_path_factory)


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


AROUND_CLOCK_CHANGES = [
    # Clocks go from 2 to 3 on 29 March 2026 at 01:00 UTC: the evening before until after it.
    play("spring owl", _utc("2026-03-28T22:50"), "title 0", 600.0),
    play("spring owl", _utc("2026-03-28T23:10"), "title 0", 5400.0),
    play("spring owl", _utc("2026-03-29T00:50"), "title 0", 300.0),
    play("spring owl", _utc("2026-03-29T01:05"), "title 0", 600.0),
    # The last minutes of that day and the first of the next.
    play("last of day", _utc("2026-03-29T21:59:59"), "title 0", 60.0),
    play("first of day", _utc("2026-03-29T22:00"), "title 0", 60.0),
    # Clocks go from 3 to 2 on 26 October 2025 at 01:00 UTC: the hour from 2 to 3 comes twice.
    play("autumn owl", _utc("2025-10-26T00:40"), "title 0", 600.0),
    play("autumn owl", _utc("2025-10-26T01:20"), "title 0", 600.0),
    play("autumn owl", _utc("2025-10-26T22:50"), "title 0", 1200.0),
]


@dataclass(frozen=True)
class Moved:
    """A lake in UTC and the attempts to use it in Berlin's time, the last one with the means that they name."""

    folder: DataFolder
    forgotten: str
    refused: dict[str, Outcome]
    versions: dict[str, int]
    versions_after_refusals: dict[str, int]
    rebuilt: Outcome


@pytest.fixture(scope="session")
def moved_to_berlin(steady: Steady, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    forgotten = list(steady.files)[-1]

    def make(home: Path) -> dict[str, Any]:
        in_utc = steady.folder.copy_to(home / "data")
        folder = DataFolder.at(in_utc.settings.data_dir, timezone="Europe/Berlin")
        (folder.landing / forgotten).unlink()
        folder.land({"events/clock changes.jsonl": lines(AROUND_CLOCK_CHANGES)})
        versions = in_utc.versions()
        refused = {command: asdict(berlin(folder, command)) for command in ("run", "status", "check", "rebuild")}
        versions_after_refusals = in_utc.versions()
        return {
            "refused": refused,
            "versions": versions,
            "versions_after_refusals": versions_after_refusals,
            "rebuilt": asdict(berlin(folder, "rebuild", "--forget-missing")),
        }

    home, told = made_once(tmp_path_factory, "moved to berlin", make)
    return Moved(
        DataFolder.at(home / "data", timezone="Europe/Berlin"),
        forgotten,
        {command: Outcome(**outcome) for command, outcome in told["refused"].items()},
        told["versions"],
        told["versions_after_refusals"],
        Outcome(**told["rebuilt"]),
    )


def berlin(folder: DataFolder, *arguments: str) -> Outcome:
    return streaming_assets(*arguments, "--data-dir", folder.settings.data_dir, TIMEZONE="Europe/Berlin")
