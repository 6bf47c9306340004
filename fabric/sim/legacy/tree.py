"""A configuration as a tree of lines, and as IOS writes it: a block's lines stand one space further in.

Lives here: Line, Tree, replacing and removing lines, rendering. Must not know: which commands there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

Order = tuple[int, ...]
"""Where a line stands among its neighbours: lesser ones first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line and the block below it. ``key``: the words that a later line shares which takes its place."""

    text: str
    key: str
    order: Order = ()
    children: tuple[Line, ...] = ()
    closing: str | None = None
    """The line that ends the block where IOS prints one (``exit-address-family``)."""

    def words(self) -> list[str]:
        return self.text.split()


Tree = tuple[Line, ...]
Path = tuple[str, ...]
"""Keys from the root to a block; () is the whole configuration."""


def placed(tree: Tree, line: Line) -> Tree:
    """The tree with this line in the place of the one with its key, or among the others by its order.

    A line that stays keeps its block. Among equals the newest comes last."""
    for index, old in enumerate(tree):
        if old.key == line.key:
            return (*tree[:index], replace(line, children=line.children or old.children), *tree[index + 1 :])
    index = next((at for at, old in enumerate(tree) if old.order > line.order), len(tree))
    return (*tree[:index], line, *tree[index:])


def without(tree: Tree, unwanted: Callable[[Line], bool]) -> Tree:
    return tuple(line for line in tree if not unwanted(line))


def block(tree: Tree, path: Path) -> Tree:
    """The lines below a path; () where there is no such block."""
    for key in path:
        tree = next((line.children for line in tree if line.key == key), ())
    return tree


def edited(tree: Tree, path: Path, edit: Callable[[Tree], Tree]) -> Tree:
    """The tree with the block at this path replaced by what ``edit`` makes of it; unchanged where it is not there."""
    if not path:
        return edit(tree)
    return tuple(
        replace(line, children=edited(line.children, path[1:], edit)) if line.key == path[0] else line for line in tree
    )


def render(tree: Tree, depth: int = 0) -> Iterator[str]:
    """The tree's lines as IOS prints them, with ``!`` between kinds of lines at the top and before inner blocks."""
    before: Line | None = None
    for line in tree:
        if _parted(before, line, depth):
            yield " " * depth + "!"
        yield " " * depth + line.text
        yield from render(line.children, depth + 1)
        if line.closing is not None:
            yield " " * depth + line.closing
        before = line


def _parted(before: Line | None, line: Line, depth: int) -> bool:
    if depth:
        return line.closing is not None
    if before is None or before.children or line.children:
        return True
    return line.text.split()[0] != before.text.split()[0] or line.text.startswith("interface ")


def starting(tree: Tree, prefix: str) -> Iterator[Line]:
    """Lines that begin with these whole words."""
    words = prefix + " "
    return (line for line in tree if line.text == prefix or line.text.startswith(words))


def value(tree: Tree, prefix: str) -> str | None:
    """What follows these words in the first line that begins with them; None where there is none."""
    return next((line.text[len(prefix) :].strip() for line in starting(tree, prefix)), None)
