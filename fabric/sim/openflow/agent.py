"""The OpenFlow 1.3 side of a simulated switch: bytes in, bytes out, no sockets.

Lives here: sessions with controllers: hello, roles, asynchronous configuration, dispatch, errors. What the
messages do to the switch is in fabric.sim.openflow.mods, stats and bundle. Must not know: TCP, real time.
Source: OpenFlow 1.3.5 §6.2-§6.3, §7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import astuple

from clos.fabric.dataplane.action import ANY_PORT, CONTROLLER, NO_BUFFER, Group, Output
from clos.fabric.errors import BAD_OUT_GROUP, BAD_OUT_PORT, SwitchError
from clos.fabric.openflow import (
    DecodeError,
    Framer,
    Message,
    answer,
    decode,
    encode,
    encode_pages,
)
from clos.fabric.openflow import messages as m
from clos.fabric.openflow import multipart as mp
from clos.fabric.openflow.codec import ERROR_DATA
from clos.fabric.openflow.constants import (
    VERSION,
    BundleControlType,
    BundleMessage,
    Capability,
    MessageType,
    Role,
)
from clos.fabric.openflow.errors import (
    BadRequest,
    ErrorType,
    HelloFailed,
    OnfFailed,
    QueueOpFailed,
    RoleRequestFailed,
    bad,
)
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.sim.openflow import mods, stats
from clos.fabric.sim.openflow.bundle import Bundles, CommitFailed
from clos.fabric.sim.switch import SimSwitch

Send = Callable[[bytes], object]

SLICE = 64
"""Messages handled before others have their turn, where there are others; so large a bundle is a slice of its own."""
NEVER = (1 << 64) - 1
"""The generation a switch reports before any master was elected (§7.3.9)."""
_CAPABILITIES = Capability.FLOW_STATS | Capability.TABLE_STATS | Capability.PORT_STATS | Capability.GROUP_STATS
_DEFAULT_ASYNC = m.SetAsync(0b011, 0, 0b111, 0b111, 0b1111, 0)
"""What a controller hears unless it says otherwise; a slave hears of ports only (§6.3.5)."""


class Agent:
    """One switch and its controllers. ``session`` opens one for a new connection."""

    def __init__(self, switch: SimSwitch) -> None:
        self.switch = switch
        self.sessions: list[Session] = []
        self.generation: int | None = None
        switch.on_crash.append(self._forget)

    def _forget(self) -> None:
        self.generation = None

    def session(self, send: Send) -> Session:
        """A session whose bytes go out through ``send``; it says hello at once."""
        session = Session(self, send)
        self.sessions.append(session)
        return session

    def elect(self, chosen: Session) -> None:
        """Make a session master; the master before it becomes a slave (§6.3.6)."""
        for session in self.sessions:
            if session.role == Role.MASTER and session is not chosen:
                session.role = Role.SLAVE
        chosen.role = Role.MASTER


class Session:
    """One connection. Feed what arrives to ``receive``; ``closed`` says why the connection must end, empty while not.

    ``defer`` has a function called soon: then a session handles a slice at a time, and what is left waits for its next
    turn. Echo requests never wait, so a switch at work says that it lives. Without it everything is done at once.

    Nothing a peer sends raises: it is answered with the OpenFlow error, and has then changed nothing.
    """

    def __init__(self, agent: Agent, send: Send) -> None:
        self._agent, self._switch, self._send = agent, agent.switch, send
        self._framer = Framer()
        self._out: list[bytes] = []
        self._greeted = False
        self._busy = False
        self._bundles = Bundles()
        self._waiting: deque[bytes] = deque()
        self._room = 0
        self.defer: Callable[[Callable[[], None]], object] | None = None
        self._config = (0, 128)
        self._asks = _DEFAULT_ASYNC
        self.role = Role.EQUAL
        self.closed = ""
        self.choked = False
        """Set while the peer does not take what we send: packet-ins are then left out."""
        self._switch.listeners.append(self._hear)
        self._reply(m.Hello(), 0)
        self._flush()

    def close(self, why: str = "closed") -> None:
        """End the session: its bundles are dropped and it hears nothing more."""
        if not self.closed:
            self.closed = why
        self._waiting.clear()
        if self in self._agent.sessions:
            self._agent.sessions.remove(self)
            self._switch.listeners.remove(self._hear)

    def receive(self, data: bytes) -> None:
        """Bytes from the controller, however they were cut."""
        if not self._switch.alive:
            return
        self._busy, self._room = True, SLICE
        try:
            for frame in self._framer.feed(data):
                if self.closed:
                    return
                self._receive(frame)
            if self._framer.fault is not None:
                raise self._framer.fault
        except DecodeError as problem:
            self._refuse(problem, b"")
            self.close(str(problem))
        finally:
            self._busy = False
            self._flush()

    @property
    def waiting(self) -> int:
        """How many messages have been received and not been handled."""
        return len(self._waiting)

    @property
    def is_next_long(self) -> bool:
        """Whether the next turn is for one long commit."""
        return bool(self._waiting) and self._is_long(self._waiting[0])

    def _receive(self, frame: bytes) -> None:
        """One message: now, or after those that wait."""
        if self.defer is None or frame[1] == MessageType.ECHO_REQUEST:
            self._take(frame)
        elif self._waiting:
            self._waiting.append(frame)
        elif self._room > 0 and not self._is_long(frame):
            self._room -= 1
            self._take(frame)
        else:
            self._waiting.append(frame)
            self.defer(self._catch_up)

    def _is_long(self, frame: bytes) -> bool:
        """Whether it commits a bundle that takes a turn of its own."""
        if frame[1] != MessageType.EXPERIMENTER or frame[12:16] != _BUNDLE_CONTROL or frame[20:22] != _COMMIT:
            return False
        return self._bundles.size(int.from_bytes(frame[16:20], "big")) > SLICE

    def _catch_up(self) -> None:
        """A turn: the next slice of what waits, or one long commit."""
        if not self._switch.alive:
            self._waiting.clear()
        self._busy = True
        try:
            for number in range(min(SLICE, len(self._waiting))):
                if not self._waiting or (number and self._is_long(self._waiting[0])):
                    break
                long = self._is_long(self._waiting[0])
                self._take(self._waiting.popleft())
                if long:
                    break
        finally:
            self._busy = False
            self._flush()
        if self._waiting and self.defer is not None:
            self.defer(self._catch_up)

    def _take(self, frame: bytes) -> None:
        try:
            message, xid = decode(frame)
            handle = _HANDLERS.get(type(message))
            if handle is None:
                raise bad(BadRequest.BAD_TYPE, f"{type(message).__name__} is not for switches")
            if not self._greeted and handle not in _BEFORE_HELLO:
                raise bad(BadRequest.BAD_TYPE, f"{type(message).__name__} before hello")
            handle(self, message, xid)
        except DecodeError as problem:
            self._refuse(problem, frame)
        except SwitchError as problem:
            self._reply(m.Error(problem.type, problem.code, frame[:ERROR_DATA]), _xid(frame))
        except CommitFailed as problem:
            failed = encode(problem.message, problem.xid)[:ERROR_DATA]
            self._reply(m.Error(problem.cause.type, problem.cause.code, failed), problem.xid)
            self._refuse(bad(OnfFailed.FAILED, str(problem)), frame)

    # ---- output

    def _reply(self, message: Message, xid: int) -> None:
        self._out.append(encode(message, xid))

    def _refuse(self, problem: DecodeError, frame: bytes) -> None:
        self._reply(answer(problem, frame), problem.xid or _xid(frame))

    def _flush(self) -> None:
        if self._out and not self._busy:
            data = b"".join(self._out)
            self._out.clear()
            self._send(data)

    def _hear(self, message: Message) -> None:
        """An asynchronous message of the switch: pass it on where this controller wants it."""
        if self._greeted and self._wants(message):
            self._reply(message, 0)
            self._flush()

    def _wants(self, message: Message) -> bool:
        slave = self.role == Role.SLAVE
        asks = self._asks
        if isinstance(message, m.PacketIn):
            return not self.choked and bool((asks.packet_in_slave if slave else asks.packet_in) >> message.reason & 1)
        if isinstance(message, m.PortStatus):
            return bool((asks.port_status_slave if slave else asks.port_status) >> message.reason & 1)
        if isinstance(message, m.FlowRemoved):
            return bool((asks.flow_removed_slave if slave else asks.flow_removed) >> message.reason & 1)
        return True

    # ---- what a controller says

    def _hello(self, message: m.Hello, xid: int) -> None:
        if VERSION in message.versions or (not message.versions and message.version >= VERSION):
            self._greeted = True
            return
        why = f"this switch speaks OpenFlow 1.3 (version {VERSION}) only"
        self._reply(m.Error(ErrorType.HELLO_FAILED, HelloFailed.INCOMPATIBLE, why.encode()), xid)
        self.close(why)

    def _ignore(self, message: Message, xid: int) -> None:
        pass

    def _echo(self, message: m.EchoRequest, xid: int) -> None:
        self._reply(m.EchoReply(message.data), xid)

    def _features(self, _: m.FeaturesRequest, xid: int) -> None:
        switch = self._switch
        self._reply(m.FeaturesReply(switch.switch.dpid, 0, switch.n_tables, 0, _CAPABILITIES), xid)

    def _get_config(self, _: m.GetConfigRequest, xid: int) -> None:
        self._reply(m.GetConfigReply(*self._config), xid)

    def _set_config(self, message: m.SetConfig, xid: int) -> None:
        self._config = (message.flags, message.miss_send_len)

    def _barrier(self, _: m.BarrierRequest, xid: int) -> None:
        self._reply(m.BarrierReply(), xid)

    def _change(self, message: Message, xid: int) -> None:
        self._must_rule()
        for gone in mods.MODS[type(message)](self._switch, message):
            self._switch.tell(gone)

    def _must_rule(self) -> None:
        if self.role == Role.SLAVE:
            raise bad(BadRequest.IS_SLAVE, "a slave controller cannot change the switch")

    def _multipart(self, message: mp.Multipart, xid: int) -> None:
        if message.more:
            raise bad(BadRequest.MULTIPART_BUFFER_OVERFLOW, "requests in several parts are not gathered")
        if isinstance(message, mp.TableFeaturesRequest) and message.entries:
            self._must_rule()
        self._out.extend(encode_pages(stats.answer(self._switch, message), xid))

    def _packet_out(self, message: m.PacketOut, xid: int) -> None:
        self._must_rule()
        if message.buffer_id != NO_BUFFER:
            raise bad(BadRequest.BUFFER_UNKNOWN, f"buffer {message.buffer_id}: this switch buffers no packets")
        if message.in_port != CONTROLLER and message.in_port not in self._switch.ports:
            raise bad(BadRequest.BAD_PORT, f"in_port {message.in_port} does not exist")
        self._check_actions(message)
        try:
            packet = Packet.parse(message.data)
        except PacketError as problem:
            raise bad(BadRequest.BAD_PACKET, str(problem)) from problem
        self._switch.packet_out(message.in_port, packet, message.actions)

    def _check_actions(self, message: m.PacketOut) -> None:
        for action in message.actions:
            if isinstance(action, Group) and action.group not in self._switch.model.groups:
                raise SwitchError(BAD_OUT_GROUP, f"group {action.group} does not exist")
            if isinstance(action, Output) and action.port in (0, ANY_PORT):
                raise SwitchError(BAD_OUT_PORT, f"{action}: not a port a packet can be sent to")

    def _queue_config(self, message: m.QueueGetConfigRequest, xid: int) -> None:
        if message.port != ANY_PORT and message.port not in self._switch.ports:
            raise bad(QueueOpFailed.BAD_PORT, f"port {message.port} does not exist")
        self._reply(m.QueueGetConfigReply(message.port), xid)

    def _role(self, message: m.RoleRequest, xid: int) -> None:
        agent = self._agent
        if message.role in (Role.MASTER, Role.SLAVE):
            if agent.generation is not None and _older(message.generation, agent.generation):
                raise bad(RoleRequestFailed.STALE, f"generation {message.generation} is older than {agent.generation}")
            agent.generation = message.generation
        if message.role == Role.MASTER:
            agent.elect(self)
        elif message.role != Role.NOCHANGE:
            self.role = Role(message.role)
        self._reply(m.RoleReply(self.role, NEVER if agent.generation is None else agent.generation), xid)

    def _get_async(self, _: m.GetAsyncRequest, xid: int) -> None:
        self._reply(m.GetAsyncReply(*astuple(self._asks)), xid)

    def _set_async(self, message: m.SetAsync, xid: int) -> None:
        self._asks = message

    def _bundle_control(self, message: m.BundleControl, xid: int) -> None:
        self._must_rule()
        reply, told = self._bundles.control(message, self._switch)
        self._reply(reply, xid)
        for gone in told:
            self._switch.tell(gone)

    def _bundle_add(self, message: m.BundleAdd, xid: int) -> None:
        self._must_rule()
        self._bundles.add(message, xid)

    def _experimenter(self, message: m.Experimenter | mp.ExperimenterMultipartRequest, xid: int) -> None:
        raise bad(BadRequest.BAD_EXPERIMENTER, f"experimenter {message.experimenter:#x} is not spoken here")


_BUNDLE_CONTROL = BundleMessage.CONTROL.to_bytes(4, "big")
_COMMIT = BundleControlType.COMMIT_REQUEST.to_bytes(2, "big")


def _xid(frame: bytes) -> int:
    return int.from_bytes(frame[4:8], "big")


def _older(new: int, known: int) -> bool:
    """Whether a generation is behind the known one, in the circular order of §6.3.6."""
    return (new - known) & NEVER >= 1 << 63


_HANDLERS: dict[type[Message], Callable[..., None]] = {
    m.Hello: Session._hello,
    m.Error: Session._ignore,
    m.EchoRequest: Session._echo,
    m.EchoReply: Session._ignore,
    m.FeaturesRequest: Session._features,
    m.GetConfigRequest: Session._get_config,
    m.SetConfig: Session._set_config,
    m.BarrierRequest: Session._barrier,
    m.PacketOut: Session._packet_out,
    m.QueueGetConfigRequest: Session._queue_config,
    m.RoleRequest: Session._role,
    m.GetAsyncRequest: Session._get_async,
    m.SetAsync: Session._set_async,
    m.BundleControl: Session._bundle_control,
    m.BundleAdd: Session._bundle_add,
    m.Experimenter: Session._experimenter,
    mp.ExperimenterMultipartRequest: Session._experimenter,
    **dict.fromkeys(mods.MODS, Session._change),
    **dict.fromkeys(stats.ANSWERS, Session._multipart),
}
_BEFORE_HELLO = frozenset({Session._hello, Session._ignore})
