"""Values of one width as atoms: classes of values that nothing under proof can tell apart.

A *set* of values is a Python integer, one bit per atom; union, intersection and complement are ``|``, ``&`` and
``& ~``. The atoms are the coarsest for which every (value, mask) that rules and claims mention is exactly a set.
The values that nothing mentions are *the rest*: all bits above the others, so that a set with the rest in it is a
negative integer, and a value that is mentioned later takes the next bit without any set having to change.
Lives here: making atoms, naming sets, picking values. Must not know: which header field a value is of.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

Region = tuple[int, int]
"""(value, mask): every value that agrees with ``value`` on the mask's bits; ``value & ~mask == 0``."""

MAX_REGIONS = 500_000


class Unmodelled(Exception):
    """Something in the rules that this prover cannot reason about; the text names it. Never a verdict."""


class ValueAtoms:
    """All values of ``bits`` bits, split by ``regions``. ``full`` is the set of all of them.

    The atom of a region is what it holds beyond the regions inside it; one that holds nothing more has no atom,
    so every atom has a value. The rest is the atom of (0, 0).
    """

    __slots__ = ("_atoms", "_exact", "_inside", "_masks", "_own", "_region", "bits", "full")

    def __init__(self, bits: int, regions: Iterable[Region] = ()) -> None:
        self.bits = bits
        held = _closed({(0, 0), *regions})
        self._masks = sorted({mask for _, mask in held}, key=lambda mask: (-mask.bit_count(), mask))
        self._own: dict[Region, int] = {}
        self._atoms: dict[Region, int] = {}
        self._inside: dict[Region, int] = {}
        self._region: list[Region] = []
        self._exact = (1 << bits) - 1
        self._number(held)
        self.full = self._inside[0, 0]

    def _number(self, held: set[Region]) -> None:
        """Give each region its atom, the most specific first: what is left of a region once those inside are taken."""
        own = {region: 1 << self.bits - region[1].bit_count() for region in held}
        inside = dict.fromkeys(held, 0)
        for region in sorted(held, key=lambda r: (-r[1].bit_count(), r)):
            left = own[region]
            atom = 1 << len(self._region) if left else 0
            if left and region == (0, 0):
                atom = -atom
            elif left:
                self._region.append(region)
            inside[region] |= atom
            self._atoms[region] = atom
            for around in self._around(region):
                if around in own:
                    own[around] -= left
                    inside[around] |= atom
        self._own, self._inside = own, inside

    def _around(self, region: Region) -> list[Region]:
        """The regions strictly around this one, if held."""
        value, mask = region
        return [(value & wider, wider) for wider in self._masks if wider & mask == wider and wider != mask]

    def grow(self, value: int) -> bool:
        """Tell a value of the rest apart from now on; False when it is not of the rest, which no growing can split."""
        if (value, self._exact) in self._inside:
            return True
        if any((value & mask, mask) in self._inside for mask in self._masks if mask) or self._own[0, 0] < 3:
            return False
        atom = 1 << len(self._region)
        self._region.append((value, self._exact))
        self._own[0, 0] -= 1
        self._own[value, self._exact] = 1
        self._atoms[value, self._exact] = self._inside[value, self._exact] = atom
        self._atoms[0, 0] = -atom << 1
        if self._exact not in self._masks:
            self._masks.insert(0, self._exact)
        return True

    def knows(self, value: int, mask: int | None = None) -> bool:
        """Whether (value, mask) is exactly a set."""
        return (value, self._exact if mask is None else mask) in self._inside

    def __len__(self) -> int:
        return len(self._region) + (self._own[0, 0] > 0)

    def of(self, value: int, mask: int | None = None) -> int:
        """The set of values that agree with ``value`` on ``mask`` (None: on every bit). KeyError if not a region."""
        return self._inside[value, self._exact if mask is None else mask]

    def atom(self, value: int) -> int:
        """The set of one atom that the value is in."""
        for mask in self._masks:
            found = self._atoms.get((value & mask, mask))
            if found:
                return found
        raise ValueError(f"{value:#x} does not fit in {self.bits} bits")

    def single(self, chosen: int) -> int | None:
        """The value when the set holds exactly one, else None."""
        if chosen & chosen - 1 or not chosen:
            return self.value(chosen) if chosen == self._atoms[0, 0] and self._own[0, 0] == 1 else None
        region = self._named(chosen)
        if region[1].bit_count() == self.bits:
            return region[0]
        return self.value(chosen) if self._own[region] == 1 else None

    def _named(self, atom: int) -> Region:
        """The region that an atom is of; any bit beyond the others is of the rest."""
        number = atom.bit_length() - 1
        return self._region[number] if number < len(self._region) else (0, 0)

    def value(self, chosen: int) -> int:
        """Some value of a set that is not empty: the same one every time."""
        region = self._named(chosen & -chosen)
        if region[1].bit_count() == self.bits:
            return region[0]
        within = [r for r in self._region if r != region and r[1] & region[1] == region[1] and not _apart(r, region)]
        found = _outside(region, within, self.bits)
        if found is None:
            raise ValueError(f"region {region} has no value of its own")
        return found


def _apart(a: Region, b: Region) -> bool:
    """Whether no value is in both."""
    return bool((a[0] ^ b[0]) & a[1] & b[1])


def _closed(held: set[Region]) -> set[Region]:
    """The regions and everything two of them have in common, so that overlaps are regions too."""
    while True:
        masks: dict[int, list[int]] = {}
        for value, mask in held:
            masks.setdefault(mask, []).append(value)
        found: set[Region] = set()
        for one, other in combinations(masks, 2):
            common = one & other
            if common not in (one, other):
                found |= _meets(masks[one], one, masks[other], other)
        if found <= held:
            return held
        held = held | found
        if len(held) > MAX_REGIONS:
            raise Unmodelled(f"masks that overlap in more than {MAX_REGIONS} ways")


def _meets(ones: list[int], one: int, others: list[int], other: int) -> set[Region]:
    """What regions under two masks have in common."""
    common = one & other
    by_common: dict[int, list[int]] = {}
    for value in others:
        by_common.setdefault(value & common, []).append(value)
    return {(value | match, one | other) for value in ones for match in by_common.get(value & common, ())}


def _outside(region: Region, within: list[Region], bits: int) -> int | None:
    """A value of the region that is in none of those within it; None when they fill it."""
    value, mask = region
    if not within:
        return value
    if any(r[1] & ~mask == 0 for r in within):
        return None
    union = 0
    for r in within:
        union |= r[1]
    bit = 1 << ((union & ~mask).bit_length() - 1)
    for half in (value, value | bit):
        smaller = (half, mask | bit)
        found = _outside(smaller, [r for r in within if not _apart(r, smaller)], bits)
        if found is not None:
            return found
    return None
