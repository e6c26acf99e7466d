"""An installed wheel is the whole project: it loads the same definitions from any folder, and brings its data along."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from streaming_assets.build import build_definitions
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "streaming_assets"

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
LOAD = """
import json
from pathlib import Path
import streaming_assets
from streaming_assets.automation.instance import prepare_home
from streaming_assets.definitions import defs
from streaming_assets.settings import Settings
from streaming_assets.sources import load_sources
sources = load_sources(Path("no such folder"))
home = prepare_home(Settings(data_dir=Path("data")))
print(json.dumps({
    "from": streaming_assets.__file__,
    "assets": sorted(spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()),
    "jobs": sorted(job.name for job in defs.jobs),
    "sources": [source.name for source in sources.sources],
    "refused": sources.errors,
    "dagster.yaml": Path(home, "dagster.yaml").read_text(),
}))
"""


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What a Python of its own prints, in a folder and without settings of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMING_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources: a build leaves folders behind."""
    (setuptools,) = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    pytest.importorskip("setuptools", minversion=setuptools.partition(">=")[2])
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(PROJECT / name, copy)
    shutil.copytree(PACKAGE, copy / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    run(copy, "-c", BUILD, str(out))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed in: one of pure Python is installed by unpacking it."""
    target = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_the_wheel_holds_every_file_of_the_package_and_nothing_besides(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {path.relative_to(PROJECT).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    assert packed == {name for name in there if "__pycache__" not in name}


def test_definitions_from_an_installed_wheel_are_those_of_the_project(installed, tmp_path):
    found = json.loads(run(tmp_path, "-c", LOAD, PYTHONPATH=str(installed)))
    here = build_definitions(Settings())
    assert Path(found["from"]).is_relative_to(installed)
    assert found["assets"] == sorted(spec.key.to_user_string() for spec in here.resolve_all_asset_specs())
    assert found["jobs"] == sorted(job.name for job in here.jobs or ())
    assert found["sources"] == [source.name for source in load_sources(tmp_path).sources]
    assert found["refused"] == []
    assert found["dagster.yaml"] == (PROJECT / "dagster.yaml").read_text(encoding="utf-8")


def test_the_command_of_an_installed_wheel_runs_in_any_folder(installed, tmp_path):
    (command,) = metadata.Distribution.at(next(installed.glob("*.dist-info"))).entry_points
    assert (command.group, command.name) == ("console_scripts", "streaming-assets")
    module, function = command.value.split(":")
    script = f"import sys; from {module} import {function}; sys.exit({function}(['status']))"
    assert "There is no lake in data yet" in run(tmp_path, "-c", script, PYTHONPATH=str(installed))


def test_dagster_dev_in_the_projects_folder_has_the_instance_of_the_command_line():
    packaged = (PACKAGE / "automation" / "dagster.yaml").read_text(encoding="utf-8")
    assert (PROJECT / "dagster.yaml").read_text(encoding="utf-8") == packaged
