from pathlib import Path

import pytest

from streaming_assets.quality.identities import identities
from streaming_assets.quality.reconciliation import reconciliations

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "check", [*reconciliations(0.1), *identities()], ids=lambda check: f"{check.asset}:{check.name}"
)
def test_the_runbook_says_what_every_check_that_holds_tables_together_means_and_what_to_do(check):
    severity = "blocks" if check.is_blocking else "warns"
    assert f"| `{check.asset}` | `{check.name}` | {severity} | {check.description} | {check.advice} |" in RUNBOOK
