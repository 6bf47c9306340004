"""Small fabrics, programmed by hand, for the simulator's tests.

``flat`` is a fabric that bridges by MAC address, with everything flooded by groups: one leaf rule per host, known to
every switch. It is what the tests of links, hosts and flows need, and no more.
"""

from __future__ import annotations

from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.match import ANY, Match
from clos.fabric.dataplane.rule import ALL, FAST_FAILOVER, Bucket, GroupEntry, Instructions, Rule
from clos.fabric.generate import clos
from clos.fabric.packet.build import BROADCAST
from clos.fabric.packet.fields import ipv4
from clos.fabric.sim.network import SimNetwork
from clos.fabric.topology import SPINE, Topology

TO_SPINE = 1
EVERYBODY = 2


def flat_topology(spines: int = 2, leaves: int = 2, hosts: int = 2) -> Topology:
    return clos(spines, leaves, hosts_per_leaf=hosts)


def address(name: str) -> int:
    """10.0.<leaf>.<host> of ``h<leaf>-<host>``."""
    leaf, host = name[1:].split("-")
    return ipv4(f"10.0.{leaf}.{host}")


def program(network: SimNetwork) -> None:
    """Leaves know their hosts, and send the rest to the first spine that is reachable; spines know every host."""
    topology = network.topology
    for name, switch in network.switches.items():
        model = switch.model
        if topology.switches[name].role == SPINE:
            for number, rule in enumerate(_spine_rules(topology, name)):
                model.add(rule, number)
            continue
        uplinks = [port for port, _ in topology.uplinks[name]]
        mine = [(port.port, host) for port, host in topology.host_at.items() if port.switch == name]
        model.add_group(GroupEntry(TO_SPINE, FAST_FAILOVER, tuple(Bucket((Output(p),), 1, p) for p in uplinks)))
        local = tuple(Bucket((Output(port),)) for port, _ in mine)
        model.add_group(GroupEntry(EVERYBODY, ALL, (*local, Bucket((Group(TO_SPINE),)))))
        model.add_group(GroupEntry(EVERYBODY + 1, ALL, local))
        for port, host in mine:
            model.add(_to(topology.hosts[host].mac, Output(port)), 0)
        for uplink in uplinks:
            flood = Match.of(in_port=uplink, eth_dst=BROADCAST)
            model.add(Rule(0, 300, flood, Instructions(apply=(Group(EVERYBODY + 1),))), 0)
        model.add(Rule(0, 200, Match.of(eth_dst=BROADCAST), Instructions(apply=(Group(EVERYBODY),))), 0)
        model.add(Rule(0, 1, ANY, Instructions(apply=(Group(TO_SPINE),))), 0)


def _to(mac: int, *actions: Output | Group) -> Rule:
    return Rule(0, 100, Match.of(eth_dst=mac), Instructions(apply=actions))


def _spine_rules(topology: Topology, spine: str) -> list[Rule]:
    port_of = {leaf: port for port, leaf in topology.downlinks[spine]}
    rules = [_to(host.mac, Output(port_of[host.ports[0].switch])) for host in topology.hosts.values()]
    return [*rules, _to(BROADCAST, *(Output(port) for port in port_of.values()))]


def attach_all(network: SimNetwork) -> None:
    """An endpoint of the host's own name on every host, in one subnet."""
    for name, host in network.topology.hosts.items():
        network.attach(name, name, host.mac, address(name), 16)


def flat(spines: int = 2, leaves: int = 2, hosts: int = 2, **options: int) -> SimNetwork:
    network = SimNetwork(flat_topology(spines, leaves, hosts), **options)
    program(network)
    attach_all(network)
    return network
