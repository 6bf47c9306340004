"""The judge nobody here wrote: os-ken's switch tester (Ryu's) run against two simulated switches over TCP.

``os_ken.tests.switch.tester`` decides what is sent, what is compared and what counts as passed; its code runs
unchanged. Replaced here are the transport (one blocking socket per switch instead of an application in os-ken's
event loop) and the clock: where the tester sleeps or measures throughput, virtual time passes instead.

    python -m tests.support.conformance [--sum-sctp-bytes] match/00_IN_PORT.json ...     (no name: all cases)

prints one JSON line per case: {"case": name, "failures": [[description, what the judge said], ...]}.
It is run as a program because the tester fills its name space from whatever modules of os-ken are loaded.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

from os_ken.base import app_manager  # noqa: F401  (must come first: circular imports inside os-ken)
from os_ken.controller import ofp_event
from os_ken.lib.packet import sctp
from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_3, ofproto_v1_3_parser
from os_ken.tests.switch import tester as ryu

from clos.fabric.packet.build import Packet
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import Link, PortRef, Switch, Topology

CASES = Path(ryu.__file__).parent / "of13"
TARGET, TESTER = 1, 2
TOPOLOGY = Topology(
    "conformance",
    {"target": Switch("target", "leaf", TARGET), "tester": Switch("tester", "spine", TESTER)},
    tuple(Link(PortRef("target", n), PortRef("tester", n)) for n in (1, 2, 3)),
)
"""The tester's own drawing: two switches, three cables."""

MOST_PACKETS = 6000
"""Throughput cases send at the rate they name for the 30 s they name, or until this many packets are sent: rates
are judged over the time that passed. Packets with random headers are dear to build (MOST_RANDOM)."""
MOST_RANDOM = 2000


def names() -> list[str]:
    """The cases as ``folder/file.json``, sorted."""
    return sorted(str(path.relative_to(CASES)) for path in CASES.rglob("*.json"))


class Wire(ofproto_protocol.ProtocolDesc):
    """One switch's connection, in the form the tester knows as a datapath."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(ofproto_v1_3.OFP_VERSION)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.id = 0
        self._xid = 0
        self._buffer = b""

    def set_xid(self, msg) -> int:
        self._xid += 1
        msg.set_xid(self._xid)
        return self._xid

    def send_msg(self, msg) -> bool:
        if msg.xid is None:
            self.set_xid(msg)
        msg.serialize()
        self.sock.sendall(msg.buf)
        return True

    def read(self) -> list:
        """Whole messages that have arrived; waits for more bytes only when there are none."""
        data = self.sock.recv(1 << 16)
        if not data:
            raise ConnectionError(f"switch {self.id} closed the connection")
        self._buffer += data
        messages = []
        while len(self._buffer) >= 8:
            version, kind, length, xid = ofproto_parser.header(self._buffer)
            if len(self._buffer) < length:
                break
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            messages.append(ofproto_parser.msg(self, version, kind, length, xid, frame))
        return messages

    def handshake(self) -> None:
        """Hello and features, after which ``id`` is the switch's datapath id."""
        parser = self.ofproto_parser
        self.send_msg(parser.OFPHello(self, elements=[parser.OFPHelloElemVersionBitmap(versions=[4])]))
        self.send_msg(parser.OFPFeaturesRequest(self))
        while not self.id:
            for message in self.read():
                if isinstance(message, parser.OFPSwitchFeatures):
                    self.id = message.datapath_id


class Heard:
    """The tester's ``waiter``: an event that somebody polls."""

    done = False

    def set(self) -> None:
        self.done = True


