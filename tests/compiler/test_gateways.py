"""Gateways that keep another router's MAC address, and networks whose gateway is not the fabric's."""

from __future__ import annotations

from clos.controller.compile import compile_fabric
from clos.controller.intent.load import load_intent
from clos.controller.intent.model import Intent
from clos.controller.intent.source import Text
from clos.fabric.generate import clos
from clos.fabric.packet import build
from clos.fabric.packet.build import Packet
from clos.fabric.topology import Topology
from tests.support.compiled_run import run
from tests.support.reference import meaning

HSRP, FABRIC, A, B, C, LEGACY = (
    0x00000C07AC0A,
    0x02C105000001,
    0x0A0000000001,
    0x0A0000000002,
    0x0A0000000003,
    0x0A04,
)
TEXT = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: bank}
spec:
  networks:
    old: {subnet: 10.0.10.0/24, gateway: {ip: 10.0.10.1, mac: 00:00:0c:07:ac:0a}}
    new: {subnet: 10.0.20.0/24}
    outside: {subnet: 10.0.30.0/24, gateway: none}
  endpoints:
    a: {ip: 10.0.10.11, host: h1-1, mac: 0a:00:00:00:00:01}
    b: {ip: 10.0.20.11, host: h2-1, mac: 0a:00:00:00:00:02}
    c: {ip: 10.0.30.11, host: h2-2, mac: 0a:00:00:00:00:03}
    router: {ip: 10.0.30.1, host: h1-2, mac: 00:00:00:00:0a:04}
  groups: {all: {networks: [old, new, outside]}}
  policies: [{from: all, to: all, services: [any]}]
"""


def _wanted() -> tuple[Intent, Topology]:
    topology = clos(2, 2, hosts_per_leaf=2)
    intent, problems = load_intent(Text("bank.yaml", TEXT), topology)
    assert problems == () and intent is not None
    return intent, topology


def _sent(host: str, packet: Packet) -> list[tuple[str, dict[str, int]]]:
    """Which hosts get the packet, and what its headers are then; the rules and the intent's meaning agree on it."""
    intent, topology = _wanted()
    at = topology.hosts[host].ports[0]
    _, got = run(compile_fabric(intent, topology).ruleset, topology, at, packet)
    assert got == meaning(intent, topology, at, packet)
    return [(arrival.host, arrival.packet.headers()) for arrival in got]


def _ip(text: str) -> int:
    return int.from_bytes(bytes(map(int, text.split("."))), "big")


def _ping(source: int, target: int, ip_src: str, ip_dst: str) -> Packet:
    return build.icmp_echo(eth_src=source, eth_dst=target, ipv4_src=_ip(ip_src), ipv4_dst=_ip(ip_dst))


def test_a_gateway_answers_arp_with_the_mac_address_it_was_given() -> None:
    ((host, answer),) = _sent("h1-1", build.arp_request(A, _ip("10.0.10.11"), _ip("10.0.10.1")))
    assert host == "h1-1" and answer["eth_src"] == answer["arp_sha"] == HSRP


def test_what_is_routed_into_a_network_comes_from_its_own_gateway() -> None:
    ((there, asked),) = _sent("h1-1", _ping(A, HSRP, "10.0.10.11", "10.0.20.11"))
    ((back, answered),) = _sent("h2-1", _ping(B, FABRIC, "10.0.20.11", "10.0.10.11"))
    assert (there, asked["eth_src"]) == ("h2-1", FABRIC)
    assert (back, answered["eth_src"]) == ("h1-1", HSRP)


def test_the_fabrics_own_address_is_nobody_where_the_gateway_was_given_another() -> None:
    assert _sent("h1-1", _ping(A, FABRIC, "10.0.10.11", "10.0.20.11")) == []
    assert _sent("h2-1", _ping(B, HSRP, "10.0.20.11", "10.0.10.11")) == []


def test_whichever_gateway_is_pinged_the_senders_own_answers() -> None:
    for gateway in ("10.0.10.1", "10.0.20.1"):
        ((_, answer),) = _sent("h1-1", _ping(A, HSRP, "10.0.10.11", gateway))
        assert (answer["eth_src"], answer["ipv4_src"]) == (HSRP, _ip(gateway))
        ((_, answer),) = _sent("h2-1", _ping(B, FABRIC, "10.0.20.11", gateway))
        assert (answer["eth_src"], answer["ipv4_src"]) == (FABRIC, _ip(gateway))


def test_nothing_is_routed_into_or_out_of_a_network_without_a_gateway() -> None:
    assert _sent("h1-1", _ping(A, HSRP, "10.0.10.11", "10.0.30.11")) == []
    assert _sent("h2-2", _ping(C, FABRIC, "10.0.30.11", "10.0.10.11")) == []


def test_an_endpoint_may_be_the_gateway_of_a_network_without_one() -> None:
    ((host, answer),) = _sent("h2-2", build.arp_request(C, _ip("10.0.30.11"), _ip("10.0.30.1")))
    assert host == "h2-2" and answer["arp_sha"] == LEGACY
    ((host, _),) = _sent("h2-2", _ping(C, LEGACY, "10.0.30.11", "10.0.10.11"))
    assert host == "h1-2"
