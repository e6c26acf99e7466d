"""What the README and the pages under docs/ promise is there: commands, settings, links, tables and columns."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streaming_assets import contracts
from streaming_assets.cli import main
from streaming_assets.settings import PREFIX, Settings

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
    PROJECT / "data" / "sources" / "README.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
SQL_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}


def code(text: str) -> str:
    """Only what stands in code blocks and between backticks."""
    return "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


def page_name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown page's headings have on GitHub."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """Targets of the page's links and images that are no addresses."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not target.startswith(("http://", "https://"))
    ]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_make_target_that_a_page_names_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", code(page.read_text(encoding="utf-8"))))
    assert named <= targets


def test_the_readme_names_what_one_runs_first():
    assert {"run", "test", "ui"} <= set(re.findall(r"\bmake ([a-z][a-z-]+)", code(README)))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path, capsys: pytest.CaptureFixture[str]):
    for command, rest in re.findall(r"streaming-assets ([a-z-]+)([^`\n]*)", code(page.read_text(encoding="utf-8"))):
        with pytest.raises(SystemExit) as left:
            main([command, "--help"])
        assert left.value.code == 0, command
        assert set(re.findall(r"--[a-z-]+", rest)) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out)), command


def test_every_command_is_in_the_readme_with_its_options(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z-]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE)
    assert commands
    rows = dict(re.findall(r"^\| `streaming-assets ([a-z-]+)(.*)$", README, re.MULTILINE))
    assert set(rows) == set(commands)
    for command, row in rows.items():
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert set(re.findall(r"`(--[a-z-]+)", row)) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out)), command


def test_every_setting_is_in_the_readme_with_its_default():
    listed = dict(re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \| (.+?) \|", README, re.MULTILINE))
    assert set(listed) == {field.name.upper() for field in dataclasses.fields(Settings)}
    found = Settings()
    for name in (
        "DATA_DIR",
        "TIMEZONE",
        "START_DATE",
        "SESSION_GAP_MINUTES",
        "MAX_WATCH_SECONDS",
        "ENGINE",
        "MEMORY_LIMIT",
    ):
        assert listed[name] == f"`{getattr(found, name.lower())}`"
    assert float(listed["MAX_REJECTED_SHARE"].strip("`")) == found.max_rejected_share
    assert int(listed["SETTLE_SECONDS"].strip("`")) == found.settle_seconds


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_setting_that_a_page_names_is_one(page: Path):
    named = set(re.findall(rf"{PREFIX}([A-Z_]*[A-Z])", page.read_text(encoding="utf-8")))
    assert named <= {field.name.upper() for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_relative_link_leads_to_a_file_of_the_project_and_to_a_heading_in_it(page: Path):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(PROJECT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.fixture(scope="module")
def query() -> Iterator[Callable[[str], Any]]:
    """Runs a query on the tables of the contracts, which have no rows."""
    with duckdb.connect() as connection:
        for table in contracts.ALL.values():
            columns = ", ".join(f'"{column.name}" {sql_type(column.type)}' for column in table.columns)
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{table.group}"')
            connection.execute(f'CREATE TABLE "{table.group}"."{table.short_name}" ({columns})')
        connection.execute("CREATE TABLE meta.tables (name VARCHAR, rows BIGINT, as_of DATE, published_at TIMESTAMP)")
        yield connection.execute


def sql_type(type_: str) -> str:
    if type_.startswith("array<"):
        return sql_type(type_[6:-1]) + "[]"
    return SQL_TYPES.get(type_, type_.upper())


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_query_that_a_page_shows_fits_the_tables(page: Path, query: Callable[[str], Any]):
    for sql in re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        assert query(sql).description


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_table_that_a_page_names_exists(page: Path):
    groups = {table.group for table in contracts.ALL.values()} - {"meta"}
    named = re.findall(rf"`((?:{'|'.join(groups)})[./][a-z_]+)`", page.read_text(encoding="utf-8"))
    files = {"experiments.yaml"}
    assert {name.replace(".", "/") for name in set(named) - files} <= set(contracts.ALL)
