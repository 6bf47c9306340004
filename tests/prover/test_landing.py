"""What it is to reach an endpoint: by a port of its host, under its VLAN tag, to its addresses. A host is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from clos.controller.cli.sources import read
from clos.controller.explain.inputs import Inputs
from clos.controller.intent.reach import ends
from clos.controller.probe.landing import Landings, arrived, landing
from clos.controller.probe.simulated import Simulated
from clos.controller.testing.backends import OnSim
from clos.controller.testing.fabric import Fabric, NotAsAsserted
from clos.fabric.dataplane.walk import Delivery
from clos.fabric.packet import build
from clos.fabric.packet.build import BROADCAST, Packet
from clos.fabric.packet.fields import ETH_QINQ
from clos.fabric.topology import PortRef
from tests.support.cli_run import Ran, clos

TOPOLOGY = """\
apiVersion: clos/v1
kind: Topology
metadata: {name: two-spines}
spec:
  switches: {spine1: {role: spine}, spine2: {role: spine}, leaf1: {role: leaf}, leaf2: {role: leaf}}
  links: [[leaf1:1, spine1:1], [leaf1:2, spine2:1], [leaf2:1, spine1:2], [leaf2:2, spine2:2]]
  hosts:
    b: {port: leaf2:11, mac: 02:00:00:00:00:0b}
    vm: {port: leaf1:13, mac: 02:00:00:00:00:0d, mode: trunk}
"""
ALIKE = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: red}
spec:
  networks: {n: {subnet: 10.0.0.0/24, vlan: 10}}
  endpoints: {a: {ip: 10.0.0.10, host: vm, mac: 02:00:00:00:01:01}, b: 10.0.0.20 on b}
  groups: {g: {networks: [n]}}
  policies: [{from: g, to: g, services: [tcp/443]}]
---
apiVersion: clos/v1
kind: Tenant
metadata: {name: blue}
spec:
  networks: {n: {subnet: 10.0.0.0/24, vlan: 20}}
  endpoints: {a: {ip: 10.0.0.10, host: vm, mac: MAC}}
"""
"""Two tenants with the same addresses on one hypervisor, told apart by the VLAN tag alone."""


