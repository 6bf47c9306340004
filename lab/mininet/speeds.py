"""Speeds of links, kept by the kernel: a token bucket at both ends of each cable that is slower than the lab is.

Lives here: which cables, how, and what is not kept. Must not know: how the lab's network is built.
A lab carries a few hundred Mbit/s in all, as its switches run in user space: nobody could tell speeds above ``FASTEST``
from no limit, so they are left alone. Latencies are not kept.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.fabric.topology import PortRef, Topology
from clos.lab.mininet.layout import Layout

FASTEST = 1000
"""Mbit/s up to which speeds are kept."""
QUEUE = 1 << 20
"""Bytes that wait at a slow port before frames are dropped: a switch's buffer, and room for a burst of probes."""


class Limit(NamedTuple):
    """What an interface may send, in Mbit/s."""

    node: str
    interface: str
    speed: int

    @property
    def command(self) -> str:
        """For ``tc -batch``; a burst of 10 ms, and of two of the longest frames at least."""
        burst = max(self.speed * 1250, 20_000)
        return f"qdisc replace dev {self.interface} root tbf rate {self.speed}mbit burst {burst} limit {QUEUE + burst}"


def speeds(topology: Topology) -> dict[PortRef, int]:
    """Of each switch port's cable, in Mbit/s."""
    between = {end: link.speed for link in topology.links for end in (link.a, link.b)}
    return between | {port: host.speed for host in topology.hosts.values() for port in host.ports}


def limits(plan: Layout) -> list[Limit]:
    """At both ends of the cables that are slow enough. Those inside of a hypervisor are no part of the fabric."""
    speed = speeds(plan.topology)
    found = []
    for cable in plan.cables:
        ports = [PortRef(*end[:2]) for end in (cable.a, cable.b)]
        slowest = min((speed[port] for port in ports if port in speed), default=FASTEST + 1)
        if slowest <= FASTEST:
            found += [Limit(end[0], end[2], slowest) for end in (cable.a, cable.b)]
    return found


def not_kept(topology: Topology) -> list[str]:
    """What of a topology's cables a lab leaves out."""
    fast = sum(link.speed > FASTEST for link in topology.links)
    fast += sum(host.speed > FASTEST for host in topology.hosts.values())
    late = sum(link.latency > 0 for link in topology.links)
    return [
        *([f"speeds above {FASTEST:,} Mbps ({fast} cables; the lab itself is slower)"] if fast else []),
        *([f"latencies ({late} links)"] if late else []),
    ]
