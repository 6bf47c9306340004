"""The prover as a witness: it finds what brute force finds, and what it finds, brute force confirms."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.verify import CLAIMS, verify, verify_states
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.outcome import INVALID_TTL
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import PortRef, Topology
from tests.support.examples import EXAMPLES
from tests.support.fabrics import intents, topologies
from tests.support.reference import Arrival, meaning, to_controller, to_itself
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import States, mutant
from tests.support.verify_probes import probes

settled = settings(
    max_examples=max(1, EXAMPLES // 40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PER_FABRIC, PROBES = 4, 60
"""Mutants of each fabric; packets that brute force tries on one."""


class Brute:
    """The evaluator and the meaning of intents, on every choice of buckets."""

    def __init__(self, intent, topology: Topology, states: States) -> None:
        self.intent, self.topology = intent, topology
        self.models = {name: SwitchModel.of(states[name], set(topology.ports[name])) for name in states}

    def wrong(self, at: PortRef, packet: Packet) -> bool:
        """Whether for some choice of buckets hosts do not get what the intent means."""
        if to_itself(self.intent, self.topology, at, packet):
            return False
        told = to_controller(self.intent, self.topology, at, packet)
        right = meaning(self.intent, self.topology, at, packet), [] if told is None else [told]
        runs = explore(lambda choose: walk(self.models, self.topology, at, packet, choose=choose))
        return any(done.loops or (self.got(done), heard(done)) != right for done in islice(runs, 200))

    def got(self, done) -> tuple[Arrival, ...]:
        found = [Arrival(self.topology.host_at[port], frame) for port, frame in done.deliveries]
        return tuple(sorted(found, key=lambda arrival: (arrival.host, arrival.packet.to_bytes())))


def heard(done) -> list[Packet]:
    """What the controller gets, but for packets whose time runs out."""
    return [sent.packet for hop in done.hops for sent in hop.step.packet_ins if sent.reason != INVALID_TTL]


@given(st.data())
@settled
def test_compiled_rules_are_proved(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    report = verify(intent, topology, compile_fabric(intent, topology).ruleset)
    note(str(report))
    assert report.ok
    assert [proof.claim for proof in report.proofs] == list(CLAIMS)


@given(st.data())
@settled
def test_compiled_rules_are_proved_with_any_link_down(data: st.DataObject) -> None:
    topology = data.draw(topologies().filter(lambda t: len(t.spines) > 1))
    intent = data.draw(intents(topology))
    cut = data.draw(st.sampled_from(topology.links))
    report = verify(intent, topology, compile_fabric(intent, topology).ruleset, frozenset({cut.a}))
    note(str(report))
    assert report.ok


@given(st.data())
@settled
def test_the_prover_finds_every_harmful_mutant_and_no_other(data: st.DataObject) -> None:
    topology = data.draw(topologies())
    intent = data.draw(intents(topology))
    states = states_of(compile_fabric(intent, topology).ruleset)
    dice = Random(data.draw(st.integers(0, 1 << 32)))
    for _ in range(PER_FABRIC):
        judge(intent, topology, states, dice)


TALLY: Counter[str] = Counter()


def judge(intent, topology: Topology, states: States, dice: Random) -> None:
    """Fail when the prover misses harm that brute force shows, or shows harm that brute force does not confirm."""
    what, mutated = mutant(states, topology, dice)
    note(what)
    report = verify_states(intent, topology, mutated)
    brute = Brute(intent, topology, mutated)
    if report.refused:
        TALLY["refused"] += 1
        return
    if report.ok:
        asked = probes(intent, topology)
        harm = [probe for probe in dice.sample(asked, min(PROBES, len(asked))) if brute.wrong(*probe)]
        note(f"missed: {harm}")
        assert not harm
        TALLY["harmless"] += 1
        return
    for one in report.counterexamples:
        note(str(one))
        packet = Packet.parse(one.data)
        assert brute.wrong(one.at, packet) or to_itself(intent, topology, one.at, packet)
    TALLY["harmful"] += 1
