"""The legacy bank as discovery would find it, made from its files: configurations, cables, and who is plugged where."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

from clos.controller.migrate.discover.config.device import read_config
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.model import (
    ArpEntry,
    Cable,
    Device,
    InterfaceState,
    MacEntry,
    Network,
    State,
)
from clos.controller.migrate.segmentation.hosts import virtual_mac
from clos.controller.migrate.segmentation.vlans import vlans
from clos.controller.migrate.simulated import read_network
from clos.fabric.sim.legacy.network import NetworkPlan

BANK = Path(__file__).parents[2] / "topologies" / "legacy-bank"


@cache
def bank() -> Network:
    """The bank: every host was heard, every table is full."""
    return discovered(read_network(BANK))


def discovered(plan: NetworkPlan) -> Network:
    """The network of a simulated one's files."""
    devices = {}
    for one in plan.devices:
        device, unparsed = read_config(one.name, without_secrets("\n".join(one.startup)))
        assert not unparsed
        devices[one.name] = _with_macs(replace(device, base_mac=one.hardware.mac, version="15.2(7)E8"))
    cables = tuple(sorted(Cable(*sorted(pair)) for pair in plan.cables))
    network = Network(devices, cables)
    return replace(network, devices={name: _with_tables(network, plan, device) for name, device in devices.items()})


def _with_macs(device: Device) -> Device:
    rows = tuple(
        InterfaceState(port.name, port.shutdown, not port.shutdown, device.base_mac)
        for port in device.interfaces.values()
    )
    return replace(device, state=State(interfaces=rows))


def _with_tables(network: Network, plan: NetworkPlan, device: Device) -> Device:
    arp, macs = [], []
    here = {vlan.number: vlan for vlan in vlans(network) if any(r.device == device.name for r in vlan.routers)}
    for host in plan.hosts:
        port = network.devices[host.port[0]].interfaces[host.port[1]]
        if host.address is None or port.mode != "access":
            continue
        if port.access_vlan in here:
            arp.append(ArpEntry(host.address, host.mac, f"Vlan{port.access_vlan}", 3))
        if host.port[0] == device.name:
            macs.append(MacEntry(port.access_vlan, host.mac, "dynamic", (port.name,)))
    for other in network.devices.values():
        for port in other.interfaces.values():
            number = int(port.name[4:]) if port.name.startswith("Vlan") else None
            if number in here and other.name != device.name:
                arp += [ArpEntry(a.ip, other.base_mac, port.name, 7) for a in port.addresses]
    for vlan in here.values():
        if vlan.group is not None:
            mac = virtual_mac(vlan.group.version, vlan.group.group)
            arp += [ArpEntry(IPv4Address(gateway), mac, f"Vlan{vlan.number}") for gateway in vlan.gateways]
    return replace(device, state=replace(device.state, arp=tuple(arp), macs=tuple(macs)))
