"""Pictures of who the users are."""

import ibis
import pandas as pd
from ibis import _

from streaming_assets.contracts.marts.users import COMPLETION, ENGAGEMENT, LIFECYCLE_STAGES, RFM_SEGMENTS
from streaming_assets.reporting import drawing, words

_SEGMENTATIONS = {
    "engagement": ("Engagement, by plays", ENGAGEMENT),
    "completion": ("Completion, by mean of plays", COMPLETION),
    "lifecycle_stage": ("From first to last play", LIFECYCLE_STAGES),
    "rfm_segment": ("Recency and frequency (RFM)", RFM_SEGMENTS),
}


def known_shares(segment_summary: ibis.Table) -> ibis.Table:
    """All its rows, none where there are no users."""
    return segment_summary.filter(_.share.notnull())


def draw_shares(segments: pd.DataFrame) -> bytes:
    """Shares of users in each segment, a panel per segmentation."""
    figure = drawing.new_figure(5.2)
    drawing.headed(figure, "Shares of users by segment")
    panels = figure.subplots(2, 2, height_ratios=(5, 7)).flat
    for axes, (segmentation, (title, values)) in zip(panels, _SEGMENTATIONS.items(), strict=True):
        found = segments[segments.segmentation == segmentation].set_index("segment").reindex(values)
        drawing.plain(axes)
        axes.set_title(title, loc="left", fontsize=10, color=drawing.INK)
        drawing.bars(
            axes,
            [value.replace("_", " ") for value in values],
            found.share.fillna(0).tolist(),
            [words.percent(share) for share in found.share],
        )
    return drawing.png(figure)


def tell_segments(segments: pd.DataFrame) -> str:
    """A table of the segments in the order of the contract."""
    order = {(kind, value): place for kind, (_, values) in _SEGMENTATIONS.items() for place, value in enumerate(values)}
    places = {kind: place for place, kind in enumerate(_SEGMENTATIONS)}
    rows = sorted(
        segments.itertuples(), key=lambda row: (places[row.segmentation], order[row.segmentation, row.segment])
    )
    return words.table(
        ("segment", "users", "share", "plays", "watch hours", "completion"),
        [
            (
                f"{words.text(row.segmentation)}: {words.text(row.segment)}",
                words.whole(row.users),
                words.percent(row.share),
                words.whole(row.plays),
                words.number(row.watch_hours),
                words.percent(row.avg_completion_pct / 100),
            )
            for row in rows
        ],
    )
