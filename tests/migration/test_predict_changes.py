"""What changes do to a network of three switches: whose root port moves, for how long, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from clos.controller.migrate.model import (
    ACCESS,
    IEEE,
    MST,
    RAPID_PVST,
    TRUNK,
    Cable,
    Device,
    Interface,
    Network,
    State,
    StpConfig,
    StpPort,
    StpPortConfig,
    StpTree,
)
from clos.controller.migrate.predict.spanning_tree import predict
from clos.controller.migrate.predict.stp_changes import BadChange, changed
from clos.controller.migrate.predict.stp_moves import Move, moves, new_loops
from tests.support.legacy_networks import machines

ONE, TWO, THREE = "GigabitEthernet0/1", "GigabitEthernet0/2", "GigabitEthernet0/3"


def device(number: int, priority: int, **stp: object) -> Device:
    ports = [Interface(name, mode=TRUNK, speed_mbps=1000) for name in (ONE, TWO)]
    ports += [Interface(THREE, mode=ACCESS, access_vlan=10, speed_mbps=1000)]
    config = StpConfig(priorities={10: priority}, **stp)  # type: ignore[arg-type]
    vlans = {1: "default", 10: "hosts"}
    return Device(f"s{number}", interfaces={p.name: p for p in ports}, vlans=vlans, stp=config, base_mac=number)


def triangle(**stp: object) -> Network:
    """s1 is the root of VLAN 10; s3 blocks its port 2, which leads to s2."""
    devices = [device(1, 4096, **stp), device(2, 8192, **stp), device(3, 32768, **stp)]
    cables = (Cable(("s1", ONE), ("s2", ONE)), Cable(("s1", TWO), ("s3", ONE)), Cable(("s2", TWO), ("s3", TWO)))
    return Network({d.name: d for d in devices}, cables)


def moved(network: Network, *changes: str) -> tuple[Move, ...]:
    after = network
    for text in changes:
        after = changed(after, text)
    return moves(network, predict(network, [10]), predict(after, [10]))


def test_the_triangle_blocks_one_port() -> None:
    tree = predict(triangle())[10]
    assert (tree.roots, tree.blocked, tree.root_port("s3")) == (("s1",), (("s3", TWO),), ONE)


def test_a_root_port_that_moves_to_a_blocked_port_costs_30_seconds_or_a_hello_time() -> None:
    for network, seconds in ((triangle(), 30), (triangle(mode=RAPID_PVST), 2)):
        assert moved(network, "s1 Gi0/2: shutdown") == (Move(10, "s3", ONE, TWO, seconds, True),)
        assert moved(network, "s3 Gi0/1: spanning-tree vlan 10 cost 100") == (Move(10, "s3", ONE, TWO, seconds, True),)


def test_a_root_port_that_forwards_already_costs_nothing() -> None:
    """s2 becomes the root: its port to s1 and s1's to it forward before and after."""
    found = moved(triangle(), "s2: spanning-tree vlan 10 priority 0")
    assert Move(10, "s1", None, ONE, 0, True) in found
    assert Move(10, "s2", ONE, None, 0, True) in found
    assert Move(10, "s3", ONE, TWO, 30, True) in found


def test_a_switch_that_loses_every_way_to_its_root_says_so() -> None:
    assert moved(triangle(), "s3 Gi0/2: shutdown", "s3 Gi0/1: shutdown") == (Move(10, "s3", ONE, None, None, True),)


def test_a_path_nobody_uses_is_not_live() -> None:
    network = triangle()
    idle = changed(network, "s3 Gi0/3: shutdown")
    assert moves(idle, predict(idle, [10]), predict(changed(idle, "s3 Gi0/1: shutdown"), [10])) == (
        Move(10, "s3", ONE, TWO, 30, False),
    )


@pytest.mark.parametrize(
    "text",
    [
        "s3 Gi0/3: spanning-tree vlan 10 cost 7",
        "s3: spanning-tree vlan 1-9,11 priority 0",
        "s3 Gi0/2: spanning-tree cost 1000",
        "s2 GigabitEthernet 0/2: spanning-tree port-priority 64",
        "s1 Gi0/1: switchport trunk allowed vlan add 20",
    ],
)
def test_what_touches_no_way_in_use_moves_nothing(text: str) -> None:
    assert moved(triangle(), text) == ()


def test_a_vlan_taken_from_a_trunk_and_a_new_cable_move_root_ports() -> None:
    network = triangle()
    assert moved(network, "s1 Gi0/2: switchport trunk allowed vlan remove 10") == (Move(10, "s3", ONE, TWO, 30, True),)
    without = changed(network, "s1 Gi0/2: shutdown")
    bare = replace(network, cables=network.cables[:1] + network.cables[2:])
    assert predict(without)[10].layout.paths == predict(bare)[10].layout.paths
    back = changed(bare, "cable s1 Gi0/2 - s3 Gi0/1")
    assert predict(back)[10] == predict(network)[10]


