"""Which router will be active and which standby in each HSRP group of a network.

Lives here: the outcome of the election when all routers start together (RFC 2281 §5.1): the highest priority, then the
highest address. Must not know: the protocol's machine. Without preemption a router that started earlier stays active;
such groups are marked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import HsrpGroup, Interface, Network

_TRACKED = re.compile(r"interface (\S+) (?:line-protocol|ip routing)")


class Member(NamedTuple):
    """A router in a group, with its priority less what is tracked and down."""

    priority: int
    address: IPv4Address
    device: str
    interface: str


class Gateway(NamedTuple):
    """A group as it will be. ``settled``: the outcome does not depend on who started first."""

    subnet: IPv4Network
    version: int
    group: int
    address: IPv4Address | None
    active: Member
    standby: Member | None
    others: tuple[Member, ...]
    settled: bool
    problems: tuple[str, ...]


def predict_gateways(network: Network, down: Collection[tuple[str, str]] = ()) -> tuple[Gateway, ...]:
    """Every group's routers. ``down``: tracked objects or interfaces that are down, by device, beside those of ports
    that are down."""
    down = {*down, *_tracked_down(network)}
    groups: dict[tuple[IPv4Network, int, int], list[tuple[Member, HsrpGroup]]] = defaultdict(list)
    for device in network.devices.values():
        for interface in device.interfaces.values():
            for group in interface.hsrp:
                if _runs(interface):
                    lost = sum(less for name, less in group.tracks if (device.name, name) in down)
                    address = interface.addresses[0]
                    member = Member(max(0, group.priority - lost), address.ip, device.name, interface.name)
                    groups[address.network, group.version, group.group].append((member, group))
    return tuple(_gateway(*key, members) for key, members in sorted(groups.items()))


def _tracked_down(network: Network) -> Iterator[tuple[str, str]]:
    """Interfaces that are down, or whose cable's far end is; and the tracked objects that are such an interface."""
    dead = {(d.name, i.name) for d in network.devices.values() for i in d.interfaces.values() if _dead(i)}
    dead |= {end for cable in network.cables for end, far in ((cable.a, cable.b), (cable.b, cable.a)) if far in dead}
    yield from dead
    for device in network.devices.values():
        for number, words in device.tracks.items():
            match = _TRACKED.match(words[0]) if words else None
            if match and (device.name, interface_name(match[1])) in dead:
                yield device.name, number


def _dead(interface: Interface) -> bool:
    return interface.shutdown or interface.up is False


def _runs(interface: Interface) -> bool:
    return not interface.shutdown and interface.up is not False and bool(interface.addresses)


def _gateway(subnet: IPv4Network, version: int, group: int, of: list[tuple[Member, HsrpGroup]]) -> Gateway:
    ranked = sorted(of, key=lambda pair: pair[0][:2], reverse=True)
    members = [member for member, _ in ranked]
    addresses = sorted({g.address for _, g in of if g.address is not None})
    problems = []
    if len(addresses) > 1:
        problems.append(f"routers have different virtual addresses: {', '.join(map(str, addresses))}")
    if len({g.authentication for _, g in of}) > 1:
        problems.append("authentication differs: routers do not hear each other, and several may be active")
    if not addresses:
        problems.append("no router has the virtual address: the group stays in state Learn")
    if len(of) == 1:
        problems.append("there is no standby router")
    own = next((g.address for _, g in ranked if g.address is not None), None)
    settled = len(of) == 1 or ranked[0][1].preempt
    standby = members[1] if len(members) > 1 else None
    return Gateway(subnet, version, group, own, members[0], standby, tuple(members[2:]), settled, tuple(problems))
