"""Plots and tables of a mart as the metadata of its asset."""

import base64
from typing import Any

import dagster as dg

from streaming_assets.lake.lake import Lake


def pictures(lake: Lake, table: str) -> dict[str, Any]:
    """What the UI shows of a table's present rows, by title; a sentence that says why where there is nothing to show."""
    from streaming_assets.reporting.shown import SHOWN, nothing_to_show

    if table not in SHOWN:
        return {}
    rows = lake.read(table)
    shown: dict[str, Any] = {}
    for plot in SHOWN[table].plots:
        frame = plot.reduce(rows).to_pandas()
        text = nothing_to_show(table) if frame.empty else _image(plot.name, plot.draw(frame))
        shown[plot.name] = dg.MetadataValue.md(text)
    for sentence in SHOWN[table].say:
        frame = sentence.reduce(rows).to_pandas()
        text = nothing_to_show(table) if frame.empty else sentence.tell(frame)
        shown[sentence.name] = dg.MetadataValue.md(text)
    return shown


def _image(name: str, png: bytes) -> str:
    return f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})"
