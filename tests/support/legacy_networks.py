"""Random legacy networks as values, and the same networks as PVST+ machines on cables.

The second is made from the first by a reading of its own: it shares nothing with ``controller.migrate.predict``.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from clos.controller.migrate.model import (
    ACCESS,
    PVST,
    RAPID_PVST,
    TRUNK,
    Cable,
    Device,
    Interface,
    Network,
    StpConfig,
    StpPortConfig,
)
from clos.fabric.protocols.pvst.costs import long_cost, short_cost
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import PvstSwitch, SwitchPort
from tests.support.stp_network import SHORT_TIMES, StpNetwork

VLANS = (1, 10, 20, 30)
GUARDS = (None, None, None, None, None, None, "root", "loop", "bpdu", "filter", "edge")
BUNDLE_COSTS = {200: 12, 2_000: 3, 20_000: 1}
"""Of two ports in a port-channel, short."""


def random_network(seed: int, most: int = 6) -> Network:
    """Two to six switches, cables beside one another, port-channels, guards, native VLANs that differ at times."""
    random = Random(seed)
    names = [f"s{n}" for n in range(random.randint(2, most))]
    mode = random.choice((PVST, RAPID_PVST, None))
    ports: dict[str, list[Interface]] = {name: [] for name in names}
    cables: list[Cable] = []
    pairs = [(name, random.choice(names[:n])) for n, name in enumerate(names) if n]
    pairs += [tuple(random.sample(names, 2)) for _ in range(random.randint(0, 5))]  # type: ignore[misc]
    for a, b in pairs:
        _plug(random, ports, cables, a, b)
    for name in names:
        ports[name] += [_host(random, len(ports[name]) + 1)]
    devices = {name: _device(random, name, ports[name], mode) for name in names}
    return Network(devices, tuple(sorted(cables)))


def _plug(random: Random, ports: dict[str, list[Interface]], cables: list[Cable], a: str, b: str) -> None:
    """A cable, or two as a port-channel, between two devices."""
    native = random.choice((1, 1, 1, 10))
    ends = [_cabled(random, native), _cabled(random, native if random.random() < 0.9 else 20)]
    if random.random() < 0.15:
        access = replace(ends[0], mode=ACCESS, access_vlan=random.choice(VLANS), allowed=None)
        ends = [access, replace(ends[1], mode=ACCESS, access_vlan=access.access_vlan, allowed=None)]
    speed, bundled = random.choice((100, 1_000, 10_000)), random.random() < 0.15
    channel = {device: 1 + max((p.channel or 0 for p in ports[device]), default=0) for device in (a, b)}
    for _ in range(2 if bundled else 1):
        places = []
        for device, end in ((a, ends[0]), (b, ends[1])):
            name = f"GigabitEthernet0/{1 + sum(p.name.startswith('G') for p in ports[device])}"
            places.append((device, name))
            own = channel[device] if bundled else None
            ports[device].append(replace(end, name=name, speed_mbps=speed, channel=own))
        first, second = sorted(places)
        cables.append(Cable(first, second))
    for device, end in ((a, ends[0]), (b, ends[1])):
        if bundled:
            ports[device].append(replace(end, name=f"Port-channel{channel[device]}"))


def _cabled(random: Random, native: int) -> Interface:
    allowed = random.choice((None, None, frozenset(random.sample(VLANS, 3)), frozenset({1, 10, 20})))
    costs = random.choice(({}, {}, {0: random.choice((2, 4, 19))}, {10: random.randint(1, 30)}))
    priorities = random.choice(({}, {}, {0: 64}, {20: 32}))
    guard = random.choice(GUARDS)
    stp = StpPortConfig(
        costs,
        priorities,
        portfast="trunk" if guard == "edge" else None,
        bpdu_guard=guard == "bpdu" or None,
        bpdu_filter=guard == "filter" or None,
        guard=guard if guard in ("root", "loop") else None,
    )
    return Interface(
        "", mode=TRUNK, native_vlan=native, allowed=frozenset(range(1, 4095)) & (allowed or VLANS_ALL), stp=stp
    )


VLANS_ALL = frozenset(range(1, 4095))


def _host(random: Random, number: int) -> Interface:
    return Interface(
        f"TenGigabitEthernet1/{number}",
        mode=ACCESS,
        access_vlan=random.choice(VLANS),
        stp=StpPortConfig(portfast=random.choice((None, "edge"))),
    )


def _device(random: Random, name: str, ports: list[Interface], mode: str | None) -> Device:
    known = {1, *random.sample(VLANS, random.randint(2, 4))}
    priorities = {vlan: random.choice((4096, 24576, 32768)) for vlan in random.sample(VLANS, random.randint(0, 4))}
    stp = StpConfig(
        mode or random.choice((PVST, RAPID_PVST)), random.random() < 0.2, priorities,
        portfast_default=random.random() < 0.2, bpdu_guard_default=random.random() < 0.2,
        loop_guard_default=random.random() < 0.1,
    )  # fmt: skip
    return Device(
        name,
        interfaces={port.name: port for port in ports},
        vlans={vlan: f"v{vlan}" for vlan in sorted(known)},
        stp=stp,
        base_mac=random.getrandbits(46),
    )


def machines(network: Network) -> tuple[StpNetwork, dict[tuple[str, str], int]]:
    """The network's switches on its cables, and the number of each port by device and name."""
    numbers = {(d.name, name): n for d in network.devices.values() for n, name in enumerate(_ordered(d), 1)}
    switches = {device.name: _switch(device, numbers) for device in network.devices.values()}
    cables = {
        tuple((name, numbers[name, _carrier(network.devices[name], port)]) for name, port in cable)
        for cable in network.cables
    }
    return StpNetwork(switches, sorted(cables)), numbers  # type: ignore[arg-type]


