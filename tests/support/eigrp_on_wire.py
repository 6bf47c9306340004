"""An EIGRP machine on a real interface, restarted again and again; a line of JSON for each adjacency.

    python -m tests.support.eigrp_on_wire INTERFACE ADDRESS/LENGTH RESTARTS

Lives here: a raw socket for IP protocol 88 (RFC 7868 §5.2) around ``fabric.protocols.eigrp``, for tests in the lab.
Every second restart says goodbye; the others are crashes. Ends with 1 where an adjacency does not form in time.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from ipaddress import IPv4Address, IPv4Interface

from clos.fabric.protocols.eigrp import config as eigrp
from clos.fabric.protocols.eigrp.metric import Vector
from clos.fabric.protocols.eigrp.packet import ALL_ROUTERS
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.eigrp.routes import Prefix

PATIENCE = 60.0
"""Seconds for an adjacency: several hellos, and a hold time of a neighbor that knows nothing of a crash."""
PROTOCOL = 88


class Wire:
    """The socket of one interface."""

    def __init__(self, name: str, address: IPv4Interface) -> None:
        self.name, self.own = name, address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
        group = struct.pack("=4s4si", IPv4Address(ALL_ROUTERS).packed, address.ip.packed, 0)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, address.ip.packed)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)

    def send(self, destination: int, data: bytes) -> None:
        self.socket.sendto(data, (str(IPv4Address(destination)), 0))

    def receive(self, seconds: float) -> tuple[int, bytes] | None:
        """A packet and its source; None: none came."""
        self.socket.settimeout(max(0.001, seconds))
        try:
            data = self.socket.recv(65535)
        except TimeoutError:
            return None
        header = (data[0] & 15) * 4
        return int(IPv4Address(data[12:16])), data[header:]


def now() -> int:
    return int(time.monotonic() * 1000)


def config(name: str, address: IPv4Interface) -> eigrp.Config:
    """A gigabit link and a network behind it."""
    link = Vector(10**7, 1_000_000, 1500)
    network = Prefix(int(address.network.network_address), address.network.prefixlen)
    behind = Prefix(int(IPv4Address("172.30.1.0")), 24)
    own = eigrp.Interface(name, int(address.ip), (network,), link)
    stub = eigrp.Interface("behind", int(IPv4Address("172.30.1.1")), (behind,), link, passive=True)
    return eigrp.Config(100, int(address.ip), (own, stub))


def adjacency(wire: Wire) -> tuple[Router, dict[str, object]]:
    """A machine started from nothing, until it has a neighbor and that neighbor's routes, and all is acknowledged."""
    router, begun = Router(config(wire.name, wire.own)), time.monotonic()
    routes: dict[str, list[tuple[str, int]]] = {}
    up, refused = 0.0, []

    def do(effects: tuple[eigrp.Effect, ...]) -> None:
        nonlocal up
        for effect in effects:
            if isinstance(effect, eigrp.Send) and effect.interface == wire.name:
                wire.send(effect.destination, effect.data)
            elif isinstance(effect, eigrp.NeighborUp):
                up = time.monotonic() - begun
            elif isinstance(effect, eigrp.RouteChanged):
                prefix = f"{IPv4Address(effect.prefix.address)}/{effect.prefix.length}"
                routes[prefix] = [(str(IPv4Address(path.next_hop)), path.metric) for path in effect.paths]
            elif isinstance(effect, eigrp.Refused):
                refused.append(effect.reason)

    do(router.start(now()))
    while time.monotonic() - begun < PATIENCE:
        deadline = router.next_deadline()
        heard = wire.receive(0.5 if deadline is None else min(0.5, (deadline - now()) / 1000))
        if heard is not None and heard[0] != int(wire.own.ip):
            do(router.receive(wire.name, heard[0], heard[1], now()))
        do(router.tick(now()))
        learned = any(hop != "0.0.0.0" for ways in routes.values() for hop, _ in ways)
        if up and learned and not any(neighbor.waiting for neighbor in router.neighbors.values()):
            return router, {"seconds": round(up, 3), "routes": routes, "refused": refused}
    raise SystemExit(json.dumps({"up": up, "routes": routes, "refused": refused}))


def main() -> None:
    name, address, restarts = sys.argv[1], IPv4Interface(sys.argv[2]), int(sys.argv[3])
    wire = Wire(name, address)
    for number in range(restarts + 1):
        router, found = adjacency(wire)
        print(json.dumps(found), flush=True)
        if number % 2:
            for effect in router.stop(now()):
                if isinstance(effect, eigrp.Send) and effect.interface == name:
                    wire.send(effect.destination, effect.data)


if __name__ == "__main__":
    main()
