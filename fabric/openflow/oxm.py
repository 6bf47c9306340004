"""Matches as bytes: OXM TLVs <-> the terms of fabric.dataplane.match.Match.

Lives here: OXM headers, the ofp_match structure, what a switch refuses in a match. Must not know: messages.
Source: OpenFlow 1.3.5 §7.2.3. Matches speak only class 0x8000; others are BAD_FIELD, or skipped by ``parse_loose``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct, unpack_from
from typing import NamedTuple

from clos.fabric.dataplane.match import Match, Term
from clos.fabric.openflow.errors import BadMatch, bad
from clos.fabric.openflow.memo import Memo
from clos.fabric.openflow.shape import LONGEST, learn, recognise
from clos.fabric.packet.fields import BY_NUMBER, FIELDS, ORDER, VID_PRESENT, Field

OXM_CLASS = 0x8000
PADS = tuple(bytes(-size % 8) for size in range(8))
"""The bytes that bring a size to a multiple of eight: ``PADS[size % 8]``."""
_HEAD = Struct("!HH")
_MATCH_TYPE = 1


def header(field: Field, *, masked: bool = False) -> int:
    """The 32-bit OXM header of a field: class, number, has-mask bit, payload length (§7.2.3.2)."""
    size = field.octets * (2 if masked else 1)
    return OXM_CLASS << 16 | field.number << 9 | masked << 8 | size


class Tlv(NamedTuple):
    """What a known OXM header says of the TLV it opens; ``size`` counts the header."""

    name: str
    number: int
    needs: tuple[tuple[str, frozenset[int]], ...]
    size: int
    full: int
    middle: int  # where the mask begins, 0 for a field without

    @property
    def field(self) -> Field:
        return BY_NUMBER[self.number]


def _tlvs() -> Iterator[tuple[bytes, Tlv]]:
    for field in BY_NUMBER:
        middle = 4 + field.octets
        row = (field.name, field.number, field.needs)
        yield header(field).to_bytes(4, "big"), Tlv(*row, middle, field.full, 0)
        yield header(field, masked=True).to_bytes(4, "big"), Tlv(*row, middle + field.octets, field.full, middle)


TLVS: Mapping[bytes, Tlv] = dict(_tlvs())
"""Every legal header, masked or not, as its four bytes."""


def _nxm(kind: int, number: int, name: str) -> tuple[bytes, Field]:
    field = FIELDS[name]
    return (kind << 16 | number << 9 | field.octets).to_bytes(4, "big"), field


_NXM_ROWS = (
    (0, 1, "eth_dst"), (0, 2, "eth_src"), (0, 7, "ipv4_src"), (0, 8, "ipv4_dst"),
    (0, 9, "tcp_src"), (0, 10, "tcp_dst"), (0, 11, "udp_src"), (0, 12, "udp_dst"),
    (0, 15, "arp_op"), (0, 16, "arp_spa"), (0, 17, "arp_tpa"), (1, 17, "arp_sha"), (1, 18, "arp_tha"),
)  # fmt: skip
NXM: Mapping[bytes, Field] = dict(_nxm(*row) for row in _NXM_ROWS)
"""Nicira's older headers of the same fields: Open vSwitch reports moves in them, whatever they were sent in."""


def pack_term(term: Term) -> bytes:
    """One match term as an OXM TLV. Raises OverflowError for a value wider than its field's octets."""
    name, value, mask = term
    field = FIELDS[name]
    head = header(field, masked=mask is not None).to_bytes(4, "big")
    data = head + value.to_bytes(field.octets, "big")
    return data if mask is None else data + mask.to_bytes(field.octets, "big")


_TERMS: Memo[Term, bytes] = Memo(pack_term, 1 << 15)


def pack_match(match: Match) -> bytes:
    """The ofp_match structure, padded to eight bytes."""
    oxm = b"".join(map(_TERMS.__getitem__, match))
    size = 4 + len(oxm)
    return _HEAD.pack(_MATCH_TYPE, size) + oxm + PADS[size % 8]


def match_extent(data: bytes, at: int) -> tuple[int, int]:
    """Where the ofp_match at ``at`` ends: (end of its TLVs, end of its padding). Raises DecodeError."""
    if len(data) - at < 8:
        raise bad(BadMatch.BAD_LEN, f"{len(data) - at} bytes are left for a match, which takes at least 8")
    kind, size = _HEAD.unpack_from(data, at)
    if kind != _MATCH_TYPE:
        raise bad(BadMatch.BAD_TYPE, f"match type {kind} is not OXM")
    end = at + size
    padded = end + -size % 8
    if size < 4 or padded > len(data):
        raise bad(BadMatch.BAD_LEN, f"match length {size} with {len(data) - at} bytes left")
    return end, padded


def parse_terms(data: bytes) -> Match:
    """The match of concatenated OXM TLVs. Raises DecodeError with the code a switch answers (§7.2.3.5-8).

    A mask of all ones is no mask, one of all zeros no term, as in ``Match.checked``; a field's prerequisites
    must come before it.
    """
    if len(data) > LONGEST:
        return _parse_terms(data)[0]
    match = recognise(data)
    if match is None:
        match, places = _parse_terms(data)
        if len(places) == len(match):  # no term had a mask of all zeros
            learn(data, match, [places[name] for name, _, _ in match])
    return match


