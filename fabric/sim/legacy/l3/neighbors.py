"""ARP of a router: who has which address at which interface, and packets that wait to know.

Lives here: the cache, its age, what waits. Must not know: frames, routes. Source: RFC 826; ages as IOS has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.journey import Journey

AGE = 4 * 3600 * SECOND
Key = tuple[str, int]
"""An interface's name and an address."""
Send = Callable[[int], object]
"""Sends a packet that waited, once the MAC is known."""


class Known(NamedTuple):
    """An answer: the MAC, and when it was last heard, in microseconds."""

    mac: int
    at: int


class Neighbors:
    """``changed`` is called where packets may now be sent elsewhere."""

    def __init__(self, changed: Callable[[], object]) -> None:
        self.known: dict[Key, Known] = {}
        self.waiting: dict[Key, list[tuple[Send, Journey]]] = {}
        self._changed = changed

    def find(self, interface: str, address: int, now: int) -> int | None:
        entry = self.known.get((interface, address))
        if entry is None:
            return None
        if now - entry.at >= AGE:
            del self.known[interface, address]
            return None
        return entry.mac

    def wait(self, key: Key, send: Send, journey: Journey) -> bool:
        """Have a packet wait; whether somebody has to ask, as nobody has yet."""
        journey.depart()
        waiting = self.waiting.setdefault(key, [])
        waiting.append((send, journey))
        return len(waiting) == 1

    def learn(self, key: Key, mac: int, now: int, *, wanted: bool) -> None:
        """Somebody said where an address is. ``wanted``: it is taken though nothing was known or asked."""
        before = self.known.get(key)
        if before is None and not wanted and key not in self.waiting:
            return
        self.known[key] = Known(mac, now)
        if before is None or before.mac != mac:
            self._changed()
        for send, journey in self.waiting.pop(key, ()):
            send(mac)
            journey.land()

    def give_up(self, key: Key, where: str, why: str) -> None:
        """Nobody answered: what waits is lost."""
        for _, journey in self.waiting.pop(key, ()):
            journey.drop(where, why)
            journey.land()

    def keep(self, interfaces: set[str]) -> None:
        """Forget what was known at other interfaces than these."""
        for key in [key for key in self.known if key[0] not in interfaces]:
            del self.known[key]
        for key in [key for key in self.waiting if key[0] not in interfaces]:
            self.give_up(key, key[0], "the interface went down")

    def clear(self) -> None:
        self.keep(set())
        self._changed()
