"""The claim *untouched*: packets outside the said flows are treated alike by the rules before and after.

Lives here: following all packets through both rulesets, and packets on which these part though nothing was said of
them: a rule that changes more than the intent does, drift that is mended. Must not know: words, how flows were found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.impact.changed_flows import Flow
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.flow_space import FlowSpace, flow_terms
from clos.controller.impact.policy_classes import Attachment, members
from clos.controller.verify.dataplane.outcome import DROPPED, LOOP, Outcome, Partition, plain
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.headerspace.example_packet import example_packet
from clos.controller.verify.headerspace.header_space import Box, HeaderSpace, meet, outside, within
from clos.controller.verify.headerspace.header_terms import terms_of
from clos.controller.verify.headerspace.transform import canonical
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.controller.verify.spec.control_frames import control_terms
from clos.controller.verify.spec.intent_terms import intent_terms
from clos.controller.verify.spec.specification import Specification
from clos.fabric.dataplane.action import CONTROLLER
from clos.fabric.dataplane.ruleset import Ruleset, SwitchState
from clos.fabric.topology import PortRef

MOST_RULES = 4_000
"""More, before and after together, are not compared unless asked for: it takes longer than people wait for a plan."""
MOST_PAIRS = 4_000_000
SHOWN = 5

States = Mapping[str, SwitchState]


class SideEffect(NamedTuple):
    """A packet that the rules treat unlike before, though nothing was said of it. ``packet``: for scapy."""

    at: PortRef
    host: str
    before: str
    after: str
    data: bytes
    packet: str

    def __str__(self) -> str:
        return f"from {self.host} at {self.at}: {self.before} before, {self.after} after: {self.packet}"


class SideEffects(NamedTuple):
    """The answer. ``ports``: how many were looked at; ``found``: strays in all; ``why``: why there is no verdict."""

    ports: int = 0
    strays: tuple[SideEffect, ...] = ()
    found: int = 0
    why: str = ""

    @property
    def ok(self) -> bool:
        return not self.found and not self.why


def side_effects(
    old: Snapshot,
    new: Snapshot,
    installed: Ruleset,
    desired: Ruleset,
    flows: Iterable[Flow],
    most: int | None = MOST_RULES,
) -> SideEffects:
    """Compare what becomes of all packets at all hosts' ports, but for those of the flows and those to their sender.

    ``installed`` and ``desired``: the rules before and after; beyond ``most`` of them no verdict (None: any number).
    """
    if old.topology == new.topology and _same(installed, desired):
        return SideEffects(len(new.topology.host_at))
    if any(side.intent.routed for side in (old, new)):
        return SideEffects(why="prefixes behind endpoints (routes) are not told in sets of packets")
    if most is not None and _exceed(most, installed, desired):
        return SideEffects(why=f"there are more than {most:,} rules")
    was, now = ({name: ruleset.state(name) for name in ruleset.switches} for ruleset in (installed, desired))
    held = list(flows)
    ends = {m.end for side in (old, new) for m in members(*side, side.intent.tenants)}
    try:
        terms = terms_of([*was.values(), *now.values()]) | flow_terms(held, ends)
        for side in (old, new):
            if control := control_terms(side.topology):
                terms |= control | intent_terms(side.intent)
        return _Comparing(old, new, was, now, HeaderSpace(terms), held, ends).answer()
    except Unmodelled as why:
        return SideEffects(why=f"cannot reason about {why}")


def _same(one: Ruleset, other: Ruleset) -> bool:
    """Whether two rulesets hold the same in the same parts; quick where they share these."""
    return one.switches == other.switches and one.parts == other.parts


def _exceed(most: int, *rulesets: Ruleset) -> bool:
    """Whether there are more rules than so many, without expanding them all."""
    left = most
    for block, switches in (placed for ruleset in rulesets for placed in ruleset.placed()):
        left -= len(block.rules) * len(switches)
        if left < 0:
            return True
    return False


class _Comparing:
    """A verdict in the making."""

    def __init__(
        self,
        old: Snapshot,
        new: Snapshot,
        was: States,
        now: States,
        space: HeaderSpace,
        flows: list[Flow],
        ends: set[Attachment],
    ) -> None:
        self.space, self.sides = space, (old, new)
        self.fabrics = _fabric(old, was, space), _fabric(new, now, space)
        self.said = FlowSpace(space, flows, ends)
        for side in self.sides:
            self._leave_out_control(side)
        self.found = 0
        self.strays: list[SideEffect] = []

    def _leave_out_control(self, side: Snapshot) -> None:
        """What legacy networks tell the controller is no packet of anybody's."""
        if control_terms(side.topology):
            wanted = Specification(side.intent, side.topology, self.space)
            for at, host in side.topology.host_at.items():
                for frames in wanted.control(host):
                    self.said.add(at, frames.limits)

    def answer(self) -> SideEffects:
        ports = sorted({at for side in self.sides for at in side.topology.host_at})
        for at in ports:
            for every in self.space.everything():
                before, after = (self._entering(i, at, every) for i in (0, 1))
                for box, was, now in self._apart(before, after):
                    self._judge(at, box, was, now)
        return SideEffects(len(ports), tuple(self.strays), self.found)

    def _entering(self, side: int, at: PortRef, box: Box) -> Partition:
        if at not in self.sides[side].topology.host_at:
            return [(box, DROPPED)]
        return self.fabrics[side].entering(at, box)

    def _apart(self, before: Partition, after: Partition) -> Iterator[tuple[Box, Outcome, Outcome]]:
        """The packets with another outcome, in boxes."""
        if before == after:
            return
        were, are = dict(before), dict(after)
        ones = plain([(box, outcome) for box, outcome in before if are.get(box) != outcome])
        others = plain([(box, outcome) for box, outcome in after if were.get(box) != outcome])
        if len(ones) * len(others) > MOST_PAIRS:
            raise Unmodelled(f"{len(ones):,} and {len(others):,} sets of packets at one port: too many to compare")
        for one, was in ones:
            for other, now in others:
                box = meet(one, other)
                if box is not None and was != now and self._looks(0, box, was) != self._looks(1, box, now):
                    yield box, was, now

    def _looks(self, side: int, box: Box, outcome: Outcome) -> object:
        """What hosts see of the outcome."""
        hosts, host_at = self.sides[side].topology.hosts, self.sides[side].topology.host_at
        return frozenset(
            tuple(
                sorted(
                    (hosts[host_at[at]].ports if (at := PortRef(switch, port)) in host_at else (at,), seen)
                    for switch, port, frame in option
                    for seen in (canonical(self.space, box, frame),)
                )
            )
            for option in outcome
        )

    def _judge(self, at: PortRef, box: Box, was: Outcome, now: Outcome) -> None:
        left = [box]
        for limits in self.said.at(at):
            left = [rest for part in left for rest in (outside(part, limits) if within(part, limits) else (part,))]
            if not left:
                return
        self.found += len(left)
        for part in left[: SHOWN - len(self.strays)]:
            picked = example_packet(self.space, part)
            host = next(side.topology.host_at[at] for side in self.sides[::-1] if at in side.topology.host_at)
            before, after = self._told(0, was), self._told(1, now)
            after = f"{after} but looking otherwise" if before == after else after
            self.strays.append(SideEffect(at, host, before, after, picked.data, picked.scapy))

    def _told(self, side: int, outcome: Outcome) -> str:
        """``dropped``, ``to app1``, ``to app1 or dropped``."""
        host_at = self.sides[side].topology.host_at
        options = []
        for option in sorted(outcome):
            places = [_place(switch, port, host_at) for switch, port, _ in option]
            options.append(" and ".join(places) or "dropped")
        return " or ".join(dict.fromkeys(options))


def _place(switch: str, port: int, host_at: Mapping[PortRef, str]) -> str:
    if switch == LOOP:
        return "in a loop"
    return "to the controller" if port == CONTROLLER else f"to {host_at[PortRef(switch, port)]}"


def _fabric(side: Snapshot, states: States, space: HeaderSpace) -> SymbolicFabric:
    held = {name: states.get(name, SwitchState((), (), ())) for name in side.topology.switches}
    return SymbolicFabric(side.topology, held, space)
