"""The spanning tree of every VLAN of a legacy network: root, paths, roles, states; or why nothing can be said.

Lives here: the prediction for the network at once. Must not know: the protocol's machines (an import contract), what
devices print, the command line. What it stands on that nobody said (a cost taken from a speed, a port number from the
order of names where it decides) is listed as assumed. It gives no answer for a VLAN where something stays unknown.

VLANs in which the same bridges, ports and cables take part alike have one layout, worked out once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.migrate.model import (
    DISABLED,
    FORWARDING,
    IEEE,
    MST,
    Device,
    Network,
)
from clos.controller.migrate.predict.stp_fates import Fate, Fates, Key
from clos.controller.migrate.predict.stp_numbers import Numbers
from clos.controller.migrate.predict.stp_ports import End, bridge_mac, bridge_priorities, trees
from clos.controller.migrate.predict.stp_segments import Cabling, Doubt, Segment, cabling
from clos.controller.migrate.predict.stp_single import single_tree_doubts
from clos.controller.migrate.predict.stp_solve import Link, Path, solve

FARTHEST = 20
"""Bridges from the root that a BPDU reaches within the default max age (IEEE 802.1D-2004 §17.14)."""


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
        self.hidden: set[int] = set()
        """VLANs whose frames pass some cable that their BPDUs do not."""
        self._index()
        self.vlans = frozenset(self.members)
        cabled = {end for segment in self.segments for end in segment[:2]}
        ends = self.cabling.ends.values()
        self._loose = {end for end in ends if end.trunk and end not in cabled and not end.observed}
        self._apart = {end for end in ends if end.by_vlan}
        self._numbers = {end: Numbers(end) for end in cabled}
        self._fates = Fates(self.segments)
        self._guessed = _inferred(network, self.segments)
        self._layouts: dict[object, tuple[Layout, tuple[str, ...]]] = {}
        self._single = any(device.stp.mode in (IEEE, MST) for device in network.devices.values())
        self._priorities = {name: bridge_priorities(device) for name, device in network.devices.items()}
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
            self.hidden |= segment.data - segment.vlans
        for doubt in self.doubts:
            for vlan in doubt.vlans:
                self.reasons.setdefault(vlan, []).append(doubt.reason)

    def tree(self, vlan: int) -> Tree:
        if vlan in self.reasons:
            return Tree(vlan, NOTHING, tuple(sorted(set(self.reasons[vlan]))))
        bridges = self._bridges(vlan)
        ends = self.carrying.get(vlan, ())
        if self._apart and not self._apart.isdisjoint(ends):
            layout, unknown = self._layout(vlan, bridges)
            return Tree(vlan, NOTHING if unknown else layout, unknown)
        active, touching = tuple(self.active.get(vlan, ())), tuple(self.touching.get(vlan, ()))
        key = (tuple(bridges.items()), active, touching, tuple(map(id, ends)), self._states(vlan, touching))
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
        found = {d.name: self._priorities[d.name](vlan) for d in self.members.get(vlan, ())}
        for number in self.active.get(vlan, ()) if self._single else ():
            for end in self.segments[number][:2]:
                if end.device.stp.mode in (IEEE, MST):
                    found[end.device.name] = end.device.stp.priorities.get(0, 32768)
        shared = Counter(found.values())
        return {
            name: None
            if self._macs[name] is None and shared[priority] > 1
            else (priority - vlan) * 2**48 + (self._macs[name] or 0)
            for name, priority in found.items()
        }

    def _layout(self, vlan: int, bridges: Mapping[str, int | None]) -> tuple[Layout, tuple[str, ...]]:
        unknown = [
            f"{name} has a priority that others have too, and its address is unknown"
            for name, bridge in bridges.items()
            if bridge is None
        ]
        carrying, active = self.carrying.get(vlan, []), self.active.get(vlan, [])
        assumed = {
            f"no bridge is behind {end}: no cable is known"
            for end in (() if self._loose.isdisjoint(carrying) else self._loose.intersection(carrying))
        }
        links: list[Link] = []
        for number in active:
            ends = []
            assumed |= self._guessed.get(number, set())
            for end in self.segments[number][:2]:
                port, cost = self._numbers[end].port(vlan)
                if cost is None:
                    unknown.append(f"the cost of {end} is unknown")
                elif cost.assumed:
                    assumed.add(cost.assumed)
                ends.append(port)
            links.append((ends[0], ends[1]))
        if unknown:
            return NOTHING, tuple(sorted(unknown))
        solved = solve({name: bridge for name, bridge in bridges.items() if bridge is not None}, links)
        if any(path.hops > FARTHEST for path in solved.paths.values()):
            return NOTHING, (f"a bridge is more than {FARTHEST} bridges from the root: its BPDUs are too old there",)
        assumed |= {f"the number of {port.bridge} {port.name} is taken from the order of names" for port in solved.ties}
        fates = self._fates.of(vlan, carrying, self.touching.get(vlan, []), active, solved)
        return Layout(solved.paths, fates, tuple(sorted(assumed)), self._loops(vlan, fates)), ()

    def _loops(self, vlan: int, fates: Mapping[Key, Fate]) -> tuple[Key, ...]:
        """Ends of cables that close a circle of forwarding ports: only a BPDU filter lets there be any."""
        if vlan not in self.hidden:
            return ()
        touching = (self.segments[number] for number in self.touching.get(vlan, ()))
        segments = [segment for segment in touching if vlan in segment.data]
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


def _inferred(network: Network, segments: Iterable[Segment]) -> dict[int, set[str]]:
    """What to say of the segments whose cables are inferred, by the segment's number."""
    reasons = {frozenset(one.cable): one.reason for one in network.inferred}
    return {
        number: {f"the cable {segment.a} - {segment.b} is inferred from {reason}"}
        for number, segment in enumerate(segments)
        if (reason := reasons.get(frozenset((segment.a.key, segment.b.key))))
    }


def _resolved(network: Network, cabled: Cabling) -> tuple[tuple[Segment, ...], tuple[Doubt, ...]]:
    """Segments and all doubts, with what bridges of a single tree do to either."""
    segments, doubts = single_tree_doubts(network, cabled.segments)
    own = tuple(doubt for segment in segments for doubt in segment.doubts)
    return segments, (*cabled.doubts, *own, *doubts)
