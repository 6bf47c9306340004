"""Which cables can be probed now: both ends up, both switches there and in sync.

Must not know: probes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from clos.controller.wire.errors import SwitchError
from clos.controller.wire.switch_info import Facts, is_up
from clos.fabric.openflow import DecodeError
from clos.fabric.topology import PortRef, Topology


class Asks(Protocol):
    """What is needed of controller.wire.controller.Controller."""

    def facts(self, switch: str) -> Facts: ...


class Cables:
    """What is known of switches' ports. ``changed`` and ``left`` may be called from any thread."""

    def __init__(self, wire: Asks) -> None:
        self._wire = wire
        self._lock = threading.Lock()
        self._ports: dict[str, dict[int, bool]] = {}
        self._ready: frozenset[str] = frozenset()
        self._topology: Topology | None = None

    def look(self, topology: Topology, ready: Mapping[str, bool]) -> None:
        """Learn the ports of switches that have come."""
        self._topology = topology
        self._ready = frozenset(name for name, there in ready.items() if there)
        for name in self._ready - self._ports.keys():
            try:
                ports = {port.port: is_up(port) for port in self._wire.facts(name).ports}
            except (SwitchError, DecodeError):
                continue  # it has left, or will be dropped
            with self._lock:
                self._ports[name] = ports

    def changed(self, at: PortRef, up: bool) -> None:
        with self._lock:
            if at.switch in self._ports:
                self._ports[at.switch][at.port] = up

    def left(self, switch: str) -> None:
        with self._lock:
            self._ports.pop(switch, None)

    def leaf_end(self, at: PortRef) -> PortRef:
        """The leaf's port of the cable at a port; the port itself where there is no cable."""
        topology = self._topology
        if topology is None or at not in topology.peers or topology.switches[at.switch].is_leaf:
            return at
        return topology.peers[at]

    def usable(self, cable: PortRef) -> bool:
        """Whether both its ends are up, at switches that hold their rules."""
        topology = self._topology
        return (
            topology is not None
            and cable in topology.peers
            and all(
                end.switch in self._ready and self._ports.get(end.switch, {}).get(end.port, False)
                for end in (cable, topology.peers[cable])
            )
        )
