"""The predicted roles against bridges nobody here wrote: the kernel's 802.1D on random topologies of veth pairs."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from clos.controller.migrate.model import ACCESS, IEEE, Cable, Device, Interface, Network, StpConfig, StpPortConfig
from clos.controller.migrate.predict.spanning_tree import predict
from tests.support.lab_ready import require_lab

pytestmark = pytest.mark.lab
require_lab()

TOPOLOGIES = 50
TIMERS = "hello_time 100 max_age 600 forward_delay 200"
"""Hundredths of a second: the least that IEEE 802.1D permits."""
PATIENCE = 60


def _topology(random: Random, number: int) -> Network:
    """Two to six bridges; a port's number is its place in its bridge, as the kernel counts them."""
    names = [f"b{number}_{n}" for n in range(random.randint(2, 6))]
    pairs = [(name, random.choice(names[:n])) for n, name in enumerate(names) if n]
    pairs += [tuple(random.sample(names, 2)) for _ in range(random.randint(0, 5))]  # type: ignore[misc]
    ports: dict[str, list[Interface]] = {name: [] for name in names}
    cables = []
    for serial, pair in enumerate(pairs):
        ends = []
        for side, name in enumerate(pair):
            stp = StpPortConfig({0: random.choice((2, 2, 4, 19))}, {0: random.choice((128, 128, 64))})
            ports[name].append(Interface(f"p{number}_{serial}{'ab'[side]}", mode=ACCESS, stp=stp))
            ends.append((name, ports[name][-1].name))
        cables.append(Cable(*sorted(ends)))
    devices = {
        name: Device(
            name,
            interfaces={port.name: port for port in ports[name]},
            stp=StpConfig(IEEE, priorities={0: random.choice((32768, 32768, 4096))}),
            base_mac=0x0200_0000_0000 + random.getrandbits(40),
        )
        for name in names
    }
    return Network(devices, tuple(sorted(cables)))


def _commands(network: Network) -> Iterator[str]:
    """What ``ip`` needs to build the topology."""
    for device in network.devices.values():
        mac = (device.base_mac or 0).to_bytes(6).hex(":")
        priority = device.stp.priorities[0]
        yield f"link add {device.name} address {mac} type bridge stp_state 1 priority {priority} {TIMERS}"
    for (_, a), (_, b) in network.cables:
        yield f"link add {a} type veth peer name {b}"
    for device in network.devices.values():
        for port in device.interfaces.values():
            costs = f"cost {port.stp.costs[0]} priority {port.stp.priorities[0] // 4}"
            yield f"link set {port.name} master {device.name}"
            yield f"link set {port.name} type bridge_slave {costs}"
    for device in network.devices.values():
        yield from (f"link set {name} up" for name in (*device.interfaces, device.name))


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"clos-stp-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def _links(namespace: str) -> dict[str, Any]:
    shown = subprocess.run(["ip", "-n", namespace, "-d", "-j", "link"], capture_output=True, text=True, check=True)
    return {link["ifname"]: link.get("linkinfo", {}) for link in json.loads(shown.stdout)}


def _settled(namespace: str) -> dict[str, Any]:
    """The links once no port listens or learns, twice the same with a max age between."""
    before, deadline = None, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        links = _links(namespace)
        states = {name: link.get("info_slave_data", {}).get("state") for name, link in links.items()}
        if not {"listening", "learning"} & set(states.values()) and states == before:
            return links
        before = states
        time.sleep(7)
    raise AssertionError(f"the kernel's bridges have not converged in {PATIENCE} s")


def test_roles_are_those_of_the_kernels_bridges(namespace: str) -> None:
    networks = [_topology(Random(number), number) for number in range(TOPOLOGIES)]
    batch = "\n".join(command for network in networks for command in _commands(network))
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input=batch, text=True, check=True)
    links = _settled(namespace)
    for network in networks:
        tree = predict(network, [1])[1]
        assert not tree.unknown
        for device in network.devices.values():
            root_port = links[device.name]["info_data"]["root_port"]
            ports = {int(links[name]["info_slave_data"]["no"], 0): name for name in device.interfaces}
            assert tree.root_port(device.name) == ports.get(int(str(root_port), 0) & 0x3FF), device.name
            assert tree.layout.paths[device.name].cost == links[device.name]["info_data"]["root_path_cost"]
            for name in device.interfaces:
                state = links[name]["info_slave_data"]["state"]
                assert tree.layout.ports[device.name, name].state == state, (device.name, name)
