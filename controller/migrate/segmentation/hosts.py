"""The hosts of a legacy network: who has which address in which VLAN, and at which port; and who keeps silent.

Lives here: MAC tables, ARP tables, CDP and LLDP put together. Must not know: the fabric, policies. A host is an address
with a MAC address. What is known in part only is a sentence in ``silent``, never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from clos.controller.migrate.discover.names import mac_text
from clos.controller.migrate.model import Device, MacEntry, Network
from clos.controller.migrate.segmentation.vlans import Vlan, vlan_of

Port = tuple[str, str]
"""Device and interface."""

HOST, DEVICE, ROUTER, GATEWAY = "host", "device", "router", "gateway"
"""A machine; a legacy device's own address; a router's in one of its VLANs; a virtual address of HSRP."""


@dataclass(frozen=True, slots=True)
class Host:
    """An address with its MAC address. ``port``: where its cable is; None: not known, or behind a legacy device."""

    kind: str
    vlan: int
    address: IPv4Address
    mac: int
    port: Port | None = None
    device: str | None = None
    """The legacy device that it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """All hosts in the order of VLANs and addresses, and what is known of others."""

    hosts: tuple[Host, ...]
    silent: tuple[str, ...]


def hosts(network: Network, of: Iterable[Vlan]) -> Found:
    """Every address of the VLANs that somebody has."""
    return _Search(network, tuple(of)).found()


