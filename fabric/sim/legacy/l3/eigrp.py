"""EIGRP processes of a device, run by fabric.protocols.eigrp on the network's virtual time.

Lives here: carrying configuration, interfaces and routes into the machines, packets to the link and back, the routes
that come of it, and what is shown of a process. Must not know: DUAL, layouts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from clos.fabric.packet import build
from clos.fabric.packet.fields import ipv4_text
from clos.fabric.protocols.eigrp import config as protocol
from clos.fabric.protocols.eigrp.authentication import MD5, SHA256
from clos.fabric.protocols.eigrp.dual import CONNECTED, NEIGHBOR, REDISTRIBUTED, SUMMARY, Entry, Path, Source
from clos.fabric.protocols.eigrp.metric import EXTERNAL, INFINITE
from clos.fabric.protocols.eigrp.router import Router as Machine
from clos.fabric.protocols.eigrp.routes import STATIC, Prefix
from clos.fabric.sim.clock import MILLISECOND, SECOND
from clos.fabric.sim.legacy.l3.alarm import Alarm
from clos.fabric.sim.legacy.l3.eigrp_config import Process, config_of, processes
from clos.fabric.sim.legacy.l3.table import Hop, Row
from clos.fabric.sim.legacy.state import EigrpInterface, EigrpNeighbor, EigrpPath, EigrpPrefix, EigrpProcess

if TYPE_CHECKING:
    from clos.fabric.sim.legacy.l3.router import Router

PROTOCOL = 88
SUMMARY_DISTANCE = 5
INFINITY = (1 << 32) - 1
_METHODS = {MD5: "md5", SHA256: "hmac-sha-256"}


@dataclass(slots=True)
class _Running:
    """A process that runs. ``routes``: what it gives to the routing table; ``since``: when neighbours came up."""

    process: Process
    machine: Machine
    routes: dict[Prefix, protocol.RouteChanged] = field(default_factory=dict)
    since: dict[Source, int] = field(default_factory=dict)
    handles: dict[Source, int] = field(default_factory=dict)


class Eigrp:
    """The processes of one router, by autonomous system."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._running: dict[int, _Running] = {}
        self._alarm = Alarm(router.device.clock, self._rang)
        self._stale = False

    @property
    def _now(self) -> int:
        return self._router.device.clock.now // MILLISECOND

    # configuration and links

    def follow(self) -> None:
        """The configuration changed."""
        device = self._router.device
        wanted = {process.asn: process for process in processes(device.running)} if device.alive else {}
        for asn in self._running.keys() - wanted.keys():
            self._end(asn)
        for asn, process in wanted.items():
            running = self._running.get(asn)
            if running is not None and (running.process.name is None) != (process.name is None):
                self._end(asn)
                running = None
            config = self._config(process)
            if running is None:
                self._running[asn] = _Running(process, Machine(config))
            else:
                running.process = process
                self._reconfigure(running, config)
        self.links_changed()

    def _config(self, process: Process) -> protocol.Config:
        router = self._router
        return config_of(router.device, process, router.interfaces, router.up, router.table)

    def _reconfigure(self, running: _Running, config: protocol.Config) -> None:
        if config != running.machine.config:
            self._do(running, running.machine.reconfigure(config, self._now))

    def _end(self, asn: int) -> None:
        running = self._running[asn]
        if self._router.device.alive:
            self._do(running, running.machine.stop(self._now))
        del self._running[asn]
        self._router.rebuild()

    def links_changed(self) -> None:
        """Interfaces came up or went down; what they add to paths may be another."""
        for running in list(self._running.values()):
            self._reconfigure(running, self._config(running.process))
            for one in running.machine.config.interfaces:
                if one.name in self._router.up and one.name not in running.machine.up:
                    self._do(running, running.machine.interface_up(one.name, self._now))
                elif one.name not in self._router.up and one.name in running.machine.up:
                    self._do(running, running.machine.interface_down(one.name, self._now))
        self._wind()

    def table_changed(self) -> None:
        """The routing table changed: once this instant's changes are done, look what is redistributed."""
        if not self._stale:
            self._stale = True
            self._router.device.clock.after(0, self._redistribute)

    def _redistribute(self) -> None:
        self._stale = False
        for running in list(self._running.values()):
            self._reconfigure(running, self._config(running.process))
        self._wind()

    # time and packets

    def _rang(self) -> None:
        for running in list(self._running.values()):
            due = running.machine.next_deadline()
            if due is not None and due <= self._now:
                self._do(running, running.machine.tick(self._now))
        self._wind()

    def _wind(self) -> None:
        dues = (running.machine.next_deadline() for running in self._running.values())
        due = min((at for at in dues if at is not None), default=None)
        self._alarm.set(None if due is None else due * MILLISECOND)

    def receive(self, interface: str, source: int, data: bytes) -> None:
        """A packet of the protocol came in; each process takes what is its own."""
        for asn, running in list(self._running.items()):
            if len(data) >= 20 and int.from_bytes(data[18:20]) == asn:
                self._do(running, running.machine.receive(interface, source, data, self._now))
        self._wind()

    def _do(self, running: _Running, effects: Iterable[protocol.Effect]) -> None:
        changed = False
        for effect in effects:
            if isinstance(effect, protocol.Send):
                self._send(running, effect)
            elif isinstance(effect, protocol.RouteChanged):
                changed = True
                if effect.paths:
                    running.routes[effect.prefix] = effect
                else:
                    running.routes.pop(effect.prefix, None)
            elif isinstance(effect, protocol.NeighborUp | protocol.NeighborDown):
                self._note(running, effect)
        if changed:
            self._router.rebuild()

    def _send(self, running: _Running, send: protocol.Send) -> None:
        one = self._router.interfaces.get(send.interface)
        if one is not None:
            frame = build.ipv4(
                eth_src=0, eth_dst=0, ipv4_src=one.address, ipv4_dst=send.destination, ip_proto=PROTOCOL, ttl=2,
                payload=send.data,
            )  # fmt: skip
            self._router.send_at(send.interface, send.destination, frame.data)

    def _note(self, running: _Running, effect: protocol.NeighborUp | protocol.NeighborDown) -> None:
        source = Source(effect.interface, effect.address)
        came = isinstance(effect, protocol.NeighborUp)
        if came:
            running.since[source] = self._router.device.clock.now
            used = set(running.handles.values())
            running.handles[source] = next(n for n in range(len(used) + 1) if n not in used)
        else:
            running.since.pop(source, None)
            running.handles.pop(source, None)
        word = "up: new adjacency" if isinstance(effect, protocol.NeighborUp) else f"down: {effect.reason}"
        who = f"Neighbor {ipv4_text(effect.address)} ({effect.interface})"
        asn = running.process.asn
        self._router.device.logged(f"%DUAL-5-NBRCHANGE: EIGRP-IPv4 {asn}: {who} is {word}")

    # what the router asks

    def rows(self) -> Iterator[Row]:
        """What the processes give to the routing table."""
        for asn, running in self._running.items():
            for prefix, route in running.routes.items():
                yield self._row(asn, running, prefix, route)

    def _row(self, asn: int, running: _Running, prefix: Prefix, route: protocol.RouteChanged) -> Row:
        entry = running.machine.topology.entries.get(prefix)
        best = None if entry is None else entry.best
        tag = best.external.tag if best is not None and best.external is not None else 0
        internal, external = running.process.distances
        hops = tuple(Hop(path.interface, path.next_hop or None, path.metric) for path in route.paths)
        summary = hops[0].interface == "Null0"
        distance = SUMMARY_DISTANCE if summary else external if route.external else internal
        code = "D EX" if route.external else "D"
        return Row(code, prefix, distance, route.paths[0].metric, hops, asn, tag)

    # what is shown

    def shown(self) -> tuple[EigrpProcess, ...] | None:
        return tuple(self._process(asn, running) for asn, running in sorted(self._running.items()))

    def _process(self, asn: int, running: _Running) -> EigrpProcess:
        config = running.machine.config
        prefixes = tuple(
            _prefix(config, entry) for _, entry in sorted(running.machine.topology.entries.items()) if entry.paths
        )
        return EigrpProcess(
            asn, running.process.name, IPv4Address(config.router_id), tuple(self._neighbors(running)),
            tuple(self._interfaces(running)), prefixes, config.composite.k[:6], config.variance, config.maximum_paths,
            running.process.distances, config.stub is not None,
        )  # fmt: skip

    def _neighbors(self, running: _Running) -> Iterator[EigrpNeighbor]:
        now = self._now
        for source, one in sorted(running.machine.neighbors.items(), key=lambda item: running.handles.get(item[0], 99)):
            if not one.up:
                continue
            since = running.since.get(source, 0)
            srtt = max(1, one.smoothed_ms)
            yield EigrpNeighbor(
                running.handles[source], IPv4Address(source.address), source.interface,
                max(0, one.deadline - now) // 1000, (self._router.device.clock.now - since) // SECOND, srtt,
                max(100, 6 * srtt), len(one.waiting), one.received, len(one.offered), one.stub is not None,
            )  # fmt: skip

    def _interfaces(self, running: _Running) -> Iterator[EigrpInterface]:
        neighbors = running.machine.neighbors
        for one in running.machine.config.interfaces:
            if one.passive or one.name not in running.machine.up:
                continue
            mine = [n for source, n in neighbors.items() if source.interface == one.name and n.up]
            srtt = sum(n.smoothed_ms for n in mine) // len(mine) if mine else 0
            method = None if one.authentication is None else _METHODS[one.authentication.method]
            yield EigrpInterface(
                one.name, len(mine), srtt, (0, 0), 50 if mine else 0, sum(len(n.waiting) for n in mine),
                one.hello_ms // 1000, one.hold_ms // 1000, one.split_horizon, method,
            )  # fmt: skip


