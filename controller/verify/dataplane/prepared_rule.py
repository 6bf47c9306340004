"""Rules prepared for sets of packets, once however many switches hold them; packets somewhere in a pipeline.

Must not know: what rules do.
"""

from __future__ import annotations

from typing import NamedTuple

from clos.controller.verify.headerspace.header_space import (
    FIELD,
    LAYOUT,
    PCP,
    VID,
    Box,
    HeaderSpace,
    Limits,
    outside,
    within,
)
from clos.controller.verify.headerspace.transform import HeaderTransform, source, tag_at
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.fabric.dataplane.action import Group, Output
from clos.fabric.dataplane.rule import Rule

Registers = tuple[int, int, int]
"""The port, metadata and tunnel id: values, or masks."""


class PreparedRule:
    """A rule prepared: ``port`` None = any; metadata and tunnel id as (value, mask); ``vid`` and ``pcp``: sets for the
    outermost tag, None = any; ``limits``: sets for plain slots, the shape's first; ``atoms``: those of one atom, by
    slot (VID: the outermost tag). ``groups`` and ``outputs``: where its actions send, ports of every kind included.
    ``serial``: equal for rules that do the same to the same packets. ``kind`` and ``key``: which registers it looks at
    (the port?, metadata mask, tunnel mask), and their values.
    """

    __slots__ = (
        "__weakref__",
        "atoms",
        "groups",
        "key",
        "kind",
        "limits",
        "metadata",
        "outputs",
        "pcp",
        "port",
        "possible",
        "priority",
        "rule",
        "serial",
        "tunnel",
        "vid",
    )

    def __init__(self, rule: Rule, serial: int, found: _Preparing) -> None:
        self.rule, self.priority, self.serial = rule, rule.priority, serial
        self.port, self.metadata, self.tunnel = found.port, found.metadata, found.tunnel
        self.kind: Registers = (int(self.port is not None), self.metadata[1], self.tunnel[1])
        self.key: Registers = (self.port or 0, self.metadata[0], self.tunnel[0])
        self.vid, self.pcp = found.vid, found.pcp
        full = found.space.full
        self.limits = tuple(sorted([(slot, bits) for slot, bits in found.limits.items() if bits != full[slot]]))
        tag = ((VID, self.vid),) if self.vid else ()
        self.atoms = {slot: bits for slot, bits in (*self.limits, *tag) if bits & bits - 1 == 0}
        self.possible = found.possible and all(found.limits.values()) and self.vid != 0
        sends = [*rule.instructions.apply, *rule.instructions.write]
        self.groups = tuple([action.group for action in sends if type(action) is Group])
        self.outputs = tuple([action.port for action in sends if type(action) is Output])


class PipelineState(NamedTuple):
    """Packets somewhere in a pipeline: which (box, of the packets that came in), what they look like now, registers."""

    box: Box
    frame: HeaderTransform
    metadata: int = 0
    tunnel: int = 0
    write: tuple[object, ...] = ()


_FULL64 = (1 << 64) - 1


def prepare(rule: Rule, space: HeaderSpace, serial: int = 0) -> PreparedRule:
    """Raises Unmodelled, naming the field, for matches on what the prover cannot look at."""
    found = _Preparing(space)
    for name, value, mask in rule.match:
        found.term(name, value, mask)
    return PreparedRule(rule, serial, found)


class _Preparing:
    """A match on its way into limits."""

    def __init__(self, space: HeaderSpace) -> None:
        self.space = space
        self.limits: dict[int, int] = {}
        self.port: int | None = None
        self.metadata = self.tunnel = (0, 0)
        self.vid: int | None = None
        self.pcp: int | None = None
        self.possible = True

    def term(self, name: str, value: int, mask: int | None) -> None:
        if name in ("in_port", "in_phy_port"):
            self.possible &= value != 0 and self.port in (None, value)
            self.port = value
        elif name == "metadata":
            self.metadata = value, _FULL64 if mask is None else mask
        elif name == "tunnel_id":
            self.tunnel = value, _FULL64 if mask is None else mask
        elif name == "eth_type":
            self.cut(LAYOUT, self.space.shapes.eth_type(value))
        elif name == "ip_proto":
            self.cut(LAYOUT, self.space.shapes.proto(value))
        elif name == "vlan_vid":
            bits = self.space.vids(value, mask)
            self.vid = bits if self.vid is None else self.vid & bits
        elif name == "vlan_pcp":
            self.pcp = self.space.domain[PCP].of(value, mask)
            self.vid = self.space.tagged if self.vid is None else self.vid & self.space.tagged
        elif name in FIELD:
            slot, bits, shapes = self.space.limit(name, value, mask)
            self.cut(LAYOUT, shapes)
            self.cut(slot, bits)
        else:
            raise Unmodelled(f"a match on {name}")

    def cut(self, slot: int, bits: int) -> None:
        self.limits[slot] = self.limits.get(slot, self.space.full[slot]) & bits


def cut(space: HeaderSpace, prepared: PreparedRule, box: Box, frame: HeaderTransform) -> tuple[Box | None, list[Box]]:
    """The part of the box that the rule takes, and the rest."""
    limits = _pulled(space, prepared, frame)
    if limits is None:
        return None, [box]
    taken = within(box, limits)
    return taken, [box] if taken is None else list(outside(box, limits))


def _pulled(space: HeaderSpace, prepared: PreparedRule, frame: HeaderTransform) -> Limits | None:
    """The rule's limits as limits on the packet that came in; None when a changed field contradicts them."""
    if not frame.rewrites and prepared.vid is None:
        return prepared.limits
    found: list[tuple[int, int]] = []
    for slot, bits in prepared.limits:
        where = source(frame, slot)
        if where < 0:
            found.append((~where, bits))
        elif not space.domain[slot].atom(where) & bits:
            return None
    if prepared.vid is not None:
        tag = tag_at(frame, 0)
        for slot, bits_or_any, where in ((VID, prepared.vid, tag.vid), (PCP, prepared.pcp, tag.pcp)):
            if bits_or_any is None:
                continue
            if where < 0:
                found.append((~where, bits_or_any))
            elif not space.domain[slot].atom(where) & bits_or_any:
                return None
    return tuple(found)
