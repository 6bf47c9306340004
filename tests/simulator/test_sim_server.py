"""Simulated switches on real sockets, in step with real time, and asked from outside."""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from clos.fabric.dataplane.action import CONTROLLER, Output
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.generate import clos
from clos.fabric.openflow import encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.constants import FlowModCommand
from clos.fabric.packet import build
from clos.fabric.sim.control.server import ControlError, call, controlled
from clos.fabric.sim.openflow import tcp as wire
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import PortRef
from tests.support.sim_controller import Datapath, listening
from tests.support.sim_fabrics import attach_all, flat_topology, program
from tests.support.waiting import eventually


@contextmanager
def running(**options: int):
    """A flat fabric in a thread, programmed, with an endpoint on every host, and no controller."""
    with SimThread(flat_topology(2, 2, 2), **options) as sim:
        sim.call(program)
        sim.call(attach_all)
        yield sim


def miss(max_len: int = 0xFFFF) -> m.FlowMod:
    return m.FlowMod(FlowModCommand.ADD, Rule(0, 0, ANY, Instructions(apply=(Output(CONTROLLER, max_len),))))


# ---- sessions over TCP


def test_every_switch_connects_and_is_programmed_over_tcp() -> None:
    topology = clos(2, 4, hosts_per_leaf=1)
    with listening() as controller, SimThread(topology, controller.address) as sim:
        sim.wait_connected()
        controller.wait(6)
        assert {datapath.dpid for datapath in controller.joined} == set(topology.by_dpid)
        for datapath in controller.joined:
            datapath.ask(miss(), m.BarrierRequest(), until=m.BarrierReply)
        rules = sim.call(lambda network: [len(switch.model.state().rules) for switch in network.switches.values()])
        assert rules == [1] * 6


def test_a_dropped_connection_is_made_again_and_no_rule_is_lost() -> None:
    with listening() as controller, SimThread(clos(1, 1), controller.address) as sim:
        controller.wait(2)
        leaf = next(d for d in controller.joined if d.dpid == sim.call(lambda n: n.switches["leaf1"].switch.dpid))
        leaf.ask(miss(), m.BarrierRequest(), until=m.BarrierReply)
        sim.drop("leaf1")
        controller.wait(3)
        reply = controller.joined[2].ask(mp.FlowStatsRequest(), until=mp.FlowStatsReply)
        assert len(reply.entries) == 1


def test_a_crashed_switch_connects_again_when_it_returns_and_is_empty() -> None:
    with listening() as controller, SimThread(clos(1, 1), controller.address) as sim:
        controller.wait(2)
        for datapath in controller.joined:
            datapath.ask(miss(), m.BarrierRequest(), until=m.BarrierReply)
        sim.fail("crash", "leaf1")
        assert eventually(lambda: sim.connected == 1)
        time.sleep(0.2)
        assert len(controller.joined) == 2
        sim.fail("revive", "leaf1")
        controller.wait(3)
        assert controller.joined[2].ask(mp.FlowStatsRequest(), until=mp.FlowStatsReply).entries == ()


def test_switches_wait_for_a_controller_that_comes_late() -> None:
    with listening() as controller:
        address = controller.address
    with SimThread(clos(1, 2), address) as sim:
        time.sleep(0.3)
        assert sim.connected == 0
        with socket.create_server(address) as server:
            server.settimeout(20)
            found = {Datapath(server.accept()[0]).dpid for _ in range(3)}
        assert len(found) == 3


def test_a_switch_may_listen_for_controllers_too() -> None:
    with SimThread(clos(1, 1)) as sim:
        address = sim.run(lambda simulation: simulation.listen("leaf1"))
        with socket.create_connection(address) as one, socket.create_connection(address) as two:
            assert Datapath(one).dpid == Datapath(two).dpid


def test_a_packet_in_may_be_answered_and_carries_the_ping_to_its_end() -> None:
    """A ping that only a controller lets pass: the answer is waited for, by real time."""
    topology = clos(1, 1, hosts_per_leaf=2)
    with listening() as controller, SimThread(topology, controller.address) as sim:
        sim.call(attach_all)
        controller.wait(2)
        leaf = next(d for d in controller.joined if d.dpid == topology.switches["leaf1"].dpid)
        leaf.ask(miss(), m.BarrierRequest(), until=m.BarrierReply)
        done = threading.Event()

        def hub() -> None:
            while not done.is_set():
                try:
                    punt = leaf.wait_for(m.PacketIn)
                except OSError:
                    return
                leaf.say(m.PacketOut((Output(0xFFFFFFFB),), punt.data, punt.match.value("in_port") or 0))

        worker = threading.Thread(target=hub, daemon=True)
        worker.start()
        outcome = sim.ping("h1-1", "h1-2")
        done.set()
        assert outcome.ok, outcome.why
        assert 0 < outcome.rtt < 1_000_000


