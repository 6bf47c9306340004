"""Symmetries of a fabric: exchanges of switches or cables that neither hosts nor rules can tell from none.

Lives here: finding exchanges, and proving each by comparing rules. Must not know: intents, failures, packets.

A symmetry is a permutation of switches and their ports that keeps every host's port where it is, takes cables to
cables, and takes the rules of each switch to those of its image: group numbers may differ where what the groups do is
the same. What becomes of a packet at a host's port is then the same before and after, whatever else is permuted along
with it, as no claim about hosts can name a switch between them. Only what is proved so is a symmetry; candidates are
exchanges of two switches without hosts, or of two cables between the same switches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from clos.controller.verify.effort import room
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, SELECT, Bucket, GroupEntry, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.topology import PortRef, Topology


class Symmetry(NamedTuple):
    """Where each switch and port goes; what is not named stays."""

    switches: Mapping[str, str]
    ports: Mapping[PortRef, PortRef]

    def image(self, ports: Iterable[PortRef]) -> frozenset[PortRef]:
        return frozenset(self.ports.get(port, port) for port in ports)


def symmetries(topology: Topology, states: Mapping[str, SwitchState]) -> list[Symmetry]:
    """Proved exchanges. All that they generate together are symmetries too; there may be others."""
    found: list[Symmetry] = []
    for alike in _alike(topology):
        firsts: list[str] = []
        for name in alike:
            swaps = (_exchange(topology, first, name) for first in firsts)
            proved = next((swap for swap in swaps if holds(swap, topology, states)), None)
            if proved is None:
                firsts.append(name)
            else:
                found.append(proved)
    return found + [swap for swap in _parallel(topology) if holds(swap, topology, states)]


def holds(swap: Symmetry, topology: Topology, states: Mapping[str, SwitchState]) -> bool:
    """Whether cables go to cables, hosts stay, and every switch holds what the one that takes its place held."""
    if any(topology.host_at.get(port) != topology.host_at.get(to) for port, to in swap.ports.items()):
        return False
    cables = {frozenset((link.a, link.b)) for link in topology.links}
    if cables != {swap.image(cable) for cable in cables}:
        return False
    moved = {port.switch for port in swap.ports} | set(swap.switches)
    return all(_same(name, swap, states) for name in sorted(moved))


def _same(name: str, swap: Symmetry, states: Mapping[str, SwitchState]) -> bool:
    """Whether the switch's rules, renamed, are those of the switch that it goes to."""
    empty = SwitchState((), (), ())
    there = swap.switches.get(name, name)
    renamed = {port.port: to.port for port, to in swap.ports.items() if port.switch == name}
    try:
        with room():
            forms: dict[Hashable, int] = {}
            here = _Form(states.get(name, empty), renamed, forms).whole()
            return here == _Form(states.get(there, empty), {}, forms).whole()
    except _TooDeep:
        return False


MAX_NESTED = 32
"""Groups within groups; deeper ones, and those in a circle, are not compared."""


class _TooDeep(Exception):
    """Groups nested too deeply to say what they do."""


class _Form:
    """A switch's rules, ports renamed and group numbers replaced by what the groups do: equal forms act alike.

    ``forms``: a number for each thing that groups do, the same for all switches that are compared.
    """

    def __init__(self, state: SwitchState, renamed: Mapping[int, int], forms: dict[Hashable, int]) -> None:
        self.rules, self.renamed, self.forms = state.rules, renamed, forms
        self.entries = {entry.group: entry for entry in state.groups}
        self.meters = {meter.meter: meter[1:] for meter in state.meters}
        self.known: dict[int, Hashable] = {}
        self.nested = 0

    def whole(self) -> Counter[Hashable]:
        return Counter(self.rule(rule) for rule in self.rules)

    def rule(self, rule: Rule) -> Hashable:
        meter, apply, clear, write, metadata, goto = rule.instructions
        limit = None if meter is None else self.meters.get(meter)
        todo = limit, self.actions(apply), clear, self.actions(write), metadata, goto
        return rule.table, rule.priority, tuple(self.term(*term) for term in rule.match), todo

    def term(self, name: str, value: int, mask: int | None) -> Hashable:
        return name, self.renamed.get(value, value) if name in ("in_port", "in_phy_port") else value, mask

    def actions(self, actions: tuple[Any, ...]) -> Hashable:
        return tuple([self.action(action) for action in actions])

    def action(self, action: Any) -> Hashable:
        if isinstance(action, act.Output):
            return act.Output(self.renamed.get(action.port, action.port), action.max_len)
        return self.group(action.group) if isinstance(action, act.Group) else action

    def group(self, number: int | None) -> Hashable:
        """What a group does; None for one that is not there."""
        entry = None if number is None else self.entries.get(number)
        if entry is None:
            return None
        if entry.group not in self.known:
            if self.nested >= MAX_NESTED:
                raise _TooDeep
            self.nested += 1
            does = entry.type, self.buckets(entry)
            self.known[entry.group] = self.forms.setdefault(does, len(self.forms))
            self.nested -= 1
        return self.known[entry.group]

    def buckets(self, entry: GroupEntry) -> Hashable:
        """In order where that matters, else counted: copies and choices have no order."""
        formed = [self.bucket(bucket) for bucket in entry.buckets]
        if entry.type in (ALL, SELECT):
            return frozenset(Counter(formed).items())
        return tuple(formed if entry.type == FAST_FAILOVER else formed[:1])

    def bucket(self, bucket: Bucket) -> Hashable:
        port = None if bucket.watch_port is None else self.renamed.get(bucket.watch_port, bucket.watch_port)
        watched = None if bucket.watch_group is None else ("watches", self.group(bucket.watch_group))
        return self.actions(bucket.actions), bool(bucket.weight), port, watched


# -- candidates -------------------------------------------------------------------------------------------------------


def _alike(topology: Topology) -> list[list[str]]:
    """Switches without hosts, by role and by how many cables lead to which switch."""
    homes = {port.switch for port in topology.host_at}
    found: dict[Hashable, list[str]] = {}
    for name, switch in topology.switches.items():
        if name not in homes:
            key = switch.role, frozenset((there, len(ports)) for there, ports in _cables(topology, name).items())
            found.setdefault(key, []).append(name)
    return [sorted(names) for names in found.values()]


def _cables(topology: Topology, name: str) -> dict[str, list[PortRef]]:
    """A switch's cabled ports by the switch they lead to, in order."""
    found: dict[str, list[PortRef]] = {}
    for port, peer in sorted(topology.peers.items()):
        if port.switch == name:
            found.setdefault(peer.switch, []).append(port)
    return found


def _exchange(topology: Topology, one: str, other: str) -> Symmetry:
    """Two switches change places, and their cables with them."""
    ports: dict[PortRef, PortRef] = {}
    ones, others = _cables(topology, one), _cables(topology, other)
    for there, mine in ones.items():
        for a, b in zip(mine, others[there], strict=True):
            ports |= _swapped(topology, a, b)
    return Symmetry({one: other, other: one}, ports)


def _swapped(topology: Topology, a: PortRef, b: PortRef) -> dict[PortRef, PortRef]:
    """Two cables change places."""
    return {a: b, b: a, topology.peers[a]: topology.peers[b], topology.peers[b]: topology.peers[a]}


def _parallel(topology: Topology) -> Iterator[Symmetry]:
    """Each two neighbours among the cables that join the same two switches."""
    for name in topology.switches:
        for there, ports in _cables(topology, name).items():
            if name < there:
                yield from (Symmetry({}, _swapped(topology, a, b)) for a, b in pairwise(ports))
