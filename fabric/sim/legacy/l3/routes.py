"""Routes that a device has without a protocol: networks of its interfaces, and static ones as configured.

Lives here: rows for the routing table. Must not know: packets, protocols, which route wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from clos.fabric.protocols.eigrp.routes import Prefix
from clos.fabric.sim.legacy.l3.interfaces import Interface, length_of, network
from clos.fabric.sim.legacy.l3.table import Hop, Row, Table
from clos.fabric.sim.legacy.tree import Tree, starting, value

HOST = 32


def connected(live: Iterable[Interface]) -> Iterator[Row]:
    """The networks of interfaces that are up, and their own addresses."""
    for one in live:
        for address, length in one.addresses:
            yield Row("C", network(address, length), 0, 0, (Hop(one.name, None),))
            if length < HOST:
                yield Row("L", Prefix(address, HOST), 0, 0, (Hop(one.name, None),))


def static(running: Tree, routes: bool) -> Iterator[Row]:
    """As configured; a switch that does not route has its default gateway instead."""
    if not routes:
        gateway = value(running, "ip default-gateway")
        if gateway:
            yield Row("S", Prefix(0, 0), 1, 0, (Hop(None, int(IPv4Address(gateway))),))
        return
    for line in starting(running, "ip route"):
        words = line.words()[2:]
        prefix = network(int(IPv4Address(words[0])), length_of(words[1]))
        rest = words[2:]
        interface = rest.pop(0) if not rest[0][0].isdigit() else None
        via = int(IPv4Address(rest.pop(0))) if rest and rest[0].count(".") == 3 else None
        distance = int(rest[0]) if rest and rest[0].isdecimal() else 1
        yield Row("S", prefix, distance, 0, (Hop(interface, via),))


def usable(rows: Iterable[Row], live: tuple[Interface, ...], learned: Iterable[Row]) -> Iterator[Row]:
    """Static routes whose next hop can be reached now, with the interface that leads to it where that is one's own."""
    near = Table()
    near.replace(connected(live), 0)
    up, known = {one.name for one in live} | {"Null0"}, tuple(learned)
    for row in rows:
        hop = row.hops[0]
        if hop.interface is not None:
            if hop.interface in up:
                yield row
            continue
        found = near.find(hop.via or 0)
        if found is not None:
            yield row._replace(hops=(Hop(found.hops[0].interface, hop.via),))
        elif any(one.prefix.covers(Prefix(hop.via or 0, HOST)) for one in known):
            yield row
