"""The world outside: what groups by CIDR hold, and that packets from there and to there go as the intent means."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from clos.controller.audit.oracle import IntentOracle
from clos.controller.compile import compile_fabric
from clos.controller.explain.errors import BadQuestion
from clos.controller.explain.policy_reasons import not_admitted
from clos.controller.explain.questions import find_end, raw
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.impact import impact_of
from clos.controller.impact.sentence import REMARK
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.importers.writing import write_intent
from clos.controller.intent.model import ROUTER_MAC, Endpoint, Intent, Tenant
from clos.controller.verify import verify
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.compiled_run import run
from tests.support.examples import EXAMPLES
from tests.support.fabrics import abroad, some_address, topologies
from tests.support.reference import meaning, outside, to_itself
from tests.support.small_outside import FABRIC, SHOP

laws = settings(max_examples=max(1, EXAMPLES // 2), deadline=None, suppress_health_check=list(HealthCheck))
FLOWS = ((6, 40_000, 80), (6, 80, 40_000), (17, 40_000, 53), (17, 53, 40_000), (1, 0, 0))


@st.composite
def conversations(draw: st.DrawFn, topology: Topology, intent: Intent) -> tuple[PortRef, Packet]:
    """A packet from outside or to it, mostly as honest hosts send it."""
    tenants = [tenant for tenant in intent.tenants.values() if len(tenant.everyone) > len(tenant.endpoints)]
    assume(tenants)
    tenant = draw(st.sampled_from(tenants))
    away = draw(st.sampled_from([each for each in tenant.everyone.values() if each.outside is not None]))
    home = draw(st.sampled_from(list(tenant.everyone.values())))
    source, target = draw(st.permutations([replace(one, ip=some_address(draw, one)) for one in (away, home)]))
    at = draw(st.sampled_from(topology.hosts[source.host].ports))
    packet = _sent(draw, tenant, source, target, topology.hosts[source.host].tagged)
    assume(not to_itself(intent, topology, at, packet))
    return at, packet


def _sent(draw: st.DrawFn, tenant: Tenant, source: Endpoint, target: Endpoint, tagged: bool) -> Packet:
    network = tenant.networks[source.network]
    near = target.outside is None and source.network == target.network
    usual, other = (target.mac, network.gateway_mac) if near else (network.gateway_mac, target.mac)
    to = draw(st.sampled_from([usual, usual, usual, other]))
    proto, first, last = draw(st.sampled_from(FLOWS))
    ends = {"eth_src": source.mac, "eth_dst": to, "ipv4_src": source.ip, "ipv4_dst": target.ip}
    ends["vlan"] = network.vlan if tagged else None
    if proto == 6:
        return build.tcp(**ends, tcp_src=first, tcp_dst=last)
    return build.udp(**ends, udp_src=first, udp_dst=last) if proto == 17 else build.icmp_echo(**ends)


@given(st.data())
@laws
def test_packets_from_and_to_the_outside_go_as_the_intent_means(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(abroad(topology))
    at, packet = data.draw(conversations(topology, intent))
    done, got = run(compile_fabric(intent, topology).ruleset, topology, at, packet)
    note(str(done))
    due = meaning(intent, topology, at, packet)
    assert got == due
    audited = IntentOracle(intent, topology).meant(at, packet)
    if not audited.own:
        assert sorted(audited.frames.elements()) == [(one.host, one.packet.to_bytes()) for one in due]


@given(st.data())
@laws
def test_who_stands_for_an_address_outside_is_in_its_groups(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(abroad(topology))
    for tenant in intent.tenants.values():
        for endpoint in tenant.everyone.values():
            if endpoint.outside is not None:
                held = outside(intent, tenant, endpoint.ip)
                assert held is not None
                assert (held.name, held.outside) == (endpoint.name.split(":")[0], endpoint.outside)


TOPOLOGY = load_topology(Text("fabric.yaml", FABRIC)).topology
assert TOPOLOGY is not None


def read(text: str = SHOP) -> Intent:
    found = load_intent(Text("shop.yaml", text), TOPOLOGY)
    assert found.problems == ()
    assert found.intent is not None
    return found.intent


def sent(host: str, to: str, flow: tuple[int, int], source: str = "", mac: int | None = None) -> list[str]:
    """The hosts that get a TCP packet of an endpoint, under its own address or another."""
    one = INTENT.tenants["shop"].endpoints[host]
    ip = int(IPv4Address(source)) if source else one.ip
    ends = {"eth_src": one.mac, "eth_dst": ROUTER_MAC if mac is None else mac}
    packet = build.tcp(**ends, ipv4_src=ip, ipv4_dst=int(IPv4Address(to)), tcp_src=flow[0], tcp_dst=flow[1])
    done, _ = run(COMPILED.ruleset, TOPOLOGY, TOPOLOGY.hosts[one.host].ports[0], packet)
    return [TOPOLOGY.host_at[delivery.port] for delivery in done.deliveries]


INTENT = read()
COMPILED = compile_fabric(INTENT, TOPOLOGY)
HTTPS, SSH = (40_000, 443), (40_000, 22)


@pytest.mark.parametrize(
    ("host", "to", "flow", "source", "got"),
    [
        ("wan1", "10.1.1.11", HTTPS, "203.0.113.7", ["web1"]),
        ("web1", "203.0.113.7", (443, 40_000), "", ["wan1"]),
        ("wan1", "10.1.1.11", SSH, "203.0.113.7", []),
        ("wan1", "10.1.1.12", HTTPS, "203.0.113.7", []),
        ("wan2", "10.1.1.11", HTTPS, "203.0.113.7", []),
        ("wan1", "10.1.1.11", HTTPS, "10.9.9.9", []),
        ("wan1", "10.1.1.11", HTTPS, "10.1.1.12", []),
        ("wan1", "10.1.1.11", HTTPS, "192.0.2.7", []),
        ("wan1", "10.1.1.11", (22, 40_000), "198.51.100.7", ["web1"]),
        ("wan2", "10.1.1.11", (22, 40_000), "192.0.2.7", ["web1"]),
        ("web1", "192.0.2.7", SSH, "", ["wan2"]),
        ("web1", "198.51.100.7", SSH, "", ["wan1"]),
        ("web1", "203.0.113.7", SSH, "", []),
        ("web1", "10.9.9.9", SSH, "", []),
        ("db1", "203.0.113.7", HTTPS, "", []),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple | list) else str(value),
)
def test_only_what_policies_say_passes_and_only_from_where_it_is(
    host: str, to: str, flow: tuple[int, int], source: str, got: list[str]
) -> None:
    assert sent(host, to, flow, source) == got


def test_what_is_sent_to_a_routers_mac_address_is_for_the_router_alone() -> None:
    """Else whoever may speak to the router would speak to the whole world."""
    text = SHOP.replace("{networks: [transit]}", "{networks: [transit, front]}")
    text = text.replace("web1: 10.1.1.11 on web1", "web1: {ip: 10.1.9.5, host: web1}")
    opened = read(text + "    - {from: routers, to: routers, services: [any]}\n")
    ends = opened.tenants["shop"].endpoints
    compiled = compile_fabric(opened, TOPOLOGY)
    for to, got in (("10.1.9.2", {"wan1"}), ("203.0.113.7", set())):
        packet = build.tcp(
            eth_src=ends["web1"].mac, eth_dst=ends["wan1"].mac, ipv4_src=ends["web1"].ip,
            ipv4_dst=int(IPv4Address(to)), tcp_src=1, tcp_dst=2,
        )  # fmt: skip
        done, _ = run(compiled.ruleset, TOPOLOGY, TOPOLOGY.hosts["web1"].ports[0], packet)
        assert {TOPOLOGY.host_at[delivery.port] for delivery in done.deliveries} == got
    assert verify(opened, TOPOLOGY, compiled.ruleset).ok


def test_the_whole_address_space_is_proved_and_one_address_let_in_is_found() -> None:
    assert verify(INTENT, TOPOLOGY, COMPILED.ruleset).ok
    wide = read(SHOP.replace("except: [10.0.0.0/8]", "except: [10.0.0.0/8, 203.0.113.77/32]"))
    report = verify(wide, TOPOLOGY, COMPILED.ruleset)
    assert not report.ok
    assert "203.0.113.77" in str(report)


def test_an_intent_without_the_outside_stands_for_nobody_but_its_endpoints() -> None:
    tenant = read(SHOP[: SHOP.index("  external")] + "  groups: {web: {endpoints: [web1]}}\n").tenants["shop"]
    assert tenant.everyone is tenant.endpoints


def test_an_address_outside_is_asked_about_by_itself() -> None:
    for ip, name in (
        ("198.51.100.7", "shop/isp:partner"),
        ("10.9.9.9", "shop/isp:-"),
        ("192.0.2.7", "shop/line:partner"),
    ):
        found = find_end(INTENT, ip)
        assert (str(found), found.endpoint.ip) == (name, int(IPv4Address(ip)))
    with pytest.raises(BadQuestion, match=r"no endpoint 10\.1\.1\.77"):
        find_end(INTENT, "10.1.1.77")


def test_a_stolen_source_is_told_from_one_outside() -> None:
    one = INTENT.tenants["shop"].endpoints["wan1"]
    stolen = build.tcp(
        eth_src=one.mac, eth_dst=ROUTER_MAC, ipv4_src=int(IPv4Address("10.1.1.12")),
        ipv4_dst=int(IPv4Address("10.1.1.11")), tcp_src=1, tcp_dst=443,
    )  # fmt: skip
    told = list(not_admitted(INTENT, TOPOLOGY, raw("border1:11", stolen.to_bytes().hex(), TOPOLOGY)))
    assert "Not sent by shop/isp:internet: 10.1.1.12 is none of the addresses outside that it stands for." in told


CHANGES = [
    ("services: [tcp/22]}", "services: [tcp/22, udp/53]}", ["newly permits shop/web -> shop/partner udp/53"]),
    (
        "except: [10.0.0.0/8]",
        "except: [10.0.0.0/8, 203.0.113.0/24]",
        ["newly refuses shop/isp:internet (203.0.113.0/24) -> shop/web tcp/443"],
    ),
    (
        "[192.0.2.0/24, 198.51.100.0/24]",
        "192.0.2.0/24",
        [
            "newly permits shop/isp:internet (198.51.100.0/24) -> shop/web tcp/443",
            "newly refuses shop/web -> shop/isp:partner (198.51.100.0/24) tcp/22",
        ],
    ),
    ("router: wan2", "router: wan1", ["shop reaches 192.0.2.0/24 by wan1 (it was by wan2)"]),
]


@pytest.mark.parametrize(("old", "new", "told"), CHANGES, ids=[row[1] for row in CHANGES])
def test_a_change_says_what_of_the_outside_it_opens_and_closes(old: str, new: str, told: list[str]) -> None:
    after = read(SHOP.replace(old, new))
    found = impact_of(Snapshot(INTENT, TOPOLOGY), Snapshot(after, TOPOLOGY))
    assert [one.text for one in found.sentences if one.kind != REMARK] == told


PROBLEMS = [
    ("router: wan1", "router: wna1", "spec.external.isp.router: unknown endpoint wna1; did you mean wan1?"),
    ("192.0.2.0/24]}\n  groups", "0.0.0.0/0]}\n  groups", "0.0.0.0/0 is already behind isp"),
    ("[192.0.2.0/24]}", "[10.1.1.128/25]}", "10.1.1.128/25 is within 10.1.1.0/24 of network front"),
    ("10.1.9.0/29}", "10.1.9.0/29, gateway: none}", "network transit of wan1 has no gateway"),
    ("cidr: 0.0.0.0/0,", "cidr: 10.1.1.0/24,", "group internet holds no address outside"),
    ("cidr: 0.0.0.0/0,", "networks: [front], cidr: 0.0.0.0/0,", "a group by cidr holds addresses outside"),
    ("{endpoints: [web1]}", "{endpoints: [web1], except: [10.0.0.0/8]}", "prefixes are exceptions of a group by cidr"),
    ("services: [tcp/443]}", "services: [tcp/443], via: db1}", "group internet holds addresses outside"),
    ("from: web, to: partner, services: [tcp/22]", "from: web, to: web, services: [tcp], via: wan1", "no waypoint"),
    ("prefixes: [192.0.2.0/24]", "prefixes: []", "no items"),
    ("cidr: 0.0.0.0/0", "cidr: 224.0.0.0/4", "nobody is behind these addresses"),
]


@pytest.mark.parametrize(("old", "new", "message"), PROBLEMS, ids=[row[2][:40] for row in PROBLEMS])
def test_what_cannot_be_outside_is_refused_at_its_place(old: str, new: str, message: str) -> None:
    assert old in SHOP
    problems = [str(each) for each in load_intent(Text("shop.yaml", SHOP.replace(old, new)), TOPOLOGY).problems]
    assert any(message in each and each.startswith("shop.yaml:") for each in problems), problems


def test_the_outside_is_written_as_it_was_read() -> None:
    again = load_intent(Text("again.yaml", write_intent(INTENT)), TOPOLOGY)
    assert again.intent == INTENT
