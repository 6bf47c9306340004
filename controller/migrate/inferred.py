"""Cables that no neighbor protocol names, inferred from spanning trees and MAC tables; each with what it rests on.

Lives here: which port must be at the other end of a root port. Must not know: how outputs are read, predictions.

What a bridge pays to its root is the cost of its root port and what the designated bridge there pays (IEEE 802.1D-2004
§17.18). Where one discovered bridge with the same root pays exactly the rest, and designates one free port only in all
the VLANs in question (or heard our own MAC address at one only), that port is at the other end. A bridge that is
itself the root leaves no room for another between the two; otherwise we must have heard its MAC address at our port.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from clos.controller.migrate.addresses import is_virtual
from clos.controller.migrate.model import DESIGNATED, Cable, Device, Inferred, Network, StpTree

Port = tuple[str, str]


def inferred(network: Network, taken: Iterable[Port]) -> tuple[Inferred, ...]:
    """Cables between ports that are in none so far; a port that two of them would need is in none."""
    facts = _Facts(network, frozenset(_with_channels(network, taken)))
    found: dict[Cable, str] = {}
    while new := _round(facts):
        found |= new
        facts.taken |= {end for cable in new for end in cable}
    return tuple(Inferred(cable, reason) for cable, reason in sorted(found.items()))


def _with_channels(network: Network, taken: Iterable[Port]) -> Iterator[Port]:
    """The ports, and the port-channels of those that are bundled: trees know these alone."""
    for name, port in taken:
        yield name, port
        device = network.devices.get(name)
        channel = device.interfaces[port].channel if device and port in device.interfaces else None
        if channel is not None:
            yield name, f"Port-channel{channel}"


def _round(facts: _Facts) -> dict[Cable, str]:
    """What can be inferred of the ports that are free; those that it takes leave others fewer candidates."""
    found: dict[Cable, str] = {}
    for device in facts.devices.values():
        for port, vlans in facts.root_ports(device).items():
            guess = facts.other_end(device, port, vlans)
            if guess is not None:
                end, reason = guess
                found.setdefault(Cable(*sorted(((device.name, port), end))), reason)
    uses = Counter(end for cable in found for end in cable)
    return {cable: reason for cable, reason in found.items() if all(uses[end] == 1 for end in cable)}


class _Facts:
    """Trees by device and VLAN, the devices' own MAC addresses, and where others heard them."""

    def __init__(self, network: Network, taken: frozenset[Port]) -> None:
        self.taken = taken
        self.devices = {device.name: device for device in network.devices.values() if device.state.trees}
        self.trees = {
            name: {tree.vlan: tree for tree in device.state.trees or ()} for name, device in self.devices.items()
        }
        self.heard = _heard(self.devices)

    def root_ports(self, device: Device) -> Mapping[str, list[int]]:
        """The device's root ports without a cable, each with the VLANs that it is the root port of."""
        found: dict[str, list[int]] = defaultdict(list)
        for tree in device.state.trees or ():
            if tree.root_port is not None and (device.name, tree.root_port) not in self.taken:
                found[tree.root_port].append(tree.vlan)
        return found

    def other_end(self, device: Device, port: str, vlans: list[int]) -> tuple[Port, str] | None:
        """The port that alone fits, and what says so."""
        others = (name for name in self.devices if name != device.name)
        fits = [(name, own) for name in others if (own := self._above(device, port, name, vlans))]
        if len(fits) != 1:
            return None
        name, own = fits[0]
        heard = port in self.heard.get((device.name, name), ())
        if not heard and any(not self.trees[name][vlan].is_root for vlan in own):
            return None
        candidates = self._designated(name, own)
        seen = candidates & self.heard.get((name, device.name), frozenset())
        chosen = seen if len(seen) == 1 else candidates if len(candidates) == 1 else frozenset()
        if not chosen:
            return None
        both = ", and each hears the other's MAC address there" if heard and seen else ""
        many = f"VLAN {own[0]}" if len(own) == 1 else f"{len(own)} VLANs"
        return (name, min(chosen)), f"the costs to the root in {many}{both}"

    def _above(self, device: Device, port: str, name: str, vlans: list[int]) -> list[int]:
        """The VLANs of a root port in which the other bridge pays what is left of the cost to the same root."""
        found = []
        for vlan in vlans:
            here, there = self.trees[device.name][vlan], self.trees[name].get(vlan)
            if there is None or _root(here) != _root(there):
                continue
            cost = next((row.cost for row in here.ports if row.name == port), None)
            if cost is not None and here.root_cost - cost == there.root_cost:
                found.append(vlan)
        return found

    def _designated(self, name: str, vlans: list[int]) -> frozenset[str]:
        """Free ports that a bridge designates in all these VLANs; an edge port may lead to a bridge, too."""
        sets = [{row.name for row in self.trees[name][vlan].ports if row.role == DESIGNATED} for vlan in vlans]
        common = set.intersection(*sets) if sets else set()
        return frozenset(port for port in common if (name, port) not in self.taken)


def _root(tree: StpTree) -> tuple[int, int]:
    return tree.root_priority, tree.root_mac


def _heard(devices: Mapping[str, Device]) -> Mapping[tuple[str, str], frozenset[str]]:
    """(who, whom) -> the ports at which a device learned an address that is another device's alone."""
    owners: dict[int, set[str]] = defaultdict(set)
    for device in devices.values():
        for mac in _own_macs(device):
            owners[mac].add(device.name)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for device in devices.values():
        for row in device.state.macs or ():
            owner = owners.get(row.mac, set())
            if row.kind == "dynamic" and len(owner) == 1 and len(row.ports) == 1 and device.name not in owner:
                found[device.name, next(iter(owner))].add(row.ports[0])
    return {key: frozenset(ports) for key, ports in found.items()}


def _own_macs(device: Device) -> Iterator[int]:
    yield from (tree.bridge_mac for tree in device.state.trees or ())
    entries = (entry.mac for entry in device.state.arp or () if entry.age_min is None)
    yield from (mac for mac in entries if mac is not None and not is_virtual(mac))
    yield from (port.mac for port in device.interfaces.values() if port.mac is not None)
