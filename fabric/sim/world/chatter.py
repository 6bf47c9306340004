"""Hosts that speak by themselves: each asks for its gateway now and then, so that switches know where it is.

Lives here: when who asks. Must not know: sockets, real time, who answers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from clos.fabric.packet import build
from clos.fabric.sim.clock import MILLISECOND, SECOND
from clos.fabric.sim.host_packets import Endpoint
from clos.fabric.sim.journey import Journey

if TYPE_CHECKING:
    from clos.fabric.sim.world.world import World

EVERY = 120 * SECOND
"""Well below the 300 s after which a switch forgets an address."""
APART = 5 * MILLISECOND
"""Between one host's request and the next one's."""


def start(world: World) -> None:
    """From now on each endpoint that has a gateway asks for its MAC address, every two minutes of virtual time."""
    for place, endpoint in enumerate(one for one in world.endpoints.values() if one.gateway is not None):
        world.clock.after(place * APART, partial(_ask, world, endpoint))


def _ask(world: World, endpoint: Endpoint) -> None:
    assert endpoint.gateway is not None
    request = build.arp_request(endpoint.mac, endpoint.ip, endpoint.gateway, endpoint.vlan)
    world.hosts[endpoint.host].emit(request, Journey())
    world.clock.after(EVERY, partial(_ask, world, endpoint))
