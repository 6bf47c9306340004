"""The simulated fabric in virtual time: frames, cables, failures, hosts, flows, meters."""

from __future__ import annotations

from functools import partial
from itertools import permutations

import pytest

from clos.fabric.dataplane.action import CONTROLLER, Group, Output
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import SELECT, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.walk import walk
from clos.fabric.generate import clos
from clos.fabric.openflow.messages import FlowMod, FlowRemoved, PacketIn, PortStatus
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.packet.fields import ETH_ARP, ipv4
from clos.fabric.sim.clock import MILLISECOND, SECOND, Clock
from clos.fabric.sim.control.query import flow, ping, ping_matrix, probe
from clos.fabric.sim.journey import Journey
from clos.fabric.sim.meters import Police
from clos.fabric.sim.network import SimNetwork
from clos.fabric.sim.openflow.mods import flow_mod
from clos.fabric.topology import TRUNK, Host, Link, Pair, PortRef, Switch, Topology
from tests.support.sim_fabrics import attach_all, flat, flat_topology, program


def test_events_happen_in_the_order_of_time_and_then_of_asking() -> None:
    clock, seen = Clock(), []
    for name, delay in (("c", 20), ("a", 10), ("b", 10)):
        clock.after(delay, lambda name=name: seen.append((clock.now, name)))
    clock.advance(15)
    assert (seen, clock.now) == ([(10, "a"), (10, "b")], 15)
    clock.advance(100)
    assert (seen[-1], clock.now) == ((20, "c"), 100)


def test_equal_runs_are_equal() -> None:
    def run() -> list[str]:
        network = flat(3, 3, 2, seed=7)
        found = [str(outcome) for outcome in ping_matrix(network, network.endpoints).values()]
        network.clock.after(10 * MILLISECOND, lambda: network.cut(PortRef("leaf1", 1)))
        return [*found, str(flow(network, "h1-1", "h2-1", 1000, 0.05))]

    assert run() == run()


def test_a_seed_spreads_flows_over_equal_paths_in_its_own_way() -> None:
    def uplinks(seed: int) -> list[tuple[int, ...]]:
        network = SimNetwork(clos(4, 2, hosts_per_leaf=4), seed)
        spread = GroupEntry(1, SELECT, tuple(Bucket((Output(port),), 1, port) for port in range(1, 5)))
        model = network.switches["leaf1"].model
        model.add_group(spread)
        model.add(Rule(0, 1, ANY, Instructions(apply=(Group(1),))))
        attach_all(network)
        ends = [(f"h1-{a}", f"h2-{b}") for a in range(1, 5) for b in range(1, 5)]
        journeys = [network.inject(PortRef("leaf1", 101), _udp(network, *pair)) for pair in ends]
        network.run(0.01)
        return [journey.hops[0].out for journey in journeys]

    assert uplinks(0) == uplinks(0)
    assert len({tuple(uplinks(seed)) for seed in range(4)}) == 4
    assert all(len(set(uplinks(seed))) > 1 for seed in range(4))


def test_frames_go_where_a_walk_over_the_same_rules_says() -> None:
    network = flat(3, 3, 2)
    models = {name: switch.model for name, switch in network.switches.items()}
    for source, target in permutations(network.endpoints, 2):
        frame, at = _udp(network, source, target), network.topology.hosts[source].ports[0]
        walked = walk(models, network.topology, at, frame)
        heard: list[tuple[PortRef, str, Packet]] = []
        ends = [network.tap(port, partial(_note, heard, port)) for port in walked.hosts]
        journey = network.inject(at, frame)
        network.run(0.001)
        assert [hop.switch for hop in journey.hops] == [visit.switch for visit in walked.hops]
        assert heard == [(port, "out", packet) for port, packet in walked.deliveries]
        for end in ends:
            end()


def _note(heard: list[tuple[PortRef, str, Packet]], port: PortRef, now: int, way: str, packet: Packet) -> None:
    heard.append((port, way, packet))


def test_hosts_do_not_answer_the_packets_of_strangers_for_ever() -> None:
    network = flat(1, 1, 2)
    journey = network.inject(PortRef("leaf1", 101), _udp(network, "h1-1", "h1-2"))
    echo = network.inject(PortRef("leaf1", 101), _echo(network, "h1-1", "h1-2"))
    network.run(1)
    assert [len(each.hops) for each in (journey, echo)] == [1, 5]


