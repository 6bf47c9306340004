"""A simulated switch at work: ports, the pipeline, meters that police, entries that time out.

Lives here: what happens to a frame that arrives, what a switch tells its controllers by itself.
Must not know: sessions, bytes of OpenFlow, the cables behind its ports.
Source: OpenFlow 1.3.5 §5 (pipeline), §5.5 (time-outs), §7.2.1 (ports), §7.4 (asynchronous messages).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from clos.fabric.dataplane.action import NO_BUFFER, Action
from clos.fabric.dataplane.choose import Choose
from clos.fabric.dataplane.counts import Count
from clos.fabric.dataplane.match import Match, Term
from clos.fabric.dataplane.megaflows import Megaflows
from clos.fabric.dataplane.outcome import PacketIn as Punt
from clos.fabric.dataplane.outcome import Step
from clos.fabric.dataplane.rule import Rule
from clos.fabric.dataplane.step import packet_out, step
from clos.fabric.dataplane.switch import Selection, SwitchModel
from clos.fabric.errors import BAD_GOTO, BAD_TABLE, SwitchError
from clos.fabric.openflow.constants import FlowModFlag, FlowRemovedReason, PortConfig, PortReason
from clos.fabric.openflow.messages import FlowRemoved, Message, PacketIn, PortStatus
from clos.fabric.packet.build import Packet
from clos.fabric.sim.clock import SECOND, Clock
from clos.fabric.sim.journey import Hop, Journey, Trail
from clos.fabric.sim.meters import Police
from clos.fabric.sim.port import SimPort
from clos.fabric.topology import Switch

PUNT_PATIENCE = SECOND
"""How long a packet sent to a controller counts as under way, for the controller may send it on."""
LEAST_FRAME = 60
SWEEP = SECOND
"""Time between two looks for entries that have timed out."""

Listener = Callable[[Message], object]
_NO_RECV, _NO_FWD = int(PortConfig.NO_RECV), int(PortConfig.NO_FWD)
_SEND_FLOW_REM = int(FlowModFlag.SEND_FLOW_REM)


class SimSwitch:
    """One switch. ``leave(port, packet, journey)`` puts a frame on the cable; ``listeners`` hear asynchronous messages.

    ``model`` holds the entries; change them through fabric.sim.openflow.mods, which keeps meters and time-outs in step.
    """

    def __init__(
        self,
        switch: Switch,
        speeds: Mapping[int, int],
        clock: Clock,
        leave: Callable[[int, Packet, Journey], object],
        choose: Choose,
        capacity: int | None,
        tables: int,
    ) -> None:
        self.switch = switch
        self.clock = clock
        self.capacity = capacity
        self.n_tables = tables
        self.listeners: list[Listener] = []
        self.on_crash: list[Callable[[], object]] = []
        self.alive = True
        self.version = 0
        """Raised whenever a packet may fare otherwise than the one before it."""
        self._metered = False
        base = 0x02 << 40 | switch.dpid << 16 & 0xFF_FFFF_0000
        self.ports = {number: SimPort(number, base | number, speed) for number, speed in sorted(speeds.items())}
        self.police: dict[int, Police] = {}
        self.mortal: dict[int, Rule] = {}
        """Rules with a time-out, by identity."""
        self.notifies = False
        """Whether any rule ever asked to be told of when it goes."""
        self._leave, self._choose = leave, choose
        self._sweeping = False
        self.model = self._empty()
        self.remembers = True
        """Whether walks are remembered; without, every packet is worked out by itself, with the same outcome."""
        self._walks = Megaflows(self.model, choose)

    @property
    def name(self) -> str:
        return self.switch.name

    @property
    def seconds(self) -> float:
        return self.clock.now / SECOND

    def _empty(self) -> SwitchModel:
        model = SwitchModel(ports=set(self.ports), capacity=self.capacity)
        model.down = {number for number, port in self.ports.items() if not port.up}
        return model

    # ---- frames

    def receive(self, number: int, packet: Packet, journey: Journey) -> None:
        """A frame from the wire."""
        port = self.ports.get(number)
        if not self.alive or port is None or not port.up or port.config & _NO_RECV:
            journey.drop(f"{self.name}:{number}", "the port is down" if self.alive else "the switch is down")
            if port is not None:
                port.rx_dropped += 1
            return
        port.rx_packets += 1
        port.rx_bytes += len(packet.data)
        journey.budget -= 1
        if journey.budget < 0:
            journey.drop(self.name, "a loop: too many hops")
            return
        self._metered = False
        self._handle(number, packet, journey)

    def _handle(self, number: int, packet: Packet, journey: Journey) -> None:
        if not self.remembers:
            done = step(self.model, number, packet, self._choose, meters=self._meter)
            self._settle(done, number, packet, journey)
            return
        if self._walks.model is not self.model:
            self._walks = Megaflows(self.model, self._choose)
        done, walk = self._walks.meet(number, packet, self._meter)
        if walk is None:
            self._settle(done, number, packet, journey)
            return
        walk.tally.add(len(packet.data), self.clock.now / SECOND)
        if journey.trail is not None:
            self._follow(journey.trail, done, number, len(packet.data), walk.tally.add)
        self._carry_out(done, number, walk.hops if journey.hops is not None else (), journey)

    def packet_out(self, in_port: int, packet: Packet, actions: Iterable[Action]) -> Step:
        """Do what a controller asks with a packet (§6.1.3)."""
        done = packet_out(self.model, in_port, packet, actions, self._choose, meters=self._meter)
        self._settle(done, in_port, packet, Journey())
        return done

    def output(self, number: int, packet: Packet, journey: Journey) -> None:
        """A frame to the wire."""
        port = self.ports[number]
        if not self.alive or not port.up or port.config & _NO_FWD:
            port.tx_dropped += 1
            journey.drop(f"{self.name}:{number}", "the port is down")
            return
        packet = padded(packet)
        port.tx_packets += 1
        port.tx_bytes += len(packet.data)
        self._leave(number, packet, journey)

    def _follow(self, trail: Trail, done: Step, in_port: int, size: int, count: Callable[[int, float], object]) -> None:
        """Note on a trail what the next packet like this one will meet: nothing else, unless the version is another."""
        if len(done.emissions) != 1 or done.packet_ins or self._metered:
            trail.whole = False
            return
        trail.by.append((self, self.version))
        trail.counts.append(partial(self._again, count, in_port, done.emissions[0].port, size))

    def _again(self, count: Callable[[int, float], object], in_port: int, out_port: int, size: int) -> None:
        """Count a packet that fared as an earlier one."""
        count(size, self.clock.now / SECOND)
        near, far, sent = self.ports[in_port], self.ports[out_port], max(size, LEAST_FRAME)
        near.rx_packets, near.rx_bytes = near.rx_packets + 1, near.rx_bytes + size
        far.tx_packets, far.tx_bytes = far.tx_packets + 1, far.tx_bytes + sent

    def _meter(self, number: int, packet: Packet) -> Packet | None:
        self._metered = True
        police = self.police.get(number)
        band = police.exceeded(len(packet), self.clock.now) if police is not None else None
        if band is None:
            return packet
        return None if band.dscp_levels is None else packet.remarked(band.dscp_levels)

    def _settle(self, done: Step, in_port: int, packet: Packet, journey: Journey) -> None:
        self.model.counts.record(done, len(packet), self.seconds)
        if journey.trail is not None:
            self._follow(journey.trail, done, in_port, len(packet), partial(self.model.counts.record, done))
        self._carry_out(done, in_port, tuple(map(str, done.trail)) if journey.hops is not None else (), journey)

    def _carry_out(self, done: Step, in_port: int, steps: tuple[str, ...], journey: Journey) -> None:
        """Do what came of a packet; ``steps`` are the tables it visited, as text."""
        if journey.hops is not None:
            journey.hops.append(Hop(self.clock.now, self.name, in_port, steps, tuple(e.port for e in done.emissions)))
        for punt in done.packet_ins:
            self._punt(punt, journey)
        for reason in done.drops:
            journey.drop(self.name, reason)
        for number, sent in done.emissions:
            self.output(number, sent, journey)

    # ---- what controllers hear

    def tell(self, message: Message) -> None:
        """Send an asynchronous message to every controller that listens."""
        for listener in tuple(self.listeners):
            listener(message)

    def _punt(self, punt: Punt, journey: Journey) -> None:
        port = self.ports.get(punt.in_port)
        if port is not None and port.config & PortConfig.NO_PACKET_IN:
            return
        journey.punts += 1
        if self.listeners:
            journey.depart()
            self.clock.after(PUNT_PATIENCE, journey.land)
        data = padded(punt.packet).data
        self.tell(PacketIn(_context(punt), data, NO_BUFFER, len(data), punt.reason, punt.table, punt.cookie))

    def carrier(self, number: int, up: bool) -> None:
        """A port noticed that its cable works, or does not."""
        port = self.ports[number]
        if port.carrier != up:
            port.carrier = up
            self.port_changed(port)

    def port_changed(self, port: SimPort) -> None:
        """Let the pipeline and the controllers know of a port's new state."""
        (self.model.down.discard if port.up else self.model.down.add)(port.number)
        self.version += 1
        if self.alive:
            self.tell(PortStatus(PortReason.MODIFY, port.describe(self.name)))

    # ---- entries

    def check(self, rule: Rule) -> None:
        """Raise SwitchError where a rule speaks of a table this switch has not."""
        if rule.table >= self.n_tables:
            raise SwitchError(BAD_TABLE, f"table {rule.table}: this switch has tables 0 to {self.n_tables - 1}")
        goto = rule.instructions.goto
        if goto is not None and goto >= self.n_tables:
            raise SwitchError(BAD_GOTO, f"goto_table:{goto}: this switch has tables 0 to {self.n_tables - 1}")

    def watch(self, rule: Rule) -> None:
        """Let a rule with a time-out die when its time comes."""
        self.mortal[id(rule)] = rule
        if not self._sweeping:
            self._sweeping = True
            self.clock.after(SWEEP, self._sweep)

    def _sweep(self) -> None:
        now = self.seconds
        for key, rule in list(self.mortal.items()):
            table = self.model.tables.get(rule.table)
            if table is None or table.find(rule.match, rule.priority) is not rule:
                del self.mortal[key]
                continue
            reason = _expired(rule, self.model.counts.rule(rule), now)
            if reason is not None:
                del self.mortal[key]
                self.version += 1
                gone = self.removal(rule, reason)
                self.model.delete(Selection(rule.table, rule.match, rule.priority))
                if rule.flags & _SEND_FLOW_REM:
                    self.tell(gone)
        self._sweeping = bool(self.mortal)
        if self._sweeping:
            self.clock.after(SWEEP, self._sweep)

    def removal(self, rule: Rule, reason: int) -> FlowRemoved:
        """What to tell of a rule that goes (§7.4.2). Call it while the rule is still there."""
        count = self.model.counts.rule(rule)
        seconds, nanoseconds = duration(self.seconds - count.since)
        return FlowRemoved(
            rule.table, rule.priority, rule.match, rule.cookie, reason, seconds, nanoseconds,
            rule.idle_timeout, rule.hard_timeout, count.packets, count.octets,
        )  # fmt: skip

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """Changes made inside stand together: an exception undoes all of them."""
        before = self.model, self.police, self.mortal, self.notifies
        self.model, self.police, self.mortal = self.model.clone(), dict(self.police), dict(self.mortal)
        self.model.counts = before[0].counts.copy()
        try:
            yield
        except BaseException:
            if self.alive:  # what has lost power has nothing to go back to
                self.model, self.police, self.mortal, self.notifies = before
            raise
        finally:
            self.version += 1

    # ---- failures

    def crash(self) -> None:
        """Lose power, and with it every entry and every session."""
        self.alive = False
        self.version += 1
        self.police.clear()
        self.mortal.clear()
        self.model = self._empty()
        for hear in tuple(self.on_crash):
            hear()

    def revive(self) -> None:
        """Get power back; the switch is empty and its counters are zero."""
        self.alive = True
        self.version += 1
        self.ports = {
            number: SimPort(number, port.mac, port.speed, carrier=port.carrier, since=self.clock.now)
            for number, port in self.ports.items()
        }
        self.model = self._empty()


