"""A landing folder to drop bytes into, and what the reader makes of them."""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streaming_assets.settings import Settings
from streaming_assets.sources import ReadFile, load_sources, read_file, scan

NOW = dt.datetime(2026, 1, 1, 12, 0)
EMAIL_KEY = "a key that only the tests know"


@dataclass
class Landing:
    root: Path
    connection: duckdb.DuckDBPyConnection
    settings: Settings = field(default_factory=Settings)

    @property
    def folder(self) -> Path:
        return self.root / "landing"

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    def drop(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def define(self, name: str, yaml: str) -> Path:
        self.sources.mkdir(exist_ok=True)
        path = self.sources / name
        path.write_text(yaml)
        return path

    def read_all(self) -> dict[str, "Result"]:
        return {file.path: self.read(file) for file in scan(self.folder)}

    def read(self, file: Any) -> "Result":
        self._runs = getattr(self, "_runs", 0) + 1
        staging = self.root / f"staging{self._runs}"
        staging.mkdir()
        sources = load_sources(self.sources)
        return Result(
            read_file(self.connection, file, sources, self.settings, EMAIL_KEY, staging, NOW), self.connection, staging
        )

    def read_one(self, name: str, content: bytes | str) -> "Result":
        self.drop(name, content)
        return self.read(next(file for file in scan(self.folder) if file.path == name))


@dataclass
class Result:
    file: ReadFile
    connection: duckdb.DuckDBPyConnection
    staging: Path

    def rows(self, *columns: str, table: str | None = None) -> list[Any]:
        """The accepted rows by row_number; of one column its values."""
        select = self.file.accepted[table or str(self.file.table)]
        found = self.connection.execute(f"SELECT {', '.join(columns)} FROM ({select}) ORDER BY row_number").fetchall()
        return [row[0] for row in found] if len(columns) == 1 else found

    def rejects(self, *columns: str) -> list[Any]:
        if self.file.rejects is None:
            return []
        return self.connection.execute(
            f"SELECT {', '.join(columns or ('row_number', 'reason'))} FROM read_parquet('{self.file.rejects}') ORDER BY row_number"
        ).fetchall()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    (tmp_path / "landing").mkdir()
    return Landing(tmp_path, duckdb.connect())


@pytest.fixture
def landing_in(tmp_path: Path) -> Callable[[str], Landing]:
    (tmp_path / "landing").mkdir()
    return lambda timezone: Landing(tmp_path, duckdb.connect(), Settings(timezone=timezone))


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("STREAMING_REAL_DATA")
    if not folder:
        pytest.skip("STREAMING_REAL_DATA is not set: the real rows are not on this machine")
    return Path(folder)