def _echo(network: SimNetwork, source: str, target: str) -> Packet:
    a, b = network.endpoints[source], network.endpoints[target]
    return build.icmp_echo(eth_src=a.mac, eth_dst=b.mac, ipv4_src=a.ip, ipv4_dst=b.ip)


def test_everyone_pings_everyone_by_arp_and_echo() -> None:
    network = flat(2, 3, 2)
    outcomes = ping_matrix(network, network.endpoints)
    assert len(outcomes) == 6 * 5
    assert all(outcome.ok for outcome in outcomes.values()), [str(o) for o in outcomes.values() if not o.ok]


def test_the_round_trip_is_the_sum_of_the_cables_latencies() -> None:
    network = flat(1, 2, 1)
    ping(network, "h1-1", "h2-1")
    outcome = ping(network, "h1-1", "h2-1")
    assert outcome.rtt == 2 * (1 + 5 + 5 + 1)
    assert [hop.switch for hop in outcome.hops] == ["leaf1", "spine1", "leaf2", "leaf2", "spine1", "leaf1"]


def test_a_lost_ping_says_where_and_why() -> None:
    network = flat(2, 2, 1)
    ping(network, "h1-1", "h2-1")
    model = network.switches["leaf2"].model
    model.add(Rule(0, 100, Match.of(eth_dst=network.topology.hosts["h2-1"].mac), Instructions()))
    outcome = ping(network, "h1-1", "h2-1")
    assert not outcome.arrived
    assert not outcome.answered
    assert outcome.why == "action set empty at leaf2"
    assert "leaf2 in 1: table 0 #100" in str(outcome.hops[-1])


def test_an_unanswered_arp_request_is_the_reason_given() -> None:
    network = SimNetwork(flat_topology(1, 2, 1))
    attach_all(network)
    outcome = ping(network, "h1-1", "h2-1")
    assert outcome.why == "no answer to ARP for 10.0.2.1 (table 0: no rule matched at leaf1) at h1-1"


def test_an_answer_lost_on_its_way_back_is_told_from_a_request_lost() -> None:
    network = flat(1, 2, 1)
    assert probe(network, "h1-1", "h2-1", "tcp", 443).ok
    back = Match.of(eth_src=network.topology.hosts["h2-1"].mac)
    network.switches["spine1"].model.add(Rule(0, 999, back, Instructions()))
    outcome = probe(network, "h1-1", "h2-1", "tcp", 443)
    assert (outcome.arrived, outcome.answered) == (True, False)
    assert "the answer was lost" in str(outcome)


def test_probes_carry_the_protocol_and_port_asked_for() -> None:
    network = flat(1, 1, 2)
    ping(network, "h1-1", "h1-2")
    seen: list[Packet] = []
    end = network.tap(PortRef("leaf1", 102), lambda now, way, packet: seen.append((way, packet.headers())))
    assert probe(network, "h1-1", "h1-2", "udp", 53).ok
    assert [(way, h["udp_dst"] if way == "out" else h["udp_src"]) for way, h in seen] == [("out", 53), ("in", 53)]
    end()
    assert probe(network, "h1-1", "h1-2", "tcp", 80).ok
    assert len(seen) == 2


def test_a_storm_ends() -> None:
    network = flat(2, 3, 1)
    for switch in network.switches.values():
        switch.model.add(Rule(0, 9999, ANY, Instructions(apply=(Output(0xFFFFFFFB),))))
    network.hosts["h2-1"].detach("h2-1")
    assert "a loop: too many hops" in ping(network, "h1-1", "h2-1").why


# ---- cables and failures


def test_a_frame_in_flight_on_a_cut_cable_is_lost() -> None:
    network = flat(1, 2, 1)
    ping(network, "h1-1", "h2-1")
    journey = network.inject(PortRef("leaf1", 101), _udp(network, "h1-1", "h2-1"))
    network.clock.after(3, lambda: network.cut(PortRef("leaf1", 1)))
    network.run(0.001)
    assert dict(journey.drops) == {("spine1:1", "lost on the cable to it"): 1}


def _udp(network: SimNetwork, source: str, target: str) -> Packet:
    a, b = network.endpoints[source], network.endpoints[target]
    ends = {"eth_src": a.mac, "eth_dst": b.mac, "ipv4_src": a.ip, "ipv4_dst": b.ip}
    return build.udp(**ends, udp_src=1, udp_dst=2, payload=bytes(30))


