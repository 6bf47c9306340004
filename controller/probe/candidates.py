"""Candidates for a covering set that the intents alone suggest: honest hosts, and what each of them can ask for.

Lives here: senders that stand for others, and what they send. Must not know: rules.
One sender per leaf and class stands for all of its kind: whoever sends from there meets the same rules but its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.controller.intent.reach import Flow, ruling
from clos.controller.probe.control import bridge_frames, router_frames
from clos.controller.probe.coverage import SOUND, Down
from clos.controller.probe.packets import (
    STRANGE_PORT,
    WITH_PORTS,
    Party,
    Probe,
    message,
    opening,
    parties,
    services,
    who_has,
)
from clos.fabric.packet.build import BROADCAST, Packet
from clos.fabric.packet.fields import IP_ICMP, IP_TCP, ipv4_text
from clos.fabric.topology import PortRef, Topology

MULTICAST, ALL_HOSTS = 0x01005E000001, 0xE0000001
"""The multicast group of all hosts (RFC 1112 §6.4, §7.2)."""
EVERYBODY = 0xFFFFFFFF
LAST_BUT_TWO = 28
"""Prefixes shorter than this have an address that ends in 9."""

Class = tuple[str, tuple[str, ...]]
"""A tenant, and the groups that hold an endpoint: endpoints of one class are under the same policies."""


def class_of(party: Party) -> Class:
    return party.tenant.name, party.end.groups


class Sender(NamedTuple):
    """An endpoint at one of its ports."""

    party: Party
    at: PortRef

    def probe(self, packet: Packet, what: str) -> Probe:
        return Probe(self.at, packet, f"{self.party.name} {what}")


class Reach:
    """Who can be spoken to, and how: the intents' permissions, asked once for each pair of classes."""

    def __init__(self, intent: Intent, everyone: Iterable[Party]) -> None:
        self._intent = intent
        kinds = sorted(services(intent), key=lambda s: s.proto not in WITH_PORTS)
        self._flows = [flow for kind in kinds for flow in (opening(kind), opening(kind).back())]
        self._known: dict[tuple[Class, Class], Flow | None] = {}
        self._in: dict[str, list[Party]] = {name: [] for name in intent.tenants}
        for party in everyone:
            self._in[party.tenant.name].append(party)

    def within(self, party: Party) -> list[Party]:
        """The endpoints of its tenant, and of those that share with it, one way or the other; itself too."""
        mine = party.tenant.name
        met = {mine} | {other for share, _, other in self._intent.agreed if share.tenant == mine}
        met |= {share.tenant for share, _, other in self._intent.agreed if other == mine}
        return [other for name in self._in if name in met for other in self._in[name]]

    def permitted(self, source: Party, target: Party) -> Flow | None:
        """A flow that may go from one to the other, if any may; one with ports, if it can be, for hashes to spread."""
        key = class_of(source), class_of(target)
        if source is not target and key not in self._known:
            self._known[key] = next(
                (flow for flow in self._flows if ruling(self._intent, source.end, target.end, flow).allowed), None
            )
        return self._known.get(key)


def honest(intent: Intent, topology: Topology) -> Iterator[Probe]:
    """What honest hosts send, from every port, to everything that their leaf has a rule for."""
    everyone = parties(intent, topology)
    reach = Reach(intent, everyone)
    for party in everyone:
        for at in party.ports:
            yield from _of_its_own(Sender(party, at))
            yield from _under_others(Sender(party, at), intent)
    yield from _beyond(everyone)
    for senders in _by_leaf(everyone).values():
        yield from _asked(senders, everyone)
        yield from _routed(senders, reach)
        yield from _across_classes(senders, reach)
        yield from _through_one_port(senders, reach)


