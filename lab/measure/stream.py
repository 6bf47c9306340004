"""Traffic to measure with: numbered datagrams at a steady rate from one station to another, and a TCP flow beside.

Lives here: the programs that send and receive in the stations' namespaces, and counting. Must not know: failures,
controllers, why anything is lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from clos.controller.intent.model import Service
from clos.fabric.packet.fields import ipv4_text
from clos.lab.lab import Lab
from clos.lab.measure.frames import Party
from clos.lab.ovs.processes import LabError, urgent

RATE = 1000
"""Datagrams a second."""
BEAT = 0.01
"""Seconds between two messages of the TCP flow."""
# The sender's port is always the same, so that one conversation takes one way through the fabric. Receivers have room
# for seconds of traffic (33: SO_RCVBUFFORCE), as a busy machine lets them wait, which is no loss of the fabric's.
_SEND = """
import select, socket, sys, time
host, port, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); out.bind(("", 64999))  # not connected: no answer ends it
start, number = time.monotonic(), 0
while not select.select([sys.stdin], [], [], 0)[0]:
    for _ in range(10):
        wait = start + number / rate - time.monotonic()
        if wait > 0: time.sleep(wait)
        try: out.sendto(number.to_bytes(4, "big"), (host, port))
        except OSError: pass
        number += 1
print(number)
"""
_RECEIVE = """
import json, select, socket, sys
into = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
into.setsockopt(socket.SOL_SOCKET, 33, 1 << 24); into.bind(("", int(sys.argv[1])))
print("ready", flush=True)
seen, count = [], None
while True:
    ready = select.select([into] if count is not None else [into, sys.stdin], [], [], None if count is None else 0.3)[0]
    if into in ready: seen.append(int.from_bytes(into.recv(64), "big"))
    if sys.stdin in ready: count = int(sys.stdin.readline() or 0)
    if not ready or (count is not None and seen and seen[-1] == count - 1): break
print(json.dumps(seen))
"""
_SNIFF = """
import json, select, socket, sys
into = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
into.setsockopt(263, 1, (socket.if_nametoindex("eth0")).to_bytes(4, sys.byteorder) + b"\\1\\0\\0\\0" + bytes(8))
into.setsockopt(socket.SOL_SOCKET, 33, 1 << 24); into.bind(("eth0", 0x800))
port = int(sys.argv[1])
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); taken.bind(("", port))  # so that nobody is told it is closed
print("ready", flush=True)
seen, count = [], None
while True:
    ready = select.select([into] if count is not None else [into, sys.stdin], [], [], None if count is None else 0.3)[0]
    if into in ready:
        data, address = into.recvfrom(2048)
        if address[2] != 4 and data[23] == 17 and int.from_bytes(data[36:38], "big") == port:
            seen.append(int.from_bytes(data[42:46], "big"))
    if sys.stdin in ready: count = int(sys.stdin.readline() or 0)
    if not ready: break
print(json.dumps(seen))
"""
_SERVE = """
import json, socket, sys, time
server = socket.create_server(("", int(sys.argv[1]))); print("ready", flush=True)
server.settimeout(5); peer = server.accept()[0]; peer.settimeout(5)
last, longest, size = time.monotonic(), 0.0, 0
while data := peer.recv(1 << 16):
    now = time.monotonic(); longest = max(longest, now - last); last = now; size += len(data)
