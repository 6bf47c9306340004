"""A fabric on which mutants are tried: three witnesses say what one does, and must say the same.

Brute force sends packets through the evaluator, whatever buckets switches choose; a fresh prover knows only the mutant;
an incremental prover has heard of every change since the fabric was whole. A witness that refutes a claim is asked for
its packet, and the evaluator must see the claim broken by those very bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count, islice
from random import Random
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent.model import Intent
from clos.controller.verify import (
    Counterexample,
    Prover,
    Report,
    SwitchEdit,
    edit_between,
    verify_states,
)
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.dataplane.walk import Walk, walk
from clos.fabric.packet.build import Packet
from clos.fabric.topology import TRUNK, PortRef, Topology
from tests.support.fabrics import intents, topologies
from tests.support.reference import Arrival, meaning, to_controller, to_itself
from tests.support.verify_engine_support import states_of
from tests.support.verify_mutants import KINDS, States, mutation
from tests.support.verify_probes import probes

PROBES, CHOICES = 300, 200
"""Packets that brute force tries on one mutant; choices of buckets that it tries with each."""
INVALID_TTL = 2
"""OFPR_INVALID_TTL: what a switch may tell of a packet whose time is up is not asked of it by a rule."""


class Disagreement(AssertionError):
    """What one witness says and another does not."""


class Trial(NamedTuple):
    """A mutant as three witnesses saw it: whether each saw harm."""

    kind: str
    brute: bool
    fresh: bool
    incremental: bool


CONTROLLER = "the controller"


class Evaluator:
    """What becomes of packets on a fabric, bucket by bucket, and what the intent says must."""

    def __init__(self, intent: Intent, topology: Topology, down: frozenset[PortRef]) -> None:
        self.intent, self.topology, self.down = intent, topology, down
        self.states: States = {}
        self.models: dict[str, SwitchModel] = {}
        self._right: dict[tuple[PortRef, bytes], Counter[Arrival]] = {}

    def hold(self, states: States) -> None:
        """Switches hold these states from now on."""
        for name, state in states.items():
            if self.states.get(name) is not state:
                self.models[name] = SwitchModel.of(state, set(self.topology.ports[name]))
        self.states = states

    def runs(self, at: PortRef, packet: Packet, most: int = CHOICES) -> Iterator[Walk]:
        """What becomes of the packet, for every choice of buckets."""
        how = {"down": self.down}
        return islice(explore(lambda choose: walk(self.models, self.topology, at, packet, choose=choose, **how)), most)

    def right(self, at: PortRef, packet: Packet) -> Counter[Arrival]:
        key = at, packet.data
        if key not in self._right:
            told = to_controller(self.intent, self.topology, at, packet)
            told_of = [] if told is None else [Arrival(CONTROLLER, told)]
            self._right[key] = Counter([*meaning(self.intent, self.topology, at, packet), *told_of])
        return self._right[key]

    def wrong(self, at: PortRef, packet: Packet, runs: Iterable[Walk] | None = None) -> bool:
        """Whether for some choice of buckets not that happens which the intent means."""
        right = self.right(at, packet)
        every = self.runs(at, packet) if runs is None else runs
        return any(done.loops or self._got(done) != right for done in every)

    def breaks(self, one: Counterexample) -> bool:
        """Whether the counterexample's very bytes break its claim."""
        packet = Packet.parse(one.data)
        if to_itself(self.intent, self.topology, one.at, packet):
            return True
        right = self.right(one.at, packet)
        return any(_breaks(one.claim, done, self._got(done), right) for done in self.runs(one.at, packet, 3000))

    def _got(self, done: Walk) -> Counter[Arrival]:
        """What hosts get, and the controller as if it were one."""
        told = (sent for visit in done.hops for sent in visit.step.packet_ins if sent.reason != INVALID_TTL)
        got = [Arrival(self.topology.host_at[port], frame) for port, frame in done.deliveries]
        return Counter([*got, *(Arrival(CONTROLLER, sent.packet) for sent in told)])


