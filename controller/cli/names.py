"""Numbers in rules as the names they stand for: tenants, networks, groups, nodes.

Lives here: reading compiled numbers backwards, for people. Must not know: what a packet does with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from controller.compile import Compiled, Origin, cookie, origins
from controller.compile.cookie import node_path, switch_path
from controller.compile.stages import PAIR, SEGMENT, SOURCE, STAGES, TARGET, VRF, Bits
from controller.intent.model import NOWHERE
from fabric.action import Group
from fabric.fields import text
from fabric.match import Match, Term
from fabric.rule import Instructions, Rule
from fabric.topology import Topology


class Names(NamedTuple):
    """The names behind the numbers of one compiled fabric."""

    topology: Topology
    registers: tuple[tuple[str, Bits, Mapping[int, str]], ...]
    nodes: Mapping[int, str]
    origins: Mapping[int, Origin]

    def match(self, match: Match) -> str:
        """A match with its metadata in words: ``in_port=11,segment=shop/front``."""
        return ",".join(part for term in match for part in self._term(term)) or "any"

    def _term(self, term: Term) -> Iterator[str]:
        name, value, mask = term
        if name != "metadata":
            yield f"{name}={text(name, value, mask)}"
        else:
            yield from self._registers(value, mask if mask is not None else -1)

    def _registers(self, value: int, mask: int) -> Iterator[str]:
        for name, bits, words in self.registers:
            if mask & bits.mask:
                number = (value & bits.mask) >> bits.shift
                yield f"{name}={words.get(number, number)}"

    def instructions(self, todo: Instructions, switch: str) -> str:
        """Instructions with metadata, groups and tables in words."""
        parts = [f"meter:{todo.meter}"] if todo.meter is not None else []
        parts += [self._action(action, switch) for action in todo.apply]
        parts += ["clear_actions"] if todo.clear else []
        if todo.write:
            parts.append(f"write({', '.join(self._action(action, switch) for action in todo.write)})")
        if todo.metadata is not None:
            parts += self._registers(*todo.metadata)
        if todo.goto is not None:
            parts.append(f"goto {STAGES[todo.goto].name if todo.goto < len(STAGES) else todo.goto}")
        return ", ".join(parts) or "no instruction"

    def _action(self, action: object, switch: str) -> str:
        if isinstance(action, Group) and action.group in self.nodes and switch in self.topology.uplinks:
            return f"{action} (to {self.nodes[action.group]})"
        return str(action)

    def origin(self, rule: Rule) -> Origin | None:
        """The intent, or the part of the topology, that caused the rule."""
        return self.origins.get(rule.cookie)


def names_of(compiled: Compiled) -> Names:
    """The names for a compiled fabric."""
    numbers = compiled.numbering
    segments = {n: f"{tenant}/{net}" for tenant, row in numbers.items() for net, n in row.segments.items()}
    classes = {
        n: f"{tenant}/{'+'.join(groups) or '(no group)'}"
        for tenant, row in numbers.items()
        for groups, n in row.classes.items()
    }
    registers = (
        ("pair", PAIR, {0: "no", 1: "yes"}),
        ("tenant", VRF, {row.vrf: tenant for tenant, row in numbers.items()}),
        ("segment", SEGMENT, segments),
        ("source", SOURCE, classes),
        ("target", TARGET, classes),
    )
    nodes = {tag: name for name, tag in compiled.topology.nodes.items()}
    return Names(compiled.topology, registers, nodes, origins(compiled.intent) | _fabric_origins(compiled.topology))


def _fabric_origins(topology: Topology) -> dict[int, Origin]:
    """What rules that depend on the topology alone say about themselves."""
    paths = [*map(switch_path, topology.switches), *map(node_path, topology.nodes)]
    return {cookie(path): Origin(path, NOWHERE) for path in paths}
