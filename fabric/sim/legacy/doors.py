"""The SSH servers of a network's devices, on an event loop that somebody else runs.

Lives here: opening and closing all of them. Must not know: threads, what else runs on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from clos.fabric.sim.legacy.network import LegacyNetwork
from clos.fabric.sim.legacy.ssh import Access, host_key, known_hosts, listen
from clos.fabric.sim.realtime import Pace


@dataclass(frozen=True, slots=True)
class Listening:
    """Where devices listen: by name, the port at ``host``; ``known_hosts``: the text of such a file for them."""

    host: str
    ports: dict[str, int]
    known_hosts: str


@dataclass(slots=True)
class Doors:
    """Open while somebody keeps them open."""

    network: LegacyNetwork
    _servers: list[Any] = field(default_factory=list)

    async def open(self, pace: Pace, host: str, first: int, authorized: Sequence[str]) -> Listening:
        """Have each device reached, the first at port ``first`` and the others behind it; 0: any.

        Raises OSError: a port cannot be had."""
        ports: dict[str, int] = {}
        reached: list[tuple[int, Access]] = []
        for index, plan in enumerate(self.network.plan.devices):
            access = Access(host_key(plan.sha1_only), plan.sha1_only, tuple(authorized))
            wanted = first + index if first else 0
            device = self.network.devices[plan.name]
            server = await listen(device, access, host, wanted, pace.catch_up, pace.nudge)
            self._servers.append(server)
            ports[plan.name] = server.get_port()
            reached.append((ports[plan.name], access))
        return Listening(host, ports, known_hosts(host, reached))

    async def close(self) -> None:
        """End all sessions and servers."""
        for server in self._servers:
            server.close()
        for device in self.network.devices.values():
            for listener in tuple(device.listeners):
                listener(None)
        await asyncio.sleep(0.05)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
