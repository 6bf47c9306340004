"""Numbers in rules as the names they stand for: tenants, networks, groups, nodes.

Lives here: reading compiled numbers backwards, for people. Must not know: what a packet does with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.compile import Compiled, Origin, cookie, origins
from clos.controller.compile.cookie import node_path, switch_path
from clos.controller.compile.rules.broadcast import FROM_FABRIC, FROM_HOST
from clos.controller.compile.rules.forward import ARRIVED, TO_HOST
from clos.controller.compile.rules.underlay import ANY_LINK, BOTH, RETURN, detour_group
from clos.controller.compile.stages import PAIR, SEGMENT, SOURCE, STAGES, TARGET, VRF, Bits
from clos.controller.intent.model import NOWHERE
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.packet.fields import text
from clos.fabric.topology import MAX_NODE_TAG, Topology


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
        if isinstance(action, Group):
            word = self.group(action.group, switch)
            return f"{action} ({word})" if word else str(action)
        return str(action)

    def group(self, number: int, switch: str) -> str:
        """What a group of a switch is for, in a few words; empty for one that Clos does not make."""
        found = self.topology.switches.get(switch)
        low = _SPINE_GROUPS if found is not None and not found.is_leaf else _LEAF_GROUPS
        for first, last, words in (*low, *_HIGH_GROUPS):
            if first <= number <= last:
                return words(self, number - first)
        return ""

    def origin(self, rule: Rule) -> Origin | None:
        """The intent, or the part of the topology, that caused the rule."""
        return self.origins.get(rule.cookie)


Words = Callable[[Names, int], str]


def _to_node(names: Names, tag: int) -> str:
    return f"to {names.nodes.get(tag, tag)}"


def _to_host(names: Names, number: int) -> str:
    return f"port {number & 0xFFFF}, or the pair's other leaf"


_LEAF_GROUPS: tuple[tuple[int, int, Words], ...] = (
    (0, MAX_NODE_TAG, _to_node),
    (RETURN, RETURN, lambda names, _: "back to the pair's other leaf"),
    (detour_group(1), detour_group(0xFFF), lambda names, port: f"any uplink but {port + 1}"),
)
_SPINE_GROUPS: tuple[tuple[int, int, Words], ...] = (
    (0, MAX_NODE_TAG, _to_node),
    (BOTH, BOTH + MAX_NODE_TAG, _to_node),
    (ANY_LINK, ANY_LINK, lambda names, _: "whether any cable lives"),
)
_HIGH_GROUPS: tuple[tuple[int, int, Words], ...] = (
    (FROM_HOST, FROM_FABRIC - 1, lambda names, segment: "every other host of the network"),
    (FROM_FABRIC, TO_HOST - 1, lambda names, tag: "the network's hosts at this leaf"),
    (TO_HOST, ARRIVED - 1, _to_host),
    (ARRIVED, ARRIVED + 0xFFF_FFFF, _to_host),
)
"""Ranges of group numbers and what they are for; the function gets the distance from the first of its range."""


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


def table_name(topology: Topology, switch: str, table: int) -> str:
    """What a flow table of a switch decides: the name of its stage."""
    found = topology.switches.get(switch)
    return stage_name(table, spine=found is not None and not found.is_leaf)


def stage_name(table: int, spine: bool) -> str:
    """The name of a leaf's or a spine's stage; empty where there is none."""
    from clos.controller.compile import STAGES  # noqa: PLC0415 - most words need no compiler
    from clos.controller.compile.stages import SPINE  # noqa: PLC0415

    if spine:
        return SPINE.name if table == SPINE.table else ""
    return STAGES[table].name if table < len(STAGES) else ""