def _of_its_own(sender: Sender) -> Iterator[Probe]:
    """What a host sends whoever else there is."""
    one = sender.party
    strange = Flow(IP_TCP, STRANGE_PORT, STRANGE_PORT)
    for gateway in one.network.gateways:
        yield sender.probe(who_has(one, gateway), "asks for its gateway")
    yield sender.probe(who_has(one, one.endpoint.ip), "announces itself")
    for gateway in one.network.gateways:
        yield sender.probe(message(one, one.router, gateway, Flow(IP_ICMP)), "pings its gateway")
    for ip in one.endpoint.ips:
        other = one.at(ip)
        yield sender.probe(who_has(other, ip), "announces its further address")
        yield sender.probe(who_has(other, one.gateway or one.endpoint.ip), "asks from its further address")
        yield sender.probe(message(other, BROADCAST, EVERYBODY, strange), "sends from its further address")
    yield sender.probe(message(one, one.endpoint.mac, one.endpoint.ip, strange), "to itself")
    yield sender.probe(message(one, one.router, one.endpoint.ip, strange), "to itself by the gateway")
    yield sender.probe(message(one, BROADCAST, EVERYBODY, strange), "to everybody")
    yield sender.probe(message(one, MULTICAST, ALL_HOSTS, strange), "to a multicast group")


def _under_others(sender: Sender, intent: Intent) -> Iterator[Probe]:
    """What a router sends from prefixes behind it, and under addresses of subnets that are not."""
    one = sender.party
    strange = Flow(IP_TCP, STRANGE_PORT, STRANGE_PORT)
    claims = [prefix for other in one.tenant.everyone.values() for prefix in other.routes]
    claims += [subnet for t in intent.tenants.values() for net in t.networks.values() for subnet in net.subnets]
    for base, length in claims if one.endpoint.routes else ():
        source = base | (2 if length < LAST_BUT_TWO else 0)
        yield sender.probe(message(one.at(source), BROADCAST, EVERYBODY, strange), f"sends from {ipv4_text(source)}")
        high = source | 1 << 31 if not length else source
        yield sender.probe(message(one.at(high), BROADCAST, EVERYBODY, strange), f"sends from {ipv4_text(high)}")
        yield sender.probe(message(one, one.router, source, strange), f"sends to {ipv4_text(source)}")


def _beyond(everyone: Iterable[Party]) -> Iterator[Probe]:
    """What switches and routers of a legacy network send, in each network that goes on there."""
    seen: set[tuple[str, int | None]] = set()
    for party in everyone:
        host = party.endpoint.host
        if host not in party.legacy or (host, party.vlan) in seen:
            continue
        seen.add((host, party.vlan))
        frames = [*bridge_frames(party.vlan)]
        for gateway in party.network.gateways or (None,):
            known = None if gateway is None else (party.router, gateway)
            frames += router_frames(party.network.subnet[0], known, party.vlan)
        for what, frame in frames:
            yield Probe(party.ports[0], frame, f"{what} from {host}, VLAN {party.vlan}")


def _by_leaf(everyone: Iterable[Party]) -> dict[str, list[Sender]]:
    found: dict[str, list[Sender]] = {}
    for party in everyone:
        for at in party.ports:
            found.setdefault(at.switch, []).append(Sender(party, at))
    return found


def _asked(senders: list[Sender], everyone: list[Party]) -> Iterator[Probe]:
    """In each network of a leaf one host asks for, and sends to, every endpoint of the network."""
    firsts = {(s.party.tenant.name, s.party.endpoint.network): s for s in reversed(senders)}
    for sender in firsts.values():
        for other in everyone:
            if sender.party.near(other):
                for ip in other.endpoint.addresses:
                    yield sender.probe(who_has(sender.party, ip), f"asks for {other.name}")


def _routed(senders: list[Sender], reach: Reach) -> Iterator[Probe]:
    """To every endpoint in reach, from a host of the leaf that may send to it: by the gateway, and directly."""
    tenants = {s.party.tenant.name: s.party for s in senders}
    for name, first in tenants.items():
        local = [sender for sender in senders if sender.party.tenant.name == name]
        for target in reach.within(first):
            near = [sender for sender in local if sender.party.near(target)]
            yield from _told(_best(local, target, reach), target, reach)
            yield from _told(_best(near, target, reach), target, reach, straight=True)


def _best(senders: list[Sender], target: Party, reach: Reach) -> Sender | None:
    """One that may send to the target; else the first that is somebody else; else the target itself."""
    others = [sender for sender in senders if sender.party.name != target.name]
    allowed = (sender for sender in others if reach.permitted(sender.party, target))
    return next(iter((*allowed, *others, *senders)), None)


