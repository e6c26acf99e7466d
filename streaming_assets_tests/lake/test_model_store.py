"""Trained models on disk: whole or not there, and the champion named."""

import json
from pathlib import Path

import pytest

from streaming_assets.lake.model_store import CHAMPION, KEPT_VERSIONS, ModelStore


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models" / "churn")


def save(store: ModelStore, version: str, content: bytes = b"weights") -> None:
    store.save(version, {"model.skops": content, "environment.json": json.dumps({"scikit-learn": "1.9.1"})})


def test_what_is_saved_is_loaded_and_what_is_not_there_is_nothing(store):
    save(store, "a1")
    assert store.load("a1") == b"weights"
    assert store.environment("a1") == {"scikit-learn": "1.9.1"}
    assert store.load("b2") is None
    assert store.environment("b2") == {}


def test_a_version_that_is_saved_again_is_what_was_saved_last(store):
    save(store, "a1")
    save(store, "a1", b"others")
    assert store.load("a1") == b"others"
    assert [found.name for found in store.folder.iterdir()] == ["a1"]


def test_a_version_that_was_never_finished_is_not_there(store, monkeypatch):
    def fails(self: Path, target: Path) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", fails)
        with pytest.raises(OSError, match="killed"):
            save(store, "a1")
    assert store.load("a1") is None
    save(store, "a1")
    assert store.load("a1") == b"weights"


def test_the_champion_is_named_and_stays_when_old_versions_go(store):
    versions = [f"v{number}" for number in range(KEPT_VERSIONS + 3)]
    save(store, "v0")
    store.crown("v0")
    for version in versions[1:]:
        save(store, version)
    store.crown("v0")
    assert json.loads((store.folder / CHAMPION).read_text()) == {"version": "v0"}
    assert store.load("v0") == b"weights"
    assert len([found for found in store.folder.iterdir() if found.is_dir()]) == KEPT_VERSIONS + 1
