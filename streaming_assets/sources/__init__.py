"""Sources: what is known about external formats, and the reader that turns a landed file into canonical rows.

Belongs here: one YAML per format, their validation, and everything between a file's bytes and canonical
rows. Does not belong here: the lake, the ledger, orchestration, and any meaning beyond a single row.
"""

from streaming_assets.sources.definition import Source, Sources
from streaming_assets.sources.landing import LandedFile, scan
from streaming_assets.sources.parsing import load_sources
from streaming_assets.sources.reader import ReadFile, read_file

__all__ = ["LandedFile", "ReadFile", "Source", "Sources", "load_sources", "read_file", "scan"]
