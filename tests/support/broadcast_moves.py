"""A tenant whose networks carry broadcast, on a small fabric with a pair and two legacy borders; endpoints anywhere.

Every state of a plan from one such intent to another is proved afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clos.controller.compile import compile_fabric
from clos.controller.compile.compiler import Compiled
from clos.controller.intent import Text, load_intent, load_topology
from clos.controller.intent.model import Intent
from clos.controller.plan import diff, states
from clos.controller.verify import Report, verify_states
from clos.controller.verify.proof.transition import verify_during
from clos.fabric.dataplane.ruleset import Ruleset
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import Topology
from tests.support.compiled_run import run
from tests.support.verify_engine_support import states_of

Places = Mapping[str, str]
"""The host of each endpoint of the tenant ``bank``."""

TOPOLOGY = """
apiVersion: clos/v1
kind: Topology
metadata: {name: small}
spec:
  switches:
    spine1: {role: spine}
    leaf1: {role: leaf}
    leaf2: {role: leaf}
    leaf3: {role: leaf}
    leaf4: {role: leaf}
    edge1: {role: border}
    edge2: {role: border}
  pairs:
    pair1: [leaf3, leaf4]
  links:
    - [leaf1:1, spine1:1]
    - [leaf2:1, spine1:2]
    - [leaf3:1, spine1:3]
    - [leaf4:1, spine1:4]
    - [edge1:1, spine1:5]
    - [edge2:1, spine1:6]
  hosts:
    one: {port: leaf1:11, mac: 02:00:00:00:01:01}
    near: {port: leaf1:12, mac: 02:00:00:00:01:02}
    two: {port: leaf2:11, mac: 02:00:00:00:02:01}
    single: {port: leaf3:11, mac: 02:00:00:00:03:01}
    dual: {ports: [leaf3:12, leaf4:12], mac: 02:00:00:00:03:02}
    trunk: {port: leaf2:12, mac: 02:00:00:00:02:02, mode: trunk}
    border1: {port: edge1:11, mac: 02:00:00:00:f0:01, mode: legacy}
    border2: {port: edge2:11, mac: 02:00:00:00:f0:02, mode: legacy}
    stranger1: {port: leaf1:13, mac: 02:00:00:00:05:01}
    stranger2: {port: leaf2:13, mac: 02:00:00:00:05:02}
"""

EVERYBODY = 0xFFFF_FFFF_FFFF
HOSTS = ("one", "near", "two", "single", "dual", "trunk", "border1", "border2")
BORDERS = ("border1", "border2")
NETWORKS = {"a": "red", "b": "red", "c": "red", "d": "red", "x": "blue", "y": "blue"}
"""The endpoints of the tenant, and the network of each."""

STRANGERS = """
---
apiVersion: clos/v1
kind: Tenant
metadata: {name: strangers}
spec:
  networks: {green: {subnet: 10.9.0.0/24, vlan: 90, broadcast: true}}
  endpoints: {s1: 10.9.0.11 on stranger1, s2: 10.9.0.12 on stranger2}
  groups: {all: {networks: [green]}}
  policies: [{from: all, to: all, services: [any]}]
"""


_BANK = f"""
apiVersion: clos/v1
kind: Tenant
metadata: {{{{name: bank}}}}
spec:
  networks:
    red: {{{{subnet: 10.1.0.0/24, vlan: 70, broadcast: true}}}}
    blue: {{{{subnet: 10.2.0.0/24, vlan: 80, broadcast: true}}}}
  endpoints: {{{{{{}}}}}}
  groups: {{{{all: {{{{networks: [red, blue]}}}}}}}}
  policies: [{{{{from: all, to: all, services: [any]}}}}]
{STRANGERS.replace("{", "{{").replace("}", "}}")}"""


def possible(places: Places) -> bool:
    """Whether a network is at one border at most, and a host without tags has endpoints of one network."""
    for network in set(NETWORKS.values()):
        if len({host for name, host in places.items() if NETWORKS[name] == network and host in BORDERS}) > 1:
            return False
    tagged = {*BORDERS, "trunk"}
    held = {(host, NETWORKS[name]) for name, host in places.items() if host not in tagged}
    return len({host for host, _ in held}) == len(held)


def fabric() -> Topology:
    topology, problems = load_topology(Text("fabric.yaml", TOPOLOGY))
    assert topology is not None, problems
    return topology


def intent(places: Places, topology: Topology) -> Intent:
    """The intent by which the tenant's endpoints stand there, beside strangers with a network of their own."""
    found, problems = load_intent([Text("bank.yaml", _BANK.format(", ".join(map(_row, places.items()))))], topology)
    assert found is not None, problems
    return found


def _row(placed: tuple[str, str]) -> str:
    name, host = placed
    number, network = list(NETWORKS).index(name) + 11, NETWORKS[name]
    ip = f"10.{1 if network == 'red' else 2}.0.{number}"
    return f"{name}: {{host: {host}, network: {network}, ip: {ip}, mac: 02:00:00:00:aa:{number}}}"


def change(was: Places, now: Places, topology: Topology) -> tuple[Compiled, Compiled]:
    """What the fabric holds with the endpoints there, and what with them here."""
    old = compile_fabric(intent(was, topology), topology)
    return old, compile_fabric(intent(now, topology), topology, previous=old)


def on_the_way(old: Compiled, new: Compiled) -> Iterator[tuple[str, Ruleset]]:
    """The states of the plan from one to the other, each with the name of the batch that leads to it."""
    for batch, ruleset in states(old.ruleset, diff(old.ruleset, new.ruleset)):
        yield batch.name, ruleset


def broken(old: Compiled, new: Compiled) -> list[str]:
    """What is not proved of the plan's states; nothing when every claim is."""
    found = []
    for name, ruleset in on_the_way(old, new):
        report = verify_during(old.intent, new.intent, new.topology, states_of(ruleset))
        found += _said(name, report)
    return found + _said("the end", verify_states(new.intent, new.topology, states_of(new.ruleset)))


def _said(name: str, report: Report) -> list[str]:
    assert report.refused is None
    return [f"after {name}: {one.claim}: {one.text}" for one in report.counterexamples]


def receivers(ruleset: Ruleset, topology: Topology, endpoint: str, host: str) -> list[tuple[str, int | None]]:
    """The hosts that get a broadcast which the endpoint sends where this host is, each with the tag it comes with."""
    number, network = list(NETWORKS).index(endpoint) + 11, NETWORKS[endpoint]
    source = 0x0A01_0000 if network == "red" else 0x0A02_0000
    frame = build.udp(
        eth_src=0x0200_0000_AA00 | int(str(number), 16), eth_dst=EVERYBODY, ipv4_src=source + number,
        ipv4_dst=source + 255, udp_src=68, udp_dst=67, vlan=tag(host, network),
    )  # fmt: skip
    _, got = run(ruleset, topology, topology.hosts[host].ports[0], frame)
    return [(arrival.host, _vid(arrival.packet)) for arrival in got]


def tag(host: str, network: str) -> int | None:
    """The VLAN id with which a host knows a network."""
    vid = 70 if network == "red" else 80
    return vid if host == "trunk" or host in BORDERS else None


def _vid(packet: Packet) -> int | None:
    data = packet.to_bytes()
    return int.from_bytes(data[14:16], "big") & 0xFFF if data[12:14] == b"\x81\x00" else None