@pytest.fixture(params=["02:00:00:00:02:01", "02:00:00:00:01:01"], ids=["own MAC", "same MAC"])
def files(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    topology, intents = tmp_path / "topology.yaml", tmp_path / "alike.yaml"
    topology.write_text(TOPOLOGY)
    intents.write_text(ALIKE.replace("MAC", request.param))
    return topology, intents


def asked(files: tuple[Path, Path], *words: str) -> Ran:
    return clos(words[0], files[1], "-t", files[0], *words[1:])


def test_probes_between_tenants_that_share_addresses_raise_no_alarm(files: tuple[Path, Path]) -> None:
    ran = asked(files, "probe", "--all")
    assert ran.code == 0, ran.out
    assert "24 probes, 2 delivered, 0 against the intents" in ran.out
    assert "delivery to another endpoint" in ran.out


def test_explain_tells_whose_the_frame_is_at_the_hypervisor(files: tuple[Path, Path]) -> None:
    for sender in ("red/b", "red/a"):
        ran = asked(files, "explain", "--from", sender, "--to", "blue/a", "--service", "tcp/443")
        assert ran.code == 0, ran.out
        assert "Denied: no policy or share permits" in ran.out and "The rules agree" in ran.out
    ran = asked(files, "explain", "--from", "red/b", "--to", "blue/a", "--service", "tcp/443")
    assert "vm; it is red/a that has its address and VLAN there" in ran.out
    ran = asked(files, "explain", "--from", "red/b", "--to", "red/a", "--service", "tcp/443")
    assert ran.code == 0 and "Permitted" in ran.out and ran.out.strip().endswith("leaf1 -> vm")


@pytest.mark.parametrize(
    ("target", "expected", "met"),
    [
        ("red/a", "delivered", True),
        ("red/a", "dropped", False),
        ("blue/a", "dropped", True),
        ("blue/a", "elsewhere", True),
        ("blue/a", "delivered", False),
    ],
)
def test_trace_expects_delivery_to_the_endpoint(
    files: tuple[Path, Path], target: str, expected: str, met: bool
) -> None:
    ran = asked(files, "trace", "--from", "red/b", "--to", target, "--service", "tcp/443", "--expect", expected)
    assert (ran.code == 0) is met, ran.out
    assert ("not delivered to blue/a: it is red/a that has" in ran.out) is (target == "blue/a")


def test_assertions_of_the_plugin_mean_endpoints(files: tuple[Path, Path]) -> None:
    wanted = read(files[0], [files[1]])
    compiled = wanted.compiled()
    with Simulated(wanted.topology, compiled.ruleset) as running:
        fabric = Fabric(wanted, compiled, OnSim(running), lambda name, value: None)
        fabric.assert_reachable("red/b", "red/a", "tcp/443")
        fabric.assert_isolated("red", "blue")
        assert not fabric.probe("red/b", "blue/a", "tcp/443").delivered
        with pytest.raises(NotAsAsserted):
            fabric.assert_reachable("red/b", "blue/a", "tcp/443")


# ---- the definition, frame by frame

PORT, ELSEWHERE = PortRef("leaf1", 13), PortRef("leaf2", 11)
MAC, IP, OTHER = 0x02_00_00_00_01_01, 0x0A00000A, 0x0A000014


def frame(vlan: int | None = 10, mac: int = MAC, ip: int = IP) -> Packet:
    return build.udp(eth_src=2, eth_dst=mac, ipv4_src=OTHER, ipv4_dst=ip, udp_src=1, udp_dst=2, vlan=vlan)


CASES: dict[str, tuple[Delivery, bool]] = {
    "its own": (Delivery(PORT, frame()), True),
    "another port": (Delivery(ELSEWHERE, frame()), False),
    "another VLAN": (Delivery(PORT, frame(20)), False),
    "no tag": (Delivery(PORT, frame(None)), False),
    "a tag of its number but of another kind": (
        Delivery(PORT, frame(None).push_vlan(ETH_QINQ).set("vlan_vid", 0x1000 | 10)),
        False,
    ),
    "a second tag": (Delivery(PORT, frame().push_vlan().set("vlan_vid", 0x1000 | 10)), False),
    "another MAC address": (Delivery(PORT, frame(mac=MAC + 1)), False),
    "another IP address": (Delivery(PORT, frame(ip=IP + 1)), False),
    "to all of its network": (Delivery(PORT, frame(mac=BROADCAST, ip=0xFFFFFFFF)), True),
    "to a group of its network": (Delivery(PORT, frame(mac=0x01005E000001, ip=0xE0000001)), True),
    "to all of another network": (Delivery(PORT, frame(20, BROADCAST, 0xFFFFFFFF)), False),
    "an ARP answer": (Delivery(PORT, build.arp_reply(2, OTHER, MAC, IP, 10)), True),
    "an ARP answer to another address": (Delivery(PORT, build.arp_reply(2, OTHER, MAC, IP + 1, 10)), False),
}


@pytest.mark.parametrize(("delivery", "reaches"), CASES.values(), ids=CASES)
def test_an_endpoint_has_what_comes_under_its_tag_to_its_addresses(
    files: tuple[Path, Path], delivery: Delivery, reaches: bool
) -> None:
    wanted = read(files[0], [files[1]])
    end = next(end for end in ends(wanted.intent) if str(end) == "red/a")
    place = landing(end, wanted.topology)
    assert place.takes(delivery) is reaches
    assert arrived(place, [delivery, Delivery(ELSEWHERE, frame())]) is reaches
    takers = {str(end) for end in Landings(wanted.intent, wanted.topology).takers(delivery)}
    assert ("red/a" in takers) is reaches


VIA = """\
apiVersion: clos/v1
kind: Tenant
metadata: {name: red}
spec:
  networks: {n: {subnet: 10.0.0.0/24, vlan: 10}}
  endpoints: {a: 10.0.0.10 on b, b: {ip: 10.0.0.20, host: vm, mac: 02:00:00:00:01:02}, w: 10.0.0.30 on c}
  groups: {one: {endpoints: [a]}, other: {endpoints: [b]}}
  policies: [{from: one, to: other, services: [tcp/443], via: w}]
"""


def test_a_waypoint_has_what_is_for_those_behind_it_and_nothing_else(tmp_path: Path) -> None:
    path, fabric = tmp_path / "via.yaml", tmp_path / "topology.yaml"
    path.write_text(VIA)
    fabric.write_text(TOPOLOGY + "    c: {port: leaf2:12, mac: 02:00:00:00:00:0c}\n")
    wanted: Inputs = read(fabric, [path])
    landings, at = Landings(wanted.intent, wanted.topology), PortRef("leaf2", 12)
    for ip, taken in ((0x0A000014, ("red/w",)), (0x0A00001E, ("red/w",)), (0x0A000063, ())):
        one = Delivery(at, frame(None, 0x02_00_00_00_00_0C, ip))
        assert tuple(map(str, landings.takers(one))) == taken
    ran = clos("trace", path, "-t", fabric, "--from", "a", "--to", "b", "-s", "tcp/443", "--expect", "delivered")
    assert ran.code == 0, ran.out
