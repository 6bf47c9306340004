"""A device's spanning trees, run by fabric.protocols.pvst on the network's virtual time.

Lives here: from a running configuration to ports and priorities, carrying what changed into trees that run, frames
from port to port. Must not know: how a tree is worked out, layouts. A device in MST mode runs none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from clos.fabric.protocols.pvst.costs import long_cost, short_cost
from clos.fabric.protocols.pvst.frame import StpFrame
from clos.fabric.protocols.pvst.machine import Machine
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import PvstSwitch, SendFrame, SwitchEffect, SwitchPort, VlanTurn
from clos.fabric.protocols.pvst.vector import bridge_id
from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.legacy.device import LegacyDevice
from clos.fabric.sim.legacy.names import split_name
from clos.fabric.sim.legacy.state import NoMachines, StpPort, StpTree
from clos.fabric.sim.legacy.tree import Tree, starting, value
from clos.fabric.sim.legacy.vlans import read_vlans

LATENCY = 50
"""Microseconds that a frame is on a cable."""
CHANNELS = 512
"""Port-channels are numbered from here on in port identifiers."""
DEFAULT_PRIORITY = 32768
_MBPS = {"FastEthernet": 100, "GigabitEthernet": 1_000, "TenGigabitEthernet": 10_000}


@dataclass(frozen=True, slots=True)
class Setup:
    """What a running configuration says of spanning trees. ``priorities``: by VLAN; ``names``: by port number."""

    rapid: bool
    priorities: Mapping[int, int]
    ports: Mapping[int, SwitchPort]
    names: Mapping[int, str]


def setup_of(device: LegacyDevice) -> Setup | None:
    """None: the device runs no tree per VLAN (a router, or a switch in MST mode)."""
    mode = value(device.running, "spanning-tree mode") or "pvst"
    if device.hardware.router or mode == "mst":
        return None
    off = {f"no spanning-tree vlan {vlan}" for vlan in device.vlans()} & {line.text for line in device.running}
    vlans = [vlan for vlan in device.vlans() if f"no spanning-tree vlan {vlan}" not in off]
    names = {number_of(device, name): name for name in device.switchports()}
    ports = {number: _port(device, name, number, vlans) for number, name in names.items()}
    priorities = {
        vlan: _by_vlan(device.running, "spanning-tree vlan", vlan, "priority", DEFAULT_PRIORITY) for vlan in vlans
    }
    return Setup(mode == "rapid-pvst", priorities, ports, names)


def number_of(device: LegacyDevice, name: str) -> int:
    """The number of a port in port identifiers."""
    if name in device.ports:
        return device.hardware.ports.index(name) + 1
    return CHANNELS + int(split_name(name)[1])


def _by_vlan(lines: Tree, head: str, vlan: int, word: str, otherwise: int) -> int:
    """The value of ``HEAD VLANS WORD VALUE`` in which this VLAN stands."""
    for line in starting(lines, head):
        words = line.words()
        if len(words) == 5 and words[3] == word and vlan in (read_vlans(words[2]) or ()):
            return int(words[4])
    return otherwise


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


def _cost(device: LegacyDevice, name: str) -> int:
    members = device.members(int(split_name(name)[1])) if split_name(name)[0] == "Port-channel" else (name,)
    mbps = sum(_MBPS.get(split_name(port)[0], 1_000) for port in members if device.up(port)) or 1_000
    if value(device.running, "spanning-tree pathcost method") == "long":
        return long_cost(mbps)
    return short_cost(mbps) or (3 if mbps > 1_000 else 12)


@dataclass(slots=True)
class SpanningTrees(NoMachines):
    """The trees of one device. ``of``: those of the others, by their names."""

    device: LegacyDevice
    of: Mapping[str, SpanningTrees]
    changes: dict[int, int] = field(default_factory=dict)
    _setup: Setup | None = None
    _switch: PvstSwitch | None = None
    _ring: float = inf
    _lit: dict[str, bool] = field(default_factory=dict)

    # what the configuration, the links or the power did

    def reconfigured(self) -> None:
        """Carry it into the trees that run, and into those of neighbours whose link came or went by it."""
        self.follow()
        before, self._lit = self._lit, {name: self._shines(name) for name in self.device.links}
        for name, far in self.device.links.items():
            if not far.host and self._lit[name] != before.get(name, False):
                self.of[far.name].follow()

    def _shines(self, name: str) -> bool:
        return self.device.alive and not self.device.shut(name)

    def follow(self) -> None:
        """Carry this device's configuration and links into its trees: only those with another bridge or other ports
        begin anew."""
        setup = setup_of(self.device) if self.device.alive else None
        before, self._setup = self._setup, setup
        if setup is None:
            self._switch = None
        elif self._switch is None or before is None or before.rapid != setup.rapid:
            self._switch = PvstSwitch(
                self.device.hardware.mac, setup.priorities, setup.ports.values(), rapid=setup.rapid
            )
            for number in setup.ports:
                self._do(self._switch.link_up(number, self._now))
        elif before != setup:
            self._carry(self._switch, before, setup)
        self._wind()

    def _carry(self, switch: PvstSwitch, before: Setup, setup: Setup) -> None:
        for number in before.ports.keys() - setup.ports.keys():
            self._do(switch.link_down(number, self._now))
            switch.disabled.discard(number)
        switch.ports = dict(setup.ports)
        for vlan in switch.machines.keys() - setup.priorities.keys():
            del switch.machines[vlan]
        for vlan, priority in setup.priorities.items():
            self._carry_tree(switch, setup, vlan, bridge_id(priority, vlan, switch.mac))
        for number in setup.ports.keys() - before.ports.keys():
            self._do(switch.link_up(number, self._now))

    def _carry_tree(self, switch: PvstSwitch, setup: Setup, vlan: int, bridge: int) -> None:
        configs = {number: port.trees[vlan] for number, port in setup.ports.items() if vlan in port.trees}
        machine = switch.machines.get(vlan)
        if machine is None or machine.bridge != bridge or machine.ports.keys() != configs.keys():
            machine = switch.machines[vlan] = Machine(bridge, configs.values(), rapid=setup.rapid)
            for number in configs.keys() - switch.disabled:
                self._do(switch.frames(vlan, machine.enable(number, self._now)))
            return
        for number, config in configs.items():
            if machine.ports[number].config != config:
                self._do(switch.frames(vlan, machine.reconfigure(config, self._now)))

    # time and frames

    @property
    def _now(self) -> float:
        return self.device.clock.now / SECOND

    def _wind(self) -> None:
        """Have the clock ring when the trees have something to do."""
        due = inf if self._switch is None else self._switch.due()
        if due < self._ring:
            self._ring = due
            self.device.clock.at(int(due * SECOND) + 1, lambda: self._rang(due))

    def _rang(self, due: float) -> None:
        if due == self._ring:
            self._ring = inf
            if self._switch is not None:
                self._do(self._switch.tick(self._now))
            self._wind()

    def _do(self, effects: Iterable[SwitchEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendFrame):
                self._send(effect.port, effect.frame)
            elif isinstance(effect, VlanTurn) and effect.turn.state == "forwarding":
                self.changes[effect.vlan] = self.changes.get(effect.vlan, 0) + 1

    def _send(self, number: int, frame: StpFrame) -> None:
        name = self._setup.names.get(number) if self._setup else None
        far = None if name is None else self._far(name)
        if far is not None:
            trees, port = far
            self.device.clock.after(LATENCY, lambda: trees.arrived(port, frame))

    def _far(self, name: str) -> tuple[SpanningTrees, str] | None:
        """The trees and the port at a port's other end; None for a host, or a device without trees."""
        channel = split_name(name)[0] == "Port-channel"
        members = self.device.members(int(split_name(name)[1])) if channel else (name,)
        for member in members:
            far = self.device.links.get(member)
            if far is not None and not far.host and self.device.up(member):
                bundle = self.of[far.name].device.channel(far.port)
                return self.of[far.name], far.port if bundle is None else f"Port-channel{bundle}"
        return None

    def arrived(self, name: str, frame: StpFrame) -> None:
        """A frame came in at a port."""
        if self._switch is None or self._setup is None:
            return
        number = number_of(self.device, name)
        if number in self._setup.ports:
            self._do(self._switch.receive(number, frame, self._now))
            self._wind()

    # what is shown

    def trees(self) -> tuple[StpTree, ...] | None:
        if self._switch is None or self._setup is None:
            return None
        return tuple(
            _shown(vlan, machine, self._setup) for vlan, machine in self._switch.machines.items() if machine.ports
        )


def _parts(identifier: int) -> tuple[int, int]:
    return identifier >> 48, identifier & (1 << 48) - 1


def _shown(vlan: int, machine: Machine, setup: Setup) -> StpTree:
    ports = []
    for number, port in sorted(machine.ports.items()):
        turn, config = port.shown(), port.config
        ports.append(
            StpPort(
                setup.names[number], turn.role, turn.state, config.cost, config.priority, number,
                "P2p" if config.point_to_point else "Shr", config.edge, turn.inconsistent,
            )
        )  # fmt: skip
    root_port = None if machine.root_port is None else setup.names.get(machine.root_port)
    root = machine.root_vector
    protocol = "rstp" if setup.rapid else "ieee"
    return StpTree(vlan, protocol, _parts(root.root), _parts(machine.bridge), root.cost, root_port, tuple(ports))
