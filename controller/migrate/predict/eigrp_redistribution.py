"""What flows into EIGRP from elsewhere: connected networks, static routes, other EIGRP processes, other protocols.

Lives here: ``redistribute`` with metrics and route maps, and who wins a prefix in a device's routing table. Must not
know: neighbors, DUAL's choice. Routes of OSPF, BGP and RIP are taken from the device's own table as discovered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING, NamedTuple

from clos.controller.migrate.model import Network, Redistribution, StaticRoute
from clos.controller.migrate.predict.eigrp_links import Key, Speaker, usable
from clos.controller.migrate.predict.eigrp_metrics import Figures, configured, of_interface
from clos.controller.migrate.predict.eigrp_policy import NotUnderstood, route_map

if TYPE_CHECKING:
    from clos.controller.migrate.predict.eigrp import Entry

_CODES = {"ospf": "O", "bgp": "B", "rip": "R", "isis": "i"}

_LEAKED = 20
"""Distance of a route that another VRF's connected network has become by BGP: the table shows none."""


class Origin(NamedTuple):
    """Where an external route entered this EIGRP: by which router, from which protocol."""

    router_id: IPv4Address
    protocol: str
    tag: int = 0


class Redistributor:
    """The redistribution of all processes; asked prefix by prefix."""

    def __init__(self, network: Network, all_speakers: dict[Key, Speaker]) -> None:
        self._speakers = all_speakers
        self.problems: list[str] = []
        self._connected = {
            (device.name, vrf): _connected(network, device.name, vrf)
            for device in network.devices.values()
            for vrf in {key.vrf for key in all_speakers if key.device == device.name}
        }

    def prefixes(self, key: Key) -> set[IPv4Network]:
        """Prefixes that may enter a process without any entry of another one."""
        device = self._speakers[key].device
        table = {route.prefix for route in device.state.routes or () if (route.vrf or "") == key.vrf}
        static = {route.prefix for route in device.static_routes if (route.vrf or "") == key.vrf}
        return (
            set(self._connected[key.device, key.vrf]) | static | table
            if self._speakers[key].process.redistribute
            else set()
        )

    def targets(self, key: Key) -> Iterator[Key]:
        """The processes whose redistribution may depend on an entry of this one: those beside it, and itself."""
        for other, speaker in self._speakers.items():
            if (other.device, other.vrf) == (key.device, key.vrf) and speaker.process.redistribute:
                yield other

    def offered(
        self, key: Key, prefix: IPv4Network, entries: Mapping[tuple[Key, IPv4Network], Entry]
    ) -> Iterator[tuple[Figures, Origin]]:
        """What is redistributed into a process for a prefix."""
        speaker = self._speakers[key]
        for one in speaker.process.redistribute:
            figures = self._figures(speaker, one, prefix, entries)
            if figures is None:
                continue
            try:
                sets = {} if one.route_map is None else route_map(speaker.device, one.route_map, prefix)
            except NotUnderstood as problem:
                self.problems.append(f"{problem} is not understood: taken as denying {prefix}")
                continue
            if sets is not None:
                words = sets.get("metric", "").split()
                if len(words) == 5:
                    figures = configured((int(words[0]), int(words[1]), int(words[2]), int(words[3]), int(words[4])))
                tag = sets.get("tag", "0")
                protocol = one.source.split()[0]
                yield figures, Origin(speaker.router_id, protocol, int(tag) if tag.isdigit() else 0)
                return

    def winner(
        self, key: Key, prefix: IPv4Network, entries: Mapping[tuple[Key, IPv4Network], Entry]
    ) -> Key | str | None:
        """Who has the prefix in the routing table: ``connected``, ``static``, another protocol's code, or a process."""
        if prefix in self._connected[key.device, key.vrf]:
            return "connected"
        device = self._speakers[key].device
        choices: list[tuple[int, int, Key | str]] = [
            (static.distance, 0, "static")
            for static in device.static_routes
            if static.prefix == prefix and (static.vrf or "") == key.vrf
        ]
        for route in device.state.routes or ():
            known = route.prefix == prefix and (route.vrf or "") == key.vrf
            if known and route.code.rstrip("*").split()[0] in _CODES.values():
                distance = _LEAKED if route.distance is None else route.distance
                choices.append((distance, 0, route.code.split()[0].rstrip("*")))
        for other, speaker in self._speakers.items():
            entry = entries.get((other, prefix)) if (other.device, other.vrf) == (key.device, key.vrf) else None
            learned = [] if entry is None else [p for p in entry.paths if p.kind in ("learned", "summary")]
            if learned:
                best = min(learned, key=lambda p: (p.kind != "summary", p.rank))
                distance = 5 if best.kind == "summary" else speaker.process.distance[best.origin is not None]
                choices.append((distance, speaker.metric.in_table(best.distance), other))
        return min(choices, key=lambda choice: choice[:2])[2] if choices else None

    def _figures(
        self,
        speaker: Speaker,
        one: Redistribution,
        prefix: IPv4Network,
        entries: Mapping[tuple[Key, IPv4Network], Entry],
    ) -> Figures | None:
        """The figures a prefix enters with, if this statement brings it in at all."""
        kind, _, number = one.source.partition(" ")
        key = speaker.key
        winner = self.winner(key, prefix, entries)
        given = one.metric or speaker.process.default_metric
        start = configured(given) if given else None
        if kind == "connected":
            return (start or self._connected[key.device, key.vrf][prefix]) if winner == "connected" else None
        if kind == "static":
            return (start or self._static(speaker, prefix)) if winner == "static" else None
        if kind == "eigrp":
            return self._of_process(Key(key.device, key.vrf, int(number or 0)), prefix, winner, start, entries)
        if winner != _CODES.get(kind):
            return None
        if start is None:
            self.problems.append(
                f"{key.device}: EIGRP {key.asn} redistributes {one.source} without a metric: nothing comes"
            )
        return start

    def _of_process(
        self,
        source: Key,
        prefix: IPv4Network,
        winner: Key | str | None,
        start: Figures | None,
        entries: Mapping[tuple[Key, IPv4Network], Entry],
    ) -> Figures | None:
        """From another process: what it has in the table, and the networks it runs on."""
        entry = entries.get((source, prefix))
        if entry is None:
            return None
        connected = winner == "connected" and entry.successors[0].kind == "connected"
        if winner != source and not connected:
            return None
        return start or entry.successors[0].figures

    def _static(self, speaker: Speaker, prefix: IPv4Network) -> Figures | None:
        """Without a metric a static route has that of the interface it leaves by."""
        device = speaker.device
        for static in device.static_routes:
            if static.prefix != prefix or (static.vrf or "") != speaker.key.vrf:
                continue
            for interface in device.interfaces.values():
                if interface.name == static.interface or _reaches(static, interface.addresses):
                    return of_interface(interface, device.interfaces, speaker.metric.wide)
        return None


def _reaches(static: StaticRoute, addresses: tuple[IPv4Interface, ...]) -> bool:
    return any(static.via in address.network for address in addresses) if static.via is not None else False


def _connected(network: Network, name: str, vrf: str) -> dict[IPv4Network, Figures]:
    device = network.devices[name]
    found: dict[IPv4Network, Figures] = {}
    for interface in device.interfaces.values():
        if usable(interface) and (interface.vrf or "") == vrf:
            for address in interface.addresses:
                found.setdefault(address.network, of_interface(interface, device.interfaces, False))
    return found
