"""A packet's walk through compiled rules, as text and as JSON.

Lives here: running a probe and showing each switch and table it meets. Must not know: flags, files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from rich.text import Text

from clos.controller.compile import Compiled, Origin
from clos.controller.explain.questions import Probe
from clos.controller.explain.register_names import Names, names_of, table_name
from clos.controller.intent.model import NOWHERE
from clos.controller.intent.reach import End, passage, waypoint
from clos.controller.plan import rule_json
from clos.controller.probe.landing import Landing, Landings, arrived, landing
from clos.fabric.dataplane.outcome import INVALID_TTL, Hop
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Drop, Visit, Walk, walk
from clos.fabric.topology import PortRef

Json = dict[str, Any]


class Outcome(StrEnum):
    """How a packet ends: with the endpoint that it is for, with another one only, with the controller, or nowhere."""

    DELIVERED, ELSEWHERE, TOLD, DROPPED = "delivered", "elsewhere", "to the controller", "dropped"

    def meets(self, expected: Outcome) -> bool:
        """Whether it is as expected. What only another endpoint gets is dropped, as far as its target goes."""
        return self is expected or (self, expected) == (Outcome.ELSEWHERE, Outcome.DROPPED)


class Followed(NamedTuple):
    """A packet's walk, with everything needed to read it.

    ``takers``: who has each copy that reached a host. ``due``: where it should land; None: with whoever its addresses
    mean.
    """

    probe: Probe
    walk: Walk
    names: Names
    down: frozenset[PortRef]
    takers: tuple[tuple[End, ...], ...]
    due: Landing | None

    @property
    def outcome(self) -> Outcome:
        if not self.walk.deliveries:
            told = any(sent.reason != INVALID_TTL for hop in self.walk.hops for sent in hop.step.packet_ins)
            return Outcome.TOLD if told else Outcome.DROPPED
        reached = any(self.takers) if self.due is None else arrived(self.due, self.walk.deliveries)
        return Outcome.DELIVERED if reached else Outcome.ELSEWHERE


Held = Callable[[str], SwitchState | None]
"""What a switch holds now; None: that is not known."""


def follow(
    compiled: Compiled, probe: Probe, down: frozenset[PortRef] = frozenset(), held: Held = lambda _: None
) -> Followed:
    """The probe walked over the compiled rules, or those ``held`` where they are known, with these ports dead."""
    done = walk(_Models(compiled, held), compiled.topology, probe.at, probe.packet, down=down)
    landings = Landings(compiled.intent, compiled.topology)
    takers = tuple(map(landings.takers, done.deliveries))
    return Followed(probe, done, names_of(compiled), down, takers, _due(compiled, probe))


def _due(compiled: Compiled, probe: Probe) -> Landing | None:
    """Where the packet of one endpoint to another should land: there, or at the waypoint that gets it first."""
    if probe.source is None or probe.target is None or probe.flow is None:
        return None
    decided = passage(compiled.intent, probe.source, probe.target, probe.flow, compiled.topology.legacy)
    first = waypoint(probe.source, decided) or probe.target
    return landing(first, compiled.topology).of(probe.target.endpoint.ip)


class _Models(dict[str, SwitchModel]):
    """Switches as they are when the rules are installed, each built when a packet first comes to it."""

    def __init__(self, compiled: Compiled, held: Held) -> None:
        self._compiled, self._held = compiled, held

    def __missing__(self, name: str) -> SwitchModel:
        state = self._held(name) or self._compiled.ruleset.state(name)
        model = SwitchModel.of(state, self._compiled.topology.ports[name])
        self[name] = model
        return model


def lines(done: Followed) -> Iterator[Text | str]:
    """The walk for people: each switch, each table there, and how it ended."""
    topology = done.names.topology
    for port in sorted(done.down):
        yield Text(f"{port} to {topology.peers.get(port, 'a host')} is down", "yellow")
    for visit in done.walk.hops:
        peer = topology.peers.get(visit.at) or topology.host_at.get(visit.at, "nobody")
        yield Text.assemble((visit.switch, "bold"), f" from {peer} at port {visit.in_port}: {visit.packet}")
        for hop in visit.step.trail:
            yield from _table(visit, hop, done.names)
        for number, _ in visit.step.emissions:
            out = PortRef(visit.switch, number)
            yield f"  out of port {number} to {topology.peers.get(out) or topology.host_at.get(out, 'no device')}"
    if done.outcome is Outcome.TOLD:
        yield Text("given to the controller", "bold green")
    for delivery in done.walk.deliveries:
        host = topology.host_at[delivery.port]
        yield Text.assemble(("delivered", "bold green"), f" to {host} at {delivery.port}: {delivery.packet}")
    if done.outcome is Outcome.ELSEWHERE:
        yield Text.assemble(
            ("not delivered", "bold red"), f" to {done.probe.target or 'any endpoint'}: {_astray(done)}"
        )
    yield from (Text.assemble(("dropped", "bold red"), f" at {drop}") for drop in done.walk.drops)
    yield from (Text.assemble(("loop", "bold red"), f": {' -> '.join(path)}") for path in done.walk.loops)


def _astray(done: Followed) -> str:
    """Who has a packet instead of the one that it was sent to."""
    got = sorted({str(end) for taken in done.takers for end in taken})
    if not got:
        return "no endpoint of that host has its VLAN tag and addresses"
    return f"it is {' and '.join(got)} that {'has' if len(got) == 1 else 'have'} its address and VLAN there"


def _table(visit: Visit, hop: Hop, names: Names) -> Iterator[Text]:
    place = f"  {hop.table} {table_name(names.topology, visit.switch, hop.table):8}"
    if hop.rule is None:
        yield Text.assemble(place, (" no rule matches", "red"))
        return
    yield Text.assemble(place, f" #{hop.rule.priority} {names.match(hop.rule.match)}")
    yield Text(f"      -> {'; '.join((names.instructions(hop.rule.instructions, visit.switch), *hop.notes))}")
    yield Text(f"      {names.origin(hop.rule) or f'cookie {hop.rule.cookie:#x}, not of these intents'}", "dim")


def followed_json(done: Followed) -> Json:
    topology = done.names.topology
    return {
        "outcome": str(done.outcome),
        "packet": {"at": str(done.probe.at), "text": str(done.probe.packet), "hex": done.probe.packet.to_bytes().hex()},
        "links_down": sorted(map(str, done.down)),
        "hops": [_hop_json(visit, done.names) for visit in done.walk.hops],
        "deliveries": [
            {
                "host": topology.host_at[port],
                "port": str(port),
                "endpoints": [str(end) for end in taken],
                "text": str(packet),
                "hex": packet.to_bytes().hex(),
            }
            for (port, packet), taken in zip(done.walk.deliveries, done.takers, strict=True)
        ],
        "drops": [{"switch": drop.switch, "hop": drop.visit, "reason": drop.reason} for drop in done.walk.drops],
        "loops": [list(path) for path in done.walk.loops],
    }


def _hop_json(visit: Visit, names: Names) -> Json:
    return {
        "switch": visit.switch,
        "in_port": visit.in_port,
        "parent": visit.parent,
        "packet": str(visit.packet),
        "tables": [
            {
                "table": hop.table,
                "name": table_name(names.topology, visit.switch, hop.table),
                "rule": rule_json(hop.rule) if hop.rule else None,
                "origin": origin_json(names.origin(hop.rule)) if hop.rule else None,
                "notes": list(hop.notes),
            }
            for hop in visit.step.trail
        ],
        "out": [port for port, _ in visit.step.emissions],
    }


def origin_json(origin: Origin | None) -> Json | None:
    """``{"path", "file", "line", "column"}``; the place is null for what the topology causes."""
    if origin is None:
        return None
    placed = origin.where if origin.where != NOWHERE else (None, None, None)
    return {"path": origin.path, **dict(zip(("file", "line", "column"), placed, strict=True))}


def path_text(done: Followed) -> str:
    """The walk in a line: ``leaf1 -> spine2 -> leaf3 -> app2``, or where and why it ends."""
    topology = done.names.topology
    way = " -> ".join(dict.fromkeys(visit.switch for visit in done.walk.hops))
    if done.walk.deliveries:
        hosts = sorted({topology.host_at[delivery.port] for delivery in done.walk.deliveries})
        word = f"delivered by {way} -> {' and '.join(hosts)}"
        return word if done.outcome is Outcome.DELIVERED else f"{word}; {_astray(done)}"
    drops = [f"{drop.switch}{_stage(drop, done)}, {drop.reason}" for drop in done.walk.drops]
    return f"dropped at {'; '.join(drops) or way}"


def _stage(drop: Drop, done: Followed) -> str:
    """The stage a copy ended in, as `` policy``."""
    trail = done.walk.hops[drop.visit].step.trail if drop.visit is not None else ()
    return f" {table_name(done.names.topology, drop.switch, trail[-1].table)}" if trail else ""