def _ordered(device: Device) -> list[str]:
    """Names by kind, and by number within a kind."""
    return sorted(device.interfaces, key=lambda name: (name[:4], int(name.rstrip("0123456789") and _last(name))))


def _last(name: str) -> str:
    return name[len(name.rstrip("0123456789")) :]


def _carrier(device: Device, name: str) -> str:
    channel = device.interfaces[name].channel
    return name if channel is None else f"Port-channel{channel}"


def _switch(device: Device, numbers: dict[tuple[str, str], int]) -> PvstSwitch:
    stp, known = device.stp, frozenset(device.vlans)
    ports = []
    for name, port in device.interfaces.items():
        if port.channel is not None:
            continue
        trunk = port.mode == TRUNK
        carried = known & (port.allowed or known) if trunk else known & {port.access_vlan}
        edge = port.stp.portfast in ("trunk", "edge") or (
            port.stp.portfast is None and stp.portfast_default and not trunk
        )
        own = StpPortConfig(guard="loop") if stp.loop_guard_default and port.stp.guard is None else port.stp
        number = numbers[device.name, name]
        trees = {
            vlan: PortConfig(number, _cost(device, port, vlan), _of(port.stp.priorities, vlan) or 128, edge, own.guard)
            for vlan in carried
        }
        guard = bool(port.stp.bpdu_guard) or (port.stp.bpdu_guard is None and stp.bpdu_guard_default and edge)
        native = port.native_vlan if trunk else port.access_vlan
        ports.append(SwitchPort(number, trees, trunk, native, guard, bool(port.stp.bpdu_filter)))
    priorities = {vlan: stp.priorities.get(vlan, 32768) for vlan in known}
    return PvstSwitch(device.base_mac or 0, priorities, ports, rapid=stp.mode == RAPID_PVST, times=SHORT_TIMES)


def _cost(device: Device, port: Interface, vlan: int) -> int:
    said = _of(port.stp.costs, vlan)
    if said:
        return said
    bundle = [p for p in device.interfaces.values() if f"Port-channel{p.channel}" == port.name]
    speed = sum(p.speed_mbps or 0 for p in bundle) or port.speed_mbps or 10_000
    if device.stp.long_costs:
        return long_cost(speed)
    return BUNDLE_COSTS[speed] if bundle else short_cost(speed) or 0


def _of(values: object, vlan: int) -> int | None:
    assert isinstance(values, dict)
    found = values.get(vlan, values.get(0))
    assert found is None or isinstance(found, int)
    return found