def _breaks(claim: str, done: Walk, got: Counter[Arrival], right: Counter[Arrival]) -> bool:
    hosts, due = ({arrival.host for arrival in some} for some in (got, right))
    if claim == "loop-free":
        return bool(done.loops)
    if claim == "quiet":
        return CONTROLLER in hosts - due
    if claim == "reachable":
        return not due <= hosts
    if claim == "faithful":
        return hosts == due and got != right
    return not hosts - {CONTROLLER} <= due


def broken(report: Report) -> tuple[str, ...]:
    """The claims that do not hold; for a refusal, that it is one."""
    if report.refused:
        return ("refused",)
    return tuple(sorted({one.claim for one in report.counterexamples}))


def edits_of(old: States, new: States) -> dict[str, SwitchEdit]:
    return {name: edit_between(old[name], new[name]) for name in new if new[name] != old[name]}


class Ground:
    """A compiled fabric that mutants are made of, and a prover that hears of each."""

    def __init__(self, intent: Intent, topology: Topology, down: frozenset[PortRef], dice: Random) -> None:
        self.intent, self.topology, self.down, self.dice = intent, topology, down, dice
        self.whole = self.now = states_of(compile_fabric(intent, topology).ruleset)
        self.evaluator = Evaluator(intent, topology, down)
        self.evaluator.hold(self.whole)
        self.asked = [(at, p, self._visited(at, p)) for at, p in probes(intent, topology) if self._may_ask(at, p)]
        self.prover = Prover(intent, topology, self.whole, down)
        if not self.prover.report().ok:
            raise Disagreement(f"compiled rules are not proved:\n{self.prover.report()}")
        self.story: list[str] = []

    def _may_ask(self, at: PortRef, packet: Packet) -> bool:
        return not to_itself(self.intent, self.topology, at, packet)

    def _visited(self, at: PortRef, packet: Packet) -> frozenset[str]:
        runs = list(self.evaluator.runs(at, packet))
        if self.evaluator.wrong(at, packet, runs):
            raise Disagreement(f"compiled rules do not mean the intent: {at} {packet}")
        return frozenset(hop.switch for done in runs for hop in done.hops)

    def trials(self, most: int) -> Iterator[Trial]:
        """Mutants one after the other: some of the whole fabric, some of the mutant before."""
        for _ in range(most):
            kind = self.dice.choice(list(KINDS))
            made = mutation(self.now, self.topology, self.dice, kind)
            if made is None:
                continue
            trial = self._try(kind, *made)
            if trial is not None:
                yield trial
            if self.dice.random() < 0.6:
                self._repair()

    def _try(self, kind: str, what: str, states: States) -> Trial | None:
        """The mutant's verdicts; None when the prover refuses to reason about it."""
        self.story.append(f"{kind}: {what}")
        ours = self.prover.change(edits_of(self.now, states))
        self.now = states
        fresh = verify_states(self.intent, self.topology, states, self.down)
        self._compare(ours, fresh)
        if fresh.refused:
            return None
        self.evaluator.hold(states)
        harmed = self._harmed(states)
        if harmed and fresh.ok:
            raise self._disagreement(f"brute force sees harm, provers none: {harmed[0]} {harmed[1]}")
        for report in (ours, fresh):
            for one in report.counterexamples:
                if not self.evaluator.breaks(one):
                    raise self._disagreement(f"the evaluator sees no such harm:\n{one}")
        return Trial(kind, harmed is not None, not fresh.ok, not ours.ok)

    def _repair(self) -> None:
        """Give the switches back what they held at first, all of them at once."""
        self.story.append("repaired")
        ours = self.prover.change(edits_of(self.now, self.whole))
        self.now = self.whole
        if not ours.ok:
            raise self._disagreement(f"the repaired fabric is not proved:\n{ours}")

    def _compare(self, ours: Report, fresh: Report) -> None:
        if broken(ours) != broken(fresh):
            raise self._disagreement(f"incremental: {broken(ours)}\n{ours}\n\nfresh: {broken(fresh)}\n{fresh}")

    def _harmed(self, states: States) -> tuple[PortRef, Packet] | None:
        """A packet that the mutant treats wrongly. One that never came by a changed switch need not be asked."""
        changed = {name for name, state in states.items() if state != self.whole[name]}
        asked = [(at, packet) for at, packet, visited in self.asked if visited & changed]
        some = self.dice.sample(asked, min(PROBES, len(asked)))
        return next((one for one in some if self.evaluator.wrong(*one)), None)

    def _disagreement(self, what: str) -> Disagreement:
        story = "\n".join(self.story[-12:])
        return Disagreement(f"{what}\n\nafter {len(self.story)} changes, the last of them:\n{story}")


