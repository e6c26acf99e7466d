"""Lakes that are filled once per run of the tests, whichever of its processes needs them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streaming_assets_tests.end_to_end.data_folder import UP_TO_EXPERIMENTS, DataFolder, errors, failed_blocking
from streaming_assets_tests.made_once import made_once

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def taken_in(
    tmp_path_factory: pytest.TempPathFactory, name: str, put: Callable[[Path], None], **settings: Any
) -> DataFolder:
    """What was put into landing, taken in up to the decisions on NAME_experiments.yaml; tests work on copies."""

    def folder(home: Path) -> DataFolder:
        return DataFolder.at(home / "data", memory_limit="2GB", **settings)

    def make(home: Path) -> None:
        filled = folder(home)
        put(filled.landing)
        shutil.copy(Path(__file__).with_name(f"{name}_experiments.yaml"), filled.settings.experiments_file)
        steps = filled.run(groups=UP_TO_EXPERIMENTS)
        assert (errors(steps), failed_blocking(steps)) == ([], [])

    home, _nothing = made_once(tmp_path_factory, f"{name}_taken_in", make)
    return folder(home)


def sample(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """data/sample."""

    def put(landing: Path) -> None:
        shutil.copytree(SAMPLE, landing, dirs_exist_ok=True)

    return taken_in(tmp_path_factory, "sample", put)
