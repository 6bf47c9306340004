"""What an intent means for all packets: which must arrive where, looking how, and that no others arrive anywhere.

Derived from the intent and the places of hosts alone, with code of its own: no tables, no tags of the fabric.
Must not know: rules, switches' behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from controller.intent.model import ROUTER_MAC, Endpoint, Intent, Network, Tenant
from controller.verify.frame import Frame, Tag
from controller.verify.services import Services, Who, every_service, port_regions
from controller.verify.shapes import ARP_PACKET, ICMP, IP4, WHOLE
from controller.verify.space import (
    ETH_DST,
    ETH_SRC,
    ICMP_TYPE,
    IP_DST,
    IP_SRC,
    L4_SRC,
    SHA,
    SHAPE,
    THA,
    TTL,
    VID,
    Box,
    Limits,
    Space,
    outside,
    within,
)
from fabric.fields import ETH_VLAN, VID_PRESENT
from fabric.topology import TRUNK, PortRef, Topology

MULTICAST = 1 << 40
ECHO, ECHO_REPLY, ASKS, ANSWERS = 8, 0, 1, 2

Term = tuple[str, int, int | None]


class Wanted(NamedTuple):
    """What must become of packets. ``sender``: tenant and endpoint, None when nobody may send them.

    ``arrivals``: each host that must get a copy, and how that looks. ``free``: a host to which copies may go besides
    or not (the sender's own, for what it addresses to itself). ``why``: a phrase for people.
    """

    sender: tuple[str, str] | None
    why: str
    arrivals: tuple[tuple[str, Frame], ...] = ()
    free: str | None = None


class Choice(NamedTuple):
    """``yes`` for the packets within any of the limits (which have nothing in common), ``no`` for the others."""

    permits: tuple[Limits, ...]
    yes: Wanted
    no: Wanted


Want = tuple[Box, Wanted | Choice]


def spread(box: Box, want: Wanted | Choice) -> list[tuple[Box, Wanted]]:
    """What is wanted of the packets of a box, choices spelt out."""
    if isinstance(want, Wanted):
        return [(box, want)]
    left, found = [box], []
    for limits in want.permits:
        found += [(taken, want.yes) for part in left if (taken := within(part, limits)) is not None]
        left = [rest for part in left for rest in outside(part, limits)]
    return found + [(part, want.no) for part in left]


_Kind = Callable[["_Place", Box], Iterator[Want]]


class _Place(NamedTuple):
    """An endpoint where it lives; ``vid``: the set of VLAN ids its frames come with, ``vlan`` None = untagged."""

    tenant: Tenant
    endpoint: Endpoint
    network: Network
    vlan: int | None
    who: Who


class _Ways(NamedTuple):
    """Where a tenant's routed packets may go, by address as a set; ``every``: all those addresses."""

    gateways: dict[int, Network]
    routes: dict[int, list[_Place]]
    both: dict[int, None]
    every: int


def intent_terms(intent: Intent) -> set[Term]:
    """Every value that the intent tells packets apart by."""
    found: set[Term] = {("eth_dst", ROUTER_MAC, None), ("eth_dst", MULTICAST, MULTICAST)}
    found |= {("arp_op", ASKS, None), ("arp_op", ANSWERS, None), ("icmpv4_type", ECHO, None)}
    for tenant in intent.tenants.values():
        for network in tenant.networks.values():
            found.add(("ipv4_dst", network.gateway, None))
            found.add(("vlan_vid", VID_PRESENT | (network.vlan or 0), None))
        for endpoint in tenant.endpoints.values():
            found.update((("eth_src", endpoint.mac, None), ("ipv4_src", endpoint.ip, None)))
    for service in every_service(intent):
        if service.proto is not None:
            found.add(("ip_proto", service.proto, None))
        if service.first is not None and service.last is not None:
            found.update(("tcp_dst", *region) for region in port_regions(service.first, service.last))
    return found


class Expectation:
    """An intent on a topology, over a space made from its terms."""

    def __init__(self, intent: Intent, topology: Topology, space: Space) -> None:
        self.space, self.services = space, Services(intent, space)
        self.topology = topology
        self._at: dict[str, list[_Place]] = {}
        self._admits: dict[tuple[str, str], tuple[tuple[Limits, _Kind], ...]] = {}
        self._macs: dict[tuple[str, str], dict[int, _Place]] = {}
        self._ips: dict[int, list[_Place]] = {}
        self._hosts: dict[tuple[str, str], dict[str, _Place]] = {}
        self._partners: dict[str, set[str]] = {name: {name} for name in intent.tenants}
        for share, _, importer in intent.agreed:
            self._partners[share.tenant].add(importer)
            self._partners[importer].add(share.tenant)
        for tenant in intent.tenants.values():
            for endpoint in tenant.endpoints.values():
                self._locate(tenant, endpoint)
        self._ways = {name: self._ways_of(tenant) for name, tenant in intent.tenants.items()}
        self._arp = {key: self._known(key, intent) for key in self._macs}
        self._multicast = space.domain[ETH_DST].of(MULTICAST, MULTICAST)

    def _locate(self, tenant: Tenant, endpoint: Endpoint) -> None:
        network = tenant.networks[endpoint.network]
        trunk = self.topology.hosts[endpoint.host].mode == TRUNK
        vlan = network.vlan if trunk else None
        place = _Place(tenant, endpoint, network, vlan, self.services.who(tenant, endpoint))
        key = tenant.name, network.name
        self._at.setdefault(endpoint.host, []).append(place)
        self._macs.setdefault(key, {}).setdefault(self._atom(ETH_DST, endpoint.mac), place)
        self._ips.setdefault(endpoint.ip, []).append(place)
        self._hosts.setdefault(key, {}).setdefault(endpoint.host, place)

    def _atom(self, slot: int, value: int) -> int:
        return self.space.domain[slot].of(value)

    def _ways_of(self, tenant: Tenant) -> _Ways:
        partners = self._partners[tenant.name]
        gateways = {self._atom(IP_DST, network.gateway): network for network in tenant.networks.values()}
        routes = self._routes_of(partners)
        every = 0
        for atom in (both := gateways.keys() | routes.keys()):
            every |= atom
        return _Ways(gateways, routes, dict.fromkeys(both), every)

    def _routes_of(self, partners: set[str]) -> dict[int, list[_Place]]:
        """For each address (as a set) that tenants which agreed with this one hold, the endpoints that hold it."""
        found: dict[int, list[_Place]] = {}
        for ip, places in self._ips.items():
            near = [place for place in places if place.tenant.name in partners]
            if near:
                found[self._atom(IP_DST, ip)] = near
        return found

    def _known(self, key: tuple[str, str], intent: Intent) -> dict[int, tuple[int, int]]:
        """Who answers for which address in a network: (IP address, MAC address) by the address as a set."""
        tenant = intent.tenants[key[0]]
        own = {e.ip: e.mac for e in tenant.endpoints.values() if e.network == key[1]}
        own[tenant.networks[key[1]].gateway] = ROUTER_MAC
        return {self._atom(IP_DST, ip): (ip, mac) for ip, mac in own.items()}

    # -- what is wanted ----------------------------------------------------------------------------------------

    def at(self, port: PortRef, box: Box) -> list[Want]:
        """What must become of the packets of a box that come in at a host's port: a partition of the box."""
        host = self.topology.host_at[port]
        left = [box]
        found: list[Want] = []
        for place in self._at.get(host, ()):
            key = place.tenant.name, place.endpoint.name
            known = self._admits.get(key)
            if known is None:
                known = self._admits[key] = tuple(self._admitted(place))
            for limits, kind in known:
                rest: list[Box] = []
                for part in left:
                    taken = within(part, limits)
                    if taken is None:
                        rest.append(part)
                    else:
                        found += kind(place, taken)
                        rest += outside(part, limits)
                left = rest
        return found + [(part, NOBODY) for part in left]

    def _admitted(self, place: _Place) -> Iterator[tuple[Limits, _Kind]]:
        endpoint, space = place.endpoint, self.space
        vid = space.untagged if place.vlan is None else space.domain[VID].of(VID_PRESENT | place.vlan)
        inner = () if place.vlan is None else ((VID + 1, space.untagged),)
        start = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, endpoint.ip)))
        yield (*start, (SHAPE, space.shapes.ip4), (VID, vid), *inner), self._ip
        sha = (SHA, self._atom(SHA, endpoint.mac))
        yield (*start, (SHAPE, space.shapes.where(layer=ARP_PACKET)), (VID, vid), *inner, sha), self._asked

    def _each(self, box: Box, slot: int, known: Iterable[int]) -> Iterator[tuple[Box, int]]:
        """The parts of the box with each of these atoms in a slot; the last one has none of them (0)."""
        held, left = box[slot], box[slot]
        for atom in known:
            if atom & held:
                left &= ~atom
                yield (*box[:slot], atom, *box[slot + 1 :]), atom
        if left:
            yield (*box[:slot], left, *box[slot + 1 :]), 0

    def _ip(self, place: _Place, box: Box) -> Iterator[Want]:
        """An admitted IPv4 packet: broadcast, routed or bridged, by where it is addressed to."""
        router = self._atom(ETH_DST, ROUTER_MAC)
        many = within(box, ((ETH_DST, self._multicast),))
        if many is not None:
            yield many, self._broadcast(place)
        routed = within(box, ((ETH_DST, router),))
        if routed is not None:
            yield from self._routed(place, routed)
        rest = within(box, ((ETH_DST, ~(self._multicast | router)),))
        if rest is not None:
            macs = self._macs[place.tenant.name, place.network.name]
            near = (rest[ETH_DST],) if rest[ETH_DST] in macs else macs
            for part, atom in self._each(rest, ETH_DST, near):
                if atom:
                    yield from self._to(place, [macs[atom]], part, ())
                else:
                    yield part, _nothing(place, "nobody in the network has the address it is for")

    def _to(
        self, place: _Place, targets: list[_Place], box: Box, over: tuple[tuple[int, int], ...], ttl: int = 0
    ) -> Iterator[Want]:
        """A packet for one of these endpoints (they have one address): the first that it may reach gets it."""
        left = [box]
        names = ", ".join("/".join(_name(target)) for target in targets)
        refused = _nothing(place, f"no policy lets it reach {names}")
        for i, target in enumerate(targets):
            if target.endpoint is place.endpoint:
                yield from ((part, _own(place)) for part in left)
                return
            permits = self.services.permitted(place.who, target.who)
            choice = Choice(permits, self._arrival(place, target, over, ttl), refused)
            if i + 1 == len(targets):
                yield from ((part, choice) for part in left)
                return
            parts = [each for part in left for each in spread(part, choice)]
            yield from ((part, want) for part, want in parts if want is not refused)
            left = [part for part, want in parts if want is refused]

    def _arrival(self, place: _Place, target: _Place, over: tuple[tuple[int, int], ...], ttl: int) -> Wanted:
        routed = tuple(sorted((*over, (ETH_DST, target.endpoint.mac)))) if over else over
        frame = self._frame(place, target, routed, ttl)
        return Wanted(_name(place), f"policy lets it reach {'/'.join(_name(target))}", ((target.endpoint.host, frame),))

    def _frame(self, place: _Place, target: _Place, over: tuple[tuple[int, int], ...], ttl: int = 0) -> Frame:
        tags = () if target.vlan is None else (Tag(ETH_VLAN, VID_PRESENT | target.vlan, 0),)
        return Frame(over, tags, 0 if place.vlan is None else 1, ttl)

    def _broadcast(self, place: _Place) -> Wanted:
        if not place.network.broadcast:
            return _nothing(place, "its network carries no broadcast")
        others = self._hosts[place.tenant.name, place.network.name]
        found = [(host, self._frame(place, at, ())) for host, at in others.items() if host != place.endpoint.host]
        return Wanted(_name(place), "its network carries broadcast", tuple(found))

    def _routed(self, place: _Place, box: Box) -> Iterator[Want]:
        gateways, routes, both, every = self._ways[place.tenant.name]
        held = box[IP_DST]
        near = () if not held & every else (held,) if held in both else both
        for part, atom in self._each(box, IP_DST, near):
            if atom in gateways:
                yield from self._pinged(place, gateways[atom], part)
            elif not atom:
                yield part, _nothing(place, "nobody it may speak to has the address it is for")
            else:
                yield from self._forwarded(place, routes[atom], part)

    def _forwarded(self, place: _Place, targets: list[_Place], box: Box) -> Iterator[Want]:
        young: Limits = ((TTL, self.space.full[TTL] & ~3),)
        alive = within(box, young)
        if alive is not None:
            yield from self._to(place, targets, alive, ((ETH_SRC, ROUTER_MAC),), 1)
        for old in outside(box, young):
            if any(target.endpoint is place.endpoint for target in targets):
                yield old, _own(place)
            else:
                yield old, _nothing(place, "its time to live runs out")

    def _pinged(self, place: _Place, network: Network, box: Box) -> Iterator[Want]:
        shape = self.space.shapes.where(layer=IP4, proto=ICMP, part=WHOLE)
        limits: Limits = ((SHAPE, shape), (ICMP_TYPE, self._atom(ICMP_TYPE, ECHO)))
        asked = within(box, limits)
        if asked is not None:
            over = {ETH_DST: place.endpoint.mac, ETH_SRC: ROUTER_MAC, IP_SRC: network.gateway, IP_DST: ~IP_SRC}
            frame = self._frame(place, place, tuple(sorted((over | {ICMP_TYPE: ECHO_REPLY}).items())))
            yield asked, Wanted(_name(place), "the gateway answers pings", ((place.endpoint.host, frame),))
        for part in outside(box, limits):
            yield part, _nothing(place, "the gateway answers pings only")

    def _asked(self, place: _Place, box: Box) -> Iterator[Want]:
        """An admitted ARP packet: answered when it asks for a known address."""
        limits: Limits = ((L4_SRC, self._atom(L4_SRC, ASKS)),)
        for part in outside(box, limits):
            yield part, _nothing(place, "it asks nothing")
        asks = within(box, limits)
        if asks is None:
            return
        known = self._arp[place.tenant.name, place.network.name]
        near = (asks[IP_DST],) if asks[IP_DST] in known else known
        for part, atom in self._each(asks, IP_DST, near):
            if not atom or known[atom][0] == place.endpoint.ip:
                yield part, _nothing(place, "nobody else in the network has the address it asks for")
                continue
            ip, mac = known[atom]
            over = {ETH_DST: ~ETH_SRC, ETH_SRC: mac, L4_SRC: ANSWERS, IP_SRC: ip, IP_DST: ~IP_SRC, SHA: mac, THA: ~SHA}
            frame = self._frame(place, place, tuple(sorted(over.items())))
            yield part, Wanted(_name(place), "its question is answered", ((place.endpoint.host, frame),))


def _name(place: _Place) -> tuple[str, str]:
    return place.tenant.name, place.endpoint.name


def _own(place: _Place) -> Wanted:
    return Wanted(_name(place), "it is for its own sender", (), place.endpoint.host)


def _nothing(place: _Place, why: str) -> Wanted:
    return Wanted(_name(place), why)


NOBODY = Wanted(None, "it bears the addresses of no endpoint of this port")
