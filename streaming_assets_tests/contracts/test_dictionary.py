from pathlib import Path

import pytest

from streaming_assets import contracts
from streaming_assets.contracts import Table
from streaming_assets.contracts.dictionary import PATH, data_dictionary

PROJECT = Path(__file__).parents[2]


def section(table: Table) -> list[str]:
    """The lines about a table."""
    after = data_dictionary().partition(f"\n### {table.name}\n")[2]
    return after.partition("\n## ")[0].partition("\n### ")[0].splitlines()


def test_the_committed_dictionary_is_up_to_date():
    committed = (PROJECT / PATH).read_text(encoding="utf-8")
    assert committed == data_dictionary(), "run `python -m streaming_assets.contracts.dictionary`"


@pytest.mark.parametrize("table", contracts.ALL.values(), ids=lambda table: table.name)
def test_every_table_has_its_grain_and_a_row_per_column(table: Table):
    lines = section(table)
    assert any(table.grain[1:] in line and line.startswith("**") for line in lines)
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| `")]
    assert rows == [f"`{name}`" for name in table.column_names]


def test_a_table_is_described_with_key_partitions_source_and_caveats():
    text = "\n".join(section(contracts.ALL["core/sessions"]))
    assert "- Key: `session_id`\n" in text
    assert "- Partitioned by: `session_date`\n" in text
    assert "- Made from: core/plays of the day and the next" in text
    assert "- Caveats: A play more than the session gap after" in text


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("core/sessions", "| `plays` | `int64` | plays | known; ≥ 1 |"),
        ("core/sessions", "| `user_id` | `string` | who | known; a `user_id` of core/users |"),
        ("core/events", "| `local_hour` | `int64` | hour of started_at in the reporting zone | known; ≥ 0; ≤ 23 |"),
        ("core/events", "| `device` | `string` | device |  |"),
        (
            "raw/rejected_rows",
            "| `table` | `string` | the table the row was meant for | known; one of `events`, `users`, `content` |",
        ),
    ],
)
def test_a_row_says_type_meaning_and_what_always_holds(table: str, row: str):
    assert row in section(contracts.ALL[table])


def test_the_groups_are_introduced_once_each():
    headings = [line for line in data_dictionary().splitlines() if line.startswith("## ")]
    assert headings == [f"## {group}" for group in dict.fromkeys(table.group for table in contracts.ALL.values())]
    assert "Landed rows as canonical columns, what was refused, and the ledger of files." in data_dictionary()
