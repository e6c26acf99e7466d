"""Steady days, taken in once per run of the tests, whichever of its processes needs them first."""

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from streaming_assets_tests.end_to_end.command_line import Outcome, streaming_assets_process
from streaming_assets_tests.end_to_end.data_folder import DataFolder
from streaming_assets_tests.end_to_end.service import steady_week
from streaming_assets_tests.made_once import made_once

FIRST_DAY = dt.date(2026, 3, 24)
DAYS = 12


@dataclass(frozen=True)
class Steady:
    """Twelve steady days, taken in by one command in a process of its own; never changed, tests work on copies."""

    files: dict[str, str]
    folder: DataFolder
    outcome: Outcome

    @property
    def days(self) -> list[dt.date]:
        return [FIRST_DAY + dt.timedelta(days=number) for number in range(DAYS)]


def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Steady:
    """Up to models and the published file."""
    files = steady_week(FIRST_DAY, DAYS)

    def make(home: Path) -> dict[str, Any]:
        DataFolder.at(home / "data").land(files)
        return asdict(streaming_assets_process("run", "--data-dir", "data", cwd=home))

    home, told = made_once(tmp_path_factory, "it's a=b [1]", make)
    return Steady(files, DataFolder.at(home / "data"), Outcome(**told))
