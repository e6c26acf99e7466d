"""Numbers and texts as Markdown."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

UNKNOWN = "not known"
_MEANT_AS_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&#!])")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    ruler = [":--", *("--:" for _ in columns[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ruler, *rows))


def text(value: object) -> str:
    """A text from the data, so that no character of it is taken for Markdown."""
    if pd.isna(value):
        return UNKNOWN
    return _MEANT_AS_MARKDOWN.sub(r"\\\1", " ".join(str(value).split()))


def whole(value: float) -> str:
    """A count, a dash where it is not known."""
    return "–" if pd.isna(value) else f"{int(value):,}"


def number(value: float, digits: int = 1) -> str:
    """A figure, a dash where it is not known."""
    return "–" if pd.isna(value) else f"{value:,.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """A share from 0 to 1 in per cent."""
    return "–" if pd.isna(share) else f"{100 * share:.{digits}f} %"


def percent_range(low: float, high: float) -> str:
    """An interval of shares in per cent."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.{digits}f}".replace("-", "−")
