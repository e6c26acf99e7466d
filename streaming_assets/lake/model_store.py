"""Trained models as files under DIR/models: what the lake's tables name by version.

The tables say which version scores; champion.json repeats it for people and other tools. A version is written beside its
place and renamed into it, so that a version that is there is whole.
"""

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODEL, ENVIRONMENT, CHAMPION = "model.skops", "environment.json", "champion.json"
KEPT_VERSIONS = 6
"""How many versions of a model stay on disk, the champion aside."""


@dataclass(frozen=True)
class ModelStore:
    """The versions of one model, such as DIR/models/churn."""

    folder: Path

    def save(self, version: str, files: Mapping[str, bytes | str]) -> None:
        """Put a version in place, whole, instead of one of that name."""
        place = self.folder / version
        draft = self.folder / f".{version}.{uuid.uuid4().hex}"
        draft.mkdir(parents=True)
        for name, content in files.items():
            (draft / name).write_bytes(content.encode() if isinstance(content, str) else content)
        if place.exists():
            place.rename(draft.with_name(f"{draft.name}.old"))
        draft.rename(place)
        shutil.rmtree(draft.with_name(f"{draft.name}.old"), ignore_errors=True)

    def load(self, version: str) -> bytes | None:
        """The stored model; None where it is not there."""
        file = self.folder / version / MODEL
        return file.read_bytes() if file.exists() else None

    def environment(self, version: str) -> dict[str, str]:
        """What the version was made with; nothing where it is not there."""
        file = self.folder / version / ENVIRONMENT
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def crown(self, version: str) -> None:
        """Name the champion in champion.json, and take away old versions that are not it."""
        draft = self.folder / f".{CHAMPION}.{uuid.uuid4().hex}"
        draft.write_text(json.dumps({"version": version}) + "\n", encoding="utf-8")
        draft.rename(self.folder / CHAMPION)
        others = [found for found in self.folder.iterdir() if found.is_dir() and found.name != version]
        for old in sorted(others, key=lambda found: found.stat().st_mtime, reverse=True)[KEPT_VERSIONS:]:
            shutil.rmtree(old)
