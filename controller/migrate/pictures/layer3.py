"""Layer 3: routers, and the networks that two or more of them share, those of the same routers in one box."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from clos.controller.migrate.model import Device, Network
from clos.controller.migrate.pictures import svg
from clos.controller.migrate.pictures.layer2 import NoPicture, short
from clos.controller.migrate.pictures.layers import rows_from

_MOST = 6
"""Networks that a box lists."""
Subnet = tuple[str, IPv4Network]
"""VRF and prefix."""


def layer3(network: Network) -> str:
    """The picture. Raises NoPicture."""
    owners: dict[Subnet, dict[str, str]] = {}
    for device in network.devices.values():
        for port in device.interfaces.values():
            for address in () if port.shutdown else port.addresses:
                if address.network.prefixlen < 32:
                    owners.setdefault((port.vrf or "", address.network), {}).setdefault(device.name, port.name)
    groups: dict[tuple[str, ...], list[Subnet]] = {}
    for subnet, ports in owners.items():
        if len(ports) > 1:
            groups.setdefault(tuple(sorted(ports)), []).append(subnet)
    routers = [name for name in network.devices if any(name in ports for ports in owners.values())]
    if not routers:
        raise NoPicture("no device has an address")
    alone = {name: sum(set(ports) == {name} for ports in owners.values()) for name in routers}
    boxes = {name: svg.Box(0, 0, tuple(_words(network.devices[name], alone[name]))) for name in routers}
    links: list[tuple[str, str]] = []
    labels: dict[tuple[str, str], str] = {}
    for number, (members, subnets) in enumerate(sorted(groups.items())):
        key = f"\0{number}"
        boxes[key] = svg.Box(0, 0, tuple(_listed(network, subnets, members)), "group")
        for name in members:
            links.append((name, key))
            labels[name, key] = _port(owners, subnets, name)
    tops = sorted(routers, key=lambda name: (-sum(name in link for link in links), name))[:1]
    rows = rows_from(tops, links, boxes)
    width, height = svg.placed(rows, boxes, 80.0)
    lines = [part for link in links for part in _line(boxes, link, labels[link])]
    title = f"{len(routers)} routers, {len(owners)} networks, {sum(map(len, groups.values()))} of them shared"
    return svg.document(title, [*lines, *(box.drawn() for box in boxes.values())], width, height)


def _words(device: Device, alone: int) -> Iterator[str]:
    yield device.name
    if device.eigrp:
        yield "EIGRP " + ", ".join(sorted({str(process.asn) for process in device.eigrp}))
    if alone:
        yield f"{alone} network{'' if alone == 1 else 's'} of its own"


def _listed(network: Network, subnets: list[Subnet], members: tuple[str, ...]) -> Iterator[str]:
    gateways = {
        group.address
        for name in members
        for port in network.devices[name].interfaces.values()
        for group in port.hsrp
        if group.address
    }
    for vrf, subnet in sorted(subnets)[:_MOST]:
        virtual = next((f", HSRP {address}" for address in gateways if address in subnet), "")
        yield f"{subnet}{f' ({vrf})' if vrf else ''}{virtual}"
    if len(subnets) > _MOST:
        yield f"and {len(subnets) - _MOST} more"


def _port(owners: dict[Subnet, dict[str, str]], subnets: list[Subnet], name: str) -> str:
    """The port's name where there is one; several are counted by what they are."""
    ports = sorted({owners[subnet][name] for subnet in subnets})
    return short(ports[0]) if len(ports) == 1 else f"{len(ports)} interfaces"


def _line(boxes: dict[str, svg.Box], link: tuple[str, str], label: str) -> Iterator[str]:
    one, other = boxes[link[0]], boxes[link[1]]
    start, end = one.edge(other.x, other.y), other.edge(one.x, one.y)
    yield svg.line(start, end)
    yield svg.text(start[0] + 0.3 * (end[0] - start[0]) + 4, start[1] + 0.3 * (end[1] - start[1]) + 4, label, "small")
