"""Bridges with one tree for all VLANs beside PVST+: IEEE 802.1D, and MST.

Lives here: in which VLANs' trees such a bridge takes part, and where that cannot be said. Must not know: trees.

An IEEE bridge is in the tree of the VLAN whose BPDUs reach it untagged. Other VLANs' BPDUs are frames to it, so it is
a wire to them: without influence where only one cable carries the VLAN, and not to be said where several do. An MST
bridge answers in every VLAN with the BPDUs of its instance 0 (PVST simulation): it is everybody's root if it is better
than all bridges in all VLANs that reach it; otherwise its boundary may become inconsistent, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clos.controller.migrate.model import IEEE, MST, Device, Network
from clos.controller.migrate.predict.stp_ports import bridge_mac, bridge_priorities, trees
from clos.controller.migrate.predict.stp_segments import Doubt, Segment

CST_VLAN = 1


def single_tree_doubts(
    network: Network, segments: tuple[Segment, ...]
) -> tuple[tuple[Segment, ...], tuple[Doubt, ...]]:
    """The segments as these bridges have them, and what cannot be said."""
    single = [device for device in network.devices.values() if device.stp.mode in (IEEE, MST)]
    doubts: list[Doubt] = []
    for device in single:
        own = [segment for segment in segments if device in _devices(segment)]
        if device.stp.mode == IEEE:
            doubts += _ieee(device, own)
        elif _is_everybodys_root(network, device, own):
            segments = tuple(s._replace(vlans=s.vlans | s.data) if s in own and not s.down else s for s in segments)
        else:
            doubts += _mst(device, own)
    return segments, tuple(doubts)


def _devices(segment: Segment) -> tuple[Device, Device]:
    return segment.a.device, segment.b.device


def _ieee(device: Device, own: Sequence[Segment]) -> Iterable[Doubt]:
    control = frozenset().union(*(segment.vlans for segment in own))
    if len(control) > 1:
        yield Doubt(control, f"{device.name} joins the trees of VLANs {', '.join(map(str, sorted(control)))}")
    carried = [vlan for segment in own for vlan in segment.data - control]
    several = frozenset(vlan for vlan in carried if carried.count(vlan) > 1)
    if several:
        yield Doubt(several, f"{device.name} has one tree for all VLANs, and several cables carry these")


def _mst(device: Device, own: Sequence[Segment]) -> Iterable[Doubt]:
    others = frozenset().union(*(segment.data for segment in own)) - {CST_VLAN}
    if any(other.stp.mode == MST and other is not device for segment in own for other in _devices(segment)):
        yield Doubt(others | {CST_VLAN}, f"{device.name} is in an MST region of several bridges")
    elif others:
        reason = f"{device.name} runs MST and is not the best bridge of every VLAN: its boundary may be inconsistent"
        yield Doubt(others | {CST_VLAN}, reason)


def _is_everybodys_root(network: Network, device: Device, own: Sequence[Segment]) -> bool:
    """Whether its instance 0 is better than every PVST+ bridge in every VLAN of its cables, and than other MST ones."""
    mac = bridge_mac(device)
    vlans = frozenset().union(*(segment.data for segment in own)) | {CST_VLAN}
    priority = device.stp.priorities.get(0, 32768)
    others = [other for other in network.devices.values() if other is not device]
    if mac is None or any(other.stp.mode in (MST, IEEE) for other in others):
        return False
    return all(
        priority < of(vlan)
        for other, of in ((other, bridge_priorities(other)) for other in others)
        for vlan in vlans & trees(other)
    )
