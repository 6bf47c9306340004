"""What a plan stands on: the discovered network, the fabric, where they are cabled, and what had to be chosen.

Lives here: borders, the VLAN between the two, who is which host of the fabric. Must not know: steps, intents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import islice

from clos.controller.migrate.discover.names import interface_name
from clos.controller.migrate.model import Device, EigrpProcess, Network
from clos.controller.migrate.plan.config_change import after
from clos.controller.migrate.segmentation.hosts import DEVICE, HOST, ROUTER, Host
from clos.controller.migrate.segmentation.segment import Segmentation
from clos.controller.migrate.segmentation.vlans import Vlan, slug, vlans
from clos.fabric.topology import Topology

TRANSIT_PREFIX = 29
"""Length of the transit VLAN's subnet where it is chosen: a router on either side, and room to change it."""


class Unplannable(ValueError):
    """Why there can be no plan; ``reasons``, each with what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Border:
    """A cable between the two: a ``mode: legacy`` host of the fabric, and the legacy port that it stands for."""

    host: str
    device: str
    port: str


@dataclass(frozen=True, slots=True)
class Transit:
    """The VLAN on which the fabric and legacy routers speak EIGRP. ``ours``: the fabric's gateway there."""

    vlan: int
    subnet: IPv4Network
    router: str
    theirs: IPv4Address
    mac: int
    """The router's own MAC address: it has one for all of its SVIs."""
    ours: IPv4Address
    asn: int
    authentication: tuple[str, str] | None
    """Mode and key chain, as the routers have them between each other."""
    like: str
    """The interface whose EIGRP settings it has."""


@dataclass(frozen=True)
class Ground:
    """Everything that steps are made from. ``configs``: running configurations by device, secrets removed."""

    name: str
    network: Network
    configs: Mapping[str, str]
    topology: Topology
    borders: tuple[Border, ...]
    transit: Transit | None
    segmentation: Segmentation
    names: Mapping[tuple[int, IPv4Address], str]
    """The endpoint's name of each host."""

    @property
    def border(self) -> Border:
        """The border at which all VLANs are attached; the others are ready."""
        return self.borders[0]

    @cached_property
    def movable(self) -> tuple[Vlan, ...]:
        """VLANs whose gateway can move with its address and MAC address: those with HSRP."""
        return tuple(vlan for vlan in self.segmentation.vlans if vlan.group is not None and not vlan.group.use_bia)

    def hosts(self, vlan: int, *kinds: str) -> tuple[Host, ...]:
        """Hosts of a VLAN, of some kinds or of all."""
        return tuple(h for h in self.segmentation.found.hosts if h.vlan == vlan and (not kinds or h.kind in kinds))

    def fabric_host(self, host: Host) -> str | None:
        """The fabric's host with its MAC address, where it has a port waiting."""
        return self._by_mac.get(host.mac) if host.kind == HOST else None

    @cached_property
    def _by_mac(self) -> Mapping[int, str]:
        return {host.mac: name for name, host in self.topology.hosts.items()}


def read_borders(texts: Iterable[str], network: Network, topology: Topology) -> tuple[Border, ...]:
    """``border1=dist1:Te1/15`` for each border. Raises Unplannable."""
    found: list[Border] = []
    wrong = []
    for text in texts:
        why = _wrong_border(text, network, topology, found)
        if why is None:
            found.append(_border(text))
        else:
            wrong.append(f"--border {text!r}: {why}" if not text.isprintable() else f"--border {text}: {why}")
    if not found and not wrong:
        wrong.append("no border is named: say --border HOST=DEVICE:PORT for each cable between the two networks")
    if wrong:
        raise Unplannable(wrong)
    return tuple(found)


def _border(text: str) -> Border:
    host, _, place = text.partition("=")
    device, _, port = place.partition(":")
    return Border(host, device, interface_name(port))


def _wrong_border(text: str, network: Network, topology: Topology, earlier: Sequence[Border]) -> str | None:
    """Why it is no border, beside those before it; None: it is one."""
    border, port = _border(text), text.rpartition(":")[2]
    host, device, name = border.host, border.device, border.port
    if not (host and device and name):
        return "write it like border1=dist1:Te1/15"
    if host not in topology.hosts:
        return f"the topology has no host {host!r}"
    if host not in topology.legacy:
        return f"host {host} has mode {topology.hosts[host].mode}; give it mode legacy, or name one that has"
    if device not in network.devices:
        return f"no device {device!r} was discovered"
    if name not in network.devices[device].interfaces:
        return f"{device} has no interface {port!r}"
    if any((device, name) in cable for cable in network.cables):
        return f"{device} {name} is cabled to another legacy device"
    if network.devices[device].interfaces[name].channel is not None:
        return f"{device} {name} is a member of a port-channel; name a port of its own"
    if any(host == other.host for other in earlier):
        return f"host {host} is named twice, and a host has one cable"
    if any((device, name) == (other.device, other.port) for other in earlier):
        return f"{device} {name} is named twice, and a port has one cable"
    return None


