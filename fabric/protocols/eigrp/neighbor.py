"""Neighbors and the reliable transport to each: what is under way, what was acknowledged, who is still there.

Lives here: one neighbor's state. Must not know: routes' meaning, DUAL, other neighbors. Reliable packets go to each
neighbor by unicast, one at a time, in order (RFC 7868 §5.3.1 allows a window of one); what comes by conditional
multicast (§5.3.2) is taken or left as the sequence TLV says.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from clos.fabric.protocols.eigrp import packet as wire
from clos.fabric.protocols.eigrp.dual import Source
from clos.fabric.protocols.eigrp.packet import Packet
from clos.fabric.protocols.eigrp.routes import Prefix, Route

RETRIES = 16
"""Retransmissions after which a neighbor is given up (RFC 7868 §5.3.1)."""
FIRST_TIMEOUT, SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 1_000, 100, 5_000
_HALF = 1 << 31


@dataclass(slots=True)
class Neighbor:
    """``advertised``: what this neighbor has heard from us and not lost since; what it hears next is the difference."""

    source: Source
    hold_ms: int
    deadline: int
    up: bool = False
    init_received: bool = False
    init_acknowledged: bool = False
    stub: int | None = None
    wide: bool = False
    received: int = 0
    """The sequence number of the last reliable packet that was taken."""
    init: int = 0
    """The sequence number of its packet with INIT: the same one again is a retransmission, another one a restart."""
    conditional: bool = False
    waiting: deque[Packet] = field(default_factory=deque)
    retransmit: int | None = None
    tries: int = 0
    sent_at: int = 0
    smoothed_ms: int = 0
    advertised: dict[Prefix, Route] = field(default_factory=dict)
    offered: dict[Prefix, Route] = field(default_factory=dict)
    """What it told us, as it came: costs are worked out anew where our configuration changes."""

    @property
    def queryable(self) -> bool:
        """Stub routers are not asked (RFC 7868 §5.3.5): nothing lies behind them."""
        return self.up and self.stub is None

    def heard(self, hello: Packet, now: int) -> None:
        """Take over what a hello says of its sender."""
        assert hello.parameters is not None
        self.hold_ms = hello.parameters.hold_s * 1000
        self.deadline = now + self.hold_ms
        self.stub = hello.stub
        self.wide = hello.release is not None and hello.release.tlv >= (2, 0)

    def push(self, packet: Packet) -> bool:
        """Queue a reliable packet; whether it must be sent now."""
        self.waiting.append(packet)
        return len(self.waiting) == 1

    def head(self, now: int) -> Packet:
        """The packet under way, with the acknowledgement that is due, and the time after which it is sent again."""
        timeout = max(SHORTEST_TIMEOUT, min(6 * self.smoothed_ms or FIRST_TIMEOUT, LONGEST_TIMEOUT))
        if self.tries == 0:
            self.sent_at = now
        self.retransmit = now + min(timeout * (3**self.tries) // (2**self.tries), LONGEST_TIMEOUT)
        return replace(self.waiting[0], acknowledge=self.received)

    def acknowledged(self, number: int, now: int) -> bool:
        """Whether this is what was waited for; the next packet is then at the head."""
        if not self.waiting or self.waiting[0].sequence != number:
            return False
        done = self.waiting.popleft()
        if self.tries == 0:
            trip = now - self.sent_at
            self.smoothed_ms = trip if not self.smoothed_ms else (7 * self.smoothed_ms + trip) // 8
        self.retransmit, self.tries = None, 0
        if done.flags & wire.INIT:
            self.init_acknowledged = True
        return True

    def takes(self, packet: Packet) -> bool:
        """Whether a reliable packet is new; one that came before is acknowledged again and not used."""
        if packet.flags & wire.CONDITIONAL_RECEIVE and not self.conditional:
            return False
        return not self.received or 0 < (packet.sequence - self.received) % (2 * _HALF) < _HALF

    def next_deadline(self) -> int:
        return self.deadline if self.retransmit is None else min(self.deadline, self.retransmit)