def test_failover_takes_as_long_as_detection() -> None:
    for detection in (5, 10, 30):
        network = flat(2, 2, 1, detection=detection * MILLISECOND)
        network.clock.after(100 * MILLISECOND, lambda network=network: network.cut(PortRef("leaf1", 1)))
        result = flow(network, "h1-1", "h2-1", 1000, 0.3)
        assert result.sent == 300
        assert result.lost == pytest.approx(detection, abs=1)
        assert result.longest_gap == pytest.approx(detection + 1, abs=1)
        assert sum(result.drops.values()) == result.lost


def test_a_mended_cable_is_used_again_after_detection() -> None:
    network = flat(1, 2, 1)
    network.cut(PortRef("spine1", 2))
    network.run(0.02)
    assert not ping(network, "h1-1", "h2-1").ok
    network.restore(PortRef("leaf2", 1))
    network.run(0.02)
    assert ping(network, "h1-1", "h2-1").ok


def test_a_flap_shorter_than_detection_is_noticed_by_nobody() -> None:
    network, heard = flat(1, 2, 1), []
    network.switches["leaf1"].listeners.append(heard.append)
    network.cut(PortRef("leaf1", 1))
    network.run(0.005)
    network.restore(PortRef("leaf1", 1))
    network.run(1)
    assert heard == []


def test_both_ends_of_a_cut_cable_tell_their_controllers_once() -> None:
    network, heard = flat(1, 2, 1), []
    for name in ("leaf1", "spine1", "leaf2"):
        network.switches[name].listeners.append(lambda message, name=name: heard.append((name, message)))
    network.cut(PortRef("leaf1", 1))
    network.run(1)
    assert sorted((name, type(message), message.port.port, message.port.state & 1) for name, message in heard) == [
        ("leaf1", PortStatus, 1, 1),
        ("spine1", PortStatus, 1, 1),
    ]


def test_a_crashed_switch_returns_empty_and_its_neighbours_notice() -> None:
    network = flat(2, 2, 1)
    network.crash("spine1")
    assert network.switches["spine1"].model.state() == ((), (), ())
    network.run(0.02)
    assert network.switches["leaf1"].model.down == {1}
    assert ping(network, "h1-1", "h2-1").ok
    network.revive("spine1")
    network.run(0.02)
    assert network.switches["leaf1"].model.down == set()
    assert network.switches["spine1"].model.down == set()
    assert "table 0: no rule matched at spine1" in ping(network, "h1-1", "h2-1").why


def test_unknown_places_are_refused_by_name() -> None:
    network = flat(1, 1, 1)
    with pytest.raises(KeyError, match="leaf9:1: no cable there"):
        network.cut(PortRef("leaf9", 1))
    with pytest.raises(KeyError, match="there is no switch leaf9"):
        network.crash("leaf9")
    with pytest.raises(KeyError, match="no endpoint h9-9 is attached"):
        ping(network, "h9-9", "h1-1")
    with pytest.raises(KeyError, match="hosts speak icmp, tcp, udp, not gre"):
        probe(network, "h1-1", "h1-1", "gre")
    assert network.between("leaf1", "spine1") == (PortRef("leaf1", 1),)
    with pytest.raises(KeyError, match="no cable between leaf1 and leaf2"):
        network.between("leaf1", "leaf2")


# ---- hosts


def test_an_address_is_attached_once() -> None:
    network = flat(1, 1, 2)
    with pytest.raises(ValueError, match="attached to h1-1 already"):
        network.attach("h1-1", "h1-2", 1, 1, 24)
    with pytest.raises(ValueError, match="there is no host h9"):
        network.attach("new", "h9", 1, 1, 24)
    with pytest.raises(ValueError, match=r"10\.0\.1\.1"):
        network.attach("new", "h1-1", 1, ipv4("10.0.1.1"), 24)


def test_a_detached_endpoint_no_longer_answers() -> None:
    network = flat(1, 1, 2)
    target = network.endpoints["h1-2"]
    network.detach("h1-2")
    network.attach("h1-2", "h1-2", target.mac, target.ip + 1, 16)
    assert ping(network, "h1-1", "h1-2").ok
    network.hosts["h1-1"].forget()
    journey = network.inject(PortRef("leaf1", 101), build.arp_request(network.endpoints["h1-1"].mac, 9, target.ip))
    network.run(0.01)
    assert journey.flying == 0
    assert network.hosts["h1-2"].traffic.foreign == 1


