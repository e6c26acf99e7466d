"""What all pictures share: size, colours, axes, PNG. Matplotlib takes a second to import and is imported when drawing."""

import base64
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), "Color Universal Design": told apart with every common colour blindness.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8C8C8C"
INK, FAINT = "#222222", "#D9D9D9"
SHADES = "cividis"
FINISHED: dict[str, Any] = {}
UNFINISHED: dict[str, Any] = {"alpha": 0.45, "hatch": "////", "edgecolor": "white", "linewidth": 0}
"""How bars and cells look whose period T cuts short."""

_WIDTH_INCHES = 9.0
_PIXELS_PER_INCH = 100
_LONGEST_LABEL = 34


def new_figure(height: float) -> "Figure":
    """An empty figure 900 pixels wide and height · 100 pixels high."""
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH_INCHES, height), dpi=_PIXELS_PER_INCH, layout="constrained", facecolor="white")


def headed(figure: "Figure", title: str) -> None:
    """A title over the whole figure: long labels of bars leave little room over the axes."""
    figure.suptitle(title, x=0.005, ha="left", fontsize=12, fontweight="bold", color=INK)


def png(figure: "Figure") -> bytes:
    """The figure as PNG of 256 colours: a third of the bytes, all of which end up in Dagster's event log."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A title in a script that the font lacks shows as boxes; the table beside the picture has it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.draw()
    file = io.BytesIO()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, format="png", optimize=True)
    return file.getvalue()


def embedded(name: str, image: bytes) -> str:
    """A PNG within Markdown."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(image).decode()})"


def plain(axes: "Axes", title: str = "", x: str = "", y: str = "") -> None:
    """Title and axis labels; no frame, a faint grid along the values only."""
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK)
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.tick_params(labelsize=9, length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)


def counts(axis: Any) -> None:
    """Whole numbers without sign on an axis, in short."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, position: short(abs(value))))


def percents(axis: Any) -> None:
    """Shares from 0 to 1 as per cent on an axis."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, position: f"{100 * value:g} %"))


def dates(axes: "Axes", days: Sequence[Any], margin_days: float = 1) -> None:
    """A date axis that ends with the days shown."""
    import pandas as pd
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    margin = pd.Timedelta(days=margin_days)
    axes.set_xlim(min(days) - margin, max(days) + margin)
    locator = AutoDateLocator(minticks=2, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def bars(
    axes: "Axes", labels: Sequence[str], lengths: Sequence[float], ends: Sequence[str], colour: str = BLUE
) -> None:
    """Horizontal bars from the top down, each with a text at its end; the texts take the place of an axis.

    A line that is drawn across the bars stays off the texts.
    """
    places = range(len(labels))
    drawn = axes.barh(places, lengths, color=colour, height=0.72)
    for bar, end in zip(drawn, ends, strict=True):
        axes.annotate(
            end, (bar.get_width(), bar.get_y() + bar.get_height() / 2), (4, 0), textcoords="offset points",
            va="center", fontsize=9, color=INK, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    axes.set_yticks(places, [shortened(label) for label in labels], parse_math=False)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, max(lengths) or 1)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)


def legend(axes: "Axes", handles: Sequence[Any] | None = None) -> None:
    """A legend in one row above the picture, right of the title's line."""
    keywords: dict[str, Any] = {} if handles is None else {"handles": handles}
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=6, frameon=False, fontsize=9, borderaxespad=0.2,
        handlelength=1.4, columnspacing=1.2, **keywords,
    )  # fmt: skip


def short(number: float) -> str:
    """Three digits or so: 940, 12.3k, 1.2M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            size = 1e3 if unit == "k" else limit
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return f"{number:,.0f}"


def shortened(text: str) -> str:
    """A label that leaves room for the picture."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_LABEL else flat[: _LONGEST_LABEL - 1].rstrip() + "…"
