"""Laws of the LLDP codec: what is said comes back, what is not ours is nobody's word, nothing a peer sends harms."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clos.controller.compile import compile_fabric
from clos.controller.intent.model import Intent
from clos.fabric.dataplane.step import step
from clos.fabric.dataplane.switch import SwitchModel
from clos.fabric.generate import clos
from clos.fabric.packet.build import Packet
from clos.fabric.protocols.lldp import Advertisement, NotLldp, Stranger, decode, encode

KEY = b"k" * 32
SAID = Advertisement(0x1F, 49, "leaf1", 1234, 15)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)
ADVERTISEMENTS = st.builds(
    Advertisement,
    dpid=st.integers(0, 2**64 - 1),
    port=st.integers(1, 0xFFFFFF00),
    name=NAMES,
    sent=st.integers(0, 2**63),
    ttl=st.integers(1, 0xFFFF),
)


@given(ADVERTISEMENTS, st.binary(max_size=46))
def test_what_is_said_comes_back_even_padded(said: Advertisement, padding: bytes) -> None:
    assert decode(encode(said, KEY) + padding, KEY) == said


def test_the_bytes_are_those_of_the_standard() -> None:
    """Read off IEEE 802.1AB-2016 §8 by hand; what follows the organisation's mark is time and digest."""
    frame = encode(SAID, KEY)
    assert frame.hex().startswith(
        "0180c200000e" "02c10588cc00" "88cc"
        "0211" "07" + b"000000000000001f".hex() + "0403" "07" + b"49".hex() + "0602" "000f" "0a05" + b"leaf1".hex()
        + "fe1c" "02c105" "01" "00000000000004d2"
    )  # fmt: skip
    assert frame.endswith(b"\0\0")


@given(ADVERTISEMENTS, st.data())
def test_one_changed_bit_is_not_our_word(said: Advertisement, data: st.DataObject) -> None:
    frame = bytearray(encode(said, KEY))
    at = data.draw(st.integers(14, len(frame) - 3))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = decode(bytes(frame), KEY)
    except NotLldp:
        return
    assert not isinstance(found, Advertisement)


def test_another_controllers_frame_is_a_strangers() -> None:
    found = decode(encode(SAID, b"other"), KEY)
    assert found == Stranger("000000000000001f", "49", "leaf1")
    assert str(found) == "leaf1 port 49"


def test_a_switch_of_another_maker_is_told_by_its_addresses() -> None:
    ids = bytes.fromhex("0207" "04" "001122334455" "0407" "03" "001122334456" "0602" "0078" "0000")  # fmt: skip
    frame = bytes.fromhex("0180c200000e" "001122334456" "88cc") + ids  # fmt: skip
    assert str(decode(frame, KEY)) == "00:11:22:33:44:55 port 00:11:22:33:44:56"


def test_what_a_stranger_says_cannot_write_on_a_terminal() -> None:
    said = SAID._replace(name="\x1b[2J\nroot")
    assert str(decode(encode(said, b"other"), KEY)) == "?[2J?root port 49"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read_and_never_harm(data: bytes) -> None:
    for frame in (data, bytes.fromhex("0180c200000e02c10588cc0088cc") + data):
        with suppress(NotLldp):
            assert not isinstance(decode(frame, KEY), Advertisement)


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 30])
def test_a_frame_that_is_cut_short_says_so(cut: int) -> None:
    with pytest.raises(NotLldp, match=r"cut short|missing"):
        decode(encode(SAID, KEY)[:-cut], KEY)


def test_the_rules_take_it_from_cables_to_the_controller_and_from_hosts_nowhere() -> None:
    topology = clos(2, 3, hosts_per_leaf=2, trunks_per_leaf=1, pairs=False)
    ruleset = compile_fabric(Intent(), topology).ruleset
    frame = Packet(encode(SAID, KEY))
    for switch in topology.switches:
        model = SwitchModel(ports=set(topology.ports[switch]))
        state = ruleset.state(switch)
        for meter in state.meters:
            model.add_meter(meter)
        for group in state.groups:
            model.add_group(group)
        for rule in state.rules:
            model.add(rule, 0)
        for port in topology.ports[switch]:
            done = step(model, port, frame)
            heard = [(punt.in_port, punt.table) for punt in done.packet_ins]
            cabled = any((end.switch, end.port) == (switch, port) for end in topology.peers)
            assert (heard, done.emissions) == ([(port, 0)] if cabled else [], ()), (switch, port)
            tagged = Packet(frame.data[:12] + bytes.fromhex("81000001") + frame.data[12:])
            assert step(model, port, tagged).packet_ins == ()
