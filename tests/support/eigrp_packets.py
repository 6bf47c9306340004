"""Random EIGRP and HSRP packets."""

from __future__ import annotations

from random import Random

from clos.fabric.protocols.eigrp import packet as e
from clos.fabric.protocols.eigrp.metric import UNREACHABLE, KValues, Vector
from clos.fabric.protocols.eigrp.routes import External, Prefix, Route
from clos.fabric.protocols.hsrp import packet as h


def prefix(rng: Random) -> Prefix:
    length = rng.randint(0, 32)
    return Prefix(rng.getrandbits(32) & ~((1 << (32 - length)) - 1), length)


def vector(rng: Random, wide: bool) -> Vector:
    """One that both forms can say: whole tens of microseconds, a divisor of 10^7 as bandwidth."""
    if rng.random() < 0.1:
        return UNREACHABLE
    kbps = rng.choice((1, 10, 64, 1000, 10_000, 100_000, 1_000_000, 10_000_000))
    tail = rng.randint(68, 9216), rng.randint(0, 100), rng.randint(0, 255), rng.randint(1, 255)
    if wide:
        return Vector(rng.randint(0, (1 << 47)), rng.randint(1, (1 << 32) - 1), *tail)
    return Vector(rng.randint(0, 16_000_000) * 10_000_000, kbps, *tail)


def route(rng: Random, wide: bool) -> Route:
    outside = None
    if rng.random() < 0.5:
        outside = External(rng.getrandbits(32), rng.getrandbits(32), rng.getrandbits(32), rng.getrandbits(32), 3, 0)
    hop = rng.choice((0, rng.getrandbits(32)))
    return Route(
        prefix(rng), vector(rng, wide), outside, hop, rng.choice((0, 2, 4)), rng.getrandbits(32) if wide else 0
    )


def eigrp(rng: Random) -> e.Packet:
    opcode = rng.choice(sorted(e.OPCODES))
    if opcode == e.HELLO:
        return e.Packet(
            opcode,
            rng.getrandbits(16),
            acknowledge=rng.choice((0, rng.getrandbits(32))),
            parameters=e.Parameters(KValues(1, 0, 1, 0, 0, 0), rng.randint(1, 65535)),
            listed=rng.choice((None, (0x0A000001,), (0x0A000001, 0x0A000002))),
            release=e.Release((12, 4), rng.choice(((1, 2), (2, 0)))),
            multicast_sequence=rng.choice((None, rng.getrandbits(32))),
            stub=rng.choice((None, *range(1, 33))),
            terminated=rng.random() < 0.1,
        )
    wide = rng.random() < 0.5
    routes = tuple(route(rng, wide) for _ in range(rng.randint(0 if opcode == e.UPDATE else 1, 6)))
    flags = rng.choice((0, e.INIT, e.END_OF_TABLE, e.CONDITIONAL_RECEIVE, e.RESTART))
    head = opcode, rng.getrandbits(16), flags, rng.randint(1, (1 << 32) - 1), rng.choice((0, rng.getrandbits(32)))
    return e.Packet(*head, routes=routes, wide=wide and bool(routes))


def hsrp(rng: Random) -> h.Packet:
    version = rng.choice((1, 2))
    opcode, state = rng.choice((h.HELLO, h.COUP, h.RESIGN)), rng.randint(h.INITIAL, h.ACTIVE)
    group, priority = rng.randint(0, h.LAST_GROUP[version]), rng.randint(0, 255)
    if version == 1:
        times = 1000 * rng.randint(1, 255), 1000 * rng.randint(1, 255)
        return h.Packet(1, opcode, state, group, priority, *times, rng.getrandbits(32), rng.randbytes(8))
    times = rng.randint(15, 254_000), rng.randint(50, 255_000)
    text = rng.choice((None, b"cisco\0\0\0"))
    return h.Packet(2, opcode, state, group, priority, *times, rng.getrandbits(32), text, rng.getrandbits(48))
