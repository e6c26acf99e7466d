"""What is shown belongs to marts and models, and drawing needs no orchestrator."""

import subprocess
import sys

from streaming_assets import contracts
from streaming_assets.reporting import SHOWN


def test_everything_shown_is_of_a_mart_or_a_model():
    assert set(SHOWN) <= {name for name, table in contracts.ALL.items() if table.group in ("marts", "models")}


def test_titles_are_unique_within_a_table():
    for shown in SHOWN.values():
        names = [part.name for part in (*shown.plots, *shown.say)]
        assert len(set(names)) == len(names)


def test_knowing_what_is_shown_imports_neither_an_orchestrator_nor_what_draws():
    code = "import sys, streaming_assets.reporting; print(sorted({'dagster', 'matplotlib', 'PIL', 'duckdb'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
