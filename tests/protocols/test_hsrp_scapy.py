"""HSRP version 1 as scapy's layer dissects it: every field the same, nothing left over."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest

pytest.importorskip("scapy", reason="compares with scapy, which the lab installs")

from scapy.layers.hsrp import HSRP, HSRPmd5
from scapy.layers.inet import UDP

from clos.fabric.protocols.hsrp import packet as hsrp
from tests.support import eigrp_packets as random
from tests.support.examples import EXAMPLES
from tests.support.tshark import udp

ME = 0x0A000001


def _version_1(rng: Random) -> hsrp.Packet:
    while True:
        packet = random.hsrp(rng)
        if packet.version == 1:
            return packet


def test_scapy_reads_every_field_of_version_1_as_it_was_written() -> None:
    rng = Random(9)
    for _ in range(max(50, EXAMPLES)):
        packet = _version_1(rng)
        seen = UDP(udp(1985, 1985, hsrp.encode(packet)))[HSRP]
        assert (seen.version, seen.opcode, seen.state) == (0, packet.opcode, (1 << packet.state) // 2)  # RFC 2281 §5.2
        assert (seen.group, seen.priority) == (packet.group, packet.priority)
        assert (seen.hellotime * 1000, seen.holdtime * 1000) == (packet.hello_ms, packet.hold_ms)
        assert IPv4Address(seen.virtualIP) == IPv4Address(packet.address)
        assert seen.auth == packet.text and not seen.payload


def test_scapy_reads_the_digest_of_a_signed_packet() -> None:
    rng = Random(10)
    for _ in range(20):
        data = hsrp.signed(_version_1(rng), ME, hsrp.Keyed(b"key", 7))
        digest = UDP(udp(1985, 1985, data))[HSRPmd5]
        assert (digest.type, digest.len, digest.algo, digest.keyid) == (4, 28, 1, 7)
        assert IPv4Address(digest.sourceip) == IPv4Address(ME) and bytes(digest) == data[20:]
