"""Evaluator, prover and Open vSwitch are three witnesses of one OpenFlow: random rules and packets, no disagreement.

Each pair of a ruleset and a packet is judged three ways, to the byte: fabric.dataplane.step with every choice a
switch has, the
prover's sets, and a packet sent through Open vSwitch, whose own account (``ofproto/trace``) names the rules met.
What Open vSwitch does in a way of its own is not drawn, but pinned here, one test each.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import pytest

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.choose import explore
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.outcome import INVALID_TTL, Step
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of
from clos.fabric.dataplane.step import step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_IPV4
from clos.fabric.topology import PortRef, Topology
from clos.lab.measure.frames import marked
from clos.lab.ovs.dummy_datapath import DummyDatapath
from clos.lab.ovs.openflow_client import FRAGMENTS_MATCH, FRAGMENTS_NORMAL, OpenFlowClient
from clos.lab.ovs.trace_parser import of, read
from clos.lab.witness.prover import Copy, Outcome, ProverWitness, Says
from tests.support import random_witnesses as soup
from tests.support.lab_ready import require_switch

pytestmark = pytest.mark.lab
require_switch()

PAIRS = int(os.environ.get("CLOS_WITNESSES", "6000"))
SEED = os.environ.get("CLOS_SEED", "1")
SWITCHES, PACKETS = 8, 20
"""Switches on the bench, each with rules of its own every round, and packets for each."""
MOST = 256
"""Choices of a switch explored; drawn rules leave fewer."""
PATIENCE, MOMENT, LATE = 2.0, 0.01, 0.5
"""Seconds a packet for the controller may take; after which nothing more is expected; and after which it is certain."""
CUT = 8
"""The prover keeps no more alternatives."""


class Pair(NamedTuple):
    """A packet for a switch, and what each witness says: one of ``evaluated``, one of ``says``, exactly ``seen``."""

    at: PortRef
    packet: Packet
    steps: tuple[Step, ...]
    evaluated: frozenset[Outcome]
    says: Says
    seen: Outcome

    @property
    def agree(self) -> bool:
        if self.says.refused or self.seen not in self.evaluated:
            return False
        cut = len(self.says.outcomes) >= CUT
        return self.says.outcomes <= self.evaluated if cut else self.says.outcomes == self.evaluated


class Ground:
    """A bench of switches that are not cabled, port DEAD of each without carrier, rules given to them directly."""

    def __init__(self, bench: DummyDatapath) -> None:
        self.bench, self.topology = bench, bench.topology
        self.came: dict[int, list[Copy]] = {}
        self.lines = {
            name: OpenFlowClient(bench.switches.directory / f"{name}.mgmt") for name in self.topology.switches
        }
        bench.cut(*(PortRef(name, soup.DEAD) for name in self.topology.switches))

    def close(self) -> None:
        for line in self.lines.values():
            line.close()

    def hold(self, states: dict[str, SwitchState]) -> None:
        """Give switches their rules; flows cached for earlier ones are forgotten first."""
        self.bench.switches.control.call("revalidator/purge")
        for name, state in states.items():
            self.lines[name].hold(state)

    def send(self, packets: list[tuple[PortRef, Packet]]) -> None:
        self.bench.send((at, packet.to_bytes()) for at, packet in packets)
        self.came.clear()

    def seen(self, packets: list[tuple[PortRef, Packet]], frames: int, told: int) -> list[Outcome]:
        """What Open vSwitch made of packets sent; so many frames and packets for the controller are awaited."""
        copies = [copy for copy in self.bench.gather(frames)[0] if copy[0].port != soup.DEAD]
        for port, frame in (*copies, *self._heard(told)):
            self.came.setdefault(_number(frame), []).append((port, frame))
        return [tuple(sorted(self.came.get(_number(packet.to_bytes()), ()))) for _, packet in packets]

    def _heard(self, told: int) -> list[Copy]:
        """Packets for the controller: so many, and whatever else comes in a moment."""
        found: list[Copy] = []
        until = time.monotonic() + PATIENCE
        while True:
            time.sleep(MOMENT)
            new = [
                (PortRef(name, act.CONTROLLER), frame) for name, line in self.lines.items() for frame in line.heard()
            ]
            found += new
            if not new and (len(found) >= told or time.monotonic() > until):
                return found

    def account(self, pair: Pair, states: dict[str, SwitchState]) -> str:
        """All three accounts of a pair."""
        state = states[pair.at.switch]
        proved = _proved(self.topology, pair.at.switch, state)
        lines = [f"{pair.packet} at {pair.at}: {pair.packet.to_bytes().hex()}", *map(str, state.groups)]
        lines += ["evaluator:", *_told(pair.evaluated), *(str(hop) for hop in pair.steps[0].trail)]
        lines += ["prover:", pair.says.refused, *_told(pair.says.outcomes), proved.account(pair.at, pair.packet)]
        lines += ["Open vSwitch:", *_told([pair.seen])]
        return "\n".join([*lines, self.bench.switches.control.trace(*pair.at, pair.packet.to_bytes())])


def _told(outcomes) -> list[str]:
    return ["  " + (", ".join(f"{port} {frame.hex()}" for port, frame in one) or "nothing") for one in outcomes]


def _number(frame: bytes) -> int:
    return int.from_bytes(frame[-4:], "big")


def _proved(topology: Topology, name: str, state: SwitchState) -> ProverWitness:
    hosts = {host.name: host for host in topology.hosts.values() if host.ports[0].switch == name}
    alone = Topology(name, {name: topology.switches[name]}, (), hosts)
    return ProverWitness(alone, {name: state}, frozenset({PortRef(name, soup.DEAD)}))


def _evaluated(model: SwitchModel, at: PortRef, packet: Packet) -> tuple[tuple[Step, ...], frozenset[Outcome]]:
    steps = tuple(islice(explore(lambda choose: step(model, at.port, packet, choose, down={soup.DEAD})), MOST))
    return steps, frozenset(_copies(at.switch, one) for one in steps)


def _copies(switch: str, one: Step) -> Outcome:
    left = [(PortRef(switch, sent.port), sent.packet.to_bytes()) for sent in one.emissions]
    told = [
        (PortRef(switch, act.CONTROLLER), sent.packet.to_bytes())
        for sent in one.packet_ins
        if sent.reason != INVALID_TTL
    ]
    return tuple(sorted(left + told))


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with DummyDatapath(soup.topology(SWITCHES)) as bench:
        made = Ground(bench)
        yield made
        made.close()


def comparable(model: SwitchModel, packet: Packet, steps: tuple[Step, ...], evaluated: frozenset[Outcome]) -> bool:
    """Whether Open vSwitch can do it: it carries two tags, gives a tag to what has none when its values are set, and
    breaks a later fragment whose address is set."""
    if any(len(packet.vlans) + _pushes(model, one) > 2 or _may_lack_a_tag(one) for one in steps):
        return False
    at = packet.layout.marks.get("ipv4")
    later = at is not None and int.from_bytes(packet.data[at + 6 : at + 8], "big") & 0x1FFF
    after = [Packet(frame) for outcome in evaluated for _, frame in outcome]
    return not later or all(one.get(name) == packet.get(name) for one in after for name in ("ipv4_src", "ipv4_dst"))


def _may_lack_a_tag(one: Step) -> bool:
    """Whether an action set gives values to a tag that was perhaps taken off before."""
    todo = [hop.rule.instructions for hop in one.trail if hop.rule]
    written: list[act.Action] = []
    for each in todo:
        written = [*([] if each.clear else written), *each.write]
    sets = any(isinstance(action, act.SetField) and action.field.startswith("vlan_") for action in written)
    pushes = any(isinstance(action, act.PushVlan) for action in written)
    pops = any(isinstance(action, act.PopVlan) for each in todo for action in (*each.apply, *each.write))
    return sets and pops and not pushes


def _pushes(model: SwitchModel, one: Step) -> int:
    lists = [
        todo for hop in one.trail if hop.rule for todo in (hop.rule.instructions.apply, hop.rule.instructions.write)
    ]
    lists += [model.groups[pick.group].buckets[pick.bucket].actions for pick in one.picks if pick.bucket is not None]
    return sum(isinstance(action, act.PushVlan) for todo in lists for action in todo)


def judged(ground: Ground, states: dict[str, SwitchState], chance: Random, first: int) -> list[Pair]:
    """A round: packets for every switch, marked from ``first`` on, each judged three ways."""
    drawn: list[tuple[PortRef, Packet, tuple[Step, ...], frozenset[Outcome], Says]] = []
    for name, state in states.items():
        model, proved = SwitchModel.of(state, ground.topology.ports[name]), _proved(ground.topology, name, state)
        for _ in range(PACKETS):
            at = PortRef(name, chance.choice(soup.LIVE))
            packet = marked(soup.packet(chance, state), first + len(drawn))
            steps, evaluated = _evaluated(model, at, packet)
            if comparable(model, packet, steps, evaluated):
                drawn.append((at, packet, steps, evaluated, proved.says(at, packet)))
    told = sum(
        min(sum(port.port == act.CONTROLLER for port, _ in one) for one in outcomes) for *_, outcomes, _ in drawn
    )
    frames = sum(min(map(len, outcomes)) for *_, outcomes, _ in drawn) - told
    packets = [(at, packet) for at, packet, *_ in drawn]
    ground.send(packets)
    for wait in ((max(frames, 0), told), (0, 0)):
        seen = ground.seen(packets, *wait)
        pairs = [Pair(*one, sent) for one, sent in zip(drawn, seen, strict=True)]
        if all(pair.agree for pair in pairs):
            break
        time.sleep(LATE)  # how many copies a choice makes is not known: some may be on their way on a busy machine
    return pairs


def met_alike(ground: Ground, pair: Pair) -> bool:
    """Whether Open vSwitch's own account names the rules that the evaluator meets; up to where it starts again."""
    text = ground.bench.switches.control.trace(*pair.at, pair.packet.to_bytes())
    theirs, ours = read(text).met, of(pair.steps[0]).met
    return theirs == (ours[: len(theirs)] if "recirc(" in text else ours)


