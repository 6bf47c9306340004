"""What the running bank shows is read without a gap, contradicts nothing, and is what is predicted of it.

The prediction is worked out from the configurations by code of its own (an import contract): nothing of it is shared
with the machines that run here.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from clos.controller.migrate.contradictions import contradictions
from clos.controller.migrate.discover.files import load
from clos.controller.migrate.discover.permitted import to_ask
from clos.controller.migrate.discover.readers import RUNNING_CONFIG
from clos.controller.migrate.model import Network
from clos.controller.migrate.predict import eigrp, spanning_tree
from clos.controller.migrate.predict.gateway import predict_gateways
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.session import Session
from tests.legacy.shared import configured, ping, settled_bank

MORE = (
    "show standby all", "show standby brief", "show ip eigrp neighbors detail", "show ip eigrp topology all-links",
    "show spanning-tree detail", "show ip protocols", "show inventory", "show ip interface brief", "show arp",
)  # fmt: skip


def discovered(network: LegacyNetwork, directory: Path) -> Network:
    """What discovery makes of everything that it asks, and more."""
    commands = [RUNNING_CONFIG, *(command.text for command in to_ask(())), *MORE]
    for name, device in network.devices.items():
        (directory / name).mkdir(parents=True)
        for command in dict.fromkeys(commands):
            written: list[str] = []
            session = Session(device, "clos", 15, written.append, lambda _: None)
            session.length = 0
            session.feed(command + "\n")
            session.close()
            text = "".join(written).replace("\r\n", "\n")
            (directory / name / f"{command.replace(' ', '_')}.txt").write_text(text)
    return load(directory)


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


def agree(network: LegacyNetwork, read: Network) -> None:
    """Trees, routes and gateways as they run are those predicted."""
    for vlan, tree in spanning_tree.predict(read).items():
        for name, device in network.devices.items():
            mine = next((one for one in device.machines.trees() or () if one.vlan == vlan), None)
            if tree.unknown or mine is None:
                continue
            assert tree.root_port(name) == mine.root_port, (vlan, name)
            blocked = {port.name for port in mine.ports if port.state == "blocking" and port.role != "disabled"}
            assert {port for at, port in tree.blocked if at == name} == blocked, (vlan, name)
    routes = {(one.device, one.prefix): one for one in eigrp.predict_eigrp(read).routes}
    for name in network.devices:
        ways: dict[IPv4Network, set[tuple[object, object, int]]] = {}
        for route in network.workings[name].routes() or ():
            if route.code.startswith("D"):
                ways.setdefault(route.prefix, set()).add((route.via, route.interface, route.metric))
        wanted = {prefix: set(one.paths) for (device, prefix), one in routes.items() if device == name}
        assert ways == wanted, name
    for gateway in predict_gateways(read):
        states = {
            name: group.state
            for name in network.devices
            for group in network.workings[name].hsrp() or ()
            if (group.group, int(group.address)) == (gateway.group, int(gateway.address or 0))
        }
        assert states[gateway.active.device] == "Active", gateway
        assert gateway.standby is None or states[gateway.standby.device] == "Standby", gateway


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
