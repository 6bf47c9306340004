"""Random topologies of the Linux kernel's 802.1D bridges in a namespace of their own, some of the bridges ours.

Lives here: drawing them, building them of veth pairs, waiting until they have converged, what each port came to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

from clos.controller.migrate.model import ACCESS, IEEE, Cable, Device, Interface, Network, StpConfig, StpPortConfig
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import PvstSwitch, SwitchPort
from tests.support.root import ROOT
from tests.support.stp_network import SHORT_TIMES

TIMERS = "hello_time 200 max_age 600 forward_delay 400"
"""SHORT_TIMES in hundredths of a second. With hellos as far apart as the hold time, 1 s, a bridge may have to hold what
it heard for so long that it is too old for the fifth in a row."""
PATIENCE = 60
VLAN = 1
Port = tuple[str, str]
"""A bridge and the name of its port."""


class Came(NamedTuple):
    """What a port came to. ``root``: it is the root port of its bridge."""

    root: bool
    state: str


def topology(random: Random, number: int, mark: str = "") -> Network:
    """Two to six bridges; a port's number is its place in its bridge, as the kernel counts them.

    Priorities have VLAN 1 as their extension, as ours have it always."""
    names = [f"b{mark}{number}_{n}" for n in range(random.randint(2, 6))]
    pairs = [(name, random.choice(names[:n])) for n, name in enumerate(names) if n]
    pairs += [tuple(random.sample(names, 2)) for _ in range(random.randint(0, 5))]  # type: ignore[misc]
    ports: dict[str, list[Interface]] = {name: [] for name in names}
    cables = []
    for serial, pair in enumerate(pairs):
        ends = []
        for side, name in enumerate(pair):
            stp = StpPortConfig({0: random.choice((2, 2, 4, 19))}, {0: random.choice((128, 128, 64))})
            ports[name].append(Interface(f"p{mark}{number}_{serial}{'ab'[side]}", mode=ACCESS, stp=stp))
            ends.append((name, ports[name][-1].name))
        cables.append(Cable(*sorted(ends)))
    devices = {
        name: Device(
            name,
            interfaces={port.name: port for port in ports[name]},
            stp=StpConfig(IEEE, priorities={0: random.choice((32768, 32768, 4096)) + VLAN}),
            base_mac=0x0200_0000_0000 + random.getrandbits(40),
        )
        for name in names
    }
    return Network(devices, tuple(sorted(cables)))


def our_switch(device: Device) -> PvstSwitch:
    """The same bridge, as our machine."""
    ports = [
        SwitchPort(n, {VLAN: PortConfig(n, port.stp.costs[0], port.stp.priorities[0])}, trunk=False, native=VLAN)
        for n, port in enumerate(device.interfaces.values(), 1)
    ]
    priority = device.stp.priorities[0] - VLAN
    return PvstSwitch(device.base_mac or 0, {VLAN: priority}, ports, times=SHORT_TIMES)


@contextmanager
def built(networks: Sequence[Network], ours: Collection[str] = ()) -> Iterator[str]:
    """A namespace with all of them up; bridges with these names are left out, their ports there."""
    name = f"clos-stp-{os.getpid()}"
    batch = "\n".join(command for network in networks for command in _commands(network, ours))
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "-batch", "-"], input=batch, text=True, check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def _commands(network: Network, ours: Collection[str]) -> Iterator[str]:
    """What ``ip`` needs to build the topology."""
    kernels = [device for device in network.devices.values() if device.name not in ours]
    for device in kernels:
        mac, priority = (device.base_mac or 0).to_bytes(6).hex(":"), device.stp.priorities[0]
        yield f"link add {device.name} address {mac} type bridge stp_state 1 priority {priority} {TIMERS}"
    for (_, a), (_, b) in network.cables:
        yield f"link add {a} type veth peer name {b}"
    for device in kernels:
        for port in device.interfaces.values():
            costs = f"cost {port.stp.costs[0]} priority {port.stp.priorities[0] // 4}"
            yield f"link set {port.name} master {device.name}"
            yield f"link set {port.name} type bridge_slave {costs}"
    for device in network.devices.values():
        yield from (f"link set {name} up" for name in device.interfaces)
    yield from (f"link set {device.name} up" for device in kernels)


@contextmanager
def running(namespace: str, networks: Sequence[Network], ours: Collection[str]) -> Iterator[subprocess.Popen[str]]:
    """Our bridges, in a process of their own (tests.support.stp_on_wire)."""
    devices = [device for network in networks for device in network.devices.values() if device.name in ours]
    order = [
        {
            "name": one.name, "mac": one.base_mac, "priority": one.stp.priorities[0] - VLAN,
            "ports": [[p.name, p.stp.costs[0], p.stp.priorities[0]] for p in one.interfaces.values()],
        }
        for one in devices
    ]  # fmt: skip
    words = ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, "-m", "tests.support.stp_on_wire"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.communicate()


def links(namespace: str) -> dict[str, Any]:
    shown = subprocess.run(["ip", "-n", namespace, "-d", "-j", "link"], capture_output=True, text=True, check=True)
    return {link["ifname"]: link.get("linkinfo", {}) for link in json.loads(shown.stdout)}


def settled(namespace: str) -> dict[str, Any]:
    """The links once no port listens or learns, twice the same with a max age between."""
    before, deadline = None, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = links(namespace)
        states = {name: link.get("info_slave_data", {}).get("state") for name, link in found.items()}
        if not {"listening", "learning"} & set(states.values()) and states == before:
            return found
        before = states
        time.sleep(7)
    raise AssertionError(f"the kernel's bridges have not converged in {PATIENCE} s")


def kernels_ports(network: Network, found: Mapping[str, Any], ours: Collection[str] = ()) -> dict[Port, Came]:
    """What the kernel's bridges of the network say of their ports."""
    came = {}
    for device in network.devices.values():
        for name in device.interfaces if device.name not in ours else ():
            slave = found[name]["info_slave_data"]
            root = int(str(found[device.name]["info_data"]["root_port"]), 0) & 0x3FF
            came[device.name, name] = Came(int(slave["no"], 0) & 0x3FF == root, slave["state"])
    return came


def our_ports(network: Network, told: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[Port, Came]:
    """What our bridges say: role and state by bridge and port."""
    return {
        (name, port): Came(role == "root", state)
        for name, ports in told.items()
        if name in network.devices
        for port, (role, state) in ports.items()
    }
