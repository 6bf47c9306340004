"""Policies permit what access lists permit, or the differences say exactly which packets fare otherwise."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv4Network
from typing import NamedTuple

import pytest

from clos.controller.intent.model import Endpoint, Group, Intent, Tenant
from clos.controller.intent.reach import End, Flow, ruling
from clos.controller.migrate.model import AccessList, AclLine, ArpEntry, Device, Interface, MacEntry, Network, State
from clos.controller.migrate.segmentation.hosts import Host
from clos.controller.migrate.segmentation.proof import MORE, Gap
from clos.controller.migrate.segmentation.segment import Segmentation, segment
from clos.controller.migrate.segmentation.zones import Zone
from tests.migration.discovered_bank import bank
from tests.migration.segmentation import naive
from tests.support.examples import EXAMPLES

OUTSIDE = (0x0A400001, 0xC0A80005, 0x08080808)
HOSTS = [naive.address_of(vlan, number) for vlan in naive.VLANS for number in range(1, 7)]


class Case(NamedTuple):
    """Three VLANs, each with random lists in and out."""

    lists: dict[int, tuple[tuple[naive.Line, ...] | None, tuple[naive.Line, ...] | None]]
    segmentation: Segmentation
    intent: Intent

    def legacy(self, packet: naive.Packet) -> bool:
        """Line by line."""
        source, target = vlan(packet.source), vlan(packet.target)
        if source == target and source is not None:
            return True
        lists = (self.lists[source][0] if source else None, self.lists[target][1] if target else None)
        return naive.permits(lists, packet)

    def fabric(self, packet: naive.Packet) -> bool:
        """As a person reads the policies."""
        source, target = (End(self.tenant, self.endpoint(a)) for a in (packet.source, packet.target))
        ports = (packet.sport, packet.dport) if packet.proto in (6, 17) else (None, None)
        return ruling(self.intent, source, target, Flow(packet.proto, *ports)).allowed

    @property
    def tenant(self) -> Tenant:
        return self.intent.tenants["t"]

    def zone(self, address: int) -> Zone:
        zones = self.segmentation.translated.zones
        if vlan(address):
            return next(z for z in zones if any(address in m.addresses for m in z.members))
        covering = [(n.prefixlen, z.name, z) for z in zones for n in z.routes if address in range_of(n)]
        return max(covering)[2]

    def endpoint(self, address: int) -> Endpoint:
        return self.tenant.endpoints[self.zone(address).name]

    def gap(self, packet: naive.Packet) -> list[Gap]:
        """The gaps that name the packet."""
        return [gap for gap in self.segmentation.proof.gaps if self._names(gap, packet)]

    def _names(self, gap: Gap, packet: naive.Packet) -> bool:
        if (gap.source, gap.target) != (self.zone(packet.source), self.zone(packet.target)):
            return False
        if gap.plane.proto is None:
            return packet.proto not in gap.plane.besides
        if gap.plane.proto != packet.proto:
            return False
        inside = all(any(a <= p <= b for a, b in r) for p, r in zip((packet.sport, packet.dport), gap.box, strict=True))
        what = packet.flags if packet.proto == 6 else packet.message << 8
        asked = frozenset().union(*(f.holds for f in gap.plane.flavours))
        held = frozenset(c for c in asked if c.takes(what))
        return inside and any(gap.plane.flavours[n].holds == held for n in gap.flavours)


def range_of(net: IPv4Network) -> range:
    return range(int(net.network_address), int(net.broadcast_address) + 1)


def vlan(address: int) -> int | None:
    number = address >> 8 & 255
    return number if address & 0xFFFF0000 == naive.SITE and number in naive.VLANS else None


def name_of(host: Host) -> str:
    return f"h{host.address}"


def a_network(lists: dict[int, tuple[tuple[naive.Line, ...] | None, tuple[naive.Line, ...] | None]]) -> Network:
    """A router with the VLANs, and a switch with the hosts."""
    interfaces, acls = {}, {}
    for number, pair in lists.items():
        names = []
        for way, lines in zip(("IN", "OUT"), pair, strict=True):
            names.append(f"V{number}-{way}" if lines is not None else None)
            if lines is not None:
                texts = tuple(AclLine(n * 10, line.text) for n, line in enumerate(lines, 1))
                acls[f"V{number}-{way}"] = AccessList(f"V{number}-{way}", True, texts)
        address = IPv4Interface(f"10.20.{number}.254/24")
        interfaces[f"Vlan{number}"] = Interface(
            f"Vlan{number}", addresses=(address,), acl_in=names[0], acl_out=names[1], mac=0x02AA00000000 + number
        )
    arp = tuple(
        ArpEntry(address, 0x020000000000 + int(address), f"Vlan{vlan(int(address))}")
        for address in (IPv4Interface(h).ip for h in HOSTS)
    )
    macs = tuple(MacEntry(vlan(int(e.address)), e.mac or 0, "dynamic", ("Gi1",)) for e in arp)
    groups = dict(naive.GROUPS)
    router = Device("r", interfaces=interfaces, access_lists=acls, object_groups=groups, state=State(arp=arp))
    switch = Device("s", interfaces={"Gi1": Interface("Gi1")}, state=State(macs=macs))
    return Network({"r": router, "s": switch})


def a_case(seed: int, how: str) -> Case:
    rng = random.Random(seed)
    lists = {
        number: (
            naive.a_list(rng) if rng.random() < 0.8 else None,
            naive.a_list(rng) if rng.random() < 0.3 else None,
        )
        for number in naive.VLANS
    }
    found = segment(a_network(lists), name_of, how)
    return Case(lists, found, intent_of(found))


def intent_of(found: Segmentation) -> Intent:
    """One endpoint for each zone, in the groups that hold the zone."""
    translated = found.translated
    endpoints = {
        z.name: Endpoint(z.name, "n", z.name, n, n, (("zone", z.name),)) for n, z in enumerate(translated.zones)
    }
    groups = {
        g.name: Group(g.name, labels=(("zone", tuple(translated.zones[n].name for n in sorted(g.zones))),))
        for g in translated.groups
    }
    return Intent({"t": Tenant("t", {}, endpoints, groups, translated.policies)})


def packets(case: Case, seed: int, number: int) -> Iterator[naive.Packet]:
    rng = random.Random(seed)
    for _ in range(number):
        packet = naive.a_packet(rng, [*HOSTS, *OUTSIDE])
        outside = vlan(packet.source) is None and vlan(packet.target) is None
        if not outside and case.zone(packet.source) is not case.zone(packet.target):
            yield packet


@pytest.mark.parametrize("how", ["strict", "exact", "lenient"])
def test_a_packet_fares_otherwise_exactly_when_a_difference_names_it(how: str) -> None:
    for seed in range(max(3, EXAMPLES // 4)):
        case = a_case(seed, how)
        for packet in packets(case, seed, 60):
            legacy, fabric, gaps = case.legacy(packet), case.fabric(packet), case.gap(packet)
            assert bool(gaps) == (legacy != fabric), (seed, packet, case.lists, gaps)
            assert all((gap.fabric == MORE) == fabric for gap in gaps), (seed, packet)


def test_the_exact_way_permits_not_one_packet_more() -> None:
    for seed in range(max(3, EXAMPLES // 4)):
        assert not any(gap.fabric == MORE for gap in a_case(seed, "exact").segmentation.proof.gaps)


def test_the_strict_way_permits_no_ports_more() -> None:
    """What passes more differs from what is permitted in flags or messages alone."""
    for seed in range(max(3, EXAMPLES // 4)):
        case = a_case(seed, "strict")
        for packet in packets(case, seed, 80):
            if case.fabric(packet) and not case.legacy(packet):
                others = [packet._replace(flags=flags) for flags in range(64)] if packet.proto == 6 else []
                others += [packet._replace(message=kind) for kind in (0, 8, 3)] if packet.proto == 1 else []
                assert any(case.legacy(other) for other in others), (seed, packet)


def test_the_lenient_way_lets_open_whatever_may_be_opened_today() -> None:
    for seed in range(max(3, EXAMPLES // 4)):
        case = a_case(seed, "lenient")
        for packet in packets(case, seed, 80):
            opening = packet._replace(flags=2) if packet.proto == 6 else packet
            assert case.fabric(opening) or not case.legacy(opening), (seed, opening)


def test_lists_that_policies_can_say_are_translated_without_a_difference() -> None:
    both = tuple(
        naive.Line(text, True, lambda p: False)
        for text in (
            "permit tcp 10.20.10.0 0.0.0.255 host 10.20.20.1 eq 443",
            "permit tcp host 10.20.20.1 eq 443 10.20.10.0 0.0.0.255",
            "permit udp 10.20.30.4 0.0.0.1 10.20.20.0 0.0.0.255 range 5000 5010",
            "permit udp 10.20.20.0 0.0.0.255 range 5000 5010 10.20.30.4 0.0.0.1",
            "deny tcp any any eq 23",
            "deny tcp any eq 23 any",
            "permit tcp 10.20.30.0 0.0.0.255 10.20.10.0 0.0.0.255",
            "permit tcp 10.20.10.0 0.0.0.255 10.20.30.0 0.0.0.255",
            "permit icmp any any",
        )
    )
    found = segment(a_network(dict.fromkeys(naive.VLANS, (both, both))), name_of, "strict")
    assert found.proof.equal
    assert found.proof.pairs == 18 * 17 + 2 * 18 * sum(len(z.routes) for z in found.translated.zones if z.vlan is None)


def test_the_banks_differences_name_their_lines_and_every_list_line_is_accounted_for() -> None:
    found = segment(bank(), lambda host: f"v{host.vlan}-{host.address}", "strict")
    assert not found.doubts
    assert {str(place) for place in found.proof.unused} == {
        "dist1 TELLERS-IN line 60",
        "dist1 CORE-BANKING-IN line 50",
        "dist1 PAYMENTS-IN line 40",
    }
    lines = {(d.where, d.fabric) for d in found.differences}
    assert ("dist1 CORE-BANKING-IN line 10", "denies") in lines
    assert ("dist1 TELLERS-IN line 90", "permits") in lines
    names = {group.name for group in found.translated.groups}
    assert {"tellers", "core-banking", "banking-frontends", "unfiltered"} <= names
