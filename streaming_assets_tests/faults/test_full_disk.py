"""A disk that is full while a run writes to it."""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .content import Tables, assert_same, lake_tables, published_tables
from .landed import HEADER, csv, land, plays, users_of
from .running import Ended

SCARCE = 100_000
ENOUGH_TO_READ = 10_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = tmp_path / "disk"
    mounted.mkdir()
    tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mounted], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no small file system can be mounted here: {tried.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "--lazy", mounted], check=True)


def leave(disk: Path, free: int) -> None:
    """Fills the disk up to so many bytes."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)


def incompressible(rows: int) -> str:
    """Plays whose titles take up space on disk."""
    chance = random.Random(1)
    lines = (
        f"big{number},2024-03-02T{number % 24:02}:{number % 60:02}:00Z,c1,60,{chance.randbytes(50).hex()}\n"
        for number in range(rows)
    )
    return HEADER.strip() + ",title\n" + "".join(lines)


def state(data_dir: Path) -> tuple[Tables, Tables]:
    return lake_tables(data_dir), published_tables(data_dir)


def assert_it_said_so(ended: Ended) -> None:
    said = ended.out + ended.err
    shown = said[-2000:]
    assert ended.code == 1, shown
    assert re.search("no space left|disk is full|out of disk", said, re.IGNORECASE), shown
    assert "Traceback" not in said, shown


@pytest.mark.slow
def test_a_full_disk_is_reported_changes_nothing_and_heals_when_there_is_space(runs, disk, tmp_path):
    data_dir, landing = disk / "data", tmp_path / "landing"
    land(landing, "small.csv", csv(plays("small")))
    assert runs.run("run", "--data-dir", data_dir, "--landing", landing).code == 0
    lake, published = state(data_dir)

    land(landing, "big.csv", incompressible(4_000))
    for free in (0, SCARCE):
        leave(disk, free)
        assert_it_said_so(runs.run("run", "--data-dir", data_dir, "--landing", landing))
        leave(disk, ENOUGH_TO_READ)
        lake_now, published_now = state(data_dir)
        assert_same(lake_now, lake)
        assert_same(published_now, published)

    assert runs.run("run", "--data-dir", data_dir, "--landing", landing, "--groups", "raw").code == 0
    leave(disk, SCARCE)
    assert_it_said_so(runs.run("run", "--data-dir", data_dir, "--landing", landing))
    leave(disk, ENOUGH_TO_READ)
    lake_now, published_now = state(data_dir)
    assert_same(published_now, published)
    assert lake_now["core/sessions"] == lake["core/sessions"]

    (disk / "ballast").unlink()
    assert runs.run("run", "--data-dir", data_dir, "--landing", landing).code == 0
    lake, published = state(data_dir)
    assert len(lake["core/events"]) == sum(row["plays"] for row in published["core/sessions"]) == 4_020


def test_a_full_disk_under_the_dagster_instance_is_reported_and_heals(runs, disk, tmp_path):
    data_dir, landing = disk / "data", tmp_path / "landing"

    def run() -> Ended:
        arguments = ("run", "--data-dir", data_dir, "--landing", landing, "--groups", "raw")
        return runs.end_of(runs.start(*arguments, remembers=True))

    land(landing, "first.csv", csv(plays("first")))
    assert run().code == 0
    land(landing, "second.csv", csv(plays("second")))
    leave(disk, 0)
    full = run()
    (disk / "ballast").unlink()
    assert users_of(lake_tables(data_dir)["raw/events"]) == {"first"}
    assert run().code == 0
    assert users_of(lake_tables(data_dir)["raw/events"]) == {"first", "second"}
    assert_it_said_so(full)
