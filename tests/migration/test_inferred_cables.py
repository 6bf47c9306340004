"""Cables that nobody names are inferred from trees and MAC tables; what is inferred is there, and is marked."""

from __future__ import annotations

from dataclasses import replace

from clos.controller.migrate.inferred import inferred
from clos.controller.migrate.model import Cable, Device, Interface, MacEntry, Network, State, StpPort, StpTree
from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.examples import EXAMPLES
from tests.support.legacy_networks import random_network
from tests.support.legacy_shown import shown

A, B = 0x0000AA000001, 0x0000AA000002


def _carried(network: Network, end: tuple[str, str]) -> tuple[str, str]:
    channel = network.devices[end[0]].interfaces[end[1]].channel
    return end if channel is None else (end[0], f"Port-channel{channel}")


def test_every_inferred_cable_is_there():
    many = 0
    for seed in range(max(100, EXAMPLES)):
        network = random_network(seed)
        trees = predict(network)
        there = {Cable(*sorted(_carried(network, end) for end in cable)) for cable in network.cables}
        devices = {name: shown(network, trees, device) for name, device in network.devices.items()}
        found = inferred(Network(devices), ())
        many += len(found)
        assert {one.cable for one in found} <= there, seed
    assert many > 30


def _pair(ports: int, heard: bool) -> Network:
    """Two switches; ``a`` is the root and designates so many ports, ``b`` has its root port Gi0/9 there."""
    names = [f"GigabitEthernet0/{n + 1}" for n in range(ports)]
    shown = tuple(StpPort(name, "designated", "forwarding", 4, 128, n) for n, name in enumerate(names, 1))
    root = StpTree(10, "ieee", 4106, A, 4106, A, ports=shown)
    up = StpPort("GigabitEthernet0/9", "root", "forwarding", 4, 128, 9)
    leaf = StpTree(10, "ieee", 4106, A, 32778, B, 4, up.name, (up,))
    macs = (MacEntry(10, B, "dynamic", (names[-1],)),) if heard else ()
    return Network(
        {
            "a": Device("a", interfaces={n: Interface(n) for n in names}, state=State(trees=(root,), macs=macs)),
            "b": Device("b", interfaces={up.name: Interface(up.name)}, state=State(trees=(leaf,))),
        }
    )


def test_the_only_port_that_fits_is_the_other_end():
    (found,) = inferred(_pair(1, heard=False), ())
    assert found.cable == Cable(("a", "GigabitEthernet0/1"), ("b", "GigabitEthernet0/9"))
    assert "VLAN 10" in found.reason


def test_of_several_ports_that_fit_the_one_that_heard_us_is_the_other_end():
    assert inferred(_pair(3, heard=False), ()) == ()
    (found,) = inferred(_pair(3, heard=True), ())
    assert found.cable.a == ("a", "GigabitEthernet0/3")


def test_a_port_in_a_known_cable_is_no_other_end():
    assert inferred(_pair(1, heard=True), [("a", "GigabitEthernet0/1")]) == ()
    assert inferred(_pair(1, heard=True), [("b", "GigabitEthernet0/9")]) == ()


def test_a_bridge_that_may_stand_between_leaves_nothing_to_infer():
    network = _pair(1, heard=True)
    (tree,) = network.devices["b"].state.trees or ()
    far = replace(network.devices["b"], state=State(trees=(replace(tree, root_cost=8),)))
    assert inferred(Network({**network.devices, "b": far}), ()) == ()
