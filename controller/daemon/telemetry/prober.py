"""Probes on their way: sent, awaited, judged by what comes back where.

Lives here: one probe after another, and what became of each. Must not know: why a way is probed, what a loss means.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from statistics import quantiles
from typing import NamedTuple, Protocol

from clos.controller.daemon.telemetry.cause import CORRUPT, LATE, LOST, Result
from clos.controller.daemon.telemetry.paths import Way
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.events import PacketIn
from clos.fabric.protocols.path_probe import decode, encode
from clos.fabric.topology import PortRef

SIZES = (64, 128, 256, 512, 1024, 1522)
"""Bytes of frames: a fault may concern one size only."""
PATIENCE = 0.5
"""Seconds after which a probe that has not come back is lost."""
LATE_BY, LATE_TIMES = 0.02, 2.0
"""A probe is late that takes so many times as long as nine of ten do, and so many seconds more. It counts as late only
if another, sent in the same turn, was not: else the controller or its sessions are slow, not the fabric."""
STALL = 0.1
"""A turn that comes so much too late says that we were held up: what was under way is given that time, too."""
KNOWN = 50
"""Probes by which it is known how long most take."""


class Sends(Protocol):
    """What is needed of controller.wire.controller.Controller."""

    def send_packet(self, switch: str, port: int, data: bytes) -> None: ...


class _Sent(NamedTuple):
    way: Way
    size: int
    at: float
    until: float
    turn: int


class Prober:
    """``heard`` may be called from any thread, the rest by one at a time."""

    def __init__(self, wire: Sends, clock: Callable[[], float]) -> None:
        self._wire, self._clock = wire, clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._number = secrets.randbits(48)
        self._out: dict[int, _Sent] = {}
        self._back: deque[Result] = deque()
        self._took: deque[float] = deque(maxlen=4 * KNOWN)
        self._slow: float | None = None
        self._turn = 0
        self._prompt: deque[int] = deque(maxlen=4 * KNOWN)
        self._turned = clock()
        self.sent = self.bad = 0

    def send(self, way: Way, size: int = 0) -> None:
        """Send a probe; ``size`` 0: the sizes take turns."""
        self._number += 1
        size = size or SIZES[self._number % len(SIZES)]
        now = self._clock()
        with self._lock:
            self._out[self._number] = _Sent(way, size, now, now + PATIENCE, self._turn)
        try:
            self._wire.send_packet(way.sender, way.port, encode(self._number, way.tag, size, self._key))
            self.sent += 1
        except SwitchError:  # it has left
            with self._lock:
                self._out.pop(self._number, None)

    def heard(self, event: PacketIn) -> None:
        """Take note of a probe that came back; anything else is none of ours."""
        said = decode(event.data, self._key)
        if said is None:
            return
        now = self._clock()
        with self._lock:
            sent = self._out.get(said.number)
            if sent is None or PortRef(event.switch, event.in_port) != sent.way.down:
                return
            del self._out[said.number]
            took = now - sent.at
            if said.sound:
                self._took.append(took)
            late = self._slow is not None and took > self._slow
            if not late:
                self._prompt.append(sent.turn)
            late = late and sent.turn in self._prompt
            self._back.append(Result(sent.at, sent.way, sent.size, CORRUPT if not said.sound else LATE if late else ""))

    def turn(self) -> list[Result]:
        """What has become known since the last turn."""
        now = self._clock()
        self._turn += 1
        held_up = now - self._turned - STALL
        self._turned = now
        with self._lock:
            if held_up > 0:
                self._out = {n: s._replace(until=s.until + held_up + STALL) for n, s in self._out.items()}
            if len(self._took) >= KNOWN:
                self._slow = LATE_TIMES * quantiles(self._took, n=10)[-1] + LATE_BY
            over = [number for number, sent in self._out.items() if sent.until <= now]
            lost = [self._out.pop(number) for number in over]
            found = [*self._back, *(Result(sent.at, sent.way, sent.size, LOST) for sent in lost)]
            self._back.clear()
        if held_up > 0:  # what came back meanwhile waited for us, not for the fabric
            found = [each._replace(bad="") if each.bad == LATE else each for each in found]
        self.bad += sum(1 for each in found if each.bad)
        return found

    def forget(self, switch: str, port: int = 0) -> None:
        """Expect nothing of what is under way over a port, or (0) from or to a switch."""
        with self._lock:
            self._out = {n: s for n, s in self._out.items() if not meets(s.way, switch, port)}


def meets(way: Way, switch: str, port: int = 0) -> bool:
    """Whether a way begins, ends or turns at a switch, or (port not 0) crosses a cable at a leaf's port."""
    if port:
        return PortRef(switch, port) in (way.up, way.down)
    return switch in (way.sender, way.spine, way.down.switch)
