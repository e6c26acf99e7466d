"""The entry point: what Dagster loads, with the settings of the environment. No I/O happens here."""

import atexit
import gc
import os

# All that is made here stays: looking for garbage among it would be a fifth of the time that loading takes, and a third of it
# once more when the process ends.
gc.disable()
try:
    from streaming_assets.build import build_definitions
    from streaming_assets.settings import Settings

    defs = build_definitions(Settings.from_env())
finally:
    gc.enable()
    gc.freeze()


@atexit.register
def say_nothing_more() -> None:
    """Close stderr when the interpreter ends: DuckDB's binding would list there what Ibis still refers to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
