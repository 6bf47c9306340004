"""A router's tables as the values that outputs are rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from clos.fabric.sim.clock import SECOND
from clos.fabric.sim.legacy.l3.interfaces import Interface
from clos.fabric.sim.legacy.l3.neighbors import Neighbors
from clos.fabric.sim.legacy.l3.standby import Standby
from clos.fabric.sim.legacy.l3.table import Table
from clos.fabric.sim.legacy.state import ArpEntry, Route

MINUTE = 60 * SECOND


def routes(table: Table, now: int) -> tuple[Route, ...]:
    """One value for each way of each route, by prefix."""
    return tuple(
        Route(
            row.code, IPv4Network((prefix.address, prefix.length)),
            None if hop.via is None else IPv4Address(hop.via), hop.interface, row.distance, hop.metric or row.metric,
            (now - table.since[prefix]) // SECOND, prefix.length == 0, row.tag or None,
        )
        for prefix, row in sorted(table.rows.items())
        for hop in row.hops
    )  # fmt: skip


def arp(live: Iterable[Interface], standby: Standby, neighbors: Neighbors, now: int) -> tuple[ArpEntry, ...]:
    """Own addresses, those that groups answer for, what others said, and questions without an answer."""
    return tuple(sorted(_arp(live, standby, neighbors, now), key=lambda entry: entry.address))


def _arp(live: Iterable[Interface], standby: Standby, neighbors: Neighbors, now: int) -> Iterator[ArpEntry]:
    for one in live:
        if one.name.startswith("Loopback"):
            continue
        yield from (ArpEntry(IPv4Address(address), one.mac, one.name, None) for address, _ in one.addresses)
        yield from (ArpEntry(IPv4Address(address), mac, one.name, None) for address, mac in standby.addresses(one.name))
    for (name, address), known in neighbors.known.items():
        yield ArpEntry(IPv4Address(address), known.mac, name, (now - known.at) // MINUTE)
    for name, address in neighbors.waiting.keys() - neighbors.known.keys():
        yield ArpEntry(IPv4Address(address), None, name, 0)
