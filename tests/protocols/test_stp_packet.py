"""BPDUs as bytes: back and forth, in tshark's eyes, mutated, and refused."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clos.fabric.protocols.pvst.frame import IEEE_GROUP, SSTP_GROUP, StpFrame, decode_frame, encode_frame
from clos.fabric.protocols.pvst.packet import CONFIGURATION, NOTIFICATION, RAPID, BadBpdu, Bpdu, decode, encode
from clos.fabric.protocols.pvst.port import PortConfig
from clos.fabric.protocols.pvst.switch import PvstSwitch, SwitchPort
from clos.fabric.protocols.pvst.vector import Times, Vector, bridge_id, port_id
from tests.support.examples import EXAMPLES
from tests.support.tshark import TSHARK, complaints, dissected

priorities = st.sampled_from(range(0, 61441, 4096))
macs = st.integers(0, 2**48 - 1)
bridges = st.builds(bridge_id, priorities, st.integers(0, 4095), macs)
ports = st.builds(port_id, st.sampled_from(range(0, 241, 16)), st.integers(1, 4095))
vectors = st.builds(Vector, bridges, st.integers(0, 2**32 - 1), bridges, ports)
times = st.builds(Times, st.integers(0, 5), st.integers(6, 40), st.integers(1, 10), st.integers(4, 30))
flag = st.booleans()
configurations = st.tuples(vectors, times, flag, flag).map(lambda f: Bpdu(CONFIGURATION, f[0], f[1], 3, f[2], f[3]))
rapid = st.builds(
    Bpdu, st.just(RAPID), vectors, times, st.integers(0, 3), flag, st.just(False), flag, flag, flag, flag
)  # fmt: skip
bpdus = st.one_of(configurations, rapid, st.just(NOTIFICATION))
vlans = st.none() | st.integers(1, 4094)
frames = st.builds(StpFrame, macs, bpdus, vlans, vlans)


@settings(max_examples=EXAMPLES)
@given(frames)
def test_what_is_sent_is_read(frame: StpFrame) -> None:
    assert decode(encode(frame.bpdu)) == frame.bpdu
    assert decode_frame(encode_frame(frame)) == frame
    assert len(encode_frame(frame)) >= 60


def test_a_configuration_of_vlan_10_is_these_octets() -> None:
    """The pad octet stands between the 35 octets of a configuration and the TLV; the length field counts it."""
    vector = Vector(bridge_id(32768, 10, 0xA), 4, bridge_id(32768, 10, 0xB), port_id(128, 3))
    frame = encode_frame(StpFrame(0xB, Bpdu(CONFIGURATION, vector, Times(1)), 10, 10))
    assert frame.hex() == (
        "01000ccccccd" "00000000000b" "8100e00a" "0032" "aaaa0300000c010b"
        "0000" "00" "00" "00" "800a00000000000a" "00000004" "800a00000000000b" "8003" "0100140002000f00"
        "00" "00000002000a"
    )  # fmt: skip


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_reads_every_form_as_it_was_meant_and_complains_of_none(tmp_path: Path) -> None:
    sent = _samples()
    fields = (
        "eth.dst", "vlan.id", "stp.version", "stp.type", "stp.root.prio", "stp.root.ext", "stp.root.hw",
        "stp.root.cost", "stp.port", "stp.max_age", "stp.pvst.origvlan",
    )  # fmt: skip
    read = dissected(map(encode_frame, sent), tmp_path)
    assert [text for layers in read for text in complaints(layers)] == []
    assert [tuple(_value(layers, field) for field in fields) for layers in read] == list(map(_expected, sent))


def _value(layers: Any, field: str) -> str:
    """A field wherever it lies in tshark's tree; nothing where it is not."""
    if isinstance(layers, list):
        return next(filter(None, (_value(layer, field) for layer in layers)), "")
    if not isinstance(layers, dict):
        return ""
    own = layers.get(field)
    return own if isinstance(own, str) else _value(list(layers.values()), field)