def _pairs(topology: Topology) -> bool:
    return bool(topology.pairs) and any(len(host.ports) > 1 for host in topology.hosts.values())


def _trunks(topology: Topology) -> bool:
    return sum(host.mode == TRUNK for host in topology.hosts.values()) > 1


def _broadcasting(intent: Intent) -> Intent:
    tenants = {
        name: replace(tenant, networks={n: replace(net, broadcast=True) for n, net in tenant.networks.items()})
        for name, tenant in intent.tenants.items()
    }
    return Intent(tenants, intent.shares)


KINDS_OF_FABRIC = {
    "any": (lambda topology: True, lambda intent: True),
    "pairs": (_pairs, lambda intent: True),
    "trunks": (_trunks, lambda intent: True),
    "shares": (lambda topology: True, lambda intent: bool(intent.agreed)),
    "broadcast": (lambda topology: len(topology.leaves) > 1, lambda intent: True),
    "denies": (
        lambda topology: True,
        lambda intent: any(p.action == "deny" for t in intent.tenants.values() for p in t.policies),
    ),
    "waypoints": (
        lambda topology: len(topology.hosts) > 2,
        lambda intent: any(p.via for t in intent.tenants.values() for p in t.policies),
    ),
    "one spine": (lambda topology: len(topology.spines) == 1 and len(topology.leaves) > 1, lambda intent: True),
    "three spines": (lambda topology: len(topology.spines) == 3 and len(topology.leaves) > 1, lambda intent: True),
    "a link down": (lambda topology: len(topology.spines) > 1 and len(topology.leaves) > 1, lambda intent: True),
}
"""What a fabric and its intent must have."""
FEWEST_PROBES, MOST_PROBES = 20, 2000


BATCH = 6


def grounds(kind: str, number: int) -> Iterator[Ground]:
    """Fabrics of a kind without end, the same for the same number."""
    for batch in count():
        dice = Random(f"{kind} {number} {batch}")
        for intent, topology in _drawn(kind, dice):
            cut = [dice.choice(topology.links).a] if kind == "a link down" else []
            yield Ground(intent, topology, frozenset(cut), Random(dice.random()))


def _drawn(kind: str, dice: Random) -> list[tuple[Intent, Topology]]:
    """Some fabrics, each once, none so small or so large that it teaches little for the time it takes."""
    found: dict[str, tuple[Intent, Topology]] = {}
    fits, wants = KINDS_OF_FABRIC[kind]

    @seed(dice.randrange(1 << 32))
    @settings(
        max_examples=3 * BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        topology = data.draw(topologies().filter(fits))
        intent = data.draw(intents(topology).filter(wants))
        intent = _broadcasting(intent) if kind == "broadcast" else intent
        if FEWEST_PROBES < len(probes(intent, topology)) < MOST_PROBES:
            found[repr((intent, topology))] = intent, topology

    draw()
    return dice.sample(list(found.values()), min(BATCH, len(found)))
