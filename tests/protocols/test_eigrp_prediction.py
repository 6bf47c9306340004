"""Predicted routes, metrics, successors and feasible successors are what the machines converge to, and the reverse."""

from __future__ import annotations

from random import Random

from clos.controller.migrate.model import Network
from clos.controller.migrate.predict.eigrp import EigrpPrediction, predict_eigrp
from clos.fabric.protocols.eigrp.dual import Entry, Source
from tests.support import eigrp_networks
from tests.support.eigrp_sim import Net, configs, prefix
from tests.support.examples import EXAMPLES

NETWORKS = max(20, EXAMPLES // 10)


def test_prediction_is_what_the_machines_converge_to() -> None:
    """2,000 networks with CLOS_EXAMPLES=20000."""
    compared = feasible = 0
    for seed in range(NETWORKS):
        rng = Random(seed)
        network = eigrp_networks.network(rng)
        net = Net(configs(network), rng, loss=rng.choice((0.0, 0.0, 0.05)))
        net.start()
        net.run()
        more, able = compare(seed, net, predict_eigrp(network))
        compared, feasible = compared + more, feasible + able
    assert compared > 20 * NETWORKS
    assert feasible > NETWORKS


def compare(seed: int, net: Net, predicted: EigrpPrediction) -> tuple[int, int]:
    """Both have the same entries and routes; how many entries and feasible successors there were."""
    assert not predicted.problems, (seed, predicted.problems)
    wanted = {(e.key.device, prefix(e.prefix)): e for e in predicted.entries}
    seen = {(name, p): e for name, r in net.routers.items() for p, e in r.topology.entries.items()}
    assert seen.keys() == wanted.keys(), (seed, seen.keys() ^ wanted.keys())
    able = 0
    for at, entry in seen.items():
        expected = wanted[at]
        best = entry.best
        assert best is not None
        assert net.routers[at[0]].config.composite.metric(best.vector) == expected.distance, (seed, at)
        # A least metric ever that is lower than today's leaves fewer ways feasible than in a network just started.
        ever = entry.feasible_distance % (1 << 80)
        left = tuple(p for p in expected.successors if p.via is None or p.reported < ever)
        assert _sources(entry, entry.successors) == _paths(left), (seed, at)
        if entry.feasible_distance == best.cost:
            assert _sources(entry, entry.feasible_successors()) == _paths(expected.feasible), (seed, at)
            able += len(expected.feasible)
    routes = {(r.device, prefix(r.prefix)): r for r in predicted.routes}
    tables = {(name, p): t for name, table in net.tables.items() for p, t in table.items()}
    assert tables.keys() == routes.keys(), (seed, tables.keys() ^ routes.keys())
    for at, table in tables.items():
        ways = {(w.next_hop, w.interface, w.metric) for w in table.paths}
        expected_ways = {(int(via or 0), i, m) for via, i, m in routes[at].paths}
        best = seen[at].best
        # Where the least metric ever had is lower than today's, variance finds fewer feasible ways than predicted.
        assert ways == expected_ways or best is None or seen[at].feasible_distance < best.cost, (seed, at)
        assert table.external == (routes[at].code == "D EX")
    return len(seen), able


def _sources(entry: Entry, of: tuple[Source, ...]) -> set[tuple[int, str, int]]:
    return {(s.address, s.interface if s.address else "", entry.paths[s].cost % (1 << 80)) for s in of}


def _paths(of: tuple[object, ...]) -> set[tuple[int, str, int]]:
    return {(int(p.via or 0), p.interface if p.via else "", p.distance) for p in of}  # type: ignore[attr-defined]


def test_nothing_is_predicted_of_a_network_without_eigrp() -> None:
    assert predict_eigrp(Network({})) == EigrpPrediction((), (), (), ())