def choose_transit(network: Network, border: Border, wanted: str | None, found: Sequence[Host]) -> Transit | None:
    """The transit VLAN: as ``VLAN:SUBNET`` says, or chosen; None: the router at the border speaks no EIGRP."""
    device = network.devices[border.device]
    process = next((p for p in device.eigrp if p.vrf is None), None)
    if process is None:
        return None
    mac = next((h.mac for h in found if h.kind == ROUTER and h.device == device.name), device.base_mac)
    if mac is None:
        raise Unplannable([f"{device.name}: the MAC address of its SVIs is in no table; discover show interfaces"])
    vlan, subnet = _wanted(wanted, network) if wanted is not None else _chosen(network, device.name, process)
    addresses = list(islice(subnet.hosts(), 2))
    if len(addresses) < 2:
        raise Unplannable([f"--transit {wanted}: two addresses are needed"])
    like, authentication = _like(device, process)
    return Transit(vlan, subnet, device.name, addresses[0], mac, addresses[1], process.asn, authentication, like)


def _wanted(text: str, network: Network) -> tuple[int, IPv4Network]:
    """As ``VLAN:SUBNET`` says, where both are free. Raises Unplannable."""
    vlan, _, subnet = text.partition(":")
    try:
        number, net = int(vlan), IPv4Network(subnet)
    except ValueError:
        raise Unplannable([f"--transit {text}: write it like 97:10.255.97.0/29, a subnet without host bits"]) from None
    if not 2 <= number <= 4094:
        raise Unplannable([f"--transit {text}: VLANs are from 2 to 4094"])
    owner = next((device.name for device in network.devices.values() if number in device.vlans), None)
    if owner is not None:
        raise Unplannable([f"--transit {text}: {owner} has VLAN {number} already; name one that no device has"])
    for device, port, own in _own_subnets(network):
        if net.overlaps(own):
            raise Unplannable([f"--transit {text}: {own} is on {device} {port} already; name a free subnet"])
    return number, net


def _own_subnets(network: Network) -> Iterator[tuple[str, str, IPv4Network]]:
    """Device, interface and subnet of every address of the network."""
    for device in network.devices.values():
        for port in device.interfaces.values():
            yield from ((device.name, port.name, address.network) for address in port.addresses)


def _chosen(network: Network, router: str, process: EigrpProcess) -> tuple[int, IPv4Network]:
    """A VLAN that no device has, and a free subnet that the process' networks cover."""
    used = {vlan for device in network.devices.values() for vlan in device.vlans} | {1}
    between = [vlan.number for vlan in vlans(network) if vlan.between_routers]
    start = between[0] if between else 900
    vlan = next(number for number in (*range(start - 1, 1, -1), *range(start + 1, 4095)) if number not in used)
    taken = [net for _, _, net in _own_subnets(network)]
    homes = sorted(process.networks, key=lambda net: (_links(net, taken), net.prefixlen), reverse=True)
    for home in homes:
        if home.prefixlen < TRANSIT_PREFIX:
            for net in home.subnets(new_prefix=TRANSIT_PREFIX):
                if not any(net.overlaps(own) for own in taken):
                    return vlan, net
    raise Unplannable(
        [f"{router}: no free subnet is in the networks of EIGRP {process.asn}; say --transit VLAN:SUBNET"]
    )


def _links(net: IPv4Network, taken: Iterable[IPv4Network]) -> int:
    """How many links between routers are in it."""
    return sum(own.prefixlen >= 30 and own.subnet_of(net) for own in taken)


def _like(device: Device, process: EigrpProcess) -> tuple[str, tuple[str, str] | None]:
    """An interface on which the router speaks EIGRP, SVIs first, with its authentication."""
    active = [p for p in device.interfaces.values() if p.name in process.active] or [
        p for p in device.interfaces.values() if process.asn in p.eigrp
    ]
    active.sort(key=lambda port: not port.name.startswith("Vlan"))
    for port in active:
        own = port.eigrp.get(process.asn)
        if own is not None and own.authentication:
            mode, _, chain = own.authentication.partition(" key-chain ")
            return port.name, (mode, chain)
    return (active[0].name if active else ""), None


def endpoint_names(found: Iterable[Host], of: Sequence[Vlan], topology: Topology) -> dict[tuple[int, IPv4Address], str]:
    """A name for each host: the fabric's host with its MAC address, the legacy device's, or VLAN and address."""
    by_mac = {host.mac: name for name, host in topology.hosts.items()}
    vlan_names = {vlan.number: vlan.name for vlan in of}
    names: dict[tuple[int, IPv4Address], str] = {}
    for host in found:
        name = _endpoint_name(host, vlan_names[host.vlan], by_mac)
        if name in names.values():
            name = f"{name}-{str(host.address).replace('.', '-')}"[-63:].lstrip("-.")
        names[host.vlan, host.address] = name
    return names


def _endpoint_name(host: Host, vlan: str, by_mac: Mapping[int, str]) -> str:
    if host.kind == HOST and host.mac in by_mac:
        return by_mac[host.mac]
    if host.kind in (DEVICE, ROUTER):
        return f"{slug(host.device or 'device')}-{vlan}"
    last = str(host.address).rpartition(".")[2]
    return f"{vlan}-{host.kind}" if host.kind != HOST else f"{vlan}-host-{last}"


def halves(subnets: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    """Each subnet as two: longer prefixes win over the connected route of a legacy SVI that is still up."""
    for net in subnets:
        yield from net.subnets() if net.prefixlen < 31 else (net,)


def with_lines(configs: Mapping[str, str], lines: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Running configurations after lines on some devices."""
    return {name: after(text, lines[name]) if name in lines else text for name, text in configs.items()}


def interface_of(address: IPv4Address, net: IPv4Network) -> IPv4Interface:
    """An address with its subnet's length."""
    return IPv4Interface((address, net.prefixlen))
