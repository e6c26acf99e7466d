"""What may know what: read from the source text, and from what an import of the definitions brings in."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import streaming_assets

PACKAGE = Path(streaming_assets.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

PURE = ("contracts/*", "transforms/*", "experiments/*", "models/*")
ORCHESTRATION = ("dagster", "dagster.*", "dagster_*")
CONNECTIONS = (
    "duckdb", "duckdb.*", "deltalake", "deltalake.*", "duckdb_engine", "sqlalchemy", "sqlalchemy.*", "pyspark", "pyspark.*",
    "sqlite3", "sqlite3.*", "socket", "socket.*", "urllib.request.*", "requests.*",
    "ibis.connect", "ibis.duckdb", "ibis.duckdb.*", "ibis.pyspark", "ibis.pyspark.*", "ibis.set_backend", "ibis.get_backend",
)  # fmt: skip
CLOCKS_AND_CHANCE = (
    "*.now", "*.utcnow", "*.today", "time.time", "time.time_ns", "time.localtime", "time.gmtime", "ibis.random", "ibis.uuid",
    "uuid.uuid1", "uuid.uuid4", "secrets.*", "random.random", "random.choice", "random.shuffle", "numpy.random.rand",
)  # fmt: skip
FILES = (
    "open", "io.open", "os.open", "*.open", "*.read_text", "*.read_bytes", "*.write_text", "*.write_bytes", "shutil.*",
    "tempfile.*", "pandas.read_*", "*.to_csv", "*.to_parquet", "pyarrow.parquet.*", "subprocess.*",
)  # fmt: skip
ENVIRONMENT = ("os.environ", "os.environ.*", "os.environb", "os.getenv", "os.putenv")
CODE_FROM_DATA = (
    "pickle", "pickle.*", "cPickle", "cloudpickle", "cloudpickle.*", "dill", "dill.*", "joblib", "joblib.*", "marshal",
    "marshal.*", "shelve", "shelve.*", "eval", "exec", "compile", "builtins.eval", "builtins.exec", "*.read_pickle",
    "*.to_pickle", "yaml.load", "yaml.unsafe_load", "yaml.full_load",
)  # fmt: skip

# The dictionary module is also the command that writes docs/data-dictionary.md, when it is run as a script.
WRITES_WHEN_RUN = {"contracts/dictionary.py": {"PATH.write_text", "pathlib.Path.write_text"}}

READS_THE_ENVIRONMENT = {
    "settings.py",  # the settings
    "automation/instance.py",  # DAGSTER_HOME, which is Dagster's own and no setting of ours
    "cli.py",  # handed on to the process of the UI, DAGSTER_HOME added
}


def uses(source: str) -> set[str]:
    """Full dotted names of everything that a module imports, calls or looks up, import aliases resolved."""
    tree = ast.parse(source)
    aliases: dict[str, str] = {}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
            aliases |= {
                name.asname or name.name.split(".")[0]: name.name if name.asname else name.name.split(".")[0]
                for name in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module} | {f"{module}.{name.name}" for name in node.names}
            aliases |= {name.asname or name.name: f"{module}.{name.name}" for name in node.names}
    found |= set(_looked_up(tree, aliases))
    return found


def _looked_up(tree: ast.AST, aliases: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield _dotted(node, aliases)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield aliases.get(node.id, node.id)


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, aliases)}.{node.attr}"
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    return _dotted(node.func, aliases) if isinstance(node, ast.Call) else "(expression)"


def matching(names: set[str], patterns: tuple[str, ...]) -> set[str]:
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def uses_of(module: str) -> set[str]:
    return uses((PACKAGE / module).read_text(encoding="utf-8"))


def modules_in(*patterns: str) -> list[str]:
    return [module for module in MODULES if any(fnmatchcase(module, pattern) for pattern in patterns)]


def private_names_of_others(names: set[str]) -> set[str]:
    """Private parts of other packages: a component with a leading underscore; `_` alone is Ibis's name for the row."""
    others = {
        name for name in names if name.split(".")[0] not in ("streaming_assets", "self", "cls", "", "(expression)")
    }
    imported = {name.split(".")[0] for name in names if "." in name}
    return {
        name
        for name in others
        if name.split(".")[0] in imported
        and any(part.startswith("_") and part != "_" and not part.startswith("__") for part in name.split(".")[1:])
    }


