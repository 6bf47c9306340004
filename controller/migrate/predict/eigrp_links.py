"""Who speaks EIGRP where: processes with their interfaces, and which of them become neighbors.

Lives here: ``network`` statements, passive interfaces, subnets, what must agree between neighbors. Must not know:
prefixes' ways through the network. Interfaces in one subnet count as connected unless cables say otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import NamedTuple

from clos.controller.migrate.model import ROUTED, Cable, Device, EigrpInterface, EigrpProcess, Interface, Network
from clos.controller.migrate.predict.eigrp_metrics import Figures, Metric, arithmetic, of_interface


class Key(NamedTuple):
    """A process: device, VRF ("" for the global table) and autonomous system."""

    device: str
    vrf: str
    asn: int


@dataclass(frozen=True, slots=True)
class Port:
    """An interface that a process runs on: what it adds to a path, and the networks it brings."""

    name: str
    address: IPv4Interface
    figures: Figures
    networks: tuple[IPv4Network, ...]
    passive: bool
    settings: EigrpInterface


@dataclass(frozen=True, slots=True)
class Speaker:
    """A process with all that its configuration says."""

    key: Key
    device: Device
    process: EigrpProcess
    router_id: IPv4Address
    metric: Metric
    ports: tuple[Port, ...]


class Adjacency(NamedTuple):
    """Seen from one process: over my port to that of a neighbor."""

    port: Port
    neighbor: Key
    far: Port


def speakers(network: Network) -> dict[Key, Speaker]:
    """Every EIGRP process of the network."""
    found = {}
    for device in network.devices.values():
        for process in device.eigrp:
            key = Key(device.name, process.vrf or "", process.asn)
            ports = tuple(p for i in device.interfaces.values() if (p := _port(device, process, i)) is not None)
            found[key] = Speaker(key, device, process, _router_id(device, process), arithmetic(process), ports)
    return found


def usable(interface: Interface) -> bool:
    """Up as far as is known, with an address."""
    return not interface.shutdown and interface.up is not False and bool(interface.addresses)


def adjacencies(network: Network, all_speakers: dict[Key, Speaker]) -> tuple[dict[Key, list[Adjacency]], list[str]]:
    """Who becomes whose neighbor, and why some that share a subnet do not."""
    by_subnet: dict[tuple[int, IPv4Network], list[tuple[Speaker, Port]]] = defaultdict(list)
    for speaker in all_speakers.values():
        for port in speaker.ports:
            if not port.passive:
                by_subnet[speaker.key.asn, port.address.network].append((speaker, port))
    ends = {end: cable for cable in network.cables for end in cable}
    links: dict[Key, list[Adjacency]] = {key: [] for key in all_speakers}
    problems = []
    for members in by_subnet.values():
        for speaker, port in members:
            for other, far in members:
                if (
                    other is speaker
                    or port.address.ip == far.address.ip
                    or not _cabled(ends, speaker, port, other, far)
                ):
                    continue
                why = _disagreement(speaker, port, other, far)
                if why is None:
                    links[speaker.key].append(Adjacency(port, other.key, far))
                elif speaker.key < other.key:
                    pair = f"{speaker.key.device} {port.name} and {other.key.device} {far.name}"
                    problems.append(f"{pair}, EIGRP {speaker.key.asn}: {why}")
    for of in links.values():
        of.sort(key=lambda a: (a.far.address.ip, a.port.name))
    return links, problems


def _disagreement(speaker: Speaker, port: Port, other: Speaker, far: Port) -> str | None:
    if (*speaker.process.k_values, 0)[:6] != (*other.process.k_values, 0)[:6]:
        return "the weights K1 to K6 differ, so they do not become neighbors"
    if port.settings.authentication != far.settings.authentication:
        return "authentication differs, so they do not become neighbors"
    return None


def _cabled(ends: Mapping[tuple[str, str], Cable], speaker: Speaker, port: Port, other: Speaker, far: Port) -> bool:
    """Whether a cable contradicts: two routed ports that are both cabled must share the cable."""
    here, there = (speaker.key.device, port.name), (other.key.device, far.name)
    routed = all(s.device.interfaces[p.name].mode == ROUTED for s, p in ((speaker, port), (other, far)))
    return not routed or here not in ends or there not in ends or ends[here] == ends[there]


def _port(device: Device, process: EigrpProcess, interface: Interface) -> Port | None:
    if not usable(interface) or (interface.vrf or "") != (process.vrf or ""):
        return None
    covered = [a for a in interface.addresses if any(a.ip in network for network in process.networks)]
    if not covered:
        return None
    settings = interface.eigrp.get(process.asn, EigrpInterface())
    passive = settings.passive
    if passive is None:
        passive = interface.name in process.passive or (
            process.passive_default and interface.name not in process.active
        )
    primary = interface.addresses[0]
    return Port(
        interface.name,
        primary,
        of_interface(interface, device.interfaces, process.wide_metrics),
        tuple(dict.fromkeys(a.network for a in covered)),
        passive or primary not in covered or interface.name.startswith("Loopback"),
        settings,
    )


def _router_id(device: Device, process: EigrpProcess) -> IPv4Address:
    """As configured; else the highest address of a loopback, else of any interface."""
    if process.router_id is not None:
        return process.router_id
    of_vrf = [i for i in device.interfaces.values() if usable(i) and (i.vrf or "") == (process.vrf or "")]
    loopbacks = [i for i in of_vrf if i.name.startswith("Loopback")]
    return max((a.ip for i in loopbacks or of_vrf for a in i.addresses[:1]), default=IPv4Address(0))