def test_a_host_without_a_gateway_says_so() -> None:
    network = SimNetwork(flat_topology(1, 1, 2))
    program(network)
    network.attach("a", "h1-1", 0x020000000001, ipv4("10.1.0.1"), 24)
    network.attach("b", "h1-2", 0x020000000002, ipv4("10.2.0.1"), 24, ipv4("10.2.0.254"))
    assert ping(network, "a", "b").why == "no gateway towards 10.2.0.1 at h1-1"
    assert "no answer to ARP for 10.2.0.254" in ping(network, "b", "a").why


def _pair_topology() -> Topology:
    switches = {"s": Switch("s", "spine", 9), "a": Switch("a", "leaf", 1, 1), "b": Switch("b", "leaf", 2, 2)}
    links = (Link(PortRef("a", 1), PortRef("s", 1)), Link(PortRef("b", 1), PortRef("s", 2)))
    hosts = {
        "dual": Host("dual", 0x020000000001, (PortRef("a", 11), PortRef("b", 11))),
        "trunk": Host("trunk", 0x020000000002, (PortRef("a", 12),), TRUNK),
    }
    return Topology("pair", switches, links, hosts, {"p": Pair("p", ("a", "b"), 3)})


def test_a_dual_homed_host_sends_by_its_first_live_port_and_hears_on_both() -> None:
    network = SimNetwork(_pair_topology())
    network.attach("dual", "dual", 0x020000000001, ipv4("10.0.0.1"), 24)
    frame = build.udp(eth_src=1, eth_dst=2, ipv4_src=1, ipv4_dst=2, udp_src=1, udp_dst=2)
    host = network.hosts["dual"]
    host.emit(frame, Journey())
    network.run(0.001)
    assert [network.switches[leaf].ports[11].rx_packets for leaf in "ab"] == [1, 0]
    network.cut(PortRef("a", 11))
    network.run(0.02)
    host.emit(frame, Journey())
    network.run(0.001)
    assert [network.switches[leaf].ports[11].rx_packets for leaf in "ab"] == [1, 1]
    network.cut(PortRef("b", 11))
    network.run(0.02)
    journey = Journey()
    host.emit(frame, journey)
    assert journey.why() == "no live port at dual"
    for leaf in "ab":
        network.restore(PortRef(leaf, 11))
    network.run(0.02)
    for leaf in "ab":
        network.transmit(PortRef(leaf, 11), frame)
    network.run(0.001)
    assert host.traffic.rx_packets == 2


def test_a_trunk_host_tags_what_it_sends_and_answers_in_the_same_vlan() -> None:
    network = SimNetwork(_pair_topology())
    network.attach("vm", "trunk", 0x020000000002, ipv4("10.0.0.2"), 24, vlan=7)
    seen: list[Packet] = []
    network.tap(PortRef("a", 12), lambda now, way, packet: seen.append(packet) if way == "in" else None)
    for vlan in (None, 8, 7):
        network.transmit(PortRef("a", 12), build.arp_request(5, ipv4("10.0.0.9"), ipv4("10.0.0.2"), vlan))
    network.run(0.001)
    assert [(p.headers()["eth_type"], p.vlans, p.headers()["arp_op"]) for p in seen] == [(ETH_ARP, (7,), 2)]


def test_a_host_cut_off_answers_nothing() -> None:
    network = flat(1, 1, 2)
    network.cut(PortRef("leaf1", 102))
    assert "the cable to it is dead at h1-2" in ping(network, "h1-1", "h1-2").why


# ---- flows and meters


def test_a_flow_counts_what_is_sent_received_and_lost() -> None:
    network = flat(2, 2, 1)
    result = flow(network, "h1-1", "h2-1", 500, 0.2, proto="tcp", port=80)
    assert (result.sent, result.received, result.lost, result.duplicates) == (100, 100, 0, 0)
    assert result.longest_gap == pytest.approx(2, abs=0.1)
    assert result.drops == {}


def test_a_frame_that_arrives_twice_is_a_duplicate() -> None:
    network = flat(1, 1, 2)
    mac = network.topology.hosts["h1-2"].mac
    network.switches["leaf1"].model.add(
        Rule(0, 999, Match.of(eth_dst=mac), Instructions(apply=(Output(102), Output(102))))
    )
    result = flow(network, "h1-1", "h1-2", 100, 0.1)
    assert (result.received, result.duplicates) == (10, 10)


