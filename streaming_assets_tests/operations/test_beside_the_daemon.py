"""Runs of the command line while a running instance works on the same data folder."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from streaming_assets_tests.end_to_end.data_folder import DataFolder, differences
from streaming_assets_tests.end_to_end.service import steady_week

from .conftest import Up
from .running_instance import KEY, RunningInstance

FIRST_DAY = dt.date(2026, 3, 24)


def command_line(instance: RunningInstance, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streaming_assets.cli", *arguments],
        env=instance.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_command_lines_over_overlapping_days_beside_the_daemon_end_as_one_run_alone(up: Up, tmp_path: Path) -> None:
    files = {path: text.encode() for path, text in steady_week(FIRST_DAY, 6).items()}
    alone = DataFolder.at(tmp_path / "alone", email_key=KEY)
    alone.land(files)
    alone.run()

    instance = up()
    paths = list(files)
    instance.land({path: files[path] for path in paths[:3]})
    instance.wait_until_taken_in(*paths[:3])
    instance.land({path: files[path] for path in paths[3:]})
    commands = [
        command_line(instance, "run", "--from", str(first), "--to", str(first + dt.timedelta(days=3)))
        for first in (FIRST_DAY, FIRST_DAY + dt.timedelta(days=2))
    ]
    for command in commands:
        told, _ = command.communicate(timeout=1800)
        assert command.returncode == 0, told
        assert "Traceback" not in told
    instance.wait_until_nothing_is_due()
    assert differences(instance.folder.core(), alone.core()) == []
    assert [runs for runs in instance.runs() if runs[1] == "FAILURE"] == []
    assert instance.alerts() == []
