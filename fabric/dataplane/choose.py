"""Which bucket of a SELECT group a packet takes.

Lives here: the choice, and a way to try every choice. Must not know: pipelines, ports.
Source: OpenFlow 1.3.5 §5.6.1: the selection is the switch's own; ours keeps a flow on one path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import TypeVar
from zlib import crc32

from clos.fabric.dataplane.rule import GroupEntry
from clos.fabric.packet.build import Packet

Choose = Callable[[GroupEntry, tuple[int, ...], Packet], tuple[int, ...]]
"""(group, indexes of its live buckets: never none, packet) -> the indexes taken."""

FLOW = (
    "eth_src", "eth_dst", "eth_type", "arp_spa", "arp_tpa", "ipv4_src", "ipv4_dst", "ipv6_src", "ipv6_dst", "ip_proto",
    "tcp_src", "tcp_dst", "udp_src", "udp_dst", "sctp_src", "sctp_dst",
)  # fmt: skip
"""The fields a flow's hash is of."""

T = TypeVar("T")


def flow_hash(packet: Packet, seed: int = 0) -> int:
    """32 bits that are the same for every packet of a flow: of its addresses and ports, and the seed (32 bits)."""
    fields = packet.headers()
    return hash_of(b"".join(fields[name].to_bytes(16, "big") for name in FLOW if name in fields), seed)


def hash_of(key: bytes, seed: int) -> int:
    """The hash of a flow whose fields of FLOW, 16 bytes each and most significant first, are ``key``."""
    return _mixed(crc32(key, seed))


def _mixed(value: int) -> int:
    """Spread a CRC's bits: CRCs of near addresses differ in few of them (the finaliser of MurmurHash3)."""
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def hash_bucket(group: GroupEntry, live: tuple[int, ...], packet: Packet, seed: int = 0) -> tuple[int, ...]:
    """One live bucket by the flow's hash, in proportion to the buckets' weights.

    ``partial(hash_bucket, seed=n)`` is the choice of switches that hash in another way.
    """
    return (chosen(bounds_of(group, live), flow_hash(packet, seed)),)


Bounds = tuple[tuple[int, int], ...]
"""Live buckets by their indexes, each with the sum of the weights up to it."""


def bounds_of(group: GroupEntry, live: tuple[int, ...]) -> Bounds:
    return tuple(zip(live, accumulate(group.buckets[i].weight for i in live), strict=True))


def chosen(bounds: Bounds, flow: int) -> int:
    """The index of the bucket that a flow of this hash takes."""
    point = flow * bounds[-1][1] >> 32
    return next(i for i, bound in bounds if point < bound)


def seed_of(choose: Choose) -> int | None:
    """The seed with which a choice is ``hash_bucket``; None for another choice."""
    if isinstance(choose, partial):
        seeded = choose.func is hash_bucket and not choose.args and choose.keywords.keys() <= {"seed"}
        return int(choose.keywords.get("seed", 0)) if seeded else None
    return 0 if choose is hash_bucket else None


def every_bucket(group: GroupEntry, live: tuple[int, ...], packet: Packet) -> tuple[int, ...]:
    """All live buckets at once: what may happen. Use ``explore`` to see each choice by itself."""
    return live


def explore(run: Callable[[Choose], T]) -> Iterator[T]:
    """The result of ``run`` for every sequence of choices it could meet.

    >>> outcomes = list(explore(lambda choose: step(switch, 1, packet, choose)))
    """
    script: list[int] = []
    while True:
        widths: list[int] = []
        yield run(_scripted(script, widths))
        turns = script + [0] * (len(widths) - len(script))
        while turns and turns[-1] + 1 >= widths[len(turns) - 1]:
            turns.pop()
        if not turns:
            return
        script = [*turns[:-1], turns[-1] + 1]


def _scripted(script: list[int], widths: list[int]) -> Choose:
    """Choose what the script says, turn by turn, then the first; note in ``widths`` how much choice there was."""

    def choose(group: GroupEntry, live: tuple[int, ...], packet: Packet) -> tuple[int, ...]:
        turn = script[len(widths)] if len(widths) < len(script) else 0
        widths.append(len(live))
        return (live[turn],)

    return choose
