"""Text to SQL: the only places where names and values of a file enter a statement."""

from pathlib import Path


def identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | Path) -> str:
    """The text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"
