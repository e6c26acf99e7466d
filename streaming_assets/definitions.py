"""The entry point: what Dagster loads, with the settings of the environment. No I/O happens here."""

import gc

# All that is made here stays: looking for garbage among it would be a fifth of the time that loading takes.
gc.disable()
try:
    from streaming_assets.build import build_definitions
    from streaming_assets.settings import Settings

    defs = build_definitions(Settings.from_env())
finally:
    gc.enable()