def test_evaluator_prover_and_open_vswitch_agree_on_random_rules_and_packets(ground: Ground) -> None:
    counts: Counter[str] = Counter()
    number = 0
    while counts["pairs"] < PAIRS:
        chance = Random(f"{SEED}/{number}")
        states = {name: soup.switch(chance) for name in ground.topology.switches}
        ground.hold(states)
        for pair in judged(ground, states, chance, counts["pairs"]):
            assert pair.agree, f"CLOS_SEED={SEED}, round {number}\n{ground.account(pair, states)}"
            assert met_alike(ground, pair), f"CLOS_SEED={SEED}, round {number}\n{ground.account(pair, states)}"
            counts.update(_kinds(pair))
        number += 1
    print(f"{counts['pairs']} pairs of rules and packet, no disagreement; {dict(counts)}")
    assert counts["something leaves"] > PAIRS // 3


def _kinds(pair: Pair) -> Iterator[str]:
    """What is worth counting about a pair."""
    first = pair.steps[0]
    yield "pairs"
    traits = {
        "something leaves": bool(pair.seen),
        "changed": any(frame != pair.packet.to_bytes() for _, frame in pair.seen),
        "several tables": len(first.trail) > 1,
        "several copies": len(pair.seen) > 1,
        "groups": bool(first.picks),
        "a choice": len(pair.evaluated) > 1,
        "to the controller": any(port.port == act.CONTROLLER for port, _ in pair.seen),
        "tagged": bool(pair.packet.vlans),
    }
    yield from (name for name, true in traits.items() if true)