def test_a_peer_that_does_not_read_gets_no_more_packet_ins_and_stops_nobody() -> None:
    topology = clos(1, 1, hosts_per_leaf=2)
    with listening() as controller, SimThread(topology, controller.address) as sim:
        sim.wait_connected()
        controller.wait(2)
        leaf = next(d for d in controller.joined if d.dpid == topology.switches["leaf1"].dpid)
        leaf.ask(miss(), m.BarrierRequest(), until=m.BarrierReply)
        frame = build.udp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, udp_src=1, udp_dst=2, payload=bytes(9000))

        def flood(network) -> None:
            for _ in range(4000):
                network.inject(PortRef("leaf1", 101), frame)
            network.run(0.01)

        sim.call(flood)
        assert sim.call(lambda network: network.switches["leaf1"].listeners[0].__self__.choked)
        leaf.say(m.EchoRequest(b"still there?"))
        assert leaf.wait_for(m.EchoReply).data == b"still there?"
        assert eventually(lambda: not sim.call(lambda network: network.switches["leaf1"].listeners[0].__self__.choked))


def test_garbage_ends_one_connection_and_nothing_else() -> None:
    with SimThread(clos(1, 1)) as sim:
        address = sim.run(lambda simulation: simulation.listen("leaf1"))
        with socket.create_connection(address) as bad:
            bad.sendall(encode(m.Hello()) + b"\x04\x00\x00\x03garbage")
            bad.settimeout(10)
            while bad.recv(1 << 16):
                pass
        with socket.create_connection(address) as good:
            assert Datapath(good).dpid


