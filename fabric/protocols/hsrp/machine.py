"""One HSRP group of one router as a machine without I/O: packets and times in, effects out.

Lives here: the states of a group (RFC 2281 §5.3), its timers (§5.4), priorities with tracking, preemption with delay.
Must not know: sockets, clocks, what else the router does. Times are in milliseconds and come with every call;
``next_deadline`` says when ``tick`` is due. A packet that is refused changes nothing and yields ``Refused``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clos.fabric.protocols.hsrp.packet import (
    ACTIVE,
    COUP,
    DEFAULT_TEXT,
    HELLO,
    INITIAL,
    LEARN,
    LISTEN,
    RESIGN,
    SPEAK,
    STANDBY,
    Keyed,
    Malformed,
    Packet,
    Unauthentic,
    signed,
    verified,
    virtual_mac,
)


@dataclass(frozen=True, slots=True)
class Config:
    """A group as configured. ``source``: the router's own address there; ``address`` 0: to be learned.

    ``tracks``: what is tracked, each with what the priority loses when it is down.
    """

    group: int
    source: int
    address: int = 0
    secondaries: tuple[int, ...] = ()
    version: int = 1
    priority: int = 100
    preempt: bool = False
    preempt_delay_ms: int = 0
    hello_ms: int = 3_000
    hold_ms: int = 10_000
    text: bytes | None = DEFAULT_TEXT
    key: Keyed | None = None
    tracks: tuple[tuple[str, int], ...] = ()
    mac: int = 0


class Send(NamedTuple):
    """Send this to the group's address, UDP port 1985; an active router's frames come from the virtual MAC."""

    data: bytes


class StateChanged(NamedTuple):
    """The group went from one state to another."""

    before: int
    after: int


class Own(NamedTuple):
    """From now on answer for these addresses with this MAC, and announce them (gratuitous ARP)."""

    addresses: tuple[int, ...]
    mac: int


class Release(NamedTuple):
    """From now on another router answers for these addresses."""

    addresses: tuple[int, ...]


class Refused(NamedTuple):
    """A packet changed nothing, and why."""

    source: int
    reason: str


Effect = Send | StateChanged | Own | Release | Refused


class Group:
    """The machine of one group. Starts in state Initial, with its interface down."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = INITIAL
        self.address = config.address
        self.active: tuple[int, int] | None = None
        """Priority and address of the active router, where that is another one."""
        self.standby: tuple[int, int] | None = None
        self._hello_ms, self._hold_ms = config.hello_ms, config.hold_ms
        self._down: set[str] = set()
        self._hello_at: int | None = None
        self._active_at: int | None = None
        self._standby_at: int | None = None
        self._preempt_from = 0
        self._effects: list[Effect] = []

    @property
    def priority(self) -> int:
        """The configured one, less what is tracked and down (never below 0)."""
        return max(0, self.config.priority - sum(less for name, less in self.config.tracks if name in self._down))

    def up(self, now: int) -> tuple[Effect, ...]:
        """The interface comes up: listen first (RFC 2281 §5.5, event a). The delay of preemption starts now."""
        if self.state == INITIAL:
            self._preempt_from = now + self.config.preempt_delay_ms
            self._active_at = self._standby_at = now + self._hold_ms
            self._become(LISTEN if self.address else LEARN, now)
        return self._taken()

    def down(self, now: int) -> tuple[Effect, ...]:
        """The interface goes down, or the group is switched off: resign first (event b)."""
        if self.state in (ACTIVE, STANDBY, SPEAK):
            self._send(RESIGN)
        self._become(INITIAL, now)
        self._active_at = self._standby_at = self._hello_at = None
        self.active = self.standby = None
        return self._taken()

    def take_over(self, now: int) -> tuple[Effect, ...]:
        """Become active at once, as a router that preempts: a coup first (RFC 2281 §5.1). Who has a higher priority
        will not yield to it."""
        if self.state not in (INITIAL, LEARN, ACTIVE):
            self._send(COUP)
            self._become(ACTIVE, now)
        return self._taken()

    def track(self, name: str, up: bool, now: int) -> tuple[Effect, ...]:
        """A tracked object changed; the next hello says the new priority."""
        (self._down.discard if up else self._down.add)(name)
        if self.state >= SPEAK:
            self._hello_at = now
        return self.tick(now)

    def tick(self, now: int) -> tuple[Effect, ...]:
        """Do what is due: timers of the active and the standby router (events c and d), hellos (e)."""
        if self._active_at is not None and self._active_at <= now:
            self._active_at, self.active = None, None
            if self.state == STANDBY:
                self._become(ACTIVE, now)
            elif self.state == LISTEN:
                self._standby_at = now + self._hold_ms
                self._become(SPEAK, now)
        if self._standby_at is not None and self._standby_at <= now:
            self._standby_at, self.standby = None, None
            if self.state == SPEAK:
                self._become(STANDBY, now)
                if self.active is None:
                    self._become(ACTIVE, now)
            elif self.state == LISTEN:
                self._standby_at = now + self._hold_ms
                self._become(SPEAK, now)
        if self._hello_at is not None and self._hello_at <= now:
            self._send(HELLO)
            self._hello_at = now + self._hello_ms
        return self._taken()

    def next_deadline(self) -> int | None:
        """When ``tick`` has something to do next."""
        times = (self._hello_at, self._active_at, self._standby_at)
        return min((at for at in times if at is not None), default=None)

    def receive(self, source: int, data: bytes, now: int) -> tuple[Effect, ...]:
        """Take a packet from an IP source address."""
        try:
            packet = verified(data, source, self.config.text, self.config.key)
        except (Malformed, Unauthentic) as refused:
            return (Refused(source, str(refused)),)
        if self.state == INITIAL or (packet.version, packet.group) != (self.config.version, self.config.group):
            return (Refused(source, f"version {packet.version}, group {packet.group}: not this group, or not up"),)
        if source == self.config.source or not packet.hello_ms or packet.hold_ms <= packet.hello_ms:
            return (Refused(source, "it has our own address, or a hold time that is no longer than its hello time"),)
        sender = (packet.priority, source)
        if packet.opcode == RESIGN:
            self._resigned(sender, packet, now)
        elif packet.opcode == COUP:
            if self.state == ACTIVE and sender > self._own():
                self._yield_to(sender, packet, now)
        else:
            self._hello(sender, packet, now)
        return self._taken()

    def _own(self) -> tuple[int, int]:
        return self.priority, self.config.source

    def _hello(self, sender: tuple[int, int], packet: Packet, now: int) -> None:
        if packet.state == ACTIVE:
            self._from_active(sender, packet, now)
        elif packet.state == STANDBY:
            self._from_standby(sender, packet, now)
        elif packet.state == SPEAK and self.state in (SPEAK, STANDBY) and sender > self._own():
            if self.state == SPEAK:
                self._standby_at = now + packet.hold_ms
            self._become(LISTEN, now)

    def _from_active(self, sender: tuple[int, int], packet: Packet, now: int) -> None:
        """Events g and h: a better active router makes us yield; a worse one is replaced where we preempt."""
        if self.state == ACTIVE:
            if sender > self._own():
                self._yield_to(sender, packet, now)
            else:
                self._send(COUP)
                self._hello_at = now
            return
        self._learn(packet, now)
        if self.config.preempt and sender < self._own() and now >= self._preempt_from and self.state > LEARN:
            self._send(COUP)
            self._become(ACTIVE, now)
            return
        self.active, self._active_at = sender, now + packet.hold_ms
        if self.standby is not None and self.standby[1] == sender[1]:
            self.standby, self._standby_at = None, now + self._hold_ms

    def _from_standby(self, sender: tuple[int, int], packet: Packet, now: int) -> None:
        """Events k and l: a better standby router is accepted, a worse one is replaced."""
        better = sender > self._own()
        if self.state in (SPEAK, STANDBY) and better:
            self._become(LISTEN, now)
        elif self.state == LISTEN and not better:
            self._standby_at = now + self._hold_ms
            self._become(SPEAK, now)
            return
        elif self.state in (SPEAK, STANDBY):
            if self.state == SPEAK:
                self._standby_at = None
                self._become(STANDBY, now)
            return
        self.standby, self._standby_at = sender, now + packet.hold_ms

    def _resigned(self, sender: tuple[int, int], packet: Packet, now: int) -> None:
        """Event i: the active router leaves; who is standby takes over at once."""
        if self.active is not None and sender[1] == self.active[1]:
            self.active, self._active_at = None, now
            self._tick_within(now)
        elif self.standby is not None and sender[1] == self.standby[1]:
            self.standby, self._standby_at = None, now
            self._tick_within(now)

    def _tick_within(self, now: int) -> None:
        """As ``tick``, within an input: its effects are returned with that input's."""
        kept, self._effects = self._effects, []
        self._effects = [*kept, *self.tick(now)]

    def _yield_to(self, sender: tuple[int, int], packet: Packet, now: int) -> None:
        self.active, self._active_at = sender, now + packet.hold_ms
        self._standby_at = now + self._hold_ms
        self._become(SPEAK, now)

    def _learn(self, packet: Packet, now: int) -> None:
        """Times and, where none is configured, the address are the active router's (RFC 2281 §5.1)."""
        self._hello_ms, self._hold_ms = packet.hello_ms, packet.hold_ms
        if not self.config.address and packet.address:
            self.address = packet.address
            if self.state == LEARN:
                self._become(LISTEN, now)

    def _become(self, state: int, now: int) -> None:
        if state == self.state:
            return
        before, self.state = self.state, state
        self._effects.append(StateChanged(before, state))
        addresses = (self.address, *self.config.secondaries)
        if before == ACTIVE:
            self._effects.append(Release(addresses))
        if state == ACTIVE:
            self.active, self._active_at = None, None
            self._effects.append(Own(addresses, virtual_mac(self.config.version, self.config.group)))
        if state == STANDBY:
            self.standby, self._standby_at = None, None
        if state >= SPEAK:
            self._send(HELLO)
            self._hello_at = now + self._hello_ms
        else:
            self._hello_at = None

    def _send(self, opcode: int) -> None:
        c = self.config
        head = (c.version, opcode, self.state, c.group, self.priority, self._hello_ms, self._hold_ms, self.address)
        text = None if c.key is not None and c.version == 2 else c.text
        self._effects.append(Send(signed(Packet(*head, text, c.mac), c.source, c.key)))

    def _taken(self) -> tuple[Effect, ...]:
        effects, self._effects = tuple(self._effects), []
        return effects
