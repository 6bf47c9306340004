"""YAML text as trees that remember where everything was written.

Lives here: turning one document into marked nodes, under limits, so that no input can cost much more than its size.
Must not know: files, kinds, keys, tenants.

Values stay text: what ``no``, ``1.10`` or ``02:00:00:00:00:01`` means is decided by the schema that expects it, never
guessed from its looks. Anchors, aliases, tags and directives are refused: they make bombs, and marks ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

from clos.controller.intent.problem import Findings, Path, clip
from clos.controller.intent.source import Chunk

MAX_DEPTH = 24
MAX_NODES = 1_000_000
"""Limits of one document."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Node:
    """A value with its marks: text, list or mapping. ``key_line``, ``key_column``: its key's place, or its own."""

    __slots__ = ("column", "key_column", "key_line", "line", "value")

    def __init__(self, value: str | list[Node] | dict[str, Node], line: int, column: int) -> None:
        self.value = value
        self.line = self.key_line = line
        self.column = self.key_column = column


class _Stop(Exception):
    """The rest of this document cannot be read."""


def tree(chunk: Chunk, out: Findings) -> Node | None:
    """A document as a marked tree; None when it is not YAML we read, with findings that say why."""
    growing = _Growing(chunk, out)
    parser = None
    try:
        parser = _LOADER(chunk.text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            growing.take(event)
    except _Stop:
        return None
    except yaml.YAMLError as error:
        growing.refuse(error)
        return None
    finally:
        if parser is not None:
            parser.dispose()
    return growing.root


class _Growing:
    """A tree being built from YAML events, with an explicit stack: depth costs nothing and is bounded."""

    def __init__(self, chunk: Chunk, out: Findings) -> None:
        self.first, self.out = chunk.line, out
        self.root: Node | None = None
        self.nodes = 0
        self.stack: list[Node] = []
        self.keys: list[Node | None] = []
        """For each open container the key whose value comes next; None in a list, or when a key comes next."""
        self.steps: list[str | int] = []
        """The way to the innermost open container."""

    def take(self, event: Any) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def scalar(self, event: Any) -> None:
        node = self._node(event, event.value)
        if self.stack and self.keys[-1] is None and type(self.stack[-1].value) is dict:
            self.keys[-1] = node
        else:
            self._place(node)

    def open_mapping(self, event: Any) -> None:
        self._open(event, {})

    def open_list(self, event: Any) -> None:
        self._open(event, [])

    def close(self, _event: Any) -> None:
        self.stack.pop()
        self.keys.pop()
        if self.steps:
            self.steps.pop()

    def alias(self, event: Any) -> None:
        self._stop(event, f"aliases such as *{clip(event.anchor)} are not read: write the value out")

    def refuse(self, error: yaml.YAMLError) -> None:
        """Put a YAML error into words, at the place the parser names."""
        mark = getattr(error, "problem_mark", None)
        line, column = (self.first + mark.line, mark.column + 1) if mark else (self.first, 1)
        self.out.say(line, column, (*self.steps, *self._step()), f"not YAML: {_reason(error)}")

    def _open(self, event: Any, value: list[Node] | dict[str, Node]) -> None:
        if self.stack and self.keys[-1] is None and type(self.stack[-1].value) is dict:
            self._stop(event, "a key must be a word, not a list or a mapping")
        if len(self.stack) == MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        node = self._node(event, value)
        step = self._step()
        self._place(node)
        self.steps.extend(step)
        self.stack.append(node)
        self.keys.append(None)

    def _node(self, event: Any, value: str | list[Node] | dict[str, Node]) -> Node:
        mark = event.start_mark
        node = Node(value, self.first + mark.line, mark.column + 1)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(event, f"more than {MAX_NODES:,} values in one document: split it")
        if event.anchor is not None:
            self._say(node, f"anchors such as &{clip(event.anchor)} are not read: leave it out")
        if event.tag is not None:
            self._say(node, f"the tag {clip(event.tag)} is not read: leave it out")
        return node

    def _place(self, node: Node) -> None:
        """Put a finished or opened value into the container it belongs to."""
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1].value
        if type(parent) is list:
            parent.append(node)
            return
        key = self.keys[-1]
        self.keys[-1] = None
        if key is None or type(parent) is not dict or type(key.value) is not str:
            return
        node.key_line, node.key_column = key.line, key.column
        if (first := parent.setdefault(key.value, node)) is not node:
            self._say(key, f"{clip(key.value)} is written twice: first in line {first.key_line}", key.value)

    def _step(self) -> tuple[str | int, ...]:
        """The step from the innermost open container to the value that comes next."""
        if not self.stack:
            return ()
        value, key = self.stack[-1].value, self.keys[-1]
        if type(value) is list:
            return (len(value),)
        return (key.value,) if key is not None and type(key.value) is str else ()

    def _say(self, node: Node, message: str, *more: str) -> None:
        self.out.say(node.line, node.column, (*self.steps, *(more or self._step())), message)

    def _stop(self, event: Any, message: str) -> None:
        mark = event.start_mark
        self.out.say(self.first + mark.line, mark.column + 1, (*self.steps, *self._step()), message)
        raise _Stop


def _reason(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or "unreadable text"
    if "<document start>" in problem:
        return "the document has already ended; start another one with a line that says ---"
    return " ".join(filter(None, (problem, getattr(error, "context", None))))


_HANDLERS: dict[type, Callable[[_Growing, Any], None]] = {
    yaml.ScalarEvent: _Growing.scalar,
    yaml.MappingStartEvent: _Growing.open_mapping,
    yaml.MappingEndEvent: _Growing.close,
    yaml.SequenceStartEvent: _Growing.open_list,
    yaml.SequenceEndEvent: _Growing.close,
    yaml.AliasEvent: _Growing.alias,
}


def find(root: Node, path: Path) -> Node:
    """What ``path`` leads to, or the nearest thing above it that is written."""
    node = root
    for step in path:
        value = node.value
        if isinstance(value, dict) and step in value:
            node = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            node = value[step]
        else:
            break
    return node


def words(node: Node, way: Path) -> Iterator[tuple[Path, str]]:
    """Every text in ``node``, each with the way to it, which begins with ``way``."""
    if isinstance(node.value, str):
        yield way, node.value
        return
    inner = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
    for step, child in inner:
        yield from words(child, (*way, step))


def locate(root: Node, path: Path) -> tuple[int, int]:
    """Line and column of what ``path`` leads to: of a text itself, of a list or mapping the key that names it."""
    node = find(root, path)
    return (node.line, node.column) if isinstance(node.value, str) else (node.key_line, node.key_column)
