"""Who may send what: the packets that the source guard of a host's port must admit.

Must not know: policies between endpoints, rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.verify.headerspace.header_layouts import ARP_PACKET
from clos.controller.verify.headerspace.header_space import ETH_SRC, IP_SRC, LAYOUT, SHA, VID, Box, Limits
from clos.controller.verify.spec.attachments import AttachedEndpoint, Attachments
from clos.controller.verify.spec.policy_space import PolicyClass
from clos.fabric.packet.fields import VID_PRESENT


class SenderProfile(NamedTuple):
    """Senders of whom the same is required: endpoints of a network in these groups, untagged or with a VLAN id."""

    tenant: str
    network: str
    who: PolicyClass
    vlan: int | None
    kind: str


class Admission(NamedTuple):
    """Packets that an endpoint may send: what they look like, and which profile they are sent under."""

    place: AttachedEndpoint
    limits: Limits
    profile: SenderProfile


class Admissions:
    """What each endpoint may send, worked out when it is first asked for."""

    def __init__(self, places: Attachments) -> None:
        self._places, self._space = places, places.space
        self._admits: dict[AttachedEndpoint, tuple[Admission, ...]] = {}
        self._by_mac: dict[str, dict[int, list[Admission]]] = {}

    def at(self, host: str) -> Iterator[Admission]:
        """What each endpoint of a host may send."""
        for place in self._places.at(host):
            admissions = self._admits.get(place)
            if admissions is None:
                admissions = self._admits[place] = tuple(self._admitted(place))
            yield from admissions

    def of_box(self, host: str, box: Box) -> Iterable[Admission]:
        """Those of a host under which some packets of a box may be sent, and perhaps others: all have one Ethernet
        source address each, by which they are found."""
        source = box[ETH_SRC]
        if source & source - 1:
            return self.at(host)
        found = self._by_mac.get(host)
        if found is None:
            found = self._by_mac[host] = {}
            for admission in self.at(host):
                found.setdefault(dict(admission.limits)[ETH_SRC], []).append(admission)
        return found.get(source, ())

    def own(self, place: AttachedEndpoint) -> Limits:
        """The IPv4 packets with an endpoint's own addresses, whatever tags they have."""
        sources = self._places.behind(place)
        for address in place.endpoint.addresses:
            sources |= self._atom(IP_SRC, address)
        return ((ETH_SRC, self._atom(ETH_SRC, place.endpoint.mac)), (IP_SRC, sources), (LAYOUT, self._space.shapes.ip4))

    def _admitted(self, place: AttachedEndpoint) -> Iterator[Admission]:
        endpoint, space = place.endpoint, self._space
        vid = space.untagged if place.vlan is None else space.domain[VID].of(VID_PRESENT | place.vlan)
        inner = () if place.vlan is None else ((VID + 1, space.untagged),)
        mac = (ETH_SRC, self._atom(ETH_SRC, endpoint.mac))
        profile = SenderProfile(place.tenant.name, place.network.name, place.who, place.vlan, "ip")
        yield Admission(place, (*self.own(place), (VID, vid), *inner), profile)
        arp = (LAYOUT, space.shapes.where(layer=ARP_PACKET))
        sha = (SHA, self._atom(SHA, endpoint.mac))
        for address in endpoint.addresses:
            asks = mac, (IP_SRC, self._atom(IP_SRC, address))
            yield Admission(place, (*asks, arp, (VID, vid), *inner, sha), profile._replace(kind="arp"))
        for ip, who in self._forwarded(place):
            forwarded_by = AttachedEndpoint(place.tenant, endpoint, place.vlan, who)
            ends = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, ip)))
            headers = (*ends, (LAYOUT, space.shapes.ip4), (VID, vid), *inner)
            yield Admission(forwarded_by, headers, profile._replace(who=who))

    def _forwarded(self, place: AttachedEndpoint) -> Iterator[tuple[int, PolicyClass]]:
        """Whose packets an endpoint may forward, if it is a waypoint: by IP address, and what policies see of these."""
        view, name = self._places.views[place.tenant.name], place.endpoint.name
        ends = view.turned.get(name)
        for other in view.places if ends else ():
            if ends and not ends.isdisjoint(other.who.groups):
                for address in other.endpoint.addresses:
                    yield address, other.who._replace(forwarded_by=name)

    def _atom(self, slot: int, value: int) -> int:
        return self._space.domain[slot].of(value)
