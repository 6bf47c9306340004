"""The spanning tree of every VLAN of a legacy network: root, paths, roles, states; or why nothing can be said.

Lives here: the prediction for the network at once. Must not know: the protocol's machines (an import contract), what
devices print, the command line. What it stands on that nobody said (a cost taken from a speed, a port number from the
order of names where it decides) is listed as assumed. It gives no answer for a VLAN where something stays unknown.

VLANs in which the same bridges, ports and cables take part alike have one layout, worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.migrate.model import (
    ALTERNATE,
    BACKUP,
    BLOCKING,
    BROKEN,
    DESIGNATED,
    DISABLED,
    FORWARDING,
    IEEE,
    MST,
    ROOT,
    Device,
    Network,
)
from clos.controller.migrate.predict import stp_solve
from clos.controller.migrate.predict.stp_ports import Cost, End, bridge_mac, trees
from clos.controller.migrate.predict.stp_segments import Cabling, Doubt, Segment, cabling
from clos.controller.migrate.predict.stp_single import single_tree_doubts
from clos.controller.migrate.predict.stp_solve import Path, Solved, TreePort, solve

Key = tuple[str, str]
"""A port: device and name."""
FARTHEST = 20
"""Bridges from the root that a BPDU reaches within the default max age (IEEE 802.1D-2004 §17.14)."""
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


class Layout(NamedTuple):
    """What VLANs have in common that look alike. ``loops``: ports whose filters let frames go round."""

    paths: Mapping[str, Path]
    ports: Mapping[Key, Fate]
    assumed: tuple[str, ...] = ()
    loops: tuple[Key, ...] = ()


class Tree(NamedTuple):
    """The tree of a VLAN. With reasons in ``unknown`` nothing is said of it: its layout is empty."""

    vlan: int
    layout: Layout
    unknown: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[str, ...]:
        """The root of each part of the network that the VLAN connects."""
        return tuple(name for name, path in self.layout.paths.items() if path.port is None)

    @property
    def blocked(self) -> tuple[Key, ...]:
        """Ports that are up and forward nothing."""
        return tuple(
            key for key, fate in self.layout.ports.items() if fate.state != FORWARDING and fate.role != DISABLED
        )

    def root_port(self, device: str) -> str | None:
        """The device's root port; None: it is the root, or not in the tree."""
        path = self.layout.paths.get(device)
        return path.port.name if path and path.port else None


NOTHING = Layout({}, {})


def predict(network: Network, vlans: Iterable[int] | None = None) -> dict[int, Tree]:
    """The tree of each VLAN, in order; without ``vlans`` of every VLAN that some device has a tree for."""
    plan = _Plan(network)
    return {vlan: plan.tree(vlan) for vlan in sorted(plan.vlans if vlans is None else vlans)}


