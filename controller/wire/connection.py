"""Switches' TCP and TLS connections on one event loop: what stands in for os-ken's threads (see controller.wire.osken).

Lives here: accepting, framing, deadlines, bounded sending, and handing each message to os-ken's handlers.
Must not know: rules, plans, sessions. A session takes the frames it asked for through ``Connection.taker``.

``Connection`` is an os-ken ``Datapath``: handlers and apps use it as they always did (``send_msg``, ``id``, ``ports``,
``state``). All of it runs on the loop's thread but ``send``, ``send_msg`` and ``close``, which any thread may call.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import os_ken.base.app_manager  # before controller.controller, which imports it back
from os_ken.controller import ofp_event
from os_ken.controller.controller import CONF, Datapath
from os_ken.controller.handler import DEAD_DISPATCHER, HANDSHAKE_DISPATCHER, MAIN_DISPATCHER
from os_ken.lib.dpid import dpid_to_str
from os_ken.ofproto import ofproto_common, ofproto_parser, ofproto_protocol, ofproto_v1_0, ofproto_v1_3_parser

from fabric.openflow import DecodeError, Framer, decode, encode
from fabric.openflow import messages as m
from fabric.openflow.multipart import PortDescReply

LOG = logging.getLogger(__name__)

VERSION = 0x04
HELLO, ECHO_REQUEST, PACKET_IN = 0, 2, 10

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
CONNECTIONS = 4096
"""Connections held at a time; more are refused."""
SEND_BYTES = 16 << 20
"""Bytes waiting for one switch beyond which it is taken for dead. Sessions stay far below by their own windows."""

XID, XIDS = 0x7F000000, 0x00FFFFFF
"""os-ken's own requests take their xids from here, apart from the sessions' (0x80000000 up) and the rules' (0 up)."""


class Taker(Protocol):
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
        self._age = self._faults = self._packet_ins = self._unanswered = self._quiet = 0
        self.taker: Taker | None = None
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
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.socket, self.address = transport.get_extra_info("socket"), transport.get_extra_info("peername")
        if not self._listener.admit(self):
            LOG.warning("%s refused: %d connections are open already", self, CONNECTIONS)
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
        if frame[0] != VERSION and kind != HELLO:
            self.drop(f"it speaks OpenFlow version {frame[0]:#04x} and not {VERSION:#04x} (1.3)")
        elif self.state == MAIN_DISPATCHER and self.taker is not None and self.taker.claim(frame):
            return
        elif kind == PACKET_IN and self._packet_ins >= PACKET_INS_PER_TICK:
            self.dropped_packet_ins += 1
        else:
            self._packet_ins += kind == PACKET_IN
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        """Check a message with our codec and hand it to os-ken as our codec writes it (fault 13)."""
        try:
            message, xid = decode(frame)
            if isinstance(message, _HEARD):
                self._handle(encode(message, xid))
        except Exception as error:  # whatever the codec, os-ken or a handshake handler trips over, its peer sent it
            if frame[1] == PACKET_IN:  # it may well tell of fields that only its maker knows
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
        self._write(b"\x04\x02\x00\x08" + self._xid().to_bytes(4, "big"))


class Listener:
    """Stands in for os-ken's OpenFlowController: it listens where os-ken's options say and carries every connection.

    os-ken calls it in a thread, which becomes the loop's. ``listening`` is set once it listens, or has failed with
    ``failure``; ``address`` then is where. ``ended`` is set when the thread is done. An ``ofp_tcp_listen_port`` of 0
    takes any free port.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.ended = threading.Event()
        self.failure: Exception | None = None
        self.address: tuple[str, int] | None = None
        self.thread: int | None = None
        self.connections: set[Connection] = set()
        self._stopping = asyncio.Event()

    def __call__(self) -> None:
        self.thread = threading.get_ident()
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()
            self.ended.set()

    def call(self, function: Callable[..., Any], *args: Any) -> bool:
        """Have the loop's thread call the function soon. False: the loop has ended."""
        try:
            self.loop.call_soon_threadsafe(partial(function, *args))
        except RuntimeError:
            return False
        return True

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self.call(self._stopping.set)

    def admit(self, connection: Connection) -> bool:
        if len(self.connections) >= CONNECTIONS:
            return False
        self.connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)

    async def _serve(self) -> None:
        try:
            server = await self._listen()
        except (OSError, ssl.SSLError) as error:
            self.failure = error
            return
        finally:
            self.listening.set()
        ticker = asyncio.ensure_future(self._tick())
        await self._stopping.wait()
        ticker.cancel()
        server.close()
        await self._empty()

    async def _empty(self) -> None:
        """Drop every connection, and let whoever waited for a switch learn that it is lost."""
        while self.connections:
            for connection in list(self.connections):
                connection.drop("the controller stops")
            await asyncio.sleep(0)
        late = asyncio.all_tasks() - {asyncio.current_task()}
        if late:
            _, late = await asyncio.wait(late, timeout=1)
        for task in late:
            task.cancel()
        await asyncio.sleep(0)

    async def _listen(self) -> asyncio.Server:
        context = _tls()
        port = CONF.ofp_tcp_listen_port if context is None else CONF.ofp_ssl_listen_port
        default = ofproto_common.OFP_TCP_PORT if context is None else ofproto_common.OFP_SSL_PORT
        server = await self.loop.create_server(
            lambda: Connection(self),
            CONF.ofp_listen_host,
            default if port is None else port,
            backlog=1024,
            ssl=context,
            ssl_handshake_timeout=None if context is None else HANDSHAKE_SECONDS,
        )
        self.address = server.sockets[0].getsockname()[:2]
        return server

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for connection in list(self.connections):
                connection.tick()


def _tls() -> ssl.SSLContext | None:
    """The TLS context os-ken's ``ctl-privkey``, ``ctl-cert``, ``ca-certs`` and ``ciphers`` ask for; None for plain TCP.

    With ``ca-certs`` a switch must show a certificate signed by one of them.
    """
    if CONF.ctl_privkey is None or CONF.ctl_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(CONF.ctl_cert, CONF.ctl_privkey)
    if CONF.ciphers is not None:
        context.set_ciphers(CONF.ciphers)
    if CONF.ca_certs is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CONF.ca_certs)
    return context
