"""What rows follow from besides their inputs: the code that makes them."""

import hashlib
from functools import cache
from pathlib import Path

import streaming_assets

_MAKES_ROWS = ("contracts", "transforms", "experiments")
_MAKES_MODELS = ("contracts", "transforms", "models")
_MAKES_RAW = ("contracts", "sources", "lake")


def code_of_rows() -> str:
    """A fingerprint of every module of transforms/, contracts/ and experiments/.

    All of them, because a constant or a function may come from any: what is made anew needlessly after an upgrade
    costs one night, what is not made anew stays wrong.
    """
    return _code_of(_MAKES_ROWS)


def code_of_models() -> str:
    """As code_of_rows, of what models follow from: models are trained anew after an upgrade."""
    return _code_of(_MAKES_MODELS)


def code_of_ingest() -> str:
    """A fingerprint of what raw tables follow from, to be shown only: files are read again when their YAML changes."""
    return _code_of(_MAKES_RAW)


@cache
def _code_of(folders: tuple[str, ...]) -> str:
    package = Path(streaming_assets.__file__).parent
    sources = [source for folder in folders for source in sorted((package / folder).rglob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
