"""Devices of a network with the trees that their tables would show."""

from __future__ import annotations

from dataclasses import replace

from clos.controller.migrate.model import Device, Network, State, StpPort, StpTree
from clos.controller.migrate.predict.spanning_tree import Tree


def shown(network: Network, trees: dict[int, Tree], device: Device) -> Device:
    """The device with the trees that its tables would show."""
    found = []
    for vlan, tree in trees.items():
        path = tree.layout.paths.get(device.name)
        if tree.unknown or path is None:
            continue
        root = network.devices[path.root]
        ports = tuple(
            StpPort(name, fate.role, fate.state, path.port.cost if path.port and path.port.name == name else 4, 128, 1)
            for (owner, name), fate in tree.layout.ports.items()
            if owner == device.name
        )
        numbers = [d.stp.priorities.get(vlan, 32768) + vlan for d in (root, device)]
        macs = [d.base_mac or 0 for d in (root, device)]
        root_port = path.port.name if path.port else None
        found.append(StpTree(vlan, "ieee", numbers[0], macs[0], numbers[1], macs[1], path.cost, root_port, ports))
    return replace(device, state=State(trees=tuple(found)))
