"""One bridge's machine in one spanning tree: BPDUs and moments in, effects out.

Lives here: reception, role selection, and running the transitions until nothing changes. Must not know: clocks,
sockets, VLANs, encapsulations. Source: IEEE 802.1D-2004 clause 17. ``rapid=False`` is the classic protocol: its forced
version is 0 (§17.4, §17.20.11), and these follow IEEE 802.1D-1998: information lives for max age less message age
(§8.6.2), a bridge that is not the root sends configurations when its root port receives one (§8.6.4), inferior ones
are answered (§8.6.3), and the listening state lasts a forward delay (§8.4.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.fabric.protocols.pvst import transitions
from clos.fabric.protocols.pvst.packet import (
    ALTERNATE_OR_BACKUP,
    DESIGNATED_ROLE,
    RAPID,
    ROOT_ROLE,
    TCN,
    UNKNOWN_ROLE,
    Bpdu,
)
from clos.fabric.protocols.pvst.port import (
    AGED,
    ALTERNATE,
    BACKUP,
    DESIGNATED,
    DISABLED,
    LOOP_GUARD,
    LOOP_INCONSISTENT,
    MINE,
    NOBODY,
    RECEIVED,
    ROOT,
    ROOT_GUARD,
    ROOT_INCONSISTENT,
    Effect,
    Port,
    PortConfig,
    Turn,
)
from clos.fabric.protocols.pvst.vector import DEFAULT_TIMES, EVERY_MAC, Times, Vector

MIGRATE_TIME = 3.0
"""Seconds before a port believes that its neighbour's version has changed (§17.13.9)."""
NEVER = float("inf")