class Judge(ryu.OfTester):
    """Ryu's tester with its own judgement, our transport and virtual time."""

    def __init__(self, sim: SimThread, wires: dict[int, Wire]) -> None:
        self.sim, self.wires = sim, wires
        self.logger = self
        self.said: list[str] = []
        self.inbox: deque = deque()
        self.target_send_port_1, self.target_send_port_2, self.target_recv_port = 2, 3, 1
        self.tester_send_port, self.tester_recv_port_1, self.tester_recv_port_2 = 1, 2, 3
        self.target_sw = ryu.OpenFlowSw(wires[TARGET], self)
        self.tester_sw = ryu.OpenFlowSw(wires[TESTER], self)
        self.state, self.waiter, self.thread_msg = ryu.STATE_INIT_FLOW, None, None
        self.send_msg_xids, self.rcv_msgs = [], []
        self.ingress_event, self.ingress_threads = None, []
        self.stopwatch = 0.0

    def info(self, text: str, *args: object) -> None:
        """The tester's log; what it says after a result is the reason of a failure."""
        self.said.append(text % args)

    def debug(self, text: str, *args: object) -> None:
        pass

    error = info

    def judge(self, test) -> str:
        """What the tester says of one test: empty when passed."""
        self._drain()
        self.said = []
        return "" if self._test_execute(test, None) == ryu.TEST_OK else self.said[-1].strip()

    def _pump(self, timeout: float) -> None:
        socks = {wire.sock: wire for wire in self.wires.values()}
        for sock in select.select(list(socks), [], [], timeout)[0]:
            self.inbox.extend(socks[sock].read())

    def _drain(self) -> None:
        """Let what is on its way arrive and forget it, as the tester forgets what comes while it sleeps."""
        self.sim.call(lambda network: network.run(0.001))
        for wire in self.wires.values():
            self._expect(wire)
        self.inbox.clear()

    def _expect(self, wire: Wire) -> None:
        """Ask for an echo and wait for it: everything the switch said before is then in the inbox."""
        ask = wire.ofproto_parser.OFPEchoRequest(wire)
        wire.send_msg(ask)
        while not any(m.xid == ask.xid and m.datapath is wire for m in self.inbox):
            self._pump(ryu.WAIT_TIMER)

    def _wait(self) -> None:
        self.waiter, self.rcv_msgs = Heard(), []
        deadline = time.monotonic() + ryu.WAIT_TIMER
        while not self.waiter.done and time.monotonic() < deadline:
            if not self.inbox:
                self._pump(0.25)
            while self.inbox and not self.waiter.done:
                self._hear(self.inbox.popleft())
        timed_out, self.waiter = not self.waiter.done, None
        if timed_out:
            raise ryu.TestTimeout(self.state)
        if self.rcv_msgs and isinstance(self.rcv_msgs[0], ofproto_v1_3_parser.OFPErrorMsg):
            raise ryu.TestReceiveError(self.state, self.rcv_msgs[0])

    def _hear(self, message) -> None:
        event = ofp_event.ofp_msg_to_ev(message)
        handler = {
            "EventOFPFlowStatsReply": self.stats_reply_handler,
            "EventOFPMeterConfigStatsReply": self.stats_reply_handler,
            "EventOFPTableStatsReply": self.stats_reply_handler,
            "EventOFPPortStatsReply": self.stats_reply_handler,
            "EventOFPGroupDescStatsReply": self.stats_reply_handler,
            "EventOFPBarrierReply": self.barrier_reply_handler,
            "EventOFPPacketIn": self.packet_in_handler,
            "EventOFPErrorMsg": self.error_msg_handler,
        }.get(type(event).__name__)
        if handler is not None:
            handler(event)

    def _test_send_barrier(self) -> None:
        """After its barrier the tester sleeps ``INTERVAL``: that time passes here."""
        super()._test_send_barrier()
        self.sim.call(lambda network: network.run(1.0))

    def _one_time_packet_send(self, pkt) -> None:
        self._drain()
        super()._one_time_packet_send(pkt)

    def _continuous_packet_send(self, pkt) -> None:
        """The packets leave the tester's port 1 evenly spaced in virtual time."""
        load = pkt[ryu.KEY_PACKETS]
        rate, seconds = load[ryu.KEY_PKTPS], load[ryu.KEY_DURATION_TIME]
        count = min(rate * seconds, MOST_RANDOM if load["randomize"] else MOST_PACKETS)
        packets = [Packet.parse(load["packet_binary"])] * count
        if load["randomize"]:
            random.seed(1)
            packets = [Packet.parse(_random_packet(load["packet_text"])) for _ in range(count)]
        self.sim.call(lambda network: _send_all(network, packets, rate))
        self.stopwatch += count / rate

    def _test_get_throughput(self):
        """The tester's stopwatch runs while packets are sent, and only then."""
        self._drain()
        _, counts = super()._test_get_throughput()
        return self.stopwatch, counts


def _random_packet(text: list[str]) -> bytes:
    packet = eval("/".join(text), vars(ryu))  # the case files hold Python expressions for the tester
    packet.serialize()
    return bytes(packet.data)


def _send_all(network, packets: list[Packet], rate: int) -> None:
    start = network.clock.now
    for n, packet in enumerate(packets):
        network.clock.advance(start + n * 1_000_000 // rate)
        network.transmit(PortRef("tester", 1), packet)
    network.clock.advance(start + len(packets) * 1_000_000 // rate)


def run(cases: list[str]):
    """Yield (case, failures) for each; failures are (description, what the judge said)."""
    ryu.OfTester.target_ver = ryu.OfTester.tester_ver = ofproto_v1_3.OFP_VERSION
    ryu.INTERVAL = 0
    with socket.create_server(("127.0.0.1", 0)) as server, SimThread(TOPOLOGY, server.getsockname()) as sim:
        wires = [Wire(server.accept()[0]) for _ in TOPOLOGY.switches]
        for wire in wires:
            wire.handshake()
        judge = Judge(sim, {wire.id: wire for wire in wires})
        for case in cases:
            file = ryu.TestFile(str(CASES / case), judge)
            verdicts = [(test.description, judge.judge(test)) for test in file.tests]
            yield case, [[description, said] for description, said in verdicts if said]
        for wire in wires:
            wire.sock.close()


def sum_sctp_bytes() -> None:
    """Mend os-ken's SCTP checksum: sum the bytes, and not the text Python prints for them."""
    theirs = sctp.sctp._checksum
    sctp.sctp._checksum = lambda self, data: theirs(self, _Bytes(data))


class _Bytes(bytes):
    """Bytes that are the text of themselves: what os-ken's checksum iterates over."""

    def __str__(self) -> str:
        return self.decode("latin-1")


if __name__ == "__main__":
    cases = sys.argv[1:]
    if "--sum-sctp-bytes" in cases:
        cases.remove("--sum-sctp-bytes")
        sum_sctp_bytes()
    for case, failures in run(cases or names()):
        print(json.dumps({"case": case, "failures": failures}), flush=True)
