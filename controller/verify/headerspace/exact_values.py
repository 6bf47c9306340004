"""Values of a narrow field told apart one by one: every value is an atom, so whatever is asked for later is a set.

The numbers of atoms are chosen so that sets of the values that are mentioned are short integers: values of the most
specific regions come first. The last value has all bits from its own on, so that the set of all values is -1 and a
complement is short where the set is (``value_atoms`` does so with *the rest*). Must not know: which header field a
value is of.
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.controller.verify.headerspace.value_atoms import Region

_REMEMBERED = 4_096
"""Sets of masked values that are kept: the longest takes 8 KiB, and a fabric may run for years."""


class ExactValues:
    """All values of ``bits`` bits (at most 16), each an atom of its own; ``regions`` are those mentioned at first."""

    __slots__ = ("_held", "_number", "_value", "bits", "full")

    def __init__(self, bits: int, regions: Iterable[Region] = ()) -> None:
        self.bits, self.full = bits, -1
        self._value = _ordered(bits, regions)
        self._number = [0] * len(self._value)
        for number, value in enumerate(self._value):
            self._number[value] = number
        self._held: dict[Region, int] = {}

    def __len__(self) -> int:
        return len(self._value)

    def grow(self, value: int) -> bool:
        """Tell a value apart: every one is."""
        return value >> self.bits == 0

    def knows(self, value: int, mask: int | None = None) -> bool:
        """Whether (value, mask) is exactly a set: it always is."""
        return (value | (mask or 0)) >> self.bits == 0

    def of(self, value: int, mask: int | None = None) -> int:
        """The set of values that agree with ``value`` on ``mask`` (None: on every bit)."""
        last = len(self._value) - 1
        if mask is None or mask == last:
            return self.atom(value)
        found = self._held.get((value, mask))
        if found is None:
            if len(self._held) >= _REMEMBERED:
                self._held.clear()
            found = self._held[value, mask] = self._set(value, mask)
        return found

    def _set(self, value: int, mask: int) -> int:
        last = len(self._value) - 1
        values, free = [value], last & ~mask
        while free:
            bit = free & -free
            free ^= bit
            values += [each | bit for each in values]
        held = bytearray((len(self._value) >> 3) + 1)
        for number in (self._number[each] for each in values):
            held[number >> 3] |= 1 << (number & 7)
        found = int.from_bytes(held, "little")
        return found | -(1 << last) if found >> last else found

    def atom(self, value: int) -> int:
        """The set of one value."""
        if value >> self.bits:
            raise ValueError(f"{value:#x} does not fit in {self.bits} bits")
        number = self._number[value]
        return 1 << number if number < len(self._value) - 1 else -(1 << number)

    def single(self, chosen: int) -> int | None:
        """The value when the set holds exactly one, else None."""
        if not chosen or (chosen & chosen - 1 and chosen != -(1 << len(self._value) - 1)):
            return None
        return self.value(chosen)

    def value(self, chosen: int) -> int:
        """Some value of a set that is not empty: the same one every time."""
        return self._value[(chosen & -chosen).bit_length() - 1]


def _ordered(bits: int, regions: Iterable[Region]) -> list[int]:
    """All values: those of regions first, the most specific region's before others, and within one in order."""
    found: dict[int, None] = {}
    exact = (1 << bits) - 1
    for value, mask in sorted(regions, key=lambda region: (-region[1].bit_count(), region)):
        free = exact & ~mask
        some = 0
        while True:
            found[value | some] = None
            some = (some - free) & free
            if not some:
                break
    found.update(dict.fromkeys(range(1 << bits)))
    return list(found)
