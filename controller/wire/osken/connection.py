"""A switch's connection on the event loop: what stands in for os-ken's threads (see controller.wire.osken.patches).

Lives here: framing, deadlines, bounded sending, and handing each message to os-ken's handlers.
Must not know: rules, plans, sessions. A session takes the frames it asked for through ``Connection.frame_filter``.

``Connection`` is an os-ken ``Datapath``: handlers and apps use it as they always did (``send_msg``, ``id``, ``ports``,
``state``). All of it runs on the loop's thread but ``send``, ``send_msg`` and ``close``, which any thread may call.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

import os_ken.base.app_manager  # before controller.controller, which imports it back
from os_ken.controller import ofp_event
from os_ken.controller.controller import CONF, Datapath
from os_ken.controller.handler import DEAD_DISPATCHER, HANDSHAKE_DISPATCHER, MAIN_DISPATCHER
from os_ken.lib.dpid import dpid_to_str
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_0, ofproto_v1_3_parser

from clos.controller.pki.identity import ids_of
from clos.fabric.openflow import DecodeError, Framer, decode, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import VERSION, MessageType
from clos.fabric.openflow.multipart import PortDescReply

LOG = logging.getLogger(__name__)

_HEARD = (m.Hello, m.Error, m.EchoRequest, m.EchoReply, m.FeaturesReply, m.PacketIn, m.PortStatus, PortDescReply)
"""What os-ken's handlers and our app listen to; other messages that no session claims are passed over."""

TICK = 1.0
"""Seconds between looks at every connection's deadlines."""
HANDSHAKE_SECONDS = 10.0
"""A peer that is not through hello, features and port description by then is dropped (slow loris)."""
CLOSING_SECONDS = 5.0
"""A closed connection whose peer does not read its last bytes is cut after this."""
PACKET_INS_PER_TICK = 1000
"""Packet-ins parsed per switch and tick; more are dropped unread, so one switch cannot occupy the controller."""
FAULTS = 16
"""Malformed messages forgiven per connection."""
BEFORE_HANDSHAKE = 256
"""Messages taken of a peer in a tick until its handshake is over; the rest waits, and no more of it is read."""
UNASKED = 5000
"""Messages that answer nothing which are taken of a switch in a tick; the rest waits in the same way."""
PORTS = 1 << 16
"""Ports a switch may have."""
SEND_BYTES = 16 << 20
"""Bytes waiting for one switch beyond which it is taken for dead. Sessions stay far below by their own windows."""

XID, XIDS = 0x7F000000, 0x00FFFFFF
"""os-ken's own requests take their xids from here, apart from the sessions' (0x80000000 up) and the rules' (0 up)."""


class ConnectionOwner(Protocol):
    """Who carries connections: the event loop's thread, and who may come in (controller.wire.osken.listener)."""

    @property
    def thread(self) -> int | None:
        """The loop's thread."""

    def call(self, function: Callable[..., Any], *args: Any) -> bool:
        """Have the loop's thread call the function soon. False: the loop has ended."""

    def admit(self, connection: Connection) -> bool:
        """Whether there is room for one more."""

    def forget(self, connection: Connection) -> None:
        """It has ended."""


class FrameFilter(Protocol):
    """Who wants a connection's frames before os-ken's handlers see them (a session). Called on the loop's thread."""

    @property
    def busy(self) -> bool:
        """Whether the switch works on what it was asked, and has time left for it: then echoes need no answer."""

    def claim(self, frame: bytes) -> bool:
        """Whether the frame is taken, so that nobody else sees it."""

    def lives(self) -> None:
        """The switch has answered an echo request."""

    def lost(self) -> None:
        """The connection has ended."""


