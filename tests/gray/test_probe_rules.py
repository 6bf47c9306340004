"""Laws of the rules that path probes take: proved harmless, the only difference they make, absent unless asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clos.controller.compile import compile_fabric
from clos.controller.compile.rules.probes import PROBE_METER
from clos.controller.daemon.revisions import avoiding
from clos.controller.intent import Text, dump, load_intent, load_topology
from clos.controller.intent.topology.avoided import avoided_of
from clos.controller.intent.topology.identity import as_written
from clos.controller.verify import verify, verify_states
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import walk
from clos.fabric.generate import clos
from clos.fabric.packet.build import Packet
from clos.fabric.protocols.path_probe import MOST, PROBED, decode, encode
from clos.fabric.topology import DETOUR, PortRef
from tests.support.verify_engine_support import states_of

FABRIC = load_topology(Path("topologies/demo.yaml")).topology
PROBING = replace(FABRIC, probes=True)
INTENT = load_intent([Path("intents/demo.yaml")], FABRIC).intent
PLAIN, PROBED_RULES = (compile_fabric(INTENT, fabric).ruleset for fabric in (FABRIC, PROBING))
KEY = b"key"


def test_probes_add_one_rule_an_uplink_and_one_meter_a_leaf_and_change_nothing_else() -> None:
    for name, switch in FABRIC.switches.items():
        before, after = PLAIN.state(name), PROBED_RULES.state(name)
        added = set(after.rules) - set(before.rules)
        assert set(before.rules) <= set(after.rules) and before.groups == after.groups
        assert len(added) == (len(FABRIC.uplinks[name]) if switch.is_leaf else 0)
        assert all(("eth_dst", PROBED, None) in rule.match for rule in added)
        assert {m.meter for m in set(after.meters) - set(before.meters)} == ({PROBE_METER} if switch.is_leaf else set())


def test_every_claim_is_proved_of_a_fabric_with_probes() -> None:
    report = verify(INTENT, PROBING, PROBED_RULES)
    assert report.ok and not report.refused


def test_a_probe_rule_that_takes_more_than_probes_is_refuted() -> None:
    states = states_of(PROBED_RULES)
    leaf = states["leaf1"]
    wide = tuple(
        rule._replace(match=Match.trusted(tuple(term for term in rule.match if term[0] != "eth_dst")))
        if ("eth_dst", PROBED, None) in rule.match
        else rule
        for rule in leaf.rules
    )
    assert not verify_states(INTENT, PROBING, {**states, "leaf1": leaf._replace(rules=wide)}).ok


@pytest.mark.parametrize("detour", [0, DETOUR], ids=["straight", "sent back by a spine once"])
def test_a_probe_goes_to_the_controller_at_its_leaf_or_nowhere_and_never_to_a_host(detour: int) -> None:
    models = {n: SwitchModel.of(s, set(FABRIC.ports[n])) for n, s in states_of(PROBED_RULES).items()}
    for leaf, ways in FABRIC.uplinks.items():
        for port, _ in ways:
            for other, tag in FABRIC.nodes.items():
                frame = Packet(encode(7, tag | detour, 64, KEY))
                done = walk(models, FABRIC, FABRIC.peers[PortRef(leaf, port)], frame)
                heard = [visit.switch for visit in done.hops if visit.step.packet_ins]
                assert not done.deliveries and not done.loops
                assert heard == ([other] if other in FABRIC.switches and other != leaf and not detour else [])


def test_a_probe_tells_whether_a_bit_of_it_was_turned_over() -> None:
    for size in (64, 65, 700, MOST):
        frame = encode(2**40 + size, 12, size, KEY)
        assert len(frame) == size and decode(frame, KEY) == (2**40 + size, True)
        assert decode(frame, b"another") == (2**40 + size, False)
        for at in (30, size - 1):
            bad = frame[:at] + bytes([frame[at] ^ 4]) + frame[at + 1 :]
            assert decode(bad, KEY) == (2**40 + size, False)
    assert decode(b"\0" * 64, KEY) is None and decode(b"", KEY) is None


def test_an_avoided_cable_is_in_no_way_that_others_take_and_the_claims_hold() -> None:
    fabric = replace(PROBING, avoid=frozenset({PortRef("leaf1", 1)}))
    ruleset = compile_fabric(INTENT, fabric).ruleset
    assert verify(INTENT, fabric, ruleset).ok
    before, after = PROBED_RULES.state("leaf1"), ruleset.state("leaf1")
    ways = [{b.watch_port for g in state.groups if g.group < 2048 for b in g.buckets} for state in (before, after)]
    assert ways == [{1, 2}, {2}]
    tag = FABRIC.nodes["leaf1"]
    for other in ("leaf2", "leaf3", "leaf4"):
        group = next(g for g in ruleset.state(other).groups if g.group == tag)
        assert [bucket.watch_port for bucket in group.buckets] == [2]
    assert ruleset.state("spine1") == PROBED_RULES.state("spine1")  # so that probes still cross it


def test_a_cable_is_used_where_avoiding_it_would_leave_no_way() -> None:
    fabric = replace(FABRIC, avoid=frozenset({PortRef("leaf1", 1), PortRef("leaf1", 2)}))
    with pytest.raises(Exception, match="no spine in common"):
        compile_fabric(INTENT, fabric)


def test_probes_and_avoided_cables_are_read_as_they_are_written() -> None:
    fabric = replace(PROBING, avoid=frozenset({PortRef("leaf2", 2)}))
    assert load_topology(Text("t", dump(fabric))).topology == fabric
    by_spine = dump(PROBING) + "  avoid: [spine2:2]\n"
    assert load_topology(Text("t", by_spine)).topology == fabric
    (problem,) = load_topology(Text("t", dump(PROBING) + "  avoid: [leaf1:9]\n")).problems
    assert "no cable is at leaf1:9" in str(problem)


def test_cables_that_clos_avoids_are_kept_behind_the_document_and_are_not_part_of_it() -> None:
    text, ports = Text("t", dump(clos(2, 2, name="two"))), frozenset({PortRef("leaf1", 1)})
    fabric = load_topology(text).topology
    kept = avoiding(text, fabric, ports)
    assert load_topology(kept).topology == replace(fabric, avoid=ports) and avoided_of(kept.text) == ports
    assert as_written(kept.text) == text.text == avoiding(kept, fabric, frozenset()).text
    gone = avoiding(text, fabric, frozenset({PortRef("leaf9", 1)}))
    assert load_topology(gone).topology == fabric  # a cable that is no more is no matter
