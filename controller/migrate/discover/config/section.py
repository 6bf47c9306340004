"""How a section of a configuration is read: statement by statement, by a table of patterns.

What no pattern takes is unparsed, with everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

from clos.controller.migrate.discover.config.tree import Node
from clos.controller.migrate.model import Source, Unparsed


class Rule(NamedTuple):
    """Statements that match wholly are given to ``action``; without one they say nothing that is kept."""

    pattern: re.Pattern[str]
    action: Callable[[Any, re.Match[str], Node], object] | None


def rule(pattern: str, action: Callable[[Any, re.Match[str], Node], object] | None = None) -> Rule:
    """A rule for statements that match the pattern wholly."""
    return Rule(re.compile(pattern), action)


class Reader:
    """Reads the statements of one section; ``source`` names the device and the configuration."""

    rules: ClassVar[tuple[Rule, ...]] = ()
    ignored: ClassVar[re.Pattern[str] | None] = None

    def __init__(self, source: Source) -> None:
        self.source = source
        self.unparsed: list[Unparsed] = []

    def where(self, node: Node) -> Source:
        """Where a statement is."""
        return self.source._replace(line=node.line)

    def refuse(self, node: Node, why: str = "") -> None:
        """Names a statement, and all below it, as unparsed."""
        first, *below = node.walk()
        self.unparsed.append(Unparsed(self.where(first), first.text + (f" ({why})" if why else "")))
        self.unparsed += [Unparsed(self.where(each), each.text) for each in below]

    def read(self, nodes: Iterable[Node]) -> None:
        """All statements, in order."""
        for node in nodes:
            self.one(node)

    def one(self, node: Node) -> None:
        """One statement: the first rule that matches has it."""
        for pattern, action in self.rules:
            match = pattern.fullmatch(node.text)
            if match is None:
                continue
            try:
                if action is None or action(self, match, node) is not NotImplemented:
                    return
            except (ValueError, KeyError) as fault:
                self.refuse(node, str(fault))
                return
        if self.ignored is None or not self.ignored.fullmatch(node.text):
            self.refuse(node)