class Connection(Datapath, asyncio.Protocol):  # type: ignore[misc]  # os-ken is untyped
    """One switch, or what may become one. ``frame_filter`` is offered every frame first once the handshake is over."""

    def __init__(self, owner: ConnectionOwner) -> None:
        ofproto_protocol.ProtocolDesc.__init__(self)  # not Datapath's: it wants a blocking socket and a queue
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._writable = threading.Event()
        self._framer = Framer()
        self._xids = itertools.count()
        self.ports: dict[int, Any] = {}
        self.unreplied_echo_requests: list[int] = []  # for ofp_handler, which strikes replies off it; see tick
        self._age = self._faults = self._packet_ins = self._unanswered = self._quiet = 0
        self._unasked = self._unsent = 0
        self._backlog: deque[bytes] = deque()
        self._paused = False
        self.heard = 0  # messages, of whatever kind
        self.auxiliary = 0  # the number of an auxiliary connection (OpenFlow 1.3.5 §6.3.5)
        self.frame_filter: FrameFilter | None = None
        self.socket: Any = None
        self.address: Any = None
        self.is_active = False
        self.dropped_packet_ins = 0
        self.id: int | None = None
        self.certified: frozenset[int] | None = None  # the datapath ids that its certificate names
        self.flow_format = ofproto_v1_0.NXFF_OPENFLOW10
        self.ofp_brick = os_ken.base.app_manager.lookup_service_brick("ofp_event")
        self.state: str | None = None

    def __str__(self) -> str:
        name = "a peer" if self.id is None else f"switch {dpid_to_str(self.id)}"
        host, port = self.address[:2] if self.address else ("?", "?")
        return f"{name} at {host}:{port}"

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        self.socket, self.address = transport.get_extra_info("socket"), transport.get_extra_info("peername")
        if not self._owner.admit(self):
            LOG.warning("%s refused: too many connections are open already", self)
            transport.abort()
            return
        certificate = transport.get_extra_info("peercert") or {}
        self.certified = ids_of(certificate.get("subjectAltName", ()))
        self.is_active = True
        self._writable.set()
        self.set_state(HANDSHAKE_DISPATCHER)
        self.send_msg(self.ofproto_parser.OFPHello(self))

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.forget(self)
        self._end()
        LOG.info("%s disconnected%s", self, f": {exc}" if exc else "")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._backlog.extend(self._framer.feed(data))
        except DecodeError as error:
            self.drop(f"it does not speak OpenFlow: {error}")
        self._work()

    # What os-ken and its apps call.

    def send(self, buf: bytes, close_socket: bool = False) -> bool:
        """Send bytes. Off the loop's thread, wait for room up to os-ken's ``socket_timeout``. False: not sent."""
        if not self.is_active:
            return False
        if threading.get_ident() == self._owner.thread:
            self._write(buf, close_socket)
            return self.is_active
        if not self._writable.wait(CONF.socket_timeout):
            return False
        return self._owner.call(self._write, bytes(buf), close_socket)

    def close(self) -> None:
        """End the connection in an orderly way: DEAD now, the bytes already given still leave."""
        self._owner.call(self._close)

    def later(self, function: Callable[..., Any], *args: Any) -> None:
        """Have the loop's thread call the function soon; any thread may ask."""
        self._owner.call(function, *args)

    def set_xid(self, msg: Any) -> int:
        msg.set_xid(self._xid())
        return int(msg.xid)

    def drop(self, reason: str) -> None:
        """End the connection now, saying why. Loop's thread only."""
        if self.state != DEAD_DISPATCHER:
            LOG.warning("%s dropped: %s", self, reason)
        self.abort()

    def abort(self) -> None:
        """End the connection now. Loop's thread only."""
        self._end()
        if self._transport is not None:
            self._transport.abort()

    # The loop's thread only.

    def _write(self, buf: bytes, close: bool = False) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(buf)
        if close:
            self._close()
        elif transport.get_write_buffer_size() > SEND_BYTES:
            self.drop(f"it does not read: {transport.get_write_buffer_size()} bytes wait for it")

    def _close(self) -> None:
        self._end()
        if self._transport is not None:
            self._transport.close()

    def _end(self) -> None:
        """DEAD, once; whoever waits for room to send goes on, and has not sent."""
        self.is_active = False
        self._age = 0
        self._writable.set()
        self.set_state(DEAD_DISPATCHER)
        if self.frame_filter is not None:
            self.frame_filter.lost()

    def _xid(self) -> int:
        return XID | next(self._xids) & XIDS

    def _work(self) -> None:
        """Take what has come, as far as this tick's budget goes; meanwhile no more is read of whoever exceeds it."""
        try:
            while self._backlog and self.state != DEAD_DISPATCHER and self._unasked < self._most:
                self._take(self._backlog.popleft())
        except DecodeError as error:
            self.drop(f"it does not speak OpenFlow: {error}")
        if self.state == DEAD_DISPATCHER:
            self._backlog.clear()
        elif self._transport is not None and bool(self._backlog) != self._paused:
            self._paused = bool(self._backlog)
            (self._transport.pause_reading if self._paused else self._transport.resume_reading)()

    @property
    def _most(self) -> int:
        return UNASKED if self.state == MAIN_DISPATCHER else BEFORE_HANDSHAKE

    def _take(self, frame: bytes) -> None:
        """One whole message: to the session that asked for it, else through os-ken's parser to its handlers."""
        self._quiet = self._unanswered = 0
        self.heard += 1
        kind = frame[1]
        if frame[0] != VERSION and kind != MessageType.HELLO:
            self.drop(f"it speaks OpenFlow version {frame[0]:#04x} and not {VERSION:#04x} (1.3)")
        elif self.state == MAIN_DISPATCHER and self.frame_filter is not None and self.frame_filter.claim(frame):
            return
        else:
            self._unasked += 1
            if kind == MessageType.ECHO_REPLY and self.frame_filter is not None:
                self.frame_filter.lives()
            if kind == MessageType.PACKET_IN and self._packet_ins >= PACKET_INS_PER_TICK:
                self.dropped_packet_ins += 1
            else:
                self._packet_ins += kind == MessageType.PACKET_IN
                self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        """Check a message with our codec and hand it to os-ken as our codec writes it (fault 13)."""
        try:
            message, xid = decode(frame)
            if isinstance(message, m.FeaturesReply) and self.state != MAIN_DISPATCHER:
                self.auxiliary = message.auxiliary_id
            if isinstance(message, _HEARD):
                self._handle(encode(message, xid))
                if len(self.ports) > PORTS:
                    self.drop(f"it has more than {PORTS} ports")
        except Exception as error:  # whatever the codec, os-ken or a handshake handler trips over, its peer sent it
            if frame[1] == MessageType.PACKET_IN:  # it may well have fields that only its maker knows
                self.dropped_packet_ins += 1
                return
            self._faults += 1
            LOG.warning("%s sent a malformed message (type %d, %d bytes): %r", self, frame[1], len(frame), error)
            if self._faults > FAULTS:
                self.drop(f"{self._faults} malformed messages")

    def _handle(self, frame: bytes) -> None:
        """As os-ken's own receive loop does: observers get the event, ofp_handler's methods are called at once."""
        version, kind, length, xid = ofproto_parser.header(frame)
        event = ofp_event.ofp_msg_to_ev(ofproto_v1_3_parser.msg_parser(self, version, kind, length, xid, frame))
        self.ofp_brick.send_event_to_observers(event, self.state)
        for handler in list(self.ofp_brick.get_handlers(event, self.state)):
            handler(event)

    def tick(self) -> None:
        """Look at the deadlines. They count ticks, not time: a stalled process must not blame its peers."""
        self._age += 1
        self._quiet += 1
        self._packet_ins = self._unasked = 0
        if self._backlog:
            self._work()
        if self.state == DEAD_DISPATCHER:
            if self._age * TICK > CLOSING_SECONDS and self._transport is not None:
                self._transport.abort()
        elif self.state != MAIN_DISPATCHER:
            if self._age * TICK > HANDSHAKE_SECONDS:
                self.drop(f"no OpenFlow handshake within {HANDSHAKE_SECONDS:.0f} s")
        elif self._reads():
            self._quiet = self._unanswered = 0
        elif self._quiet * TICK >= CONF.echo_request_interval * (self._unanswered + 1):
            self._ping()

    def _reads(self) -> bool:
        """Whether it has taken some of the bytes that waited for it at the last tick: then it is at work."""
        before = self._unsent
        self._unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._unsent < before

    def _ping(self) -> None:
        """Ask whether it lives. One that owes a session an answer need not say so: that has deadlines of its own."""
        if self._unanswered < CONF.maximum_unreplied_echo_requests:
            self._unanswered += 1
            self.probe()
        elif self.frame_filter is None or not self.frame_filter.busy:
            self.drop(f"{self._unanswered} echo requests unanswered")

    def probe(self) -> None:
        """Have it say something. Loop's thread only."""
        self._write(encode(m.EchoRequest(), self._xid()))
