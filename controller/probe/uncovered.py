"""Why no packet meets a rule or a bucket: arguments from the switch's own entries, where there are any.

Lives here: shadows, registers that nobody writes, ways to a table that are all taken by other rules, groups that are
only watched. Must not know: intents, which packets were tried.
A ``Reason`` that is ``sure`` holds for every packet that hosts can send; the others say what was tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from clos.controller.probe.coverage import Bucket, Entry
from clos.fabric.dataplane.action import Action, Group, Move, SetField
from clos.fabric.dataplane.match import Term
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.packet.fields import FIELDS, VID_NONE, VID_PRESENT
from clos.fabric.topology import DETOUR, PortRef, Topology


class Reason(NamedTuple):
    """Why an entry is not met. ``term``: the register value that is lacking, for those who know registers' names."""

    text: str
    sure: bool
    term: Term | None = None


ETH_LLDP = 0x88CC
NOT_FOUND = Reason("no packet that was tried meets it", False)
NOT_HASHED = Reason("no flow and no failure that was tried leads to it: switches that hash alike leave ways out", False)


class Uncovered(NamedTuple):
    """An entry that no probe meets, and why."""

    entry: Entry
    why: Reason


class Bits(NamedTuple):
    """What is known of a field: the bits in ``mask`` are those of ``value``."""

    value: int
    mask: int


Known = dict[str, Bits]
"""What is known of a packet at a table, by field."""


class Switch:
    """One switch's entries, as far as reasons go."""

    def __init__(self, name: str, state: SwitchState, topology: Topology) -> None:
        self.name, self.state, self.topology = name, state, topology
        self._came: dict[tuple[int, int, int], bool] = {}

    def why(self, rule: Rule) -> Reason:
        """Why nothing meets this rule, that nothing met, as far as the switch's own entries tell."""
        return (
            self._shadowed(rule)
            or self._announced(rule)
            or self._unwritten(rule)
            or self._no_way(rule)
            or (NOT_HASHED if self.by_cable(rule) else NOT_FOUND)
        )

    def _shadowed(self, rule: Rule) -> Reason | None:
        for other in self.tables[rule.table]:
            if other.priority > rule.priority and other.match.covers(rule.match):
                return Reason(f"shadowed by #{other.priority} {other.match}", True)
        return None

    def _announced(self, rule: Rule) -> Reason | None:
        """Hosts' frames cross cables between switches with tags on; what comes without is the controller's LLDP."""
        untagged = rule.match.value("vlan_vid") == VID_NONE or rule.match.value("eth_type") == ETH_LLDP
        if untagged and self.by_cable(rule):
            return Reason("only what the controller has a neighbour send (LLDP) comes untagged by this cable", True)
        return None

    def _unwritten(self, rule: Rule) -> Reason | None:
        """A register value that no rule of this switch writes: nobody here is of that class, network or tenant."""
        term = rule.match.get("metadata")
        if term is None:
            return None
        value, mask = term[1], _mask("metadata", term[2])
        for part in sorted({mask & wide for _, wide in self._written}):
            want = value & part
            if want and not any(wide & part == part and one & part == want for one, wide in self._written):
                return Reason(f"no packet here gets metadata {want:#x}/{part:#x}", True, ("metadata", want, part))
        return None

    def _no_way(self, rule: Rule) -> Reason | None:
        known = {name: Bits(value, _mask(name, mask)) for name, value, mask in rule.match}
        if self._together(rule, known) or not self._reachable(rule, known):
            return Reason("what would meet it is taken by other rules on the way", True)
        return None

    def _together(self, rule: Rule, known: Known) -> bool:
        """Whether rules above it take every value of some register that can be written at all."""
        above = [other for other in self.tables[rule.table] if other.priority > rule.priority]
        asked = {term[2] for other in above if (term := other.match.get("metadata")) is not None}
        return any(
            all(
                any(_covers(other, {**known, "metadata": Bits(value, part)}) for other in above)
                for value in {value & part for value, _ in self._written} | {0}
                if self._possible(rule.table, part, value)
            )
            for part in asked
            if part is not None and "metadata" not in known
        )

    def _possible(self, table: int, part: int, value: int) -> bool:
        """Whether a packet may come to a table with this value in a part of the register."""
        if table == 0:
            return value == 0
        key = table, part, value
        if key not in self._came:
            self._came[key] = any(self._keeps(way, part, value) for way in self._ways.get(table, ()))
        return self._came[key]

    def _keeps(self, way: Rule, part: int, value: int) -> bool:
        written, mask = way.instructions.metadata or (0, 0)
        if mask & part == part:
            return written & part == value
        return self._possible(way.table, part, value)

    def _reachable(self, rule: Rule, known: Known) -> bool:
        """Whether a packet of which this is known may come to this rule, by any chain of rules from table 0."""
        above = [other for other in self.tables[rule.table] if other.priority > rule.priority]
        if any(_covers(other, known) for other in above):
            return False
        if rule.table == 0:
            return not known.get("metadata", Bits(0, 0)).value
        for way in self._ways.get(rule.table, ()):
            before = _before(way, known)
            if before is not None and self._reachable(way, before):
                after = {**_kept(way, before), **known}
                if not any(_covers(other, after) for other in above):
                    return True
        return False

    @cached_property
    def tables(self) -> dict[int, list[Rule]]:
        found: dict[int, list[Rule]] = {}
        for rule in self.state.rules:
            found.setdefault(rule.table, []).append(rule)
        return found

    @cached_property
    def _ways(self) -> dict[int, list[Rule]]:
        """The rules that go to each table."""
        found: dict[int, list[Rule]] = {}
        for rule in self.state.rules:
            if rule.instructions.goto is not None:
                found.setdefault(rule.instructions.goto, []).append(rule)
        return found

    @cached_property
    def _written(self) -> set[tuple[int, int]]:
        """What rules write into the metadata register, each with its mask."""
        return {rule.instructions.metadata for rule in self.state.rules if rule.instructions.metadata is not None}

    # ---- what leaves it

    def by_cable(self, rule: Rule) -> bool:
        """Whether only what comes by a cable between switches meets a rule."""
        port = rule.match.value("in_port")
        ports = self.topology.ports[self.name] if port is None else (port,)
        return all(PortRef(self.name, each) in self.topology.peers for each in ports)

    def node(self, vid: int) -> str:
        """The node that a frame with this outer tag is for, in words."""
        tag = vid & ~VID_PRESENT & ~DETOUR
        name = next((name for name, own in self.topology.nodes.items() if own == tag), f"node {tag}")
        return f"{name} by a detour" if vid & DETOUR else name

    def sent_to(self, dead: Collection[int]) -> frozenset[int]:
        """The groups that rules send to, directly or by way of other groups; rules in ``dead`` (by id) do not count."""
        found: set[int] = set()
        waiting = [group for rule in self.state.rules if id(rule) not in dead for group in _groups(_todo(rule))]
        held = {entry.group: entry for entry in self.state.groups}
        while waiting:
            group = waiting.pop()
            if group in held and group not in found:
                found.add(group)
                waiting += [other for bucket in held[group].buckets for other in _groups(bucket.actions)]
        return frozenset(found)

    def tags(self, dead: Collection[int]) -> frozenset[int]:
        """The VLAN ids that frames may leave with; rules in ``dead`` do not count."""
        used = self.sent_to(dead)
        actions = [action for rule in self.state.rules if id(rule) not in dead for action in _todo(rule)]
        actions += [a for g in self.state.groups if g.group in used for bucket in g.buckets for a in bucket.actions]
        return frozenset(a.value for a in actions if isinstance(a, SetField) and a.field == "vlan_vid")


