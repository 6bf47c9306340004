"""Spanning trees of the legacy bank, as its devices show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clos.controller.migrate.discover.files import load
from clos.fabric.sim.legacy.configure import Context
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.session import Session
from clos.fabric.sim.legacy.state import StpPort, StpTree

UP1, UP2 = "TenGigabitEthernet1/1/1", "TenGigabitEthernet1/1/2"
COMMANDS = (
    "show version", "show vlan", "show vtp status", "show interfaces status", "show interfaces trunk",
    "show interfaces switchport", "show etherchannel summary", "show access-lists", "show cdp neighbors detail",
    "show lldp neighbors detail", "show running-config", "show spanning-tree",
)  # fmt: skip


@pytest.fixture
def settled(bank: LegacyNetwork) -> LegacyNetwork:
    bank.settle()
    return bank


def tree(network: LegacyNetwork, device: str, vlan: int) -> StpTree:
    return next(tree for tree in network.devices[device].machines.trees() or () if tree.vlan == vlan)


def port(network: LegacyNetwork, device: str, vlan: int, name: str) -> StpPort:
    return next(one for one in tree(network, device, vlan).ports if one.name == name)


def configured(network: LegacyNetwork, device: str, *lines: str) -> None:
    stack: tuple[Context, ...] = (Context(),)
    for line in lines:
        outcome = network.devices[device].configured(stack, line, "test")
        assert not outcome.refused, outcome
        stack = outcome.stack


def test_the_roots_are_split_and_every_access_switch_blocks_one_uplink(settled: LegacyNetwork) -> None:
    for vlan in range(10, 110, 10):
        root = "dist1" if vlan // 10 % 2 else "dist2"
        assert tree(settled, root, vlan).root_port is None
        for device in ("acc1", "acc2", "acc4", "acc5", "acc6"):
            mine = tree(settled, device, vlan)
            assert mine.root == tree(settled, root, vlan).bridge
            states = [port(settled, device, vlan, name).state for name in (UP1, UP2)]
            assert states == (["forwarding", "blocking"] if root == "dist1" else ["blocking", "forwarding"])


def _cut(network: LegacyNetwork) -> None:
    network.cut("acc1", UP1)


def _shut_far(network: LegacyNetwork) -> None:
    configured(network, "dist1", "interface Te1/5", "shutdown")


def _raise_cost(network: LegacyNetwork) -> None:
    configured(network, "acc1", f"interface {UP1}", "spanning-tree vlan 10 cost 100")


@pytest.mark.parametrize("change", [_cut, _shut_far, _raise_cost])
def test_the_other_uplink_takes_over(settled: LegacyNetwork, change: Callable[[LegacyNetwork], None]) -> None:
    change(settled)
    settled.settle()
    assert tree(settled, "acc1", 10).root_port == UP2
    assert port(settled, "acc1", 10, UP2).state == "forwarding"


def test_a_change_of_one_vlan_leaves_the_other_trees_alone(settled: LegacyNetwork) -> None:
    before = {vlan: tree(settled, "acc1", vlan) for vlan in (20, 30)}
    configured(settled, "acc1", f"interface {UP1}", "spanning-tree vlan 10 cost 100")
    configured(settled, "acc1", "spanning-tree vlan 10 priority 61440")
    assert {vlan: tree(settled, "acc1", vlan) for vlan in (20, 30)} == before


def test_a_device_that_reloads_is_missed_and_comes_back(settled: LegacyNetwork) -> None:
    settled.devices["dist1"].reload()
    settled.settle(50)
    assert tree(settled, "acc1", 10).root == tree(settled, "dist2", 10).bridge
    settled.settle(80)
    assert tree(settled, "acc1", 10).root == tree(settled, "dist1", 10).bridge


def test_discovery_takes_every_line_and_finds_the_trees_that_run(settled: LegacyNetwork, tmp_path: Path) -> None:
    for name, device in settled.devices.items():
        (tmp_path / name).mkdir()
        for command in COMMANDS:
            if device.machines.trees() is None and "spanning" in command:
                continue
            written: list[str] = []
            session = Session(device, "clos", 15, written.append, lambda _: None)
            session.length = 0
            session.feed(command + "\n")
            session.close()
            text = "".join(written).replace("\r\n", "\n")
            (tmp_path / name / f"{command.replace(' ', '_')}.txt").write_text(text)
    found = load(tmp_path)
    assert [one for one in found.unparsed if "ip default-gateway" not in one.text] == []
    assert len(found.cables) == len(settled.plan.cables)
    for name, device in settled.devices.items():
        read = {one.vlan: one for one in found.devices[name].state.trees or ()}
        for mine in device.machines.trees() or ():
            theirs = read.pop(mine.vlan)
            assert (theirs.root_priority, theirs.root_mac) == mine.root
            assert (theirs.bridge_priority, theirs.bridge_mac) == mine.bridge
            assert (theirs.root_cost, theirs.root_port) == (mine.root_cost, mine.root_port)
            assert [(one.name, one.role, one.state, one.cost) for one in theirs.ports] == [
                (one.name, one.role, one.state, one.cost) for one in mine.ports
            ]
        assert read == {}
