"""Laws of the PVST+ machines, run on cables in virtual time: one root, no loop, roles as the vectors say, guards."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import networkx as nx
import pytest

from clos.fabric.protocols.pvst.frame import StpFrame
from clos.fabric.protocols.pvst.packet import CONFIGURATION, Bpdu
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import Disable, PvstSwitch, SwitchPort
from clos.fabric.protocols.pvst.vector import Times, Vector
from tests.support.examples import EXAMPLES
from tests.support.stp_network import SHORT_TIMES, Cable, StpNetwork

QUIET = 20.0
"""Seconds after which nothing comes any more with SHORT_TIMES: max age, two forward delays, hellos."""
RING = ((("a", 1), ("b", 1)), (("b", 2), ("c", 1)), (("c", 2), ("a", 2)))
"""With equal costs and a the root, c blocks port 1."""


def switch(
    number: int, *, rapid: bool, priority: int = 32768, changes: dict[int, dict[str, object]] | None = None
) -> PvstSwitch:
    """A switch with three trunk ports in VLAN 10; port 3 leads to nobody. ``changes``: of single ports."""
    ports = []
    for port in (1, 2, 3):
        mine = dict((changes or {}).get(port, {}))
        outer = {key: mine.pop(key) for key in ("trunk", "native", "bpdu_guard", "bpdu_filter") if key in mine}
        config = PortConfig(port, 4)._replace(**mine)  # type: ignore[arg-type]
        ports.append(SwitchPort(port, {10: config})._replace(**outer))  # type: ignore[arg-type]
    return PvstSwitch(number, {10: priority}, ports, rapid=rapid, times=SHORT_TIMES)


def ring(rapid: bool, **changes: dict[int, dict[str, object]]) -> StpNetwork:
    names = enumerate("abc", 1)
    return StpNetwork({name: switch(n, rapid=rapid, changes=changes.get(name)) for n, name in names}, RING)


def settled(network: StpNetwork) -> StpNetwork:
    network.start()
    network.settle(QUIET)
    return network


def shown(network: StpNetwork, name: str, port: int) -> tuple[str, str, str | None]:
    turn = network.vlan(10)[name, port]
    return turn.role, turn.state, turn.inconsistent


def forwarding(network: StpNetwork, cables: Iterable[Cable], vlan: int) -> nx.MultiGraph[str]:
    """The cables over which frames of the VLAN pass in both directions."""
    turns = network.vlan(vlan)
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_nodes_from(network.switches)
    for a, b in cables:
        if a in turns and b in turns and turns[a].state == turns[b].state == "forwarding":
            graph.add_edge(a[0], b[0])
    return graph


@pytest.mark.parametrize("rapid", [False, True])
def test_any_network_converges_to_one_root_and_a_tree_that_spans_it(rapid: bool) -> None:
    for seed in range(max(5, EXAMPLES // 10)):
        random = Random(seed)
        size = random.randint(2, 6)
        cables = _cables(random, size)
        graph = nx.MultiGraph((a[0], b[0]) for a, b in cables)
        switches = {f"s{n}": _random_switch(random, n, cables, rapid) for n in range(size)}
        network = settled(StpNetwork(switches, cables))
        roots = {machine.machines[1].root_vector.root for machine in network.switches.values()}
        tree = forwarding(network, cables, 1)
        assert len(roots) == 1, seed
        assert nx.number_of_edges(tree) == size - 1 and nx.is_connected(tree), seed
        assert set(graph) == set(network.switches), seed


def _cables(random: Random, size: int) -> list[Cable]:
    """A connected graph with cables beside one another, numbered in the order they are plugged in."""
    pairs = [(n, random.randrange(n)) for n in range(1, size)]
    pairs += [(n, m) for n, m in (random.sample(range(size), 2) for _ in range(random.randint(0, 5)))]
    used = [0] * size
    found: list[Cable] = []
    for n, m in pairs:
        used[n], used[m] = used[n] + 1, used[m] + 1
        found.append(((f"s{n}", used[n]), (f"s{m}", used[m])))
    return found


def _random_switch(random: Random, number: int, cables: list[Cable], rapid: bool) -> PvstSwitch:
    ports = [port for cable in cables for name, port in cable if name == f"s{number}"]
    configs = [PortConfig(port, random.choice((4, 4, 19, 7)), random.choice((128, 128, 64))) for port in ports]
    own = [SwitchPort(config.number, {1: config}) for config in configs]
    return PvstSwitch(
        random.getrandbits(40), {1: random.choice((32768, 32768, 4096))}, own, rapid=rapid, times=SHORT_TIMES
    )


@pytest.mark.parametrize(("rapid", "after"), [(False, 30), (True, 4)])
def test_a_port_forwards_after_two_forward_delays_or_two_hellos_where_no_neighbour_agrees(
    rapid: bool, after: float
) -> None:
    alone = PvstSwitch(1, {10: 0}, [SwitchPort(1, {10: PortConfig(1, 4)})], rapid=rapid)
    network = StpNetwork({"a": alone}, [])
    network.start()
    network.run(after - 0.1)
    assert network.vlan(10)["a", 1].state == "learning"
    network.run(after)
    assert network.vlan(10)["a", 1].state == "forwarding"


def test_a_rapid_ring_heals_at_once_and_a_classic_one_after_two_forward_delays() -> None:
    for rapid, least, most in ((True, 0.0, 0.1), (False, 8.0, 8.1)):
        network = settled(ring(rapid))
        assert shown(network, "c", 1) == ("alternate", "blocking", None)
        cut = network.now
        network.cut(("c", 2))
        network.settle(QUIET)
        assert shown(network, "c", 1) == ("root", "forwarding", None)
        assert least <= network.changed - cut <= most


def test_a_classic_bridge_believes_a_silent_root_for_a_max_age() -> None:
    """a-b fails; b is root to itself. c waits until b's old word, a second old and 0-2 s ago, is a max age old."""
    network = settled(ring(False))
    cut = network.now
    network.cut(("a", 1))
    network.settle(QUIET)
    assert shown(network, "c", 1) == ("designated", "forwarding", None)
    assert 5 - 2 + 8 <= network.changed - cut <= 5 + 8 + 0.1


