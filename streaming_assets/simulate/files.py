"""Rows as files: canonical columns as gzip'ed JSON lines or Parquet. The same rows give the same bytes."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming_assets.simulate import rows
from streaming_assets.simulate.catalogue import Catalogue
from streaming_assets.simulate.places import PLACES
from streaming_assets.simulate.population import PLATFORMS, Population
from streaming_assets.simulate.rows import NOTHING, Fault, Rows

GZIP_LEVEL = 7
"""Level 9 takes three times as long for files 4 % smaller."""
ROWS_AT_A_TIME = 500_000
EVENT_ID_DIGITS = 9
BROKEN_AFTER = 40
"""Characters of a malformed line: it ends in the middle of its first values."""


def event_table(events: Rows, population: Population, catalogue: Catalogue) -> pa.Table:
    """Canonical events, in order; columns typed as the contract has them, timestamps in milliseconds."""
    user, item = _codes(events["user"]), _codes(events["item"])
    watch = events["watch"]
    has_length = (events["event_type"] == rows.PLAY) & events["length_is_known"]
    place = pa.array(population.place[events["user"]], mask=events["user"] == NOTHING)
    return pa.table(
        {
            "event_id": _event_ids(events["number"]),
            "user_id": population.user_ids.take(user),
            "started_at": pa.array(events["at"].copy()).cast(pa.timestamp("ms")),
            "event_type": pa.array(rows.EVENT_TYPES).take(pa.array(events["event_type"].copy())),
            "watch_seconds": pa.array(watch / 10, mask=watch == rows.UNKNOWN_WATCH),
            "content_id": catalogue.columns["content_id"].take(item),
            "content_seconds": pa.array(catalogue.length[events["item"]] / 10, mask=~has_length),
            "content_type": catalogue.columns["content_type"].take(item),
            "genre": catalogue.columns["genre"].take(item),
            "creator": catalogue.columns["creator"].take(item),
            "platform": pa.array(PLATFORMS).take(pa.array(events["platform"].copy())),
            "country": pa.array([home.country for home in PLACES]).take(place),
            "state": pa.array([home.state for home in PLACES]).take(place),
            "timezone": pa.array([home.zone for home in PLACES]).take(place),
            "pauses": _whole(events["pauses"]),
            "buffer_events": _whole(events["buffer_events"]),
            "was_recommended": _whole(events["was_recommended"]).cast(pa.bool_()),
            "experiment_id": pa.array(rows.LOGGED_EXPERIMENTS).take(_codes(events["experiment"])),
            "variant": pa.array(rows.VARIANTS).take(_codes(events["variant"])),
        }
    )


def _codes(positions: npt.NDArray[np.signedinteger]) -> pa.Array:
    return pa.array(positions.copy(), mask=positions == NOTHING)


def _whole(values: npt.NDArray[np.int16]) -> pa.Array:
    return pa.array(values.astype(np.int64), mask=values == NOTHING)


def _event_ids(numbers: npt.NDArray[np.int64]) -> pa.Array:
    texts = pa.array(numbers.copy(), mask=numbers == NOTHING).cast(pa.string())
    return pc.binary_join_element_wise("e", pc.utf8_lpad(texts, EVENT_ID_DIGITS, "0"), "")


def write_events(path: Path, events: Rows, population: Population, catalogue: Catalogue) -> None:
    """Writes one file of events, in the format that the path's name ends in; folders are made as needed.

    Rows with the fault malformed are cut short in JSON lines; Parquet cannot hold such a row.
    """
    table = event_table(events, population, catalogue)
    write_table(path, table, is_broken=pa.array(events["fault"] == Fault.MALFORMED))


def write_table(path: Path, table: pa.Table, is_broken: pa.BooleanArray | None = None) -> None:
    """Writes a table as Parquet or as gzip'ed JSON lines, by the path's name; lines marked broken are cut short."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path, coerce_timestamps="us")
        return
    # Neither the time nor the path of writing may enter the bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed:
        for offset in range(0, table.num_rows, ROWS_AT_A_TIME):
            lines = _json_lines(table.slice(offset, ROWS_AT_A_TIME))
            if is_broken is not None:
                cut = pc.utf8_slice_codeunits(lines, 0, BROKEN_AFTER)
                lines = pc.if_else(
                    is_broken.slice(offset, ROWS_AT_A_TIME), pc.binary_join_element_wise(cut, "", "\n"), lines
                )
            packed.write(text_of(lines))


def text_of(lines: pa.StringArray) -> memoryview:
    """All texts of an array without NULLs, one after the other, as UTF-8."""
    if len(lines) == 0:
        return memoryview(b"")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]]


def _json_lines(table: pa.Table) -> pa.StringArray:
    """One JSON object per row with its newline; NULLs are left out."""
    members = [_members(name, table.column(name).combine_chunks()) for name in table.column_names]
    inside = pc.binary_join_element_wise(*members, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", inside, "}\n", "")


def _members(name: str, values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        iso = pc.binary_replace_slice(values.cast(pa.string()), 10, 11, "T")
        return pc.binary_join_element_wise(f'"{name}":"', iso, 'Z"', "")
    if not pa.types.is_string(values.type):
        return pc.binary_join_element_wise(f'"{name}":', values.cast(pa.string()), "")
    escaped = pc.replace_substring(pc.replace_substring(values, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise(f'"{name}":"', escaped, '"', "")
