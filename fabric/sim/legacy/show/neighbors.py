"""``show cdp neighbors detail`` and ``show lldp neighbors detail``: who is at the other end of each cable that works.

Lives here: the layouts. What the neighbour says of itself is asked of it through ``device.peer``.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.names import short_name
from clos.fabric.sim.legacy.show.software import software
from clos.fabric.sim.legacy.show.words import mac_text, text_of
from clos.fabric.sim.legacy.tree import starting, value


def _heard(device: LegacyDevice, protocol: str) -> Iterator[tuple[str, LegacyDevice, str]]:
    """(port, neighbour, its port) where both ends work and both speak this protocol."""
    for name in device.hardware.ports:
        far = device.links.get(name)
        peer = None if far is None or far.host else device.peer(far.name)
        if far is None or peer is None or not device.up(name) or not peer.up(far.port):
            continue
        if speaks(device, name, protocol) and speaks(peer, far.port, protocol):
            yield name, peer, far.port


def speaks(device: LegacyDevice, name: str, protocol: str) -> bool:
    lines = {line.text for line in device.interface(name)}
    texts = {line.text for line in device.running if line.text in {"no cdp run", "lldp run"}}
    if protocol == "cdp":
        return "no cdp run" not in texts and "no cdp enable" not in lines
    return "lldp run" in texts and not lines & {"no lldp transmit", "no lldp receive"}


def _address(device: LegacyDevice) -> str | None:
    """The first address of the device: what it names for its management."""
    for name in device.interfaces():
        for line in starting(device.interface(name), "ip address"):
            return line.words()[2]
    return None


def cdp(device: LegacyDevice, match: Match) -> str:
    heard = list(_heard(device, "cdp"))
    lines = [line for one in heard for line in ("-------------------------", *_cdp(*one), "")]
    return text_of([*lines, "", f"Total cdp entries displayed : {len(heard)}"])


def _cdp(name: str, peer: LegacyDevice, port: str) -> Iterator[str]:
    domain = value(peer.running, "ip domain-name")
    address = _address(peer)
    yield f"Device ID: {peer.hostname}{f'.{domain}' if domain else ''}"
    yield "Entry address(es): "
    if address:
        yield f"  IP address: {address}"
    capabilities = "Router Source-Route-Bridge" if peer.hardware.router else "Router Switch IGMP"
    yield f"Platform: cisco {peer.hardware.model},  Capabilities: {capabilities} "
    yield f"Interface: {name},  Port ID (outgoing port): {port}"
    yield "Holdtime : 150 sec"
    yield ""
    yield "Version :"
    yield from software(peer)
    yield ""
    yield "advertisement version: 2"
    if not peer.hardware.router:
        yield f"VTP Management Domain: '{value(peer.running, 'vtp domain') or ''}'"
        if peer.switches(port):
            lines = peer.interface(port)
            trunk = value(lines, "switchport mode") == "trunk"
            native = value(lines, "switchport trunk native vlan" if trunk else "switchport access vlan") or "1"
            yield f"Native VLAN: {native}"
    yield "Duplex: full"
    if address:
        yield "Management address(es): "
        yield f"  IP address: {address}"


def lldp(device: LegacyDevice, match: Match) -> str:
    if not any(line.text == "lldp run" for line in device.running):
        return "% LLDP is not enabled\n"
    heard = list(_heard(device, "lldp"))
    lines = [line for one in heard for line in ("------------------------------------------------", *_lldp(*one), "")]
    return text_of([*lines, "", f"Total entries displayed: {len(heard)}", ""])


def _lldp(name: str, peer: LegacyDevice, port: str) -> Iterator[str]:
    letters = "R" if peer.hardware.router else "B,R"
    yield f"Local Intf: {short_name(name)}"
    yield f"Chassis id: {mac_text(peer.hardware.mac)}"
    yield f"Port id: {short_name(port)}"
    yield f"Port Description: {value(peer.interface(port), 'description') or port}"
    yield f"System Name: {peer.hostname}"
    yield ""
    yield "System Description: "
    yield from software(peer)
    yield ""
    yield "Time remaining: 100 seconds"
    yield f"System Capabilities: {letters}"
    yield f"Enabled Capabilities: {letters}"
    address = _address(peer)
    if address:
        yield "Management Addresses:"
        yield f"    IP: {address}"
    else:
        yield "Management Addresses - not advertised"
    yield "Auto Negotiation - supported, enabled"
    yield "Physical media capabilities:"
    yield "    1000baseT(FD)"
    yield "Media Attachment Unit type: 30"
    yield "Vlan ID: 1" if peer.switches(port) else "Vlan ID: - not advertised"
