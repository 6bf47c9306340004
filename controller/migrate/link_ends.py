"""Contradictions between the two ends of a cable, and between the sources that say where cables are."""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.migrate.cables import Port, names, peer, physical
from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.model import (
    ACCESS,
    DYNAMIC,
    ROUTED,
    TRUNK,
    Cable,
    Contradiction,
    Device,
    Interface,
    Network,
    Source,
    StpPort,
    StpTree,
)

RUNNING = "show running-config"


def neighbors_agree(network: Network) -> Iterator[Contradiction]:
    """CDP and LLDP name different neighbours at a port, or a neighbour does not hear us where we hear it."""
    known = names(network)
    heard: dict[str, dict[Port, set[Port]]] = {"cdp": {}, "lldp": {}}
    for device in network.devices.values():
        for row in device.state.neighbors or ():
            end = peer(known, row)
            if end is not None and physical(end[1]):
                heard[row.protocol].setdefault((device.name, row.interface), set()).add(end)
    for here, ends in heard["cdp"].items():
        others = heard["lldp"].get(here)
        if others and not ends & others:
            text = f"{_port(here)}: CDP names {_ports(ends)}, LLDP {_ports(others)}"
            yield Contradiction("cdp-lldp", text, _sources(here[0], "cdp", "lldp"))
    for protocol, by_port in heard.items():
        for here, ends in by_port.items():
            for there in ends:
                back = by_port.get(there)
                if back is not None and here not in back:
                    text = f"{_port(here)}: {protocol.upper()} names {_port(there)}, which names {_ports(back)}"
                    yield Contradiction("neighbor-one-end", text, _sources(here[0], protocol))


def _sources(device: str, *protocols: str) -> tuple[Source, ...]:
    return tuple(Source(device, f"show {protocol} neighbors detail") for protocol in protocols)


def _port(end: Port) -> str:
    return f"{end[0]} {end[1]}"


def _ports(ends: set[Port]) -> str:
    return " and ".join(map(_port, sorted(ends)))


def _ends(network: Network) -> Iterator[tuple[Cable, tuple[Device, Interface], tuple[Device, Interface]]]:
    """Cables whose two ends are configured; a member of a port-channel has the port-channel's settings."""
    for cable in network.cables:
        ends = [_configured(network, end) for end in cable]
        if ends[0] and ends[1]:
            yield cable, ends[0], ends[1]


def _configured(network: Network, end: Port) -> tuple[Device, Interface] | None:
    device = network.devices.get(end[0])
    port = device.interfaces.get(end[1]) if device else None
    if device is None or port is None:
        return None
    bundle = device.interfaces.get(f"Port-channel{port.channel}")
    return device, bundle or port


def cable_ends(network: Network) -> Iterator[Contradiction]:
    """A VLAN that one end of a trunk carries and the other does not; ends of different modes."""
    for cable, (left, a), (right, b) in _ends(network):
        sources = Source(left.name, RUNNING), Source(right.name, RUNNING)
        text = f"{_port(cable.a)} - {_port(cable.b)}"
        if a.mode == b.mode == TRUNK and a.allowed is not None and b.allowed is not None:
            known = (set(left.vlans) | set(left.state.vlans or ())) | (set(right.vlans) | set(right.state.vlans or ()))
            for name, more in ((left.name, a.allowed - b.allowed), (right.name, b.allowed - a.allowed)):
                only = more & known if known else more
                if only:
                    yield Contradiction("trunk-one-end", f"{text}: only {name} carries VLAN {vlan_text(only)}", sources)
        elif {a.mode, b.mode} in ({ACCESS, TRUNK}, {ROUTED, TRUNK}, {ROUTED, ACCESS}) or _untrunked(a, b):
            yield Contradiction("port-mode", f"{text}: {left.name} has {a.mode}, {right.name} {b.mode}", sources)
        elif a.mode == b.mode == ACCESS and a.access_vlan != b.access_vlan:
            joined = f"{text}: access VLAN {a.access_vlan} on {left.name}, {b.access_vlan} on {right.name}"
            yield Contradiction("native-vlan", joined, sources)


