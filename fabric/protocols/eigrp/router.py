"""An EIGRP process as a machine without I/O: packets, times and configuration in, effects out.

Lives here: adjacencies (RFC 7868 §5.3), what is sent to whom, the timers of queries (§3.7, stuck in active). Must not
know: sockets, clocks: times in milliseconds come with every call, and ``next_deadline`` says when ``tick`` is due.
A packet that is refused changes nothing and yields ``Refused``.
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.fabric.protocols.eigrp import packet as wire
from clos.fabric.protocols.eigrp.advertise import advertisement
from clos.fabric.protocols.eigrp.authentication import Unauthentic, verified
from clos.fabric.protocols.eigrp.config import (
    Config,
    Effect,
    Interface,
    NeighborDown,
    NeighborUp,
    Refused,
)
from clos.fabric.protocols.eigrp.dual import NEIGHBOR, SUMMARY, Event, Query, Reply, Source
from clos.fabric.protocols.eigrp.neighbor import RETRIES, Neighbor
from clos.fabric.protocols.eigrp.packet import Packet, Parameters, Release
from clos.fabric.protocols.eigrp.routes import ACTIVE, Malformed, Prefix, Route
from clos.fabric.protocols.eigrp.sender import Sender
from clos.fabric.protocols.eigrp.topology import Topology
from clos.fabric.protocols.eigrp.unanswered import Unanswered

_EVENTS = {wire.UPDATE: Event.UPDATE, wire.QUERY: Event.QUERY, wire.REPLY: Event.REPLY}


class Router:
    """One process. Every method that takes ``now`` returns the effects to perform, in order."""

    def __init__(self, config: Config) -> None:
        self.topology = Topology(config)
        self.neighbors: dict[Source, Neighbor] = {}
        self.up: set[str] = set()
        self._hello_at: dict[str, int] = {}
        self._sender = Sender(config)
        self._fresh: set[Source] = set()
        """Neighbors that have just come up: the whole table is due, its end marked."""
        self._unanswered = Unanswered()
        self._outbox: list[tuple[Source, int, Route]] = []

    @property
    def config(self) -> Config:
        return self.topology.config

    def start(self, now: int) -> tuple[Effect, ...]:
        """All interfaces come up."""
        self.up = {i.name for i in self.config.interfaces}
        self._hello_at = {i.name: now for i in self.config.interfaces if not i.passive}
        self._relearn_own(now)
        return self.tick(now)

    def interface_up(self, name: str, now: int) -> tuple[Effect, ...]:
        """An interface comes up; hellos leave at once."""
        if name not in self.up:
            self.up.add(name)
            if not self._interface(name).passive:
                self._hello_at[name] = now
            self._relearn_own(now)
        return self.tick(now)

    def interface_down(self, name: str, now: int) -> tuple[Effect, ...]:
        """An interface goes down: its neighbors and its networks are lost."""
        self.up.discard(name)
        self._hello_at.pop(name, None)
        for source in [s for s in self.neighbors if s.interface == name]:
            self._lose(source, "interface down", now)
        self._relearn_own(now)
        return self._done(now)

    def stop(self, now: int) -> tuple[Effect, ...]:
        """Say farewell on every interface (RFC 7868 §5.3.4)."""
        for name in sorted(self._hello_at):
            self._sender.hello(self._interface(name), farewell=True)
        for source in list(self.neighbors):
            self._lose(source, "stopped", now)
        self.up, self._hello_at = set(), {}
        self._relearn_own(now)
        return self._done(now)

    def reconfigure(self, config: Config, now: int) -> tuple[Effect, ...]:
        """Go on with another configuration. Weights, stub or interfaces' settings that hellos carry end adjacencies."""
        old = self.config
        kept = (old.asn, old.composite, old.stub, old.router_id) == (
            config.asn,
            config.composite,
            config.stub,
            config.router_id,
        )
        names = {i.name: i for i in config.interfaces}
        for source in list(self.neighbors):
            interface = names.get(source.interface)
            if not kept or interface is None or interface.passive:
                self._lose(source, "configuration changed", now)
        self.topology.reconfigure(config)
        self._sender.reconfigure(config)
        self.up &= names.keys()
        self._hello_at = {n: self._hello_at.get(n, now) for n in self.up if not names[n].passive}
        self._relearn_own(now)
        for source, neighbor in self.neighbors.items():
            for prefix, route in neighbor.offered.items():
                self._learn(source, prefix, route, Event.UPDATE, now)
        self.topology.changed |= self.topology.entries.keys()
        return self._done(now)

    def receive(self, interface: str, source: int, data: bytes, now: int) -> tuple[Effect, ...]:
        """Take a packet from an IP source address."""
        try:
            packet = self._accepted(interface, source, data)
        except (Malformed, Unauthentic) as refused:
            return (Refused(interface, source, str(refused)),)
        peer = Source(interface, source)
        if packet.opcode == wire.HELLO and packet.parameters is not None:
            self._heard_hello(peer, packet, now)
        neighbor = self.neighbors.get(peer)
        if neighbor is None:
            return self._done(now)
        settled = neighbor.up
        if packet.acknowledge and neighbor.acknowledged(packet.acknowledge, now):
            if neighbor.waiting:
                self._sender.transmit(neighbor, now)
            self._complete(neighbor)
        if packet.opcode != wire.HELLO:
            self._reliable(neighbor, packet, now, settled)
        return self._done(now)

    def tick(self, now: int) -> tuple[Effect, ...]:
        """Do what is due: hellos, hold times, retransmissions, questions to who owes a reply."""
        for name, at in self._hello_at.items():
            if at <= now:
                interface = self._interface(name)
                self._sender.hello(interface)
                self._hello_at[name] = now + interface.hello_ms
        for source, neighbor in list(self.neighbors.items()):
            if neighbor.deadline <= now:
                self._lose(source, "hold time expired", now)
            elif neighbor.retransmit is not None and neighbor.retransmit <= now:
                neighbor.tries += 1
                if neighbor.tries > RETRIES:
                    self._lose(source, "retry limit exceeded", now)
                else:
                    self._sender.transmit(neighbor, now)
        self._chase(now)
        return self._done(now)

    def next_deadline(self) -> int | None:
        """When ``tick`` has something to do next."""
        times = [*self._hello_at.values(), *(n.next_deadline() for n in self.neighbors.values())]
        return min((*times, *self._unanswered.deadlines()), default=None)

    def _interface(self, name: str) -> Interface:
        return self._sender.interface(name)

    def _accepted(self, name: str, source: int, data: bytes) -> Packet:
        """The packet if it is for this process and from an address that may be a neighbor's."""
        if name not in self._hello_at:
            raise Malformed("EIGRP does not run on this interface, or is passive there")
        interface = self._interface(name)
        if source == interface.address or not any(p.covers(Prefix(source, 32)) for p in interface.prefixes[:1]):
            raise Malformed("the sender is not on this interface's network")
        packet = verified(data, source, interface.authentication)
        if packet.asn != self.config.asn or packet.virtual_router:
            raise Malformed(f"autonomous system {packet.asn}, virtual router {packet.virtual_router}: not ours")
        if packet.opcode != wire.HELLO and not packet.sequence:
            raise Malformed("no sequence number")
        if packet.opcode != wire.HELLO and Source(name, source) not in self.neighbors:
            raise Malformed("it comes before a hello")
        return packet

    def _heard_hello(self, peer: Source, hello: Packet, now: int) -> None:
        assert hello.parameters is not None
        neighbor = self.neighbors.get(peer)
        if hello.parameters.k == wire.GOODBYE or hello.terminated:
            self._lose(peer, "peer terminated", now)
        elif hello.parameters.k != self.config.composite.k:
            self._lose(peer, "weights differ", now)
            self._sender.effects.append(Refused(peer.interface, peer.address, "its weights K1 to K6 differ from ours"))
        elif neighbor is not None:
            neighbor.heard(hello, now)
            neighbor.conditional = (
                hello.listed is not None and self._interface(peer.interface).address not in hello.listed
            )
        else:
            self._begin(peer, hello, now)

    def _begin(self, peer: Source, hello: Packet, now: int) -> None:
        """A new neighbor: it must hear of us, then both send a packet with INIT (RFC 7868 §5.3.2)."""
        neighbor = self.neighbors[peer] = Neighbor(peer, 0, 0)
        neighbor.heard(hello, now)
        self._sender.hello(self._interface(peer.interface))
        self._sender.push(neighbor, wire.UPDATE, (), now, wire.INIT)

    def _reliable(self, neighbor: Neighbor, packet: Packet, now: int, settled: bool) -> None:
        """Take a packet that must be acknowledged, in order and once.

        ``settled``: the neighbor was up before it came. Its INIT then says that it has restarted; an INIT that
        acknowledges ours, and so completes the adjacency, is the answer to ours.
        """
        if packet.flags & wire.INIT and settled and packet.sequence != neighbor.init:
            hello = Packet(
                wire.HELLO,
                packet.asn,
                parameters=Parameters(self.config.composite.k, max(1, neighbor.hold_ms // 1000)),
                stub=neighbor.stub,
                release=Release(tlv=(2, 0)) if neighbor.wide else Release(),
            )
            self._lose(neighbor.source, "peer restarted", now)
            self._begin(neighbor.source, hello, now)
            neighbor = self.neighbors[neighbor.source]
        if packet.flags & wire.INIT:
            if packet.sequence != neighbor.init:
                neighbor.received = 0  # whatever came before was of an earlier life
            neighbor.init_received, neighbor.init = True, packet.sequence
        if not neighbor.init_received:
            return
        new = neighbor.takes(packet)
        if new:
            neighbor.received = packet.sequence
            neighbor.deadline = max(neighbor.deadline, now + neighbor.hold_ms)
        if new or not packet.flags & wire.CONDITIONAL_RECEIVE:
            self._sender.acknowledge(neighbor, packet.sequence)
        self._complete(neighbor)
        if new:
            self._use(neighbor, packet, now)

    def _use(self, neighbor: Neighbor, packet: Packet, now: int) -> None:
        for route in packet.routes:
            if packet.opcode == wire.SIA_QUERY:
                entry = self.topology.entries.get(route.prefix)
                busy = entry is not None and not entry.passive
                answer = self._advertisement(neighbor, route.prefix)._replace(flags=ACTIVE if busy else 0)
                self._outbox.append((neighbor.source, wire.SIA_REPLY, answer))
            elif packet.opcode == wire.SIA_REPLY and route.flags & ACTIVE:
                self._unanswered.still_active(route.prefix, neighbor.source)
            else:
                event = _EVENTS.get(packet.opcode, Event.REPLY)
                if packet.opcode != wire.REQUEST:
                    self._offer(neighbor, route)
                    self._learn(neighbor.source, route.prefix, route, event, now)

    def _offer(self, neighbor: Neighbor, route: Route) -> None:
        if route.vector.reachable:
            neighbor.offered[route.prefix] = route
        else:
            neighbor.offered.pop(route.prefix, None)

    def _learn(self, source: Source, prefix: Prefix, route: Route, event: Event, now: int) -> None:
        path = self.topology.path(source, route)
        self._act(prefix, self.topology.hear(prefix, source, path, event, self._peers()), now)

    def _peers(self) -> list[Source]:
        return [s for s, n in self.neighbors.items() if n.queryable]

    def _act(self, prefix: Prefix, actions: Iterable[Query | Reply], now: int) -> None:
        for action in actions:
            neighbor = self.neighbors.get(action.to)
            if neighbor is None:
                continue
            route = self._advertisement(neighbor, prefix)
            asks = isinstance(action, Query)
            self._outbox.append((action.to, wire.QUERY if asks else wire.REPLY, route))
            self._remember(neighbor, route)
            if asks:
                self._unanswered.asked(prefix, action.to, now, self.config.active_ms)

    def _advertisement(self, neighbor: Neighbor, prefix: Prefix) -> Route:
        entry = self.topology.entries.get(prefix)
        return advertisement(self.config, self._interface(neighbor.source.interface), prefix, entry)

    def _remember(self, neighbor: Neighbor, route: Route) -> None:
        if route.vector.reachable:
            neighbor.advertised[route.prefix] = route
        else:
            neighbor.advertised.pop(route.prefix, None)

    def _relearn_own(self, now: int) -> None:
        """Bring local paths in line with interfaces and configuration."""
        wanted = {(prefix, source): path for prefix, source, path in self.topology.local(self.up)}
        had = {
            (prefix, source): path
            for prefix, entry in self.topology.entries.items()
            for source, path in entry.paths.items()
            if source.kind not in (NEIGHBOR, SUMMARY)
        }
        for prefix, source in sorted(wanted.keys() | had.keys()):
            path = wanted.get((prefix, source))
            if path != had.get((prefix, source)):
                self._act(prefix, self.topology.hear(prefix, source, path, Event.UPDATE, self._peers()), now)

    def _lose(self, source: Source, reason: str, now: int) -> None:
        neighbor = self.neighbors.pop(source, None)
        if neighbor is None:
            return
        self._fresh.discard(source)
        self._outbox = [item for item in self._outbox if item[0] != source]
        for prefix, entry in list(self.topology.entries.items()):
            self._unanswered.drop(prefix, source)
            if source in entry.paths or source in entry.awaited or source in entry.asked:
                self._act(prefix, self.topology.hear(prefix, source, None, Event.LOST, self._peers()), now)
        if neighbor.up:
            self._sender.effects.append(NeighborDown(source.interface, source.address, reason))

    def _complete(self, neighbor: Neighbor) -> None:
        """Once both have acknowledged each other, the neighbor is up and gets the whole table."""
        if neighbor.up or not (neighbor.init_received and neighbor.init_acknowledged):
            return
        neighbor.up = True
        self._sender.effects.append(NeighborUp(neighbor.source.interface, neighbor.source.address))
        self.topology.changed |= self.topology.entries.keys()
        self._fresh.add(neighbor.source)

    def _chase(self, now: int) -> None:
        """Ask who owes a reply whether it still works on it; give up who does not answer that (RFC 7868 §3.7)."""
        for prefix, source, give_up in self._unanswered.due(now, self.config.active_ms, self._owes):
            if give_up:
                self._lose(source, "stuck in active", now)
            elif (neighbor := self.neighbors.get(source)) is not None:
                self._outbox.append((source, wire.SIA_QUERY, self._advertisement(neighbor, prefix)))

    def _owes(self, prefix: Prefix, source: Source) -> bool:
        """Whether a neighbor's reply is waited for."""
        entry = self.topology.entries.get(prefix)
        return entry is not None and source in self.neighbors and source in entry.awaited

    def _done(self, now: int) -> tuple[Effect, ...]:
        """Summaries, then what every neighbor shall hear, then the routing table: the end of every input."""
        while actions := self.topology.summarize(self.up, self._peers()):
            for prefix, of in actions.items():
                self._act(prefix, of, now)
        due: dict[Source, list[tuple[int, Route]]] = {source: [] for source in self._fresh}
        for source, opcode, route in self._outbox:
            due.setdefault(source, []).append((opcode, route))
        for source, neighbor in self.neighbors.items():
            if neighbor.up:
                due.setdefault(source, []).extend((wire.UPDATE, route) for route in self._news(neighbor))
        for source, items in due.items():
            last = wire.END_OF_TABLE if source in self._fresh else 0
            self._sender.routes(self.neighbors[source], items, now, last)
        self._outbox, self._fresh = [], set()
        self._sender.effects += self.topology.settle()
        return self._sender.taken()

    def _news(self, neighbor: Neighbor) -> Iterable[Route]:
        """What a neighbor has to hear of prefixes that changed; nothing of active ones (RFC 7868 §3.5)."""
        for prefix in sorted(self.topology.changed):
            entry = self.topology.entries.get(prefix)
            if entry is not None and not entry.passive:
                continue
            route = self._advertisement(neighbor, prefix)
            heard = neighbor.advertised.get(prefix)
            if route != heard and (heard is not None or route.vector.reachable):
                self._remember(neighbor, route)
                yield route