# -- Open vSwitch's own ways ------------------------------------------------------------------------------------------

FRAME = build.tcp(
    eth_src=soup.MACS[0],
    eth_dst=soup.MACS[1],
    ipv4_src=soup.IPS[0],
    ipv4_dst=soup.IPS[1],
    tcp_src=80,
    tcp_dst=81,
    ttl=1,
)
ANY = Match.of()
IPV4 = Match.of(eth_type=ETH_IPV4)
HOLD = Instructions(write=(act.Output(2),), goto=1)


def tagged(packet: Packet, vid: int, pcp: int) -> Packet:
    return packet.push_vlan().set("vlan_vid", 0x1000 | vid).set("vlan_pcp", pcp)


def alone(ground: Ground, todo: list[tuple[Match, Instructions]], packet: Packet, wanted: int) -> Pair:
    """One packet at a switch with one rule for each table."""
    name = ground.topology.leaves[0].name
    state = state_of([Block([Rule(table, 1, match, do) for table, (match, do) in enumerate(todo)])])
    ground.hold({name: state})
    at = PortRef(name, 1)
    packet = marked(packet, 0)
    steps, evaluated = _evaluated(SwitchModel.of(state, ground.topology.ports[name]), at, packet)
    ground.send([(at, packet)])
    (seen,) = ground.seen([(at, packet)], wanted, 0)
    return Pair(at, packet, steps, evaluated, _proved(ground.topology, name, state).says(at, packet), seen)


