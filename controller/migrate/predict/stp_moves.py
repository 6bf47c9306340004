"""What a change does to the ways frames take: root ports that move, on which paths, and for how long nothing passes.

Lives here: two predictions compared. Must not know: how they were made, the command line.

A root port that has forwarded before goes on doing so at once, if the cable's other end did too. Else a classic bridge
listens and learns for two forward delays (IEEE 802.1D-1998 §8.4); two rapid ones agree within a hello time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from clos.controller.migrate.model import FORWARDING, RAPID_PVST, Network
from clos.controller.migrate.predict.spanning_tree import Tree
from clos.controller.migrate.predict.stp_fates import Key

CLASSIC_WAIT, RAPID_WAIT = 30, 2
"""Seconds: two forward delays, and at most a hello time."""


class Move(NamedTuple):
    """A bridge's root port in a VLAN, before and after; None: it was, or is, the root.

    ``seconds``: how long its new way passes nothing; None: it has lost the root it had. ``live``: others of its ports
    forward in the VLAN, or it has an address there.
    """

    vlan: int
    device: str
    before: str | None
    after: str | None
    seconds: int | None
    live: bool


def moves(network: Network, before: Mapping[int, Tree], after: Mapping[int, Tree]) -> tuple[Move, ...]:
    """Every root port that moves, in the VLANs that are known before and after; ``network`` is that before."""
    known = (vlan for vlan in before if vlan in after and not before[vlan].unknown and not after[vlan].unknown)
    return tuple(move for vlan in known for move in _of_vlan(network, before[vlan], after[vlan]))


def new_loops(before: Mapping[int, Tree], after: Mapping[int, Tree]) -> tuple[int, ...]:
    """VLANs in which frames go round after the change and did not before."""
    return tuple(v for v in after if after[v].layout.loops and not (v in before and before[v].layout.loops))


def _of_vlan(network: Network, before: Tree, after: Tree) -> Iterator[Move]:
    if before.layout is after.layout:
        return
    for name, path in before.layout.paths.items():
        new = after.layout.paths.get(name)
        old_port, new_port = before.root_port(name), after.root_port(name)
        lost = new is None or _cut_off(after, name, path.root)
        if old_port != new_port or lost:
            seconds = None if lost else _wait(network, before, after, (name, new_port or ""))
            yield Move(before.vlan, name, old_port, new_port, seconds, _live(network, before, name, old_port))


def _cut_off(after: Tree, name: str, root: str) -> bool:
    """Whether the bridge no longer has a way to the root that it had, which is in another part of the network now."""
    paths = after.layout.paths
    return root not in paths or paths[root].root != paths[name].root


def _wait(network: Network, before: Tree, after: Tree, key: Key) -> int:
    fate = after.layout.ports.get(key)
    if fate is None:  # it is the root now, and its designated ports forward as they did
        return 0
    ends = [before.layout.ports.get(end) for end in (key, fate.peer) if end]
    same_cable = ends[0] is not None and ends[0].peer == fate.peer
    if same_cable and all(end is not None and end.state == FORWARDING for end in ends):
        return 0
    names = [key[0], *([fate.peer[0]] if fate.peer else [])]
    rapid = all(network.devices[name].stp.mode == RAPID_PVST for name in names)
    return RAPID_WAIT if rapid else CLASSIC_WAIT


def _live(network: Network, tree: Tree, name: str, root_port: str | None) -> bool:
    """Whether the bridge passes frames between its root port and anything else."""
    own = (port for (device, port), fate in tree.layout.ports.items() if device == name and fate.state == FORWARDING)
    address = network.devices[name].interfaces.get(f"Vlan{tree.vlan}")
    return any(port != root_port for port in own) or (address is not None and bool(address.addresses))
