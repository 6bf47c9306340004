"""Waypoints: what a policy sends by another endpoint goes there and nowhere else, and only that comes on from there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.impact.endpoint_pairs import Snapshot
from clos.controller.impact.impact import impact_of
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.model import Endpoint, Intent
from clos.controller.plan import diff, states
from clos.controller.verify import Prover, verify, verify_states
from clos.controller.verify.proof.claims import NO_WAYPOINT, POLICY, REACHABLE, WAYPOINTED
from clos.fabric.dataplane.rule import Instructions
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support import fabrics
from tests.support.cli_run import DEMO, clos
from tests.support.compiled_run import run
from tests.support.examples import EXAMPLES
from tests.support.fabrics import ROUTER, detoured, sound, topologies
from tests.support.intent_edits import POLICIES_ONLY
from tests.support.intent_turns import Turn
from tests.support.mutant_trials import edits_of
from tests.support.reference import Arrival, meaning
from tests.support.verify_engine_support import states_of
from tests.support.verify_rules import firewall

FABRIC = """\
apiVersion: clos/v1
kind: Topology
metadata: {name: small}
spec:
  switches: {spine1: {role: spine}, leaf1: {role: leaf}, leaf2: {role: leaf}, leaf3: {role: leaf}}
  pairs: {pair1: [leaf2, leaf3]}
  links: [[leaf1:1, spine1:1], [leaf2:1, spine1:2], [leaf3:1, spine1:3]]
  hosts:
    a: leaf1:11
    b: leaf1:12
    c: leaf2:11
    d: leaf3:11
    near: leaf1:21
    far: leaf2:21
    trunk: {port: leaf2:22, mode: trunk}
    dual: {ports: [leaf2:23, leaf3:23]}
