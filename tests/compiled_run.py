"""Compiled rules run on a packet: what the hosts of a fabric get."""

from __future__ import annotations

from fabric.packet import Packet
from fabric.ruleset import Ruleset
from fabric.switch import SwitchModel
from fabric.topology import PortRef, Topology
from fabric.walk import Walk, walk
from tests.meaning import Arrival


def models(ruleset: Ruleset, topology: Topology) -> dict[str, SwitchModel]:
    return {name: SwitchModel.of(ruleset.state(name), set(topology.ports[name])) for name in ruleset.switches}


def run(
    ruleset: Ruleset, topology: Topology, at: PortRef, packet: Packet, down: frozenset[PortRef] = frozenset()
) -> tuple[Walk, tuple[Arrival, ...]]:
    """The compiled rules run on the packet: the walk, and what hosts got, sorted."""
    done = walk(models(ruleset, topology), topology, at, packet, down=down)
    got = [Arrival(topology.host_at[port], frame) for port, frame in done.deliveries]
    return done, tuple(sorted(got, key=lambda arrival: (arrival.host, arrival.packet.to_bytes())))
