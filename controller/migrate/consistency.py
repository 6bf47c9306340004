"""Contradictions within one device: its configuration against its tables, and against itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import MST, RAPID_PVST, TRUNK, Contradiction, Device, Network, Source

RUNNING = "show running-config"


def config_state(network: Network) -> Iterator[Contradiction]:
    """Where a table shows something else than the configuration asks for."""
    for device in network.devices.values():
        if not device.interfaces:
            continue
        for check in (_trunks, _channels, _trees, _hsrp, _up, _svis, _name):
            for command, text in check(device):
                sources = Source(device.name, RUNNING), Source(device.name, command)
                yield Contradiction("config-state", f"{device.name}: {text}", sources if command else sources[:1])


Found = Iterator[tuple[str, str]]
"""(command, text)."""


def _trunks(device: Device) -> Found:
    command = "show interfaces trunk"
    for trunk in device.state.trunks or ():
        port = device.interfaces.get(trunk.name)
        if port is None or port.mode != TRUNK:
            continue
        if port.native_vlan != trunk.native_vlan:
            yield command, f"{trunk.name} is configured with native VLAN {port.native_vlan}, it has {trunk.native_vlan}"
        if port.allowed is not None and trunk.allowed and port.allowed != trunk.allowed:
            yield (
                command,
                (f"{trunk.name} is configured for VLAN {vlan_text(port.allowed)}, carries {vlan_text(trunk.allowed)}"),
            )
    trunking = {trunk.name for trunk in device.state.trunks or ()}
    for port in device.interfaces.values():
        expected = port.mode == TRUNK and port.up and port.channel is None
        if device.state.trunks is not None and expected and port.name not in trunking:
            yield command, f"{port.name} is configured as a trunk and up, and it does not trunk"


def _channels(device: Device) -> Found:
    if device.state.channels is None:
        return
    members = {name: (row.number, flags) for row in device.state.channels for name, flags in row.members}
    for port in device.interfaces.values():
        if port.channel is None or port.shutdown:
            continue
        number, flags = members.get(port.name, (None, ""))
        command = "show etherchannel summary"
        if number != port.channel:
            yield command, f"{port.name} is configured in Port-channel{port.channel}, and is not a member of it"
        elif "P" not in flags:
            yield command, f"{port.name} is a member of Port-channel{port.channel}, and not bundled (flags {flags})"


def _trees(device: Device) -> Found:
    command = "show spanning-tree"
    protocols = {RAPID_PVST: "rstp", MST: "mstp"}
    silent: dict[int, list[int]] = {}
    for tree in device.state.trees or ():
        asked = protocols.get(device.stp.mode, "ieee")
        if tree.protocol != asked:
            yield command, f"VLAN {tree.vlan} runs {tree.protocol}, configured is {device.stp.mode}"
        if tree.vlan in device.stp.disabled:
            yield command, f"VLAN {tree.vlan} has a spanning tree, configured is none"
        priority = device.stp.priorities.get(tree.vlan)
        if priority is not None and tree.bridge_priority not in {priority, priority + tree.vlan}:
            yield command, f"VLAN {tree.vlan} is configured with priority {priority}, it has {tree.bridge_priority}"
        usual = {32768, 32768 + tree.vlan, tree.vlan}
        if priority is None and tree.protocol != "mstp" and tree.bridge_priority not in usual:
            silent.setdefault(tree.bridge_priority - tree.vlan, []).append(tree.vlan)
        for port in tree.ports:
            own = device.interfaces.get(port.name)
            cost = own.stp.costs.get(tree.vlan, own.stp.costs.get(0)) if own else None
            if cost is not None and port.cost and cost != port.cost:
                yield command, f"VLAN {tree.vlan}: {port.name} is configured with cost {cost}, it has {port.cost}"
            if port.inconsistent:
                yield command, f"VLAN {tree.vlan}: {port.name} is held by a guard: {port.inconsistent}"
    for number, vlans in sorted(silent.items()):
        yield command, f"VLANs {vlan_text(vlans)} have priority {number}, the configuration has none"


def _hsrp(device: Device) -> Found:
    if device.state.hsrp is None:
        return
    states = {(row.interface, row.group): row for row in device.state.hsrp}
    configured: dict[tuple[str, int], Any] = {
        (port.name, group.group): group for port in device.interfaces.values() for group in port.hsrp
    }
    command = "show standby"
    for (interface, number), group in configured.items():
        row = states.get((interface, number))
        if row is None:
            yield command, f"{interface} group {number} is configured, and not shown"
            continue
        if group.address is not None and row.address is not None and group.address != row.address:
            yield command, f"{interface} group {number} is configured with {group.address}, it has {row.address}"
        if row.secondaries and set(row.secondaries) != set(group.secondaries):
            yield command, f"{interface} group {number} has other secondary addresses than configured"
        if row.priority is not None and row.priority != group.priority and not group.tracks:
            yield (
                command,
                (f"{interface} group {number} is configured with priority {group.priority}, it has {row.priority}"),
            )
    for interface, number in states.keys() - configured.keys():
        yield command, f"{interface} group {number} is shown, and not configured"


def _up(device: Device) -> Found:
    for port in device.interfaces.values():
        if port.shutdown and port.up:
            yield "show interfaces", f"{port.name} is configured as shut down, and it is up"


def _svis(device: Device) -> Found:
    """An SVI needs its VLAN; of a device that learns VLANs by VTP only the table of VLANs says which there are."""
    vlans = device.state.vlans
    if vlans is None and device.vlans and device.vtp_mode in {"transparent", "off"}:
        vlans = device.vlans
    for port in device.interfaces.values() if vlans is not None else ():
        number = port.name.removeprefix("Vlan")
        if number.isdigit() and int(number) not in {*vlans, 1} and not port.shutdown:  # type: ignore[misc]
            yield "show vlan", f"{port.name} has no VLAN {number}"


def _name(device: Device) -> Found:
    told = device.state.facts.get("hostname")
    if told and device.hostname and told != device.hostname:
        yield "show version", f"its hostname is configured as {device.hostname}, and it calls itself {told}"


def access_lists(network: Network) -> Iterator[Contradiction]:
    """A list that is applied and not there; a list with other lines than configured."""
    for device in network.devices.values():
        sources = Source(device.name, RUNNING), Source(device.name, "show access-lists")
        for port in device.interfaces.values():
            for name, way in ((port.acl_in, "in"), (port.acl_out, "out")):
                if name is not None and name not in device.access_lists:
                    text = f"{device.name}: {port.name} applies the access list {name} {way}, which is not defined"
                    yield Contradiction("config-state", f"{text}: all packets pass", sources[:1])
        for shown in device.state.access_lists or ():
            own = device.access_lists.get(shown.name)
            if own is None or shown.family != "ipv4":
                continue
            counts = [sum(not line.text.startswith("remark") for line in acl.lines) for acl in (own, shown)]
            if counts[0] != counts[1]:
                text = f"{device.name}: access list {shown.name} has {counts[0]} lines configured, {counts[1]} shown"
                yield Contradiction("config-state", text, sources)
