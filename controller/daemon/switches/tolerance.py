"""Rules of others that are meant to be there, known by their cookies. Must not know: who put them there, what they do.

Tolerated is not trusted: what they do to packets is worked out like any other drift, and told where it does harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clos.fabric.dataplane.rule import Rule
from clos.fabric.openflow.multipart import ForeignFlow

ALL = (1 << 64) - 1


class Tolerance(NamedTuple):
    """Cookies, each with the bits of it that count (OpenFlow 1.3.5 §6.4)."""

    cookies: tuple[tuple[int, int], ...] = ()

    def covers(self, entry: object) -> bool:
        """Whether it is a rule with such a cookie. Groups and meters have none."""
        if not isinstance(entry, Rule | ForeignFlow):
            return False
        return any(entry.cookie & mask == cookie & mask for cookie, mask in self.cookies)


def tolerance(words: Iterable[str]) -> Tolerance:
    """From ``0x7`` or ``0x7000/0xf000``. Raises ValueError."""
    found = []
    for word in words:
        cookie, _, mask = word.partition("/")
        try:
            pair = int(cookie, 0), int(mask, 0) if mask else ALL
        except ValueError:
            raise ValueError(f"{word}: a cookie is a number such as 0x7, or 0x7000/0xf000 with a mask") from None
        if not all(0 <= number <= ALL for number in pair) or not pair[1]:
            raise ValueError(f"{word}: a cookie and its mask have 64 bits, and the mask is not 0")
        found.append(pair)
    return Tolerance(tuple(found))
