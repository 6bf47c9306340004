"""HSRP's machine: one active and one standby router, handover, tracking; the prediction says who."""

from __future__ import annotations

import heapq
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from random import Random

from clos.controller.migrate.model import Device, HsrpGroup, Interface, Network
from clos.controller.migrate.predict.gateway import predict_gateways
from clos.fabric.protocols.hsrp import packet as wire
from clos.fabric.protocols.hsrp.machine import Config, Effect, Group, Own, Refused, Send
from tests.support.examples import EXAMPLES
from tests.support.mutation import mutated

VIRTUAL = 0x0A0000FE


class Lan:
    """Groups on one segment, with packets that take a few milliseconds."""

    def __init__(self, configs: list[Config], rng: Random) -> None:
        self.groups = {c.source: Group(c) for c in configs}
        self.now, self.rng, self.sent = 0, rng, list[bytes]()
        self.owned: dict[int, Own] = {}
        self._events: list[tuple[int, int, int, int, bytes]] = []

    def do(self, source: int, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Own):
                self.owned[source] = effect
            if isinstance(effect, Send):
                self.sent.append(effect.data)
                for other in self.groups:
                    if other != source:
                        event = (self.now + self.rng.randint(1, 5), len(self.sent), other, source, effect.data)
                        heapq.heappush(self._events, event)

    def run(self, duration: int) -> None:
        end = self.now + duration
        while self.now < end:
            tick, source = min((g.next_deadline() or end, s) for s, g in self.groups.items())
            if self._events and self._events[0][0] <= min(tick, end):
                self.now, _, to, by, data = heapq.heappop(self._events)
                self.do(to, self.groups[to].receive(by, data, self.now))
            elif tick >= end:
                self.now = end
            else:
                self.now = max(self.now, tick)
                self.do(source, self.groups[source].tick(self.now))

    def states(self) -> list[int]:
        return [g.state for g in self.groups.values()]

    def at(self, state: int) -> list[int]:
        return [source for source, group in self.groups.items() if group.state == state]


def lan(*configs: Config, seed: int = 1) -> Lan:
    net = Lan(list(configs), Random(seed))
    for source, group in net.groups.items():
        net.do(source, group.up(0))
    net.run(60_000)
    return net


def config(host: int, **fields: object) -> Config:
    return replace(Config(1, 0x0A000000 + host, VIRTUAL), **fields)  # type: ignore[arg-type]


def test_prediction_is_what_the_machines_elect() -> None:
    for seed in range(max(20, EXAMPLES // 5)):
        rng = Random(seed)
        version, size = rng.choice((1, 2)), rng.randint(1, 5)
        rows = [(host, rng.choice((90, 100, 110)), rng.random() < 0.5) for host in rng.sample(range(1, 250), size)]
        net = lan(*(config(h, version=version, priority=p, preempt=q) for h, p, q in rows), seed=seed)
        devices = {f"d{h}": _device(f"d{h}", h, version, p, q) for h, p, q in rows}
        (gateway,) = predict_gateways(Network(devices))
        assert net.at(wire.ACTIVE) == [int(gateway.active.address)], seed
        wanted = [] if gateway.standby is None else [int(gateway.standby.address)]
        assert net.at(wire.STANDBY) == wanted, seed
        assert net.owned[int(gateway.active.address)].mac == wire.virtual_mac(version, 1)


def _device(name: str, host: int, version: int, priority: int, preempt: bool) -> Device:
    group = HsrpGroup("Vlan1", 1, version, IPv4Address(VIRTUAL), priority=priority, preempt=preempt)
    address = IPv4Interface(f"10.0.0.{host}/24")
    return Device(name, interfaces={"Vlan1": Interface("Vlan1", addresses=(address,), hsrp=(group,))})


def test_the_standby_takes_over_in_the_hold_time_or_at_once_when_told() -> None:
    for resigns in (True, False):
        net = lan(config(1, priority=110), config(2))
        effects = net.groups[0x0A000001].down(net.now)
        if resigns:
            net.do(0x0A000001, effects)
        net.run(100 if resigns else 11_000)
        assert net.at(wire.ACTIVE) == [0x0A000002]


def test_tracking_lowers_the_priority_and_a_preempting_router_takes_over_and_gives_back() -> None:
    net = lan(config(1, priority=110, preempt=True, tracks=(("uplink", 20),)), config(2, preempt=True))
    assert net.at(wire.ACTIVE) == [0x0A000001]
    net.do(0x0A000001, net.groups[0x0A000001].track("uplink", False, net.now))
    net.run(20_000)
    assert (net.at(wire.ACTIVE), net.at(wire.STANDBY)) == ([0x0A000002], [0x0A000001])
    net.do(0x0A000001, net.groups[0x0A000001].track("uplink", True, net.now))
    net.run(20_000)
    assert (net.at(wire.ACTIVE), net.at(wire.STANDBY)) == ([0x0A000001], [0x0A000002])


def test_preemption_waits_for_its_delay() -> None:
    net = lan(config(2), config(3))
    net.groups[0x0A000001] = Group(config(1, priority=200, preempt=True, preempt_delay_ms=30_000))
    net.do(0x0A000001, net.groups[0x0A000001].up(net.now))
    net.run(29_000)
    assert net.at(wire.ACTIVE) == [0x0A000003]
    net.run(5_000)
    assert net.at(wire.ACTIVE) == [0x0A000001]


def test_a_router_without_the_address_learns_it() -> None:
    net = lan(config(1, priority=110, secondaries=(VIRTUAL - 1,)), config(2, address=0))
    assert net.groups[0x0A000002].address == VIRTUAL
    assert net.owned[0x0A000001].addresses == (VIRTUAL, VIRTUAL - 1)


def test_another_key_or_text_keeps_routers_apart_and_is_refused() -> None:
    net = lan(config(1, key=wire.Keyed(b"a")), config(2, key=wire.Keyed(b"b")))
    assert net.states() == [wire.ACTIVE, wire.ACTIVE]
    net = lan(config(1, key=wire.Keyed(b"a"), version=2), config(2, key=wire.Keyed(b"a"), version=2))
    assert sorted(net.states()) == [wire.STANDBY, wire.ACTIVE]


def test_a_refused_packet_changes_nothing() -> None:
    rng, refused = Random(4), 0
    net = lan(config(1), config(2))
    group = net.groups[0x0A000001]
    for _ in range(EXAMPLES):
        before = {k: str(v) for k, v in vars(group).items()}
        effects = group.receive(0x0A000002, mutated(rng, rng.choice(net.sent)), net.now)
        if effects and isinstance(effects[0], Refused):
            refused += 1
            assert {k: str(v) for k, v in vars(group).items()} == before
    assert refused
