"""The networks behind a legacy network's SVIs: subnets, gateway, routers, and the access lists at its edge.

Lives here: which interfaces make a network, and its name. Must not know: hosts, policies. A device routes where it has
addresses in more than one subnet (loopbacks aside); a switch with one SVI is a host of that VLAN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from clos.controller.migrate.model import Device, HsrpGroup, Interface, Network

_GENERIC = re.compile(r"VLAN\d{4}|default", re.IGNORECASE)
_SVI = re.compile(r"Vlan(\d+)")


@dataclass(frozen=True, slots=True)
class Router:
    """A router's interface in a VLAN."""

    device: str
    interface: Interface

    @property
    def address(self) -> IPv4Address:
        """The primary address."""
        return self.interface.addresses[0].ip

    @property
    def groups(self) -> tuple[HsrpGroup, ...]:
        """HSRP groups of version 1 or 2 with an address."""
        return tuple(group for group in self.interface.hsrp if group.address is not None)


@dataclass(frozen=True, slots=True)
class Vlan:
    """A VLAN with routers in it. ``subnets``: the primary one first. ``gateway``: what hosts send to.

    ``between_routers``: there is nobody but routers, which speak EIGRP across it.
    """

    number: int
    name: str
    description: str
    subnets: tuple[IPv4Network, ...]
    gateways: tuple[IPv4Address, ...]
    """By subnet."""
    routers: tuple[Router, ...]
    between_routers: bool = False

    @property
    def group(self) -> HsrpGroup | None:
        """The HSRP group of its first router."""
        groups = [group for router in self.routers for group in router.groups]
        return groups[0] if groups else None


def vlan_of(interface: Interface) -> int | None:
    """The VLAN of an SVI or of a subinterface; None: it is neither."""
    svi = _SVI.fullmatch(interface.name)
    return int(svi[1]) if svi else interface.encapsulation_vlan


def slug(text: str) -> str:
    """A text as a name: ``BRANCH-SERVICES`` -> ``branch-services``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-")


def routes(device: Device) -> bool:
    """Whether the device has addresses in more than one subnet, loopbacks and shut interfaces aside."""
    nets = {
        address.network
        for port in device.interfaces.values()
        if not port.shutdown and not port.name.startswith("Loopback")
        for address in port.addresses
    }
    return len(nets) > 1


def vlans(network: Network) -> tuple[Vlan, ...]:
    """Every VLAN that routers have an address in, in the order of their numbers."""
    found: dict[int, list[Router]] = {}
    for device in network.devices.values():
        for port in device.interfaces.values() if routes(device) else ():
            number = vlan_of(port)
            if number is not None and port.addresses and not port.shutdown:
                found.setdefault(number, []).append(Router(device.name, port))
    named = _names(network, found)
    return tuple(_vlan(network, number, named[number], tuple(found[number])) for number in sorted(found))


def _names(network: Network, found: Mapping[int, list[Router]]) -> dict[int, str]:
    """A name for each VLAN: its own, else its SVI's description, else its number; none twice."""
    names: dict[int, str] = {}
    for number, routers in sorted(found.items()):
        own = (device.vlans.get(number, "") for device in network.devices.values())
        candidates = [name for name in own if name and not _GENERIC.fullmatch(name)]
        candidates += [router.interface.description for router in routers]
        slugs = [slug(text) for text in candidates if slug(text)]
        name = slugs[0] if slugs and slugs[0][0].isalnum() else f"vlan{number}"
        names[number] = name if name not in names.values() else f"{name}-{number}"
    return names


def _vlan(network: Network, number: int, name: str, routers: tuple[Router, ...]) -> Vlan:
    subnets = tuple(dict.fromkeys(a.network for router in routers for a in router.interface.addresses))
    described = next((r.interface.description for r in routers if r.interface.description), "")
    gateways = tuple(_gateway(subnet, routers) for subnet in subnets)
    return Vlan(number, name, described, subnets, gateways, routers, _between(network, routers))


def _gateway(subnet: IPv4Network, routers: Iterable[Router]) -> IPv4Address:
    """The virtual address in the subnet, else the first router's own."""
    own = [a.ip for router in routers for a in router.interface.addresses if a.network == subnet]
    for router in routers:
        for group in router.groups:
            for address in (group.address, *group.secondaries):
                if address is not None and address in subnet:
                    return address
    return own[0]


def _between(network: Network, routers: tuple[Router, ...]) -> bool:
    """Two routers or more without HSRP, each with EIGRP that is not passive there."""
    return len(routers) > 1 and all(
        not router.groups and _speaks_eigrp(network.devices[router.device], router.interface) for router in routers
    )


def _speaks_eigrp(device: Device, port: Interface) -> bool:
    for process in device.eigrp:
        covered = any(port.addresses[0].ip in net for net in process.networks)
        own = port.eigrp.get(process.asn)
        passive = own.passive if own and own.passive is not None else port.name in process.passive
        if process.passive_default and port.name not in process.active and not (own and own.passive is False):
            passive = True
        if covered and not passive:
            return True
    return False
