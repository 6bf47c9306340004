"""The law of the compiler: running compiled rules on a packet gives what the intent means."""

from __future__ import annotations

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.fabric.dataplane.choose import every_bucket
from clos.fabric.dataplane.outcome import INVALID_TTL
from clos.fabric.dataplane.walk import walk
from clos.fabric.topology import check
from tests.support.compiled_run import models, run
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, packets, topologies
from tests.support.reference import meaning, to_controller

many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
some = settings(many, max_examples=max(1, EXAMPLES // 4))


@given(st.data())
@many
def test_compiled_rules_mean_what_the_intent_means(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    at, packet = data.draw(packets(topology, intent))
    assert check(topology) == ()
    done, got = run(compile_fabric(intent, topology).ruleset, topology, at, packet)
    note(str(done))
    assert got == meaning(intent, topology, at, packet)
    assert done.loops == ()
    told = [sent.packet for hop in done.hops for sent in hop.step.packet_ins if sent.reason != INVALID_TTL]
    due = to_controller(intent, topology, at, packet)
    assert told == ([] if due is None else [due])


@given(st.data())
@some
def test_any_single_failed_fabric_link_changes_nothing(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: len(t.spines) > 1))
    intent = data.draw(intents(topology))
    at, packet = data.draw(packets(topology, intent))
    cut = data.draw(st.sampled_from(topology.links))
    done, got = run(compile_fabric(intent, topology).ruleset, topology, at, packet, frozenset({cut.a}))
    note(str(done))
    assert got == meaning(intent, topology, at, packet)


@given(st.data())
@some
def test_a_dual_homed_host_that_lost_one_port_still_gets_its_unicast(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: any(h.dual_homed for h in t.hosts.values())))
    intent = data.draw(intents(topology))
    at, packet = data.draw(packets(topology, intent))
    lost = data.draw(st.sampled_from([p for h in topology.hosts.values() if h.dual_homed for p in h.ports]))
    if lost != at and not packet.headers()["eth_dst"] >> 40 & 1:
        done, got = run(compile_fabric(intent, topology).ruleset, topology, at, packet, frozenset({lost}))
        note(str(done))
        assert got == meaning(intent, topology, at, packet)


@given(st.data())
@some
def test_however_buckets_are_chosen_the_same_hosts_get_the_packet(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    at, packet = data.draw(packets(topology, intent))
    ruleset = compile_fabric(intent, topology).ruleset
    done = walk(models(ruleset, topology), topology, at, packet, choose=every_bucket)
    got = {(topology.host_at[port], frame) for port, frame in done.deliveries}
    assert got == set(meaning(intent, topology, at, packet))
