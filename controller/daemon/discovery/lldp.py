"""Discovery: LLDP out of every switch's ports, so that the cabling can be held against the topology.

Lives here: when which port is asked, and what was heard. Must not know: what it means
(controller.daemon.discovery.cabling),
bytes (fabric.protocols.lldp). Nothing waits for it: switches notice dead cables by themselves, and long before.

The work is bounded whatever the size of the fabric: a port is asked every PERIOD seconds, or as often as RATE frames
a second allow; one that has just come up, at once. Hosts' ports are not asked, and no rule lets hosts answer.
"""

from __future__ import annotations

import heapq
import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from math import ceil
from typing import Protocol

from clos.controller.daemon.discovery.cabling import LinkReport, Seen, Sighting, Speaker, compare
from clos.controller.daemon.turns import Turns
from clos.controller.wire.errors import SwitchError
from clos.controller.wire.events import Event, Left, PacketIn, PortChanged
from clos.controller.wire.switch_info import Facts, is_up
from clos.fabric.dataplane.action import MAX_PORT
from clos.fabric.openflow import DecodeError
from clos.fabric.protocols.lldp import Advertisement, NotLldp, Stranger, decode, encode
from clos.fabric.topology import PortRef, Topology

LOG = logging.getLogger(__name__)

PERIOD = 5.0
"""Seconds between two frames out of a port, give or take JITTER of it."""
JITTER = 0.25
RATE = 200
"""Frames a second at most, over the whole fabric."""
SPARE = 1.25
"""A fabric with so many ports that PERIOD does not do is asked less often, with room for ports that come up."""
FIRST = 1.0
"""Seconds over which the first frames out of a switch that joins are spread."""
ROUNDS = 3
"""A frame says that it holds for so many periods: two may be lost in a row."""
TICK = 0.1
SETTLE = 1.0
"""Seconds from the first news to the verdict: both ends of a cable should have been heard."""


class Wire(Protocol):
    """What is needed of controller.wire.controller.Controller."""

    def facts(self, switch: str) -> Facts: ...
    def send_packet(self, switch: str, port: int, data: bytes) -> None: ...


