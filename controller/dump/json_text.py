"""JSON of the form {key: [entry, ...]} with the place of every entry, so that problems have a line.

Lives here: cutting the text. Must not know: what entries are.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterator
from typing import Any, NamedTuple

from clos.controller.dump.words import NotModelled, Unread, clip
from clos.controller.intent.model import Where

_SPACE = re.compile(r"[ \t\r\n]*")


class Item(NamedTuple):
    """A value of the outermost object, or an element of a list there; ``position`` None: not in a list."""

    key: str
    position: int | None
    value: Any
    where: Where


class BadJson(Exception):
    """The text is not JSON of this form."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where = where


class _Cutter:
    """A position in a text."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0
        self._lines = [match.end() for match in re.finditer("\n", text)]
        self._decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)

    def where(self, at: int) -> Where:
        row = bisect(self._lines, at)
        return Where(self.file, row + 1, at - (self._lines[row - 1] if row else 0) + 1)

    def skip(self) -> str:
        """The next character that is not space; "" at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def takes(self, character: str) -> bool:
        if self.skip() != character:
            return False
        self.at += 1
        return True

    def must(self, character: str) -> None:
        if not self.takes(character):
            raise BadJson(self.where(self.at), f"not JSON as it should be: {character} expected")

    def value(self) -> tuple[Any, Where]:
        self.skip()
        start = self.where(self.at)
        try:
            found, self.at = self._decoder.raw_decode(self.text, self.at)
        except (ValueError, RecursionError) as why:
            what = "nested too deeply" if isinstance(why, RecursionError) else getattr(why, "msg", str(why))
            raise BadJson(start, f"not JSON: {clip(what)}") from None
        return found, start


def items(text: str, file: str) -> Iterator[Item]:
    """Everything in the outermost object, in order. Raises BadJson."""
    cutter = _Cutter(text, file)
    cutter.must("{")
    if not cutter.takes("}"):
        while True:
            yield from _member(cutter)
            if not cutter.takes(","):
                break
        cutter.must("}")
    if cutter.skip():
        raise BadJson(cutter.where(cutter.at), "not JSON: something follows the end of it")


def elements(text: str, file: str, key: str) -> Iterator[Item]:
    """Everything in an outermost list, as if it were the value of ``key`` in an object. Raises BadJson."""
    cutter = _Cutter(text, file)
    yield from _list(cutter, key)
    if cutter.skip():
        raise BadJson(cutter.where(cutter.at), "not JSON: something follows the end of it")


def _member(cutter: _Cutter) -> Iterator[Item]:
    key, where = cutter.value()
    if not isinstance(key, str):
        raise BadJson(where, "not JSON: a key is a string")
    cutter.must(":")
    if cutter.skip() != "[":
        value, where = cutter.value()
        yield Item(key, None, value, where)
        return
    yield from _list(cutter, key)


def _list(cutter: _Cutter, key: str) -> Iterator[Item]:
    where = cutter.where(cutter.at)
    cutter.must("[")
    yield Item(key, None, [], where)
    if cutter.takes("]"):
        return
    index = 0
    while True:
        value, where = cutter.value()
        yield Item(key, index, value, where)
        index += 1
        if not cutter.takes(","):
            break
    cutter.must("]")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


# What values must be. Each raises Unread, which names the key.


def mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unread(f"{what}: an object expected, not {clip(json.dumps(value))}")
    return value


def listing(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unread(f"{what}: a list expected, not {clip(json.dumps(value))}")
    return value


def string(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Unread(f"{what}: text expected, not {clip(json.dumps(value))}")
    return value


def scalar(value: Any, what: str) -> str:
    """A number or text, as text: programs differ in which they write."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unread(f"{what}: a number expected, not {clip(json.dumps(value))}")
    return str(value)


def only(value: dict[str, Any], known: set[str], what: str) -> None:
    """Every key is one of these."""
    unknown = sorted(value.keys() - known)
    if unknown:
        raise NotModelled(f"{what} with {clip(unknown[0])}")
