"""Actions: what a rule does to a packet. Values only; their meaning is in fabric.dataplane.step.

Source: OpenFlow 1.3.5 §5.12 and §7.2.5; ``Move`` is Nicira's NXAST_REG_MOVE (experimenter 0x00002320, subtype 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from clos.fabric.packet.fields import FIELDS, ORDER, text

MAX_PORT = 0xFFFFFF00
IN_PORT, TABLE, NORMAL, FLOOD = 0xFFFFFFF8, 0xFFFFFFF9, 0xFFFFFFFA, 0xFFFFFFFB
ALL, CONTROLLER, LOCAL, ANY_PORT = 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF
ANY_GROUP, ALL_GROUPS = 0xFFFFFFFF, 0xFFFFFFFC
NO_BUFFER = 0xFFFFFFFF
MAX_LEN_WHOLE = 0xFFFF
"""``max_len`` of an output to CONTROLLER that asks for the whole packet (OFPCML_NO_BUFFER)."""

PORT_NAMES = {
    IN_PORT: "IN_PORT", TABLE: "TABLE", NORMAL: "NORMAL", FLOOD: "FLOOD",
    ALL: "ALL", CONTROLLER: "CONTROLLER", LOCAL: "LOCAL", ANY_PORT: "ANY",
}  # fmt: skip


def port_text(port: int) -> str:
    return PORT_NAMES.get(port, str(port))


@dataclass(frozen=True, slots=True)
class Output:
    """Send to a port (a number or a reserved one). ``max_len`` counts bytes, for CONTROLLER only."""

    port: int
    max_len: int = MAX_LEN_WHOLE

    def __str__(self) -> str:
        return f"output:{port_text(self.port)}"


@dataclass(frozen=True, slots=True)
class Group:
    """Process through the group entry."""

    group: int

    def __str__(self) -> str:
        return f"group:{self.group}"


@dataclass(frozen=True, slots=True)
class SetField:
    """Set the field to the value; ``vlan_vid`` values carry the present bit (OpenFlow 1.3.5 §7.2.5)."""

    field: str
    value: int

    def __str__(self) -> str:
        return f"set_field:{text(self.field, self.value)}->{self.field}"


@dataclass(frozen=True, slots=True)
class Move:
    """Copy a whole field into another of the same width (NXAST_REG_MOVE, offsets 0)."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"move:{self.source}->{self.target}"


@dataclass(frozen=True, slots=True)
class PushVlan:
    ethertype: int = 0x8100

    def __str__(self) -> str:
        return f"push_vlan:{self.ethertype:#06x}"


@dataclass(frozen=True, slots=True)
class PopVlan:
    def __str__(self) -> str:
        return "pop_vlan"


@dataclass(frozen=True, slots=True)
class PushMpls:
    ethertype: int = 0x8847

    def __str__(self) -> str:
        return f"push_mpls:{self.ethertype:#06x}"


@dataclass(frozen=True, slots=True)
class PopMpls:
    ethertype: int

    def __str__(self) -> str:
        return f"pop_mpls:{self.ethertype:#06x}"


@dataclass(frozen=True, slots=True)
class PushPbb:
    ethertype: int = 0x88E7

    def __str__(self) -> str:
        return f"push_pbb:{self.ethertype:#06x}"


@dataclass(frozen=True, slots=True)
class PopPbb:
    def __str__(self) -> str:
        return "pop_pbb"


@dataclass(frozen=True, slots=True)
class SetMplsTtl:
    ttl: int

    def __str__(self) -> str:
        return f"set_mpls_ttl:{self.ttl}"


@dataclass(frozen=True, slots=True)
class DecMplsTtl:
    def __str__(self) -> str:
        return "dec_mpls_ttl"


@dataclass(frozen=True, slots=True)
class SetNwTtl:
    ttl: int

    def __str__(self) -> str:
        return f"set_nw_ttl:{self.ttl}"


@dataclass(frozen=True, slots=True)
class DecNwTtl:
    def __str__(self) -> str:
        return "dec_nw_ttl"


@dataclass(frozen=True, slots=True)
class CopyTtlOut:
    def __str__(self) -> str:
        return "copy_ttl_out"


@dataclass(frozen=True, slots=True)
class CopyTtlIn:
    def __str__(self) -> str:
        return "copy_ttl_in"


@dataclass(frozen=True, slots=True)
class SetQueue:
    queue: int

    def __str__(self) -> str:
        return f"set_queue:{self.queue}"


Action = (
    Output | Group | SetField | Move | PushVlan | PopVlan | PushMpls | PopMpls | PushPbb | PopPbb
    | SetMplsTtl | DecMplsTtl | SetNwTtl | DecNwTtl | CopyTtlOut | CopyTtlIn | SetQueue
)  # fmt: skip

_SET_ORDER: dict[type, int] = {
    CopyTtlIn: 1, PopVlan: 2, PopMpls: 2, PopPbb: 2, PushMpls: 3, PushPbb: 4, PushVlan: 5,
    CopyTtlOut: 6, DecNwTtl: 7, DecMplsTtl: 7, SetField: 8, SetNwTtl: 8, SetMplsTtl: 8, Move: 8,
    SetQueue: 9, Group: 10, Output: 11,
}  # fmt: skip


def set_order(action: Action) -> int:
    """The rank in which an action set performs this action (OpenFlow 1.3.5 §5.10)."""
    return _SET_ORDER[type(action)]


def set_slot(action: Action) -> tuple[object, ...]:
    """What the action displaces in an action set: one of each type, one set-field per field (§5.10)."""
    if isinstance(action, SetField):
        return (SetField, action.field)
    if isinstance(action, Move):
        return (Move, action.target)
    if isinstance(action, PopMpls | PopVlan | PopPbb):
        return (type(action),)
    return (type(action),)


def set_field_order(name: str) -> int:
    """Set-fields of one action set are performed in OXM order, so runs are reproducible."""
    return ORDER[FIELDS[name].name]