"""
SHOP = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: shop}
spec:
  networks:
    front: {subnet: 10.1.1.0/24, broadcast: true}
    back: {subnet: 10.1.2.0/24, vlan: 102, broadcast: true}
  endpoints:
    a: 10.1.1.11 on a
    b: 10.1.1.12 on b
    c: 10.1.2.13 on c
    d: 10.1.2.14 on d
    fw: 10.1.2.254 on HOST
  groups: {left: {endpoints: [a]}, right: {endpoints: [b, c]}, all: {networks: [front, back]}}
  policies:
    - {from: left, to: right, services: [tcp/443], via: fw}
    - {name: plain, from: left, to: right, services: [tcp/80]}
    - {name: ping, from: all, to: all, services: [icmp]}
"""
PLACES = ("near", "far", "trunk", "dual")
settled = settings(max_examples=max(1, EXAMPLES // 10), deadline=None, suppress_health_check=list(HealthCheck))


@cache
def fabric() -> Topology:
    topology = load_topology(Text("fabric.yaml", FABRIC)).topology
    assert topology is not None
    return topology


@cache
def shop(host: str, old: str = "", new: str = "") -> Intent:
    """The shop with its firewall on a host, and one text replaced by another."""
    text = SHOP.replace("HOST", host)
    assert not old or text.count(old) == 1
    loaded = load_intent([Text("shop.yaml", text.replace(old, new) if old else text)], fabric())
    assert loaded.intent is not None, loaded.problems
    return loaded.intent


class Sent:
    """What becomes of packets between endpoints of the shop."""

    def __init__(self, intent: Intent) -> None:
        self.intent, self.topology = intent, fabric()
        self.ruleset = compile_fabric(intent, self.topology).ruleset
        self.ends: dict[str, Endpoint] = intent.tenants["shop"].endpoints

    def packet(self, source: str, target: str, port: int, by: str = "", back: bool = False, **more: int) -> Packet:
        """A TCP packet; ``by``: whoever passes it on under the source's address; ``back``: an answer."""
        one, other, own = self.ends[source], self.ends[target], self.ends[by or source]
        network = self.intent.tenants["shop"].networks[own.network]
        trunk = self.topology.hosts[own.host].mode == "trunk"
        to = other.mac if other.network == own.network else ROUTER
        ends = {"eth_src": own.mac, "eth_dst": to, "ipv4_src": one.ip, "ipv4_dst": other.ip, **more}
        ports = {"tcp_src": port, "tcp_dst": 9} if back else {"tcp_src": 9, "tcp_dst": port}
        return build.tcp(**ends, **ports, vlan=network.vlan if trunk else None)

    def send(self, by: str, packet: Packet) -> tuple[Arrival, ...]:
        """What arrives, from each port of the sender's host alike; it is what the reference says."""
        (got,) = {self._sent(at, packet) for at in self.topology.hosts[self.ends[by].host].ports}
        return got

    def _sent(self, at: PortRef, packet: Packet) -> tuple[Arrival, ...]:
        done, got = run(self.ruleset, self.topology, at, packet)
        assert got == meaning(self.intent, self.topology, at, packet), str(done)
        return got

    def to(self, source: str, target: str, port: int, by: str = "", back: bool = False) -> list[str]:
        """The hosts that get such a packet."""
        return [each.host for each in self.send(by or source, self.packet(source, target, port, by, back))]


# What rules do


@pytest.mark.parametrize("host", PLACES)
def test_what_a_policy_sends_by_a_waypoint_arrives_there_and_nowhere_else(host: str) -> None:
    sent = Sent(shop(host))
    for source, target in (("a", "b"), ("a", "c")):
        assert sent.to(source, target, 443) == [host]
        assert sent.to(target, source, 443, back=True) == [host]
        assert sent.to(source, target, 80) == [target]
        assert sent.to(target, source, 443) == []


@pytest.mark.parametrize("host", PLACES)
def test_it_looks_as_it_would_at_its_target_but_for_the_mac_address_it_is_for(host: str) -> None:
    sent = Sent(shop(host))
    for source, target, routed in (("a", "b", False), ("a", "c", True)):
        (arrival,) = sent.send(source, sent.packet(source, target, 443))
        tagged = fabric().hosts[host].mode == "trunk"
        seen, frame = arrival.packet.headers(), arrival.packet.pop_vlan() if tagged else arrival.packet
        assert seen["vlan_vid"] == (0x1000 | 102 if tagged else 0)
        assert frame.headers()["eth_dst"] == sent.ends["fw"].mac
        assert frame.headers()["eth_src"] == (ROUTER if routed else sent.ends[source].mac)
        assert frame.get("nw_ttl") == (63 if routed else 64)
        assert (frame.get("ipv4_src"), frame.get("ipv4_dst")) == (sent.ends[source].ip, sent.ends[target].ip)


@pytest.mark.parametrize("host", PLACES)
def test_what_the_waypoint_passes_on_arrives(host: str) -> None:
    sent = Sent(shop(host))
    for source, target, back in (("a", "b", False), ("a", "c", False), ("c", "a", True), ("b", "a", True)):
        assert sent.to(source, target, 443, by="fw", back=back) == [target]


@pytest.mark.parametrize("host", PLACES)
def test_the_waypoint_passes_on_nothing_else(host: str) -> None:
    sent = Sent(shop(host))
    ends = sent.ends
    assert sent.to("a", "c", 80, by="fw") == []  # goes straight
    assert sent.to("a", "c", 22, by="fw") == []  # goes nowhere
    assert sent.to("c", "a", 443, by="fw") == []  # is no answer
    assert sent.to("d", "c", 443, by="fw") == []  # nobody sends it there
    assert sent.to("a", "fw", 443, by="fw") == []  # is for the waypoint itself
    own = {"eth_src": ends["fw"].mac, "ipv4_src": ends["a"].ip, "vlan": 102 if host == "trunk" else None}
    gateway = sent.intent.tenants["shop"].networks["back"].gateway
    for packet in (
        build.icmp_echo(**own, eth_dst=ROUTER, ipv4_dst=ends["c"].ip),
        build.icmp_echo(**own, eth_dst=ROUTER, ipv4_dst=gateway),
        build.udp(**own, eth_dst=(1 << 48) - 1, ipv4_dst=0xFFFFFFFF, udp_src=1, udp_dst=2),
        build.arp_request(ends["fw"].mac, ends["a"].ip, ends["c"].ip, own["vlan"]),
        sent.packet("a", "c", 443, by="fw", eth_src=ends["a"].mac),
        sent.packet("a", "c", 443, by="fw", eth_dst=ROUTER, ttl=1),
    ):
        assert sent.send("fw", packet) == ()


@pytest.mark.parametrize("host", PLACES)
def test_under_its_own_address_a_waypoint_is_an_endpoint_like_any_other(host: str) -> None:
    sent = Sent(shop(host))
    own = {"eth_src": sent.ends["fw"].mac, "ipv4_src": sent.ends["fw"].ip, "vlan": 102 if host == "trunk" else None}
    gateway = sent.intent.tenants["shop"].networks["back"].gateway
    for ip, got in ((gateway, host), (sent.ends["a"].ip, "a")):
        (arrival,) = sent.send("fw", build.icmp_echo(**own, eth_dst=ROUTER, ipv4_dst=ip))
        assert arrival.host == got
    assert sent.to("fw", "c", 443) == []


DENY = "    - {name: no, from: left, to: right, services: [tcp/443], action: deny}\n"


@pytest.mark.parametrize(("first", "passed"), [(DENY, []), (DENY.replace(", action: deny", ""), [])])
def test_the_first_policy_decides_about_what_is_passed_on_too(first: str, passed: list[str]) -> None:
    sent = Sent(shop("far", "  policies:\n", f"  policies:\n{first}"))
    assert sent.to("a", "c", 443) == ([] if "deny" in first else ["c"])
    assert sent.to("a", "c", 443, by="fw") == passed


def test_what_runs_out_of_time_goes_nowhere() -> None:
    sent = Sent(shop("far"))
    assert sent.send("a", sent.packet("a", "c", 443, ttl=1)) == ()


def test_a_tenant_without_waypoints_has_the_rules_it_had() -> None:
    plain = compile_fabric(shop("far", ", via: fw", ""), fabric()).ruleset
    assert not any(key.startswith(("via/", "passed/")) for key in plain.parts["tenant/shop"])
    turned = compile_fabric(shop("far"), fabric()).ruleset
    assert any(key.startswith("via/") for key in turned.parts["tenant/shop"])


@given(st.data())
@settled
def test_compiled_rules_mean_what_policies_with_waypoints_mean(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: len(t.hosts) > 2))
    intent = data.draw(detoured(topology))
    assume(fabrics._wanted(intent, detours=True))
    ruleset = compile_fabric(intent, topology).ruleset
    for _ in range(5):
        at, packet = data.draw(fabrics.packets(topology, intent))
        done, got = run(ruleset, topology, at, packet)
        note(str(done))
        assert got == meaning(intent, topology, at, packet)


# What is proved


def turns(state: SwitchState) -> list:
    """The rules that send packets to a waypoint."""
    return [rule for rule in state.rules if rule.table == 5 and rule.instructions.write]


@pytest.mark.parametrize("host", PLACES)
def test_waypoints_are_proved(host: str) -> None:
    report = verify(shop(host), fabric(), compile_fabric(shop(host), fabric()).ruleset)
    assert report.ok, str(report)
    assert not next(proof for proof in report.proofs if proof.claim == WAYPOINTED).vacuous


def test_without_a_waypoint_the_claim_says_nothing() -> None:
    intent = shop("far", ", via: fw", "")
    report = verify(intent, fabric(), compile_fabric(intent, fabric()).ruleset)
    (proof,) = (proof for proof in report.proofs if proof.claim == WAYPOINTED)
    assert (proof.vacuous, proof.idle) == (NO_WAYPOINT, True)


@pytest.mark.parametrize("host", PLACES)
@pytest.mark.parametrize(
    ("way", "claim"), [(Instructions(goto=6), WAYPOINTED), (Instructions(clear=True), REACHABLE)], ids=str
)
def test_a_packet_that_is_not_sent_by_its_waypoint_refutes_it(host: str, way: Instructions, claim: str) -> None:
    held = states_of(compile_fabric(shop(host), fabric()).ruleset)
    spoilt = tuple(r._replace(instructions=way) if r in turns(held["leaf1"]) else r for r in held["leaf1"].rules)
    report = verify_states(shop(host), fabric(), {**held, "leaf1": held["leaf1"]._replace(rules=spoilt)})
    assert claim in {one.claim for one in report.counterexamples}
    one = next(one for one in report.counterexamples if one.claim == WAYPOINTED or claim != WAYPOINTED)
    assert "through fw only" in one.text
    assert meaning(shop(host), fabric(), one.at, Packet(one.data))[0].host == host


def test_a_waypoint_that_may_pass_on_more_is_a_breach_of_policy() -> None:
    held = states_of(compile_fabric(shop("near"), fabric()).ruleset)
    leaf = held["leaf1"]
    last = next(rule for rule in leaf.rules if rule.table == 5 and not rule.match)
    spoilt = tuple(r._replace(instructions=Instructions(goto=6)) if r is last else r for r in leaf.rules)
    report = verify_states(shop("near"), fabric(), {**held, "leaf1": leaf._replace(rules=spoilt)})
    assert {one.claim for one in report.counterexamples} == {POLICY}


@pytest.mark.parametrize("first", PLACES)
def test_a_prover_follows_a_waypoint_that_moves(first: str) -> None:
    before = compile_fabric(shop(first), fabric())
    prover = Prover(shop(first), fabric(), states_of(before.ruleset))
    assert prover.report().ok
    for host in PLACES:
        after = compile_fabric(shop(host), fabric(), previous=before)
        old, new = states_of(before.ruleset), states_of(after.ruleset)
        unfinished = prover.change({}, shop(host))
        assert unfinished.ok == (old == new)
        assert prover.change(edits_of(old, new)).ok
        before = after


@given(st.data())
@settings(settled, max_examples=max(1, EXAMPLES // 40))
def test_on_the_way_to_other_waypoints_every_packet_fares_as_before_or_as_after(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: len(t.hosts) > 2))
    old = new = data.draw(detoured(topology))
    for edit in data.draw(st.lists(st.sampled_from(POLICIES_ONLY), min_size=1, max_size=2)):
        new = sound(edit(data.draw, new, topology))
    old, new = data.draw(st.permutations([old, new]))
    turn = Turn(old, topology)
    wanted = compile_fabric(new, topology, previous=turn.compiled).ruleset
    for batch, ruleset in states(turn.compiled.ruleset, diff(turn.compiled.ruleset, wanted)):
        assert turn.during(new, {name: ruleset.state(name) for name in topology.switches}, batch.name) == ()


# What is said


def told(old: Intent, new: Intent) -> list[str]:
    return [one.text for one in impact_of(Snapshot(old, fabric()), Snapshot(new, fabric())).sentences]


def test_a_change_of_waypoint_is_told() -> None:
    straight, turned = shop("far", ", via: fw", ""), shop("far")
    assert told(straight, turned) == [
        "newly sends shop/left -> shop/right tcp/443 via shop/fw (it went straight)",
    ]
    assert told(turned, straight) == [
        "no longer sends shop/left -> shop/right tcp/443 via shop/fw: it goes straight",
    ]
    wider = shop("far", "[tcp/443]", "[tcp/443, tcp/444]")
    assert told(turned, wider) == ["newly permits shop/left -> shop/right tcp/444 via shop/fw"]
    assert told(wider, turned) == ["no longer sends shop/left -> shop/right tcp/444 via shop/fw: it is refused"]


def test_a_waypoint_that_moves_is_told_by_itself() -> None:
    assert told(shop("near"), shop("far"))[0].startswith("changes shop/fw: host near becomes far, MAC ")
    assert len(told(shop("near"), shop("far"))) == 1


def test_another_name_for_a_waypoint_changes_nothing() -> None:
    tenant = shop("far").tenants["shop"]
    ends = {
        "wall" if n == "fw" else n: replace(e, name="wall") if n == "fw" else e for n, e in tenant.endpoints.items()
    }
    policies = tuple(replace(p, via="wall") if p.via else p for p in tenant.policies)
    assert told(shop("far"), Intent({"shop": replace(tenant, endpoints=ends, policies=policies)})) == []


def test_explain_says_by_which_way(tmp_path: Path) -> None:
    ran = clos("explain", firewall(tmp_path), *DEMO[1:], "--from", "web1", "--to", "app1", "--service", "tcp/8080")
    assert ran.code == 0
    assert "Permitted via fw: policy web-to-app lets group web open tcp/8080 to app via fw." in ran.out
    assert "Packets reach app1 only through fw." in ran.out
    assert "The rules agree: delivered by leaf1 -> " in ran.out and "-> app2" in ran.out


def test_probes_are_due_at_the_waypoint(tmp_path: Path) -> None:
    ran = clos("probe", firewall(tmp_path), *DEMO[1:], "--json")
    assert ran.code == 0
    turned = [row for row in ran.data["probes"] if row["via"]]
    assert {(row["from"], row["to"], row["service"]) for row in turned} == {
        ("shop/web1", "shop/app1", "tcp/8080"), ("shop/web2", "shop/app1", "tcp/8080")
    }  # fmt: skip
    assert all(row["delivered"] for row in turned)
