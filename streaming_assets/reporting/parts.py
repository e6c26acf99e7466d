"""What is shown of a table is made of: plots and sentences, each from a few rows."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import pandas as pd


@dataclass(frozen=True)
class Plot:
    """A PNG of a table. reduce yields the rows that draw needs, and none where there is nothing to draw."""

    name: str
    reduce: Callable[[ibis.Table], ibis.Table]
    draw: Callable[[pd.DataFrame], bytes]


@dataclass(frozen=True)
class Sentence:
    """Markdown on a table. reduce yields the rows that tell needs, and none where there is nothing to tell."""

    name: str
    reduce: Callable[[ibis.Table], ibis.Table]
    tell: Callable[[pd.DataFrame], str]


@dataclass(frozen=True)
class Shown:
    """The pictures of a table, and what is said of it."""

    plots: tuple[Plot, ...] = ()
    say: tuple[Sentence, ...] = ()
