"""A layout as a Mininet network. Runs inside the lab's own namespaces, on its own Open vSwitch.

Lives here: nodes, cables, addresses, the hypervisors' fixed rules. Must not know: intents' meaning, probes.
Only ARP and addresses are left to the stations: no static neighbours, the fabric answers.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mininet.link import Link
from mininet.net import Mininet
from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

from clos.fabric.packet.fields import ipv4_text, mac_text
from clos.fabric.topology import Topology
from clos.lab.mininet.layout import PASS_ON, Cable, Hypervisor, Layout, Station, layout
from clos.lab.mininet.offloads import switch_off
from clos.lab.mininet.speeds import Limit, limits
from clos.lab.ovs.processes import NETDEV, LabError

FABRIC_MTU = 9000


class ClosTopo(Topo):  # type: ignore[misc]
    """A layout as Mininet's ``Topo``; with ``mn``, see lab/custom.py."""

    def build(self, plan: Layout, cabled: bool = True, **_: Any) -> None:
        for switch in plan.topology.switches.values():
            self.addSwitch(switch.name, dpid=f"{switch.dpid:016x}")
        for number, box in enumerate(plan.hypervisors):
            self.addSwitch(box.name, dpid=f"{0xB0_0000_0000 + number:016x}", hypervisor=True)
        for station in plan.stations:
            self.addHost(station.name, ip=station.address or None, mac=mac_text(station.mac))
        if plan.panel:
            self.addHost(plan.panel, ip=None, inNamespace=False)
        for cable in plan.cables if cabled else ():
            self.addLink(
                cable.a[0], cable.b[0], port1=cable.a[1], port2=cable.b[1], intfName1=cable.a[2], intfName2=cable.b[2]
            )


class LabSwitch(OVSSwitch):  # type: ignore[misc]
    """A switch on the lab's private Open vSwitch. A hypervisor's bridge has no controller."""

    def __init__(self, name: str, hypervisor: bool = False, datapath: str = NETDEV, **options: Any) -> None:
        kind = "user" if datapath == NETDEV else "kernel"
        super().__init__(name, datapath=kind, failMode="secure", protocols="OpenFlow13", batch=True, **options)
        self.hypervisor = hypervisor

    def start(self, controllers: Iterable[Any]) -> None:
        super().start([])


class MadeLink(Link):  # type: ignore[misc]
    """A link whose pair of interfaces is there already."""

    @classmethod
    def makeIntfPair(cls, *_: Any, **__: Any) -> None:
        """Nothing to make."""


def network(plan: Layout, datapath: str = NETDEV) -> Any:
    """Build and start the network; the switches know no controller yet (see ``control``)."""
    Mininet.inited = True  # it would write system-wide limits
    net = Mininet(
        ClosTopo(plan, cabled=False), switch=lambda name, **o: LabSwitch(name, datapath=datapath, **o), host=Host,
        controller=None, waitConnected=False, autoSetMacs=False, build=False,
    )  # fmt: skip
    net.buildFromTopo(net.topo)
    _cable(net, plan.cables)
    net.configHosts()
    net.built = True
    _silence(net)
    net.start()
    _tune(net, plan)
    bridge(plan)
    _slow(net, plan)
    return net


def bridge(plan: Layout) -> None:
    """Give hypervisors their rules, several at a time: it is mostly waiting for processes to start."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_bridge, plan.hypervisors))


def _cable(net: Any, cables: Iterable[Cable]) -> None:
    """Make all cables at once, where Mininet would start three processes for each; hosts' ends come up with hosts."""
    lines = []
    for cable in cables:
        a, b = (name if port else f"{name} netns {net[node].pid}" for node, port, name in (cable.a, cable.b))
        lines.append(f"link add name {b} type veth peer name {a}\n")
        lines += [f"link set dev {name} up\n" for _, port, name in (cable.a, cable.b) if port]
        net.addLink(
            cable.a[0], cable.b[0], cable.a[1], cable.b[1], cls=MadeLink, intfName1=cable.a[2], intfName2=cable.b[2],
            up=None,
        )  # fmt: skip
    _run("ip", "-batch", "-", given="".join(lines))


def control(topology: Topology, target: str) -> None:
    """Point every switch of the fabric at a controller: ``tcp:127.0.0.1:6653``."""
    words = [word for name in topology.switches for word in ("--", "set-controller", name, target)]
    _run("ovs-vsctl", *words[1:])


