"""docs/questions.md: every query runs on a published file, yields rows, and has the columns that the page names."""

import re
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from streaming_assets import contracts
from streaming_assets_tests.marts.conftest import Published

PAGE = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")


class Query(NamedTuple):
    """A query of the page with the columns that it names, and the text that leads to it."""

    section: str
    sql: str
    columns: list[str]
    lead: str


def queries() -> list[Query]:
    found = []
    for section in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        parts = re.split(r"```sql\n(.*?)```\n\nColumns: (.*?)(?=\n\n|\Z)", section, flags=re.DOTALL)
        for lead, sql, columns in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
            named = re.sub(r"\([^)]*\)", "", columns).split(".")[0]
            found.append(Query(title, sql, re.findall(r"`(\w+)`", named), lead))
    return found


QUERIES = queries()
EACH_QUERY = pytest.mark.parametrize(
    "query", QUERIES, ids=[f"{query.section} {query.columns[-1]}" for query in QUERIES]
)
QUESTIONS = [
    "How is engagement trending?",
    "Which titles are finished, and when and where?",
    "Who are our users?",
    "How does it differ by region?",
    "How long do they stay?",
    "Does discovery keep them, and what would more of it be worth?",
]


def test_every_query_of_the_page_is_found():
    assert len(QUERIES) == PAGE.count("```sql")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_an_answer(question: str):
    assert any(query.section == question for query in QUERIES)


@EACH_QUERY
def test_a_query_yields_rows_and_the_columns_that_the_page_names(sample_published: Published, query: Query):
    with duckdb.connect(str(sample_published.database), read_only=True) as reader:
        answer = reader.execute(query.sql)
        assert [column[0] for column in answer.description] == query.columns
        assert answer.fetchall()


@EACH_QUERY
def test_a_query_reads_the_assets_that_its_text_names(query: Query):
    read = {f"{group}/{table}" for group, table in re.findall(r"\b(core|marts)\.(\w+)\b", query.sql)}
    assert read <= set(re.findall(r"`((?:core|marts)/\w+)`", query.lead))
    assert read <= set(contracts.ALL)
