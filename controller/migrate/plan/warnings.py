"""Brakes and risks of each phase: what somebody must say yes to, and what may go wrong all the same.

Lives here: sentences with figures. Must not know: how steps are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clos.controller.migrate.discover.names import vlan_text
from clos.controller.migrate.plan.ground import Ground
from clos.controller.migrate.plan.model import CLEAN, COEXIST, EXTEND, GATEWAYS, HOSTS, Brake, Step
from clos.controller.migrate.segmentation.hosts import HOST
from clos.controller.migrate.segmentation.proof import MORE

BOARD, SECURITY, OWNERS = "change board", "security", "owners of the applications"


def brakes(ground: Ground, phase: int, steps: Sequence[Step]) -> tuple[Brake, ...]:
    """What a phase needs a yes for."""
    return tuple(_brakes(ground, phase, steps))


def _brakes(ground: Ground, phase: int, steps: Sequence[Step]) -> Iterator[Brake]:
    risky = sorted({c.device for step in steps for c in step.commands if c.risky})
    if risky:
        text = f"Devices that are configured, with a revert timer armed: {', '.join(risky)}."
        yield Brake(f"devices-{phase}", text, BOARD)
    if phase == GATEWAYS and steps:
        yield Brake(
            "gateways",
            f"VLANs that get another gateway: {vlan_text([step.vlan for step in steps if step.vlan])}.",
            BOARD,
        )
        yield from _translation(ground)
    if phase == HOSTS and steps:
        yield Brake("hosts", f"Hosts that are without a cable for a moment: {len(steps)}.", OWNERS)
    unheard = ground.segmentation.found.silent
    if phase == GATEWAYS and steps and unheard:
        text = f"Hosts known in part, which will lose their gateway: {len(unheard)}. Make them speak, discover again."
        yield Brake("silent-hosts", text, BOARD)


def _translation(ground: Ground) -> Iterator[Brake]:
    differences = ground.segmentation.differences
    more = [d for d in differences if d.fabric == MORE]
    less = [d for d in differences if d.fabric != MORE]
    if more:
        text = f"The fabric permits more than {len({d.where for d in more})} lines of access lists do, as listed."
        yield Brake("permits-more", text, SECURITY)
    if less:
        text = f"The fabric denies what {len({d.where for d in less})} lines or missing lists permit, as listed."
        yield Brake("permits-less", text, OWNERS)


def risks(ground: Ground, phase: int) -> tuple[str, ...]:
    """What may go wrong all the same, and what catches it."""
    return tuple(_risks(ground, phase))


def _risks(ground: Ground, phase: int) -> Iterator[str]:
    if phase == EXTEND:
        yield "A trunk to the wrong port: a BPDU that comes from there closes it (BPDU guard), and a check fails."
        yield from ground.segmentation.doubts
        stay = [v for v in ground.segmentation.vlans if v not in ground.movable]
        for vlan in stay:
            yield (
                f"VLAN {vlan.number} has no HSRP group with a virtual MAC address: its gateway can't keep its MAC "
                "address and is not moved; give it a group first, or plan for hosts that learn a new one."
            )
    if phase == COEXIST and ground.transit is not None:
        yield (
            f"{ground.transit.router} is the only way between the two networks as long as both are there; the other "
            "borders' trunks are ready for the day that it is lost."
        )
    if phase == COEXIST and ground.transit is None:
        yield "No router at a border speaks EIGRP: there is no way between the fabric's networks and the others."
    if phase == GATEWAYS:
        keyed = [v.number for v in ground.movable if v.group is not None and v.group.authentication]
        if keyed:
            yield f"HSRP is authenticated in VLANs {vlan_text(keyed)}: CLOS_HSRP_KEY_GROUP must hold each group's key."
        yield (
            f"With the last gateway the tenant {ground.name}-bridged ends, and its rules go: the controller asks for "
            f"--allow deletes --allow delete-tenant={ground.name}-bridged."
        )
        yield "A third router with priority 255 and preemption would take the gateway back: HSRP's state is checked."
    if phase == HOSTS:
        away = [h for h in ground.segmentation.found.hosts if h.kind == HOST and ground.fabric_host(h) is None]
        if away:
            yield f"{len(away)} hosts have no port with their MAC address in the fabric's topology: they stay."
    if phase == CLEAN:
        relays = [v.number for v in ground.movable if any(r.interface.helpers for r in v.routers)]
        if relays:
            yield f"Legacy routers go on relaying DHCP in VLANs {vlan_text(relays)}: the fabric does not."