class Machine:
    """The bridge ``bridge`` in one tree. Ports are known by their numbers and start disabled."""

    def __init__(
        self, bridge: int, ports: Iterable[PortConfig], *, rapid: bool = True, times: Times = DEFAULT_TIMES
    ) -> None:
        if times.faults():
            raise ValueError(f"{times} break IEEE 802.1D-2004 §17.14")
        self.bridge, self.rapid, self.bridge_times = bridge, rapid, times
        self.ports = {config.number: Port(config, config.id, send_rapid=rapid) for config in ports}
        self.root_vector, self.root_times = Vector(bridge, 0, bridge, 0), times
        self.root_port: int | None = None
        self._reselect = False
        self._due: float | None = None
        self._shown: dict[int, Turn] = {number: port.shown() for number, port in self.ports.items()}
        self.effects: list[Effect] = []
        self.now = 0.0

    @property
    def is_root(self) -> bool:
        return self.root_vector.root == self.bridge

    def enable(self, number: int, now: float) -> tuple[Effect, ...]:
        """The port's link came up."""
        port, self.now = self.ports[number], now
        if not port.enabled:
            port.enabled, port.edge, port.send_rapid = True, port.config.edge, self.rapid
            port.hello_at, port.migrate_until, port.broken = now + self.bridge_times.hello, now + MIGRATE_TIME, None
            self._age(port)
        return self._settle()

    def disable(self, number: int, now: float) -> tuple[Effect, ...]:
        """The port's link went down (§17.27, DISABLED)."""
        port, self.now = self.ports[number], now
        port.enabled, port.info, port.broken = False, NOBODY, None
        port.proposing = port.proposed = port.agree = port.agreed = port.new_info = False
        self._reselect = True
        return self._settle()

    def breaks(self, number: int, reason: str | None, now: float) -> tuple[Effect, ...]:
        """Hold the port back for a reason of the caller's, such as PVID_INCONSISTENT; None: no longer."""
        port, self.now = self.ports[number], now
        if port.enabled and port.broken != reason:
            port.broken = reason
            if port.info == RECEIVED:
                self._age(port)
        return self._settle()

    def reconfigure(self, config: PortConfig, now: float) -> tuple[Effect, ...]:
        """Another cost, priority or guard of a port."""
        port, self.now = self.ports[config.number], now
        port.config, port.id = config, config.id
        self._reselect = True
        return self._settle()

    def rename(self, bridge: int, now: float) -> tuple[Effect, ...]:
        """Another identifier of this bridge: its priority changed (§17.13, BridgeIdentifier; roles are chosen anew)."""
        self.bridge, self.now, self._reselect = bridge, now, True
        return self._settle()

    def add(self, config: PortConfig) -> None:
        """One more port; it starts disabled."""
        port = self.ports[config.number] = Port(config, config.id, send_rapid=self.rapid)
        self._shown[config.number] = port.shown()

    def remove(self, number: int, now: float) -> tuple[Effect, ...]:
        """The port is no longer in the tree."""
        effects = self.disable(number, now)
        del self.ports[number], self._shown[number]
        return effects

    def tick(self, now: float) -> tuple[Effect, ...]:
        """Time has passed."""
        self.now = now
        for port in self.ports.values():
            if port.info == RECEIVED and port.info_until <= now:
                if port.config.guard == LOOP_GUARD and port.role in (ROOT, ALTERNATE, BACKUP):
                    port.broken = LOOP_INCONSISTENT
                self._age(port)
        return self._settle()

    def due(self) -> float:
        """When ``tick`` has something to do next."""
        if self._due is None:
            later = (due for port in self.ports.values() if port.enabled for due in port.dues() if due > self.now)
            self._due = min(later, default=NEVER)
        return self._due

    def receive(self, number: int, bpdu: Bpdu, now: float) -> tuple[Effect, ...]:
        """A BPDU arrived at a port. A port that is down ignores it, and a classic bridge every rapid one (§17.4)."""
        port, self.now = self.ports[number], now
        if not port.enabled or (bpdu.kind == RAPID and not self.rapid):
            return ()
        self._migrate(port, bpdu)
        port.edge = False
        if port.broken == LOOP_INCONSISTENT:
            port.broken = None
        if bpdu.kind == TCN:
            port.rcvd_tcn = True
        else:
            self._received(port, bpdu)
        return self._settle()

    def _migrate(self, port: Port, bpdu: Bpdu) -> None:
        """Speak as the neighbour does (§17.24)."""
        speaks_rapid = bpdu.kind == RAPID
        if self.rapid and port.send_rapid != speaks_rapid and port.migrate_until <= self.now:
            port.send_rapid, port.migrate_until = speaks_rapid, self.now + MIGRATE_TIME

    def _received(self, port: Port, bpdu: Bpdu) -> None:
        """The states of the port information machine that deal with a message (§17.21.8, §17.27)."""
        if bpdu.role in (DESIGNATED_ROLE, UNKNOWN_ROLE):  # §9.3.3: unknown counts as a configuration
            same = (bpdu.vector, bpdu.times) == (port.vector, port.times)
            superior = bpdu.vector.replaces(port.vector) if self.rapid else bpdu.vector < port.vector
            if superior or (bpdu.vector == port.vector and not same):
                self._superior(port, bpdu)
            elif same:
                self._repeated(port, bpdu)
            else:
                self._inferior(port, bpdu)
        elif bpdu.role in (ROOT_ROLE, ALTERNATE_OR_BACKUP) and bpdu.vector >= port.vector:
            port.agreed = self.rapid and port.config.point_to_point and bpdu.agreement
            port.proposing = port.proposing and not port.agreed
            self._topology_flags(port, bpdu)

    def _superior(self, port: Port, bpdu: Bpdu) -> None:
        port.agreed = port.proposing = False
        port.proposed = bpdu.proposal
        self._topology_flags(port, bpdu)
        port.agree = port.agree and port.info == RECEIVED and bpdu.vector <= port.vector
        port.vector, port.times, port.info = bpdu.vector, bpdu.times, RECEIVED
        self._refresh(port)
        self._reselect = True
        self._pass_on(port)

    def _repeated(self, port: Port, bpdu: Bpdu) -> None:
        port.proposed = port.proposed or bpdu.proposal
        self._topology_flags(port, bpdu)
        if port.info == RECEIVED:
            self._refresh(port)
            self._pass_on(port)

    def _inferior(self, port: Port, bpdu: Bpdu) -> None:
        """A neighbour that believes itself designated is disputed (§17.21.10), or answered if it is classic."""
        if bpdu.kind == RAPID and bpdu.learning:
            port.disputed, port.agreed = True, False
        elif not self.rapid and port.role == DESIGNATED:
            port.new_info = True

    def _topology_flags(self, port: Port, bpdu: Bpdu) -> None:
        """setTcFlags (§17.21.17)."""
        port.rcvd_tc = port.rcvd_tc or bpdu.topology_change
        port.rcvd_tc_ack = port.rcvd_tc_ack or bpdu.acknowledged

    def _refresh(self, port: Port) -> None:
        """How long what was received counts (§17.21.23; 802.1D-1998 §8.6.2 in the classic protocol)."""
        times = port.times
        rapid = 3 * times.hello if times.age + 1 <= times.max_age else 0
        lives = rapid if self.rapid else times.max_age - times.age
        port.info_until = self.now + lives

    def _pass_on(self, port: Port) -> None:
        """A classic bridge sends on what its root port receives (802.1D-1998 §8.6.4)."""
        if not self.rapid and port.config.number == self.root_port:
            for other in self.ports.values():
                other.new_info = other.new_info or other.role == DESIGNATED

    def _age(self, port: Port) -> None:
        port.info = AGED
        self._reselect = True

    def _settle(self) -> tuple[Effect, ...]:
        """Let the machines run until none has anything to do; what they asked for."""
        self._due = None
        going = True
        while going:
            if self._reselect:
                self._select()
            going = False
            for port in self.ports.values():
                going |= transitions.step(self, port)
            going |= self._reselect
        for number, port in self.ports.items():
            shown = port.shown()
            if shown != self._shown[number]:
                self._shown[number] = shown
                self.effects.append(shown)
        effects, self.effects = tuple(self.effects), []
        return effects

    def _select(self) -> None:
        """updtRolesTree (§17.21.25): the root path, and from it every port's role."""
        self._reselect = False
        own = self.bridge & EVERY_MAC
        paths = [
            (Vector(port.vector.root, port.vector.cost + port.config.cost, *port.vector[2:]), port.id, number)
            for number, port in self.ports.items()
            if port.info == RECEIVED and port.vector.bridge & EVERY_MAC != own and port.config.guard != ROOT_GUARD
        ]
        best = min(paths, default=None)
        if best is None or best[0].root >= self.bridge:
            self.root_vector, self.root_port, self.root_times = (
                Vector(self.bridge, 0, self.bridge, 0),
                None,
                self.bridge_times,
            )
        else:
            heard = self.ports[best[2]].times
            self.root_vector, self.root_port = best[0], best[2]
            self.root_times = heard._replace(age=heard.age + 1)
        for port in self.ports.values():
            self._assign(port)

    def _assign(self, port: Port) -> None:
        root = self.root_vector
        port.designated_vector = Vector(root.root, root.cost, self.bridge, port.id)
        port.designated_times, port.update = self.root_times, False
        role = DESIGNATED
        if port.info == NOBODY:
            role = DISABLED
        elif port.info == AGED:
            port.update = True
        elif port.info == MINE:
            port.update = (port.vector, port.times) != (port.designated_vector, port.designated_times)
        elif port.config.number == self.root_port:
            role = ROOT
        elif port.designated_vector < port.vector:
            port.update = True
        else:
            role = BACKUP if port.vector.bridge & EVERY_MAC == self.bridge & EVERY_MAC else ALTERNATE
        guarded = port.config.guard == ROOT_GUARD and role == ALTERNATE
        if guarded or port.broken == ROOT_INCONSISTENT:
            port.broken = ROOT_INCONSISTENT if guarded else None
        port.selected_role = role
