"""The runbook's table of checks says of each what the code says of it, in the code's order.

`UPDATE_SNAPSHOT=1 python -m pytest streaming_assets_tests/quality/test_runbook.py` writes it anew.
"""

import os
from pathlib import Path

from streaming_assets.assets import leakage
from streaming_assets.automation.standing import STANDING
from streaming_assets.build import check_sets
from streaming_assets.lake.snapshots import TABLE as SNAPSHOTS
from streaming_assets.quality.identities import identities
from streaming_assets.quality.model_identities import model_identities
from streaming_assets.quality.reconciliation import reconciliations
from streaming_assets.quality.statistical import statistical_checks
from streaming_assets.settings import Settings

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
HEADER = "| asset | check | | says | when it fails |\n|---|---|---|---|---|\n"


def row(asset: str, check: str, is_blocking: bool, description: str, advice: str) -> str:
    return f"| `{asset}` | `{check}` | {'blocks' if is_blocking else 'warns'} | {description} | {advice} |\n"


def rows() -> list[str]:
    kinds = [*reconciliations(0.1), *statistical_checks(), *STANDING, *identities(), *model_identities()]
    found = [row(one.asset, one.name, one.is_blocking, one.description, one.advice) for one in kinds]
    return [*found, row(SNAPSHOTS, leakage.NAME, True, leakage.DESCRIPTION, leakage.ADVICE)]


def test_one_table_says_what_every_check_means_whether_it_stops_anything_and_what_to_do():
    before, _, rest = RUNBOOK.read_text(encoding="utf-8").partition(HEADER)
    table, blank, after = rest.partition("\n\n")
    if os.environ.get("UPDATE_SNAPSHOT"):
        RUNBOOK.write_text(before + HEADER + "".join(rows()).rstrip("\n") + blank + after, encoding="utf-8")
        table = "".join(rows()).rstrip("\n")
    assert table.split("\n") == "".join(rows()).rstrip("\n").split("\n")


def test_the_table_holds_every_check_that_is_not_a_contracts():
    told = "".join(rows())
    for found in [one for sets in check_sets(Settings()).values() for one in sets]:
        if found.subject != found.about and " references " not in found.subject:
            for check in found.checks:
                assert f"| `{found.asset}` | `{check.name}` | {'blocks' if check.is_blocking else 'warns'} |" in told
        else:
            assert all(check.is_blocking for check in found.checks)
