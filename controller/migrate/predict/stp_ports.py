"""Which ports of a device spanning trees run on, and with which numbers: costs, priorities, identifiers.

Lives here: from a device's values to its tree ports. A port-channel is one port; its members are none. Must not know:
cables, other devices, trees. What is configured counts before what was observed, and that before what the name says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from clos.controller.migrate.model import ACCESS, DYNAMIC, EVERY_VLAN, MST, TRUNK, Device, Interface, StpPort

SHORT_COSTS = {10: 100, 16: 62, 45: 39, 100: 19, 155: 14, 200: 12, 622: 6, 1_000: 4, 10_000: 2}
"""By Mbit/s (IEEE 802.1D-1998 table 8-5, and Cisco's for 10 Gbit/s and two bundled Fast Ethernets)."""
SPEEDS = {
    "Ethernet": 10,
    "FastEthernet": 100,
    "GigabitEthernet": 1_000,
    "TenGigabitEthernet": 10_000,
    "FortyGigabitEthernet": 40_000,
    "HundredGigE": 100_000,
}
"""Mbit/s by the name of an interface, where nothing else says how fast it is."""
VIRTUAL = ("Vlan", "Loopback", "Tunnel", "Null", "BVI", "Nve")
NO_ETHERNET = frozenset(range(1002, 1006))
"""VLANs that IOS keeps for FDDI and Token Ring (``act/unsup``): no Ethernet port carries them."""
NOT_DESIGNATED = frozenset({"root", "alternate", "backup", "master"})


class Cost(NamedTuple):
    """A path cost; ``assumed``: what it was concluded from, where neither configuration nor device says it."""

    value: int
    assumed: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class End:
    """A switch port or port-channel that trees run on. ``vlans``: those it carries and the device has trees for."""

    device: Device
    port: Interface
    members: tuple[Interface, ...]
    trunk: bool | None
    """None: DTP negotiates it, and nobody knows with what result."""
    native: int
    vlans: frozenset[int]
    number: int
    observed: Mapping[int, StpPort] = field(default_factory=dict)
    key: tuple[str, str] = field(init=False)
    """Device and name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.device.name, self.port.name))

    def __str__(self) -> str:
        return f"{self.device.name} {self.port.name}"

    @property
    def edge(self) -> bool:
        """PortFast: configured for this kind of port, or by default on an access port (``spanning-tree portfast``)."""
        said = self.port.stp.portfast
        if said is None:
            return self.device.stp.portfast_default and not self.trunk
        return said == "trunk" or (said == "edge" and not self.trunk)

    @property
    def bpdu_guard(self) -> bool:
        said = self.port.stp.bpdu_guard
        return self.device.stp.bpdu_guard_default and self.edge if said is None else said

    @property
    def bpdu_filter(self) -> bool:
        """Configured on the port. The default filter of PortFast ports ends with the first BPDU they hear."""
        return bool(self.port.stp.bpdu_filter)

    @property
    def guard(self) -> str | None:
        said = self.port.stp.guard
        if said is None:
            return "loop" if self.device.stp.loop_guard_default else None
        return None if said == "none" else said

    @property
    def by_vlan(self) -> bool:
        """Whether cost or priority may differ between VLANs."""
        return bool(self.observed or self.port.stp.costs.keys() - {0} or self.port.stp.priorities.keys() - {0})

    def cost(self, vlan: int) -> Cost | None:
        """What the port adds to a path; None: nothing says it."""
        costs, seen = self.port.stp.costs, self.observed.get(vlan)
        said = costs.get(vlan, costs.get(0))
        if said is not None:
            return Cost(said)
        if seen is not None:
            return Cost(seen.cost)
        return self._cost_of_speed()

    def identity(self, vlan: int) -> tuple[int, bool]:
        """The port identifier, and whether its number is assumed."""
        priorities, seen = self.port.stp.priorities, self.observed.get(vlan)
        observed = 128 if seen is None else seen.priority
        priority = priorities.get(vlan, priorities.get(0, observed))
        known = seen or next(iter(self.observed.values()), None)
        return priority << 8 | (self.number if known is None else known.number), known is None

    def _cost_of_speed(self) -> Cost | None:
        speeds = [(port.speed_mbps, _speed_of(port.name)) for port in self.members]
        mbps = sum(said or named or 0 for said, named in speeds)
        if not mbps:
            return None
        source = "speed" if all(said for said, _ in speeds) else "name"
        if self.device.stp.long_costs or self.device.stp.mode == MST:
            value: int | None = max(1, 20_000_000 // mbps)
        elif mbps >= 20_000:
            value = 1
        else:
            value = 3 if len(speeds) > 1 and 2_000 <= mbps <= 8_000 else SHORT_COSTS.get(mbps)
        return None if value is None else Cost(value, f"the cost of {self} is taken from its {source}")


def ends(device: Device) -> tuple[End, ...]:
    """The device's ports that may be in trees: neither shut down, nor down, nor routed, in the order of names."""
    bundles: dict[int, list[Interface]] = {}
    for port in device.interfaces.values():
        if port.channel is not None and _up(port):
            bundles.setdefault(port.channel, []).append(port)
    ports = sorted(device.interfaces.values(), key=lambda port: natural(port.name))
    seen = _observed(device)
    known = trees(device)
    found = []
    for number, port in enumerate(ports, 1):
        bundle = channel_number(port.name)
        members = (port,) if bundle is None else tuple(bundles.get(bundle, ()))
        if _bridges(port) and _up(port) and members and not _in_bundle(device, port):
            found.append(_end(device, port, members, number, known, seen.get(port.name, {})))
    return tuple(found)


def _end(
    device: Device, port: Interface, members: tuple[Interface, ...], number: int, known: frozenset[int],
    seen: Mapping[int, StpPort],
) -> End:  # fmt: skip
    trunk: bool | None = {TRUNK: True, ACCESS: False}.get(port.mode or "")
    native, allowed = port.native_vlan, port.allowed
    if trunk is None:
        trunk, native, allowed = _negotiated(device, port)
    if trunk is None:
        vlans = known
    elif trunk:
        vlans = known & (EVERY_VLAN if allowed is None else allowed)
    else:
        native, vlans = port.access_vlan, known & {port.access_vlan}
    return End(device, port, members, trunk, native, vlans, number, seen)


def _negotiated(device: Device, port: Interface) -> tuple[bool | None, int, frozenset[int] | None]:
    """What DTP made of a dynamic port, as far as the device's tables say: one that is in several trees is a trunk."""
    for row in device.state.trunks or ():
        if row.name == port.name:
            return row.status in ("trunking", "trnk-bndl"), row.native_vlan, row.allowed
    in_trees = sum(any(row.name == port.name for row in tree.ports) for tree in device.state.trees or ())
    return True if in_trees > 1 else None, port.native_vlan, port.allowed


def trees(device: Device) -> frozenset[int]:
    """The VLANs that the device runs a tree for."""
    state = device.state
    known = set(device.vlans) | set(state.vlans or ()) | {tree.vlan for tree in state.trees or ()} | {1}
    return (frozenset(known) - device.stp.disabled - NO_ETHERNET) & EVERY_VLAN


def bridge_priorities(device: Device) -> Callable[[int], int]:
    """The priority in a VLAN's bridge identifier, with the VLAN in it (system id extension).

    What is configured; what the device shows where the configuration is silent, or where it adds no VLAN; else 32768.
    """
    said, shown = device.stp.priorities, {tree.vlan: tree.bridge_priority for tree in device.state.trees or ()}

    def of(vlan: int) -> int:
        wanted = said.get(vlan)
        if vlan in shown and wanted in (None, shown[vlan]):
            return shown[vlan]
        return (32768 if wanted is None else wanted) + vlan

    return of


def bridge_mac(device: Device) -> int | None:
    """The address in the device's bridge identifiers; None: unknown."""
    return next((tree.bridge_mac for tree in device.state.trees or ()), device.base_mac)


def channel_number(name: str) -> int | None:
    """The number of a port-channel; None: another interface."""
    found = re.fullmatch(r"[Pp]ort-channel(\d+)", name)
    return int(found[1]) if found else None


def end_name(device: Device, interface: str) -> str:
    """The port that trees know a cabled interface by: its port-channel, or itself."""
    port = device.interfaces.get(interface)
    return next((p.name for p in device.interfaces.values() if port and _bundles(p, port)), interface)


def natural(name: str) -> tuple[object, ...]:
    """Names in the order people count ports in."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name))


def _bundles(port: Interface, member: Interface) -> bool:
    return member.channel is not None and channel_number(port.name) == member.channel


def _in_bundle(device: Device, port: Interface) -> bool:
    return port.channel is not None and any(_bundles(other, port) for other in device.interfaces.values())


def _bridges(port: Interface) -> bool:
    return port.mode in (ACCESS, TRUNK, DYNAMIC) and not port.name.startswith(VIRTUAL)


def _up(port: Interface) -> bool:
    return not port.shutdown and port.up is not False


def _speed_of(name: str) -> int | None:
    return SPEEDS.get(re.split(r"\d", name, maxsplit=1)[0])


def _observed(device: Device) -> dict[str, dict[int, StpPort]]:
    found: dict[str, dict[int, StpPort]] = {}
    for tree in device.state.trees or ():
        for port in tree.ports:
            found.setdefault(port.name, {})[tree.vlan] = port
    return found
