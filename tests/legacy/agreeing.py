"""What discovery and the prediction make of a simulated legacy network that runs, held against what runs."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from clos.controller.migrate.discover.files import load
from clos.controller.migrate.discover.permitted import to_ask
from clos.controller.migrate.discover.readers import RUNNING_CONFIG
from clos.controller.migrate.model import Network
from clos.controller.migrate.predict import eigrp, spanning_tree
from clos.controller.migrate.predict.gateway import predict_gateways
from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.session import Session

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
