"""What an intent means for all packets: which must arrive where, looking how, and that no others arrive anywhere.

Derived from the intent and the places of hosts alone, with code of its own: no tables, no tags of the fabric.
Must not know: rules, switches' behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from clos.controller.intent.model import ROUTER_MAC, Endpoint, Intent, Network, Tenant
from clos.controller.verify.headerspace.header_layouts import ARP_PACKET, ICMP, IP4, WHOLE
from clos.controller.verify.headerspace.header_space import (
    ETH_DST,
    ETH_SRC,
    ICMP_TYPE,
    IP_DST,
    IP_SRC,
    L4_SRC,
    LAYOUT,
    SHA,
    THA,
    TTL,
    VID,
    Box,
    HeaderSpace,
    Limits,
    outside,
    within,
)
from clos.controller.verify.headerspace.transform import HeaderTransform, Tag
from clos.controller.verify.spec.intent_terms import ANSWERS, ASKS, ECHO, ECHO_REPLY, MULTICAST
from clos.controller.verify.spec.policy_space import PolicyClass, PolicySpace
from clos.fabric.packet.fields import ETH_VLAN, VID_PRESENT
from clos.fabric.topology import TRUNK, PortRef, Topology


class Requirement(NamedTuple):
    """What must become of packets. ``sender``: tenant and endpoint, None when nobody may send them.

    ``arrivals``: each host that must get a copy, and how that looks. ``free``: hosts to which copies may go besides
    or not (the sender's own, for what it addresses to itself). ``why``: a phrase for people. ``later``: the host that
    they are for and must not get yet, because a waypoint gets them first.
    """

    sender: tuple[str, str] | None
    why: str
    arrivals: tuple[tuple[str, HeaderTransform], ...] = ()
    free: tuple[str, ...] = ()
    later: str | None = None


class ConditionalRequirement(NamedTuple):
    """``yes`` for the packets within any of the limits (which have nothing in common), ``no`` for the others.

    ``who``: whom the packets are for; the limits depend on that and on the sender, the rest does not.
    """

    permits: tuple[Limits, ...]
    yes: Requirement
    no: Requirement
    who: PolicyClass


Requirements = tuple[Box, Requirement | ConditionalRequirement]


def requirement_cases(box: Box, requirement: Requirement | ConditionalRequirement) -> list[tuple[Box, Requirement]]:
    """What is wanted of the packets of a box, choices spelt out."""
    if isinstance(requirement, Requirement):
        return [(box, requirement)]
    left, found = [box], []
    for limits in requirement.permits:
        found += [(taken, requirement.yes) for part in left if (taken := within(part, limits)) is not None]
        left = [rest for part in left for rest in outside(part, limits)]
    return found + [(part, requirement.no) for part in left]


class SenderProfile(NamedTuple):
    """Of whom something is wanted: any endpoint of a network in these groups, sending untagged or with a VLAN id."""

    tenant: str
    network: str
    who: PolicyClass
    vlan: int | None
    kind: str


class AttachedEndpoint:
    """An endpoint where it lives; ``vlan``: the VLAN id its frames come with, None = untagged."""

    __slots__ = ("endpoint", "network", "tenant", "vlan", "who")

    def __init__(self, tenant: Tenant, endpoint: Endpoint, vlan: int | None, who: PolicyClass) -> None:
        self.tenant, self.endpoint, self.vlan, self.who = tenant, endpoint, vlan, who
        self.network: Network = tenant.networks[endpoint.network]


class Admission(NamedTuple):
    """Packets that an endpoint may send: what they look like, and whose wishes they serve."""

    place: AttachedEndpoint
    limits: Limits
    profile: SenderProfile


class _TenantSpec:
    """What one tenant's part of an intent says, over a space. Kept for as long as the tenant stays the same.

    ``turned``: waypoints, each with the groups whose packets it passes on.
    """

    __slots__ = ("arp", "homes", "ips", "macs", "named", "places", "tenant", "turned", "yes")

    def __init__(
        self, tenant: Tenant, topology: Topology, space: HeaderSpace, who: Callable[[Tenant, Endpoint], PolicyClass]
    ) -> None:
        self.tenant = tenant
        self.places: list[AttachedEndpoint] = []
        self.named: dict[str, AttachedEndpoint] = {}
        self.turned: dict[str, set[str]] = {}
        self.macs: dict[str, dict[int, AttachedEndpoint]] = {name: {} for name in tenant.networks}
        self.homes: dict[str, dict[str, AttachedEndpoint]] = {name: {} for name in tenant.networks}
        self.ips: dict[int, list[AttachedEndpoint]] = {}
        self.arp: dict[str, dict[int, tuple[int, int]]] = {name: {} for name in tenant.networks}
        self.yes: dict[object, Requirement] = {}
        mac, ip = space.domain[ETH_DST].of, space.domain[IP_DST].of
        for endpoint in tenant.endpoints.values():
            name = endpoint.network
            trunk = topology.hosts[endpoint.host].mode == TRUNK
            vlan = tenant.networks[name].vlan if trunk else None
            place = AttachedEndpoint(tenant, endpoint, vlan, who(tenant, endpoint))
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


class _RoutedTargets(NamedTuple):
    """Where a tenant's routed packets may go, by address as a set; ``every``: all those addresses. ``of``: the views
    that this was made of. ``known``: what is wanted of boxes of packets, by network, VLAN id and kind of wish, whoever
    sends them; None where an address is several endpoints', so that policy decides whose it is, or where waypoints get
    some packets first, so that policy decides where they go."""

    of: tuple[_TenantSpec, ...]
    gateways: dict[int, Network]
    routes: dict[int, list[AttachedEndpoint]]
    both: dict[int, None]
    every: int
    known: dict[tuple[str, int | None, str], dict[Box, list[Requirements]]] | None


OWN = ""
"""The host of whoever sends, whoever that is."""

_PASSED = "a waypoint may only pass packets on to whom they are for"

_ANYONE = Endpoint("", "", OWN, 0, -1)


class Specification:
    """An intent on a topology, over a space made from its terms. ``before``: another one over the same space and
    topology, of which everything is kept that has not changed."""

    def __init__(
        self, intent: Intent, topology: Topology, space: HeaderSpace, before: Specification | None = None
    ) -> None:
        self.intent, self.topology, self.space = intent, topology, space
        self.services: PolicySpace = PolicySpace(intent, space, before.services if before else None)
        known = before._views if before else {}
        self._views: dict[str, _TenantSpec] = {
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
        self._ways: dict[str, _RoutedTargets] = {name: self._ways_of(name, ways.get(name)) for name in intent.tenants}
        self.router = space.domain[ETH_DST].of(ROUTER_MAC)
        self.many = space.domain[ETH_DST].of(MULTICAST, MULTICAST)
        self._admits: dict[AttachedEndpoint, tuple[Admission, ...]] = {}
        self._anyone: dict[SenderProfile, AttachedEndpoint] = {}

    def _view(self, tenant: Tenant) -> _TenantSpec:
        return _TenantSpec(tenant, self.topology, self.space, self.services.who)

    def _homes(self, before: Specification | None) -> dict[str, list[AttachedEndpoint]]:
        """The endpoints by host."""
        found: dict[str, list[AttachedEndpoint]] = dict(before._at) if before else {}
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

    def _ways_of(self, name: str, before: _RoutedTargets | None) -> _RoutedTargets:
        views = tuple([self._views[each] for each in sorted(self._partners[name], key=self._order.__getitem__)])
        if before is not None and before.of == views:
            return before
        networks = self.intent.tenants[name].networks.values()
        gateways = {self._atom(IP_DST, network.gateway): network for network in networks}
        routes: dict[int, list[AttachedEndpoint]] = {}
        for view in views:
            for atom, places in view.ips.items():
                routes.setdefault(atom, []).extend(places)
        every = 0
        for atom in (both := dict.fromkeys([*gateways, *routes])):
            every |= atom
        shared = not self._views[name].turned and all(len(places) == 1 for places in routes.values())
        return _RoutedTargets(views, gateways, routes, both, every, {} if shared else None)

    # -- who sends -------------------------------------------------------------------------------------------------

    def places(self, host: str) -> list[AttachedEndpoint]:
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

    def _admitted(self, place: AttachedEndpoint) -> Iterator[Admission]:
        endpoint, space = place.endpoint, self.space
        vid = space.untagged if place.vlan is None else space.domain[VID].of(VID_PRESENT | place.vlan)
        inner = () if place.vlan is None else ((VID + 1, space.untagged),)
        start = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, endpoint.ip)))
        profile = SenderProfile(place.tenant.name, place.network.name, place.who, place.vlan, "ip")
        yield Admission(place, (*start, (LAYOUT, space.shapes.ip4), (VID, vid), *inner), profile)
        arp = (LAYOUT, space.shapes.where(layer=ARP_PACKET))
        sha = (SHA, self._atom(SHA, endpoint.mac))
        yield Admission(place, (*start, arp, (VID, vid), *inner, sha), profile._replace(kind="arp"))
        for ip, who in self._behind(place):
            forwarded_by = AttachedEndpoint(place.tenant, endpoint, place.vlan, who)
            ends = ((ETH_SRC, self._atom(ETH_SRC, endpoint.mac)), (IP_SRC, self._atom(IP_SRC, ip)))
            looks = (*ends, (LAYOUT, space.shapes.ip4), (VID, vid), *inner)
            yield Admission(forwarded_by, looks, profile._replace(who=who))

    def _behind(self, place: AttachedEndpoint) -> Iterator[tuple[int, PolicyClass]]:
        """Whose packets an endpoint may pass on, if it is a waypoint: by IP address, and what policies see of these."""
        view, name = self._views[place.tenant.name], place.endpoint.name
        ends = view.turned.get(name)
        for other in view.places if ends else ():
            if ends and not ends.isdisjoint(other.who.groups):
                yield other.endpoint.ip, other.who._replace(forwarded_by=name)

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def at(self, port: PortRef, box: Box) -> list[Requirements]:
        """What must become of the packets of a box that come in at a host's port: a partition of the box."""
        left = [box]
        found: list[Requirements] = []
        for place, limits, profile in self.admissions(self.topology.host_at[port]):
            rest: list[Box] = []
            for part in left:
                taken = within(part, limits)
                if taken is None:
                    rest.append(part)
                else:
                    found += self._wanted(place, profile.kind, taken)
                    rest += outside(part, limits)
            left = rest
        return found + [(part, NOT_ADMITTED) for part in left]

    def of(self, profile: SenderProfile, box: Box) -> list[Requirements]:
        """What must become of packets of a box of which it is known that such a sender may send them, unless they are
        for the sender itself or for another endpoint of its host; a partition of the box."""
        anyone = self._anyone.get(profile)
        if anyone is None:
            tenant = self._views[profile.tenant].tenant
            anyone = self._anyone[profile] = AttachedEndpoint(
                tenant, replace(_ANYONE, network=profile.network), profile.vlan, profile.who
            )
        known = self._ways[profile.tenant].known
        if known is None:
            return list(self._wanted(anyone, profile.kind, box))
        alike = known.setdefault((profile.network, profile.vlan, profile.kind), {})
        found = alike.get(box)
        if found is None:
            found = alike[box] = list(self._wanted(anyone, profile.kind, box))
            return found
        return [
            (
                part,
                self._chosen(requirement, profile.who) if type(requirement) is ConditionalRequirement else requirement,
            )
            for part, requirement in found
        ]

    def _chosen(self, choice: ConditionalRequirement, who: PolicyClass) -> ConditionalRequirement:
        """The same choice for another sender."""
        return choice._replace(permits=self.services.permitted(who, choice.who))

    def broadcasts(self, profile: SenderProfile) -> bool:
        """Whether the network of a wish carries broadcast."""
        tenant = self.intent.tenants.get(profile.tenant)
        network = tenant.networks.get(profile.network) if tenant is not None else None
        return network is not None and network.broadcast

    def beside(self, admission: Admission, box: Box) -> Iterator[Box]:
        """The packets of a box for which ``of`` does not speak: to endpoints of the sender's host, to everybody."""
        place, _, profile = admission
        routed: Limits = ((ETH_DST, self._atom(ETH_DST, ROUTER_MAC)),) if profile.kind == "ip" else ()
        near = self._partners[profile.tenant]
        if profile.kind == "ip" and place.network.broadcast:
            yield from _some(within(box, ((ETH_DST, self.many),)))
        for other in self.places(place.endpoint.host):
            if other.tenant.name in near:
                yield from _some(within(box, (*routed, (IP_DST, self._atom(IP_DST, other.endpoint.ip)))))
                if profile.kind == "ip":
                    yield from _some(within(box, ((ETH_DST, self._atom(ETH_DST, other.endpoint.mac)),)))

    def _wanted(self, place: AttachedEndpoint, kind: str, box: Box) -> Iterator[Requirements]:
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

    def _ip(self, place: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        """An admitted IPv4 packet: broadcast, routed or bridged, by where it is addressed to."""
        router = self._atom(ETH_DST, ROUTER_MAC)
        many = within(box, ((ETH_DST, self.many),))
        if many is not None:
            yield many, _nothing(place, _PASSED) if place.who.forwarded_by else self._broadcast(place)
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
        self,
        place: AttachedEndpoint,
        targets: list[AttachedEndpoint],
        box: Box,
        rewrites: tuple[tuple[int, int], ...],
        ttl: int = 0,
    ) -> Iterator[Requirements]:
        """A packet for one of these endpoints (they have one address): the first that it may reach gets it."""
        left = [box]
        names = ", ".join("/".join(_name(target)) for target in targets)
        refused = _nothing(place, f"no policy lets it reach {names}")
        for i, target in enumerate(targets):
            if target.endpoint is place.endpoint and not place.who.forwarded_by:
                yield from ((part, self._own(place)) for part in left)
                return
            left = yield from self._turned(place, target, left, rewrites, ttl)
            permits = self.services.permitted(place.who, target.who)
            choice = ConditionalRequirement(permits, self._arrival(place, target, rewrites, ttl), refused, target.who)
            if i + 1 == len(targets):
                yield from ((part, choice) for part in left)
                return
            parts = [each for part in left for each in requirement_cases(part, choice)]
            yield from ((part, requirement) for part, requirement in parts if requirement is not refused)
            left = [part for part, requirement in parts if requirement is refused]

    def _own(self, place: AttachedEndpoint) -> Requirement:
        """What somebody addresses to itself is nobody's business, and no more so by way of a waypoint."""
        named = self._views[place.tenant.name].named
        turned = (named[via].endpoint.host for via, _ in self.services.detours(place.who, place.who))
        return Requirement(_name(place), "it is for its own sender", (), (place.endpoint.host, *turned))

    def _turned(
        self,
        place: AttachedEndpoint,
        target: AttachedEndpoint,
        boxes: list[Box],
        rewrites: tuple[tuple[int, int], ...],
        ttl: int,
    ) -> Generator[tuple[Box, Requirement], None, list[Box]]:
        """The packets that waypoints get first; returns the others."""
        for via, permits in self.services.detours(place.who, target.who):
            waypoint = self._views[place.tenant.name].named[via]
            frame = self._frame(place, waypoint, tuple(sorted((*rewrites, (ETH_DST, waypoint.endpoint.mac)))), ttl)
            why = f"policy lets it reach {'/'.join(_name(target))} by way of {via} only"
            requirement = Requirement(_name(place), why, ((waypoint.endpoint.host, frame),), (), target.endpoint.host)
            for limits in permits:
                yield from ((taken, requirement) for box in boxes if (taken := within(box, limits)) is not None)
                boxes = [rest for box in boxes for rest in outside(box, limits)]
        return boxes

    def _arrival(
        self, place: AttachedEndpoint, target: AttachedEndpoint, rewrites: tuple[tuple[int, int], ...], ttl: int
    ) -> Requirement:
        known = self._views[place.tenant.name].yes
        key = place.endpoint.name, place.network.name, place.vlan, target, ttl
        if key not in known:
            routed = tuple(sorted((*rewrites, (ETH_DST, target.endpoint.mac)))) if rewrites else rewrites
            arrival = target.endpoint.host, self._frame(place, target, routed, ttl)
            known[key] = Requirement(_name(place), f"policy lets it reach {'/'.join(_name(target))}", (arrival,))
        return known[key]

    def _frame(
        self, place: AttachedEndpoint, target: AttachedEndpoint, rewrites: tuple[tuple[int, int], ...], ttl: int = 0
    ) -> HeaderTransform:
        tags = () if target.vlan is None else (Tag(ETH_VLAN, VID_PRESENT | target.vlan, 0),)
        return HeaderTransform(rewrites, tags, 0 if place.vlan is None else 1, ttl)

    def _broadcast(self, place: AttachedEndpoint) -> Requirement:
        if not place.network.broadcast:
            return _nothing(place, "its network carries no broadcast")
        others = self._views[place.tenant.name].homes[place.network.name]
        found = [(host, self._frame(place, at, ())) for host, at in others.items() if host != place.endpoint.host]
        return Requirement(_name(place), "its network carries broadcast", tuple(found))

    def _routed(self, place: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
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

    def _forwarded(self, place: AttachedEndpoint, targets: list[AttachedEndpoint], box: Box) -> Iterator[Requirements]:
        young: Limits = ((TTL, self.space.full[TTL] & ~3),)
        alive = within(box, young)
        if alive is not None:
            yield from self._to(place, targets, alive, ((ETH_SRC, ROUTER_MAC),), 1)
        for old in outside(box, young):
            if any(target.endpoint is place.endpoint for target in targets) and not place.who.forwarded_by:
                yield old, self._own(place)
            else:
                yield old, _nothing(place, "its time to live runs out")

    def _pinged(self, place: AttachedEndpoint, network: Network, box: Box) -> Iterator[Requirements]:
        shape = self.space.shapes.where(layer=IP4, proto=ICMP, part=WHOLE)
        limits: Limits = ((LAYOUT, shape), (ICMP_TYPE, self._atom(ICMP_TYPE, ECHO)))
        if place.who.forwarded_by:
            yield box, _nothing(place, _PASSED)
            return
        asked = within(box, limits)
        if asked is not None:
            rewrites = {ETH_DST: ~ETH_SRC, ETH_SRC: ROUTER_MAC, IP_SRC: network.gateway, IP_DST: ~IP_SRC}
            frame = self._frame(place, place, tuple(sorted((rewrites | {ICMP_TYPE: ECHO_REPLY}).items())))
            yield asked, Requirement(_name(place), "the gateway answers pings", ((place.endpoint.host, frame),))
        for part in outside(box, limits):
            yield part, _nothing(place, "the gateway answers pings only")

    def _asked(self, place: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
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
            rewrites = {
                ETH_DST: ~ETH_SRC,
                ETH_SRC: mac,
                L4_SRC: ANSWERS,
                IP_SRC: ip,
                IP_DST: ~IP_SRC,
                SHA: mac,
                THA: ~SHA,
            }
            frame = self._frame(place, place, tuple(sorted(rewrites.items())))
            yield part, Requirement(_name(place), "its question is answered", ((place.endpoint.host, frame),))


def _some(box: Box | None) -> tuple[Box, ...]:
    return () if box is None else (box,)


def _name(place: AttachedEndpoint) -> tuple[str, str]:
    return place.tenant.name, place.endpoint.name


def _nothing(place: AttachedEndpoint, why: str) -> Requirement:
    return Requirement(_name(place), why)


NOT_ADMITTED = Requirement(None, "it bears the addresses of no endpoint of this port")
