"""Laws of packing and of cutting into windows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from clos.controller.plan import ADD, DELETE, MODIFY, Push
from clos.controller.wire.encoding import (
    WINDOW_BYTES,
    WINDOW_MESSAGES,
    encode_push,
    pack,
    windows,
    wrap,
)
from clos.fabric.dataplane.action import Output
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.openflow import Framer, decode
from clos.fabric.openflow.constants import FlowModCommand, GroupModCommand, MeterModCommand
from clos.fabric.openflow.messages import BundleAdd, FlowMod, GroupMod, MeterMod


def rule(i, actions=1):
    return Rule(0, i, Match.of(eth_dst=i), Instructions(apply=(Output(1),) * actions))


GROUP = GroupEntry(1, "select", (Bucket((Output(1),), 1, 1),))
METER = Meter(1, (Band(100),))
BLOCK = Block([rule(1), rule(2)], [GROUP], [METER])


def sent(op, block=BLOCK):
    return [decode(frame) for frame in Framer().feed(encode_push(Push(op, block, ("leaf1",))).data)]


def test_adds_and_modifies_of_rules_overwrite_and_deletes_are_strict():
    commands = {op: {m.command for m, _ in sent(op) if isinstance(m, FlowMod)} for op in (ADD, MODIFY, DELETE)}
    assert commands == {
        ADD: {FlowModCommand.ADD},
        MODIFY: {FlowModCommand.ADD},
        DELETE: {FlowModCommand.DELETE_STRICT},
    }


def test_groups_and_meters_have_commands_of_their_own():
    for op, group, meter in (
        (ADD, GroupModCommand.ADD, MeterModCommand.ADD),
        (MODIFY, GroupModCommand.MODIFY, MeterModCommand.MODIFY),
        (DELETE, GroupModCommand.DELETE, MeterModCommand.DELETE),
    ):
        messages = [message for message, _ in sent(op)]
        assert [m.command for m in messages if isinstance(m, GroupMod)] == [group]
        assert [m.command for m in messages if isinstance(m, MeterMod)] == [meter]


def test_what_others_refer_to_comes_first_and_goes_last():
    kinds = [type(message) for message, _ in sent(ADD)]
    assert kinds == [MeterMod, GroupMod, FlowMod, FlowMod]
    assert [type(message) for message, _ in sent(DELETE)] == kinds[::-1]


def test_message_i_carries_xid_i_and_speaks_of_entry_i():
    cargo = encode_push(Push(ADD, BLOCK, ("leaf1",)))
    assert [xid for _, xid in sent(ADD)] == [0, 1, 2, 3]
    assert cargo.entries == (METER, GROUP, rule(1), rule(2))


def test_an_empty_push_is_no_bytes():
    assert encode_push(Push(ADD, Block(), ("leaf1",))).data == b""


# Rules of about 100 to 6,500 bytes, in cargos of any size, some of them empty.
cargos = st.lists(
    st.lists(st.sampled_from([1, 1, 1, 40, 400]), max_size=30).map(
        lambda sizes: pack((ADD, rule(i, size)) for i, size in enumerate(sizes))
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(cargos)
def test_windows_hold_every_message_once_in_order(cargos):
    sent = b"".join(bytes(piece.data) for window in windows(cargos) for piece in window)
    assert sent == b"".join(cargo.data for cargo in cargos)


@settings(max_examples=60, deadline=None)
@given(cargos)
def test_windows_are_bounded_and_none_is_empty(cargos):
    for window in windows(cargos):
        count = sum(piece.last - piece.first for piece in window)
        assert 1 <= count <= WINDOW_MESSAGES
        assert sum(len(piece.data) for piece in window) <= WINDOW_BYTES


def test_many_small_pushes_share_windows():
    small = [pack([(ADD, rule(i))]) for i in range(2 * WINDOW_MESSAGES)]
    assert len(list(windows(small))) == 2


def test_a_piece_knows_its_own_messages_by_number_and_bytes():
    cargo = pack([(ADD, rule(1)), (ADD, rule(2))])
    ((piece,),) = windows([cargo])
    quoted = cargo.data[cargo.start(1) :][:64]
    assert piece.holds(1, quoted)
    assert not piece.holds(0, quoted)
    assert not piece.holds(2, quoted)


def test_a_wrapped_cargo_is_bundle_adds_of_the_same_messages():
    cargo = encode_push(Push(ADD, Block(BLOCK.rules, BLOCK.groups), ("leaf1",)))
    wrapped = wrap(cargo, 5, 3)
    assert wrapped is not None
    plain = [decode(frame) for frame in Framer().feed(cargo.data)]
    assert [decode(frame) for frame in Framer().feed(wrapped.data)] == [(BundleAdd(5, 3, x), xid) for x, xid in plain]
    assert wrapped.entries == cargo.entries


def test_meters_and_messages_too_long_for_a_bundle_stay_outside():
    assert wrap(encode_push(Push(ADD, BLOCK, ("leaf1",))), 5, 3) is None
    one, two = (pack([(ADD, rule(1, n))]).ends[0] for n in (1, 2))
    most = 1 + (65_535 - 24 - one) // (two - one)
    assert wrap(pack([(ADD, rule(1, most))]), 5, 3) is not None
    assert wrap(pack([(ADD, rule(1, most + 1))]), 5, 3) is None