def _silence(net: Any) -> None:
    """No IPv6 chatter from interfaces nobody asked to speak it."""
    for path in Path("/proc/sys/net/ipv6/conf").glob("*/disable_ipv6"):
        path.write_text("1")
    for host in net.hosts:
        host.cmd("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done")


def _tune(net: Any, plan: Layout) -> None:
    """MTU for two tags, and the default route.

    What network cards do for the system is left out: nobody does it between two veths and a user-space switch.
    """
    here = [end[2] for cable in plan.cables for end in (cable.a, cable.b) if end[1]]
    _run("ip", "-batch", "-", given="".join(f"link set {name} mtu {FABRIC_MTU}\n" for name in _fabric(plan.cables)))
    inside = {Path(f"/proc/{net[station.name].pid}/ns/net"): ["eth0"] for station in plan.stations}
    switch_off({Path("/proc/self/ns/net"): here, **inside})
    for station in plan.stations:
        if station.party is not None:
            gateway = station.party.gateway
            if gateway is not None:
                net[station.name].cmd(f"ip route add default via {ipv4_text(gateway)}")
            if station.passes_on:
                net[station.name].cmd(PASS_ON)


def _slow(net: Any, plan: Layout) -> None:
    """Links' speeds. Open vSwitch would take queueing disciplines that it does not know off its ports."""
    by_place: dict[str, list[Limit]] = {}
    for one in limits(plan):
        by_place.setdefault(one.node if one.interface == "eth0" else "", []).append(one)
    ours = by_place.get("", [])
    if ours:
        keep = [("--", "--id=@keep", "create", "qos", "type=linux-noop")]
        keep += [("--", "set", "port", one.interface, "qos=@keep") for one in ours if one.node != plan.panel]
        _run("ovs-vsctl", *[word for words in keep for word in words][1:])
    for node, some in by_place.items():
        entered = ("mnexec", "-a", str(net[node].pid)) if node else ()
        _run(*entered, "tc", "-batch", "-", given="".join(f"{one.command}\n" for one in some))


def _fabric(cables: Iterable[Cable]) -> Iterator[str]:
    return (end[2] for cable in cables if cable.fabric for end in (cable.a, cable.b))


def _bridge(box: Hypervisor) -> None:
    """The fixed rules of a hypervisor: every frame goes up to a leaf, tagged; policy is the fabric's."""
    buckets = ",".join(f"bucket=watch_port:{i},output:{i}" for i in range(1, len(box.uplinks) + 1))
    _run("ovs-ofctl", "-OOpenFlow13", "add-group", box.name, f"group_id=1,type=ff,{buckets}")
    _run("ovs-ofctl", "-OOpenFlow13", "add-flows", box.name, "-", given="\n".join(_flows(box)) + "\n")


def _flows(box: Hypervisor) -> Iterator[str]:
    first = len(box.uplinks) + 1
    crowd: dict[int | None, list[int]] = {}
    for port, (station, vlan) in enumerate(box.guests, first):
        tag = "" if vlan is None else f"push_vlan:0x8100,set_field:{0x1000 | vlan}->vlan_vid,"
        yield f"priority=10,in_port={port},actions={tag}group:1"
        seen, strip = _expected(vlan)
        for up in range(1, first):
            yield f"priority=20,in_port={up},{seen},dl_dst={mac_text(station.mac)},actions={strip}output:{port}"
        crowd.setdefault(vlan, []).append(port)
    for vlan, ports in crowd.items():
        seen, strip = _expected(vlan)
        outputs = ",".join(f"output:{port}" for port in ports)
        for up in range(1, first):
            group = "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"
            yield f"priority=20,in_port={up},{seen},{group},actions={strip}{outputs}"


def _expected(vlan: int | None) -> tuple[str, str]:
    return ("vlan_tci=0x0000/0x1fff", "") if vlan is None else (f"dl_vlan={vlan}", "pop_vlan,")


def _run(*words: str, given: str | None = None) -> None:
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise LabError(f"{' '.join(words)[:120]}: {done.stderr.strip()}")


__all__ = ["ClosTopo", "LabSwitch", "Layout", "Station", "control", "layout", "network"]
