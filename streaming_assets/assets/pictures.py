"""Plots and tables as the metadata of an asset."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from streaming_assets.lake.lake import Lake

if TYPE_CHECKING:
    from streaming_assets.reporting.experiments import Page


def pictures(lake: Lake, table: str) -> dict[str, Any]:
    """What the UI shows of a table's present rows, by title; a sentence that says why where there is nothing to show."""
    from streaming_assets.reporting.drawing import embedded
    from streaming_assets.reporting.shown import SHOWN, nothing_to_show

    if table not in SHOWN:
        return {}
    rows = lake.read(table)
    shown: dict[str, Any] = {}
    for plot in SHOWN[table].plots:
        frame = plot.reduce(rows).to_pandas()
        text = nothing_to_show(table) if frame.empty else embedded(plot.name, plot.draw(frame))
        shown[plot.name] = dg.MetadataValue.md(text)
    for sentence in SHOWN[table].say:
        frame = sentence.reduce(rows).to_pandas()
        text = nothing_to_show(table) if frame.empty else sentence.tell(frame)
        shown[sentence.name] = dg.MetadataValue.md(text)
    return shown


def decision_pages(lake: Lake) -> dict[str, Any]:
    """A page for every experiment that a decision stands of."""
    from streaming_assets.reporting.experiments import page

    return {name: dg.MetadataValue.md(page(found)) for name, found in pages(lake).items()}


def pages(lake: Lake) -> "dict[str, Page]":
    """Every experiment's rows of decisions, results, daily results, health and power, by its id."""
    from streaming_assets.reporting.experiments import Page

    tables = [f"experiments/{name}" for name in ("results", "daily_results", "health", "power")]
    return {
        row["experiment_id"]: Page(
            row, *(lake.read_part(table, row["experiment_id"]).to_pyarrow().to_pylist() for table in tables)
        )
        for row in sorted(lake.rows("experiments/decisions"), key=lambda row: row["experiment_id"])
    }
