"""One trial of spanning trees: predicted, of our machine in virtual time, of the kernel's bridges, of both together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from clos.controller.migrate.model import Network
from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.kernel_bridges import (
    VLAN,
    Came,
    Port,
    built,
    kernels_ports,
    our_ports,
    our_switch,
    running,
    settled,
)
from tests.support.stp_network import StpNetwork

QUIET = 20.0


class Found(NamedTuple):
    """``ports``: compared, of them ``ours`` of our bridges among the kernel's; ``differences`` in words."""

    ports: int
    ours: int
    differences: tuple[str, ...]


def tried(alone: Sequence[Network], mixed: Sequence[Network]) -> Found:
    """Build both, wait until they have converged, and compare. Every second bridge of ``mixed`` is ours."""
    ours = {name for network in mixed for name in list(network.devices)[::2]}
    with built((*alone, *mixed), ours) as namespace, running(namespace, mixed, ours) as process:
        links = settled(namespace)
        told, _ = process.communicate("\n", timeout=60)
    said = json.loads(told)
    differences: list[str] = []
    ports = own = 0
    for network in alone:
        kernel = kernels_ports(network, links)
        differences += _differ("predicted", predicted(network), kernel)
        differences += _differ("our machine", simulated(network), kernel)
        ports += len(kernel)
    for network in mixed:
        mine = our_ports(network, said)
        differences += _differ("predicted", predicted(network), mine | kernels_ports(network, links, ours))
        own += len(mine)
    return Found(ports, own, tuple(differences))


def predicted(network: Network) -> dict[Port, Came]:
    tree = predict(network, [VLAN])[VLAN]
    assert not tree.unknown, tree.unknown
    return {
        (device.name, name): Came(tree.root_port(device.name) == name, tree.layout.ports[device.name, name].state)
        for device in network.devices.values()
        for name in device.interfaces
    }


def simulated(network: Network) -> dict[Port, Came]:
    """Our machine on the same cables, in virtual time."""
    number = {
        (device.name, name): (device.name, n)
        for device in network.devices.values()
        for n, name in enumerate(device.interfaces, 1)
    }
    switches = {device.name: our_switch(device) for device in network.devices.values()}
    net = StpNetwork(switches, [(number[a], number[b]) for a, b in network.cables])
    net.start()
    net.settle(QUIET)
    turns = net.vlan(VLAN)
    return {port: Came(turns[end].role == "root", turns[end].state) for port, end in number.items()}


def _differ(who: str, expected: Mapping[Port, Came], seen: Mapping[Port, Came]) -> Iterator[str]:
    for port in sorted({*expected, *seen}):
        if expected.get(port) != seen.get(port):
            yield f"{' '.join(port)}: {who} {expected.get(port)}, on the wire {seen.get(port)}"