def _parse_terms(data: bytes) -> tuple[Match, dict[str, int]]:
    """The match, and where each field's TLV begins."""
    seen: dict[str, Term] = {}
    places: dict[str, int] = {}
    at, last, end, plain = 0, -1, len(data), True
    while at < end:
        tlv = TLVS.get(data[at : at + 4])
        if tlv is None:
            raise _unknown(data, at)
        name, number, needs, size, full, middle = tlv
        stop = at + size
        if stop > end:
            raise bad(BadMatch.BAD_LEN, f"{name}: the match ends inside it")
        if name in seen:
            raise bad(BadMatch.DUP_FIELD, f"{name}: given twice")
        if middle:
            mask = int.from_bytes(data[at + middle : stop], "big")
            seen[name] = _masked(number, int.from_bytes(data[at + 4 : at + middle], "big"), mask)
            plain = plain and mask != 0
        else:
            value = int.from_bytes(data[at + 4 : stop], "big")
            if value > full:
                raise bad(BadMatch.BAD_VALUE, f"{name}: {value:#x} does not fit in {full.bit_length()} bits")
            seen[name] = (name, value, None)
        if needs and seen[name][2] != 0:
            _check_prerequisite(name, needs, seen)
        plain = plain and number > last
        places[name] = at
        at, last = stop, number
    if plain:
        return Match.trusted(seen.values()), places
    return Match.trusted(sorted([term for term in seen.values() if term[2] != 0], key=_number)), places


def _number(term: Term) -> int:
    return ORDER[term[0]]


def _masked(number: int, value: int, mask: int) -> Term:
    name, _, _, maskable, *_ = field = BY_NUMBER[number]
    full = field.full
    if value & ~mask:
        raise bad(BadMatch.BAD_WILDCARDS, f"{name}: value {value:#x} has bits outside its mask {mask:#x}")
    if mask == full:
        return name, value, None
    if mask > full:
        raise bad(BadMatch.BAD_MASK, f"{name}: mask {mask:#x} does not fit in {field.bits} bits")
    if not maskable:
        raise bad(BadMatch.BAD_MASK, f"{name}: cannot be masked")
    return name, value, mask


def _check_prerequisite(name: str, needs: tuple[tuple[str, frozenset[int]], ...], seen: Mapping[str, Term]) -> None:
    for need, allowed in needs:
        term = seen.get(need)
        if need == "vlan_vid":
            met = term is not None and bool(term[1] & VID_PRESENT)
        else:
            met = term is not None and term[2] is None and term[1] in allowed
        if not met:
            raise bad(BadMatch.BAD_PREREQ, f"{name}: its prerequisite on {need} is not met before it")


def _unknown(data: bytes, at: int) -> Exception:
    if len(data) - at < 4:
        return bad(BadMatch.BAD_LEN, f"{len(data) - at} bytes after the last field")
    (head,) = unpack_from("!I", data, at)
    number = head >> 9 & 0x7F
    if head >> 16 != OXM_CLASS or number >= len(BY_NUMBER):
        return bad(BadMatch.BAD_FIELD, f"no field has OXM class {head >> 16:#06x} and number {number}")
    return bad(BadMatch.BAD_LEN, f"{BY_NUMBER[number].name}: payload length {head & 0xFF}")


def parse_match(data: bytes, at: int) -> tuple[Match, int]:
    """The ofp_match at ``at`` and where its padding ends. Raises DecodeError."""
    end, padded = match_extent(data, at)
    return parse_terms(data[at + 4 : end]), padded


def parse_loose(data: bytes, at: int) -> tuple[Match, int]:
    """The ofp_match at ``at`` as a packet-in carries it: what was seen, not what is demanded.

    Fields this codec does not know (registers, for one) are skipped, prerequisites are not asked for, and of a field
    given twice the first counts. Raises DecodeError only where lengths are wrong.
    """
    end, padded = match_extent(data, at)
    terms: dict[str, Term] = {}
    at += 4
    while at < end:
        size = 4 + data[at + 3] if end - at >= 4 else 4
        if at + size > end:
            raise bad(BadMatch.BAD_LEN, f"{end - at} bytes are left for a field of {size}")
        tlv = TLVS.get(data[at : at + 4])
        if tlv is not None:
            _take_loose(terms, tlv, data[at : at + size])
        at += size
    return Match.trusted(sorted(terms.values(), key=_number)), padded


def _take_loose(terms: dict[str, Term], tlv: Tlv, data: bytes) -> None:
    name, full, middle = tlv.name, tlv.full, tlv.middle
    value = int.from_bytes(data[4 : middle or tlv.size], "big") & full
    mask = int.from_bytes(data[middle:], "big") & full if middle else full
    if mask and name not in terms:
        terms[name] = (name, value & mask, None if mask == full else mask)
