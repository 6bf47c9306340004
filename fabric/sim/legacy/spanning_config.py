"""What a running configuration says of spanning trees: ports, costs, priorities, guards, by VLAN or for all of them.

Lives here: from a device to a Setup. Must not know: trees that run, frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clos.fabric.protocols.pvst.costs import long_cost, short_cost
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import CST_VLAN, SwitchPort
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.tree import Tree, starting, value
from clos.fabric.sim.legacy.vlans import read_vlans

CHANNELS = 512
"""Port-channels are numbered from here on in port identifiers."""
DEFAULT_PRIORITY = 32768
_MBPS = {"FastEthernet": 100, "GigabitEthernet": 1_000, "TenGigabitEthernet": 10_000}


@dataclass(frozen=True, slots=True)
class Setup:
    """What a running configuration says of spanning trees. ``priorities``: by VLAN; ``names``: by port number.

    ``single``: one tree for all VLANs, kept as VLAN 1's."""

    rapid: bool
    priorities: Mapping[int, int]
    ports: Mapping[int, SwitchPort]
    names: Mapping[int, str]
    single: bool = False
    numbers: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", {name: number for number, name in self.names.items()})


def setup_of(device: LegacyDevice) -> Setup | None:
    """None: the device runs no spanning tree (a router)."""
    mode = value(device.running, "spanning-tree mode") or "pvst"
    if device.hardware.router:
        return None
    if mode == "mst":
        return _single(device)
    off = {f"no spanning-tree vlan {vlan}" for vlan in device.vlans()} & {line.text for line in device.running}
    vlans = [vlan for vlan in device.vlans() if f"no spanning-tree vlan {vlan}" not in off]
    names = {number_of(device, name): name for name in device.switchports()}
    ports = {number: _port(device, name, number, vlans) for number, name in names.items()}
    priorities = {
        vlan: _by_vlan(device.running, "spanning-tree vlan", vlan, "priority", DEFAULT_PRIORITY) for vlan in vlans
    }
    return Setup(mode == "rapid-pvst", priorities, ports, names)


def _single(device: LegacyDevice) -> Setup:
    """MST's instance 0: every port is in its tree, and speaks as an access port of VLAN 1 does."""
    names = {number_of(device, name): name for name in device.switchports()}
    ports = {}
    for number, name in names.items():
        port = _port(device, name, number, ())
        config = PortConfig(number, _long_cost(device, name), edge=_edge_of(device, name))
        ports[number] = port._replace(trees={CST_VLAN: config}, trunk=False, native=CST_VLAN)
    priority = _by_vlan(device.running, "spanning-tree mst", 0, "priority", DEFAULT_PRIORITY, least=0)
    return Setup(True, {CST_VLAN: priority}, ports, names, single=True)


def _edge_of(device: LegacyDevice, name: str) -> bool:
    lines = device.interface(name)
    return _edge(device, lines, value(lines, "switchport mode") == "trunk")


def number_of(device: LegacyDevice, name: str) -> int:
    """The number of a port in port identifiers."""
    if name in device.ports:
        return device.hardware.ports.index(name) + 1
    return CHANNELS + int(split_name(name)[1])


def _by_vlan(lines: Tree, head: str, vlan: int, word: str, otherwise: int, least: int = 1) -> int:
    """The value of ``HEAD VLANS WORD VALUE`` in which this VLAN stands (or, with ``least`` 0, this MST instance)."""
    for line in starting(lines, head):
        words = line.words()
        if len(words) == 5 and words[3] == word and _stands(vlan, words[2], least):
            return int(words[4])
    return otherwise


def _stands(vlan: int, listed: str, least: int) -> bool:
    return listed == "0" if vlan < 1 and not least else vlan in (read_vlans(listed) or ())


def _port(device: LegacyDevice, name: str, number: int, vlans: Iterable[int]) -> SwitchPort:
    lines = device.interface(name)
    trunk = value(lines, "switchport mode") == "trunk"
    native = int(value(lines, "switchport trunk native vlan" if trunk else "switchport access vlan") or 1)
    carried = device.carries(name) if trunk else frozenset({native})
    edge = _edge(device, lines, trunk)
    guard = value(lines, "spanning-tree guard")
    if guard is None and _has(device.running, "spanning-tree loopguard default"):
        guard = "loop"
    cost = int(value(lines, "spanning-tree cost") or _cost(device, name))
    priority = int(value(lines, "spanning-tree port-priority") or 128)
    trees = {
        vlan: PortConfig(
            number,
            _by_vlan(lines, "spanning-tree vlan", vlan, "cost", cost),
            _by_vlan(lines, "spanning-tree vlan", vlan, "port-priority", priority),
            edge,
            guard if guard in {"root", "loop"} else None,
            value(lines, "spanning-tree link-type") != "shared",
        )
        for vlan in vlans
        if vlan in carried
    }
    guarded = _has(device.running, "spanning-tree portfast bpduguard default") and edge
    bpdu_guard = {"enable": True, "disable": False}.get(value(lines, "spanning-tree bpduguard") or "", guarded)
    return SwitchPort(number, trees, trunk, native, bpdu_guard, value(lines, "spanning-tree bpdufilter") == "enable")


def _has(lines: Tree, text: str) -> bool:
    return any(line.text.replace(" edge", "") == text for line in lines)


def _edge(device: LegacyDevice, lines: Tree, trunk: bool) -> bool:
    words = value(lines, "spanning-tree portfast")
    if words is None:
        return not trunk and _has(device.running, "spanning-tree portfast default")
    return words in {"edge trunk", "trunk"} or (not trunk and words in {"", "edge"})


def _mbps(device: LegacyDevice, name: str) -> int:
    members = device.members(int(split_name(name)[1])) if split_name(name)[0] == "Port-channel" else (name,)
    return sum(_MBPS.get(split_name(port)[0], 1_000) for port in members if device.up(port)) or 1_000


def _long_cost(device: LegacyDevice, name: str) -> int:
    return int(value(device.interface(name), "spanning-tree cost") or long_cost(_mbps(device, name)))


def _cost(device: LegacyDevice, name: str) -> int:
    mbps = _mbps(device, name)
    if value(device.running, "spanning-tree pathcost method") == "long":
        return long_cost(mbps)
    return short_cost(mbps) or (3 if mbps > 1_000 else 12)
