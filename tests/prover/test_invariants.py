"""What is said of rules without intents is what the evaluator does with single packets, whatever buckets it chooses."""

from __future__ import annotations

from itertools import islice

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.verify.proof.claims import LOOP_FREE, QUIET
from clos.controller.verify.proof.invariants import NO_BLACK_HOLE, InvariantReport, check_invariants, uncabled
from clos.fabric.dataplane.action import FLOOD, IN_PORT, Group, Output
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import ALL as EVERY
from clos.fabric.dataplane.rule import Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import LEGACY, PortRef, Topology
from tests.support.examples import EXAMPLES
from tests.support.random_rules import TOPOLOGY, frames, soups

WAYS = 64
few = settings(
    max_examples=max(1, EXAMPLES // 20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
INVALID_TTL = 2
"""OFPR_INVALID_TTL: why a packet is told of although no rule sends it to the controller."""


def ways(topology: Topology, states: dict[str, SwitchState], at: PortRef, packet: Packet) -> list[Walk]:
    """What may become of a packet, by every choice; the first WAYS of them."""
    models = {name: SwitchModel.of(states[name], set(topology.ports[name])) for name in states}
    return list(islice(explore(lambda choose: walk(models, topology, at, packet, choose=choose)), WAYS))


def told(done: Walk) -> bool:
    return any(sent.reason != INVALID_TTL for visit in done.hops for sent in visit.step.packet_ins)


def lost(done: Walk) -> bool:
    """Whether it left its first switch by a cable and nothing came of it."""
    return len(done.hops) > 1 and not (done.deliveries or done.loops or told(done))


SHOWS = {LOOP_FREE: lambda done: bool(done.loops), QUIET: told, NO_BLACK_HOLE: lost}


def broken(found: InvariantReport) -> set[str]:
    return {one.claim for one in found.report.counterexamples}


@given(st.data())
@few
def test_whatever_happens_to_a_packet_is_said(data: st.DataObject) -> None:
    topology, states = data.draw(soups())
    found = check_invariants(topology, states)
    if found.report.refused:
        assert any(word in str(found.report) for word in ("outermost tags", "ways or more", "ways of more than"))
        return
    for _ in range(4):
        at = data.draw(st.sampled_from(sorted(topology.host_at)))
        for done in ways(topology, states, at, data.draw(frames())):
            note(str(done))
            assert {topology.host_at[port] for port in done.hosts} <= set(found.reach[at])
            shown = {claim for claim, shows in SHOWS.items() if shows(done)}
            may = {QUIET} if topology.hosts[topology.host_at[at]].mode == LEGACY else set()
            assert shown - may <= broken(found)


@given(st.data())
@few
def test_whatever_is_said_happens_to_a_packet(data: st.DataObject) -> None:
    topology, states = data.draw(soups())
    found = check_invariants(topology, states)
    for one in found.report.counterexamples:
        walks = ways(topology, states, one.at, Packet(one.data))
        note(f"{one}\n" + "\n".join(map(str, walks)))
        assert len(walks) == WAYS or any(SHOWS[one.claim](done) for done in walks)
    for at, reached in found.reach.items():
        for host, witness in reached.items():
            walks = ways(topology, states, at, Packet(witness.data))
            hosts = {topology.host_at[port] for done in walks for port in done.hosts}
            assert len(walks) == WAYS or host in hosts


def test_switches_by_themselves_have_a_host_at_every_port() -> None:
    alone = uncabled(TOPOLOGY)
    assert alone.ports == TOPOLOGY.ports
    assert not alone.peers
    assert set(alone.host_at) == set(TOPOLOGY.host_at) | set(TOPOLOGY.peers)


def test_rules_that_send_nothing_leave_nothing_to_be_said() -> None:
    found = check_invariants(TOPOLOGY, {})
    assert found.report.ok
    assert [one.claim for one in found.report.proofs if one.vacuous] == [NO_BLACK_HOLE]
    assert all(not reached for reached in found.reach.values())


def test_an_action_set_written_before_a_table_remembers_which_port_packets_came_in_by() -> None:
    """What table 1 wrote sends packets back where they came from, after a table that sends nothing by itself."""
    back = GroupEntry(2, EVERY, (Bucket((Output(IN_PORT),)),))
    spine = state_of([Block([_rule(0, goto=1), _rule(1, Group(2), goto=2), _rule(2)], [back])])
    states = {"s": spine, "b": state_of([Block([_rule(0, Output(1), match=Match.of(in_port=11))], [])])}
    assert broken(check_invariants(TOPOLOGY, states)) == {NO_BLACK_HOLE}
    toward = _rule(0, Output(11), match=Match.of(in_port=1), priority=2)
    states["b"] = state_of([Block([_rule(0, Output(1)), toward], [])])
    found = check_invariants(TOPOLOGY, states)
    assert not broken(found)
    assert set(found.reach[PortRef("b", 11)]) == {"h3"}


def _rule(table: int, *write: object, goto: int | None = None, match: Match = ANY, priority: int = 1) -> Rule:
    return Rule(table, priority, match, Instructions(write=write, goto=goto))


def test_what_is_flooded_is_sent_on() -> None:
    """Copies that arrive nearby hide those that leave by a cable, and none of these arrives."""
    found = check_invariants(TOPOLOGY, {"a": state_of([Block([_rule(0, Output(FLOOD))], [])])})
    assert not broken(found)
    assert not any(one.vacuous for one in found.report.proofs)


def test_a_lost_packet_is_shown_where_its_way_ends() -> None:
    """Not where it comes in: at a port that leads nowhere, at a rule that drops, where no rule takes it, in a group."""
    leaf = state_of([Block([_rule(0, Output(1), match=Match.of(in_port=11))], [])])
    nowhere, drop = _rule(0, Output(7)), _rule(0)
    dead = GroupEntry(5, EVERY, (Bucket((Output(8),)),))
    for spine, ends in (
        (state_of([Block([nowhere], [])]), {("s", nowhere)}),
        (state_of([Block([drop], [])]), {("s", drop)}),
        (state_of([Block([_rule(0, Group(5))], [dead])]), {("s", _rule(0, Group(5)))}),
        (SwitchState((), (), ()), {("a", leaf.rules[0])}),
    ):
        (one, *_) = check_invariants(TOPOLOGY, {"a": leaf, "s": spine}).report.counterexamples
        assert (one.claim, set(one.ends)) == (NO_BLACK_HOLE, ends)
        assert "at s:" in one.text
