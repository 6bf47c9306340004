"""How long each host may be without its path in a step, and why that long.

Lives here: figures and reasons. Must not know: steps. A budget is what a step may cost at most, not what it does cost.
"""

from __future__ import annotations

from collections.abc import Iterator

from clos.controller.migrate.model import HsrpGroup
from clos.controller.migrate.plan.ground import Ground
from clos.controller.migrate.plan.model import Budget
from clos.controller.migrate.segmentation.hosts import HOST, Host
from clos.controller.migrate.segmentation.vlans import Vlan

PLUG_MS = 10_000
"""A person moves a cable, and the port comes up."""


def _all(ground: Ground) -> Iterator[tuple[str, Host]]:
    for host in ground.segmentation.found.hosts:
        if host.kind == HOST:
            yield ground.names[host.vlan, host.address], host


def none_lost(ground: Ground, why: str) -> tuple[Budget, ...]:
    """Nothing for anybody."""
    return tuple(Budget(name, 0, why) for name, _ in _all(ground))


def at_trunk(ground: Ground, vlan: int) -> tuple[Budget, ...]:
    """A VLAN is let through: its hosts' paths do not lead there yet."""
    why = "no host's path changes: the fabric is one more branch of the tree, and it sends no BPDU"
    return tuple(Budget(name, 0, why) for name, host in _all(ground) if host.vlan == vlan)


def at_coup(ground: Ground, vlan: Vlan, group: HsrpGroup) -> tuple[Budget, ...]:
    """A gateway moves: both sides answer with the same addresses, and switches learn the new way from our hello."""
    why = (
        "the gateway keeps its address and its MAC address; the fabric answers before the coup, the old one until then"
    )
    late = f"should the coup be lost, the next hello comes after {group.hello_ms} ms"
    return tuple(
        Budget(name, group.hello_ms, f"0 expected: {why}; {late}") for name, h in _all(ground) if h.vlan == vlan.number
    )


def after_plug(host: str) -> tuple[Budget, ...]:
    """A host's only cable is moved."""
    return (Budget(host, PLUG_MS, "its one cable is moved by hand; the address and the gateway stay"),)
