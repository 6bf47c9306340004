"""EIGRP's and HSRP's packets: what is written is read again, tshark agrees, and nothing else than Malformed escapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clos.fabric.protocols.eigrp import authentication as eauth
from clos.fabric.protocols.eigrp import packet as eigrp
from clos.fabric.protocols.eigrp.metric import UNREACHABLE, Composite, KValues, Vector, extended
from clos.fabric.protocols.eigrp.routes import External, Malformed, Prefix, Route
from clos.fabric.protocols.hsrp import packet as hsrp
from tests.support import eigrp_packets as random
from tests.support.examples import EXAMPLES
from tests.support.mutation import mutated
from tests.support.tshark import TSHARK, complaints, dissected, ipv4_frame, udp

ROUNDS = max(50, EXAMPLES // 2)
ME = 0x0A000001


def test_what_is_written_is_read_again() -> None:
    rng = Random(1)
    for _ in range(ROUNDS):
        packet = random.eigrp(rng)
        assert eigrp.decode(eigrp.encode(packet)) == packet
        other = random.hsrp(rng)
        assert hsrp.decode(hsrp.encode(other)) == other


@pytest.mark.parametrize("method", (eauth.MD5, eauth.SHA256))
def test_a_digest_is_right_for_its_packet_key_and_sender_only(method: int) -> None:
    rng = Random(method)
    using = eauth.Authentication(method, b"secret", 7)
    for _ in range(50):
        packet = random.eigrp(rng)
        data = eauth.signed(packet, ME, using)
        assert replace(eauth.verified(data, ME, using), digest=None) == packet
        at = rng.choice([n for n in range(len(data)) if n not in (2, 3)])
        changed = eigrp.sealed(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
        for wrong in (using.__class__(method, b"other", 7), using.__class__(method, b"secret", 8), None):
            with pytest.raises(eauth.Unauthentic):
                eauth.verified(data, ME, wrong)
        with pytest.raises((eauth.Unauthentic, Malformed)):
            eauth.verified(changed, ME, using)
        with pytest.raises(eauth.Unauthentic):
            eauth.verified(eigrp.encode(packet), ME, using)
    assert "secret" not in repr(using)


def test_hsrp_is_authenticated_by_text_or_by_digest() -> None:
    rng, key = Random(3), hsrp.Keyed(b"secret", 1)
    for _ in range(50):
        packet = random.hsrp(rng)
        data = hsrp.signed(packet, ME, key)
        assert hsrp.verified(data, ME, None, key)._replace(digest=None) == packet
        with pytest.raises(hsrp.Unauthentic):
            hsrp.verified(data, ME + 1, None, key)
        with pytest.raises(hsrp.Unauthentic):
            hsrp.verified(data, ME, None, hsrp.Keyed(b"other", 1))
        with pytest.raises(hsrp.Unauthentic):
            hsrp.verified(data, ME, packet.text, None)
        with pytest.raises(hsrp.Unauthentic):
            hsrp.verified(hsrp.encode(packet), ME, b"another.", None)
        assert hsrp.verified(hsrp.encode(packet), ME, packet.text, None) == packet
    assert "secret" not in repr(key)


def test_virtual_macs_are_those_of_their_version() -> None:
    assert hsrp.virtual_mac(1, 10) == 0x0000_0C07_AC0A
    assert hsrp.virtual_mac(2, 4095) == 0x0000_0C9F_FFFF
    with pytest.raises(ValueError, match="group 256"):
        hsrp.virtual_mac(1, 256)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_reads_the_same_and_complains_of_nothing(tmp_path: Path) -> None:
    rng = Random(4)
    sent = [random.eigrp(rng) for _ in range(200)]
    layers = dissected((ipv4_frame(ME, eigrp.ALL_ROUTERS, 88, eigrp.encode(p)) for p in sent), tmp_path)
    for packet, seen in zip(sent, layers, strict=True):
        assert complaints(seen) == [], packet
        assert int(seen["eigrp"]["eigrp.opcode"]) == packet.opcode
        assert int(seen["eigrp"]["eigrp.checksum.status"]) == 1
        assert int(seen["eigrp"]["eigrp.as"]) == packet.asn
        found = _all(seen["eigrp"], "eigrp.ipv4.prefixlen")
        assert [int(n) for n in found] == [route.prefix.length for route in packet.routes]
        delays = _all(seen["eigrp"], "eigrp.old_metric.delay") or _all(seen["eigrp"], "eigrp.metric.delay")
        assert len(delays) == len(packet.routes)
    signed = [eauth.signed(p, ME, eauth.Authentication(m, b"k")) for p in sent[:20] for m in (2, 3)]
    for seen in dissected((ipv4_frame(ME, eigrp.ALL_ROUTERS, 88, data) for data in signed), tmp_path):
        assert complaints(seen) == []


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_reads_hsrp_too(tmp_path: Path) -> None:
    rng = Random(5)
    sent = [random.hsrp(rng) for _ in range(200)]
    frames = [
        ipv4_frame(ME, hsrp.GROUP_ADDRESS[p.version], 17, udp(1985, 1985, hsrp.signed(p, ME, key)))
        for p, key in zip(sent, [None, hsrp.Keyed(b"key", 1)] * 100, strict=True)
    ]
    for packet, seen in zip(sent, dissected(frames, tmp_path), strict=True):
        assert complaints(seen) == [], packet
        name = "hsrp" if packet.version == 1 else "hsrp2"
        assert int(_all(seen["hsrp"], f"{name}.group")[0]) == packet.group
        assert int(_all(seen["hsrp"], f"{name}.priority")[0]) == packet.priority
        address = _all(seen["hsrp"], f"{name}.virt_ip")[0]
        assert address == ".".join(map(str, packet.address.to_bytes(4)))


def test_no_mutation_of_a_packet_raises_anything_else() -> None:
    """100,000 with CLOS_EXAMPLES=34000; the checksum is made right, so that what is behind it is reached."""
    rng = Random(6)
    accepted = 0
    for _ in range(3 * EXAMPLES):
        data = mutated(rng, eigrp.encode(random.eigrp(rng)))
        try:
            eigrp.decode(eigrp.sealed(data) if len(data) > 4 else data)
            accepted += 1
        except Malformed as refused:
            assert str(refused)
        try:
            hsrp.decode(mutated(rng, hsrp.encode(random.hsrp(rng))))
            accepted += 1
        except hsrp.Malformed as refused:
            assert str(refused)
    assert accepted


def test_whatever_is_accepted_can_be_written_again() -> None:
    """A packet that was read is a value that this codec can write: nothing out of range gets in."""
    rng = Random(7)
    for _ in range(EXAMPLES):
        data = eigrp.sealed(mutated(rng, eigrp.encode(random.eigrp(rng))).ljust(5, b"\0"))
        try:
            packet = eigrp.decode(data)
        except Malformed:
            continue
        again = eigrp.decode(eigrp.encode(packet))
        assert replace(again, routes=(), wide=False) == replace(packet, routes=(), wide=False)
        assert [r.prefix for r in again.routes] == [r.prefix for r in packet.routes]


def test_metrics_are_those_that_routers_print() -> None:
    """Numbers of IOS: a gigabit link 2816, a loopback behind it 130816, ten times a wide redistribution."""
    gigabit, loopback = Vector(10**7, 10**6), Vector(500 * 10**7, 8 * 10**6)
    assert Composite().metric(gigabit) == 2816
    assert Composite().metric(extended(loopback, gigabit)) == 130816
    assert Composite().metric(Vector(10 * 10**7, 10**5)) == 28160
    assert Composite().metric(UNREACHABLE) == Composite(wide=True).metric(UNREACHABLE)
    wide = Composite(wide=True)
    assert wide.metric(extended(Vector(10 * 10**7, 10**6), gigabit)) == 7864320
    assert wide.in_table(7864320) == 61440
    assert Composite(KValues(1, 1, 1, 1, 1)).metric(Vector(10**7, 10**6, load=1, reliability=255)) == 11


def test_a_route_out_of_reach_stays_so_on_the_wire() -> None:
    external = Route(Prefix(0x0A000000, 8), UNREACHABLE, External(1))
    for wide in (False, True):
        packet = eigrp.Packet(eigrp.REPLY, 1, 0, 9, routes=(external,), wide=wide)
        assert eigrp.decode(eigrp.encode(packet)).routes == (external,)


def _all(value: Any, key: str) -> list[str]:
    """Every value of a field, however deep."""
    if isinstance(value, list):
        return [found for item in value for found in _all(item, key)]
    if not isinstance(value, dict):
        return []
    own = value.get(key, [])
    here = [v for v in (own if isinstance(own, list) else [own]) if isinstance(v, str)]
    return here + [found for k, item in value.items() if k != key for found in _all(item, key)]
