"""Roles as IOS shows them: what becomes of every port that carries a VLAN.

Lives here: ports in a tree, ports that a guard or a native VLAN holds, ports without a neighbor. Must not know: how
roles are found. Values are shared: ports of many VLANs have few fates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clos.controller.migrate.model import (
    ALTERNATE,
    BACKUP,
    BLOCKING,
    BROKEN,
    DESIGNATED,
    DISABLED,
    FORWARDING,
    ROOT,
)
from clos.controller.migrate.predict import stp_solve
from clos.controller.migrate.predict.stp_ports import End
from clos.controller.migrate.predict.stp_segments import Segment
from clos.controller.migrate.predict.stp_solve import Solved

Key = tuple[str, str]
"""A port: device and name."""
_FATES = {
    stp_solve.ROOT: (ROOT, FORWARDING, None),
    stp_solve.DESIGNATED: (DESIGNATED, FORWARDING, None),
    stp_solve.ALTERNATE: (ALTERNATE, BLOCKING, None),
    stp_solve.BACKUP: (BACKUP, BLOCKING, None),
    stp_solve.GUARDED: (DESIGNATED, BROKEN, "Root_Inc"),
}


class Fate(NamedTuple):
    """A port in a tree. ``inconsistent``: what blocks it, in IOS' words; ``peer``: the port at the other end."""

    role: str
    state: str
    inconsistent: str | None = None
    peer: Key | None = None


ALONE = Fate(DESIGNATED, FORWARDING)
"""A port without a neighbor that is a bridge."""


class Fates:
    """The fates of the ends of all segments, by role."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._turns = [(s.a.key, _by_role(s.b.key), s.b.key, _by_role(s.a.key)) for s in segments]
        self._alone: dict[tuple[int, ...], dict[Key, Fate]] = {}

    def of(
        self, vlan: int, carrying: Sequence[End], touching: Iterable[int], active: Sequence[int], solved: Solved
    ) -> dict[Key, Fate]:
        """Every port that carries the VLAN; ``active``: the segments that were links of the tree, in its order."""
        ids = tuple(map(id, carrying))
        if ids not in self._alone:
            self._alone[ids] = {end.key: ALONE for end in carrying}
        fates = self._alone[ids].copy()
        for number in set(touching).difference(active):
            segment = self._segments[number]
            for end, peer in ((segment.a, segment.b), (segment.b, segment.a)):
                if vlan in end.vlans:
                    fates[end.key] = _without_tree(segment, end, vlan)._replace(peer=peer.key)
        for number, (first, second) in zip(active, solved.roles, strict=True):
            a, of_a, b, of_b = self._turns[number]
            fates[a] = of_a[first]
            fates[b] = of_b[second]
        return fates


def _by_role(peer: Key) -> dict[str, Fate]:
    return {role: Fate(*words, peer) for role, words in _FATES.items()}


def _without_tree(segment: Segment, end: End, vlan: int) -> Fate:
    """A port on a cable that carries no BPDUs of the VLAN."""
    if segment.down:
        return Fate(
            DISABLED, BROKEN if end in segment.down else BLOCKING, "BPDU guard" if end in segment.down else None
        )
    if vlan in segment.broken:
        return Fate(DESIGNATED, BROKEN, "PVID_Inc")
    return Fate(DESIGNATED, FORWARDING)
