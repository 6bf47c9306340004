"""The os-ken app: what its handlers hear, passed on as values of controller.wire.events.

Lives here: the one OSKenApp, loaded by name as any Ryu app is. Must not know: sessions, rules, plans.
Handlers run on the app's own thread, one at a time; rules and their answers do not pass here (controller.wire.session).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from os_ken.controller import event, ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3, ofproto_v1_3_parser

from clos.controller.wire.admission import EventOf
from clos.controller.wire.events import Complaint, PacketIn, PortChanged
from clos.controller.wire.osken import patches as osken
from clos.controller.wire.osken.connection import Connection

FRAGMENTS_MATCH, MISS_SEND_LEN = 3, 128
"""Have Open vSwitch match the ports of first fragments (OFPC_FRAG_NX_MATCH; ovs-ofctl(8), "set-frags"): by default it
takes them for 0, and a packet that only says it is a fragment would get past a rule that denies its port. A switch that
does not know this says so by an error, and does what it does."""


class Sink(Protocol):
    """Who hears of connections and of what switches report."""

    def attach(self, post: Callable[[Callable[[], object]], object]) -> None:
        """``post`` has the app's thread call a function, after all that it has yet to hear."""

    def handshake_done(self, connection: Connection) -> None: ...
    def disconnected(self, connection: Connection) -> None: ...
    def unsolicited(self, connection: Connection, event_of: EventOf) -> None:
        """An event of this switch; ``event_of`` makes it of the switch's name."""


class Posted(event.EventBase):  # type: ignore[misc]  # os-ken is untyped
    """A function for the app's thread to call."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.function = function


class ClosApp(osken.App):
    """Listens to switches for a ``sink``."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, sink: Sink, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sink = sink
        self.register_handler(Posted, lambda posted: posted.function())
        sink.attach(lambda function: self._send_event(Posted(function), None))

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])  # type: ignore[untyped-decorator]
    def state_changed(self, event: Any) -> None:
        if event.state == MAIN_DISPATCHER:
            config = ofproto_v1_3_parser.OFPSetConfig(event.datapath, FRAGMENTS_MATCH, MISS_SEND_LEN)
            event.datapath.send_msg(config)
            self._sink.handshake_done(event.datapath)
        else:
            self._sink.disconnected(event.datapath)

    @set_ev_cls(ofp_event.EventOFPPortStatus, [CONFIG_DISPATCHER, MAIN_DISPATCHER])  # type: ignore[untyped-decorator]
    def port_changed(self, event: Any) -> None:
        message, ofp = event.msg, ofproto_v1_3
        port = message.desc
        down = port.state & ofp.OFPPS_LINK_DOWN or port.config & ofp.OFPPC_PORT_DOWN
        up = not down and message.reason != ofp.OFPPR_DELETE
        name = port.name.decode(errors="replace")
        self._sink.unsolicited(message.datapath, lambda switch: PortChanged(switch, port.port_no, name, up))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def packet_in(self, event: Any) -> None:
        message = event.msg
        port, table, cookie = message.match.get("in_port", 0), message.table_id, message.cookie
        event_of = lambda switch: PacketIn(switch, port, table, cookie, message.reason, bytes(message.data))  # noqa: E731
        self._sink.unsolicited(message.datapath, event_of)

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def complained(self, event: Any) -> None:
        message = event.msg
        event_of = lambda switch: Complaint(switch, message.type, message.code, bytes(message.data))  # noqa: E731
        self._sink.unsolicited(message.datapath, event_of)