def test_a_filter_on_a_blocked_cable_makes_a_loop_that_is_named() -> None:
    network = triangle()
    port = replace(network.devices["s3"].interfaces[TWO], stp=StpPortConfig(bpdu_filter=True))
    s3 = replace(network.devices["s3"], interfaces={**network.devices["s3"].interfaces, TWO: port})
    filtered = replace(network, devices={**network.devices, "s3": s3})
    assert new_loops(predict(network), predict(filtered)) == (1, 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s9: spanning-tree vlan 10 priority 0", "no device 's9'; there are s1, s2, s3"),
        ("s1 Gi0/9: shutdown", "s1 has no interface 'GigabitEthernet0/9'"),
        ("s1: spanning-tree vlan 10 priority 100", "multiples of 4096"),
        ("s1: spanning-tree vlan 10-5 priority 0", "'10-5' is no list of VLANs"),
        ("s1: spanning-tree vlan 4095 priority 0", "'4095' is no list of VLANs"),
        ("s1 Gi0/1: spanning-tree cost 0", "costs are from 1"),
        ("s1 Gi0/1: spanning-tree port-priority 7", "multiples of 16"),
        ("s1 Gi0/3: switchport trunk allowed vlan 10", "s1 GigabitEthernet0/3 is no trunk"),
        ("s1 Gi0/1: ip address 10.0.0.1 255.0.0.0", "nothing that is predicted of a port"),
        ("s1: reload", "nothing that is predicted of a device"),
        ("cable s1 Gi0/1 - s3 Gi0/3", "s1 GigabitEthernet0/1 has a cable already"),
        ("cable s1 Gi0/3 - s1 Gi0/3", "both ends of the cable"),
        ("", "is none of"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(BadChange, match=re.escape(words)):
        changed(triangle(), text)


def _with(network: Network, name: str, **values: object) -> Network:
    new = replace(network.devices[name], **values)  # type: ignore[arg-type]
    return replace(network, devices={**network.devices, name: new})


def test_nothing_is_said_where_something_is_open_and_the_reason_is() -> None:
    network = triangle()
    same = _with(_with(network, "s1", base_mac=None), "s2", stp=StpConfig(priorities={10: 4096}))
    stranger = StpTree(10, "ieee", 10, 1, 32778, 3, 4, THREE, (StpPort(THREE, "root", "forwarding", 4, 128, 3),))
    dynamic = replace(network.devices["s3"].interfaces[ONE], mode="dynamic")
    ports = {**network.devices["s3"].interfaces, ONE: dynamic}
    slow = replace(network.devices["s3"].interfaces[ONE], speed_mbps=777)
    for open_one, words in (
        (same, "s1 has a priority that others have too, and its address is unknown"),
        (_with(network, "s3", state=State(trees=(stranger,))), "hears a bridge that is not in the network"),
        (_with(network, "s3", interfaces=ports), "DTP decides what s3 GigabitEthernet0/1 is"),
        (_with(network, "s3", interfaces={**ports, ONE: slow}), "the cost of s3 GigabitEthernet0/1 is unknown"),
        (_with(network, "s3", stp=StpConfig(mode=IEEE)), "s3 has one tree for all VLANs, and several cables"),
        (_with(network, "s3", stp=StpConfig(mode=MST)), "s3 runs MST and is not the best bridge"),
    ):
        tree = predict(open_one)[10]
        assert [text for text in tree.unknown if words in text], (words, tree.unknown)
        assert tree.layout.ports == {}


def test_an_ieee_bridge_is_in_the_tree_of_vlan_1() -> None:
    network = _with(triangle(), "s3", stp=StpConfig(mode=IEEE, priorities={0: 0}))
    assert predict(network)[1].roots == ("s3",)


def test_an_mst_bridge_better_than_all_is_the_root_of_all() -> None:
    network = _with(triangle(), "s3", stp=StpConfig(mode=MST, priorities={0: 0}))
    assert {tree.roots for tree in predict(network).values()} == {("s3",)}


def test_a_port_number_nobody_knows_is_named_where_it_decides() -> None:
    """Two equal cables: the lesser number at the root's end wins. Known numbers are used instead of assumed ones."""
    network = replace(triangle(), cables=(Cable(("s1", ONE), ("s2", ONE)), Cable(("s1", TWO), ("s2", TWO))))
    tree = predict(network)[10]
    assert tree.root_port("s2") == ONE
    assert "the number of s1 GigabitEthernet0/1 is taken from the order of names" in tree.layout.assumed
    rows = (StpPort(ONE, "designated", "forwarding", 4, 128, 9), StpPort(TWO, "designated", "forwarding", 4, 128, 2))
    known = _with(network, "s1", state=State(trees=(StpTree(10, "ieee", 4106, 1, 4106, 1, ports=rows),)))
    assert predict(known)[10].root_port("s2") == TWO


def test_after_a_change_the_machines_agree_too() -> None:
    for text in (
        "s1 Gi0/2: shutdown",
        "s3 Gi0/1: spanning-tree vlan 10 cost 100",
        "s2: spanning-tree vlan 10 priority 0",
    ):
        after = changed(triangle(), text)
        if "shutdown" in text:  # the machines know no ports that are down
            after = replace(after, cables=after.cables[:1] + after.cables[2:])
        run, numbers = machines(after)
        run.start()
        run.settle(24)
        roots = {name: switch.machines[10].root_port for name, switch in run.switches.items()}
        tree = predict(after)[10]
        assert roots == {name: numbers.get((name, tree.root_port(name) or "")) for name in roots}, text
