"""What leaves an EIGRP process: hellos, acknowledgements, and reliable packets filled with routes.

Lives here: building packets, sequence numbers, how many routes fit. Must not know: DUAL, why something is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from clos.fabric.protocols.eigrp import packet as wire
from clos.fabric.protocols.eigrp.authentication import signed
from clos.fabric.protocols.eigrp.config import Config, Effect, Interface, Send
from clos.fabric.protocols.eigrp.neighbor import Neighbor
from clos.fabric.protocols.eigrp.packet import Packet, Parameters, Release
from clos.fabric.protocols.eigrp.routes import Route, encode_route

_ROOM = wire.LONGEST - wire.HEADER.size - 60
"""Bytes for routes in a packet, beside the header and a digest."""
_LAST_SEQUENCE = (1 << 32) - 1


class Sender:
    """Collects effects. ``config`` follows the process'."""

    def __init__(self, config: Config) -> None:
        self.effects: list[Effect] = []
        self.reconfigure(config)
        self._sequence = 0

    def taken(self) -> tuple[Effect, ...]:
        """What there is to do, once."""
        effects, self.effects = tuple(self.effects), []
        return effects

    def reconfigure(self, config: Config) -> None:
        self.config = config
        self._interfaces = {i.name: i for i in config.interfaces}

    def interface(self, name: str) -> Interface:
        return self._interfaces[name]

    def hello(self, interface: Interface, farewell: bool = False) -> None:
        """A hello to all routers on the interface (RFC 7868 §5.3.2)."""
        k = wire.GOODBYE if farewell else self.config.composite.k
        packet = Packet(
            wire.HELLO,
            self.config.asn,
            parameters=Parameters(k, -(-interface.hold_ms // 1000)),
            release=Release(tlv=(2, 0)) if self.config.composite.wide else Release(),
            stub=self.config.stub,
            terminated=farewell,
        )
        self._send(interface, wire.ALL_ROUTERS, packet)

    def acknowledge(self, neighbor: Neighbor, sequence: int) -> None:
        """A hello without anything but an acknowledge number (RFC 7868 §5.3.1)."""
        packet = Packet(wire.HELLO, self.config.asn, acknowledge=sequence)
        self._send(self.interface(neighbor.source.interface), neighbor.source.address, packet)

    def push(self, neighbor: Neighbor, opcode: int, routes: tuple[Route, ...], now: int, flags: int = 0) -> None:
        """Queue a reliable packet; it leaves when what was queued before is acknowledged."""
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        wide = neighbor.wide and self.config.composite.wide
        rid = self.config.router_id if wide else 0
        named = tuple(route._replace(router_id=rid) for route in routes)
        packet = Packet(opcode, self.config.asn, flags, self._sequence, routes=named, wide=wide)
        if neighbor.push(packet):
            self.transmit(neighbor, now)

    def transmit(self, neighbor: Neighbor, now: int) -> None:
        """Send what is at the head of the queue, for the first time or again."""
        interface = self.interface(neighbor.source.interface)
        self._send(interface, neighbor.source.address, neighbor.head(now))

    def routes(self, neighbor: Neighbor, items: Iterable[tuple[int, Route]], now: int, last: int = 0) -> None:
        """Reliable packets with these routes, in order, as few as there can be; ``last``: flags of the last one."""
        wide = neighbor.wide and self.config.composite.wide
        packets = [
            (opcode, routes)
            for opcode, run in groupby(items, key=lambda item: item[0])
            for routes in _filled((route for _, route in run), wide)
        ]
        if last and not packets:
            packets = [(wire.UPDATE, ())]
        for number, (opcode, routes) in enumerate(packets, 1):
            self.push(neighbor, opcode, routes, now, last if number == len(packets) else 0)

    def _send(self, interface: Interface, destination: int, packet: Packet) -> None:
        data = signed(packet, interface.address, interface.authentication)
        self.effects.append(Send(interface.name, destination, data))


def _filled(routes: Iterable[Route], wide: bool) -> Iterator[tuple[Route, ...]]:
    """Routes in runs that fit a packet each."""
    run: list[Route] = []
    size = 0
    for route in routes:
        width = len(encode_route(route, wide))
        if run and size + width > _ROOM:
            yield tuple(run)
            run, size = [], 0
        run.append(route)
        size += width
    if run:
        yield tuple(run)