def test_rapid_and_classic_bridges_make_one_tree() -> None:
    network = ring(True)
    network.switches["b"] = switch(2, rapid=False)
    settled(network)
    assert [shown(network, *end)[0] for end in (("b", 1), ("c", 2), ("c", 1))] == ["root", "root", "alternate"]


def test_portfast_forwards_at_once_and_is_lost_to_a_bpdu() -> None:
    network = ring(False, a={3: {"edge": True}})
    network.start()
    assert shown(network, "a", 3) == ("designated", "forwarding", None)
    sent = StpFrame(9, Bpdu(CONFIGURATION, Vector(2**63, 0, 2**63, 9), Times()), 10, 10)
    network.switches["a"].receive(3, sent, 1.0)
    assert not network.switches["a"].machines[10].ports[3].edge


def test_bpdu_guard_takes_the_port_down_and_keeps_it_down() -> None:
    network = settled(ring(True, c={1: {"bpdu_guard": True}}))
    assert shown(network, "c", 1)[0] == shown(network, "b", 2)[0] == "disabled"
    assert network.switches["c"].link_up(1, network.now) == ()


def test_bpdu_filter_neither_sends_nor_reads_and_so_makes_a_loop() -> None:
    network = settled(ring(True, c={1: {"bpdu_filter": True}}))
    assert shown(network, "c", 1) == shown(network, "b", 2) == ("designated", "forwarding", None)
    assert len(nx.cycle_basis(nx.Graph(forwarding(network, RING, 10)))) == 1


@pytest.mark.parametrize("rapid", [False, True])
def test_root_guard_blocks_a_port_that_hears_of_a_better_root_and_lets_it_go_afterwards(rapid: bool) -> None:
    network = ring(rapid, a={2: {"guard": "root"}})
    network.switches["c"] = switch(3, rapid=rapid, priority=0)
    settled(network)
    assert shown(network, "a", 2) == ("designated", "broken", "Root_Inc")
    assert shown(network, "a", 1)[0] == "root"
    network.cut(("c", 1))
    network.settle(QUIET)
    assert shown(network, "a", 2) == ("designated", "broken", "Root_Inc")


@pytest.mark.parametrize("rapid", [False, True])
def test_loop_guard_blocks_a_port_whose_neighbour_falls_silent_until_it_speaks_again(rapid: bool) -> None:
    network = settled(ring(rapid, c={1: {"guard": "loop"}}))
    silenced = network.peer.pop(("b", 2))
    network.settle(QUIET)
    assert shown(network, "c", 1) == ("designated", "broken", "Loop_Inc")
    network.peer["b", 2] = silenced
    network.settle(QUIET)
    assert shown(network, "c", 1) == ("alternate", "blocking", None)


@pytest.mark.parametrize("rapid", [False, True])
def test_without_loop_guard_the_same_silence_makes_a_loop_of_classic_bridges_and_a_dispute_of_rapid_ones(
    rapid: bool,
) -> None:
    network = settled(ring(rapid))
    del network.peer["b", 2]
    network.run(network.now + 40)
    assert shown(network, "c", 1) == ("designated", "forwarding", None)
    assert (shown(network, "b", 2)[1] == "forwarding") is not rapid


@pytest.mark.parametrize("rapid", [False, True])
def test_two_native_vlans_on_a_cable_block_both_vlans_there_and_nothing_else(rapid: bool) -> None:
    trees = {vlan: PortConfig(1, 4) for vlan in (1, 10, 20)}
    priorities = dict.fromkeys(trees, 32768)
    ends = {
        name: PvstSwitch(n, priorities, [SwitchPort(1, trees, native=native)], rapid=rapid, times=SHORT_TIMES)
        for n, name, native in ((1, "a", 10), (2, "b", 20))
    }
    network = settled(StpNetwork(ends, [(("a", 1), ("b", 1))]))
    for vlan, expected in ((1, None), (10, "PVID_Inc"), (20, "PVID_Inc")):
        assert {turn.inconsistent for turn in network.vlan(vlan).values()} == {expected}
    assert {turn.state for turn in network.vlan(1).values()} == {"forwarding"}
    assert {turn.state for turn in network.vlan(20).values()} == {"broken"}


@pytest.mark.parametrize("rapid", [False, True])
def test_a_topology_change_at_one_end_flushes_addresses_at_the_other(rapid: bool) -> None:
    network = settled(ring(rapid))
    network.flushed.clear()
    network.cut(("c", 2))
    network.settle(QUIET)
    assert {name for name, _, _ in network.flushed} >= {"a", "b"}


def test_a_guarded_port_says_that_it_goes_down() -> None:
    guarded = switch(1, rapid=True, changes={1: {"bpdu_guard": True}})
    guarded.link_up(1, 0.0)
    sent = StpFrame(9, Bpdu(CONFIGURATION, Vector(2**63, 0, 2**63, 9), Times()), 10, 10)
    assert Disable(1) in guarded.receive(1, sent, 1.0)