def _prefix(config: protocol.Config, entry: Entry) -> EigrpPrefix:
    best = entry.best
    tag = best.external.tag if best is not None and best.external is not None else None
    order = [*entry.successors, *entry.feasible_successors()]
    paths = tuple(_path(config, source, entry.paths[source], entry) for source in order if source in entry.paths)
    rest = (source for source in sorted(entry.paths) if source not in order)
    others = tuple(_path(config, source, entry.paths[source], entry) for source in rest)
    distance = _number(entry.feasible_distance)
    return EigrpPrefix(
        IPv4Network((entry.prefix.address, entry.prefix.length)), not entry.passive, len(entry.successors), distance,
        paths, tag or None, others,
    )  # fmt: skip


def _number(cost: int) -> int:
    """A cost as it is shown: without the mark of external routes."""
    if cost >= INFINITE:
        return INFINITY
    return cost % EXTERNAL


def _path(config: protocol.Config, source: Source, path: Path, entry: Entry) -> EigrpPath:
    distance, reported = _number(path.cost), _number(path.reported)
    if source.kind == NEIGHBOR:
        return EigrpPath(IPv4Address(source.address), source.interface, distance, reported)
    if source.kind == CONNECTED:
        return EigrpPath(None, source.interface, distance, 0, "Connected")
    if source.kind == SUMMARY:
        return EigrpPath(None, "Null0", distance, 0, "Summary")
    static = path.external is not None and path.external.protocol == STATIC
    assert source.kind == REDISTRIBUTED
    return EigrpPath(None, None, distance, 0, "Rstatic" if static else "Redistributed")
