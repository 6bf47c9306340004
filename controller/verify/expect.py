"""What an intent means for all packets: which must arrive where, looking how, and that no others arrive anywhere.

Derived from the intent and the places of hosts alone, with code of its own: no tables, no tags of the fabric.
Must not know: rules, switches' behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from controller.intent.model import ROUTER_MAC, Endpoint, Intent, Network, Tenant
from controller.verify.frame import Frame, Tag
from controller.verify.services import Services, Who
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
from controller.verify.terms import ANSWERS, ASKS, ECHO, ECHO_REPLY, MULTICAST
from fabric.fields import ETH_VLAN, VID_PRESENT
from fabric.topology import TRUNK, PortRef, Topology


class Wanted(NamedTuple):
    """What must become of packets. ``sender``: tenant and endpoint, None when nobody may send them.

    ``arrivals``: each host that must get a copy, and how that looks. ``free``: hosts to which copies may go besides
    or not (the sender's own, for what it addresses to itself). ``why``: a phrase for people. ``later``: the host that
    they are for and must not get yet, because a waypoint gets them first.
    """

    sender: tuple[str, str] | None
    why: str
    arrivals: tuple[tuple[str, Frame], ...] = ()
    free: tuple[str, ...] = ()
    later: str | None = None


class Choice(NamedTuple):
    """``yes`` for the packets within any of the limits (which have nothing in common), ``no`` for the others.

    ``who``: whom the packets are for; the limits depend on that and on the sender, the rest does not.
    """

    permits: tuple[Limits, ...]
    yes: Wanted
    no: Wanted
    who: Who


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


class Wish(NamedTuple):
    """Of whom something is wanted: any endpoint of a network in these groups, sending untagged or with a VLAN id."""

    tenant: str
    network: str
    who: Who
    vlan: int | None
    kind: str


class Place:
    """An endpoint where it lives; ``vlan``: the VLAN id its frames come with, None = untagged."""

    __slots__ = ("endpoint", "network", "tenant", "vlan", "who")

    def __init__(self, tenant: Tenant, endpoint: Endpoint, vlan: int | None, who: Who) -> None:
        self.tenant, self.endpoint, self.vlan, self.who = tenant, endpoint, vlan, who
        self.network: Network = tenant.networks[endpoint.network]


class Admission(NamedTuple):
    """Packets that an endpoint may send: what they look like, and whose wishes they serve."""

    place: Place
    limits: Limits
    wish: Wish


class _View:
    """What one tenant's part of an intent says, over a space. Kept for as long as the tenant stays the same.

    ``turned``: waypoints, each with the groups whose packets it passes on.
    """

    __slots__ = ("arp", "homes", "ips", "macs", "named", "places", "tenant", "turned", "yes")

    def __init__(
        self, tenant: Tenant, topology: Topology, space: Space, who: Callable[[Tenant, Endpoint], Who]
    ) -> None:
        self.tenant = tenant
        self.places: list[Place] = []
        self.named: dict[str, Place] = {}
        self.turned: dict[str, set[str]] = {}
        self.macs: dict[str, dict[int, Place]] = {name: {} for name in tenant.networks}
        self.homes: dict[str, dict[str, Place]] = {name: {} for name in tenant.networks}
        self.ips: dict[int, list[Place]] = {}
        self.arp: dict[str, dict[int, tuple[int, int]]] = {name: {} for name in tenant.networks}
        self.yes: dict[object, Wanted] = {}
        mac, ip = space.domain[ETH_DST].of, space.domain[IP_DST].of
        for endpoint in tenant.endpoints.values():
            name = endpoint.network
            trunk = topology.hosts[endpoint.host].mode == TRUNK
            vlan = tenant.networks[name].vlan if trunk else None
            place = Place(tenant, endpoint, vlan, who(tenant, endpoint))
            self.places.append(place)
            self.named[endpoint.name] = place
            self.macs[name].setdefault(mac(endpoint.mac), place)
            self.homes[name].setdefault(endpoint.host, place)
            self.ips.setdefault(ip(endpoint.ip), []).append(place)
            self.arp[name][ip(endpoint.ip)] = endpoint.ip, endpoint.mac
        for network in tenant.networks.values():
            self.arp[network.name][ip(network.gateway)] = network.gateway, ROUTER_MAC
        for policy in tenant.policies:
            if policy.via is not None:
                self.turned.setdefault(policy.via, set()).update((policy.source, policy.target))


class _Ways(NamedTuple):
    """Where a tenant's routed packets may go, by address as a set; ``every``: all those addresses. ``of``: the views
    that this was made of. ``known``: what is wanted of boxes of packets, by network, VLAN id and kind of wish, whoever
    sends them; None where an address is several endpoints', so that policy decides whose it is, or where waypoints get
    some packets first, so that policy decides where they go."""

    of: tuple[_View, ...]
    gateways: dict[int, Network]
    routes: dict[int, list[Place]]
    both: dict[int, None]
    every: int
    known: dict[tuple[str, int | None, str], dict[Box, list[Want]]] | None


OWN = ""
"""The host of whoever sends, whoever that is."""

_PASSED = "a waypoint may only pass packets on to whom they are for"

_ANYONE = Endpoint("", "", OWN, 0, -1)


class Expectation:
    """An intent on a topology, over a space made from its terms. ``before``: another one over the same space and
    topology, of which everything is kept that has not changed."""

    def __init__(self, intent: Intent, topology: Topology, space: Space, before: Expectation | None = None) -> None:
        self.intent, self.topology, self.space = intent, topology, space
        self.services: Services = Services(intent, space, before.services if before else None)
        known = before._views if before else {}
        self._views: dict[str, _View] = {
            name: known[name] if name in known and known[name].tenant == tenant else self._view(tenant)
            for name, tenant in intent.tenants.items()
        }
        self._at = self._homes(before)
        self._partners: dict[str, dict[str, None]] = {name: {name: None} for name in intent.tenants}
        for share, _, importer in intent.agreed:
            self._partners[share.tenant][importer] = None
            self._partners[importer][share.tenant] = None
        ways = before._ways if before else {}
        self._order = {name: i for i, name in enumerate(intent.tenants)}
        self._ways: dict[str, _Ways] = {name: self._ways_of(name, ways.get(name)) for name in intent.tenants}
        self.router = space.domain[ETH_DST].of(ROUTER_MAC)
        self.many = space.domain[ETH_DST].of(MULTICAST, MULTICAST)
        self._admits: dict[Place, tuple[Admission, ...]] = {}
        self._anyone: dict[Wish, Place] = {}

    def _view(self, tenant: Tenant) -> _View:
        return _View(tenant, self.topology, self.space, self.services.who)

    def _homes(self, before: Expectation | None) -> dict[str, list[Place]]:
        """The endpoints by host."""
        found: dict[str, list[Place]] = dict(before._at) if before else {}
        old = before._views if before else {}
        gone = {place for name, view in old.items() if self._views.get(name) is not view for place in view.places}
        for host in {place.endpoint.host for place in gone}:
            found[host] = [place for place in found[host] if place not in gone]
        for name, view in self._views.items():
            if old.get(name) is not view:
                for place in view.places:
                    host = place.endpoint.host
                    found[host] = [*found.get(host, ()), place]
        return found

    def _atom(self, slot: int, value: int) -> int:
        return self.space.domain[slot].of(value)

    def _ways_of(self, name: str, before: _Ways | None) -> _Ways:
        views = tuple([self._views[each] for each in sorted(self._partners[name], key=self._order.__getitem__)])
        if before is not None and before.of == views:
            return before
        networks = self.intent.tenants[name].networks.values()
        gateways = {self._atom(IP_DST, network.gateway): network for network in networks}
        routes: dict[int, list[Place]] = {}
        for view in views:
            for atom, places in view.ips.items():
                routes.setdefault(atom, []).extend(places)
        every = 0
        for atom in (both := dict.fromkeys([*gateways, *routes])):
            every |= atom
        shared = not self._views[name].turned and all(len(places) == 1 for places in routes.values())
        return _Ways(views, gateways, routes, both, every, {} if shared else None)

    # -- who sends -------------------------------------------------------------------------------------------------

    def places(self, host: str) -> list[Place]:
        """The endpoints of a host."""
        return self._at.get(host, [])

    def tenants_at(self, host: str) -> set[str]:
        return {place.tenant.name for place in self.places(host)}

    def partners(self, tenant: str) -> Iterable[str]:
        """The tenants with which one shares anything, itself among them."""
        return self._partners.get(tenant, ())

    def admissions(self, host: str) -> Iterator[Admission]:
        """What each endpoint of a host may send."""
        for place in self.places(host):
            found = self._admits.get(place)
            if found is None:
                found = self._admits[place] = tuple(self._admitted(place))
            yield from found

    def _admitted(self, place: Place) -> Iterator[Admission]:
        endpoint, space = place.endpoint, self.space
        vid = space.untagged if place.vlan is None else space.domain[VID].of(VID_PRESENT | place.vlan)
        inner = () if place.vlan is None else ((VID + 1, space.untagged),)
        start = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, endpoint.ip)))
        wish = Wish(place.tenant.name, place.network.name, place.who, place.vlan, "ip")
        yield Admission(place, (*start, (SHAPE, space.shapes.ip4), (VID, vid), *inner), wish)
        arp = (SHAPE, space.shapes.where(layer=ARP_PACKET))
        sha = (SHA, self._atom(SHA, endpoint.mac))
        yield Admission(place, (*start, arp, (VID, vid), *inner, sha), wish._replace(kind="arp"))
        for ip, who in self._behind(place):
            passer = Place(place.tenant, endpoint, place.vlan, who)
            ends = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, ip)))
            looks = (*ends, (SHAPE, space.shapes.ip4), (VID, vid), *inner)
            yield Admission(passer, looks, wish._replace(who=who))

    def _behind(self, place: Place) -> Iterator[tuple[int, Who]]:
        """Whose packets an endpoint may pass on, if it is a waypoint: by IP address, and what policies see of these."""
        view, name = self._views[place.tenant.name], place.endpoint.name
        ends = view.turned.get(name)
        for other in view.places if ends else ():
            if ends and not ends.isdisjoint(other.who.groups):
                yield other.endpoint.ip, other.who._replace(passer=name)

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def at(self, port: PortRef, box: Box) -> list[Want]:
        """What must become of the packets of a box that come in at a host's port: a partition of the box."""
        left = [box]
        found: list[Want] = []
        for place, limits, wish in self.admissions(self.topology.host_at[port]):
            rest: list[Box] = []
            for part in left:
                taken = within(part, limits)
                if taken is None:
                    rest.append(part)
                else:
                    found += self._wanted(place, wish.kind, taken)
                    rest += outside(part, limits)
            left = rest
        return found + [(part, NOBODY) for part in left]

    def of(self, wish: Wish, box: Box) -> list[Want]:
        """What must become of packets of a box of which it is known that such a sender may send them, unless they are
        for the sender itself or for another endpoint of its host; a partition of the box."""
        anyone = self._anyone.get(wish)
        if anyone is None:
            tenant = self._views[wish.tenant].tenant
            anyone = self._anyone[wish] = Place(tenant, replace(_ANYONE, network=wish.network), wish.vlan, wish.who)
        known = self._ways[wish.tenant].known
        if known is None:
            return list(self._wanted(anyone, wish.kind, box))
        alike = known.setdefault((wish.network, wish.vlan, wish.kind), {})
        found = alike.get(box)
        if found is None:
            found = alike[box] = list(self._wanted(anyone, wish.kind, box))
            return found
        return [(part, self._chosen(want, wish.who) if type(want) is Choice else want) for part, want in found]

    def _chosen(self, choice: Choice, who: Who) -> Choice:
        """The same choice for another sender."""
        return choice._replace(permits=self.services.permitted(who, choice.who))

    def broadcasts(self, wish: Wish) -> bool:
        """Whether the network of a wish carries broadcast."""
        tenant = self.intent.tenants.get(wish.tenant)
        network = tenant.networks.get(wish.network) if tenant is not None else None
        return network is not None and network.broadcast

    def beside(self, admission: Admission, box: Box) -> Iterator[Box]:
        """The packets of a box for which ``of`` does not speak: to endpoints of the sender's host, to everybody."""
        place, _, wish = admission
        routed: Limits = ((ETH_DST, self._atom(ETH_DST, ROUTER_MAC)),) if wish.kind == "ip" else ()
        near = self._partners[wish.tenant]
        if wish.kind == "ip" and place.network.broadcast:
            yield from _some(within(box, ((ETH_DST, self.many),)))
        for other in self.places(place.endpoint.host):
            if other.tenant.name in near:
                yield from _some(within(box, (*routed, (IP_DST, self._atom(IP_DST, other.endpoint.ip)))))
                if wish.kind == "ip":
                    yield from _some(within(box, ((ETH_DST, self._atom(ETH_DST, other.endpoint.mac)),)))

    def _wanted(self, place: Place, kind: str, box: Box) -> Iterator[Want]:
        return self._ip(place, box) if kind == "ip" else self._asked(place, box)

    def _each(self, box: Box, slot: int, known: Iterable[int]) -> Iterator[tuple[Box, int]]:
        """The parts of the box with each of these atoms in a slot; the last one has none of them (0)."""
        held, left = box[slot], box[slot]
        for atom in known:
            if atom & held:
                left &= ~atom
                yield (*box[:slot], atom, *box[slot + 1 :]), atom
        if left:
            yield (*box[:slot], left, *box[slot + 1 :]), 0

    def _ip(self, place: Place, box: Box) -> Iterator[Want]:
        """An admitted IPv4 packet: broadcast, routed or bridged, by where it is addressed to."""
        router = self._atom(ETH_DST, ROUTER_MAC)
        many = within(box, ((ETH_DST, self.many),))
        if many is not None:
            yield many, _nothing(place, _PASSED) if place.who.passer else self._broadcast(place)
        routed = within(box, ((ETH_DST, router),))
        if routed is not None:
            yield from self._routed(place, routed)
        rest = within(box, ((ETH_DST, ~(self.many | router)),))
        if rest is not None:
            macs = self._views[place.tenant.name].macs[place.network.name]
            near = (rest[ETH_DST],) if rest[ETH_DST] in macs else macs
            for part, atom in self._each(rest, ETH_DST, near):
                if atom:
                    yield from self._to(place, [macs[atom]], part, ())
                else:
                    yield part, _nothing(place, "nobody in the network has the address it is for")

    def _to(
        self, place: Place, targets: list[Place], box: Box, over: tuple[tuple[int, int], ...], ttl: int = 0
    ) -> Iterator[Want]:
        """A packet for one of these endpoints (they have one address): the first that it may reach gets it."""
        left = [box]
        names = ", ".join("/".join(_name(target)) for target in targets)
        refused = _nothing(place, f"no policy lets it reach {names}")
        for i, target in enumerate(targets):
            if target.endpoint is place.endpoint and not place.who.passer:
                yield from ((part, self._own(place)) for part in left)
                return
            left = yield from self._turned(place, target, left, over, ttl)
            permits = self.services.permitted(place.who, target.who)
            choice = Choice(permits, self._arrival(place, target, over, ttl), refused, target.who)
            if i + 1 == len(targets):
                yield from ((part, choice) for part in left)
                return
            parts = [each for part in left for each in spread(part, choice)]
            yield from ((part, want) for part, want in parts if want is not refused)
            left = [part for part, want in parts if want is refused]

    def _own(self, place: Place) -> Wanted:
        """What somebody addresses to itself is nobody's business, and no more so by way of a waypoint."""
        named = self._views[place.tenant.name].named
        turned = (named[via].endpoint.host for via, _ in self.services.detours(place.who, place.who))
        return Wanted(_name(place), "it is for its own sender", (), (place.endpoint.host, *turned))

    def _turned(
        self, place: Place, target: Place, boxes: list[Box], over: tuple[tuple[int, int], ...], ttl: int
    ) -> Generator[tuple[Box, Wanted], None, list[Box]]:
        """The packets that waypoints get first; returns the others."""
        for via, permits in self.services.detours(place.who, target.who):
            waypoint = self._views[place.tenant.name].named[via]
            frame = self._frame(place, waypoint, tuple(sorted((*over, (ETH_DST, waypoint.endpoint.mac)))), ttl)
            why = f"policy lets it reach {'/'.join(_name(target))} by way of {via} only"
            want = Wanted(_name(place), why, ((waypoint.endpoint.host, frame),), (), target.endpoint.host)
            for limits in permits:
                yield from ((taken, want) for box in boxes if (taken := within(box, limits)) is not None)
                boxes = [rest for box in boxes for rest in outside(box, limits)]
        return boxes

    def _arrival(self, place: Place, target: Place, over: tuple[tuple[int, int], ...], ttl: int) -> Wanted:
        known = self._views[place.tenant.name].yes
        key = place.endpoint.name, place.network.name, place.vlan, target, ttl
        if key not in known:
            routed = tuple(sorted((*over, (ETH_DST, target.endpoint.mac)))) if over else over
            arrival = target.endpoint.host, self._frame(place, target, routed, ttl)
            known[key] = Wanted(_name(place), f"policy lets it reach {'/'.join(_name(target))}", (arrival,))
        return known[key]

    def _frame(self, place: Place, target: Place, over: tuple[tuple[int, int], ...], ttl: int = 0) -> Frame:
        tags = () if target.vlan is None else (Tag(ETH_VLAN, VID_PRESENT | target.vlan, 0),)
        return Frame(over, tags, 0 if place.vlan is None else 1, ttl)

    def _broadcast(self, place: Place) -> Wanted:
        if not place.network.broadcast:
            return _nothing(place, "its network carries no broadcast")
        others = self._views[place.tenant.name].homes[place.network.name]
        found = [(host, self._frame(place, at, ())) for host, at in others.items() if host != place.endpoint.host]
        return Wanted(_name(place), "its network carries broadcast", tuple(found))

    def _routed(self, place: Place, box: Box) -> Iterator[Want]:
        _, gateways, routes, both, every, _ = self._ways[place.tenant.name]
        held = box[IP_DST]
        near = () if not held & every else (held,) if held in both else both
        for part, atom in self._each(box, IP_DST, near):
            if atom in gateways:
                yield from self._pinged(place, gateways[atom], part)
            elif not atom:
                yield part, _nothing(place, "nobody it may speak to has the address it is for")
            else:
                yield from self._forwarded(place, routes[atom], part)

    def _forwarded(self, place: Place, targets: list[Place], box: Box) -> Iterator[Want]:
        young: Limits = ((TTL, self.space.full[TTL] & ~3),)
        alive = within(box, young)
        if alive is not None:
            yield from self._to(place, targets, alive, ((ETH_SRC, ROUTER_MAC),), 1)
        for old in outside(box, young):
            if any(target.endpoint is place.endpoint for target in targets) and not place.who.passer:
                yield old, self._own(place)
            else:
                yield old, _nothing(place, "its time to live runs out")

    def _pinged(self, place: Place, network: Network, box: Box) -> Iterator[Want]:
        shape = self.space.shapes.where(layer=IP4, proto=ICMP, part=WHOLE)
        limits: Limits = ((SHAPE, shape), (ICMP_TYPE, self._atom(ICMP_TYPE, ECHO)))
        if place.who.passer:
            yield box, _nothing(place, _PASSED)
            return
        asked = within(box, limits)
        if asked is not None:
            over = {ETH_DST: ~ETH_SRC, ETH_SRC: ROUTER_MAC, IP_SRC: network.gateway, IP_DST: ~IP_SRC}
            frame = self._frame(place, place, tuple(sorted((over | {ICMP_TYPE: ECHO_REPLY}).items())))
            yield asked, Wanted(_name(place), "the gateway answers pings", ((place.endpoint.host, frame),))
        for part in outside(box, limits):
            yield part, _nothing(place, "the gateway answers pings only")

    def _asked(self, place: Place, box: Box) -> Iterator[Want]:
        """An admitted ARP packet: answered when it asks for a known address."""
        limits: Limits = ((L4_SRC, self._atom(L4_SRC, ASKS)),)
        for part in outside(box, limits):
            yield part, _nothing(place, "it asks nothing")
        asks = within(box, limits)
        if asks is None:
            return
        known = self._views[place.tenant.name].arp[place.network.name]
        near = (asks[IP_DST],) if asks[IP_DST] in known else known
        for part, atom in self._each(asks, IP_DST, near):
            if not atom or known[atom][0] == place.endpoint.ip:
                yield part, _nothing(place, "nobody else in the network has the address it asks for")
                continue
            ip, mac = known[atom]
            over = {ETH_DST: ~ETH_SRC, ETH_SRC: mac, L4_SRC: ANSWERS, IP_SRC: ip, IP_DST: ~IP_SRC, SHA: mac, THA: ~SHA}
            frame = self._frame(place, place, tuple(sorted(over.items())))
            yield part, Wanted(_name(place), "its question is answered", ((place.endpoint.host, frame),))


def _some(box: Box | None) -> tuple[Box, ...]:
    return () if box is None else (box,)


def _name(place: Place) -> tuple[str, str]:
    return place.tenant.name, place.endpoint.name


def _nothing(place: Place, why: str) -> Wanted:
    return Wanted(_name(place), why)


NOBODY = Wanted(None, "it bears the addresses of no endpoint of this port")
