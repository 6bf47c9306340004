"""A covering set meets every rule that a packet can meet, counters say so, and what it leaves out it explains."""

from __future__ import annotations

import shlex
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent.model import Intent
from clos.controller.probe.cover import Cover, cover
from clos.controller.probe.coverage import SOUND, Bucket, Entries
from clos.controller.probe.simulated import Simulated
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset
from clos.fabric.topology import Topology
from clos.lab.measure.frames import strays
from tests.support.cli_run import BANK, DEMO, ROOT, clos
from tests.support.docs import consoles, demo
from tests.support.fabrics import intents, topologies


@cache
def of_demo() -> Cover:
    compiled = demo()
    return cover(compiled.intent, compiled.topology, compiled.ruleset)


def test_every_rule_of_the_demonstration_is_met_or_has_a_reason() -> None:
    found = of_demo()
    met = frozenset().union(*(one.meeting.met for one in found.chosen))
    unmet = {one.entry for one in found.unmet}
    assert all((number in met) != (entry in unmet) for number, entry in enumerate(found.entries.all))
    unsure = [one for one in found.unmet if one.entry.rule is not None and not one.why.sure]
    assert len(unsure) <= 2, unsure  # two pairs of uplink and detour that no flow of so small a fabric is hashed to


def test_no_probe_of_the_set_is_superfluous_and_the_set_is_near_the_fewest() -> None:
    found = of_demo()
    rules = frozenset(range(len(found.entries.rules)))
    for one in found.for_rules:
        others = frozenset().union(*(other.meeting.met for other in found.for_rules if other is not one))
        assert (one.meeting.met & rules) - others
    assert found.bound <= len(found.for_rules) <= 1.1 * found.bound


def test_the_counters_of_the_simulated_fabric_show_exactly_what_the_evaluator_says() -> None:
    found, compiled = of_demo(), demo()
    with Simulated(compiled.topology, compiled.ruleset) as fabric:
        for down, chosen in found.rounds().values():
            fabric.cut(down)
            came = fabric.send_all((one.probe.at, one.probe.packet) for one in chosen)
            fabric.mend(down)
            for one, got in zip(chosen, came, strict=True):
                assert sorted(d.port for d in got) == sorted(d.port for d in one.meeting.walk.deliveries)
        counted = fabric.counted()
    met = frozenset().union(*(one.meeting.met for one in found.chosen))
    for number, entry in enumerate(found.entries.all):
        here = counted[entry.switch]
        what = entry.what
        seen = here.buckets.get(what, 0) if isinstance(what, Bucket) else here.rules[what.key]
        assert bool(seen) is (number in met), entry


def never_met(intent: Intent, topology: Topology, ruleset: Ruleset, frames: int) -> None:
    """Frames as they come meet nothing that is said to be out of reach."""
    found = cover(intent, topology, ruleset)
    idle = {one.entry for one in found.unmet if one.why.sure}
    for probe in strays(intent, topology, 1, frames):
        for number in found.entries.meet(probe, SOUND).met:
            assert found.entries.all[number] not in idle


def test_what_is_said_to_be_out_of_reach_is_met_by_no_frame_of_the_demonstration() -> None:
    compiled = demo()
    never_met(compiled.intent, compiled.topology, compiled.ruleset, 5000)


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_said_to_be_out_of_reach_is_met_by_no_frame_of_any_fabric(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    never_met(intent, topology, compile_fabric(intent, topology).ruleset, 500)


def test_a_rule_in_the_shadow_of_another_is_named_as_such() -> None:
    compiled = demo()
    switch = compiled.topology.leaves[0].name
    above = next(r for r in compiled.ruleset.rules(switch) if r.table == 5 and r.match.get("tcp_dst"))
    hidden = Rule(5, above.priority - 1, Match.checked((*above.match, ("tcp_src", 1, None))), Instructions())
    parts = {**compiled.ruleset.parts, "more": {"": Placed(Block([hidden]), (switch,))}}
    found = cover(compiled.intent, compiled.topology, Ruleset(compiled.ruleset.switches, parts))
    why = next(one.why for one in found.unmet if one.entry.what == hidden)
    assert (why.sure, why.text) == (True, f"shadowed by #{above.priority} {above.match}")


def test_a_rule_that_a_packet_can_meet_is_found_a_packet_for_whatever_made_it() -> None:
    compiled = demo()
    switch = compiled.topology.leaves[0].name
    one = next(r for r in compiled.ruleset.rules(switch) if r.table == 5 and r.match.value("tcp_dst") == 8080)
    metadata = one.match.get("metadata")
    assert metadata is not None
    terms = (metadata, ("eth_type", 0x800, None), ("ip_proto", 17, None), ("udp_src", 0x7000, 0xFF00))
    added = Rule(5, 40000, Match.checked(terms), Instructions(goto=6))
    parts = {**compiled.ruleset.parts, "more": {"": Placed(Block([added]), (switch,))}}
    found = cover(compiled.intent, compiled.topology, Ruleset(compiled.ruleset.switches, parts))
    assert added not in [each.entry.what for each in found.unmet]


def test_buckets_of_a_group_for_all_are_no_choice_and_are_not_counted_apart() -> None:
    compiled = demo()
    entries = Entries(compiled.ruleset, compiled.topology)
    kinds = {(name, g.group): g.type for name in compiled.ruleset.switches for g in compiled.ruleset.state(name).groups}
    assert all(kinds[e.switch, e.what.group] != "all" for e in entries.buckets if isinstance(e.what, Bucket))


def test_the_command_sends_every_pair_and_agrees_with_the_intents() -> None:
    ran = clos("probe", *DEMO, "--json")
    assert (ran.code, ran.data["agree"]) == (0, True)
    told = {(p["from"], p["to"], p["service"]): p for p in ran.data["probes"]}
    assert len(told) == 11 * 10 * 11
    assert told["shop/web1", "shop/app1", "tcp/8080"]["delivered"] is True
    assert told["shop/web1", "shop/app1", "tcp/22"]["stopped"] == "leaf1 table 5 policy"


def test_the_command_asks_what_it_is_asked() -> None:
    ran = clos("probe", *BANK, "--from", "retail/web1", "--to", "retail/accounts1", "-s", "tcp/8443", "--json")
    assert ran.code == 0
    (only,) = ran.data["probes"]
    assert only["by"].startswith("policy ") and only["delivered"]


def test_the_command_proves_coverage_by_counters() -> None:
    ran = clos("probe", *DEMO, "--cover")
    assert ran.code == 0
    assert "% of the" in ran.out and "no endpoint at the switch matches source=" in ran.out
    data = clos("probe", *DEMO, "--cover", "--json").data
    assert data["uncounted"] == [] and data["astray"] == 0 and data["rules"]["percent"] > 99


def test_the_page_on_testing_shows_what_the_command_prints() -> None:
    (shown,) = consoles((ROOT / "docs/testing.md").read_text())
    assert shown.agrees(clos(*shlex.split(shown.command)[1:], columns=80).out)
