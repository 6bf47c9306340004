"""Hostile bytes: whatever arrives, the codec answers with a message or a DecodeError, soon and in little memory."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from clos.fabric.dataplane.action import PopVlan
from clos.fabric.dataplane.match import ANY
from clos.fabric.dataplane.rule import Instructions, Rule
from clos.fabric.openflow import DecodeError, Framer, answer, decode, encode
from clos.fabric.openflow.constants import FlowModCommand
from clos.fabric.openflow.errors import CODES
from clos.fabric.openflow.messages import FlowMod
from tests.support.examples import EXAMPLES
from tests.support.openflow_strategies import MESSAGES
from tests.support.work import Work, calls

MUTANTS = 100 * EXAMPLES
WORK = 4
"""Calls of functions for each byte of a message, at most."""
SEED = 0xC105
_EDGES = (0, 1, 3, 4, 7, 8, 15, 16, 24, 0x7F, 0x80, 0xFE, 0xFF)

Mutation = Callable[[random.Random, bytearray, bytes], None]


def _flip(rng: random.Random, data: bytearray, other: bytes) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _edge(rng: random.Random, data: bytearray, other: bytes) -> None:
    data[rng.randrange(len(data))] = rng.choice(_EDGES)


def _word(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data)) & ~1
    data[at : at + 2] = rng.choice((b"\0\0", b"\0\1", b"\xff\xff", rng.randbytes(2), b"\0" + rng.randbytes(1)))


def _cut(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 4, 8, 400))]


def _repeat(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data)) & ~7
    data[at:at] = data[at : at + rng.choice((1, 4, 8, 16, 24))] * rng.choice((1, 1, 2, 9))


def _splice(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data)) & ~3
    data[at:] = other[rng.randrange(len(other)) & ~3 :]


RICH = ("FlowMod", "FlowStatsReply", "GroupMod", "PacketOut", "BundleAdd", "MeterMod", "TableFeaturesReply")
"""Messages with much inside, to be mutated more often."""
MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _edge, _edge, _word, _word, _cut, _repeat, _splice)


@cache
def seeds() -> list[bytes]:
    """Valid frames of every kind, the same in every run."""
    frames: list[bytes] = []
    for kind in sorted(MESSAGES, key=lambda kind: kind.__name__):

        @settings(
            max_examples=80 if kind.__name__ in RICH else 8,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(MESSAGES[kind])
        def collect(message: object) -> None:
            frames.append(encode(message, 1))

        collect()
    return frames


def mutate(rng: random.Random, frames: list[bytes]) -> bytes:
    """One to three mutations; the header's version and length are mostly mended, so that the inside is reached."""
    data = bytearray(rng.choice(frames))
    other = rng.choice(frames)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if data:
            rng.choice(MUTATIONS)(rng, data, other)
    if len(data) >= 8 and rng.random() < 0.9:
        del data[0xFFFF:]
        data[0] = 4
        data[2:4] = len(data).to_bytes(2, "big")
    return bytes(data)


def check_error(problem: DecodeError, frame: bytes) -> None:
    assert problem.code in set(CODES[problem.type])
    assert problem.text
    reply = answer(problem, frame)
    assert decode(encode(reply, problem.xid)) == (reply, problem.xid)


def test_mutated_messages_decode_or_raise_the_error_to_answer() -> None:
    rng = random.Random(SEED)
    frames = seeds()
    decoded = refused = read = 0
    work = Work()
    for _ in range(MUTANTS):
        frame = mutate(rng, frames)
        read += len(frame)
        try:
            with work:
                message, xid = decode(frame)
        except DecodeError as problem:
            refused += 1
            check_error(problem, frame)
        else:
            decoded += 1
            assert decode(encode(message, xid)) == (message, xid)
    assert min(decoded, refused) > MUTANTS // 10
    assert work.calls < WORK * (read + 10 * MUTANTS)