def test_nothing_is_left_behind() -> None:
    def threads() -> set[str]:
        return {thread.name for thread in threading.enumerate()}

    before, files = threads(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with listening() as controller:
            with SimThread(clos(2, 4), controller.address) as sim:
                sim.wait_connected()
                controller.wait(6)
            assert all(datapath.sock.fileno() >= 0 for datapath in controller.joined)
    assert "clos simulator" not in threads() - before
    assert len(os.listdir("/proc/self/fd")) <= files + 1


def test_a_simulation_that_cannot_start_says_why(monkeypatch) -> None:
    def refuse(_: int) -> None:
        raise OSError("no more files")

    monkeypatch.setattr("clos.fabric.sim.openflow.server.make_room", refuse)
    with pytest.raises(OSError, match="no more files"), SimThread(clos(1, 1), ("127.0.0.1", 1)):
        pass


def test_room_is_made_for_a_thousand_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wire.make_room(1000)
    after = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert after[1] == before[1]
    assert after[0] >= min(2256, before[1]) or after[0] == resource.RLIM_INFINITY


def test_three_hundred_switches_connect() -> None:
    topology = clos(4, 296)
    with listening(512) as controller, SimThread(topology, controller.address) as sim:
        sim.wait_connected(200)
        controller.wait(300, 200)


# ---- time


MILLISECOND = 0.001
"""What rounding may make of a difference, in seconds."""


def _clocks(sim: SimThread) -> tuple[float, float, float]:
    """Virtual time between two looks at the real clock: exact on the slowest machine."""
    return time.monotonic(), sim.call(lambda network: network.seconds), time.monotonic()


def test_virtual_time_follows_real_time() -> None:
    with SimThread(clos(1, 1)) as sim:
        before, first, after = _clocks(sim)
        time.sleep(0.3)
        later, second, last = _clocks(sim)
        assert later - after - MILLISECOND < second - first < last - before + MILLISECOND


def test_a_flow_in_real_time_takes_its_time_and_a_fast_one_does_not() -> None:
    with running() as sim:
        begun = time.monotonic()
        result = sim.flow("h1-1", "h2-1", 200, 0.5)
        assert time.monotonic() - begun >= 0.49
        assert (result.sent, result.lost) == (100, 0)
        result = sim.flow("h1-1", "h2-1", 1, 1_000, fast=True)  # longer than a test may take
        assert (result.sent, result.lost) == (1_000, 0)


def test_a_change_in_the_course_of_a_real_time_flow_is_felt_by_it() -> None:
    with running() as sim:
        under_way = sim.start_flow("h1-1", "h2-1", 500, 0.8)
        time.sleep(0.2)
        sim.call(lambda network: network.switches["spine1"].model.add(Rule(0, 9999, ANY, Instructions())))
        result = under_way.result()
        assert 0 < result.received < result.sent
        assert ("spine1", "action set empty") in result.drops


def test_failures_happen_in_the_course_of_a_flow_when_asked_for() -> None:
    with running(detection=20_000) as sim:
        result = sim.flow(
            "h1-1", "h2-1", 1000, 0.5, fast=True, during=[(0.1, "cut", "leaf1:1"), (0.3, "crash", "spine2")]
        )
        assert result.lost > 180
        assert result.drops["leaf1", "group 1: no live bucket"] > 100
        with pytest.raises(KeyError, match="no cable there"):
            sim.flow("h1-1", "h2-1", 10, 1, during=[(0.1, "cut", "leaf9:1")])


def test_pings_and_matrices_are_answered() -> None:
    with running() as sim:
        outcomes = sim.ping_matrix(["h1-1", "h1-2", "h2-1", "h2-2"])
        assert len(outcomes) == 12
        assert all(outcome.ok for outcome in outcomes.values())
        assert sim.probe("h1-1", "h2-2", "tcp", 80).ok


# ---- control from other processes


@pytest.fixture(params=["unix", "tcp"])
def asked(request, tmp_path: Path):
    place = tmp_path / "control" if request.param == "unix" else ("127.0.0.1", 0)
    with running() as sim, controlled(sim, place) as where:
        yield where


def test_the_fabric_is_asked_and_broken_from_outside(asked) -> None:
    status = call(asked, "status")
    assert status["topology"] == "clos"
    assert status["endpoints"]["h1-1"] == "h1-1"
    assert call(asked, "ping", source="h1-1", target="h2-1")["answered"] is True
    assert call(asked, "cables", a="leaf1", b="spine1") == ["leaf1:1"]
    assert call(asked, "cut", where="leaf1:1") is None
    assert eventually(lambda: call(asked, "status")["dead_ports"] == ["spine1:1", "leaf1:1"])
    result = call(
        asked, "flow", source="h1-1", target="h2-1", pps=100, seconds=1, fast=True, during=[[0.5, "restore", "leaf1:1"]]
    )
    assert (result["sent"], result["lost"]) == (100, 0)
    assert call(asked, "crash", where="spine1") is None
    assert call(asked, "status")["switches"]["spine1"]["alive"] is False
    assert call(asked, "revive", where="spine1") is None
    matrix = call(asked, "matrix", endpoints=["h1-1", "h1-2"])
    assert [(each["source"], each["target"], each["answered"]) for each in matrix] == [
        ("h1-1", "h1-2", True),
        ("h1-2", "h1-1", True),
    ]


def test_endpoints_rules_and_counters_are_seen_from_outside(asked) -> None:
    call(asked, "detach", name="h2-2")
    call(asked, "attach", name="new", host="h2-2", mac="02:00:00:00:77:77", ip="10.0.9.9", prefix_len=16)
    assert call(asked, "status")["endpoints"]["new"] == "h2-2"
    call(asked, "probe", source="h1-1", target="h2-1", proto="tcp", port=80)
    rules = call(asked, "rules", switch="spine1")
    assert sum(rule["packets"] for rule in rules["rules"]) >= 2
    assert rules["groups"] == rules["meters"] == []
    counters = call(asked, "counters")
    assert counters["hosts"]["h2-1"]["rx_packets"] >= 2
    assert counters["ports"]["leaf1:1"]["tx_packets"] >= 2


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"op": "fly"}, "op is one of status, attach"),
        ({}, "op is one of"),
        ({"op": "ping"}, "ping: needs source, target"),
        ({"op": "ping", "source": "h1-1", "target": "h9"}, "ping: no endpoint h9 is attached"),
        ({"op": "ping", "source": 1, "target": "h9"}, "ping: source: expected a text"),
        ({"op": "ping", "source": "a", "target": "b", "ttl": 3}, "ping: takes source, target, not ttl"),
        ({"op": "cut", "where": "leaf1"}, "cut: 'leaf1' is not a port like leaf1:49"),
        ({"op": "crash", "where": "leaf7"}, "crash: there is no switch leaf7"),
        ({"op": "rules", "switch": "leaf7"}, "rules: there is no switch leaf7"),
        (
            {"op": "attach", "name": "x", "host": "h1-1", "mac": "2", "ip": "1.2.3.4", "prefix_len": 8},
            "attach: mac: '2'",
        ),
        ({"op": "flow", "source": "h1-1", "target": "h2-1", "pps": 0, "seconds": 1}, "sends nothing"),
        (
            {"op": "flow", "source": "h1-1", "target": "h2-1", "pps": 1, "seconds": 1, "during": [[0, "melt", "x"]]},
            "flow: during: expected one of cut, restore, crash, revive",
        ),
    ],
)
def test_a_request_that_is_wrong_is_answered_with_what_is_wrong(request_, says, tmp_path) -> None:
    with running() as sim, controlled(sim, tmp_path / "control") as place:
        op = request_.pop("op", None)
        with pytest.raises(ControlError) as refused:
            call(place, op, **request_)
    assert says in str(refused.value)


def test_lines_that_are_not_requests_are_answered_too(tmp_path) -> None:
    with running() as sim, controlled(sim, tmp_path / "control") as place, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(place))
        lines = sock.makefile("rwb")
        for line in (b"nonsense\n", b"[1,2]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"):
            lines.write(line)
            lines.flush()
            assert json.loads(lines.readline())["ok"] is False
        lines.write(b'{"op": "status"}\n')
        lines.flush()
        assert json.loads(lines.readline())["ok"] is True
        lines.close()


def test_the_control_socket_is_its_owners_and_goes_with_the_simulation(tmp_path) -> None:
    path = tmp_path / "control"
    with running() as sim, controlled(sim, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()
    with pytest.raises(OSError):
        call(path, "status")


def test_control_listens_on_no_network() -> None:
    refused = pytest.raises(ValueError, match="loopback only")
    with SimThread(clos(1, 1)) as sim, refused, controlled(sim, ("0.0.0.0", 0)):
        pass
