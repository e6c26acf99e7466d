"""A YAML file that a person wrote: its content, and the line of everything in it, so that errors can name it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

_MAX_LEVELS = 10
_MAX_VALUES = 100_000
_LONGEST_MESSAGE = 300
_MERGE = "tag:yaml.org,2002:merge"
_IN_PLAINER_WORDS = {
    "character '\\t' that cannot start any token": "a tab where only blanks may indent",
    "unhashable key": "a list or a mapping for a key",
    "'<stream end>'": "the end of the file",
    "the node content": "a value",
    "<block end>": "the next entry",
    "'<scalar>'": "a value",
    "'<document start>'": "another document",
}

Lines = Mapping[tuple[str, ...], int]


class YamlFileError(ValueError):
    """The file cannot be read as YAML; the message names it and the line, what was found and what was expected."""


@dataclass(frozen=True)
class Unreadable:
    """Stands for a value that looks like a date, a number or a text and is none."""

    text: str
    why: str

    def __str__(self) -> str:
        return f"{repr(self.text)[1:-1]:.100} ({self.why})"


def read_yaml(path: Path, *, keep_unreadable: bool = True) -> tuple[Any, Lines]:
    """The document, and by the way of keys from its root to a value the line on which it stands.

    Entries of lists have their number for a key. A value such as 2026-02-30 comes as Unreadable, so that what is beside
    it can be used, or makes the whole file unreadable. Raises YamlFileError.
    """
    text = _text(path)
    try:
        loader = _Loader(text, keep_unreadable)
        node = loader.get_single_node()
        lines = {(): 1, **_limited(path, _lines(path, loader, node, ()))}
        return (None if node is None else loader.construct_document(node)), lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlFileError(f"{path}:{line}: {_plainly(error)}; expected YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlFileError(f"{path}:{line}: {_first_line(error)}; expected YAML in UTF-8") from error
    except RecursionError as error:
        raise YamlFileError(
            f"{path}:{loader.line + 1}: found too many levels, expected at most {_MAX_LEVELS}"
        ) from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlFileError(f"{path}:{line}: found bytes that are not UTF-8, expected YAML in UTF-8") from error
    except OSError as error:
        raise YamlFileError(f"{path}:1: cannot be opened: {error.strerror}; expected a YAML file") from error


class _Loader(yaml.SafeLoader):
    """Names the line of a value that looks like a date, a number or a text and is none, or keeps it as Unreadable."""

    def __init__(self, text: str, keep_unreadable: bool) -> None:
        super().__init__(text)
        self.keep_unreadable = keep_unreadable

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, str):
                value.encode()
            elif isinstance(value, int):
                str(value)  # Python writes no number of many thousand digits, so that no message could name it.
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
            if self.keep_unreadable and isinstance(node, yaml.ScalarNode):
                return self._kept(node, Unreadable(node.value, _first_line(error)))
            raise yaml.MarkedYAMLError(
                problem=f"found {node.value!r:.100} ({_first_line(error)})", problem_mark=node.start_mark
            ) from error
        return value

    def _kept(self, node: yaml.Node, value: Unreadable) -> Unreadable:
        # Left among the objects in the making, the node would be refused when an alias names it again.
        self.recursive_objects.pop(node, None)
        self.constructed_objects[node] = value
        return value


def _refuse_tag(loader: _Loader, node: yaml.Node) -> Any:
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    raise yaml.MarkedYAMLError(
        problem=f"found the tag {tag!r:.100}, which is not allowed", problem_mark=node.start_mark
    )


_Loader.add_constructor(None, _refuse_tag)


def _lines(
    path: Path, loader: _Loader, node: yaml.Node | None, at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], int]]:
    """(keys from the root, line) of everything in the document."""
    if node is not None:
        yield at, node.start_mark.line + 1
        if len(at) > _MAX_LEVELS:
            raise YamlFileError(
                f"{path}:{node.start_mark.line + 1}: found a value within itself, or too many levels,"
                f" expected at most {_MAX_LEVELS}"
            )
    if isinstance(node, yaml.MappingNode):
        for name, (key, value) in _entries(path, loader, node).items():
            yield from _lines(path, loader, value, (*at, name))
            yield (*at, name), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(path, loader, value, (*at, str(number)))


def _entries(path: Path, loader: _Loader, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Key and value by name. What is taken over with << stands there too, unless the mapping itself says otherwise."""
    own = [key for key, _ in node.value if key.tag != _MERGE]
    loader.flatten_mapping(node)
    seen: set[str] = set()
    for key in own:
        name = _name(loader, key)
        if name in seen:
            raise YamlFileError(f"{path}:{key.start_mark.line + 1}: found the key {name!r} twice, expected it once")
        seen.add(name)
    entries = {_name(loader, key): (key, value) for key, value in node.value}
    # Mappings that take over each other would grow without end.
    node.value = list(entries.values())
    return entries


def _name(loader: _Loader, key: yaml.Node) -> str:
    return str(loader.construct_object(key) if isinstance(key, yaml.ScalarNode) else key.value)


def _limited(path: Path, lines: Iterator[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], int]:
    """The lines, unless aliases of aliases make them more than anybody could have written."""
    found = dict(islice(lines, _MAX_VALUES))
    for _, line in lines:
        raise YamlFileError(f"{path}:{line}: found more than {_MAX_VALUES:,} values, expected fewer")
    return found


def _plainly(error: yaml.MarkedYAMLError) -> str:
    said = (error.problem or "").removeprefix("but ")
    for jargon, words in _IN_PLAINER_WORDS.items():
        said = said.replace(jargon, words)
    return said


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].strip()[:_LONGEST_MESSAGE]
