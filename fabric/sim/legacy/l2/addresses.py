"""The table of learned MAC addresses of a switch, by VLAN.

Lives here: learning, looking up, ageing, fast ageing while a topology changes. Must not know: frames, trees.
Source: IEEE 802.1D-1998 §7.9 (filtering database), §8.3.5 (ageing while a topology changes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clos.fabric.sim.clock import SECOND

AGE = 300 * SECOND
FAST_AGE = 15 * SECOND
"""The forward delay: how long addresses live while a classic tree changes."""
CHANGE = 35 * SECOND
"""How long a classic tree says that it changes: maximum age and forward delay."""


class Learned:
    """Where an address was last seen. ``line``: a port's or port-channel's name; ``seen``: microseconds."""

    __slots__ = ("line", "seen")

    def __init__(self, line: str, seen: int) -> None:
        self.line, self.seen = line, seen


class Addresses:
    """Addresses are six octets. ``changed`` is called where a frame may now go elsewhere than before."""

    def __init__(self, changed: Callable[[], object], age: int = AGE) -> None:
        self.age = age
        self._changed = changed
        self._of: dict[int, dict[bytes, Learned]] = {}
        self._fast_until: dict[int, int] = {}

    def learn(self, vlan: int, address: bytes, line: str, now: int) -> None:
        of = self._of.setdefault(vlan, {})
        entry = of.get(address)
        if entry is None:
            of[address] = Learned(line, now)
            self._changed()
            return
        if entry.line != line:
            entry.line = line
            self._changed()
        entry.seen = now

    def find(self, vlan: int, address: bytes, now: int) -> str | None:
        """The line behind which an address is; None: not known, or not any more."""
        of = self._of.get(vlan)
        entry = None if of is None else of.get(address)
        if of is None or entry is None:
            return None
        if now - entry.seen >= self._age(vlan, now):
            del of[address]
            self._changed()
            return None
        return entry.line

    def _age(self, vlan: int, now: int) -> int:
        return min(self.age, FAST_AGE) if self._fast_until.get(vlan, 0) > now else self.age

    def hurry(self, vlan: int, now: int) -> None:
        """The VLAN's tree changes: what is not seen soon is forgotten (802.1D-1998 §8.3.5)."""
        self._fast_until[vlan] = now + CHANGE
        self._changed()

    def forget(self, vlan: int, line: str) -> None:
        """Forget a VLAN's addresses behind a line (802.1D-2004 §17.11)."""
        of = self._of.get(vlan, {})
        for address in [address for address, entry in of.items() if entry.line == line]:
            del of[address]
        self._changed()

    def keep(self, lines: frozenset[tuple[int, str]]) -> None:
        """Forget what is behind lines that no longer carry the VLAN: only these (VLAN, line) are left."""
        for vlan, of in self._of.items():
            for address in [address for address, entry in of.items() if (vlan, entry.line) not in lines]:
                del of[address]
                self._changed()

    def clear(self) -> None:
        self._of.clear()
        self._fast_until.clear()
        self._changed()

    def all(self, now: int) -> Iterator[tuple[int, bytes, str]]:
        """(VLAN, address, line) of all that are not too old, in order."""
        for vlan in sorted(self._of):
            age = self._age(vlan, now)
            yield from (
                (vlan, address, entry.line)
                for address, entry in sorted(self._of[vlan].items())
                if now - entry.seen < age
            )
