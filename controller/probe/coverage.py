"""What a packet meets: every rule and every group bucket on its way, by the evaluator's account.

Lives here: rules and buckets under numbers, and the record of a walk. Must not know: where packets come from, intents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.controller.probe.packets import Probe
from clos.fabric.dataplane.rule import ALL, SELECT, Rule
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.topology import PortRef, Topology

Down = frozenset[PortRef]
"""Ports without carrier: a state of the cables."""
SOUND: Down = frozenset()


class Bucket(NamedTuple):
    """A bucket of a group, by its position."""

    group: int
    position: int

    def __str__(self) -> str:
        return f"group {self.group} bucket {self.position}"


class Entry(NamedTuple):
    """A rule or a bucket of a switch: something that a packet meets or not, and that the switch counts."""

    switch: str
    what: Rule | Bucket

    @property
    def rule(self) -> Rule | None:
        return self.what if isinstance(self.what, Rule) else None


class Arrival(NamedTuple):
    """A packet as it comes to a table: the values that matches are held against, metadata and in_port included."""

    switch: str
    table: int
    fields: Mapping[str, int]


class Meeting(NamedTuple):
    """A probe under a state of the cables: the numbers of what it meets, where it came by, and its walk."""

    probe: Probe
    down: Down
    met: frozenset[int]
    arrivals: tuple[Arrival, ...]
    walk: Walk

    @property
    def entered(self) -> bool:
        return bool(self.walk.hops)


class Entries:
    """The entries of a compiled fabric, numbered: rules first, by switch, then buckets.

    Buckets of ALL groups are left out: whoever meets the group meets all of them.
    """

    def __init__(self, ruleset: Ruleset, topology: Topology) -> None:
        self.topology = topology
        states = {name: ruleset.state(name) for name in ruleset.switches}
        self.rules = [Entry(name, rule) for name, state in states.items() for rule in state.rules]
        self.buckets = [
            Entry(name, Bucket(group.group, index))
            for name, state in states.items()
            for group in state.groups
            for index in range(len(group.buckets))
            if group.type != ALL
        ]
        self.all = (*self.rules, *self.buckets)
        self._numbers = {_key(entry.switch, entry.what): number for number, entry in enumerate(self.all)}
        self._seen: list[Arrival] = []
        self._models = {
            name: _Watched.over(SwitchModel.of(state, topology.ports[name]), name, self._seen)
            for name, state in states.items()
        }

    def __len__(self) -> int:
        return len(self.all)

    def number(self, switch: str, what: Rule | Bucket) -> int | None:
        """None for what is not counted."""
        return self._numbers.get(_key(switch, what))

    def table(self, switch: str, number: int) -> Iterator[Rule]:
        """The rules of one table."""
        return (rule for rule in self._models[switch].rules() if rule.table == number)

    def choices(self, meeting: Meeting) -> frozenset[int]:
        """The buckets, met or not, of the SELECT groups that a probe passed: another flow may be sent by them."""
        found = set()
        for visit in meeting.walk.hops:
            groups = self._models[visit.switch].groups
            for pick in visit.step.picks:
                if pick.bucket is not None and groups[pick.group].type == SELECT:
                    dead = _dead(self.topology, visit.switch, meeting.down)
                    found |= {
                        self._numbers[visit.switch, pick.group, index]
                        for index, bucket in enumerate(groups[pick.group].buckets)
                        if bucket.watch_port not in dead
                    }
        return frozenset(found)

    def meet(self, probe: Probe, down: Down = SOUND) -> Meeting:
        """Walk a probe, and note what it meets."""
        self._seen.clear()
        done = walk(self._models, self.topology, probe.at, probe.packet, down=down)
        return Meeting(probe, down, frozenset(self._met(done)), tuple(self._seen), done)

    def _met(self, done: Walk) -> Iterator[int]:
        for visit in done.hops:
            for hop in visit.step.trail:
                if hop.rule is not None:
                    yield self._numbers[_key(visit.switch, hop.rule)]
            for pick in visit.step.picks:
                number = None if pick.bucket is None else self.number(visit.switch, Bucket(pick.group, pick.bucket))
                if number is not None:
                    yield number


def _dead(topology: Topology, switch: str, down: Down) -> set[int]:
    """The ports of a switch that are dead when these are."""
    ends = {end for port in down for end in (port, topology.peers.get(port, port))}
    return {end.port for end in ends if end.switch == switch}


def _key(switch: str, what: Rule | Bucket) -> tuple[object, ...]:
    """Rules by identity, which costs no hashing of matches."""
    return (switch, id(what)) if isinstance(what, Rule) else (switch, *what)


class _Watched(SwitchModel):
    """A switch that notes what each of its tables is asked."""

    name: str
    seen: list[Arrival]

    @classmethod
    def over(cls, model: SwitchModel, name: str, seen: list[Arrival]) -> _Watched:
        watched = cls(model.ports, model.down, model.tables, model.groups, model.meters)
        watched.name, watched.seen = name, seen
        return watched

    def lookup(self, table: int, fields: dict[str, int]) -> Rule | None:
        self.seen.append(Arrival(self.name, table, fields))
        return super().lookup(table, fields)
