"""A running-config as a tree: what is indented deeper belongs to the line above.

Lives here: lines, their nesting, and free text (banners). Must not know: what any statement means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from clos.controller.migrate.discover.lines import is_noise, plain

_BANNER = re.compile(r"banner \S+ (\^C|\S)")
_FRAME = re.compile(
    r"Building configuration\.\.\.|Current configuration ?:.*|Using \d+ out of \d+ bytes.*|end\s*!?|!.*|"
    r"Startup configuration.*|Configuration of .*"
)


@dataclass(slots=True)
class Node:
    """A statement, its line (from 1), and the statements below it. Built here only, then left alone."""

    text: str
    line: int
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This statement and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(text: str) -> list[Node]:
    """The statements of the outermost level, in order; comments and blank lines left out."""
    root = Node("", 0)
    open_: list[tuple[int, Node]] = [(-1, root)]
    lines = enumerate(plain(text).split("\n"), 1)
    for number, line in lines:
        stripped = line.strip()
        if not stripped or _FRAME.fullmatch(stripped) or (line[:1] != " " and is_noise(line)):
            continue
        indent = len(line) - len(line.lstrip())
        while open_[-1][0] >= indent:
            open_.pop()
        node = Node(stripped, number)
        open_[-1][1].children.append(node)
        open_.append((indent, node))
        banner = _BANNER.match(stripped)
        if banner:
            _skip(lines, stripped[banner.end() :], banner[1])
    return root.children


def _skip(lines: Iterator[tuple[int, str]], rest: str, end: str) -> None:
    """Past the text of a banner: up to the delimiter that it began with."""
    if end in rest:
        return
    for _, line in lines:
        if end in line:
            return
