"""A switch's connection on the event loop: what stands in for os-ken's threads (see controller.wire.osken.patches).

Lives here: framing, deadlines, bounded sending, and handing each message to os-ken's handlers.
Must not know: rules, plans, sessions. A session takes the frames it asked for through ``Connection.taker``.

``Connection`` is an os-ken ``Datapath``: handlers and apps use it as they always did (``send_msg``, ``id``, ``ports``,
``state``). All of it runs on the loop's thread but ``send``, ``send_msg`` and ``close``, which any thread may call.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import os_ken.base.app_manager  # before controller.controller, which imports it back
from os_ken.controller import ofp_event
from os_ken.controller.controller import CONF, Datapath
from os_ken.controller.handler import DEAD_DISPATCHER, HANDSHAKE_DISPATCHER, MAIN_DISPATCHER
from os_ken.lib.dpid import dpid_to_str
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_0, ofproto_v1_3_parser

from clos.fabric.openflow import DecodeError, Framer, decode, encode
from clos.fabric.openflow import messages as m
from clos.fabric.openflow.constants import VERSION, MessageType
from clos.fabric.openflow.multipart import PortDescReply

if TYPE_CHECKING:
    from clos.controller.wire.osken.listener import Listener

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
SEND_BYTES = 16 << 20
"""Bytes waiting for one switch beyond which it is taken for dead. Sessions stay far below by their own windows."""

XID, XIDS = 0x7F000000, 0x00FFFFFF
"""os-ken's own requests take their xids from here, apart from the sessions' (0x80000000 up) and the rules' (0 up)."""


class FrameFilter(Protocol):
    """Who wants a connection's frames before os-ken's handlers see them (a session). Called on the loop's thread."""

    def claim(self, frame: bytes) -> bool:
        """Whether the frame is taken, so that nobody else sees it."""

    def lost(self) -> None:
        """The connection has ended."""


class Connection(Datapath, asyncio.Protocol):  # type: ignore[misc]  # os-ken is untyped
    """One switch, or what may become one. ``taker`` is offered every frame first once the handshake is over."""

    def __init__(self, listener: Listener) -> None:
        ofproto_protocol.ProtocolDesc.__init__(self)  # not Datapath's: it wants a blocking socket and a queue
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._writable = threading.Event()
        self._framer = Framer()
        self._xids = itertools.count()
        self.ports: dict[int, Any] = {}
        self.unreplied_echo_requests: list[int] = []  # for ofp_handler, which strikes replies off it; see tick
        self._age = self._faults = self._packet_ins = self._unanswered = self._quiet = 0
        self.taker: FrameFilter | None = None
        self.socket: Any = None
        self.address: Any = None
        self.is_active = False
        self.dropped_packet_ins = 0
        self.id: int | None = None
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
        if not self._listener.admit(self):
            LOG.warning("%s refused: too many connections are open already", self)
            transport.abort()
            return
        self.is_active = True
        self._writable.set()
        self.set_state(HANDSHAKE_DISPATCHER)
        self.send_msg(self.ofproto_parser.OFPHello(self))

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.forget(self)
        self._end()
        LOG.info("%s disconnected%s", self, f": {exc}" if exc else "")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._framer.feed(data):
                if self.state == DEAD_DISPATCHER:
                    return
                self._take(frame)
        except DecodeError as error:
            self.drop(f"it does not speak OpenFlow: {error}")

    # What os-ken and its apps call.

    def send(self, buf: bytes, close_socket: bool = False) -> bool:
        """Send bytes. Off the loop's thread, wait for room up to os-ken's ``socket_timeout``. False: not sent."""
        if not self.is_active:
            return False
        if threading.get_ident() == self._listener.thread:
            self._write(buf, close_socket)
            return self.is_active
        if not self._writable.wait(CONF.socket_timeout):
            return False
        return self._listener.call(self._write, bytes(buf), close_socket)

    def close(self) -> None:
        """End the connection in an orderly way: DEAD now, the bytes already given still leave."""
        self._listener.call(self._close)

    def later(self, function: Callable[..., Any], *args: Any) -> None:
        """Have the loop's thread call the function soon; any thread may ask."""
        self._listener.call(function, *args)

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
        """DEAD, once; whoever waits for room to send goes on and is told no."""
        self.is_active = False
        self._age = 0
        self._writable.set()
        self.set_state(DEAD_DISPATCHER)
        if self.taker is not None:
            self.taker.lost()

    def _xid(self) -> int:
        return XID | next(self._xids) & XIDS

    def _take(self, frame: bytes) -> None:
        """One whole message: to the session that asked for it, else through os-ken's parser to its handlers."""
        self._quiet = self._unanswered = 0
        kind = frame[1]
        if frame[0] != VERSION and kind != MessageType.HELLO:
            self.drop(f"it speaks OpenFlow version {frame[0]:#04x} and not {VERSION:#04x} (1.3)")
        elif self.state == MAIN_DISPATCHER and self.taker is not None and self.taker.claim(frame):
            return
        elif kind == MessageType.PACKET_IN and self._packet_ins >= PACKET_INS_PER_TICK:
            self.dropped_packet_ins += 1
        else:
            self._packet_ins += kind == MessageType.PACKET_IN
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        """Check a message with our codec and hand it to os-ken as our codec writes it (fault 13)."""
        try:
            message, xid = decode(frame)
            if isinstance(message, _HEARD):
                self._handle(encode(message, xid))
        except Exception as error:  # whatever the codec, os-ken or a handshake handler trips over, its peer sent it
            if frame[1] == MessageType.PACKET_IN:  # it may well tell of fields that only its maker knows
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
        self._packet_ins = 0
        if self.state == DEAD_DISPATCHER:
            if self._age * TICK > CLOSING_SECONDS and self._transport is not None:
                self._transport.abort()
        elif self.state != MAIN_DISPATCHER:
            if self._age * TICK > HANDSHAKE_SECONDS:
                self.drop(f"no OpenFlow handshake within {HANDSHAKE_SECONDS:.0f} s")
        elif self._quiet * TICK >= CONF.echo_request_interval * (self._unanswered + 1):
            self._probe()

    def _probe(self) -> None:
        if self._unanswered >= CONF.maximum_unreplied_echo_requests:
            self.drop(f"{self._unanswered} echo requests unanswered")
            return
        self._unanswered += 1
        self._write(encode(m.EchoRequest(), self._xid()))
