"""What is put on horizontal bars after they are drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streaming_assets.reporting.drawing import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def coloured(axes: "Axes", colours: Sequence[str]) -> None:
    """A colour for each bar, from the top down."""
    for bar, colour in zip(axes.patches, colours, strict=True):
        bar.set_facecolor(colour)


def limits(axes: "Axes", *values: float) -> None:
    """Dotted lines across the bars that leave their texts legible."""
    for value in values:
        axes.axvline(value, color=INK, linewidth=1, linestyle=":", zorder=2)
    for text in axes.texts:
        text.set(bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=3)
