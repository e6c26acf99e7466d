"""Pictures of titles: how far they are watched, and which lead."""

import ibis
import numpy as np
import pandas as pd
from ibis import _

from streaming_assets.contracts.core import COMPLETION_BINS
from streaming_assets.reporting import drawing, words

_BIN_WIDTH = 100 // COMPLETION_BINS
_BINS = [f"bin_{number}" for number in range(COMPLETION_BINS)]


def whole(mart: ibis.Table) -> ibis.Table:
    """The mart as it is: it has a few rows."""
    return mart


def completion_bins(content_performance: ibis.Table) -> ibis.Table:
    """One row with the plays of all titles in each bin of completion; none where no play has a completion."""
    sums = {name: _.completion_histogram[number].sum() for number, name in enumerate(_BINS)}
    return content_performance.filter(_.avg_completion_pct.notnull()).agg(**sums).filter(_[_BINS[0]].notnull())


def draw_completion(bins: pd.DataFrame) -> bytes:
    """Share of plays by how much of the title was watched."""
    plays = bins[_BINS].to_numpy(dtype=float)[0]
    figure = drawing.new_figure(3.6)
    axes = figure.subplots()
    known = plays.sum()
    drawing.plain(
        axes,
        f"How much of a title is played ({drawing.short(known)} plays of known completion)",
        x="completion of the play, %",
        y="share of plays",
    )
    axes.bar(
        np.arange(COMPLETION_BINS) * _BIN_WIDTH,
        plays / known,
        width=_BIN_WIDTH * 0.92,
        align="edge",
        color=drawing.BLUE,
    )
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 10))
    drawing.percents(axes.yaxis)
    return drawing.png(figure)


def draw_top_content(titles: pd.DataFrame) -> bytes:
    """A bar per title, the leading one on top, with how many ranks it moved within a week."""
    titles = titles.sort_values(["rank", "content_id"])
    figure = drawing.new_figure(1 + 0.32 * len(titles))
    axes = figure.subplots()
    drawing.headed(figure, "Most played titles of the last 7 days, with ranks won ▲ or lost ▼ since the week before")
    drawing.plain(axes)
    drawing.bars(
        axes,
        [f"{row.rank}. {name}" for row, name in zip(titles.itertuples(), _names(titles), strict=True)],
        titles.plays_7d.tolist(),
        [f"{row.plays_7d:,}  {_movement(row.rank, row.rank_week_before)}" for row in titles.itertuples()],
    )
    return drawing.png(figure)


def tell_top_content(titles: pd.DataFrame) -> str:
    """A table of the titles."""
    titles = titles.sort_values(["rank", "content_id"])
    return words.table(
        ("title", "rank", "plays in 7 days", "in the 7 days before", "movement"),
        [
            (
                words.text(name),
                words.whole(row.rank),
                words.whole(row.plays_7d),
                words.whole(row.plays_7d_week_before),
                _movement(row.rank, row.rank_week_before),
            )
            for row, name in zip(titles.itertuples(), _names(titles), strict=True)
        ],
    )


def _names(titles: pd.DataFrame) -> list[str]:
    return titles.title.where(titles.title.notna(), titles.content_id).tolist()


def _movement(rank: float, before: float) -> str:
    if pd.isna(before):
        return "new"
    won = int(before - rank)
    return "=" if won == 0 else f"▲{won}" if won > 0 else f"▼{-won}"
