"""The codec by itself: everything that is encoded decodes to the same, and bad bytes get the error a switch answers."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.match import BadMatch as UnfitMatch
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import DROP, Band, Bucket, GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block
from clos.fabric.openflow import (
    DecodeError,
    Framer,
    answer,
    decode,
    encode,
    encode_pages,
    messages,
    multipart,
    pack_block,
    pack_rule,
    rule_xid,
)
from clos.fabric.openflow import errors as e
from clos.fabric.openflow.codec import _parse
from clos.fabric.openflow.constants import FlowModCommand, GroupModCommand, MeterModCommand
from clos.fabric.openflow.errors import CODES, ErrorType
from clos.fabric.openflow.memo import Memo
from clos.fabric.openflow.messages import (
    BundleAdd,
    EchoReply,
    EchoRequest,
    Error,
    FlowMod,
    GroupMod,
    Hello,
    Message,
    MeterMod,
    PacketIn,
)
from clos.fabric.openflow.multipart import (
    FlowStats,
    FlowStatsReply,
    ForeignFlow,
    ForeignGroup,
    ForeignMeter,
    GroupDescReply,
    MeterConfig,
    MeterConfigReply,
)
from clos.fabric.openflow.oxm import pack_match, pack_term, parse_match, parse_terms
from clos.fabric.packet.fields import BY_NUMBER
from tests.support.bad_frames import ADD, BAD, PORT_1
from tests.support.openflow_strategies import MESSAGES, flow_stats, groups, matches, rules, u32

KINDS = sorted(MESSAGES, key=lambda kind: kind.__name__)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_every_message_class_has_a_strategy() -> None:
    classes = {
        item
        for module in (messages, multipart)
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, Message) and item not in (Message, multipart.Multipart)
    }
    assert classes == set(MESSAGES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_encoded_decodes_to_the_same(kind: type) -> None:
    @quick
    @given(MESSAGES[kind], u32)
    def law(message: Message, xid: int) -> None:
        frame = encode(message, xid)
        assert decode(frame) == (message, xid)
        assert int.from_bytes(frame[2:4], "big") == len(frame)

    law()


def test_messages_of_different_types_are_never_equal() -> None:
    assert EchoRequest(b"x") != EchoReply(b"x")


# --- rules: the hot path


@quick
@given(rules, st.sampled_from(FlowModCommand))
def test_a_packed_rule_is_the_flow_mod_of_that_rule(rule: Rule, command: FlowModCommand) -> None:
    frame = pack_rule(rule, command)
    meant = rule if command < FlowModCommand.DELETE else rule._replace(instructions=DROP)
    assert frame == encode(FlowMod(command, meant), rule_xid(rule, command))
    assert decode(frame) == (FlowMod(command, meant), rule_xid(rule, command))


@quick
@given(st.lists(rules, max_size=6))
def test_a_block_is_its_rules_in_falling_table_order(some: list[Rule]) -> None:
    block = Block(some)
    packed = pack_block(block)
    decoded = [decode(frame)[0].rule for frame in Framer().feed(packed)]
    assert decoded == sorted(some, key=lambda rule: -rule.table)
    assert block.packed is packed
    assert pack_block(block) is packed


def test_equal_flow_mods_decode_to_one_shared_rule() -> None:
    frame = pack_rule(Rule(3, 7, Match.of(eth_dst=5), Instructions(goto=4)))
    assert decode(frame)[0] is decode(bytes(bytearray(frame)))[0]


@quick
@given(matches())
def test_a_match_round_trips_whatever_the_order_of_its_fields_allows(match: Match) -> None:
    assert parse_match(pack_match(match), 0) == (match, len(pack_match(match)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_wire_takes_a_match_exactly_where_the_model_does(data: st.DataObject) -> None:
    """Over arbitrary terms in OXM order, legal or not: ``parse_terms`` and ``Match.checked`` agree."""
    terms = []
    for field in data.draw(st.lists(st.sampled_from(BY_NUMBER), max_size=5, unique=True)):
        wide = (1 << 8 * field.octets) - 1
        value = data.draw(st.sampled_from((0, 1, 6, 58, 135, 0x800, 0x86DD, 0x1001, field.full, wide)))
        mask = data.draw(st.sampled_from((None, None, None, 0, 1, 0x1000, field.full, wide)))
        terms.append((field.name, value & wide, mask if mask is None else mask & wide))
    terms.sort(key=lambda term: [field.name for field in BY_NUMBER].index(term[0]))
    try:
        expected: Match | None = Match.checked(terms)
    except UnfitMatch:
        expected = None
    try:
        got: Match | None = parse_terms(b"".join(map(pack_term, terms)))
    except DecodeError as problem:
        assert problem.type == ErrorType.BAD_MATCH
        got = None
    assert got == expected


def test_fields_out_of_order_are_sorted_but_prerequisites_come_first() -> None:
    terms = {
        name: pack_term((name, value, None)) for name, value in (("eth_type", 0x800), ("ipv4_dst", 9), ("in_port", 1))
    }
    match = parse_terms(terms["eth_type"] + terms["ipv4_dst"] + terms["in_port"])
    assert match == Match.of(in_port=1, eth_type=0x800, ipv4_dst=9)
    with pytest.raises(DecodeError) as caught:
        parse_terms(terms["ipv4_dst"] + terms["eth_type"])
    assert caught.value.code == e.BadMatch.BAD_PREREQ


# --- groups and meters


def test_weights_are_written_for_select_groups_only() -> None:
    def weights(kind: str) -> list[int]:
        frame = encode(GroupMod(GroupModCommand.ADD, GroupEntry(1, kind, (Bucket((), 5), Bucket((), 9)))))
        return [int.from_bytes(frame[at + 2 : at + 4], "big") for at in (16, 32)]

    assert weights("select") == [5, 9]
    assert [weights(kind) for kind in ("all", "indirect", "ff")] == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("meter", "flags"),
    [(Meter(1, (Band(5),)), 9), (Meter(1, (Band(5),), packets=True), 10), (Meter(1, (Band(5, burst=1),)), 13)],
)
def test_a_meter_implies_its_flags(meter: Meter, flags: int) -> None:
    frame = encode(MeterMod(MeterModCommand.ADD, meter))
    assert int.from_bytes(frame[10:12], "big") == flags
    assert decode(encode(MeterMod(MeterModCommand.ADD, meter, flags)))[0] == MeterMod(MeterModCommand.ADD, meter)


# --- pages


@quick
@given(st.lists(flow_stats, max_size=5), st.booleans())
def test_pages_hold_all_entries_and_only_the_last_ends(entries: list[FlowStats], more: bool) -> None:
    message = FlowStatsReply(tuple(entries), more=more)
    pages = [decode(frame) for frame in encode_pages(message, 9)]
    assert pages == [(message, 9)]


def test_pages_fit_and_say_that_more_follow() -> None:
    rule = Rule(
        1, 2, Match.of(eth_type=0x86DD, ipv6_dst=7), Instructions(apply=tuple(act.Output(n) for n in range(1, 40)))
    )
    message = FlowStatsReply(tuple(FlowStats(rule._replace(cookie=n), n) for n in range(500)))
    frames = list(encode_pages(message, 5))
    pages = [decode(frame)[0] for frame in frames]
    assert len(frames) > 1
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
    assert tuple(entry for page in pages for entry in page.entries) == message.entries
    with pytest.raises(ValueError, match="65535"):
        encode(message)


def test_a_page_never_comes_out_empty_unless_it_is_all() -> None:
    groups_of_63k = GroupEntry(1, "all", (Bucket(tuple(act.Output(n) for n in range(1, 3900))),))
    pages = [decode(frame)[0] for frame in encode_pages(GroupDescReply((groups_of_63k, groups_of_63k)))]
    assert [len(page.entries) for page in pages] == [1, 1]
    assert [decode(frame)[0] for frame in encode_pages(GroupDescReply())] == [GroupDescReply()]


# --- what a switch holds that is not ours


def _spoil(frame: bytes, old: bytes, new: bytes) -> bytes:
    assert frame.count(old) == 1
    return frame.replace(old, new)


def test_a_foreign_flow_does_not_hide_the_others() -> None:
    mine = FlowStats(Rule(1, 2, Match.of(in_port=0x0BADCAFE), DROP, cookie=3))
    other = FlowStats(Rule(4, 5, Match.of(tunnel_id=0xFEEDFEED), DROP, cookie=6))
    frame = encode(FlowStatsReply((other, mine)))
    oxm = pack_term(("tunnel_id", 0xFEEDFEED, None))
    foreign_frame = _spoil(frame, oxm, b"\x00\x01" + oxm[2:])
    reply, _ = decode(foreign_frame)
    foreign, ours = reply.entries
    assert ours == mine
    assert isinstance(foreign, ForeignFlow)
    assert (foreign.table, foreign.priority, foreign.cookie) == (4, 5, 6)
    assert encode(reply) == foreign_frame


def test_foreign_groups_and_meters_do_not_hide_the_others() -> None:
    entry = GroupEntry(7, "all", (Bucket((act.SetQueue(0xFEEDFEED),)),))
    frame = encode(GroupDescReply((entry, entry._replace(group=8, buckets=()))))
    frame = _spoil(frame, b"\x00\x15\x00\x08\xfe\xed", b"\xff\xff\x00\x08\xfe\xed")
    reply, _ = decode(frame)
    assert isinstance(reply.entries[0], ForeignGroup)
    assert (reply.entries[0].group, reply.entries[1].group, encode(reply)) == (7, 8, frame)

    frame = encode(MeterConfigReply((MeterConfig(Meter(9, (Band(0xFEED),))), MeterConfig(Meter(10, ())))))
    frame = _spoil(frame, b"\x00\x01\x00\x10\x00\x00\xfe\xed", b"\xff\xff\x00\x10\x00\x00\xfe\xed")
    reply, _ = decode(frame)
    assert isinstance(reply.entries[0], ForeignMeter)
    assert (reply.entries[0].meter, reply.entries[1].meter.meter, encode(reply)) == (9, 10, frame)


def test_a_packet_in_with_registers_is_still_a_packet_in() -> None:
    register = bytes.fromhex("00010004") + b"\0\0\0\1"
    frame = encode(PacketIn(Match.of(in_port=3, tunnel_id=4), b"abc"))
    oxm = pack_term(("tunnel_id", 4, None))
    frame = _spoil(frame, oxm, register + oxm[:0] + bytes.fromhex("80004d00"))
    assert decode(frame)[0] == PacketIn(Match.of(in_port=3), b"abc")


# --- bad bytes


@pytest.mark.parametrize("name", BAD)
def test_bad_bytes_get_the_error_a_switch_answers(name: str) -> None:
    frame, code = BAD[name]
    with pytest.raises(DecodeError) as caught:
        decode(frame)
    assert caught.value.code == code, str(caught.value)
    assert CODES[caught.value.type] is type(code)


def test_an_error_names_the_xid_and_quotes_the_frame() -> None:
    frame = encode(FlowMod(ADD, Rule(9, 1, Match.of(in_port=1), Instructions(goto=3))), xid=77)
    with pytest.raises(DecodeError) as caught:
        decode(frame)
    assert caught.value.xid == 77
    reply = answer(caught.value, frame)
    assert reply == Error(ErrorType.BAD_INSTRUCTION, e.BadInstruction.BAD_TABLE_ID, frame[:64])
    assert str(reply) == "BAD_INSTRUCTION/BAD_TABLE_ID"


def test_a_bundle_error_is_answered_under_the_onf_identifier() -> None:
    frame, _ = BAD["bundle in a bundle"]
    with pytest.raises(DecodeError) as caught:
        decode(frame)
    reply = answer(caught.value, frame)
    assert (reply.type, reply.code, reply.experimenter) == (0xFFFF, e.OnfFailed.MSG_UNSUP, 0x4F4E4600)
    assert decode(encode(reply))[0] == reply


def test_hello_and_errors_of_other_versions_are_understood() -> None:
    assert decode(b"\6\0\0\x08\0\0\0\1") == (Hello((), 6), 1)
    assert decode(b"\1\1\0\x0c\0\0\0\1\0\0\0\0") == (Error(0, 0), 1)


def test_values_that_do_not_fit_are_refused_by_encode() -> None:
    port = messages.PortStatus(0, messages.Port(1, name="a name much too long for a port"))
    unfit = Rule(0, 1 << 16, PORT_1, DROP)
    long = Rule(0, 1, PORT_1, Instructions(apply=(act.Output(1),) * 5000))
    for rule in (unfit, long):
        with pytest.raises(ValueError, match="field"):
            pack_rule(rule)
    with pytest.raises(ValueError, match="field"):
        list(encode_pages(FlowStatsReply((FlowStats(unfit),))))
    for message in (
        port,
        messages.TableMod(256),
        FlowMod(ADD, Rule(0, 0, Match.trusted([("in_port", 1 << 40, None)]), DROP)),
    ):
        with pytest.raises(ValueError, match="field"):
            encode(message)


# --- the stream


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(*[MESSAGES[kind] for kind in KINDS]), max_size=5), st.data())
def test_frames_come_out_whole_however_the_stream_is_cut(some: list[Message], data: st.DataObject) -> None:
    frames = [encode(message, n) for n, message in enumerate(some)]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    framer = Framer()
    got = [frame for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) for frame in framer.feed(stream[a:b])]
    assert got == frames
    assert framer.fault is None


def test_a_lost_stream_gives_what_came_before_and_then_raises_for_good() -> None:
    framer = Framer()
    good = encode(EchoRequest(b"x"))
    assert framer.feed(good + b"\4\0\0\7\0\0\0\x2a" + good) == [good]
    assert framer.fault is not None
    for _ in range(2):
        with pytest.raises(DecodeError, match="BAD_REQUEST/BAD_LEN") as caught:
            framer.feed(good)
        assert caught.value.xid == 42


def test_a_lost_stream_with_nothing_before_raises_at_once() -> None:
    with pytest.raises(DecodeError, match="length 0"):
        Framer().feed(bytes(8))


def test_a_framer_keeps_less_than_one_message() -> None:
    framer = Framer()
    frame = encode(EchoRequest(bytes(60_000)))
    for at in range(0, len(frame) * 3, 997):
        framer.feed((frame * 3)[at : at + 997])
        assert len(framer._rest) < 65_536


# --- memo


def test_a_memo_forgets_the_oldest_but_not_what_is_in_use() -> None:
    asked: list[int] = []

    def square(n: int) -> int:
        asked.append(n)
        return n * n

    memo: Memo[int, int] = Memo(square, limit=3)
    for n in range(20):
        assert memo[n] == n * n
        assert memo[0] == 0
        assert len(memo) + len(memo._old) <= 6
    assert asked == list(range(20))


@quick
@given(groups())
def test_watching_nothing_is_any_port_and_any_group(entry: GroupEntry) -> None:
    frame = encode(GroupMod(GroupModCommand.ADD, entry))
    at = 16
    for bucket in entry.buckets:
        watched = tuple(0xFFFFFFFF if w is None else w for w in (bucket.watch_port, bucket.watch_group))
        assert (
            int.from_bytes(frame[at + 4 : at + 8], "big"),
            int.from_bytes(frame[at + 8 : at + 12], "big"),
        ) == watched
        at += int.from_bytes(frame[at : at + 2], "big")
    assert at == len(frame)


@settings(max_examples=100, deadline=None)
@given(rules, u32, u32, st.integers(0, 3), st.integers(0, 2**32))
def test_an_ordinary_bundle_add_is_read_as_any_other(rule: Rule, bundle: int, xid: int, flags: int, seed: int) -> None:
    """The short way for what a controller sends by the thousand gives what the long way gives, neighbours included."""
    chance = random.Random(seed)
    frame = bytearray(encode(BundleAdd(bundle, flags, FlowMod(FlowModCommand.ADD, rule)), xid))
    for flips in (0, 0, 1, 1, 1, 2):
        near = bytearray(frame)
        for _ in range(flips):
            near[chance.randrange(8, min(72, len(near)))] ^= 1 << chance.randrange(8)
        short, long = (_read(decode, bytes(near)), _read(_by_the_long_way, bytes(near)))
        assert short == long, near.hex()


def _read(reader: Callable[[bytes], object], frame: bytes) -> object:
    try:
        return reader(frame)
    except DecodeError as error:
        return error.type, error.code, error.xid


def _by_the_long_way(frame: bytes) -> object:
    xid = int.from_bytes(frame[4:8], "big")
    try:
        return _parse(frame[0], frame[1], frame[8:], xid), xid
    except DecodeError as error:
        error.xid = xid
        raise
