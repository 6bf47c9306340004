"""Compiled rules run on a packet: what the hosts of a fabric get."""

from __future__ import annotations

from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.reference import Arrival


def models(ruleset: Ruleset, topology: Topology) -> dict[str, SwitchModel]:
    return {name: SwitchModel.of(ruleset.state(name), set(topology.ports[name])) for name in ruleset.switches}


def run(
    ruleset: Ruleset, topology: Topology, at: PortRef, packet: Packet, down: frozenset[PortRef] = frozenset()
) -> tuple[Walk, tuple[Arrival, ...]]:
    """The compiled rules run on the packet: the walk, and what hosts got, sorted."""
    done = walk(models(ruleset, topology), topology, at, packet, down=down)
    got = [Arrival(topology.host_at[port], frame) for port, frame in done.deliveries]
    return done, tuple(sorted(got, key=lambda arrival: (arrival.host, arrival.packet.to_bytes())))
