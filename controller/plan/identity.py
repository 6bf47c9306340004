"""Identities that a new topology changes: which switch is another box from now on, which node has another tag.

Lives here: the changes in words, and their brake. Must not know: how identities are kept, who is connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clos.controller.plan.brakes import Brake
from clos.fabric.topology import Topology


class IdentityChange(NamedTuple):
    """``switches``: whose rules go to another box, or come to one that had others'; ``text`` says it all."""

    switches: tuple[str, ...]
    text: str


def identity_changes(before: Topology, now: Topology) -> tuple[IdentityChange, ...]:
    """What the topology ``now`` makes of the switches and pairs of ``before``; sorted."""
    return tuple(sorted({*_boxes(before, now), *_takeovers(before, now), *_tags(before, now)}))


def identity_brake(before: Topology, now: Topology) -> Brake | None:
    """Holds a change of topology that gives a name another box or tag, or a box another name."""
    found = identity_changes(before, now)
    if not found:
        return None
    switches = tuple(sorted({name for change in found for name in change.switches}))
    message = "changes identities: " + "; ".join(change.text for change in found)
    return Brake("identity", message, len(found), 0, "--allow-identity", switches)


def moved(before: Topology, now: Topology) -> tuple[str, ...]:
    """The switches of both that have another datapath id in ``now``: what is known of the old box says nothing."""
    return tuple(
        name
        for name, switch in now.switches.items()
        if name in before.switches and before.switches[name].dpid != switch.dpid
    )


def _boxes(before: Topology, now: Topology) -> Iterator[IdentityChange]:
    for name in moved(before, now):
        old, new = before.switches[name].dpid, now.switches[name].dpid
        yield IdentityChange((name,), f"{name} becomes another switch (datapath id {old:#x} becomes {new:#x})")


def _takeovers(before: Topology, now: Topology) -> Iterator[IdentityChange]:
    for switch in now.switches.values():
        old = before.by_dpid.get(switch.dpid)
        if old is not None and old.name != switch.name:
            text = f"{switch.name} takes over the switch that was {old.name} (datapath id {switch.dpid:#x})"
            yield IdentityChange((switch.name,), text)


def _tags(before: Topology, now: Topology) -> Iterator[IdentityChange]:
    for name, tag in now.nodes.items():
        old = before.nodes.get(name, tag)
        if old != tag:
            members = now.pairs[name].leaves if name in now.pairs else (name,)
            yield IdentityChange(tuple(members), f"node tag of {name} becomes {tag} (was {old})")