def test_a_flow_that_sends_nothing_is_refused() -> None:
    network = flat(1, 1, 2)
    with pytest.raises(ValueError, match="sends nothing"):
        flow(network, "h1-1", "h1-2", 0, 1)


@pytest.mark.parametrize(("rate", "pps"), [(100, 1000), (500, 1000), (2000, 1000)])
def test_a_meter_lets_its_rate_pass(rate: int, pps: int) -> None:
    network = flat(1, 1, 2)
    leaf = network.switches["leaf1"]
    meter = Meter(1, (Band(rate),), packets=True)
    leaf.model.add_meter(meter)
    leaf.police[1] = Police(meter, network.clock.now)
    mac = network.topology.hosts["h1-2"].mac
    leaf.model.add(Rule(0, 999, Match.of(eth_dst=mac), Instructions(meter=1, apply=(Output(102),))))
    result = flow(network, "h1-1", "h1-2", pps, 2)
    assert result.received == pytest.approx(min(rate, pps) * 2, rel=0.03)
    assert leaf.police[1].packets == pps * 2
    assert leaf.police[1].band_counts()[0][0] == result.lost


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    police = Police(Meter(1, (Band(1000, 50),), packets=True), 0)
    later = 100 * SECOND
    assert [police.exceeded(100, later) is None for _ in range(60)] == [True] * 50 + [False] * 10


def test_the_exceeded_band_with_the_highest_rate_counts() -> None:
    police = Police(Meter(1, (Band(10, 1), Band(20, 2, 1)), packets=True), 0)
    found = [police.exceeded(100, 0) for _ in range(3)]
    assert found == [None, Band(10, 1), Band(20, 2, 1)]


# ---- what controllers hear


def test_a_table_miss_entry_sends_whole_frames_with_their_context() -> None:
    network, heard = flat(1, 1, 2), []
    leaf = network.switches["leaf1"]
    leaf.listeners.append(heard.append)
    leaf.model.add(
        Rule(0, 5000, Match.of(in_port=101), Instructions(metadata=(7, 0xFF), goto=1)),
    )
    leaf.model.add(Rule(1, 0, ANY, Instructions(apply=(Output(CONTROLLER, 64),)), cookie=99))
    frame = _udp(network, "h1-1", "h1-2")
    journey = network.inject(PortRef("leaf1", 101), frame)
    network.run(0.01)
    padded = frame.data.ljust(60, b"\0")
    assert heard == [PacketIn(Match.of(in_port=101, metadata=7), padded, 0xFFFFFFFF, len(padded), 0, 1, 99)]
    assert (journey.punts, journey.flying) == (1, 1)
    network.run(1)
    assert journey.flying == 0


def test_entries_die_of_their_timeouts_and_say_so_when_asked_to() -> None:
    network, heard = flat(1, 1, 2), []
    leaf = network.switches["leaf1"]
    leaf.listeners.append(heard.append)
    hit = Match.of(eth_dst=network.topology.hosts["h1-2"].mac)
    out = Instructions(apply=(Output(102),))
    for number, (idle, hard, flags) in enumerate([(3, 0, 1), (0, 10, 1), (2, 0, 0), (0, 0, 1)]):
        match = hit if number == 0 else Match.of(eth_dst=number)
        flow_mod(leaf, FlowMod(0, Rule(0, 5000, match, out, number, idle, hard, flags)))
    flow(network, "h1-1", "h1-2", 2, 5)
    network.run(20)
    told = [(m.cookie, m.reason, m.duration_sec, m.packet_count) for m in heard if isinstance(m, FlowRemoved)]
    assert [(cookie, reason, packets) for cookie, reason, _, packets in told] == [(0, 0, 10), (1, 1, 0)]
    assert 7 <= told[0][2] <= 9
    assert 10 <= told[1][2] <= 11
    kept = {rule.cookie for rule in leaf.model.rules() if rule.priority == 5000}
    assert kept == {3}


def test_generated_fabrics_are_quick_to_simulate() -> None:
    network = SimNetwork(clos(8, 200, hosts_per_leaf=4))
    assert len(network.switches) == 208
    network.run(1)
    assert network.seconds == 1