def _samples() -> list[StpFrame]:
    random, found = Random(1), []
    for number in range(200):
        bridge = bridge_id(random.randrange(0, 61441, 4096), random.randint(0, 4094), random.getrandbits(48))
        vector = Vector(bridge, random.getrandbits(32), bridge, port_id(128, random.randint(1, 4095)))
        flags = [random.random() < 0.5 for _ in range(4)]
        kinds = (
            Bpdu(CONFIGURATION, vector, Times(1), topology_change=flags[0], acknowledged=flags[1]),
            Bpdu(RAPID, vector, Times(1), random.randint(1, 3), flags[0], False, *flags),
            NOTIFICATION,
        )
        vlan = random.randint(1, 4094)
        tag, pvid = random.choice([(None, None), (None, vlan), (vlan, vlan)])
        found.append(StpFrame(random.getrandbits(40), kinds[number % 3], tag, pvid))
    return found


def _expected(frame: StpFrame) -> tuple[str, ...]:
    bpdu, group = frame.bpdu, IEEE_GROUP if frame.pvid is None else SSTP_GROUP
    head = (group.to_bytes(6).hex(":"), "" if frame.tag is None else str(frame.tag))
    vlan = "" if frame.pvid is None else str(frame.pvid)
    if bpdu == NOTIFICATION:
        return (*head, "0", "0x80", "", "", "", "", "", "", "")  # tshark reads no TLV behind a notification
    root, version = bpdu.vector.root, "2" if bpdu.kind == RAPID else "0"
    identity = (str(root >> 60 << 12), str(root >> 48 & 0xFFF), (root & 2**48 - 1).to_bytes(6).hex(":"))
    rest = (str(bpdu.vector.cost), f"0x{bpdu.vector.port:04x}", "20", vlan)
    return (*head, version, f"0x{bpdu.kind:02x}", *identity, *rest)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\x81", b"\0\0\0\2" + bytes(40), b"\0\1" + bytes(40), bytes(34)])
def test_what_is_no_bpdu_is_refused(data: bytes) -> None:
    with pytest.raises(BadBpdu):
        decode(data)


def test_a_configuration_as_old_as_its_max_age_is_refused() -> None:
    old = Bpdu(CONFIGURATION, times=Times(age=20))
    with pytest.raises(BadBpdu, match="max age"):
        decode(encode(old))


def _switch() -> PvstSwitch:
    ports = [SwitchPort(1, {vlan: PortConfig(1, 4) for vlan in (1, 10)}), SwitchPort(2, {1: PortConfig(2, 4)}, False)]
    switch = PvstSwitch(5, {1: 32768, 10: 32768}, ports, rapid=True)
    for number in (1, 2):
        switch.link_up(number, 0.0)
    return switch


def _memory(switch: PvstSwitch) -> str:
    """All that the trees remember, as text."""
    return repr([(machine.root_vector, machine.root_times, machine.ports) for machine in switch.machines.values()])


def test_mutated_frames_crash_nothing_and_refused_ones_change_nothing() -> None:
    random, refused, taken = Random(7), 0, 0
    switch, now = _switch(), 0.0
    samples = [encode_frame(frame) for frame in _samples()] + [
        encode_frame(StpFrame(1, frame.bpdu, tag, 10)) for frame in _samples() for tag in (10, None)
    ]
    for _ in range(10 * EXAMPLES):
        data, before = _mutated(random, random.choice(samples)), None
        try:
            frame = decode_frame(data)
        except BadBpdu:
            refused += 1
            continue
        port = random.choice((1, 2))
        if port == 1 and frame.tag not in (
            None,
            1,
            10,
        ):  # at the access port a trunk's BPDU makes the types inconsistent
            before = _memory(switch)
        now += 0.01
        switch.receive(port, frame, now)
        assert before in (None, _memory(switch))
        switch.tick(now)
        taken += 1
    assert refused > EXAMPLES and taken > EXAMPLES


def _mutated(random: Random, data: bytes) -> bytes:
    """One to three octets changed, or the end cut off, or octets put in."""
    octets = bytearray(data)
    for _ in range(random.randint(1, 3)):
        kind, at = random.randrange(4), random.randrange(len(octets)) if octets else 0
        if kind < 2 and octets:
            octets[at] = random.randrange(256)
        elif kind == 2:
            del octets[at:]
        else:
            octets[at:at] = random.randbytes(random.randint(1, 4))
    return bytes(octets)
