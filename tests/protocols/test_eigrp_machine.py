"""Laws of the EIGRP machine: no loops, recovery from failures, feasible successors without queries, refusals."""

from __future__ import annotations

from random import Random

import networkx

from clos.fabric.protocols.eigrp import packet as wire
from clos.fabric.protocols.eigrp.config import Config, Interface, NeighborDown, NeighborUp, Refused, Send
from clos.fabric.protocols.eigrp.metric import Vector
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.eigrp.routes import Prefix
from tests.support import eigrp_networks
from tests.support.eigrp_sim import Net, configs
from tests.support.examples import EXAMPLES
from tests.support.mutation import mutated

GIGABIT = Vector(10**7, 10**6)
LATER = Vector(15 * 10**6, 10**6)
SLOW = Vector(10**9, 10**6)


def test_successors_never_form_a_loop_and_lead_the_shortest_way() -> None:
    for seed in range(max(10, EXAMPLES // 50)):
        rng = Random(seed)
        network = eigrp_networks.network(rng, plain=True)
        net = Net(configs(network), rng)
        net.start()
        net.run()
        assert_shortest(net, seed)


def test_a_failure_is_survived_and_a_repair_brings_the_same_table_back() -> None:
    for seed in range(max(5, EXAMPLES // 100)):
        rng = Random(seed)
        net = Net(configs(eigrp_networks.network(rng, plain=True)), rng)
        net.start()
        net.run()
        before = {name: dict(table) for name, table in net.tables.items()}
        name = rng.choice(sorted(net.routers))
        ports = [i.name for i in net.routers[name].config.interfaces if not i.passive]
        port = rng.choice(ports)
        net.do(name, net.routers[name].interface_down(port, net.now))
        net.run(until=net.now + 20_000)
        net.run()
        assert_shortest(net, seed)
        net.do(name, net.routers[name].interface_up(port, net.now))
        net.run(until=net.now + 20_000)
        net.run()
        assert {n: dict(t) for n, t in net.tables.items()} == before, seed


def test_a_feasible_successor_takes_over_without_a_query() -> None:
    """a reaches c's network directly, or over b, which reports less than a's own metric."""
    net = triangle(slow_direct=False)
    target = Prefix(0xAC100000, 24)
    assert [p.interface for p in net.tables["a"][target].paths] == ["to-c"]
    net.log.clear()
    net.do("a", net.routers["a"].interface_down("to-c", net.now))
    first = [e for _, name, e in net.log if name == "a" and isinstance(e, Send)]
    assert [p.interface for p in net.tables["a"][target].paths] == ["to-b"]
    assert not any(
        route.prefix == target for e in first if e.data[1] == wire.QUERY for route in wire.decode(e.data).routes
    )


def test_without_a_feasible_successor_neighbors_are_asked_first() -> None:
    """Over b it is far: b reports more than a has had, so it could lead back to a."""
    net = triangle(slow_direct=True)
    target = Prefix(0xAC100000, 24)
    net.log.clear()
    net.do("a", net.routers["a"].interface_down("to-c", net.now))
    assert target not in net.tables["a"]
    net.run()
    assert [p.interface for p in net.tables["a"][target].paths] == ["to-b"]
    assert net.sent(wire.QUERY) and net.sent(wire.REPLY)


def test_a_farewell_ends_the_adjacency_at_once() -> None:
    net = triangle(slow_direct=False)
    net.do("c", net.routers["c"].stop(net.now))
    net.run(until=net.now + 100)
    downs = [(name, e.reason) for _, name, e in net.log if isinstance(e, NeighborDown) and name != "c"]
    assert sorted(downs) == [("a", "peer terminated"), ("b", "peer terminated")]


def test_a_silent_neighbor_is_lost_after_its_hold_time_and_found_again() -> None:
    net = triangle(slow_direct=False)
    net.cut = {frozenset(("a", "b"))}
    net.run(until=net.now + 16_000)
    assert next(e.reason for _, name, e in net.log if isinstance(e, NeighborDown)) == "hold time expired"
    net.cut = set()
    net.run(until=net.now + 10_000)
    assert [n.up for n in net.routers["a"].neighbors.values()] == [True, True]


def test_a_refused_packet_changes_nothing() -> None:
    """Whatever is refused leaves entries, neighbors and deadlines as they were; nothing raises."""
    rng = Random(8)
    net = triangle(slow_direct=False)
    router = net.routers["a"]
    sources = [(s.interface, s.address) for s in router.neighbors]
    good = [e.data for _, name, e in net.log if isinstance(e, Send) and name != "a"]
    refused = 0
    for _ in range(EXAMPLES):
        interface, source = rng.choice(sources)
        before = state(router)
        data = mutated(rng, rng.choice(good))
        effects = router.receive(
            interface, source, data if rng.random() < 0.5 else wire.sealed(data + b"\0" * 5), net.now
        )
        refusals = [e for e in effects if isinstance(e, Refused) and "weights" not in e.reason]
        if refusals and len(effects) == 1:  # a good hello with other weights ends what there was with its sender
            refused += 1
            assert state(router) == before
    assert refused


def test_a_neighbor_with_other_weights_or_another_number_is_none() -> None:
    router = Router(Config(1, 1, (port("x", 0x0A000001),)))
    router.start(0)
    hello = wire.Packet(wire.HELLO, 1, parameters=wire.Parameters(wire.KValues(1, 1, 1), 15))
    assert any(isinstance(e, Refused) for e in router.receive("x", 0x0A000002, wire.encode(hello), 1))
    other = wire.Packet(wire.HELLO, 2, parameters=wire.Parameters(wire.KValues(), 15))
    assert any(isinstance(e, Refused) for e in router.receive("x", 0x0A000002, wire.encode(other), 1))
    away = wire.Packet(wire.HELLO, 1, parameters=wire.Parameters(wire.KValues(), 15))
    assert any(isinstance(e, Refused) for e in router.receive("x", 0x0B000002, wire.encode(away), 1))
    assert router.neighbors == {}


def test_who_owes_a_reply_for_too_long_is_given_up() -> None:
    """b takes queries and acknowledges them, but never replies: after half the active time it is asked, then lost."""
    net = triangle(slow_direct=True)
    net.run(until=net.now + 100)
    silent = net.routers["b"]
    silent._use = lambda *_: None  # type: ignore[method-assign]
    net.do("a", net.routers["a"].interface_down("to-c", net.now))
    net.run(until=net.now + 400_000)
    reasons = [e.reason for _, name, e in net.log if isinstance(e, NeighborDown) and name == "a"]
    assert "stuck in active" in reasons
    assert net.sent(wire.SIA_QUERY)


def triangle(slow_direct: bool) -> Net:
    """a, b and c with a link each; c has 172.16.0.0/24. ``slow_direct``: from b to c it is far."""
    far = SLOW if slow_direct else GIGABIT
    net = Net(
        {
            "a": Config(1, 1, (port("to-b", 0x0A000001), port("to-c", 0x0A000101, LATER))),
            "b": Config(1, 2, (port("to-a", 0x0A000002), port("to-c", 0x0A000202, far))),
            "c": Config(
                1,
                3,
                (
                    port("to-a", 0x0A000103),
                    port("to-b", 0x0A000203),
                    Interface("lo", 0xAC100001, (Prefix(0xAC100000, 24),), SLOW, passive=True),
                ),
            ),
        },
        Random(1),
    )
    net.start()
    net.run()
    assert sum(isinstance(e, NeighborUp) for _, _, e in net.log) == 6
    return net


def port(name: str, address: int, link: Vector = GIGABIT) -> Interface:
    return Interface(name, address, (Prefix(address & ~0xFF, 24),), link)


def state(router: Router) -> object:
    entries = {
        p: (dict(e.paths), e.successors, e.feasible_distance, e.origin) for p, e in router.topology.entries.items()
    }
    neighbors = {s: (n.up, n.received, n.deadline, tuple(n.waiting)) for s, n in router.neighbors.items()}
    return entries, neighbors


def assert_shortest(net: Net, seed: int) -> None:
    """Every table leads the shortest way by delay, and following it never returns."""
    owners = {i.address: name for name, r in net.routers.items() for i in r.config.interfaces}
    graph = networkx.DiGraph()
    for name, router in net.routers.items():
        for source, neighbor in router.neighbors.items():
            if neighbor.up:
                link = next(i.link for i in router.config.interfaces if i.name == source.interface)
                weight = link.delay_ps
                known = graph.get_edge_data(name, owners[source.address], {"weight": weight})["weight"]
                graph.add_edge(name, owners[source.address], weight=min(weight, known))
    for name, router in net.routers.items():
        graph.add_node(name)
        for interface in router.config.interfaces:
            if interface.name.startswith("Loopback"):
                reach = networkx.single_source_dijkstra_path_length(graph.reverse(), name)
                for other, length in reach.items():
                    if other != name:
                        route = net.tables[other][interface.prefixes[0]]
                        delay = (length + interface.link.delay_ps) * 256 // 10**7
                        if not router.config.composite.wide:
                            assert route.paths[0].metric == 2560 + delay, (seed, name, other)
                        nexts = {owners[p.next_hop] for p in route.paths}
                        assert all(n not in reach or reach[n] < length for n in nexts), (seed, name, other)


def test_an_init_that_acknowledges_ours_completes_the_adjacency_and_is_no_restart() -> None:
    """As FRR does it: our first INIT crosses its own, and it begins again when ours comes once more."""
    link = Vector(10**7, 1_000_000, 1500)
    ours, theirs = 0x0A000001, 0x0A000002
    router = Router(Config(1, ours, (Interface("x", ours, (Prefix(0x0A000000, 24),), link),)))
    hello = wire.Packet(wire.HELLO, 1, parameters=wire.Parameters(router.config.composite.k, 15))
    router.start(0)
    router.receive("x", theirs, wire.encode(hello), 1)
    router.receive("x", theirs, wire.encode(wire.Packet(wire.UPDATE, 1, wire.INIT, 1)), 2)
    again = wire.Packet(wire.UPDATE, 1, wire.INIT, 2, acknowledge=1)
    effects = router.receive("x", theirs, wire.encode(again), 3)
    assert any(isinstance(e, NeighborUp) for e in effects) and not any(isinstance(e, NeighborDown) for e in effects)
    later = wire.Packet(wire.UPDATE, 1, wire.INIT, 3)
    assert any(isinstance(e, NeighborDown) for e in router.receive("x", theirs, wire.encode(later), 4))