def _untrunked(a: Interface, b: Interface) -> bool:
    return {a.mode, b.mode} == {ROUTED, DYNAMIC}


def native_vlans(network: Network) -> Iterator[Contradiction]:
    """Native VLANs that differ: by both configurations, or by what CDP hears against our own."""
    told = set()
    for cable, (left, a), (right, b) in _ends(network):
        if a.mode == b.mode == TRUNK and a.native_vlan != b.native_vlan:
            told |= set(cable)
            text = f"{_port(cable.a)} has native VLAN {a.native_vlan}, {_port(cable.b)} {b.native_vlan}"
            yield Contradiction("native-vlan", text, (Source(left.name, RUNNING), Source(right.name, RUNNING)))
    for device in network.devices.values():
        for row in device.state.neighbors or ():
            end = _configured(network, (device.name, row.interface))
            if row.native_vlan is None or row.protocol != "cdp" or end is None or (device.name, row.interface) in told:
                continue
            ours = {TRUNK: end[1].native_vlan, ACCESS: end[1].access_vlan}.get(end[1].mode or "")
            if ours is not None and ours != row.native_vlan:
                yield Contradiction(
                    "native-vlan",
                    f"{device.name} {row.interface} has native VLAN {ours}, {row.device} {row.native_vlan}",
                    (Source(device.name, RUNNING), Source(device.name, "show cdp neighbors detail")),
                )


def spanning_trees(network: Network) -> Iterator[Contradiction]:
    """A root that is no root by its own account; two designated or two root ports on one cable."""
    yield from _roots(network)
    for cable, (left, _), (right, _) in _ends(network):
        for tree in left.state.trees or ():
            other = next((one for one in right.state.trees or () if one.vlan == tree.vlan), None)
            here, there = _tree_port(left, tree, cable.a), _tree_port(right, other, cable.b)
            if other is None or here is None or there is None or tree.protocol == "mstp" != other.protocol:
                continue
            bad = here.role == there.role and here.role in {"root", "designated"}
            if bad and not (here.inconsistent or there.inconsistent):
                text = (
                    f"VLAN {tree.vlan}: {_port(cable.a)} and {_port(cable.b)} are both {here.role} ports of one cable"
                )
                sources = Source(left.name, "show spanning-tree"), Source(right.name, "show spanning-tree")
                yield Contradiction("stp-cable", text, sources)


def _tree_port(device: Device, tree: StpTree | None, end: Port) -> StpPort | None:
    port = device.interfaces.get(end[1])
    name = f"Port-channel{port.channel}" if port and port.channel is not None else end[1]
    return next((one for one in tree.ports if one.name == name), None) if tree else None


def _roots(network: Network) -> Iterator[Contradiction]:
    """By VLAN, who each device says the root is: the root must say so itself."""
    bridges = {
        (tree.vlan, tree.bridge_mac): (device, tree)
        for device in network.devices.values()
        for tree in device.state.trees or ()
    }
    for device in network.devices.values():
        for tree in device.state.trees or ():
            owner = bridges.get((tree.vlan, tree.root_mac))
            if owner is None or owner[0] is device:
                continue
            if not owner[1].is_root or owner[1].bridge_priority != tree.root_priority:
                said = f"priority {owner[1].bridge_priority}" if owner[1].is_root else "another root"
                text = (
                    f"VLAN {tree.vlan}: {device.name} has {owner[0].name} (priority {tree.root_priority}) as root, "
                    f"{owner[0].name} itself has {said}"
                )
                sources = Source(device.name, "show spanning-tree"), Source(owner[0].name, "show spanning-tree")
                yield Contradiction("stp-root", text, sources)
