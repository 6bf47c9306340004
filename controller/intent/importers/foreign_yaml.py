"""Other tools' YAML as plain data: text, lists and mappings, with anchors and merge keys resolved.

Lives here: YAML events to data, under limits, so that no file can cost much more than its size. Must not know: whose
format it is. Scalars stay text: ``no``, ``010`` and ``12:30`` are names in such files as often as not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from clos.controller.intent.source import MAX_BYTES

MAX_DEPTH = 50
MAX_NODES = 1_000_000
"""Limits of one document; what a merge key copies counts."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class NotRead(ValueError):
    """Why a text cannot be read, with the line where there is one."""


def read_foreign(text: str) -> Any:
    """The one document of a text; "" for none. Raises NotRead."""
    if len(text) > MAX_BYTES:
        raise NotRead(f"larger than {MAX_BYTES // 1024**2} MiB")
    growing, parser = _Growing(), None
    try:
        parser = _LOADER(text)
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            growing.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise NotRead(f"{where}not YAML: {getattr(error, 'problem', None) or 'unreadable text'}") from None
    finally:
        if parser is not None:
            parser.dispose()
    return growing.root


class _Open:
    """A list or mapping whose end has not come: its values so far, and the key that waits for one."""

    __slots__ = ("anchor", "key", "merges", "value")

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None) -> None:
        self.value, self.anchor = value, anchor
        self.key: str | None = None
        self.merges: list[Any] = []


class _Growing:
    """Data being built from events, with a stack of its own: depth costs nothing and is bounded."""

    def __init__(self) -> None:
        self.root: Any = ""
        self.documents = 0
        self.nodes = 0
        self.stack: list[_Open] = []
        self.anchors: dict[str, Any] = {}

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise NotRead(f"line {line}: a second document: one file describes one network")
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.style is None and event.value in _NOTHING
            value = "" if plain else event.value
            self._anchor(event.anchor, value)
            self._place(value, line)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise NotRead(f"line {line}: *{event.anchor} refers to nothing that ends before it")
            self._place(self.anchors[event.anchor], line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self.stack) == MAX_DEPTH:
                raise NotRead(f"line {line}: nested deeper than {MAX_DEPTH} levels")
            self.stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(line)

    def _count(self, number: int, line: int) -> None:
        self.nodes += number
        if self.nodes > MAX_NODES:
            raise NotRead(f"line {line}: more than {MAX_NODES:,} values in one document")

    def _anchor(self, name: str | None, value: Any) -> None:
        if name is not None:
            self.anchors[name] = value

    def _place(self, value: Any, line: int) -> None:
        self._count(1, line)
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            if not isinstance(value, str):
                raise NotRead(f"line {line}: a key must be a word, not a list or a mapping")
            if value in top.value or (value == "<<" and top.merges):
                raise NotRead(f"line {line}: {value} is written twice")
            top.key = value
        elif top.key == "<<":
            top.merges = value if isinstance(value, list) else [value]
            top.key = None
        else:
            top.value[top.key] = value
            top.key = None

    def _close(self, line: int) -> None:
        done = self.stack.pop()
        if isinstance(done.value, dict):
            for merged in done.merges:
                if not isinstance(merged, Mapping):
                    raise NotRead(f"line {line}: << takes mappings")
                self._count(len(merged), line)
                done.value = {**merged, **done.value}
        self._anchor(done.anchor, done.value)
        self._place(done.value, line)
