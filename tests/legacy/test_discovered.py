"""What the running bank shows is read without a gap, contradicts nothing, and is what is predicted of it.

The prediction is worked out from the configurations by code of its own (an import contract): nothing of it is shared
with the machines that run here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.migrate.contradictions import contradictions
from clos.controller.migrate.model import Network
from clos.controller.migrate.predict import spanning_tree
from clos.fabric.sim.legacy.network import LegacyNetwork
from tests.legacy.agreeing import agree, discovered
from tests.legacy.shared import configured, ping, settled_bank


@pytest.fixture(scope="module")
def bank() -> LegacyNetwork:
    network = settled_bank()
    for name in network.hosts:
        ping(network, name, "hr-2" if name.startswith("voice") else "voice-1")
    return network


@pytest.fixture(scope="module")
def found(bank: LegacyNetwork, tmp_path_factory: pytest.TempPathFactory) -> Network:
    return discovered(bank, tmp_path_factory.mktemp("bank"))


def test_every_line_is_read_and_nothing_is_missing(found: Network) -> None:
    assert [one for one in found.unparsed if "ip default-gateway" not in one.text] == []
    assert found.missing == {}


def test_what_devices_show_contradicts_nothing(found: Network) -> None:
    assert contradictions(found) == ()


def test_every_host_is_found_by_its_address(bank: LegacyNetwork, found: Network) -> None:
    macs = {entry.mac for device in found.devices.values() for entry in device.state.macs or ()}
    arp = {(int(entry.address), entry.mac) for device in found.devices.values() for entry in device.state.arp or ()}
    for host in bank.plan.hosts:
        assert host.mac in macs or host.port[0].startswith("wan"), host.name
        assert (bank.endpoints[host.name].ip, host.mac) in arp, host.name


def test_the_bank_runs_as_predicted(bank: LegacyNetwork, found: Network) -> None:
    agree(bank, found)
    unknown = {vlan for vlan, tree in spanning_tree.predict(found).items() if tree.unknown}
    assert unknown == {1, 10, 20, 70, 99}, "those that the old switch with one tree for all carries"


@pytest.mark.parametrize(
    ("device", "lines"),
    [
        ("acc1", ("interface TenGigabitEthernet1/1/1", "spanning-tree vlan 30,50 cost 100")),
        ("dist1", ("interface TenGigabitEthernet1/1", "delay 2000")),
        ("core2", ("interface TenGigabitEthernet1/5", "shutdown")),
        ("wan1", ("no ip route 0.0.0.0 0.0.0.0 192.0.2.1",)),
        ("dist1", ("router eigrp 100", "variance 4", "eigrp stub connected summary")),
        ("dist2", ("no spanning-tree vlan 40 priority",)),
    ],
)
def test_it_runs_as_predicted_after_a_change(tmp_path: Path, device: str, lines: tuple[str, ...]) -> None:
    network = settled_bank()
    configured(network, device, *lines)
    network.settle(120)
    agree(network, discovered(network, tmp_path))
