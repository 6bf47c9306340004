"""Shapes: what may stand where in a document. One description reads, checks, and tells editors.

Lives here: shapes, how a marked tree is read by one, and the JSON Schema of each. Must not know: which kinds there are.

``read`` never raises: what does not fit becomes a finding and the value ``BAD``, so that the rest is still read.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from clos.controller.intent.model import Where
from clos.controller.intent.problem import Findings, Path, clip
from clos.controller.intent.tree import Node


class _Bad:
    """The value of something that could not be read."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Final[Any] = _Bad()


class Refused(Exception):
    """Raised by a builder: the values fit their shapes but not each other. ``key``: the one to point at, or ``""``."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Shape(ABC):
    """What may stand in one place. ``name`` says it in two or three words."""

    name: str

    @abstractmethod
    def read(self, node: Node, at: Path, out: Findings) -> Any:
        """The value of ``node``, or ``BAD`` and at least one finding."""

    @abstractmethod
    def json(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of this place."""


def _wrong(shape: Shape, node: Node, at: Path, out: Findings) -> Any:
    value = node.value
    have = "nothing" if value == "" else {str: "a word", list: "a list", dict: "a mapping"}[type(value)]
    out.say(node.line, node.column, at, f"expected {shape.name}, found {have}")
    return BAD


