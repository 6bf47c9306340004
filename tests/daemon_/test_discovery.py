"""Laws of discovery: what is cabled otherwise than designed is told by name, over real OpenFlow; hosts have no say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clos.controller.daemon import Daemon
from clos.controller.daemon.discovery.cabling import (
    DESIGNED,
    MISSING,
    MISWIRED,
    UNKNOWN,
    UNSEEN,
    LinkReport,
    Seen,
    Sighting,
    Speaker,
    compare,
)
from clos.controller.daemon.discovery.lldp import PERIOD, RATE, TICK, Discovery
from clos.controller.intent import Text, dump
from clos.controller.wire.errors import Lost
from clos.controller.wire.events import Left, PacketIn, PortChanged
from clos.controller.wire.switch_info import Facts
from clos.fabric.generate import clos
from clos.fabric.openflow.constants import PortState
from clos.fabric.openflow.messages import Port
from clos.fabric.protocols.lldp import Advertisement, decode, encode
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import Link, PortRef, Topology
from tests.support.cabling import swapped
from tests.support.waiting import eventually

FABRIC = clos(2, 3, hosts_per_leaf=2, name="three")
NOBODY = Text(
    "nobody.yaml",
    "apiVersion: clos/v1\nkind: Tenant\nmetadata: {name: none}\nspec: {networks: {n: {subnet: 10.0.0.0/24}}}\n",
)


@contextmanager
def controlled(state_dir: Path, cabled: Topology, **options: bool) -> Iterator[tuple[Daemon, SimThread]]:
    """A daemon that is told FABRIC, and simulated switches that are cabled as they are."""
    with (
        Daemon(Text("three.yaml", dump(FABRIC)), state_dir, of_port=0, **options) as daemon,
        SimThread(cabled, daemon.switches.wire.address) as sim,
    ):
        sim.wait_connected()
        assert eventually(lambda: daemon.queries.status().in_line == len(FABRIC.switches))
        daemon.changes.apply([NOBODY], "ann", "first", allow=["offline", "empty"])
        yield daemon, sim


def states(daemon: Daemon) -> dict[tuple[str, str], str]:
    return {(link.a, link.b): link.state for link in daemon.queries.links()}


# Over real OpenFlow, on simulated switches.


def test_a_fabric_that_is_cabled_as_designed_says_so_of_every_link(tmp_path: Path) -> None:
    with controlled(tmp_path, FABRIC) as (daemon, _):
        designed = {(str(link.a), str(link.b)): DESIGNED for link in FABRIC.links}
        assert eventually(lambda: states(daemon) == designed), daemon.queries.links()


def test_two_cables_the_wrong_way_round_are_told_by_their_names(tmp_path: Path) -> None:
    with controlled(tmp_path, swapped(FABRIC)) as (daemon, _):
        first, other = FABRIC.links[0], FABRIC.links[3]
        assert eventually(lambda: sum(s == MISWIRED for s in states(daemon).values()) == 2), daemon.queries.links()
        text = f"{first.a}: expected {first.b}, is {other.b}; {first.b}: expected {first.a}, is {other.a}"
        assert eventually(lambda: LinkReport(str(first.a), str(first.b), MISWIRED, text) in daemon.queries.links())
        assert eventually(lambda: sum(MISWIRED in fault.text for fault in daemon.queries.status().faults) == 2)


def test_a_cable_that_breaks_is_missing_at_once_and_back_as_soon_as_it_is_mended(tmp_path: Path) -> None:
    with controlled(tmp_path, FABRIC) as (daemon, sim):
        assert eventually(lambda: set(states(daemon).values()) == {DESIGNED})
        link = FABRIC.links[2]
        sim.fail("cut", str(link.a))
        key = str(link.a), str(link.b)
        assert eventually(lambda: states(daemon)[key] == MISSING, 2), daemon.queries.links()
        assert f"{link.a} is down" in next(one.text for one in daemon.queries.links() if (one.a, one.b) == key)
        sim.fail("restore", str(link.a))
        assert eventually(lambda: states(daemon)[key] == DESIGNED, 2), daemon.queries.links()


def test_a_links_fault_is_over_when_the_link_is_as_designed(tmp_path: Path) -> None:
    with controlled(tmp_path, FABRIC) as (daemon, sim):
        assert eventually(lambda: set(states(daemon).values()) == {DESIGNED})
        first, other = FABRIC.links[2], FABRIC.links[4]

        def faults() -> list[str]:
            return sorted(fault.text.partition(":")[0] for fault in daemon.queries.status().faults)

        ends = sorted(str(link.a).partition(":")[0] for link in (first, other))
        sim.fail("cut", str(first.a))
        sim.fail("cut", str(other.a))
        assert eventually(lambda: faults() == ends), daemon.queries.status().faults
        sim.fail("restore", str(first.a))
        assert eventually(lambda: faults() == [str(other.a).partition(":")[0]]), daemon.queries.status().faults
        sim.fail("restore", str(other.a))
        assert eventually(lambda: daemon.queries.status().faults == ()), daemon.queries.status().faults


def test_a_switch_that_left_is_not_blamed_for_its_cables(tmp_path: Path) -> None:
    with controlled(tmp_path, FABRIC) as (daemon, sim):
        assert eventually(lambda: set(states(daemon).values()) == {DESIGNED})
        daemon.switches.wire.expect({s.dpid: s.name for s in FABRIC.switches.values() if s.name != "leaf1"})
        assert eventually(lambda: daemon.queries.status().connected == len(FABRIC.switches) - 1)
        mine = {link: state for link, state in states(daemon).items() if "leaf1:" in link[0] + link[1]}
        assert set(mine.values()) == {UNSEEN}
        assert sim.connected == len(FABRIC.switches)


def test_where_discovery_is_off_nothing_is_sent_and_nothing_told(tmp_path: Path) -> None:
    with controlled(tmp_path, FABRIC, discovery=False) as (daemon, sim):
        assert daemon.queries.links() == ()
        sent = sim.call(lambda network: sum(p.tx_packets for s in network.switches.values() for p in s.ports.values()))
        assert sent == 0


# Without a network: a wire that notes what is sent, and a clock that is told the time.


class Bench:
    """A fabric of idle switches under Discovery; ``deliver`` carries what was sent over the cables of ``cabled``."""

    def __init__(self, topology: Topology, cabled: Topology | None = None) -> None:
        self.topology, self.cabled, self.now = topology, cabled or topology, 100.0
        self.sent: list[tuple[PortRef, bytes]] = []
        self.wrong: list[tuple[LinkReport, ...]] = []
        """What is wrong, each time that it changed."""
        self.connected = dict.fromkeys(topology.switches, True)
        self.extra: dict[str, list[int]] = {}
        self.discovery = Discovery(
            self,
            lambda: (self.topology, self.connected),
            lambda wrong: self.wrong.append(tuple(wrong)),
            lambda: self.now,
        )

    def facts(self, switch: str) -> Facts:
        numbers = [*self.topology.ports[switch], *self.extra.get(switch, ()), 0xFFFFFFFE]
        return Facts(switch, 1, 8, 0, "", "", "", "", tuple(Port(number) for number in numbers))

    def send_packet(self, switch: str, port: int, data: bytes) -> None:
        if switch not in self.connected:
            raise Lost(switch, "not connected")
        self.sent.append((PortRef(switch, port), data))

    def hear(self, at: PortRef, data: bytes) -> None:
        self.discovery.heard(PacketIn(at.switch, at.port, 0, 0, 1, data))

    def run(self, seconds: float) -> list[tuple[PortRef, bytes]]:
        """Let time pass, carrying what is sent; gives what was sent meanwhile."""
        start, end = len(self.sent), self.now + seconds
        while self.now < end:
            before = len(self.sent)
            self.discovery.turn()
            for port, data in self.sent[before:]:
                there = self.cabled.peers.get(port)
                if there is not None and self.connected.get(there.switch):
                    self.hear(there, data)
            self.now = round(self.now + TICK, 6)
        return self.sent[start:]

    def states(self) -> dict[str, str]:
        return {f"{link.a} {link.b}": link.state for link in self.discovery.links()}


def test_a_port_is_asked_every_period_and_a_hosts_port_never() -> None:
    bench = Bench(FABRIC)
    sent = [port for port, _ in bench.run(10 * PERIOD)]
    assert set(sent) == set(FABRIC.peers)
    assert all(8 <= sent.count(port) <= 14 for port in FABRIC.peers)


def test_the_work_is_bounded_at_a_thousand_switches() -> None:
    bench = Bench(clos(4, 1000, hosts_per_leaf=40, name="large"))
    seconds = 150.0
    sent = bench.run(seconds)
    assert len(sent) <= RATE * seconds * 1.01
    assert {port for port, _ in sent} == set(bench.topology.peers)
    assert set(bench.states().values()) == {DESIGNED}
    assert bench.wrong == []  # nor was any of them in doubt on the way
    bench.connected = dict.fromkeys(("spine1", "leaf1", "leaf2"), True)
    bench.run(PERIOD)
    assert {state for link, state in bench.states().items() if link in ("leaf1:1 spine1:1", "leaf2:1 spine1:2")} == {
        DESIGNED
    }


def test_what_was_heard_holds_while_it_is_heard_and_not_for_ever() -> None:
    bench = Bench(FABRIC)
    bench.run(6 * PERIOD)
    assert set(bench.states().values()) == {DESIGNED}
    bench.cabled = replace(FABRIC, links=())  # carrier stays, frames do not come: a broken fibre
    bench.run(5 * PERIOD)
    assert set(bench.states().values()) == {MISSING}
    assert "leaf1:1 hears nothing; spine1:1 hears nothing" in {link.text for link in bench.discovery.links()}
    assert len(bench.wrong[-1]) == len(FABRIC.links)
    reports = len(bench.wrong)
    bench.run(20 * PERIOD)
    assert len(bench.wrong) == reports  # nothing else than before
    bench.cabled = FABRIC
    bench.run(5 * PERIOD)
    assert bench.wrong[-1] == ()


def test_a_link_that_no_topology_has_is_told_as_unknown() -> None:
    spare = Link(PortRef("leaf1", 30), PortRef("spine2", 30))
    bench = Bench(FABRIC, replace(FABRIC, links=(*FABRIC.links, spare)))
    bench.extra = {"leaf1": [30], "spine2": [30]}
    bench.run(2 * PERIOD)
    assert bench.states().pop("leaf1:30 spine2:30") == UNKNOWN
    assert sum(state == DESIGNED for state in bench.states().values()) == len(FABRIC.links)


def test_a_frame_that_we_did_not_make_is_a_strangers_whatever_it_says() -> None:
    bench = Bench(FABRIC)
    bench.run(PERIOD)
    at = FABRIC.links[0].a
    forged = encode(Advertisement(FABRIC.switches["spine2"].dpid, 1, "spine2", int(bench.now * 1000)), b"guess")
    bench.hear(at, forged)
    first = bench.discovery.links()[0]
    assert first.state == MISWIRED
    assert first.text == f"{at}: expected {FABRIC.links[0].b}, is spine2 port 1, which is no switch of this fabric"


def test_a_frame_kept_for_later_is_nobodys_word() -> None:
    bench = Bench(FABRIC)
    port, kept = bench.run(PERIOD)[0]
    bench.cabled = replace(FABRIC, links=())
    bench.run(6 * PERIOD)
    bench.hear(FABRIC.peers[port], kept)
    assert set(bench.states().values()) == {MISSING}


def test_a_port_that_comes_up_is_asked_at_once_at_both_ends_and_only_once() -> None:
    bench = Bench(FABRIC)
    bench.run(2 * PERIOD)
    link = FABRIC.links[0]
    bench.discovery.heard(PortChanged(link.a.switch, link.a.port, "", False))
    assert bench.states()[f"{link.a} {link.b}"] == MISSING
    bench.run(3 * TICK)
    bench.discovery.heard(PortChanged(link.a.switch, link.a.port, "", True))
    assert {link.a, link.b} <= {port for port, _ in bench.run(2 * TICK)}
    assert bench.states()[f"{link.a} {link.b}"] == DESIGNED
    assert sum(port == link.a for port, _ in bench.run(10 * PERIOD)) <= 14


def test_a_switch_that_leaves_is_forgotten_and_met_again() -> None:
    bench = Bench(FABRIC)
    bench.run(2 * PERIOD)
    del bench.connected["leaf1"]
    bench.discovery.heard(Left("leaf1", 1))
    mine = [link for link in bench.discovery.links() if link.a.startswith("leaf1:")]
    assert {link.state for link in mine} == {UNSEEN} and "leaf1 is not connected" in mine[0].text
    bench.run(5 * PERIOD)
    assert bench.wrong == []
    bench.connected["leaf1"] = True
    bench.run(PERIOD)
    assert set(bench.states().values()) == {DESIGNED}


def test_nothing_is_asked_of_switches_that_do_not_hold_their_rules_yet() -> None:
    bench = Bench(FABRIC)
    bench.connected = dict.fromkeys(FABRIC.switches, False)
    assert bench.run(3 * PERIOD) == []
    assert set(bench.states().values()) == {UNSEEN}


def test_a_new_topology_is_what_the_cabling_is_held_against() -> None:
    bench = Bench(FABRIC)
    bench.run(PERIOD)
    bench.topology = swapped(FABRIC)
    bench.run(2 * PERIOD)
    assert sorted(bench.states().values()).count(MISWIRED) == 2
    bench.cabled = bench.topology
    bench.run(2 * PERIOD)
    assert set(bench.states().values()) == {DESIGNED}


def test_every_frame_says_who_sent_it_out_of_which_port() -> None:
    bench = Bench(FABRIC)
    for port, data in bench.run(PERIOD):
        said = decode(data, bench.discovery._key)
        assert isinstance(said, Advertisement)
        assert (said.name, said.port, said.dpid) == (*port, FABRIC.switches[port.switch].dpid)


# The verdict alone.


def seen(heard: dict[PortRef, PortRef | str], age: float = 1.0, up: bool = True) -> Seen:
    """All switches asked long ago; ``heard``: who is heard where."""
    ports = {
        name: {port: up and Port(port).state & PortState.LINK_DOWN == 0 for port in range(1, 60)}
        for name in FABRIC.switches
    }
    sightings = {
        at: Sighting(
            who if isinstance(who, str) else Speaker(FABRIC.switches[who.switch].dpid, who.port, "x"), 115 - age
        )
        for at, who in heard.items()
    }
    return Seen(sightings, ports, dict.fromkeys(ports, 0.0), 100.0, 15.0)


@pytest.mark.parametrize("age", [0.0, 14.9, 15.1])
def test_a_sighting_counts_while_it_is_fresh(age: float) -> None:
    states = {link.state for link in compare(FABRIC, seen(dict(FABRIC.peers.items()), age))}
    assert states == ({DESIGNED} if age <= 15 else {MISSING})


def test_a_link_that_works_one_way_only_is_missing_and_the_deaf_end_is_named() -> None:
    deaf = FABRIC.links[0].a
    heard = {here: there for here, there in FABRIC.peers.items() if here != deaf}
    first, *others = compare(FABRIC, seen(heard))
    assert (first.state, first.text) == (MISSING, f"{deaf} hears nothing")
    assert {link.state for link in others} == {DESIGNED}


def test_a_port_that_the_switch_does_not_have_is_said_so() -> None:
    state = seen({})
    ports = {**state.ports, "leaf1": {}}
    first = compare(FABRIC, state._replace(ports=ports))[0]
    assert first.state == MISSING and "leaf1 has no port 1" in first.text


def test_a_stranger_at_a_spare_port_is_unknown() -> None:
    at = PortRef("spine1", 40)
    *_, last = compare(FABRIC, seen({**FABRIC.peers, at: "core-router port Gi0/1"}))
    assert last == LinkReport("spine1:40", "core-router port Gi0/1", UNKNOWN, "the topology has no such link")


def test_a_cable_in_a_wrong_port_is_told_once_where_both_ends_are_known() -> None:
    link, wrong = FABRIC.links[0], PortRef("spine1", 40)
    heard = {**FABRIC.peers, link.a: wrong, wrong: link.a}
    del heard[link.b]
    found = [one for one in compare(FABRIC, seen(heard)) if one.state != DESIGNED]
    assert [(one.a, one.state) for one in found] == [(str(link.a), MISWIRED)]
    assert found[0].text == f"{link.a}: expected {link.b}, is spine1:40; {link.b} hears nothing"
