"""Laws of a switch's memory of walks: the answer is the one ``step`` gives, whatever it remembers and has changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.fabric.dataplane.action import Action, DecNwTtl, Group, Output, PopVlan, PushMpls, PushVlan, SetField
from clos.fabric.dataplane.choose import hash_bucket
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.megaflows import Megaflows
from clos.fabric.dataplane.rule import FAST_FAILOVER, SELECT, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.dataplane.ruleset import SwitchState
from clos.fabric.dataplane.step import Step, step
from clos.fabric.dataplane.switch import Selection, SwitchModel
from clos.fabric.errors import SwitchError
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import Topology
from tests.support.plan_strategies import law
from tests.support.random_rules import frames, soups

PORTS = {1, 2, 3, 11, 12}
CHOOSE = partial(hash_bucket, seed=3)
METERS = (1, 2, 3)
REMARKING = 3


@dataclass
class Turns:
    """Meters by turns: every third packet of 1 and every fifth of 2 is dropped, every second of 3 is remarked."""

    met: dict[int, int] = field(default_factory=dict)

    def __call__(self, meter: int, packet: Packet) -> Packet | None:
        turn = self.met[meter] = self.met.get(meter, 0) + 1
        if meter == REMARKING:
            return packet if turn % 2 else packet.remarked(1)
        return None if turn % (2 * meter + 1) == 0 else packet


class Both:
    """A switch that remembers and one that works everything out, given the same edits and the same packets."""

    def __init__(self, state: SwitchState) -> None:
        self.models = [SwitchModel.of(state, PORTS) for _ in range(2)]
        self.meters = Turns(), Turns()
        self.memory = Megaflows(self.models[0], CHOOSE)
        self.remembered = 0

    def edit(self, change: Callable[[SwitchModel], object]) -> None:
        for model in self.models:
            with suppress(SwitchError):
                change(model)

    def send(self, port: int, packet: Packet, now: float = 0.0) -> Step:
        want = step(self.models[1], port, packet, CHOOSE, meters=self.meters[1])
        self.models[1].counts.record(want, len(packet), now)
        got, walk = self.memory.meet(port, packet, self.meters[0])
        if walk is None:
            self.models[0].counts.record(got, len(packet), now)
        else:
            walk.tally.add(len(packet), now)
            self.remembered += 1
            assert walk.hops == tuple(map(str, want.trail))
        assert got == want
        assert all(a.packet.layout == Packet(a.packet.data).layout for a in got.emissions)
        assert self.meters[0] == self.meters[1]
        return got

    def counted(self) -> list[object]:
        return [
            (
                {str(rule): model.counts.rule(rule) for rule in model.rules()},
                {number: model.counts.table(number) for number in model.tables},
                model.counts.groups,
            )
            for model in self.models
        ]


def metered(state: SwitchState, every: int) -> SwitchState:
    """The state with every so-many-th rule through a meter."""
    rules = tuple(
        rule._replace(instructions=rule.instructions._replace(meter=1 + n % 3)) if every and n % every == 0 else rule
        for n, rule in enumerate(state.rules)
    )
    return state._replace(rules=rules)


@st.composite
def edits(draw: st.DrawFn, pool: SwitchState) -> Callable[[SwitchModel], object]:
    """A change: a rule of the pool added, changed or deleted, a group changed or gone, a port up or down."""
    kind = draw(st.sampled_from(["add", "add", "modify", "delete", "delete", "group", "ungroup", "port"]))
    if kind == "port":
        port = draw(st.sampled_from(sorted(PORTS)))
        return lambda model: (model.down.discard if port in model.down else model.down.add)(port)
    if kind in ("group", "ungroup"):
        if not pool.groups:
            return lambda model: None
        entry = draw(st.sampled_from(pool.groups))
        if kind == "ungroup":
            return lambda model: model.delete_group(entry.group)
        fewer = entry._replace(buckets=entry.buckets[: draw(st.integers(0, len(entry.buckets)))])
        return lambda model: (model.modify_group if entry.group in model.groups else model.add_group)(fewer)
    if not pool.rules:
        return lambda model: None
    rule = draw(st.sampled_from(pool.rules))
    chosen = Selection(rule.table, rule.match, rule.priority if draw(st.booleans()) else None)
    if kind == "modify":
        return lambda model: model.modify(chosen, Instructions(apply=(Output(2),)))
    return lambda model: model.delete(chosen) if kind == "delete" else model.add(rule)


def varied(data: st.DataObject, packet: Packet) -> Packet:
    """The packet with a few bits of it turned over, or as it is."""
    frame = bytearray(packet.data)
    for _ in range(data.draw(st.integers(0, 2))):
        frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return Packet(bytes(frame))


@law
@given(soups(), soups(), st.integers(0, 3), st.data())
def test_the_answer_is_the_one_that_working_it_out_gives(
    soup: tuple[Topology, dict[str, SwitchState]],
    more: tuple[Topology, dict[str, SwitchState]],
    every: int,
    data: st.DataObject,
) -> None:
    state, pool = metered(soup[1]["a"], every), more[1]["a"]
    both = Both(state)
    pool = pool._replace(rules=(*pool.rules, *state.rules), groups=(*pool.groups, *state.groups))
    sent = data.draw(st.lists(frames(), min_size=1, max_size=3))
    for turn in range(data.draw(st.integers(3, 12))):
        if data.draw(st.booleans()):
            both.edit(data.draw(edits(pool)))
        packet = varied(data, data.draw(st.sampled_from(sent)))
        port = data.draw(st.sampled_from([1, 11]))
        for _ in range(3):
            both.send(port, packet, float(turn))
    remembering, working = both.counted()
    assert remembering == working


@law
@given(soups(), st.integers(0, 3), frames(), st.sampled_from([1, 11]), st.integers(0, 7), st.data())
def test_a_packet_with_any_one_bit_turned_over_is_answered_for_itself(
    soup: tuple[Topology, dict[str, SwitchState]],
    every: int,
    packet: Packet,
    port: int,
    bit: int,
    data: st.DataObject,
) -> None:
    state = soup[1]["a"]
    if state.rules:  # something that matches always, so that there is something to remember
        much = data.draw(st.sampled_from(state.rules)).instructions
        state = state._replace(rules=(*state.rules, Rule(0, 90, ANY, much)))
    both = Both(metered(state, every))
    for _ in range(3):
        both.send(port, packet)
    for at in range(min(len(packet), 60)):
        both.send(port, Packet(packet.data[:at] + bytes([packet.data[at] ^ 1 << bit]) + packet.data[at + 1 :]))
    remembering, working = both.counted()
    assert remembering == working


ENDS = {"eth_src": 1, "eth_dst": 2}


def udp(source: int, payload: bytes = b"12345678", port: int = 53) -> Packet:
    ends = {**ENDS, "ipv4_src": 0x0A000000 + source, "ipv4_dst": 0x0A010001}
    return build.udp(**ends, udp_src=4000, udp_dst=port, payload=payload)


def always(*actions: Action, priority: int = 1, match: Match = ANY, table: int = 0, goto: int | None = None) -> Rule:
    return Rule(table, priority, match, Instructions(apply=actions, goto=goto))


def holding(*rules: Rule, groups: tuple[GroupEntry, ...] = ()) -> Both:
    return Both(SwitchState(rules, groups, ()))


def warm(both: Both, packet: Packet) -> None:
    for _ in range(3):
        both.send(1, packet)


def test_one_walk_serves_packets_that_differ_in_what_nobody_looked_at() -> None:
    both = holding(
        always(PushVlan(), SetField("vlan_vid", 0x1007), DecNwTtl(), Output(2), match=Match.of(eth_type=0x0800))
    )
    warm(both, udp(1))
    for source in range(2, 50):
        both.send(1, udp(source, bytes([source]) * 8, port=source))
    assert (len(both.memory), both.remembered) == (1, 50)


def test_one_walk_for_each_bucket_serves_all_flows_of_a_select_group() -> None:
    spread = GroupEntry(1, SELECT, tuple(Bucket((Output(port),), 1, port) for port in (2, 3, 11)))
    both = holding(always(Group(1)), groups=(spread,))
    ports = set()
    for source in range(60):
        warm(both, udp(source))
        ports.add(both.send(1, udp(source)).emissions[0].port)
    assert (len(both.memory), ports) == (1, {2, 3, 11})


def test_a_rule_that_no_packet_of_a_walk_can_match_leaves_it_remembered() -> None:
    both = holding(always(Output(2), match=Match.of(eth_dst=2)), always(Output(3), match=Match.of(eth_dst=9)))
    warm(both, udp(1))
    both.edit(lambda model: model.add(always(Output(11), match=Match.of(eth_dst=7), priority=9)))
    both.edit(lambda model: model.delete(Selection(0, Match.of(eth_dst=9), 1)))
    both.edit(lambda model: model.add(always(Output(11), table=5, priority=9)))
    before = both.remembered
    assert both.send(1, udp(2)).emissions[0].port == 2
    assert (both.remembered, len(both.memory)) == (before + 1, 1)


@pytest.mark.parametrize(
    ("change", "ports"),
    [
        (lambda model: model.add(always(Output(11), match=Match.of(eth_dst=2), priority=9)), [11]),
        (lambda model: model.add(always(Output(11), match=Match.of(eth_type=0x0800, ip_proto=17), priority=9)), [11]),
        (lambda model: model.delete(Selection(0, ANY)), []),
        (lambda model: model.modify(Selection(0, ANY), Instructions(apply=(Output(3),))), [3]),
        (lambda model: model.modify_group(GroupEntry(1, SELECT, (Bucket((Output(12),)),))), [12]),
        (lambda model: model.delete_group(1), []),
        (lambda model: model.down.add(2), [3]),
    ],
    ids=["rule", "narrower rule", "deleted", "modified", "group", "no group", "port down"],
)  # fmt: skip
def test_no_packet_takes_a_walk_that_a_change_has_made_void(
    change: Callable[[SwitchModel], object], ports: list[int]
) -> None:
    live = GroupEntry(1, FAST_FAILOVER, tuple(Bucket((Output(port),), 1, port) for port in (2, 3)))
    both = holding(always(Group(1), match=Match.of(eth_dst=2)), groups=(live,))
    warm(both, udp(1))
    both.edit(change)
    assert [port for port, _ in both.send(1, udp(1)).emissions] == ports


def test_what_is_not_followed_is_worked_out_each_time() -> None:
    both = holding(always(PushMpls(), Output(2)))
    warm(both, udp(1))
    assert (len(both.memory), both.remembered) == (0, 0)


def test_a_frame_of_another_length_is_another_walk() -> None:
    both = holding(always(PopVlan(), Output(2), match=Match.of(eth_type=0x0800)))
    for size in (8, 9, 10):
        warm(both, udp(1, bytes(size)))
    assert len(both.memory) == 3