class Discovery:
    """``look`` gives the topology, and by name whether each connected switch holds its rules; ``changed`` is
    given all links that are wrong, whenever others are than before.

    ``heard`` may be called from any thread, ``turn`` by one at a time.
    """

    def __init__(
        self,
        wire: Wire,
        look: Callable[[], tuple[Topology, Mapping[str, bool]]],
        changed: Callable[[Collection[LinkReport]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire, self._look, self._changed, self._clock = wire, look, changed, clock
        self._key, self._dice = secrets.token_bytes(32), random.Random()
        self._lock = threading.Lock()
        self._topology: Topology | None = None
        self._ports: dict[str, dict[int, bool]] = {}
        self._since: dict[str, float] = {}
        self._heard: dict[PortRef, Sighting] = {}
        self._due: list[tuple[float, PortRef]] = []
        self._asked: dict[PortRef, float] = {}
        self._wrong: tuple[LinkReport, ...] = ()
        self._verdict_at = self._clock() + SETTLE

    # What is known.

    def links(self) -> tuple[LinkReport, ...]:
        """Every link of the topology in force, and those that it does not have."""
        topology = self._look()[0]
        with self._lock:
            ports = {switch: dict(ports) for switch, ports in self._ports.items()}
            seen = Seen(dict(self._heard), ports, dict(self._since), self._clock(), self._ttl)
        return compare(topology, seen)

    @property
    def _period(self) -> float:
        return max(PERIOD, SPARE * len(self._asked) / RATE)

    @property
    def _ttl(self) -> int:
        return min(0xFFFF, ceil(ROUNDS * self._period))

    # What switches tell.

    def heard(self, event: Event) -> None:
        """Take note of what concerns links; quick."""
        match event:
            case PacketIn():
                self._take(event)
            case PortChanged(switch, port, _, up):
                self._port(PortRef(switch, port), up)
            case Left(switch):
                with self._lock:
                    self._forget(switch)
            case _:
                pass

    def _take(self, event: PacketIn) -> None:
        now = self._clock()
        try:
            said = decode(event.data, self._key)
        except NotLldp:
            return
        if isinstance(said, Stranger):
            found = Sighting(str(said), now + self._ttl)
        elif said.sent <= now * 1000 <= said.sent + said.ttl * 1000:
            found = Sighting(Speaker(said.dpid, said.port, said.name), now + said.ttl)
        else:
            return  # somebody has kept it for a while
        at = PortRef(event.switch, event.in_port)
        with self._lock:
            if at.port in self._ports.get(at.switch, ()):
                before = self._heard.get(at)
                self._heard[at] = found
                if before is None or before.speaker != found.speaker:
                    self._news()

    def _port(self, at: PortRef, up: bool) -> None:
        """A port went up or down: ask it and its neighbour at once, or forget what it heard."""
        with self._lock:
            ports = self._ports.get(at.switch)
            if ports is None or not _physical(at.port):
                return
            ports[at.port] = up
            self._news()
            if not up:
                self._heard.pop(at, None)
                return
            self._ask_both(at, 0.0)

    def _forget(self, switch: str) -> None:
        self._ports.pop(switch, None)
        self._since.pop(switch, None)
        for at in [at for at in self._heard if at.switch == switch]:
            del self._heard[at]
        self._asked = {at: when for at, when in self._asked.items() if at.switch != switch}
        self._news()

    def _news(self) -> None:
        self._verdict_at = min(self._verdict_at, self._clock() + SETTLE)

    # What is asked.

    def turn(self) -> None:
        """Ask the ports whose time has come; tell of links that have gone wrong since. To be called every TICK."""
        topology, connected = self._look()
        with self._lock:
            anew = topology is not self._topology and topology != self._topology
            self._topology = topology
            for switch in [switch for switch in self._ports if anew or switch not in connected]:
                self._forget(switch)
            new = [switch for switch, ready in connected.items() if ready and switch not in self._ports]
        for switch in new:
            self._meet(switch)
        for at, dpid in self._pick(topology):
            self._send(at, dpid)
        if self._clock() >= self._verdict_at:
            self._verdict_at = self._clock() + self._period
            self._judge()

    def _meet(self, switch: str) -> None:
        """Learn a switch's ports, and ask them soon, and those at their other ends."""
        try:
            ports = {port.port: is_up(port) for port in self._wire.facts(switch).ports if _physical(port.port)}
        except (SwitchError, DecodeError):
            return  # it has left, or will be dropped
        with self._lock:
            self._ports[switch], self._since[switch] = ports, self._clock()
            for port in ports:
                self._ask_both(PortRef(switch, port), self._dice.uniform(0, FIRST))

    def _ask_both(self, at: PortRef, delay: float) -> None:
        """Ask a port, and the one it should be cabled to."""
        there = self._topology.peers.get(at) if self._topology else None
        for port in (at, there) if there else (at,):
            if self._may_ask(port):
                self._ask(port, delay)

    def _may_ask(self, at: PortRef) -> bool:
        """Whether a switch that we know can send out of it, and no host will hear it."""
        topology = self._topology
        known = topology is not None and at.switch in topology.switches and at not in topology.host_at
        return known and self._ports.get(at.switch, {}).get(at.port, False)

    def _ask(self, at: PortRef, delay: float) -> None:
        self._asked[at] = when = self._clock() + delay
        heapq.heappush(self._due, (when, at))

    def _pick(self, topology: Topology) -> list[tuple[PortRef, int]]:
        """The ports to ask now, with their switches' datapath ids; each is given its next time."""
        now = self._clock()
        found: list[tuple[PortRef, int]] = []
        with self._lock:
            while self._due and self._due[0][0] <= now and len(found) < RATE * TICK:
                when, at = heapq.heappop(self._due)
                if self._asked.get(at) != when:
                    continue  # asked sooner, or not at all any more
                del self._asked[at]
                if self._may_ask(at):
                    found.append((at, topology.switches[at.switch].dpid))
            for at, _ in found:
                self._ask(at, self._period * self._dice.uniform(1 - JITTER, 1 + JITTER))
        return found

    def _send(self, at: PortRef, dpid: int) -> None:
        said = Advertisement(dpid, at.port, at.switch, int(self._clock() * 1000), self._ttl)
        with suppress(SwitchError):  # it has left
            self._wire.send_packet(at.switch, at.port, encode(said, self._key))

    def _judge(self) -> None:
        before, wrong = (
            {link[:3] for link in self._wrong},
            tuple(sorted(link for link in self.links() if link.is_wrong)),
        )
        for link in wrong:
            if link[:3] not in before:
                LOG.warning("%s", link)
        if wrong != self._wrong:
            self._changed(wrong)
        self._wrong = wrong

    def run(self, stopping: threading.Event, leading: threading.Event | None = None) -> None:
        """Take turns until told to stop; of several controllers only who leads."""
        Turns("discovery", self.turn, TICK, PERIOD).run(stopping, leading)


def _physical(port: int) -> bool:
    """Whether a cable can be in it (OpenFlow 1.3.5 §7.2.1: higher numbers are reserved)."""
    return port <= MAX_PORT
