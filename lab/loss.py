"""How much is lost when something fails: numbered datagrams at a steady rate through the lab, and a failure amid them.

Lives here: the stream between two stations, the failures, and counting. Must not know: why a fabric heals.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from controller.intent.model import Service
from fabric.fields import IP_UDP
from fabric.topology import PortRef
from lab.lab import Lab
from lab.layout import dotted
from lab.ovs import LabError
from lab.probes import Party, parties, services, talk

RATE = 1000
"""Datagrams a second."""

_SEND = """
import socket, sys, time
host, port, count, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); out.bind(("", 64999)); out.connect((host, port))
start = time.monotonic()
for number in range(count):
    wait = start + number / rate - time.monotonic()
    if wait > 0: time.sleep(wait)
    try: out.send(number.to_bytes(4, "big"))
    except OSError: pass
"""
_RECEIVE = """
import json, socket, sys
into = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); into.bind(("", int(sys.argv[1]))); into.settimeout(5)
into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
print("ready", flush=True)
seen, last = [], int(sys.argv[2]) - 1
try:
    while True:
        seen.append(int.from_bytes(into.recv(64), "big"))
        into.settimeout(0.05 if seen[-1] == last else 1)
except TimeoutError: pass
print(json.dumps(seen))
"""


class Stream(NamedTuple):
    """Who sends to whom: a conversation that policy permits, between two leaves."""

    source: Party
    target: Party
    service: Service

    def __str__(self) -> str:
        return f"{self.source.name} -> {self.target.name} {self.service}"


class Loss(NamedTuple):
    """``lost`` of ``sent`` datagrams, ``twice``: seen again; ``gap``: the longest run of lost ones, in milliseconds."""

    what: str
    sent: int
    lost: int
    gap: float
    twice: int

    def __str__(self) -> str:
        return f"{self.what}: {self.lost} of {self.sent} lost, longest gap {self.gap:.0f} ms, {self.twice} seen twice"


def stream(lab: Lab) -> Stream:
    """The first permitted UDP conversation between single-homed stations on two leaves. Raises LabError."""
    fabric, everyone = lab.fabric(), parties(lab.intent, lab.topology)
    ports = [service for service in services(lab.intent) if service.proto == IP_UDP]
    for source in everyone:
        for target in everyone:
            apart = source.ports[0].switch != target.ports[0].switch
            if apart and len(source.ports) == len(target.ports) == 1:
                for service in ports:
                    if fabric.walk(source.ports[0], talk(source, target, service)).deliveries:
                        return Stream(source, target, service)
    raise LabError("no UDP conversation between two leaves is permitted: nothing to measure with")


def measure(lab: Lab, what: str, event: Callable[[], object], seconds: float = 2.0, flow: Stream | None = None) -> Loss:
    """Send for so long, let the event happen halfway, and count."""
    flow = flow or stream(lab)
    count = int(seconds * RATE)
    port = str(flow.service.first)
    receiver = _start(lab, flow.target, _RECEIVE, port, str(count))
    if receiver.stdout is None or receiver.stdout.readline().strip() != "ready":
        raise LabError(f"the receiver on {flow.target.name} did not start")
    sender = _start(lab, flow.source, _SEND, dotted(flow.target.endpoint.ip), port, str(count), str(RATE))
    time.sleep(seconds / 2)
    event()
    sender.wait()
    return _counted(what, count, json.loads(receiver.communicate()[0]))


def _counted(what: str, count: int, seen: list[int]) -> Loss:
    got = set(seen)
    lost = [number for number in range(count) if number not in got]
    longest = run = 0
    for i, number in enumerate(lost):
        run = run + 1 if i and lost[i - 1] == number - 1 else 1
        longest = max(longest, run)
    return Loss(what, count, len(lost), longest * 1000 / RATE, len(seen) - len(got))


def _start(lab: Lab, party: Party, program: str, *arguments: str) -> subprocess.Popen[str]:
    station = lab.plan.station(party.name)
    if station is None:
        raise LabError(f"{party.name} has no station in this lab")
    words = [*lab.cell.enter(station.name), sys.executable, "-c", program, *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


class Path(NamedTuple):
    """The cables a stream takes: up from its leaf, down from a spine."""

    up: PortRef
    spine: str
    down: PortRef


def path(lab: Lab, flow: Stream) -> Path:
    """Which spine carries the stream now: found by sending some of it and looking at the leaf's counters."""
    leaf, far = flow.source.ports[0].switch, flow.target.ports[0].switch
    before: dict[int, int] = {}

    def note() -> None:
        before.update(lab.sent(leaf))

    measure(lab, "", note, 0.4, flow)
    after = lab.sent(leaf)
    port = max(after, key=lambda number: after[number] - before[number])
    spine = dict(lab.topology.uplinks[leaf])[port]
    down = next(number for number, name in lab.topology.downlinks[spine] if name == far)
    return Path(PortRef(leaf, port), spine, PortRef(spine, down))


def failures(lab: Lab, seconds: float = 2.0) -> list[Loss]:
    """A stream's loss for each way that a fabric breaks under it, without a controller's help; all is mended after."""
    flow = stream(lab)
    found = [measure(lab, "nothing fails", lambda: None, seconds, flow)]
    for what in ("local link", "remote link", "spine crash"):
        way = path(lab, flow)
        peers = lab.topology.peers
        cut = {
            "local link": (peers[way.up],),
            "remote link": (peers[way.down],),
            "spine crash": tuple(port for port in peers if port.switch == way.spine),
        }[what]
        try:
            found.append(measure(lab, what, lambda cut=cut: lab.cut(*cut), seconds, flow))  # type: ignore[misc]
        finally:
            lab.mend(*cut)
            time.sleep(0.3)
    return found
