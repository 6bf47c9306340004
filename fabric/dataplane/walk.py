"""Where a packet goes in a fabric: one packet walked over every switch it reaches.

Lives here: following links between steps, and telling loops. Must not know: tenants, intents, time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.fabric.dataplane.choose import Choose, hash_bucket
from clos.fabric.dataplane.step import Emission, Step, step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology

HOP_LIMIT = 32
"""Switches in a row; no sound path of a Clos fabric comes near."""
WORK_LIMIT = 10_000
"""Switches visited by all copies of one packet, so that a storm ends too."""


class Visit(NamedTuple):
    """One packet at one switch. ``parent``: the index of the visit it came from; None where the walk began."""

    at: PortRef
    packet: Packet
    step: Step
    parent: int | None

    @property
    def switch(self) -> str:
        return self.at.switch

    @property
    def in_port(self) -> int:
        return self.at.port

    def __str__(self) -> str:
        lines = [f"{self.at}  {self.packet}", *(f"  {hop}" for hop in self.step.trail)]
        lines += [f"  -> port {port}  {packet}" for port, packet in self.step.emissions]
        lines += ["  -> controller" for _ in self.step.packet_ins]
        return "\n".join(lines)


class Delivery(NamedTuple):
    """A packet that reached a host's port."""

    port: PortRef
    packet: Packet


class Drop(NamedTuple):
    """Where a copy of the packet ended, and why; ``visit`` indexes Walk.hops (None: it never came in)."""

    switch: str
    reason: str
    visit: int | None

    def __str__(self) -> str:
        return f"{self.switch}: {self.reason}"


class Walk(NamedTuple):
    """What became of a packet. ``hops`` is a tree in breadth-first order, each with its parent's index.

    ``loops``: the path (switch names) of each copy that came back to where it had been, or ran too long.
    """

    deliveries: tuple[Delivery, ...]
    hops: tuple[Visit, ...]
    drops: tuple[Drop, ...]
    loops: tuple[tuple[str, ...], ...]

    @property
    def hosts(self) -> frozenset[PortRef]:
        """The host ports reached."""
        return frozenset(delivery.port for delivery in self.deliveries)

    def path(self, visit: int) -> tuple[Visit, ...]:
        """The visits from the start to this one."""
        return tuple(reversed(list(_ancestors(self.hops, visit))))

    def __str__(self) -> str:
        ends = [f"delivered to {port}: {packet}" for port, packet in self.deliveries]
        ends += [f"dropped at {drop}" for drop in self.drops]
        ends += [f"loop: {' -> '.join(path)}" for path in self.loops]
        return "\n".join([*map(str, self.hops), *ends])


def walk(
    switches: Mapping[str, SwitchModel],
    topology: Topology,
    at: PortRef,
    packet: Packet,
    *,
    down: frozenset[PortRef] = frozenset(),
    choose: Choose = hash_bucket,
) -> Walk:
    """Walk a packet that enters the fabric at the port ``at``.

    Ports in ``down``, and the ports cabled to them, carry nothing and are dead to ``watch_port``. Raises KeyError
    when a switch of the topology has no model.
    """
    dead = _dead_ports(topology, down)
    deliveries: list[Delivery] = []
    hops: list[Visit] = []
    drops: list[Drop] = []
    loops: list[tuple[str, ...]] = []
    waiting: deque[tuple[PortRef, Packet, int | None]] = deque()
    if at.port in dead.get(at.switch, ()):
        drops.append(Drop(at.switch, f"port {at.port} is down", None))
    else:
        waiting.append((at, packet, None))
    while waiting:
        here, arrived, parent = waiting.popleft()
        if parent is not None and _looping(hops, here, arrived, parent):
            loops.append((*(visit.switch for visit in reversed(list(_ancestors(hops, parent)))), here.switch))
            continue
        done = step(switches[here.switch], here.port, arrived, choose, down=dead.get(here.switch, ()))
        drops += [Drop(here.switch, reason, len(hops)) for reason in done.drops]
        for emission in done.emissions:
            there = topology.peers.get(PortRef(here.switch, emission.port))
            if there is not None:
                waiting.append((there, emission.packet, len(hops)))
            else:
                _leave(topology, here.switch, emission, len(hops), deliveries, drops)
        hops.append(Visit(here, arrived, done, parent))
    return Walk(tuple(deliveries), tuple(hops), tuple(drops), tuple(loops))


def _leave(
    topology: Topology, switch: str, emission: Emission, visit: int, deliveries: list[Delivery], drops: list[Drop]
) -> None:
    """A packet sent to a port without a cable to a switch: a host has it, or nobody."""
    port = PortRef(switch, emission.port)
    if port in topology.host_at:
        deliveries.append(Delivery(port, emission.packet))
    else:
        drops.append(Drop(switch, f"port {emission.port} leads nowhere", visit))


def _dead_ports(topology: Topology, down: frozenset[PortRef]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for port in down:
        for end in (port, topology.peers.get(port, port)):
            found.setdefault(end.switch, set()).add(end.port)
    return found


def _ancestors(hops: tuple[Visit, ...] | list[Visit], visit: int) -> Iterator[Visit]:
    at: int | None = visit
    while at is not None:
        yield hops[at]
        at = hops[at].parent


def _looping(hops: list[Visit], here: PortRef, packet: Packet, parent: int) -> bool:
    """Whether this copy was here before, as it is now, or has come too far."""
    path = list(_ancestors(hops, parent))
    seen = any(visit.at == here and visit.packet == packet for visit in path)
    return seen or len(path) >= HOP_LIMIT or len(hops) >= WORK_LIMIT
