"""What rows follow from besides their inputs: the code that makes them."""

import hashlib
from functools import cache
from pathlib import Path

import streaming_assets

_MAKES_ROWS = ("contracts", "transforms", "experiments")


@cache
def code_of_rows() -> str:
    """A fingerprint of every module of transforms/, contracts/ and experiments/.

    All of them, because a constant or a function may come from any: what is made anew needlessly after an upgrade
    costs one night, what is not made anew stays wrong.
    """
    package = Path(streaming_assets.__file__).parent
    sources = [source for folder in _MAKES_ROWS for source in sorted((package / folder).rglob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