@dataclass(frozen=True)
class Scalar(Shape):
    """A word: ``parse`` makes a value of it or raises ``ValueError`` saying what to write."""

    name: str
    parse: Callable[[str], Any]
    pattern: str = ""
    example: str = ""
    types: tuple[str, ...] = ("string",)

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        text = node.value
        if type(text) is not str or not text:
            return _wrong(self, node, at, out)
        try:
            return self.parse(text)
        except ValueError as error:
            out.say(node.line, node.column, at, f"{clip(text)}: {error}")
            return BAD

    def fits(self, word: str) -> bool:
        """Whether a word can be read."""
        try:
            self.parse(word)
        except ValueError:
            return False
        return True

    def json(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": self.types[0] if len(self.types) == 1 else list(self.types)}
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema | ({"examples": [self.example]} if self.example else {})


def text(name: str, pattern: str, hint: str, example: str = "", types: tuple[str, ...] = ("string",)) -> Scalar:
    """A word that matches ``pattern`` as a whole; ``hint`` says what to write."""
    compiled = re.compile(pattern)

    def parse(word: str) -> str:
        if compiled.fullmatch(word):
            return word
        raise ValueError(hint)

    return Scalar(name, parse, pattern, example, types)


@dataclass(frozen=True)
class Number(Shape):
    """A whole number from ``low`` to ``high``, decimal or hexadecimal."""

    name: str
    low: int
    high: int

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        word = node.value
        if type(word) is not str or not word:
            return _wrong(self, node, at, out)
        if re.fullmatch(r"[0-9]{1,20}|0x[0-9A-Fa-f]{1,16}", word):
            value = int(word, 16 if word.startswith("0x") else 10)
            if self.low <= value <= self.high:
                return value
        out.say(node.line, node.column, at, f"{clip(word)}: write a whole number from {self.low} to {self.high}")
        return BAD

    def json(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Choice(Shape):
    """One of a few words; ``values`` maps each to what it means."""

    values: dict[str, Any]
    types: tuple[str, ...] = ("string",)

    @property
    def name(self) -> str:  # type: ignore[override]
        return " or ".join(self.values)

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        word = node.value
        if type(word) is not str or not word:
            return _wrong(self, node, at, out)
        if word in self.values:
            return self.values[word]
        options = tuple(self.values) if len(self.values) > 1 else ()
        out.say(node.line, node.column, at, f"{clip(word)}: write {self.name}", word, options)
        return BAD

    def json(self) -> dict[str, Any]:
        if self.types == ("boolean",):
            return {"type": "boolean"}
        return {"enum": list(self.values)}


FLAG = Choice({"true": True, "false": False}, types=("boolean",))


@dataclass(frozen=True)
class ListOf(Shape):
    """A list of ``least``..``most`` items.

    One bad item spoils it, unless it is ``partial``: then it stays in as ``BAD``.
    """

    item: Shape
    least: int = 0
    most: int | None = None
    partial: bool = False

    @property
    def name(self) -> str:  # type: ignore[override]
        return "a list"

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        items = node.value
        if type(items) is not list:
            return _wrong(self, node, at, out)
        if len(items) < self.least or (self.most is not None and len(items) > self.most):
            out.say(node.line, node.column, at, f"{len(items) or 'no'} items: write {self._count()}")
            return BAD
        values = [self.item.read(child, (*at, i), out) for i, child in enumerate(items)]
        return values if self.partial or not any(value is BAD for value in values) else BAD

    def _count(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"

    def json(self) -> dict[str, Any]:
        bounds = {"minItems": self.least, "maxItems": self.most}
        return {"type": "array", "items": self.item.json()} | {k: v for k, v in bounds.items() if v}


@dataclass(frozen=True)
class MapOf(Shape):
    """A mapping from names to values.

    One bad member spoils it, unless it is ``partial``: then it stays in as ``BAD``.
    """

    key: Scalar
    item: Shape
    least: int = 0
    partial: bool = False

    @property
    def name(self) -> str:  # type: ignore[override]
        return "a mapping"

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        entries = node.value
        if type(entries) is not dict:
            return _wrong(self, node, at, out)
        if len(entries) < self.least:
            out.say(node.line, node.column, at, f"empty: write at least {self.least}")
            return BAD
        values = {key: self._member(key, child, (*at, key), out) for key, child in entries.items()}
        return values if self.partial or not any(value is BAD for value in values.values()) else BAD

    def _member(self, key: str, child: Node, at: Path, out: Findings) -> Any:
        value = self.item.read(child, at, out)
        try:
            self.key.parse(key)
        except ValueError as error:
            out.say(child.key_line, child.key_column, at, f"{clip(key) or 'an empty name'}: {error}")
            return BAD
        return value

    def json(self) -> dict[str, Any]:
        schema = {"type": "object", "propertyNames": self.key.json(), "additionalProperties": self.item.json()}
        return schema | ({"minProperties": self.least} if self.least else {})


@dataclass(frozen=True)
class Key:
    """One key of a record. ``default`` is words for the reference, not a value."""

    name: str
    shape: Shape
    doc: str
    required: bool = False
    default: str = ""


Build = Callable[[str, dict[str, Any], Where], Any]
"""Makes a value of (the key or position that names it, the values read by key, its place)."""


@dataclass(frozen=True)
class Record(Shape):
    """A mapping with known keys.

    ``build``: makes the value from the values read; without it the value is their dict. A record with a part
    that cannot be read is ``BAD`` as a whole, unless it is ``partial``: then it is built from what there is.
    """

    name: str
    keys: tuple[Key, ...]
    build: Build | None = None
    partial: bool = False
    doc: str = field(default="", compare=False)

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return {key.name: key.shape for key in self.keys}

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if key.required)

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        entries = node.value
        if type(entries) is not dict:
            return _wrong(self, node, at, out)
        values: dict[str, Any] = {}
        whole = True
        for key, child in entries.items():
            shape = self._shapes.get(key)
            if shape is None:
                self._unknown(key, child, at, out)
                whole = False
            elif (value := shape.read(child, (*at, key), out)) is not BAD:
                values[key] = value
            else:
                whole = False
        for key in self._required:
            if key not in entries:
                out.say(node.key_line, node.key_column, at, f"the key {key} is missing")
                whole = False
        if not whole and not self.partial:
            return BAD
        return self._built(values, node, at, out)

    def _built(self, values: dict[str, Any], node: Node, at: Path, out: Findings) -> Any:
        if self.build is None:
            return values
        where = Where(out.file, node.key_line, node.key_column)
        try:
            return self.build(str(at[-1]) if at else "", values, where)
        except Refused as refused:
            entries = node.value
            child = entries.get(refused.key, node) if type(entries) is dict else node
            out.say(child.line, child.column, (*at, refused.key) if refused.key else at, str(refused))
            return BAD

    def _unknown(self, key: str, child: Node, at: Path, out: Findings) -> None:
        known = self._shapes
        message = f"unknown key {clip(key) or repr(key)}; known: {', '.join(known)}"
        out.say(child.key_line, child.key_column, (*at, key), message, key, tuple(known))

    def json(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {key.name: key.shape.json() | {"description": key.doc} for key in self.keys},
            "required": list(self._required),
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Either(Shape):
    """One place, two or three notations, told apart by what they look like: a word, a list or a mapping."""

    name: str
    options: tuple[Shape, ...]

    @cached_property
    def _by_type(self) -> dict[type, Shape]:
        looks: tuple[tuple[type, tuple[type, ...]], ...] = ((list, (ListOf,)), (dict, (MapOf, Record)))
        found: dict[type, Shape] = {}
        for shape in self.options:
            found[next((look for look, kinds in looks if isinstance(shape, kinds)), str)] = shape
        return found

    def read(self, node: Node, at: Path, out: Findings) -> Any:
        shape = self._by_type.get(type(node.value))
        if shape is None or node.value == "":
            return _wrong(self, node, at, out)
        return shape.read(node, at, out)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [shape.json() for shape in self.options]}
