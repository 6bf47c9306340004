"""What is built for a legacy network beside a fabric: who is cabled to what. Data only.

Lives here: the layout with its patch panel. Must not know: namespaces, sockets, how devices work.

The simulated devices have no interfaces. What is cabled to one of their ports, a host or a port of the fabric, has the
other end of its cable in the panel, whose frames the devices' process reads and writes. A host that both networks know
has one cable to the panel, and its port of the fabric has another: the panel joins the two once it is plugged in there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from clos.controller.intent.model import Intent
from clos.fabric.sim.legacy.cables import End
from clos.fabric.sim.legacy.network import HostPlan, NetworkPlan
from clos.fabric.topology import PortRef, Topology
from clos.lab.mininet.layout import NAME, Cable, Layout, Station, layout
from clos.lab.ovs.processes import LabError

PANEL = "(panel)"
"""The panel's name among the lab's nodes."""


class Patch(NamedTuple):
    """What the panel has to do with a host or a border. ``interface``: the panel's end of its cable (a border: of the
    cable to its port of the fabric); ``legacy``: its port of the legacy network; ``fabric``: the panel's end of the
    cable to its port of the fabric, where it may be plugged in there."""

    interface: str
    legacy: End
    fabric: str | None = None


class Patching(NamedTuple):
    """``layout``: what Mininet builds; ``hosts`` and ``borders``: what the panel does, by name."""

    layout: Layout
    hosts: dict[str, Patch]
    borders: dict[str, Patch]
    plans: dict[str, HostPlan]

    @property
    def interfaces(self) -> tuple[str, ...]:
        """All of the panel's ends."""
        patches = (*self.hosts.values(), *self.borders.values())
        return tuple(name for one in patches for name in (one.interface, one.fabric) if name is not None)


def patching(topology: Topology, plan: NetworkPlan) -> Patching:
    """Decide it; deterministic. Raises LabError: the two do not fit together."""
    if faults := tuple(_faults(topology, plan)):
        raise LabError("\n".join(faults))
    base = layout(topology, Intent())
    shared = {*(host.name for host in plan.hosts), *(name for name, _ in plan.borders)}
    stations = [one for one in base.stations if one.name not in shared]
    cables = [one for one in base.cables if one.a[0] not in shared]
    hosts: dict[str, Patch] = {}
    borders: dict[str, Patch] = {}
    for name, end in plan.borders:
        cables.append(_to_fabric(topology, base, name, len(cables) + 1))
        borders[name] = Patch(cables[-1].a[2], end)
    for host in plan.hosts:
        stations.append(Station(host.name, host.mac, None))
        number = len(cables) + 1
        cables.append(Cable((host.name, 0, "eth0"), (PANEL, number, _named(host.name, number))))
        patch = Patch(cables[-1].b[2], host.port)
        if host.name in topology.hosts:
            cables.append(_to_fabric(topology, base, host.name, len(cables) + 1))
            patch = patch._replace(fabric=cables[-1].a[2])
        hosts[host.name] = patch
    ends = {port: end for port, end in base.ends.items() if end[0] not in shared}
    whole = Layout(topology, tuple(stations), base.hypervisors, tuple(cables), ends, PANEL)
    return Patching(whole, hosts, borders, {host.name: host for host in plan.hosts})


def _to_fabric(topology: Topology, base: Layout, name: str, number: int) -> Cable:
    port = topology.hosts[name].ports[0]
    device = base.device(port)
    return Cable((PANEL, number, _named(device, number)), (*port, device))


def _named(name: str, number: int) -> str:
    """``to-leaf1-11``; by number where that is too long for Linux."""
    plain = f"to-{name}"
    return plain if len(plain) <= NAME else f"to-{number}"


def _faults(topology: Topology, plan: NetworkPlan) -> Iterable[str]:
    for name, _ in plan.borders:
        if name not in topology.hosts:
            yield f"{name}: the fabric's topology has no host of this name"
    for name in (*(host.name for host in plan.hosts), *(name for name, _ in plan.borders)):
        ports: tuple[PortRef, ...] = topology.hosts[name].ports if name in topology.hosts else ()
        if len(ports) > 1:
            yield f"{name} has {len(ports)} ports of the fabric: in this lab it has one"
    devices = {*topology.switches} & {one.name for one in plan.devices}
    for name in sorted(devices | ({*topology.switches} & {host.name for host in plan.hosts})):
        yield f"{name} is the name of a switch of the fabric, and of something in the legacy network"
