"""The entry point: what Dagster loads, with the settings of the environment. No I/O happens here."""

from streaming_assets.build import build_definitions
from streaming_assets.settings import Settings

defs = build_definitions(Settings.from_env())
