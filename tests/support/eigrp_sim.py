"""EIGRP machines on simulated segments: packets that take time, may be lost, and arrive in any order.

The machines are configured by a reading of ``model.Network`` of its own, not by the prediction's.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv4Network
from random import Random

from clos.controller.migrate import model
from clos.fabric.protocols.eigrp import config as eigrp
from clos.fabric.protocols.eigrp.metric import Composite, KValues, Vector
from clos.fabric.protocols.eigrp.packet import ALL_ROUTERS, STUB_FLAGS
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.eigrp.routes import STATIC, External, Prefix

Table = dict[Prefix, eigrp.RouteChanged]


class Net:
    """Routers by name; interfaces with a network in common share a segment."""

    def __init__(self, configs: Mapping[str, eigrp.Config], rng: Random, loss: float = 0.0) -> None:
        self.rng, self.loss, self.now = rng, loss, 0
        self.routers = {name: Router(config) for name, config in configs.items()}
        self.tables: dict[str, Table] = {name: {} for name in configs}
        self.log: list[tuple[int, str, eigrp.Effect]] = []
        self.cut: set[frozenset[str]] = set()
        """Pairs of routers that do not hear each other, though their interfaces are up."""
        self._events: list[tuple[int, int, str, str, int, bytes]] = []
        self._count = 0
        self._ports: dict[Prefix, list[tuple[str, eigrp.Interface]]] = {}
        for name, config in configs.items():
            for interface in config.interfaces:
                if not interface.passive:
                    self._ports.setdefault(interface.prefixes[0], []).append((name, interface))

    def start(self) -> None:
        for name, router in self.routers.items():
            self.do(name, router.start(self.now))

    def do(self, name: str, effects: tuple[eigrp.Effect, ...]) -> None:
        """Perform what a router asks for."""
        for effect in effects:
            self.log.append((self.now, name, effect))
            if isinstance(effect, eigrp.Send):
                self._send(name, effect)
            elif isinstance(effect, eigrp.RouteChanged):
                self.tables[name][effect.prefix] = effect
                if not effect.paths:
                    del self.tables[name][effect.prefix]

    def run(self, until: int | None = None) -> None:
        """Go on until nothing is under way, at most ten minutes; or to a time."""
        limit = self.now + 600_000 if until is None else until
        while self.now < limit and (until is not None or not self.quiet):
            tick, name = min((r.next_deadline() or limit, n) for n, r in self.routers.items())
            if self._events and self._events[0][0] <= tick:
                self.now, _, name, interface, source, data = heapq.heappop(self._events)
                if interface in self.routers[name].up:
                    self.do(name, self.routers[name].receive(interface, source, data, self.now))
            elif tick > limit:
                self.now = limit
            else:
                self.now = max(self.now, tick)
                self.do(name, self.routers[name].tick(self.now))
        if until is None:
            assert self.quiet, "not settled after ten minutes"

    @property
    def quiet(self) -> bool:
        busy = (n.waiting or not n.up for r in self.routers.values() for n in r.neighbors.values())
        active = (not e.passive for r in self.routers.values() for e in r.topology.entries.values())
        idle = not self._events and not any(busy) and not any(active) and self.now > 0
        return idle and not self._apart()

    def _apart(self) -> bool:
        """Whether two that hear each other are no neighbors now: packets were lost, and the next hellos renew it."""
        for ends in self._ports.values():
            for name, own in ends:
                router = self.routers[name]
                known = {n.source.address for n in router.neighbors.values() if n.source.interface == own.name}
                for other, far in ends:
                    apart = other != name and far.address not in known and frozenset((name, other)) not in self.cut
                    if apart and own.name in router.up and far.name in self.routers[other].up:
                        return True
        return False

    def sent(self, opcode: int) -> int:
        """How many packets of an opcode left, retransmissions among them."""
        return sum(isinstance(e, eigrp.Send) and e.data[1] == opcode for _, _, e in self.log)

    def _send(self, name: str, send: eigrp.Send) -> None:
        router = self.routers[name]
        own = next(i for i in router.config.interfaces if i.name == send.interface)
        for other, interface in self._ports.get(own.prefixes[0], ()):
            if other == name or send.destination not in (ALL_ROUTERS, interface.address):
                continue
            if frozenset((name, other)) in self.cut or self.rng.random() < self.loss:
                continue
            self._count += 1
            at = self.now + self.rng.randint(1, 20)
            heapq.heappush(self._events, (at, self._count, other, interface.name, own.address, send.data))


def configs(network: model.Network) -> dict[str, eigrp.Config]:
    """The machines' configurations of a network whose devices have one process each, all figures configured."""
    return {device.name: _config(device, device.eigrp[0]) for device in network.devices.values() if device.eigrp}


def prefix(network: IPv4Network) -> Prefix:
    return Prefix(int(network.network_address), network.prefixlen)


def _config(device: model.Device, process: model.EigrpProcess) -> eigrp.Config:
    router_id = int(process.router_id or 0)
    k = KValues(*process.k_values)
    redistributed = []
    for static in device.static_routes:
        bandwidth, delay, reliability, load, mtu = process.redistribute[0].metric or (1, 1, 1, 1, 1)
        vector = Vector(delay * 10**7, bandwidth, mtu, 0, reliability, load)
        redistributed.append(eigrp.Redistributed(prefix(static.prefix), vector, External(router_id, 0, 0, 0, STATIC)))
    stub = None if process.stub is None else sum(STUB_FLAGS[word] for word in process.stub)
    return eigrp.Config(
        process.asn,
        router_id,
        tuple(_interface(i, process) for i in device.interfaces.values() if not i.shutdown),
        Composite(k, process.wide_metrics, process.rib_scale),
        stub,
        tuple(_filter(device, *row) for row in process.distribute_lists),
        tuple(redistributed),
        process.variance,
        process.maximum_paths,
    )


def _interface(interface: model.Interface, process: model.EigrpProcess) -> eigrp.Interface:
    address: IPv4Interface = interface.addresses[0]
    settings = interface.eigrp.get(process.asn, model.EigrpInterface())
    assert interface.bandwidth_kbps and interface.delay_tens_us
    link = Vector(interface.delay_tens_us * 10**7, interface.bandwidth_kbps, interface.mtu or 1500)
    return eigrp.Interface(
        interface.name,
        int(address.ip),
        tuple(prefix(a.network) for a in interface.addresses),
        link,
        interface.name in process.passive,
        settings.split_horizon,
        tuple(prefix(s) for s in settings.summaries),
    )


def _filter(device: model.Device, name: str, direction: str, interface: str | None) -> eigrp.Filter:
    lines = []
    for text in device.prefix_lists[name.split()[1]]:
        words = text.split()
        at = words.index("permit" if "permit" in words else "deny")
        network = IPv4Network(words[at + 1])
        shortest = int(words[words.index("ge") + 1]) if "ge" in words else network.prefixlen
        longest = int(words[words.index("le") + 1]) if "le" in words else 32 if "ge" in words else network.prefixlen
        mask = int(network.netmask)
        address = int(network.network_address)
        lines.append(eigrp.FilterLine(words[at] == "permit", address, mask, shortest, longest))
    return eigrp.Filter(direction, tuple(lines), interface)
