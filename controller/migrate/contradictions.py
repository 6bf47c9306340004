"""What cannot all be right in a discovered network: one check for each kind, in one table.

Lives here: sources held against one another (configuration, tables, neighbours). Must not know: how they were read. A
check is silent where a source was not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from clos.controller.migrate.addresses import is_virtual
from clos.controller.migrate.cables import names, peer
from clos.controller.migrate.consistency import access_lists, config_state
from clos.controller.migrate.link_ends import cable_ends, native_vlans, neighbors_agree, spanning_trees
from clos.controller.migrate.model import Contradiction, HsrpGroup, Network, Source

RUNNING = "show running-config"


def contradictions(network: Network) -> tuple[Contradiction, ...]:
    """All of them, by kind, then by device."""
    return tuple(
        sorted({finding for check in CHECKS for finding in check(network)}, key=lambda one: (one.kind, one.text))
    )


def mac_arp(network: Network) -> Iterator[Contradiction]:
    """An ARP entry whose MAC address the same device knows in other VLANs only."""
    for device in network.devices.values():
        if device.state.macs is None or device.state.arp is None:
            continue
        vlans: dict[int, set[int]] = {}
        for row in device.state.macs:
            if row.vlan is not None:
                vlans.setdefault(row.mac, set()).add(row.vlan)
        for entry in device.state.arp:
            if entry.mac is None or entry.age_min is None or not (entry.interface or "").startswith("Vlan"):
                continue
            vlan = int((entry.interface or "")[4:])
            seen = vlans.get(entry.mac, set())
            if seen and vlan not in seen:
                others = ", ".join(map(str, sorted(seen)))
                yield Contradiction(
                    "mac-arp",
                    f"{device.name}: {entry.address} is in VLAN {vlan} by ARP, its MAC address only in VLAN {others}",
                    (Source(device.name, "show ip arp"), Source(device.name, "show mac address-table")),
                )


def hsrp_standby(network: Network) -> Iterator[Contradiction]:
    """A group that is active without a standby router, or active twice."""
    active: dict[tuple[int, IPv4Address], list[str]] = {}
    for device in network.devices.values():
        for group in device.state.hsrp or ():
            if group.state != "Active" or group.address is None:
                continue
            active.setdefault((group.group, group.address), []).append(device.name)
            if group.standby is None:
                yield Contradiction(
                    "hsrp-no-standby",
                    f"{device.name}: {group.interface} group {group.group} ({group.address}) has no standby router",
                    (Source(device.name, "show standby"),),
                )
    for (number, address), devices in active.items():
        if len(devices) > 1:
            where = " and ".join(sorted(devices))
            sources = tuple(Source(name, "show standby") for name in sorted(devices))
            yield Contradiction("hsrp-two-active", f"group {number} ({address}) is active on {where}", sources)


def hsrp_pairs(network: Network) -> Iterator[Contradiction]:
    """A group that only one of two or more devices with the same subnet has, or that its members have differently."""
    groups: dict[tuple[str, int, str | None], list[tuple[str, HsrpGroup]]] = {}
    subnets: dict[tuple[str, str | None], set[str]] = {}
    for device in network.devices.values():
        for port in device.interfaces.values():
            for address in port.addresses[:1]:
                subnets.setdefault((str(address.network), port.vrf), set()).add(device.name)
                for group in port.hsrp:
                    key = str(address.network), group.group, port.vrf
                    groups.setdefault(key, []).append((device.name, group))
    for (subnet, number, vrf), members in groups.items():
        owners = sorted(name for name, _ in members)
        sources = tuple(Source(name, RUNNING) for name in owners)
        if len(members) == 1:
            others = sorted(subnets[subnet, vrf] - set(owners))
            beside = f", though {', '.join(others)} has the subnet too" if others else ""
            text = f"group {number} of {subnet} is configured on {owners[0]} only{beside}"
            yield Contradiction("hsrp-no-standby", text, sources)
            continue
        for field in ("address", "secondaries", "version", "hello_ms", "hold_ms", "authentication"):
            values = {name: getattr(group, field) for name, group in members}
            if len({_plain(value) for value in values.values()}) > 1:
                each = ", ".join(f"{name} {_plain(value)}" for name, value in sorted(values.items()))
                yield Contradiction("hsrp-differs", f"group {number} of {subnet}: {field}: {each}", sources)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(sorted(map(str, value))) or "none"
    return str(value) if value is not None else "none"


def eigrp(network: Network) -> Iterator[Contradiction]:
    """A neighbour that does not see us as its neighbour, though it was asked."""
    owners = {
        (address.ip, port.vrf): device
        for device in network.devices.values()
        for port in device.interfaces.values()
        for address in port.addresses
    }
    for device in network.devices.values():
        for row in device.state.eigrp_neighbors or ():
            other = owners.get((row.address, row.vrf))
            port = device.interfaces.get(row.interface)
            if other is None or port is None or other.state.eigrp_neighbors is None:
                continue
            ours = {address.ip for address in port.addresses}
            if not any(back.address in ours and back.vrf == row.vrf for back in other.state.eigrp_neighbors):
                yield Contradiction(
                    "eigrp-asymmetric",
                    f"{device.name} has the EIGRP neighbour {row.address} ({other.name}) on {row.interface}, "
                    f"{other.name} does not have {device.name}",
                    (Source(device.name, "show ip eigrp neighbors"), Source(other.name, "show ip eigrp neighbors")),
                )


def duplicate_addresses(network: Network) -> Iterator[Contradiction]:
    """An address that two interfaces have, or that ARP tables give two MAC addresses."""
    owners: dict[tuple[IPv4Address, str | None], list[tuple[str, str]]] = {}
    for device in network.devices.values():
        for port in device.interfaces.values():
            for address in () if port.shutdown else port.addresses:
                owners.setdefault((address.ip, port.vrf), []).append((device.name, port.name))
    for (shared, _), ends in owners.items():
        if len(ends) > 1:
            where = " and ".join(f"{name} {port}" for name, port in sorted(ends))
            yield Contradiction(
                "duplicate-address",
                f"{shared} is on {where}",
                tuple(Source(name, RUNNING) for name, _ in sorted(ends)),
            )
    yield from _two_macs(network)


def _two_macs(network: Network) -> Iterator[Contradiction]:
    macs: dict[tuple[IPv4Address, str | None, str | None], dict[int, str]] = {}
    for device in network.devices.values():
        for entry in device.state.arp or ():
            if entry.mac is not None and not is_virtual(entry.mac):
                macs.setdefault((entry.address, entry.vrf, entry.interface), {}).setdefault(entry.mac, device.name)
    for (address, _, interface), seen in macs.items():
        if len(seen) > 1:
            each = ", ".join(f"{mac:012x} on {name}" for mac, name in sorted(seen.items()))
            yield Contradiction(
                "duplicate-address",
                f"{address} ({interface}) has {len(seen)} MAC addresses: {each}",
                tuple(Source(name, "show ip arp") for name in sorted(set(seen.values()))),
            )


def undiscovered(network: Network) -> Iterator[Contradiction]:
    """A bridge or router that CDP or LLDP names as a switch or router, and that was not discovered."""
    known = names(network)
    for device in network.devices.values():
        for row in device.state.neighbors or ():
            infrastructure = {"Switch", "B", "S"} & set(row.capabilities) and "Phone" not in row.capabilities
            if infrastructure and "T" not in row.capabilities and peer(known, row) is None:
                yield Contradiction(
                    "not-discovered",
                    f"{device.name}: {row.interface} leads to {row.device} {row.port}, which was not discovered",
                    (Source(device.name, f"show {row.protocol} neighbors detail"),),
                )


CHECKS: tuple[Callable[[Network], Iterator[Contradiction]], ...] = (
    neighbors_agree,
    spanning_trees,
    cable_ends,
    native_vlans,
    mac_arp,
    config_state,
    access_lists,
    hsrp_standby,
    hsrp_pairs,
    eigrp,
    duplicate_addresses,
    undiscovered,
)
"""One function for each kind."""