def test_random_bytes_through_the_framer_end_in_frames_or_a_fault() -> None:
    rng = random.Random(SEED)
    frames = seeds()
    faults = 0
    for _ in range(300):
        framer = Framer()
        stream = b"".join(mutate(rng, frames) for _ in range(20)) + rng.randbytes(200)
        fed = given_back = 0
        try:
            while fed < len(stream):
                step = rng.choice((1, 7, 64, 1500))
                for frame in framer.feed(stream[fed : fed + step]):
                    assert len(frame) == int.from_bytes(frame[2:4], "big") >= 8
                    assert stream[given_back : given_back + len(frame)] == frame
                    given_back += len(frame)
                fed += step
        except DecodeError as problem:
            assert problem is framer.fault
            faults += 1
    assert 0 < faults < 300


def _heavy(kind: int, head: str, piece: str, *lengths: tuple[int, int], tail: int = 0) -> bytes:
    """A message of some 65,000 bytes: ``head``, then ``piece`` over and over, then zeros.

    ``lengths``: (where in the body a 16-bit length stands, where what it measures begins).
    """
    start, unit = bytes.fromhex(head), bytes.fromhex(piece)
    body = bytearray(start + unit * ((65_000 - len(start)) // len(unit)))
    for at, begin in lengths:
        body[at : at + 2] = (len(body) - begin).to_bytes(2, "big")
    body += bytes(tail)
    return b"\4" + bytes([kind]) + (8 + len(body)).to_bytes(2, "big") + bytes(4) + body


_MATCH = "00010000"
HEAVY = {
    "hello elements": _heavy(0, "", "0009000800000000"),
    "a bitmap": _heavy(0, "00010000", "ffffffff", (2, 0)),
    "actions": _heavy(13, "ffffffff00000001" + "00" * 8, "0012000800000000", (8, 16)),
    "buckets": _heavy(15, "0000000000000001", "00100000ffffffffffffffff00000000"),
    "bands": _heavy(29, "0000000100000001", "00010010000000010000000000000000"),
    "fields": _heavy(14, "00" * 40 + _MATCH, "8000000400000001", (42, 40), tail=4),
    "fields of no class": _heavy(14, "00" * 40 + _MATCH, "0001000400000001", (42, 40), tail=4),
    "instructions": _heavy(14, "00" * 40 + "0001000400000000", "0005000800000000"),
    "write-actions": _heavy(14, "00" * 40 + "0001000400000000" + "0003000000000000", "0012000800000000", (50, 48)),
    "table feature ids": _heavy(18, "000c" + "00" * 6 + "00" * 64 + "00000000", "00020004", (8, 8), (74, 72)),
    "table features": _heavy(19, "000c" + "00" * 6, "0040" + "00" * 62),
    "queue properties": _heavy(23, "00" * 8 + "00" * 16, "00010010" + "00" * 12, (16, 8)),
    "bundle properties": _heavy(4, "4f4e4600000008fc0000000100000000", "ffff000c" + "00" * 12),
    "packet-in fields": _heavy(10, "00" * 16 + _MATCH, "0001000400000001", (18, 16), tail=6),
    "flow statistics": _heavy(19, "0001000000000000", "003800" + "00" * 45 + "0001000400000000"),
    "bucket counters": _heavy(19, "0006000000000000" + "00" * 40, "00" * 16, (8, 8)),
}
"""The longest messages, full of the smallest parts."""


REFUSED = {"fields": "DUP_FIELD", "fields of no class": "BAD_FIELD", "instructions": "DUP_INSTRUCTION"}


@pytest.mark.parametrize("name", HEAVY)
def test_the_heaviest_messages_take_little_time_and_memory(name: str) -> None:
    frame = HEAVY[name]
    assert calls(lambda: decode(frame), DecodeError) < WORK * len(frame)
    tracemalloc.start()
    try:
        decode(frame)
        outcome = "decoded"
    except DecodeError as problem:
        outcome = CODES[problem.type](problem.code).name
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome == REFUSED.get(name, "decoded")
    assert peak < 32 << 20


def test_long_flow_mods_are_not_remembered() -> None:
    """So the memo of flow-mods, bounded in number, is bounded in bytes too."""
    frame = encode(FlowMod(FlowModCommand.ADD, Rule(1, 1, ANY, Instructions(apply=(PopVlan(),) * 70))))
    assert decode(frame)[0] == decode(frame)[0]
    assert decode(frame)[0] is not decode(frame)[0]
