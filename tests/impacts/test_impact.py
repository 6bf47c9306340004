"""The semantic diff: a packet's fate differs between two intents iff it is in the sets that are told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from clos.controller.impact.changed_flows import (
    ASKED,
    BRIDGED,
    BROADCAST,
    GAINED,
    LOST,
    PINGED,
    ROUTED,
    VIA_BRIDGED,
    VIA_ROUTED,
    Flow,
)
from clos.controller.impact.endpoint_pairs import (
    EndpointPair,
    PermissionChanges,
    Snapshot,
    affected_tenants,
    endpoint_pairs,
)
from clos.controller.impact.impact import NOBODY, NOTHING, Impact, impact_of
from clos.controller.impact.permission_changes import LIMITS, PERMITS, REFUSES, Permission, permissions
from clos.controller.impact.service_names import service_terms, traffic_of
from clos.controller.impact.traffic_sets import (
    EVERYTHING,
    Traffic,
    canonical,
    common,
    minus,
    of_service,
    within,
)
from clos.controller.intent import reach
from clos.controller.intent.model import DENY, Endpoint, Intent, Policy, Rate, Service
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.examples import EXAMPLES
from tests.support.fabrics import PORTS, SERVICES, intents, packets, topologies
from tests.support.intent_edits import NAMES_ONLY, pairs, without_routes
from tests.support.reference import meaning, to_controller, to_itself
from tests.support.shipped_demo import DEMO, SHIPPED

many = settings(
    max_examples=max(1, EXAMPLES // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
law = settings(many, max_examples=max(1, EXAMPLES // 16))


def told(flow: Flow, at: PortRef, packet: Packet) -> bool:
    """Whether the packet is in the flow, read field by field."""
    seen = packet.headers()
    for sender in flow.senders:
        vid = 0x1000 | sender.vlan if sender.vlan else 0
        if at not in sender.ports or seen["vlan_vid"] != vid or seen["eth_src"] != sender.mac:
            continue
        frame = packet.pop_vlan() if sender.vlan else packet
        inner = {**frame.headers(), "ttl": frame.get("nw_ttl") or 0}
        own = inner["vlan_vid"] == 0 and sender.ip in (inner.get("ipv4_src"), inner.get("arp_spa"))
        if own and _addressed(flow, sender, inner):
            return True
    return False


def _addressed(flow: Flow, sender, seen: dict[str, int]) -> bool:
    if flow.way == ASKED:
        asks = seen.get("arp_op") == 1 and seen.get("arp_sha") == sender.mac
        return asks and seen["arp_tpa"] in flow.receivers and seen["arp_tpa"] != sender.ip
    if seen["eth_type"] != 0x0800:
        return False
    group, router = bool(seen["eth_dst"] >> 40 & 1), seen["eth_dst"] == sender.router
    if flow.way == BROADCAST:
        return group and any(spot.ports != sender.ports for spot in flow.receivers)
    if flow.way == PINGED:
        return router and seen["ipv4_dst"] in flow.receivers and seen.get("icmpv4_type") == 8
    if flow.way in (ROUTED, VIA_ROUTED):
        ips = [one if isinstance(one, int) else one.ip for one in flow.receivers]
        to = router and seen["ttl"] > 1 and seen["ipv4_dst"] in ips
    elif flow.way == VIA_BRIDGED:
        to = seen["eth_dst"] in flow.receivers
    else:
        to = flow.way == BRIDGED and any(target.mac == seen["eth_dst"] for target in flow.receivers)
    return to and any(_in(box, seen) for box in flow.traffic)


def _in(box, seen: dict[str, int]) -> bool:
    name = {6: "tcp", 17: "udp", 132: "sctp"}.get(seen["ip_proto"], "")
    values = seen["ip_proto"], seen.get(f"{name}_dst", -1), seen.get(f"{name}_src", -1)
    return all(low <= value <= high for (low, high), value in zip(box, values, strict=True))


@st.composite
def recabled(draw: st.DrawFn, topology: Topology) -> Topology:
    """The topology, perhaps with two hosts that have changed places."""
    if draw(st.integers(0, 2)):
        return topology
    one, other = (draw(st.sampled_from(list(topology.hosts.values()))) for _ in range(2))
    swapped = {one.name: replace(one, ports=other.ports), other.name: replace(other, ports=one.ports)}
    return replace(topology, hosts={**topology.hosts, **swapped})


def fate(side: Snapshot, at: PortRef, packet: Packet) -> list[tuple[tuple[PortRef, ...], Packet]]:
    """What arrives at which ports."""
    arrivals = meaning(side.intent, side.topology, at, packet)
    return sorted(((side.topology.hosts[host].ports, frame) for host, frame in arrivals), key=repr)


def compared(old: Intent, new: Intent, topology: Topology) -> Impact:
    return impact_of(Snapshot(old, topology), Snapshot(new, topology))


@given(st.data())
@many
def test_a_packets_fate_differs_iff_it_is_in_the_sets_that_are_told(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intents_ = data.draw(pairs(topology))
    sides = Snapshot(intents_[0], topology), Snapshot(intents_[1], data.draw(recabled(topology)))
    drawn = data.draw(st.sampled_from(sides))
    at, packet = data.draw(packets(drawn.topology, drawn.intent))
    assume(not any(to_itself(*side, at, packet) or to_controller(*side, at, packet) for side in sides))
    found = impact_of(*sides).flows
    note("\n".join(map(str, found)))
    before, after = (fate(side, at, packet) for side in sides)
    assert any(told(flow, at, packet) for flow in found) == (before != after)


@given(st.data())
@law
def test_a_sentence_is_said_iff_some_packet_has_another_fate(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old, new = data.draw(pairs(topology))
    found = impact_of(Snapshot(old, topology), Snapshot(new, data.draw(recabled(topology))))
    note(str(found))
    note("\n".join(map(str, found.flows)))
    told = any(one.kind != LIMITS for one in found.sentences)
    assert told or not found.flows
    assert found.flows or not told or not all(map(_all_routed, (old, new)))  # policies may permit what nobody routes


def _all_routed(intent: Intent) -> bool:
    return all(network.router for tenant in intent.tenants.values() for network in tenant.networks.values())


@given(st.data())
@law
def test_the_way_back_loses_what_was_gained(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old, new = data.draw(pairs(topology))
    there, back = compared(old, new, topology).flows, compared(new, old, topology).flows
    turned = {GAINED: LOST, LOST: GAINED}
    mirrored = [flow._replace(change=turned.get(flow.change, flow.change)) for flow in back]
    assert sorted(there, key=repr) == sorted(mirrored, key=repr)


@given(st.data())
@law
def test_new_names_change_nothing(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old = without_routes(data.draw(intents(topology)))
    new = old
    for edit in data.draw(st.lists(st.sampled_from(NAMES_ONLY), max_size=3)):
        new = edit(data.draw, new, topology)
    assert str(compared(old, new, topology)) == NOTHING


def _points() -> list[tuple[int, int, int]]:
    """Protocol and ports of packets that any two services tell apart."""
    ported = [(proto, target, source) for proto in (6, 17) for target in PORTS for source in PORTS]
    return [*ported, *((proto, -1, -1) for proto in (1, 6, 17, 47))]


def _holds(some: Traffic, point: tuple[int, int, int]) -> bool:
    return any(all(low <= x <= high for (low, high), x in zip(box, point, strict=True)) for box in some)


@st.composite
def traffics(draw: st.DrawFn) -> Traffic:
    """What a few rows, of which the first decides, let pass."""
    left, found = EVERYTHING, ()
    for service in draw(st.lists(st.sampled_from(SERVICES), max_size=4)):
        cut = of_service(service, draw(st.booleans()))
        if draw(st.booleans()):
            found += common(left, [cut])
        left = minus(left, [cut])
    return found


@given(traffics(), traffics())
@law
def test_the_arithmetic_of_traffic_is_that_of_its_points(a: Traffic, b: Traffic) -> None:
    for point in _points():
        here, there = _holds(a, point), _holds(b, point)
        assert _holds(minus(a, b), point) == (here and not there)
        assert _holds(common(a, b), point) == (here and there)
        assert _holds(canonical(a), point) == here
    assert within(a, canonical(a)) and within(canonical(a), a)


@given(traffics(), traffics())
@law
def test_equal_sets_have_one_form(a: Traffic, b: Traffic) -> None:
    assert canonical(minus(a, b) + common(a, b)) == canonical(a)


@given(traffics(), traffics())
@law
def test_words_mean_what_they_are_for_and_nothing_beyond_what_they_may(before: Traffic, after: Traffic) -> None:
    gained = minus(after, before)
    said = tuple(box for word in service_terms(gained, after) for box in traffic_of(word))
    note(str([str(word) for word in service_terms(gained, after)]))
    assert within(gained, said) and within(said, after)


def spoken(
    said: list[Permission], kind: str, sender: EndpointPair, receiver: EndpointPair, point: tuple[int, int, int]
) -> bool:
    """Whether a sentence of this kind speaks of such packets, as a service or as what answers one."""
    back = point[0], point[2], point[1]
    for one in said:
        if one.kind != kind:
            continue
        there = sender in one.senders and receiver in one.receivers
        again = receiver in one.senders and sender in one.receivers
        if (there or (again and one.mutual)) and any(_holds(traffic_of(word), point) for word in one.words):
            return True
        if again and any(word.asks and _holds(traffic_of(word), back) for word in one.words):
            return True
    return False


def allowed(intent: Intent, sender, receiver, point: tuple[int, int, int]) -> bool:
    """What a person reads in the policies; nothing where one of the two is not there."""
    if sender is None or receiver is None:
        return False
    a, b = (
        reach.End(intent.tenants[one.tenant], intent.tenants[one.tenant].endpoints[one.name])
        for one in (sender, receiver)
    )
    proto, target, source = point
    ports = (None, None) if target < 0 else (source, target)
    return reach.ruling(intent, a, b, reach.Flow(proto, *ports)).allowed


@given(st.data())
@law
def test_sentences_say_all_that_policies_newly_permit_and_refuse(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    old, new = data.draw(pairs(topology))
    sides = Snapshot(old, topology), Snapshot(new, topology)
    who = affected_tenants(*sides)
    named = endpoint_pairs(*sides, who.tenants).named
    assume(len(named) > 1)
    said = permissions(named, who, PermissionChanges(old, new))
    note(str(compared(old, new, topology)))
    sender, receiver = data.draw(st.lists(st.sampled_from(named), min_size=2, max_size=2, unique=True))
    for point in _points():
        before = allowed(old, sender.before, receiver.before, point)
        after = allowed(new, sender.after, receiver.after, point)
        permits, refuses = (spoken(said, kind, sender, receiver, point) for kind in (PERMITS, REFUSES))
        assert permits or not (after and not before)
        assert refuses or not (before and not after)
        assert after or not permits


# What is said, word by word, of changes to the demonstration.


def said(tenant: str, **changes: object) -> list[str]:
    """The sentences about the shipped demonstration with other values in one tenant."""
    new = Intent({**SHIPPED.tenants, tenant: replace(SHIPPED.tenants[tenant], **changes)}, SHIPPED.shares)
    return [one.text for one in compared(SHIPPED, new, DEMO).sentences]


def with_policy(tenant: str, at: int, *policy: object) -> list[str]:
    held = SHIPPED.tenants[tenant].policies
    return said(tenant, policies=(*held[:at], Policy("new", *policy), *held[at:]))


def with_endpoint(tenant: str, endpoint: Endpoint) -> list[str]:
    return said(tenant, endpoints={**SHIPPED.tenants[tenant].endpoints, endpoint.name: endpoint})


def test_a_new_policy_is_told_as_it_was_written() -> None:
    assert with_policy("shop", 0, "web", "db", (Service(6, 1433, 1433),)) == [
        "newly permits shop/web -> shop/db tcp/1433"
    ]


def test_a_change_is_told_with_the_tickets_behind_it() -> None:
    held = SHIPPED.tenants["shop"].policies
    old, new = (
        replace(held[0], ticket="CHG-1"),
        Policy("new", "web", "db", (Service(6, 1433, 1433),), ticket="CHG-1", description="asked for"),
    )
    first = [old, *held[1:]]
    told = said("shop", policies=(new, replace(old, services=(*old.services, Service(6, 8443, 8443))), *held[1:]))
    assert f"ticket CHG-1: policy new of shop is new, policy {held[0].name} of shop changes" in told
    assert said("shop", policies=tuple(first)) == []  # a ticket is no change of its own
    gone = compared(Intent({"shop": replace(SHIPPED.tenants["shop"], policies=(new,))}), Intent(), DEMO)
    assert "ticket CHG-1: policy new of shop is gone" in [one.text for one in gone.sentences]


def test_a_policy_that_is_already_covered_says_nothing() -> None:
    assert with_policy("shop", 0, "app", "db", (Service(1), Service(6, 5432, 5432))) == []


def test_a_deny_before_an_allow_refuses_the_ports_they_share() -> None:
    assert with_policy("shop", 0, "web", "app", (Service(6, 8000, 8099),), DENY) == [
        "newly refuses shop/web -> shop/app tcp/8080"
    ]


def test_a_deny_within_a_group_refuses_answers_to_its_ports_as_well() -> None:
    assert with_policy("office", 1, "staff", "lab", (Service(6, 8500, 9500),), DENY) == [
        "newly refuses office/lab -> office/lab tcp/22 from port 9000-9500, tcp/8000-8499 from port 9000-9500, "
        "tcp/9000-9500 from port 22, tcp/9000-9500 from port 8000-8499",
        "newly refuses office/staff -> office/lab tcp/8500-8999 but tcp/8500-8999 from port 23",
    ]


def test_a_deny_after_an_allow_refuses_nothing() -> None:
    assert with_policy("office", 3, "staff", "lab", (Service(6, 8500, 8999),), DENY) == []


def test_the_order_of_policies_that_do_not_overlap_says_nothing() -> None:
    assert said("shop", policies=SHIPPED.tenants["shop"].policies[::-1]) == []


def test_a_service_without_ports_is_permitted_both_ways() -> None:
    assert with_policy("shop", 0, "web", "app", (Service(17),)) == ["newly permits shop/app <-> shop/web udp"]


def test_what_a_deny_stops_is_not_permitted_the_other_way_round_either() -> None:
    policies = (Policy("wall", "db", "web", (Service(),), DENY), Policy("half", "web", "db", (Service(6, 22, 22),)))
    held = SHIPPED.tenants["shop"].policies
    assert said("shop", policies=(*policies, *held)) == ["newly refuses shop/db <-> shop/web icmp"]


def test_a_moved_endpoint_keeps_its_name() -> None:
    moved = replace(SHIPPED.tenants["shop"].endpoints["app2"], host="vm1")
    assert with_endpoint("shop", moved) == ["changes shop/app2: host app2 becomes vm1, VLAN none becomes 102"]


def test_a_new_endpoint_is_told_with_what_it_may_do() -> None:
    app3 = Endpoint("app3", "back", "vm1", 0x020000000999, 0x0A01020D, (("resource", "app"),))
    assert with_endpoint("shop", app3) == [
        "newly permits shop/app3 -> infra/dns tcp/53, udp/53",
        "newly permits shop/app3 -> shop/db tcp/5432",
        "newly permits shop/app3 <-> infra/dns, shop/everyone icmp",
        "newly permits shop/web -> shop/app3 tcp/8080",
        "adds shop/app3 (10.1.2.13 on vm1)",
    ]


def test_limits_are_told_apart_from_fates() -> None:
    policies = tuple(replace(p, rate=p.rate and Rate(5_000)) for p in SHIPPED.tenants["shop"].policies)
    assert said("shop", rate=None, policies=policies) == [
        "limits shop/report -> shop/db tcp/5432 to 5 Mbps per leaf (it was 100 Mbps)",
        "no longer limits tenant shop (it was 5 Gbps)",
    ]


def test_a_share_needs_both_tenants() -> None:
    without = replace(SHIPPED.tenants["office"], imports=())
    one_sided = Intent({**SHIPPED.tenants, "office": without}, SHIPPED.shares)
    neither = Intent(one_sided.tenants, {k: replace(s, to=("shop",)) for k, s in SHIPPED.shares.items()})
    assert str(compared(one_sided, neither, DEMO)) == NOTHING
    assert [one.text for one in compared(SHIPPED, neither, DEMO).sentences] == [
        "newly refuses infra/dns <-> office/staff icmp",
        "newly refuses office/staff -> infra/dns tcp/53, udp/53",
    ]


def test_the_first_revision_is_a_difference_like_any_other() -> None:
    texts = [one.text for one in impact_of(NOBODY, Snapshot(SHIPPED, DEMO)).sentences]
    assert "newly permits shop/web -> shop/app tcp/8080" in texts
    assert "adds 4 endpoints of office: desk1, desk2, lab1, build" in texts


def test_a_host_on_another_port_takes_its_endpoints_along() -> None:
    web1 = replace(DEMO.hosts["web1"], ports=(PortRef("leaf2", 40),))
    moved = replace(DEMO, hosts={**DEMO.hosts, "web1": web1})
    texts = [one.text for one in impact_of(Snapshot(SHIPPED, DEMO), Snapshot(SHIPPED, moved)).sentences]
    assert texts == ["changes shop/web1: port leaf1:11 becomes leaf2:40"]