def test_open_vswitch_alone_executes_the_action_set_of_a_packet_that_misses(ground: Ground) -> None:
    """The specification drops it (§5.4); the compiler leaves no packet to a miss once something is written."""
    pair = alone(ground, [(ANY, HOLD), (Match.of(eth_type=0x0806), Instructions())], FRAME, 1)
    assert pair.says.outcomes == pair.evaluated == {()}
    assert [port.port for port, _ in pair.seen] == [2]


def test_open_vswitch_alone_executes_the_action_set_of_a_packet_whose_time_ran_out(ground: Ground) -> None:
    pair = alone(ground, [(ANY, HOLD), (IPV4, Instructions(apply=(act.DecNwTtl(),)))], FRAME, 1)
    assert pair.says.outcomes == pair.evaluated == {()}
    assert [port.port for port, _ in pair.seen] == [2]


def test_open_vswitch_alone_gives_a_pushed_tag_no_values_of_the_one_below(ground: Ground) -> None:
    """The specification copies VLAN id and priority (§5.12.1); the compiler sets the id of every tag it pushes."""
    push = Instructions(apply=(act.PushVlan(), act.Output(2)))
    pair = alone(ground, [(ANY, push)], tagged(FRAME, 7, 3), 1)
    (((_, copied),),) = pair.evaluated
    ((_, seen),) = pair.seen
    assert pair.says.outcomes == pair.evaluated
    assert (copied[14:16].hex(), seen[14:16].hex()) == ("6007", "0000")


def test_open_vswitch_alone_gives_a_tag_to_a_packet_without_one_when_its_id_is_set(ground: Ground) -> None:
    """Others leave the packet as it is (§5.12: the field is not there). It accepts this in an action set, where the tag
    is taken off first."""
    todo = Instructions(write=(act.SetField("vlan_vid", 0x1009), act.PopVlan(), act.Output(2)))
    pair = alone(ground, [(Match.of(vlan_vid=0x1007), todo)], tagged(FRAME, 7, 0), 1)
    (((_, bare),),) = pair.evaluated
    ((_, seen),) = pair.seen
    assert pair.says.outcomes == pair.evaluated
    assert (Packet(bare).vlans, Packet(seen).vlans) == ((), (9,))


@pytest.mark.parametrize(("fragments", "taken"), [(FRAGMENTS_NORMAL, False), (FRAGMENTS_MATCH, True)])
def test_open_vswitch_reads_ports_of_first_fragments_only_when_told_to(
    ground: Ground, fragments: int, taken: bool
) -> None:
    """By default it takes them for 0 in every fragment, the first one too, which the other witnesses read."""
    match = Match.of(eth_type=ETH_IPV4, ip_proto=6, tcp_dst=81)
    ground.lines[ground.topology.leaves[0].name].fragments(fragments)
    try:
        pair = alone(ground, [(match, Instructions(apply=(act.Output(2),)))], soup.fragment(FRAME, 0), int(taken))
    finally:
        ground.lines[ground.topology.leaves[0].name].fragments(FRAGMENTS_MATCH)
    assert pair.says.outcomes == pair.evaluated
    assert bool(pair.seen) is taken