@pytest.mark.parametrize(
    ("source", "patterns", "expected"),
    [
        ("import dagster as dg", ORCHESTRATION, {"dagster"}),
        (
            "from dagster_duckdb import DuckDBResource",
            ORCHESTRATION,
            {"dagster_duckdb", "dagster_duckdb.DuckDBResource"},
        ),
        ("def late():\n    import duckdb", CONNECTIONS, {"duckdb"}),
        ("import ibis\ncon = ibis.duckdb.connect()", CONNECTIONS, {"ibis.duckdb", "ibis.duckdb.connect"}),
        ("import datetime as dt\nat = dt.datetime.now(dt.UTC)", CLOCKS_AND_CHANCE, {"datetime.datetime.now"}),
        ("from datetime import date\nday = date.today()", CLOCKS_AND_CHANCE, {"datetime.date.today"}),
        ("import ibis\nat = ibis.now()", CLOCKS_AND_CHANCE, {"ibis.now"}),
        ("from time import time as clock\nclock()", CLOCKS_AND_CHANCE, {"time.time"}),
        ("with open('a') as file: pass", FILES, {"open"}),
        ("from pathlib import Path\nPath('a').write_text('b')", FILES, {"pathlib.Path.write_text"}),
        ("from os import environ as env\nenv['A']", ENVIRONMENT, {"os.environ"}),
        ("import os\nos.environ.get('A')", ENVIRONMENT, {"os.environ", "os.environ.get"}),
        ("import pickle", CODE_FROM_DATA, {"pickle"}),
        ("eval('1')", CODE_FROM_DATA, {"eval"}),
        ("import re\nre.compile('a')", CODE_FROM_DATA, set()),
    ],
)
def test_what_is_looked_for_is_found_under_any_alias(source, patterns, expected):
    assert matching(uses(source), patterns) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "from dagster._core.events import DagsterEvent",
            {"dagster._core.events", "dagster._core.events.DagsterEvent"},
        ),
        ("import dagster as dg\ndg.asset._core", {"dagster.asset._core"}),
        ("import great_expectations.core._docs_decorators", {"great_expectations.core._docs_decorators"}),
        ("from ibis import _\nfrom streaming_assets.lake import _private\nself._own", set()),
    ],
)
def test_private_parts_of_other_packages_are_found(source, expected):
    assert private_names_of_others(uses(source)) == expected


@pytest.mark.parametrize("module", modules_in(*PURE))
def test_pure_packages_know_no_orchestrator_connection_clock_file_or_environment(module):
    found = matching(uses_of(module), (*ORCHESTRATION, *CONNECTIONS, *CLOCKS_AND_CHANCE, *FILES, *ENVIRONMENT))
    assert found <= WRITES_WHEN_RUN.get(module, set())


@pytest.mark.parametrize("module", modules_in(*PURE))
def test_pure_packages_use_no_part_of_the_project_that_is_not_pure(module):
    groups = {name.split(".")[1] for name in uses_of(module) if name.startswith("streaming_assets.")}
    assert groups <= {pattern.split("/")[0] for pattern in PURE}


@pytest.mark.parametrize(
    "module", modules_in("lake/*", "sources/*", "quality/*", "simulate/*", "reporting/*", "alerts/*", "export.py")
)
def test_only_assets_and_automation_orchestrate(module):
    # dagster_duckdb lends the engine its connection; it orchestrates nothing.
    assert matching(uses_of(module), ("dagster", "dagster.*")) == set()


@pytest.mark.parametrize("module", modules_in("alerts/*"))
def test_alerts_know_no_clock_and_only_channels_connect_and_only_they_and_the_record_write(module):
    connects = ("smtplib", "smtplib.*", "urllib.request.*", "http.client.*")
    found = matching(uses_of(module), (*CLOCKS_AND_CHANCE, *CONNECTIONS, *FILES, *connects))
    files = {name for name in found if matching({name}, FILES)}
    # What the webhook opens is an address.
    assert not files or module in ("alerts/channels.py", "alerts/record.py", "alerts/webhook.py")
    assert not (found - files) or module in ("alerts/deadline.py", "alerts/mail.py", "alerts/webhook.py")


def test_only_the_settings_read_the_environment():
    assert {module for module in MODULES if matching(uses_of(module), ENVIRONMENT)} == READS_THE_ENVIRONMENT


@pytest.mark.parametrize("module", MODULES)
def test_no_data_is_ever_run_as_code_and_no_private_part_of_a_library_is_used(module):
    names = uses_of(module)
    assert matching(names, CODE_FROM_DATA) == set()
    # The end of a process without the interpreter's own has a public meaning under a private-looking name.
    assert private_names_of_others(names) <= {"os._exit"}


HEAVY = ("great_expectations", "sklearn", "skops", "matplotlib", "scipy", "tea_tasting", "statsmodels", "pyspark")

# Runs in a Python of its own: what it finds must not come from the tests' own imports.
IMPORTS_AND_REPORTS = """
import json, os, sys

written, connected = [], []

def watch(event, details):
    if event == "open":
        path, mode, flags = details
        if (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(str(path))
    elif event in ("os.mkdir", "os.rename", "sqlite3.connect"):
        written.append(str(details[0]))
    elif event == "socket.connect":
        connected.append(str(details[1]))

import dagster
sys.addaudithook(watch)
import streaming_assets.definitions
assets = len(list(streaming_assets.definitions.defs.resolve_all_asset_specs()))
print(json.dumps({"assets": assets, "written": written, "connected": connected, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What importing the definitions in an empty folder did."""
    folder = tmp_path_factory.mktemp("empty")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMING_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-B", "-c", IMPORTS_AND_REPORTS],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr, "left": [path.name for path in folder.iterdir()]}


def test_importing_the_definitions_leaves_the_heavy_libraries_alone(imported):
    assert [name for name in HEAVY if name in imported["modules"]] == []


def test_importing_the_definitions_writes_nothing_connects_nowhere_and_says_nothing(imported):
    assert (imported["written"], imported["connected"], imported["left"], imported["stderr"]) == ([], [], [], "")
    assert imported["assets"] > 0
