"""BPDUs as bytes and back.

Lives here: configuration, topology change notification and rapid BPDUs. Must not know: Ethernet, VLANs, ports.
Source: IEEE 802.1D-2004 §9.2 (encoding), §9.3.1-9.3.3 (formats), §9.3.4 (validation). Times travel in 1/256 s.

    protocol 0 (2)   version (1)   type (1)   flags (1)   root (8)   cost (4)   bridge (8)   port (2)
    message age (2)   max age (2)   hello (2)   forward delay (2)   and, in a rapid BPDU, version 1 length: 0 (1)
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from clos.fabric.protocols.pvst.vector import DEFAULT_TIMES, NO_VECTOR, Times, Vector

CONFIGURATION, TCN, RAPID = 0x00, 0x80, 0x02
"""Types of BPDUs (§9.3.1-9.3.3)."""
STP, RSTP = 0, 2
"""Protocol version identifiers."""
UNKNOWN_ROLE, ALTERNATE_OR_BACKUP, ROOT_ROLE, DESIGNATED_ROLE = 0, 1, 2, 3
"""Port roles in the flags of a rapid BPDU (§9.2.9)."""

_FORMAT = struct.Struct(">HBBBQIQHHHHH")
LENGTH, TCN_LENGTH = _FORMAT.size, 4
TICKS = 256
"""Of the times' unit in a second (§9.2.8)."""


class BadBpdu(ValueError):
    """The bytes are no BPDU that §9.3.4 accepts; the text says why."""


class Bpdu(NamedTuple):
    """A BPDU. Of a topology change notification only ``kind`` counts; a configuration BPDU has no role and no flags
    but ``topology_change`` and ``acknowledged``."""

    kind: int
    vector: Vector = NO_VECTOR
    times: Times = DEFAULT_TIMES
    role: int = DESIGNATED_ROLE
    topology_change: bool = False
    acknowledged: bool = False
    proposal: bool = False
    agreement: bool = False
    learning: bool = False
    forwarding: bool = False


NOTIFICATION = Bpdu(TCN)


def encode(bpdu: Bpdu) -> bytes:
    """The octets from the protocol identifier on. Raises ValueError: a value that its field cannot hold."""
    if bpdu.kind == TCN:
        return bytes((0, 0, STP, TCN))
    rapid = bpdu.kind == RAPID
    times = (round(seconds * TICKS) for seconds in bpdu.times)
    try:
        head = _FORMAT.pack(0, RSTP if rapid else STP, bpdu.kind, _flags(bpdu), *bpdu.vector, *times)
    except struct.error as error:
        raise ValueError(f"{bpdu}: {error}") from None
    return head + b"\0" if rapid else head


def decode(data: bytes) -> Bpdu:
    """The BPDU at the beginning of the octets; what follows it is not read. Raises BadBpdu (§9.3.4)."""
    if len(data) < TCN_LENGTH or data[:2] != b"\0\0":
        raise BadBpdu("not the spanning tree protocol identifier")
    version, kind = data[2], data[3]
    if kind == TCN:
        return NOTIFICATION
    if kind not in (CONFIGURATION, RAPID) or (kind == RAPID and version < RSTP):
        raise BadBpdu(f"version {version} has no BPDU of type {kind:#04x}")
    if len(data) < LENGTH + (kind == RAPID):
        raise BadBpdu(f"{len(data)} octets are too few for type {kind:#04x}")
    _, _, _, flags, root, cost, bridge, port, *ticks = _FORMAT.unpack_from(data)
    times = Times(*(value / TICKS for value in ticks))
    if kind == CONFIGURATION and times.age >= times.max_age:
        raise BadBpdu(f"message age {times.age:g} s has reached max age {times.max_age:g} s")
    return _flagged(kind, Vector(root, cost, bridge, port), times, flags)


def _flags(bpdu: Bpdu) -> int:
    """Octet 5 (§9.3.1, §9.3.3)."""
    flags = int(bpdu.topology_change) | bpdu.acknowledged << 7
    if bpdu.kind == CONFIGURATION:
        return flags
    flags = int(bpdu.topology_change) | bpdu.proposal << 1 | (bpdu.role & 3) << 2
    return flags | bpdu.learning << 4 | bpdu.forwarding << 5 | bpdu.agreement << 6


def _flagged(kind: int, vector: Vector, times: Times, flags: int) -> Bpdu:
    bits = [bool(flags >> bit & 1) for bit in range(8)]
    if kind == CONFIGURATION:
        return Bpdu(kind, vector, times, DESIGNATED_ROLE, bits[0], bits[7])
    role = flags >> 2 & 3
    return Bpdu(kind, vector, times, role, bits[0], False, bits[1], bits[6], bits[4], bits[5])
