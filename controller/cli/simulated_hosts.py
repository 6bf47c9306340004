"""Hosts of a simulated fabric that answer for the endpoints of intents."""

from __future__ import annotations

from clos.controller.intent.model import Intent
from clos.controller.intent.reach import ends
from clos.fabric.sim.openflow.server import SimThread
from clos.fabric.topology import Topology


def attach(running: SimThread, intent: Intent, topology: Topology) -> None:
    """Give the simulated hosts the intent's endpoints, named ``tenant/name``."""
    for end in ends(intent):
        if end.endpoint.outside is not None:
            continue
        one, network = end.endpoint, end.tenant.networks[end.endpoint.network]
        vlan = network.vlan if topology.hosts[one.host].tagged else None
        running.attach(str(end), one.host, one.mac, one.ip, network.subnet[1], network.gateway, vlan)
