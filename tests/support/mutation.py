"""Bytes that were a message once: some changed, cut, repeated or put in."""

from __future__ import annotations

import struct
from random import Random


def mutated(rng: Random, data: bytes) -> bytes:
    """The bytes with some changed, cut, repeated or put in."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(5):
            case 0 if out:
                out[at] = rng.randrange(256)
            case 1 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                del out[at:]
            case 3:
                out[at:at] = rng.randbytes(rng.randint(1, 8))
            case _ if len(out) > 4:
                struct.pack_into("!H", out, min(at, len(out) - 2), rng.choice((0, 1, 4, 5, 0xFFFF, 0x8000)))
    return bytes(out)
