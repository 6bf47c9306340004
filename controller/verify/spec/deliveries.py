"""What must become of the packets that an endpoint may send: bridged, routed, answered, or dropped.

Derived from the intent and from where hosts are, without a look at tables or tags. Must not know: rules, admission.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from clos.controller.verify.headerspace.header_layouts import ICMP, IP4, WHOLE
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
    Box,
    Limits,
    outside,
    within,
)
from clos.controller.verify.headerspace.transform import HeaderTransform, Tag
from clos.controller.verify.spec.attachments import AttachedEndpoint, Attachments
from clos.controller.verify.spec.intent_terms import ANSWERS, ASKS, ECHO, ECHO_REPLY, MULTICAST
from clos.controller.verify.spec.policy_space import PolicySpace
from clos.controller.verify.spec.requirements import (
    ConditionalRequirement,
    Requirement,
    Requirements,
    requirement_cases,
)
from clos.fabric.packet.fields import ETH_VLAN, VID_PRESENT

_BEYOND = "it reaches that without the fabric, in the network behind its port"
_FORWARDED_ONLY = "a waypoint may only pass packets on to whom they are for"


class Deliveries:
    """The requirements on admitted packets, box by box; each method gives a partition of its box."""

    def __init__(self, places: Attachments, services: PolicySpace) -> None:
        self._places, self._services, self._space = places, services, places.space
        self._multicast = self._space.domain[ETH_DST].of(MULTICAST, MULTICAST)

    def of(self, place: AttachedEndpoint, kind: str, box: Box) -> Iterator[Requirements]:
        """The requirements on packets that an endpoint sends; ``kind``: ``ip`` or ``arp``."""
        return self._ip(place, box) if kind == "ip" else self._asked(place, box)

    def _atom(self, slot: int, value: int) -> int:
        return self._space.domain[slot].of(value)

    def _ip(self, place: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        """An admitted IPv4 packet: broadcast, routed or bridged, by where it is addressed to."""
        router = self._places.router(place.network)
        many = within(box, ((ETH_DST, self._multicast),))
        if many is not None:
            yield many, _nothing(place, _FORWARDED_ONLY) if place.who.forwarded_by else self._broadcast(place)
        routed = within(box, ((ETH_DST, router),))
        if routed is not None:
            yield from self._routed(place, routed)
        rest = within(box, ((ETH_DST, ~(self._multicast | router)),))
        if rest is not None:
            macs = self._places.views[place.tenant.name].macs[place.network.name]
            near = (rest[ETH_DST],) if rest[ETH_DST] in macs else macs
            for part, atom in _by_atom(rest, ETH_DST, near):
                if atom and place.beyond(macs[atom]) and macs[atom].endpoint is not place.endpoint:
                    yield part, _nothing(place, _BEYOND)
                elif atom:
                    yield from self._bridged(place, macs[atom], part)
                else:
                    yield part, _nothing(place, "nobody in the network has the address it is for")

    def _bridged(self, place: AttachedEndpoint, target: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        """A packet for a neighbour's MAC address; of these, routers of addresses outside get what is for themselves."""
        if target.endpoint.name not in target.tenant.border:
            yield from self._to(place, [target], box, False)
            return
        own = 0
        for address in target.endpoint.addresses:
            own |= self._atom(IP_DST, address)
        for part, atom in _by_atom(box, IP_DST, (own,)):
            if atom:
                yield from self._to(place, [target], part, False)
            else:
                yield part, _nothing(place, f"{'/'.join(_name(target))} is sent by its MAC address what is for itself")

    def _to(
        self,
        place: AttachedEndpoint,
        targets: list[AttachedEndpoint],
        box: Box,
        routed: bool,
    ) -> Iterator[Requirements]:
        """A packet for one of these endpoints (they have one address): the first that it may reach gets it."""
        left = [box]
        names = ", ".join("/".join(_name(target)) for target in targets)
        refused = _nothing(place, f"no policy permits it to {names}")
        for i, target in enumerate(targets):
            if target.endpoint is place.endpoint and not place.who.forwarded_by:
                yield from ((part, self._own(place)) for part in left)
                return
            left = yield from self._redirected(place, target, left, routed)
            permits = self._services.permitted(place.who, target.who)
            choice = ConditionalRequirement(permits, self._arrival(place, target, routed), refused, target.who)
            if i + 1 == len(targets):
                yield from ((part, choice) for part in left)
                return
            parts = [each for part in left for each in requirement_cases(part, choice)]
            yield from ((part, requirement) for part, requirement in parts if requirement is not refused)
            left = [part for part, requirement in parts if requirement is refused]

    def _own(self, place: AttachedEndpoint) -> Requirement:
        """What somebody addresses to itself is nobody's business, and no more so by way of a waypoint."""
        named = self._places.views[place.tenant.name].named
        turned = (named[via].endpoint.host for via, _ in self._services.detours(place.who, place.who))
        return Requirement(_name(place), "it is for its own sender", (), (place.endpoint.host, *turned))

    def _redirected(
        self,
        place: AttachedEndpoint,
        target: AttachedEndpoint,
        boxes: list[Box],
        routed: bool,
    ) -> Generator[tuple[Box, Requirement], None, list[Box]]:
        """The packets that waypoints get first; returns the others."""
        for via, permits in self._services.detours(place.who, target.who):
            waypoint = self._places.views[place.tenant.name].named[via]
            router = _routed_from(target) if routed else ()
            rewrites = tuple(sorted((*router, (ETH_DST, waypoint.endpoint.mac))))
            transform = self._transform(place, waypoint, rewrites, int(routed))
            why = f"policy permits it to {'/'.join(_name(target))} through {via} only"
            requirement = Requirement(
                _name(place), why, ((waypoint.endpoint.host, transform),), (), target.endpoint.host
            )
            for limits in permits:
                yield from ((taken, requirement) for box in boxes if (taken := within(box, limits)) is not None)
                boxes = [rest for box in boxes for rest in outside(box, limits)]
        return boxes

    def _arrival(self, place: AttachedEndpoint, target: AttachedEndpoint, routed: bool) -> Requirement:
        known = self._places.views[place.tenant.name].yes
        key = place.endpoint.name, place.network.name, place.vlan, target, routed
        if key not in known:
            rewrites = (*_routed_from(target), (ETH_DST, target.endpoint.mac)) if routed else ()
            arrival = target.endpoint.host, self._transform(place, target, tuple(sorted(rewrites)), int(routed))
            known[key] = Requirement(_name(place), f"policy permits it to {'/'.join(_name(target))}", (arrival,))
        return known[key]

    def _transform(
        self, place: AttachedEndpoint, target: AttachedEndpoint, rewrites: tuple[tuple[int, int], ...], ttl: int = 0
    ) -> HeaderTransform:
        tags = () if target.vlan is None else (Tag(ETH_VLAN, VID_PRESENT | target.vlan, 0),)
        return HeaderTransform(rewrites, tags, 0 if place.vlan is None else 1, ttl)

    def _broadcast(self, place: AttachedEndpoint) -> Requirement:
        if not place.network.broadcast:
            return _nothing(place, "its network carries no broadcast")
        others = self._places.views[place.tenant.name].homes[place.network.name]
        found = [(host, self._transform(place, at, ())) for host, at in others.items() if host != place.endpoint.host]
        return Requirement(_name(place), "its network carries broadcast", tuple(found))

    def _routed(self, place: AttachedEndpoint, box: Box) -> Iterator[Requirements]:
        targets = self._places.routed[place.tenant.name]
        gateways, routes, both, every = targets.gateways, targets.routes, targets.both, targets.every
        held = box[IP_DST]
        near = () if not held & every else (held,) if held in both else both
        for part, atom in _by_atom(box, IP_DST, near):
            if atom in gateways:
                yield from self._pinged(place, gateways[atom], part)
            elif not atom:
                yield part, _nothing(place, "nobody it may speak to has the address it is for")
            else:
                yield from self._forwarded(place, routes[atom], part)

    def _forwarded(self, place: AttachedEndpoint, targets: list[AttachedEndpoint], box: Box) -> Iterator[Requirements]:
        young: Limits = ((TTL, self._space.full[TTL] & ~3),)
        alive = within(box, young)
        if alive is not None:
            yield from self._to(place, targets, alive, True)
        for old in outside(box, young):
            if any(target.endpoint is place.endpoint for target in targets) and not place.who.forwarded_by:
                yield old, self._own(place)
            else:
                yield old, _nothing(place, "its time to live runs out")

    def _pinged(self, place: AttachedEndpoint, gateway: int, box: Box) -> Iterator[Requirements]:
        shape = self._space.shapes.where(layer=IP4, proto=ICMP, part=WHOLE)
        limits: Limits = ((LAYOUT, shape), (ICMP_TYPE, self._atom(ICMP_TYPE, ECHO)))
        if place.who.forwarded_by:
            yield box, _nothing(place, _FORWARDED_ONLY)
            return
        asked = within(box, limits)
        if asked is not None:
            rewrites = {ETH_DST: ~ETH_SRC, ETH_SRC: place.network.gateway_mac, IP_SRC: gateway, IP_DST: ~IP_SRC}
            transform = self._transform(place, place, tuple(sorted((rewrites | {ICMP_TYPE: ECHO_REPLY}).items())))
            yield asked, Requirement(_name(place), "the gateway answers pings", ((place.endpoint.host, transform),))
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
        known = self._places.views[place.tenant.name].arp[place.network.name]
        near = (asks[IP_DST],) if asks[IP_DST] in known else known
        for part, atom in _by_atom(asks, IP_DST, near):
            if not atom or atom == part[IP_SRC]:
                yield part, _nothing(place, "nobody else in the network has the address it asks for")
                continue
            ip, mac, other = known[atom]
            if other is not None and place.beyond(other):
                yield part, _nothing(place, _BEYOND)
                continue
            rewrites = {
                ETH_DST: ~ETH_SRC,
                ETH_SRC: mac,
                L4_SRC: ANSWERS,
                IP_SRC: ip,
                IP_DST: ~IP_SRC,
                SHA: mac,
                THA: ~SHA,
            }
            transform = self._transform(place, place, tuple(sorted(rewrites.items())))
            yield part, Requirement(_name(place), "its question is answered", ((place.endpoint.host, transform),))


def _routed_from(target: AttachedEndpoint) -> Limits:
    """Where a routed packet comes from: the gateway of the network that it is for."""
    return ((ETH_SRC, target.network.gateway_mac),)


def _by_atom(box: Box, slot: int, known: Iterable[int]) -> Iterator[tuple[Box, int]]:
    """The parts of the box with each of these atoms in a slot; the last one has none of them (0)."""
    held, left = box[slot], box[slot]
    for atom in known:
        if atom & held:
            left &= ~atom
            yield (*box[:slot], atom & held, *box[slot + 1 :]), atom
    if left:
        yield (*box[:slot], left, *box[slot + 1 :]), 0


def _name(place: AttachedEndpoint) -> tuple[str, str]:
    return place.tenant.name, place.endpoint.name


def _nothing(place: AttachedEndpoint, why: str) -> Requirement:
    return Requirement(_name(place), why)
