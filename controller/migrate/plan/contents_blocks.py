"""What a document is made of: headings, paragraphs, lists, tables, commands.

Must not know: plans, forms of output.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """Kinds of blocks."""

    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    COMMANDS = "commands"
    TABLE = "table"


class Block(NamedTuple):
    """A part of a document. ``rows`` of a table: the first is its head."""

    kind: Kind
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def heading(level: int, words: str) -> Block:
    """A heading, level 1 to 4."""
    return Block(Kind.HEADING, words, level)


def text(words: str) -> Block:
    """A paragraph."""
    return Block(Kind.TEXT, words)


def listing(items: Iterable[str]) -> Block:
    """A list of sentences."""
    return Block(Kind.LIST, items=tuple(items))


def typed(lines: Iterable[str]) -> Block:
    """Lines as they are typed."""
    return Block(Kind.COMMANDS, items=tuple(lines))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    """A table."""
    return Block(Kind.TABLE, rows=(tuple(head), *(tuple(row) for row in rows)))
