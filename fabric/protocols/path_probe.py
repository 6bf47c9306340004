"""Path probes: frames by which a controller learns whether cables and spines carry what they are given.

Lives here: the frame as bytes, and what a frame that came back says. Must not know: sockets, clocks, topologies, what
a loss means.

A probe looks like any frame inside the fabric: the outer tag (IEEE 802.1ad) bears the node tag of the leaf it is for.
All that follows the tag is covered by a digest under the sender's key (RFC 2104), so that nobody else can make one and
not a bit of it changes unnoticed. The Ethernet type is one of those for local experiments (IEEE 802-2014 §9.2.3).

    tag | type 0x88B5 | number (8) | digest (16) | filling, up to the size
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import NamedTuple

PROBED = 0x02C1_0588_CC01
"""The address probes go to: locally administered, nobody's."""
SOURCE = 0x02C1_0588_CC00
ETH_PROBE = 0x88B5
ETH_QINQ = 0x88A8
DIGEST = 16
_HEAD = 16
"""Bytes of the addresses and the tag."""
_FILLING = bytes(range(256)) * 7
LEAST, MOST = 64, 1522
"""Sizes of a probe in bytes: the smallest frame, and the largest of a host with its two tags."""


class Probe(NamedTuple):
    """A probe's number as the frame tells it; ``sound``: every bit of it is as it was sent."""

    number: int
    sound: bool


def encode(number: int, tag: int, size: int, key: bytes) -> bytes:
    """The frame for the leaf with this node tag, ``size`` bytes long."""
    header = PROBED.to_bytes(6) + SOURCE.to_bytes(6) + ETH_QINQ.to_bytes(2) + tag.to_bytes(2)
    body = ETH_PROBE.to_bytes(2) + number.to_bytes(8)
    filling = _FILLING[number & 0xFF :][: size - _HEAD - len(body) - DIGEST]
    return header + body + _digest(body + filling, key) + filling


def decode(data: bytes, key: bytes) -> Probe | None:
    """What a frame that came back says; None for one that is no probe, or not recognisable any more."""
    body, rest = data[_HEAD : _HEAD + 10], data[_HEAD + 10 :]
    if len(data) < LEAST or data[:6] != PROBED.to_bytes(6) or body[:2] != ETH_PROBE.to_bytes(2):
        return None
    digest, filling = rest[:DIGEST], rest[DIGEST:]
    return Probe(int.from_bytes(body[2:]), hmac.compare_digest(digest, _digest(body + filling, key)))


def _digest(said: bytes, key: bytes) -> bytes:
    return hmac.digest(key, said, sha256)[:DIGEST]