def reasons(unmet: Sequence[Entry], switches: Mapping[str, Switch], met: Collection[Entry]) -> list[Uncovered]:
    """Why each of these entries is not met; what is known of some explains others, so it is asked until nothing new."""
    found = {entry: switches[entry.switch].why(entry.what) for entry in unmet if isinstance(entry.what, Rule)}
    dead: set[int] = set()
    while len(dead) < len(sure := {id(entry.what) for entry, reason in found.items() if reason.sure}):
        dead = sure
        sent = frozenset[int]().union(*(switch.tags(dead) for switch in switches.values()))
        for entry, reason in found.items():
            rule = entry.rule
            tag = rule.match.value("vlan_vid") if rule is not None and not reason.sure else None
            if rule is not None and tag and tag not in sent and switches[entry.switch].by_cable(rule):
                found[entry] = Reason(f"no frame is ever sent to {switches[entry.switch].node(tag)}", True)
    used = {name: switch.sent_to(dead) for name, switch in switches.items()}
    passed = {(entry.switch, entry.what.group) for entry in met if isinstance(entry.what, Bucket)}
    for entry in unmet:
        if isinstance(entry.what, Bucket):
            found[entry] = _of_bucket(entry, entry.what, used[entry.switch], passed)
    return [Uncovered(entry, found[entry]) for entry in unmet]


def _of_bucket(entry: Entry, bucket: Bucket, used: Collection[int], passed: Collection[tuple[str, int]]) -> Reason:
    if bucket.group not in used:
        return Reason("no rule that a packet meets sends to its group", True)
    if (entry.switch, bucket.group) not in passed:
        return Reason("later tables refuse every packet tried that is for its group", False)
    return NOT_HASHED


def _todo(rule: Rule) -> tuple[Action, ...]:
    return (*rule.instructions.apply, *rule.instructions.write)


def _groups(actions: Iterable[Action]) -> list[int]:
    return [action.group for action in actions if isinstance(action, Group)]


def _mask(name: str, mask: int | None) -> int:
    return FIELDS[name].full if mask is None else mask


def _covers(rule: Rule, known: Known) -> bool:
    """Whether a rule surely takes a packet of which this is known."""
    for name, value, mask in rule.match:
        wide, have = _mask(name, mask), known.get(name)
        if have is None or wide & ~have.mask or (have.value ^ value) & wide:
            return False
    return True


def _kept(way: Rule, known: Known) -> Known:
    """What is still so of a packet after the rule it met, metadata apart."""
    apply = way.instructions.apply
    rewritten = {a.field for a in apply if isinstance(a, SetField)} | {a.target for a in apply if isinstance(a, Move)}
    if any(not isinstance(a, SetField | Move) for a in apply):
        return {"in_port": known["in_port"]} if "in_port" in known else {}
    return {name: bits for name, bits in known.items() if name not in rewritten and name != "metadata"}


def _before(way: Rule, known: Known) -> Known | None:
    """What must be known of a packet before it meets ``way`` for ``known`` to hold after; None: it cannot."""
    found = _kept(way, known)
    if "metadata" in known:
        value, written = way.instructions.metadata or (0, 0)
        have = known["metadata"]
        if (have.value ^ value) & have.mask & written:
            return None
        found["metadata"] = Bits(have.value & ~written, have.mask & ~written)
    for name, value, mask in way.match:
        wide, have = _mask(name, mask), found.get(name, Bits(0, 0))
        if (have.value ^ value) & have.mask & wide:
            return None
        found[name] = Bits(have.value | value, have.mask | wide)
    return found