class _Plan:
    """What is the same for all VLANs, and what each VLAN has, by its number."""

    def __init__(self, network: Network) -> None:
        self.network, self.cabling = network, cabling(network)
        self.segments, self.doubts = _resolved(network, self.cabling)
        self.members: dict[int, list[Device]] = {}
        self.active: dict[int, list[int]] = {}
        self.touching: dict[int, list[int]] = {}
        self.carrying: dict[int, list[End]] = {}
        self.reasons: dict[int, list[str]] = {}
        self._cabled = {end for segment in self.segments for end in segment[:2]}
        self._index()
        self.vlans = frozenset(self.members)
        self._layouts: dict[object, tuple[Layout, tuple[str, ...]]] = {}
        self._macs = {name: bridge_mac(device) for name, device in network.devices.items()}

    def _index(self) -> None:
        for device in self.network.devices.values():
            for vlan in trees(device) if device.stp.mode not in (IEEE, MST) else ():
                self.members.setdefault(vlan, []).append(device)
        for end in self.cabling.ends.values():
            for vlan in end.vlans:
                self.carrying.setdefault(vlan, []).append(end)
        for number, segment in enumerate(self.segments):
            for vlan in segment.vlans - segment.broken:
                self.active.setdefault(vlan, []).append(number)
            for vlan in segment.vlans | segment.data | segment.broken | segment.a.vlans | segment.b.vlans:
                self.touching.setdefault(vlan, []).append(number)
        for doubt in self.doubts:
            for vlan in doubt.vlans:
                self.reasons.setdefault(vlan, []).append(doubt.reason)

    def tree(self, vlan: int) -> Tree:
        if vlan in self.reasons:
            return Tree(vlan, NOTHING, tuple(sorted(set(self.reasons[vlan]))))
        bridges = self._bridges(vlan)
        ends, active = self.carrying.get(vlan, ()), tuple(self.active.get(vlan, ()))
        touching = tuple(self.touching.get(vlan, ()))
        apart = vlan if any(end.by_vlan for end in ends) else self._states(vlan, touching)
        key = (tuple(bridges.items()), active, touching, tuple(map(id, ends)), apart)
        if key not in self._layouts:
            self._layouts[key] = self._layout(vlan, bridges)
        layout, unknown = self._layouts[key]
        return Tree(vlan, NOTHING if unknown else layout, unknown)

    def _states(self, vlan: int, touching: tuple[int, ...]) -> tuple[int, ...]:
        """Which of the segments block the VLAN, or carry its frames and no BPDUs."""
        segments = ((number, self.segments[number]) for number in touching)
        odd = (number for number, s in segments if vlan in s.broken or (vlan in s.data and vlan not in s.vlans))
        return (-1, *odd)

    def _bridges(self, vlan: int) -> dict[str, int | None]:
        """Identifiers without the VLAN, which is the same in all; None where the address is needed and unknown."""
        members = {device.name: device for device in self.members.get(vlan, ())}
        found = {name: device.stp.priorities.get(vlan, 32768) + vlan for name, device in members.items()}
        for number in self.active.get(vlan, ()):
            for end in self.segments[number][:2]:
                if end.device.stp.mode in (IEEE, MST):
                    found[end.device.name] = end.device.stp.priorities.get(0, 32768)
        shared = list(found.values())
        return {
            name: None
            if self._macs[name] is None and shared.count(priority) > 1
            else self._identity(name, priority, vlan)
            for name, priority in found.items()
        }

    def _identity(self, name: str, priority: int, vlan: int) -> int:
        return (priority - vlan) * 2**48 + (self._macs[name] or 0)

    def _layout(self, vlan: int, bridges: Mapping[str, int | None]) -> tuple[Layout, tuple[str, ...]]:
        known = {name: bridge for name, bridge in bridges.items() if bridge is not None}
        unknown = [
            f"{name} has a priority that others have too, and its address is unknown" for name in bridges.keys() - known
        ]
        assumed = {
            f"no bridge is behind {end}: no cable is known"
            for end in self.carrying.get(vlan, ())
            if end.trunk and end not in self._cabled and not end.observed
        }
        ports: dict[End, TreePort] = {}
        active = [self.segments[number] for number in self.active.get(vlan, ())]
        for end in (end for segment in active for end in (segment.a, segment.b)):
            cost, (identity, guessed) = end.cost(vlan), end.identity(vlan)
            if cost is None:
                unknown.append(f"the cost of {end} is unknown")
                cost = Cost(1)
            assumed |= {cost.assumed} if cost.assumed else set()
            ports[end] = TreePort(end.device.name, end.port.name, cost.value, identity, end.guard == "root", guessed)
        if unknown:
            return NOTHING, tuple(sorted(unknown))
        solved = solve(known, [(ports[segment.a], ports[segment.b]) for segment in active])
        if any(path.hops > FARTHEST for path in solved.paths.values()):
            return NOTHING, (f"a bridge is more than {FARTHEST} bridges from the root: its BPDUs are too old there",)
        assumed |= {f"the number of {port.bridge} {port.name} is taken from the order of names" for port in solved.ties}
        fates = self._fates(vlan, solved, ports)
        return Layout(solved.paths, fates, tuple(sorted(assumed)), self._loops(vlan, fates)), ()

    def _fates(self, vlan: int, solved: Solved, ports: Mapping[End, TreePort]) -> dict[Key, Fate]:
        fates = {end.key: Fate(DESIGNATED, FORWARDING) for end in self.carrying.get(vlan, ())}
        for number in self.touching.get(vlan, ()):
            segment = self.segments[number]
            for end, peer in ((segment.a, segment.b), (segment.b, segment.a)):
                if end in ports and vlan in segment.vlans - segment.broken:
                    role, state, inconsistent = _FATES[solved.roles[ports[end]]]
                    fates[end.key] = Fate(role, state, inconsistent, peer.key)
                elif vlan in end.vlans:
                    fates[end.key] = _without_tree(segment, end, vlan)._replace(peer=peer.key)
        return fates

    def _loops(self, vlan: int, fates: Mapping[Key, Fate]) -> tuple[Key, ...]:
        """Ends of cables that close a circle of forwarding ports: only a BPDU filter lets there be any."""
        segments = [
            self.segments[number] for number in self.touching.get(vlan, ()) if vlan in self.segments[number].data
        ]
        if all(vlan in segment.vlans for segment in segments):
            return ()
        segments.sort(key=lambda segment: vlan not in segment.vlans)
        group: dict[str, str] = {}

        def top(name: str) -> str:
            while name in group:
                name = group[name]
            return name

        found: list[Key] = []
        for segment in segments:
            ends = segment.a.key, segment.b.key
            if all(key in fates and fates[key].state == FORWARDING for key in ends):
                a, b = top(ends[0][0]), top(ends[1][0])
                found += ends if a == b else ()
                group.update({} if a == b else {a: b})
        return tuple(found)


def _without_tree(segment: Segment, end: End, vlan: int) -> Fate:
    """A port on a cable that carries no BPDUs of the VLAN."""
    if segment.down:
        return Fate(
            DISABLED, BROKEN if end in segment.down else BLOCKING, "BPDU guard" if end in segment.down else None
        )
    if vlan in segment.broken:
        return Fate(DESIGNATED, BROKEN, "PVID_Inc")
    return Fate(DESIGNATED, FORWARDING)


def _resolved(network: Network, cabled: Cabling) -> tuple[tuple[Segment, ...], tuple[Doubt, ...]]:
    """Segments and all doubts, with what bridges of a single tree do to either."""
    segments, doubts = single_tree_doubts(network, cabled.segments)
    own = tuple(doubt for segment in segments for doubt in segment.doubts)
    return segments, (*cabled.doubts, *own, *doubts)
