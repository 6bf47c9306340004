"""What the tests of simulated legacy devices share: the bank settled, lines typed, pings asked."""

from __future__ import annotations

from pathlib import Path

from clos.controller.migrate.simulated import read_network
from clos.fabric.sim.control import query
from clos.fabric.sim.control.query import Outcome
from clos.fabric.sim.legacy.configure import Context
from clos.fabric.sim.legacy.network import LegacyNetwork

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"
SETTLED = 90
"""Seconds after which the bank's trees, gateways and routes stand."""


def settled_bank() -> LegacyNetwork:
    network = LegacyNetwork(read_network(BANK))
    network.settle(SETTLED)
    return network


def configured(network: LegacyNetwork, device: str, *lines: str) -> None:
    """Type lines at a device; each must be taken."""
    stack: tuple[Context, ...] = (Context(),)
    for line in lines:
        outcome = network.devices[device].configured(stack, line, "test")
        assert not outcome.refused, (outcome.answer, outcome.refusal)
        stack = outcome.stack


def ping(network: LegacyNetwork, source: str, target: str, proto: str = "icmp", port: int = 0) -> Outcome:
    return query.probe(network, source, target, proto, port)


def active(network: LegacyNetwork, vlan: int) -> set[str]:
    """The distribution switches that answer for the gateway of a VLAN."""
    return {
        name
        for name in ("dist1", "dist2")
        for group in network.workings[name].hsrp() or ()
        if group.interface == f"Vlan{vlan}" and group.state == "Active"
    }