def padded(packet: Packet) -> Packet:
    """The packet as it leaves a switch: a frame on Ethernet has at least 60 bytes (IEEE 802.3 §3.2.8)."""
    return packet if len(packet.data) >= LEAST_FRAME else Packet(packet.data.ljust(LEAST_FRAME, b"\0"))


def duration(seconds: float) -> tuple[int, int]:
    """Whole seconds and nanoseconds."""
    micros = max(0, round(seconds * SECOND))
    return micros // SECOND, micros % SECOND * 1000


def _context(punt: Punt) -> Match:
    """The pipeline fields of a packet-in (§7.4.1): those that are not zero."""
    terms: list[Term] = [("in_port", punt.in_port, None)]
    terms += [("metadata", punt.metadata, None)] if punt.metadata else []
    terms += [("tunnel_id", punt.tunnel_id, None)] if punt.tunnel_id else []
    return Match.trusted(terms)


def _expired(rule: Rule, count: Count, now: float) -> int | None:
    """Why a rule's time has come (§5.5), None while it has not."""
    if rule.hard_timeout and now - count.since >= rule.hard_timeout:
        return FlowRemovedReason.HARD_TIMEOUT
    if rule.idle_timeout and now - max(count.since, count.used) >= rule.idle_timeout:
        return FlowRemovedReason.IDLE_TIMEOUT
    return None
