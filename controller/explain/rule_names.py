"""Names of rules for people: ``leaf1/5/3`` is the third rule of table 5. Must not know: what is asked about a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.compile import Compiled
from clos.fabric.dataplane.rule import Rule


class NamedRule(NamedTuple):
    """A rule and its name here: ``leaf1/5/3`` is the third rule of table 5."""

    name: str
    rule: Rule


def named_rules(compiled: Compiled, switch: str) -> Iterator[NamedRule]:
    """Every rule of a switch with its name, in the order the switch tries them."""
    positions: dict[int, int] = {}
    for rule in compiled.ruleset.state(switch).rules:
        positions[rule.table] = positions.get(rule.table, 0) + 1
        yield NamedRule(f"{switch}/{rule.table}/{positions[rule.table]}", rule)
