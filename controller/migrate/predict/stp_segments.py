"""Cables as trees see them: which VLANs' BPDUs pass between two ports, and what stops them.

Lives here: what guards, filters, native VLANs and modes of both ends make of a cable. Must not know: trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clos.controller.migrate.model import IEEE, MST, Network
from clos.controller.migrate.predict.stp_ports import NOT_DESIGNATED, End, end_name, ends

NONE: frozenset[int] = frozenset()


class Doubt(NamedTuple):
    """Why nothing can be said of these VLANs."""

    vlans: frozenset[int]
    reason: str


class Segment(NamedTuple):
    """Two ports and what passes between them. ``vlans``: whose BPDUs pass; ``data``: whose frames do.

    ``down``: BPDU guard disables one of these ends. ``broken``: VLANs that differing native VLANs block at both ends.
    """

    a: End
    b: End
    vlans: frozenset[int]
    data: frozenset[int]
    down: tuple[End, ...] = ()
    broken: frozenset[int] = NONE
    doubts: tuple[Doubt, ...] = ()


class Cabling(NamedTuple):
    """Every port by (device, name), the segments, and doubts that are of no segment."""

    ends: Mapping[tuple[str, str], End]
    segments: tuple[Segment, ...]
    doubts: tuple[Doubt, ...]


def cabling(network: Network) -> Cabling:
    """The network's ports and segments."""
    by_key = {end.key: end for device in network.devices.values() for end in ends(device)}
    pairs: dict[tuple[End, End], None] = {}
    for cable in network.cables:
        found = [_end(network, by_key, place) for place in cable]
        if found[0] is not None and found[1] is not None:
            a, b = sorted((found[0], found[1]), key=lambda end: end.key)
            pairs[a, b] = None
    segments = tuple(_segment(a, b) for a, b in pairs)
    return Cabling(by_key, segments, (*_several_peers(segments), *_strangers(by_key, segments)))


def _end(network: Network, by_key: Mapping[tuple[str, str], End], place: tuple[str, str]) -> End | None:
    """The port of a cable's end, if it is up and in trees."""
    device = network.devices.get(place[0])
    if device is None:
        return None
    end = by_key.get((place[0], end_name(device, place[1])))
    port = device.interfaces.get(place[1])
    return end if end is not None and port in (*end.members, end.port) else None


def _segment(a: End, b: End) -> Segment:
    common = a.vlans & b.vlans
    if IEEE in (a.device.stp.mode, b.device.stp.mode) or MST in (a.device.stp.mode, b.device.stp.mode):
        return _single_tree(a, b, common)
    if a.trunk is None or b.trunk is None:
        who = a if a.trunk is None else b
        doubt = Doubt(a.vlans | b.vlans, f"DTP decides what {who} is, and its tables do not say it")
        return Segment(a, b, common, common, doubts=(doubt,))
    if a.trunk != b.trunk:
        touched = frozenset({1, a.native, b.native}) & (a.vlans | b.vlans)
        return Segment(a, b, NONE, NONE, doubts=(Doubt(touched, f"{a} and {b} are a trunk and an access port"),))
    if not a.trunk and a.native != b.native:
        reason = f"{a} and {b} join VLANs {a.native} and {b.native} by access ports"
        return Segment(a, b, NONE, NONE, doubts=(Doubt(frozenset({a.native, b.native}), reason),))
    return _guarded(_native(Segment(a, b, common, common)))


def _native(segment: Segment) -> Segment:
    """Differing native VLANs: each end hears the other's VLAN untagged in its own, and blocks both."""
    a, b = segment.a, segment.b
    if a.native == b.native:
        return segment
    natives = frozenset({a.native, b.native})
    if a.native in a.vlans and b.native in b.vlans:
        return segment._replace(broken=natives, data=segment.data - natives)
    reason = f"the native VLANs of {a} and {b} differ, and one of them is not carried"
    return segment._replace(doubts=(Doubt(natives & segment.vlans, reason),))


def _guarded(segment: Segment) -> Segment:
    """BPDU filter hides the ends from each other; BPDU guard takes down what hears a BPDU of any VLAN."""
    a, b = segment.a, segment.b
    if a.bpdu_filter or b.bpdu_filter:
        segment = segment._replace(vlans=NONE, broken=NONE, doubts=())
    down = tuple(
        end
        for end, other in ((a, b), (b, a))
        if end.bpdu_guard and not end.bpdu_filter and other.vlans and not other.bpdu_filter
    )
    return segment._replace(down=down, vlans=NONE, data=NONE) if down else segment


def _single_tree(a: End, b: End, common: frozenset[int]) -> Segment:
    """A cable to a bridge with one tree: untagged IEEE BPDUs pass, which a trunk takes for VLAN 1's."""
    pvst = [end for end in (a, b) if end.device.stp.mode not in (IEEE, MST)]
    vlan = pvst[0].native if pvst and pvst[0].trunk is False else 1
    return _guarded(Segment(a, b, frozenset({vlan}), common | {vlan}))


def _several_peers(segments: Iterable[Segment]) -> list[Doubt]:
    """A port whose cables lead to several ports is no link between two bridges."""
    peers: dict[End, list[End]] = {}
    for segment in segments:
        peers.setdefault(segment.a, []).append(segment.b)
        peers.setdefault(segment.b, []).append(segment.a)
    return [
        Doubt(end.vlans, f"{end} has cables to {' and '.join(map(str, found))}")
        for end, found in peers.items()
        if len(found) > 1
    ]


def _strangers(by_key: Mapping[tuple[str, str], End], segments: Iterable[Segment]) -> list[Doubt]:
    """Ports that were root or blocked while no cable of the network leads anywhere: somebody else was heard there."""
    cabled = {end for segment in segments for end in (segment.a, segment.b)}
    found = []
    for end in by_key.values():
        heard = {vlan for vlan, seen in end.observed.items() if seen.role in NOT_DESIGNATED}
        if heard and end not in cabled:
            found.append(Doubt(frozenset(heard), f"{end} hears a bridge that is not in the network"))
    return found
