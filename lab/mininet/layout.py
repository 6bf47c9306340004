"""What the lab is built of: stations, hypervisors and cables for a topology and the intents on it. Data only.

Lives here: who becomes what. Must not know: Mininet, Open vSwitch, namespaces.

A host with one port and one endpoint is a *station*: a network namespace with an address. Any other host (trunk,
dual-homed, or with several endpoints) is a *hypervisor*: a small bridge with its uplinks to the leaves, behind which
each endpoint is a station of its own, as on a real server. So hosts speak plain Ethernet; no VLAN or bonding driver.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.topology import Host, PortRef, Topology
from clos.lab.measure.frames import Party, parties

NAME = 15
"""The longest name of an interface in Linux."""


class Station(NamedTuple):
    """A namespace that is one endpoint: ``party`` None for a host no intent speaks of."""

    name: str
    mac: int
    party: Party | None

    @property
    def address(self) -> str:
        """``10.1.1.11/24``; empty without an endpoint."""
        if self.party is None:
            return ""
        return (
            f"{ipv4_text(self.party.endpoint.ip)}/{self.party.tenant.networks[self.party.endpoint.network].subnet[1]}"
        )

    @property
    def passes_on(self) -> bool:
        """Whether any policy has the endpoint as its waypoint."""
        return self.party is not None and self.party.endpoint.name in self.party.waypoints


PASS_ON = "; ".join(
    f"for f in /proc/sys/net/ipv4/{name}; do echo {value} > $f; done"
    for name, value in (("ip_forward", 1), ("conf/*/rp_filter", 0), ("conf/*/send_redirects", 0))
)
"""For a waypoint's shell: route what comes for others, back by the only interface, and tell nobody of a shorter way."""


class Hypervisor(NamedTuple):
    """A host with a bridge: ports 1 (and 2) are its uplinks, the guests' follow. ``guests``: (station, VLAN)."""

    name: str
    uplinks: tuple[PortRef, ...]
    guests: tuple[tuple[Station, int | None], ...]


class Cable(NamedTuple):
    """Two ends as (node, port, interface name). ``fabric``: between switches, where frames carry two tags more."""

    a: tuple[str, int, str]
    b: tuple[str, int, str]
    fabric: bool = False


class Layout(NamedTuple):
    """All of a lab. ``ends``: the host's end of each host port, as (node, interface). ``panel``: a node where the
    switches are at which cables may end, too."""

    topology: Topology
    stations: tuple[Station, ...]
    hypervisors: tuple[Hypervisor, ...]
    cables: tuple[Cable, ...]
    ends: dict[PortRef, tuple[str, str]]
    panel: str = ""

    def station(self, name: str) -> Station | None:
        """By its own name, by ``tenant/endpoint``, or by its host's name if it is alone there."""
        for one in self.stations:
            if name == one.name or (one.party is not None and name == one.party.name):
                return one
        there = [one for one in self.stations if one.party is not None and one.party.endpoint.host == name]
        return there[0] if len(there) == 1 else None

    def device(self, port: PortRef) -> str:
        """The interface that is a switch's port."""
        return next(end[2] for cable in self.cables for end in (cable.a, cable.b) if end[:2] == port)


def layout(topology: Topology, intent: Intent) -> Layout:
    """Decide who becomes what; deterministic."""
    everyone: dict[str, list[Party]] = {name: [] for name in topology.hosts}
    for party in parties(intent, topology):
        if party.endpoint.outside is not None:
            continue
        everyone[party.endpoint.host].append(party)
    used = Counter([*topology.switches, *topology.hosts, *(p.endpoint.name for ps in everyone.values() for p in ps)])
    stations: list[Station] = []
    hypervisors: list[Hypervisor] = []
    cables = [_cable(topology, (*link.a, ""), (*link.b, ""), True) for link in topology.links]
    ends: dict[PortRef, tuple[str, str]] = {}
    for host in topology.hosts.values():
        behind = everyone[host.name]
        if host.dual_homed or len(behind) > 1 or any(party.vlan is not None for party in behind):
            box = Hypervisor(host.name, host.ports, tuple((_guest(party, used), party.vlan) for party in behind))
            hypervisors.append(box)
            stations += [station for station, _ in box.guests]
            mine = _inside(topology, box)
        else:
            stations.append(_alone(host, behind))
            mine = [_cable(topology, (host.name, 0, ""), (*host.ports[0], ""), False)]
        cables += mine
        ends |= {
            PortRef(*cable.b[:2]): (cable.a[0], cable.a[2]) for cable in mine if PortRef(*cable.b[:2]) in host.ports
        }
    return Layout(topology, tuple(stations), tuple(hypervisors), tuple(cables), ends)


def _alone(host: Host, behind: list[Party]) -> Station:
    return Station(host.name, behind[0].endpoint.mac if behind else host.mac, behind[0] if behind else None)


def _guest(party: Party, used: Counter[str]) -> Station:
    """A guest goes by its endpoint's name, unless that is somebody else's too."""
    plain = party.endpoint.name
    return Station(plain if used[plain] == 1 else f"{party.tenant.name}.{plain}", party.endpoint.mac, party)


def _inside(topology: Topology, box: Hypervisor) -> list[Cable]:
    up = [_cable(topology, (box.name, i, ""), (*port, ""), False) for i, port in enumerate(box.uplinks, 1)]
    first = len(box.uplinks) + 1
    down = [
        _cable(topology, (station.name, 0, ""), (box.name, i, ""), False)
        for i, (station, _) in enumerate(box.guests, first)
    ]
    return up + down


def _cable(topology: Topology, a: tuple[str, int, str], b: tuple[str, int, str], fabric: bool) -> Cable:
    names = [*topology.switches, *topology.hosts]
    return Cable((*a[:2], _device(a, names)), (*b[:2], _device(b, names)), fabric)


def _device(end: tuple[str, int, str], names: list[str]) -> str:
    """``leaf1-11``; by number where that is too long for Linux."""
    name, port, _ = end
    if port == 0:
        return "eth0"
    plain = f"{name}-{port}"
    return plain if len(plain) <= NAME else f"n{names.index(name)}-{port}"
