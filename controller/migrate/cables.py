"""Cables of a legacy network: from what CDP and LLDP heard, and from descriptions where both ends name each other.

Lives here: whose name is whose. Must not know: how outputs are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from clos.controller.migrate.model import Cable, Device, Neighbor, Network

Port = tuple[str, str]


def same_name(text: str) -> str:
    """A device's name without its domain, serial number and case: what CDP and LLDP add to it."""
    return re.sub(r"\(.*\)$", "", text.strip()).split(".")[0].lower()


def names(network: Network) -> dict[str, str]:
    """Every name that a neighbour may give a device -> the device's name here; what two devices share is left out."""
    found: dict[str, set[str]] = {}
    for device in network.devices.values():
        for text in (device.name, device.hostname):
            if text:
                found.setdefault(same_name(text), set()).add(device.name)
    return {text: min(owners) for text, owners in found.items() if len(owners) == 1}


def peer(network_names: Mapping[str, str], neighbor: Neighbor) -> Port | None:
    """The discovered port that a neighbour is; None: of no discovered device."""
    owner = network_names.get(same_name(neighbor.device))
    return (owner, neighbor.port) if owner else None


def cables(network: Network) -> tuple[Cable, ...]:
    """All cables between discovered devices, each once."""
    known = names(network)
    heard = {
        cable((device.name, neighbor.interface), end)
        for device in network.devices.values()
        for neighbor in device.state.neighbors or ()
        if (end := peer(known, neighbor)) is not None and neighbor.interface
    }
    used = {end for one in heard for end in one}
    described = {one for one in _described(network, known) if not used & set(one)}
    return tuple(sorted(heard | described))


def cable(one: Port, other: Port) -> Cable:
    """A cable, its lesser end first."""
    return Cable(*sorted((one, other)))


def _described(network: Network, known: Mapping[str, str]) -> Iterator[Cable]:
    """Cables of which both ends' descriptions name the other device, and one pair of ports fits."""
    named = {
        (device.name, port.name): owners
        for device in network.devices.values()
        for port in device.interfaces.values()
        if physical(port.name) and (owners := _owners(device, port.description, known))
    }
    for here, there in named.items():
        back = [end for end, owner in named.items() if end[0] == there and owner == here[0]]
        forth = [end for end, owner in named.items() if end[0] == here[0] and owner == there]
        if len(back) == len(forth) == 1:
            yield cable(here, back[0])


def _owners(device: Device, description: str, known: Mapping[str, str]) -> str | None:
    words = {known[word] for word in re.findall(r"[\w-]+", description.lower()) if word in known}
    others = words - {device.name}
    return others.pop() if len(others) == 1 else None


def physical(name: str) -> bool:
    """Whether an interface is a port that a cable can be in."""
    return re.match(r"(Vlan|Loopback|Tunnel|Port-channel|Null|BDI|BVI|.*\.\d)", name) is None