class _Search:
    """One look through a network's tables."""

    def __init__(self, network: Network, of: tuple[Vlan, ...]) -> None:
        self.network, self.vlans = network, {vlan.number: vlan for vlan in of}
        self.cabled = {end for cable in network.cables for end in cable} | _bundles(network)
        self.silent: list[str] = []
        self.own: dict[tuple[int, IPv4Address], Host] = {}
        self.seen: dict[tuple[int, IPv4Address], Host] = {}
        self.places = self._places()

    def found(self) -> Found:
        for vlan in self.vlans.values():
            self._routers(vlan)
        for device in self.network.devices.values():
            self._device(device)
        for device in self.network.devices.values():
            self._arp(device)
        self._macs()
        self._unread()
        everybody = sorted({**self.seen, **self.own}.values(), key=lambda host: (host.vlan, host.address))
        return Found(tuple(everybody), tuple(dict.fromkeys(self.silent)))

    def _places(self) -> dict[tuple[int, int], list[Port]]:
        """By VLAN and MAC address: ports that lead to no other device of the network."""
        places: dict[tuple[int, int], list[Port]] = {}
        for device in self.network.devices.values():
            for entry in device.state.macs or ():
                for port in entry.ports if self._counts(device, entry) else ():
                    if (device.name, port) not in self.cabled and port in device.interfaces:
                        places.setdefault((entry.vlan or 0, entry.mac), []).append((device.name, port))
        return places

    def _counts(self, device: Device, entry: MacEntry) -> bool:
        return entry.vlan in self.vlans and entry.mac not in (device.base_mac, *_own_macs(device))

    def _routers(self, vlan: Vlan) -> None:
        for router in vlan.routers:
            mac = self._mac_of(router.device, router.interface.name, router.address)
            for address in router.interface.addresses:
                self._add_own(ROUTER, vlan.number, address.ip, mac, router.device)
            for group in router.groups:
                virtual = virtual_mac(group.version, group.group, group.virtual_mac)
                for each in (group.address, *group.secondaries):
                    if each is not None:
                        self._add_own(GATEWAY, vlan.number, each, None if group.use_bia else virtual, None)

    def _device(self, device: Device) -> None:
        """A switch's address in a VLAN that others route."""
        for port in device.interfaces.values():
            number = vlan_of(port)
            if number in self.vlans and number is not None and not port.shutdown:
                for address in port.addresses:
                    if (number, address.ip) not in self.own:
                        mac = self._mac_of(device.name, port.name, address.ip)
                        self._add_own(DEVICE, number, address.ip, mac, device.name)

    def _add_own(self, kind: str, vlan: int, address: IPv4Address, mac: int | None, device: str | None) -> None:
        if mac is None:
            self.silent.append(f"VLAN {vlan}: {address} of {device or 'HSRP'} has no MAC address that is known")
        else:
            self.own.setdefault((vlan, address), Host(kind, vlan, address, mac, None, device))

    def _mac_of(self, device: str, interface: str, address: IPv4Address) -> int | None:
        """Of a device's own interface: as it says, as its neighbours' ARP tables say, or its base address."""
        own = self.network.devices[device]
        for state in own.state.interfaces or ():
            if state.name == interface and state.mac is not None:
                return state.mac
        if own.interfaces[interface].mac is not None:
            return own.interfaces[interface].mac
        for other in self.network.devices.values():
            for entry in other.state.arp or ():
                if entry.address == address and entry.mac is not None:
                    return entry.mac
        return own.base_mac

    def _arp(self, device: Device) -> None:
        for entry in device.state.arp or ():
            port = device.interfaces.get(entry.interface or "")
            number = vlan_of(port) if port else None
            if number not in self.vlans or number is None or (number, entry.address) in self.own:
                continue
            if entry.mac is None:
                self.silent.append(f"VLAN {number}: {entry.address} was asked for by {device.name} and did not answer")
                continue
            place = self._place(number, entry.mac, entry.address)
            before = self.seen.get((number, entry.address))
            if before is not None and before.mac != entry.mac:
                macs = f"{mac_text(before.mac)} and {mac_text(entry.mac)}"
                self.silent.append(f"VLAN {number}: {entry.address} has two MAC addresses, {macs}")
            self.seen.setdefault(
                (number, entry.address), Host(HOST, number, entry.address, entry.mac, place[0] if place else None)
            )

    def _place(self, vlan: int, mac: int, address: IPv4Address) -> list[Port]:
        places = self.places.get((vlan, mac), [])
        if not places:
            text = f"VLAN {vlan}: {address} ({mac_text(mac)}) is in ARP tables, and in no MAC table at a port for hosts"
            self.silent.append(text)
        if len(places) > 1:
            where = ", ".join(f"{device} {port}" for device, port in places)
            self.silent.append(f"VLAN {vlan}: {address} ({mac_text(mac)}) is at several ports: {where}")
        return places

    def _macs(self) -> None:
        """MAC addresses at ports for hosts that no ARP table has."""
        known = {(host.vlan, host.mac) for host in (*self.seen.values(), *self.own.values())}
        for (vlan, mac), places in sorted(self.places.items()):
            if (vlan, mac) not in known:
                device, port = places[0]
                self.silent.append(f"VLAN {vlan}: {mac_text(mac)} at {device} {port} has no address that is known")

    def _unread(self) -> None:
        """Ports for hosts that are up, and at which nobody was heard."""
        heard = {host.port for host in self.seen.values()} | {p for places in self.places.values() for p in places}
        for device in self.network.devices.values():
            up = {row.name for row in device.state.ports or () if row.status == "connected"}
            for port in device.interfaces.values():
                quiet = (device.name, port.name) not in heard and (device.name, port.name) not in self.cabled
                if port.name in up and quiet and port.access_vlan in self.vlans and port.mode == "access":
                    vlan = port.access_vlan
                    self.silent.append(f"VLAN {vlan}: {device.name} {port.name} is up, and nobody was heard there")


def virtual_mac(version: int, group: int, configured: int | None = None) -> int:
    """HSRP's MAC address: 0000.0c07.acXX (RFC 2281 §5.1), version 2: 0000.0c9f.fXXX."""
    if configured is not None:
        return configured
    return 0x0000_0C9F_F000 + group if version == 2 else 0x0000_0C07_AC00 + group


def _own_macs(device: Device) -> tuple[int, ...]:
    return tuple(state.mac for state in device.state.interfaces or () if state.mac is not None)


def _bundles(network: Network) -> set[Port]:
    """Port-channels whose members are cabled to devices of the network."""
    ends = {end for cable in network.cables for end in cable}
    return {
        (device.name, f"Port-channel{port.channel}")
        for device in network.devices.values()
        for port in device.interfaces.values()
        if port.channel is not None and (device.name, port.name) in ends
    }


def by_vlan(found: Iterable[Host]) -> Mapping[int, tuple[Host, ...]]:
    """Hosts by VLAN."""
    groups: dict[int, list[Host]] = {}
    for host in found:
        groups.setdefault(host.vlan, []).append(host)
    return {vlan: tuple(those) for vlan, those in groups.items()}
