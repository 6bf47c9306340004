"""What a switch remembers of a packet beside its headers: Open vSwitch's registers and the like, as one wide metadata.

OpenFlow's own 64 bits come first, then registers, the state of a connection, the mark. All are 0 as a packet comes in.
Lives here: which bits each name stands for, and how such bits read. Must not know: lines, what rules do.
Source: ovs-fields(7), "Register Fields", "Conntrack Fields" and "Packet mark".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.controller.dump.words import Unread, clip, masked, number
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.rule import Instructions
from clos.fabric.packet.fields import text

REGISTERS, _FIRST = 16, 64
OWN = (1 << 64) - 1
"""The bits that OpenFlow has, too."""


class _Bits(NamedTuple):
    """``width`` bits from ``start`` on."""

    start: int
    width: int


_PLAIN: Mapping[str, _Bits] = {
    "metadata": _Bits(0, 64),
    **{f"reg{n}": _Bits(_FIRST + 32 * n, 32) for n in range(REGISTERS)},
    "ct_state": _Bits(576, 16),
    "ct_zone": _Bits(592, 16),
    "ct_mark": _Bits(608, 32),
    "ct_label": _Bits(640, 128),
    "pkt_mark": _Bits(768, 32),
}

_WIDE: Mapping[str, tuple[str, ...]] = {
    **{f"xreg{n}": (f"reg{2 * n}", f"reg{2 * n + 1}") for n in range(8)},
    **{f"xxreg{n}": tuple(f"reg{4 * n + k}" for k in range(4)) for n in range(4)},
}
"""Registers that are others side by side, the most significant first."""
_ALIKE = {**{f"pkt_reg{n}": f"xreg{n}" for n in range(8)}, "tun_metadata": "", "ct_labels": "ct_label"}

STATES = {"new": 1, "est": 2, "rel": 4, "rpl": 8, "inv": 16, "trk": 32, "snat": 64, "dnat": 128}
"""The bits of ct_state by their names."""


class RegisterBits(NamedTuple):
    """Bits of the wide metadata: a value under a mask."""

    value: int = 0
    mask: int = 0

    def then(self, other: RegisterBits) -> RegisterBits:
        """Both written, one after the other."""
        return RegisterBits(self.value & ~other.mask | other.value, self.mask | other.mask)


def canonical(name: str) -> str:
    """The name as it is known here: without NXM_NX_ and the like, in lower case; it may be no register's."""
    plain = name.lower()
    for prefix in ("nxm_nx_", "nxm_of_", "oxm_of_", "oxm_nx_"):
        plain = plain.removeprefix(prefix)
    return _ALIKE.get(plain, plain)


def width(name: str) -> int | None:
    """How many bits the name stands for; None where it is no register."""
    if name in _WIDE:
        return 32 * len(_WIDE[name])
    return _PLAIN[name].width if name in _PLAIN else None


def register_bits(name: str, value: int, mask: int) -> RegisterBits:
    """The bits of a register."""
    if name in _PLAIN:
        start = _PLAIN[name].start
        return RegisterBits((value & mask) << start, mask << start)
    made = RegisterBits()
    for part in reversed(_WIDE[name]):
        made = made.then(register_bits(part, value & 0xFFFFFFFF, mask & 0xFFFFFFFF))
        value, mask = value >> 32, mask >> 32
    return made


def matched_bits(name: str, word: str) -> RegisterBits:
    """What a match on a register looks for: ``value``, ``value/mask``, or ``+flag-flag`` of ct_state. Raises Unread."""
    bits = width(name) or 0
    if name == "ct_state" and word[:1] in ("+", "-"):
        return _flags(word)
    value, mask = masked(word, bits, name)
    return register_bits(name, value, mask)


def _flags(word: str) -> RegisterBits:
    value = mask = 0
    for part in word.replace("+", " +").replace("-", " -").split():
        if part[1:] not in STATES:
            raise Unread(f"ct_state {clip(part)}: no state of a connection")
        mask |= STATES[part[1:]]
        value |= STATES[part[1:]] if part[0] == "+" else 0
    return register_bits("ct_state", value, mask)


def loaded_bits(target: str, word: str) -> RegisterBits | None:
    """What a load of a number into (part of) a register writes; None where the target is no register. Raises Unread."""
    name, bracket, part = target.partition("[")
    name = canonical(name)
    bits = width(name)
    if bits is None:
        return None
    first, last = 0, bits - 1
    if bracket and part != "]":
        begin, dots, end = part.removesuffix("]").partition("..")
        first = number(begin, 16, target)
        last = number(end, 16, target) if dots else first
    if not first <= last < bits:
        raise Unread(f"{clip(target)}: no such bits")
    value = number(word, 128, target)
    if value >> (last - first + 1):
        raise Unread(f"{clip(target)}: {clip(word)} does not fit")
    return register_bits(name, value << first, (1 << last - first + 1) - 1 << first)


# ---- how they read


class WideMatch(Match):
    """A match that looks at registers, too, as ``metadata`` of more than 64 bits."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(_words(self)) or "any"


def _words(match: Match) -> Iterator[str]:
    for name, value, mask in match:
        if name == "metadata" and mask is not None:
            yield from _shown(RegisterBits(value, mask))
        else:
            yield f"{name}={text(name, value, mask)}"


def _shown(found: RegisterBits) -> Iterator[str]:
    for name, (start, bits) in _PLAIN.items():
        full = (1 << bits) - 1
        mask = found.mask >> start & full
        if mask:
            value = found.value >> start & full
            yield f"{name}={value:#x}" + ("" if mask == full else f"/{mask:#x}")


class WideInstructions(Instructions):
    """Instructions that write registers, too, as ``metadata`` of more than 64 bits."""

    __slots__ = ()

    def __str__(self) -> str:
        if self.metadata is None or not self.metadata[1] >> 64:
            return super().__str__()
        sets = [
            f"set_field:{word.partition('=')[2]}->{word.partition('=')[0]}"
            for word in _shown(RegisterBits(*self.metadata))
        ]
        rest = str(Instructions(*self)._replace(metadata=None, goto=None))
        goto = [] if self.goto is None else [f"goto_table:{self.goto}"]
        return ",".join([*([] if rest == "drop" else [rest]), *sets, *goto])


class ExitInstructions(WideInstructions):
    """Instructions after which nothing follows, in no table that called this one either (``exit``)."""

    __slots__ = ()


def wide_match(terms: list[Term], found: RegisterBits, plain: Match) -> Match:
    """``plain``, which is of ``terms``, with registers."""
    if not found.mask:
        return plain
    own = next((term for term in terms if term[0] == "metadata"), None)
    if own is not None:
        found = found.then(RegisterBits(own[1], OWN if own[2] is None else own[2]))
    rest = [term for term in plain if term[0] != "metadata"]
    at = next((i for i, term in enumerate(rest) if term[0] not in ("in_port", "in_phy_port")), len(rest))
    return WideMatch.trusted([*rest[:at], ("metadata", found.value, found.mask), *rest[at:]])