def _told(sender: Sender | None, target: Party, reach: Reach, straight: bool = False) -> Iterator[Probe]:
    """A packet to the target, by the gateway or (``straight``) to its MAC address."""
    if sender is not None:
        flow = reach.permitted(sender.party, target) or Flow(IP_TCP, STRANGE_PORT, STRANGE_PORT)
        by = "" if straight else "by the gateway "
        mac = target.endpoint.mac if straight else sender.party.router
        behind = [base | (9 if length < LAST_BUT_TWO else 0) for base, length in target.endpoint.routes]
        for ip in (target.endpoint.ip,) if straight else (*target.endpoint.addresses, *behind):
            yield sender.probe(message(sender.party, mac, ip, flow), f"to {target.name} {by}")


def _across_classes(senders: list[Sender], reach: Reach) -> Iterator[Probe]:
    """From each class at the leaf to each class in reach, by the gateway; several of a class where few are enough."""
    firsts = {class_of(sender.party): sender for sender in reversed(senders)}
    for sender in firsts.values():
        targets = {class_of(target): target for target in reach.within(sender.party) if target != sender.party}
        for target in (*targets.values(), sender.party):
            yield from _told(sender, target, reach)


def _through_one_port(senders: list[Sender], reach: Reach) -> Iterator[Probe]:
    """Between endpoints behind one port, whose frames leave by the port they came in by."""
    for sender in senders:
        for other in senders:
            if other.at == sender.at and other.party != sender.party:
                yield from _told(sender, other.party, reach)
                if sender.party.near(other.party):
                    yield from _told(sender, other.party, reach, straight=True)
                    if sender.party.endpoint.host in sender.party.legacy:
                        for ip in other.party.endpoint.addresses:
                            yield sender.probe(who_has(sender.party, ip), f"asks for {other.party.name}")


def failures(topology: Topology) -> dict[str, Down]:
    """States of the cables in which detours are taken, few of them: name -> ports that are dead.

    Of each spine, the cables to half of the leaves, pairs not parted: what comes to it for these is sent back. All
    spines but one: every frame comes by that one, whatever hashes say. Of each pair, the host ports of one leaf, so
    that the other is asked; by one spine, and by way of another when that one cannot reach the other leaf.
    """
    units = {topology.pair_of[s.name].leaves if s.name in topology.pair_of else (s.name,) for s in topology.leaves}
    halves = [[leaf for unit in sorted(units)[i::2] for leaf in unit] for i in (0, 1)]
    sides = [[pair.leaves[i] for pair in topology.pairs.values()] for i in (0, 1)]
    hosts = [frozenset(h.ports[i] for h in topology.hosts.values() if h.dual_homed) for i in (0, 1)]
    spines = [spine.name for spine in topology.spines]
    found = {f"{one} cut off from {', '.join(half)}": _cables(topology, one, half) for one in spines for half in halves}
    found |= {f"{one} is the only spine": _all_cables(topology, {*spines} - {one}) for one in spines}
    for i, which in enumerate(("first", "second")):
        lost, other = f"dual-homed hosts without their {which} cable", sides[1 - i]
        found[lost] = hosts[i]
        found |= {f"{lost}, {one} is the only spine": hosts[i] | _all_cables(topology, {*spines} - {one})
                  for one in spines if hosts[i] and len(spines) > 1}  # fmt: skip
        found |= {f"{lost}, {one} cut off from {', '.join(other)}": hosts[i] | _cables(topology, one, other)
                  for one in spines if hosts[i]}  # fmt: skip
    return {state: down for state, down in found.items() if down != SOUND}


def _cables(topology: Topology, spine: str, leaves: Iterable[str]) -> Down:
    return frozenset(PortRef(spine, port) for port, leaf in topology.downlinks[spine] if leaf in set(leaves))


def _all_cables(topology: Topology, spines: Iterable[str]) -> Down:
    return frozenset(PortRef(spine, port) for spine in spines for port, _ in topology.downlinks[spine])
