"""Matches: which packets a rule speaks of.

Lives here: the match value, its laws (covers, overlaps), its checks. Must not know: rules, packets' bytes.
Source: OpenFlow 1.3.5 §5.3 and §7.2.3 (prerequisites, masks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from clos.fabric.packet.fields import FIELDS, ORDER, VID_PRESENT, text


class BadMatch(ValueError):
    """A match no OpenFlow switch would accept; the text says which field and why."""


Term = tuple[str, int, int | None]
"""(field name, value, mask); mask None means all bits. ``value & ~mask == 0`` always."""


class Match(tuple[Term, ...]):
    """An immutable match: terms sorted by OXM number, each field once. The empty match takes every packet.

    Equality and hashing are those of the tuple, so they run in C.

    >>> Match.of(eth_type=0x0800, ipv4_dst=(0x0A000000, 0xFF000000))
    Match(eth_type=0x800, ipv4_dst=10.0.0.0/8)
    """

    __slots__ = ()

    @classmethod
    def of(cls, **fields: int | tuple[int, int | None]) -> Match:
        """Build a checked match from ``field=value`` or ``field=(value, mask)``.

        Raises BadMatch: unknown field, value too wide, bits outside the mask, mask on an unmaskable
        field, or a missing prerequisite.
        """
        terms = [(k, v, None) if isinstance(v, int) else (k, v[0], v[1]) for k, v in fields.items()]
        return cls.checked(terms)

    @classmethod
    def checked(cls, terms: Iterable[Term]) -> Match:
        """The same from terms in any order; a mask of all ones becomes None, a mask of zero drops the term."""
        kept: dict[str, Term] = {}
        for name, value, mask in terms:
            term = _checked_term(name, value, mask)
            if name in kept:
                raise BadMatch(f"{name}: given twice")
            if term[2] != 0:
                kept[name] = term
        match = cls.trusted(sorted(kept.values(), key=lambda term: ORDER[term[0]]))
        for name, _, _ in match:
            _check_prerequisite(name, kept)
        return match

    @classmethod
    def trusted(cls, terms: Iterable[Term]) -> Match:
        """Without checks: the caller promises sorted, legal terms. For the compiler's hot path."""
        return tuple.__new__(cls, terms)

    def get(self, name: str) -> Term | None:
        return next((term for term in self if term[0] == name), None)

    def value(self, name: str) -> int | None:
        """The exact value demanded of the field, or None when it is absent or masked."""
        term = self.get(name)
        return term[1] if term is not None and term[2] is None else None

    def takes(self, headers: Mapping[str, int]) -> bool:
        """Whether a packet with these field values matches; an absent field matches nothing but its absence."""
        for name, value, mask in self:
            have = headers.get(name)
            if have is None or (have != value if mask is None else have & mask != value):
                return False
        return True

    def covers(self, other: Match) -> bool:
        """Whether every packet ``other`` takes is taken by this match too (OpenFlow 1.3.5 §6.4, non-strict)."""
        theirs = {term[0]: term for term in other}
        for name, value, mask in self:
            term = theirs.get(name)
            if term is None:
                return False
            full = FIELDS[name].full
            mine, wide = full if mask is None else mask, full if term[2] is None else term[2]
            if mine & ~wide or term[1] & mine != value:
                return False
        return True

    def overlaps(self, other: Match) -> bool:
        """Whether one packet could match both (OpenFlow 1.3.5 §6.4, OFPFF_CHECK_OVERLAP)."""
        theirs = {term[0]: term for term in other}
        for name, value, mask in self:
            term = theirs.get(name)
            if term is None:
                continue
            full = FIELDS[name].full
            both = (full if mask is None else mask) & (full if term[2] is None else term[2])
            if (value ^ term[1]) & both:
                return False
        return True

    def __str__(self) -> str:
        return ",".join(f"{n}={text(n, v, m)}" for n, v, m in self) or "any"

    def __repr__(self) -> str:
        return f"Match({', '.join(f'{n}={text(n, v, m)}' for n, v, m in self)})"


def _checked_term(name: str, value: int, mask: int | None) -> Term:
    field = FIELDS.get(name)
    if field is None:
        raise BadMatch(f"{name}: no such field")
    if not 0 <= value <= field.full:
        raise BadMatch(f"{name}: {value:#x} does not fit in {field.bits} bits")
    if mask is None or mask == field.full:
        return name, value, None
    if not 0 <= mask <= field.full:
        raise BadMatch(f"{name}: mask {mask:#x} does not fit in {field.bits} bits")
    if not field.maskable:
        raise BadMatch(f"{name}: cannot be masked")
    if value & ~mask:
        raise BadMatch(f"{name}: value {value:#x} has bits outside its mask {mask:#x}")
    return name, value, mask


def _check_prerequisite(name: str, terms: Mapping[str, Term]) -> None:
    for need, allowed in FIELDS[name].needs:
        term = terms.get(need)
        if need == "vlan_vid":
            if term is None or not term[1] & VID_PRESENT:
                raise BadMatch(f"{name}: needs a vlan_vid with the present bit")
        elif term is None or term[2] is not None or term[1] not in allowed:
            values = " or ".join(text(need, v) for v in sorted(allowed))
            raise BadMatch(f"{name}: needs {need} = {values}")


ANY = Match.trusted(())
"""The match that takes every packet."""
