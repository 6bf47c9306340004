"""PVST+ switches on cables in virtual time: the machines of ``fabric.protocols.pvst`` run until they have converged."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import count

from clos.fabric.protocols.pvst.frame import StpFrame, decode_frame, encode_frame
from clos.fabric.protocols.pvst.port import Turn
from clos.fabric.protocols.pvst.switch import PvstSwitch, SendFrame, SwitchEffect, VlanFlush, VlanTurn
from clos.fabric.protocols.pvst.vector import Times

End = tuple[str, int]
Cable = tuple[End, End]
WIRE = 0.001
"""Seconds a frame is under way."""
SHORT_TIMES = Times(0, 6, 2, 4)
"""The least that IEEE 802.1D-2004 §17.14 permits, so that tests take fewer hellos."""


class StpNetwork:
    """Switches by name, cables between their ports; other ports in use lead to hosts."""

    def __init__(self, switches: Mapping[str, PvstSwitch], cables: Iterable[Cable], *, as_bytes: bool = False) -> None:
        self.switches, self.now, self.as_bytes = dict(switches), 0.0, as_bytes
        self.peer: dict[End, End] = {}
        for a, b in cables:
            self.peer[a], self.peer[b] = b, a
        self.turns: dict[tuple[str, int, int], Turn] = {}
        self.flushed: list[tuple[str, int, int]] = []
        self._changed: dict[int, float] = {}
        self.sent = 0
        self.wired = {(name, number) for name, switch in switches.items() for number in switch.ports}
        self._queue: list[tuple[float, int, End, StpFrame | bytes | None]] = []
        self._order = count()
        self._due = dict.fromkeys(switches, 0.0)

    def start(self) -> None:
        for name, number in sorted(self.wired):
            self._take(name, self.switches[name].link_up(number, self.now))

    def cut(self, end: End) -> None:
        """The link at this end goes down, at both ends."""
        for name, number in (end, self.peer.get(end, end)):
            if (name, number) in self.wired:
                self.wired.discard((name, number))
                self._take(name, self.switches[name].link_down(number, self.now))

    def run(self, until: float) -> None:
        while self._next() <= until:
            self._step()
        self.now = until

    def settle(self, quiet: float, limit: float = 600, vlans: Iterable[int] | None = None) -> None:
        """Run until no port (in these VLANs) has changed for ``quiet`` seconds. Fails when they never come to rest."""
        since, watched = self.now, None if vlans is None else set(vlans)
        while (
            self.now < max([since, *(at for of, at in self._changed.items() if not watched or of in watched)]) + quiet
        ):
            self.run(self.now + 1)
            assert self.now < since + limit, "the trees do not converge"

    @property
    def changed(self) -> float:
        """When a port changed last."""
        return max(self._changed.values(), default=0.0)

    def vlan(self, vlan: int) -> dict[End, Turn]:
        """Role and state of each port in the VLAN's tree."""
        return {(name, number): turn for (name, of, number), turn in self.turns.items() if of == vlan}

    def _next(self) -> float:
        due = min(self._due.values())
        return min(due, self._queue[0][0]) if self._queue else due

    def _step(self) -> None:
        self.now = self._next()
        if self._queue and self._queue[0][0] <= self.now:
            _, _, (name, number), frame = heapq.heappop(self._queue)
            if frame is None:
                self.cut((name, number))
            elif (name, number) in self.wired:
                read = decode_frame(frame) if isinstance(frame, bytes) else frame
                self._take(name, self.switches[name].receive(number, read, self.now))
            return
        for name, switch in self.switches.items():
            if self._due[name] <= self.now:
                self._take(name, switch.tick(self.now))

    def _take(self, name: str, effects: Iterable[SwitchEffect]) -> None:
        self._due[name] = self.switches[name].due()
        for effect in effects:
            if isinstance(effect, SendFrame):
                self.sent += 1
                to = self.peer.get((name, effect.port))
                if to is not None and (name, effect.port) in self.wired:
                    frame = encode_frame(effect.frame) if self.as_bytes else effect.frame
                    heapq.heappush(self._queue, (self.now + WIRE, next(self._order), to, frame))
            elif isinstance(effect, VlanTurn):
                self.turns[name, effect.vlan, effect.turn.port] = effect.turn
                self._changed[effect.vlan] = self.now
            elif isinstance(effect, VlanFlush):
                self.flushed.append((name, effect.vlan, effect.port))
            else:
                heapq.heappush(self._queue, (self.now, next(self._order), (name, effect.port), None))