print(json.dumps([longest, size]))
"""
_TALK = """
import select, socket, sys, time
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); peer.settimeout(10)
size = 0
while not select.select([sys.stdin], [], [], float(sys.argv[3]))[0]: peer.sendall(bytes(8)); size += 8
peer.close(); print(size)
"""


class Stream(NamedTuple):
    """Who sends to whom: a conversation that policy permits, between two leaves."""

    source: Party
    target: Party
    service: Service

    def __str__(self) -> str:
        return f"{self.source.name} -> {self.target.name} {self.service}"


class Loss(NamedTuple):
    """``lost`` of ``sent`` datagrams, ``twice``: seen again; ``gap``: the longest run of lost ones, in milliseconds.

    ``pause``: the longest the TCP flow beside was silent, in milliseconds; None without one.
    """

    what: str
    sent: int
    lost: int
    gap: float
    twice: int
    pause: float | None = None

    def __str__(self) -> str:
        beside = "" if self.pause is None else f", TCP paused {self.pause:.0f} ms"
        told = f"{self.what}: {self.lost} of {self.sent} lost, longest gap {self.gap:.0f} ms, {self.twice} seen twice"
        return told + beside


def measure(
    lab: Lab,
    what: str,
    event: Callable[[], object],
    flow: Stream,
    seconds: float = 2.0,
    *,
    tcp: bool = False,
    also: Sequence[Party] = (),
) -> Loss:
    """Send for ``seconds``, let the event happen halfway, however long it takes, and count what did not arrive.

    ``tcp``: a TCP flow beside, to the same port. ``also``: stations at whose ports a datagram counts as arrived, too.
    """
    with ExitStack() as stack:
        program = _SNIFF if also else _RECEIVE
        receivers = [
            stack.enter_context(_running(lab, party, program, str(flow.service.first), ready=True))
            for party in (flow.target, *also)
        ]
        beside = stack.enter_context(_tcp(lab, flow)) if tcp else None
        address = ipv4_text(flow.target.endpoint.ip)
        sender = stack.enter_context(_running(lab, flow.source, _SEND, address, str(flow.service.first), str(RATE)))
        time.sleep(seconds / 2)
        event()
        time.sleep(seconds / 2)
        count = int(_end(sender, ""))
        seen = [number for receiver in receivers for number in _end(receiver, f"{count}\n")]
        pause = None if beside is None else _silence(*beside)
    return counted(what, count, seen)._replace(pause=pause)


def counted(what: str, count: int, seen: Sequence[int]) -> Loss:
    """The loss when these of ``count`` numbers were seen."""
    got = set(seen)
    lost = [number for number in range(count) if number not in got]
    longest = run = 0
    for i, number in enumerate(lost):
        run = run + 1 if i and lost[i - 1] == number - 1 else 1
        longest = max(longest, run)
    return Loss(what, count, len(lost), longest * 1000 / RATE, len(seen) - len(got))


_Process = subprocess.Popen[str]


@contextmanager
def _tcp(lab: Lab, flow: Stream) -> Iterator[tuple[_Process, _Process]]:
    with _running(lab, flow.target, _SERVE, str(flow.service.first), ready=True) as server:
        address = ipv4_text(flow.target.endpoint.ip)
        with _running(lab, flow.source, _TALK, address, str(flow.service.first), str(BEAT)) as client:
            yield server, client


def _silence(server: _Process, client: _Process) -> float:
    """The longest pause in milliseconds. Raises LabError when bytes were lost, which TCP never does."""
    sent = int(_end(client, ""))
    longest, received = _end(server, "")
    if received != sent:
        raise LabError(f"the TCP flow broke: {received} of {sent} bytes arrived")
    return max(0.0, (float(longest) - BEAT) * 1000)


def _end(process: _Process, last: str) -> Any:
    """Tell a program to end; its result."""
    out = process.communicate(last, timeout=30)[0]
    if process.returncode:
        raise LabError(f"a measuring program failed: {out.strip()[-300:]}")
    return json.loads(out)


@contextmanager
def _running(lab: Lab, party: Party, program: str, *arguments: str, ready: bool = False) -> Iterator[_Process]:
    station = lab.plan.station(party.name)
    if station is None:
        raise LabError(f"{party.name} has no station in this lab")
    words = [*lab.cell.enter(station.name), *urgent(), sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        if ready and process.stdout is not None and (said := process.stdout.readline().strip()) != "ready":
            raise LabError(f"the receiver on {party.name} did not start: {said}")
        yield process
    finally:
        process.kill()
        process.wait()
