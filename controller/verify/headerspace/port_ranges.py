"""Ranges of ports as masked values, which is all that matches and header space know."""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.verify.headerspace.value_atoms import Region


def port_regions(first: int, last: int) -> Iterator[Region]:
    """The largest aligned blocks of 16-bit values that make up a range."""
    while first <= last:
        bits = min((first & -first).bit_length() - 1 if first else 16, (last - first + 1).bit_length() - 1)
        yield first, 0xFFFF & ~((1 << bits) - 1)
        first += 1 << bits
