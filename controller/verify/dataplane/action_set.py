"""Action sets: what a packet carries along to be executed at the end of the pipeline. Must not know: packets, tables.

Source: OpenFlow 1.3.5 §5.10.
"""

from __future__ import annotations

from typing import Any

from clos.fabric.dataplane import action as act
from clos.fabric.packet.fields import FIELDS

_RANK: dict[type, int] = {
    act.CopyTtlIn: 1, act.PopVlan: 2, act.PopMpls: 2, act.PopPbb: 2, act.PushMpls: 3, act.PushPbb: 4, act.PushVlan: 5,
    act.CopyTtlOut: 6, act.DecNwTtl: 7, act.DecMplsTtl: 7, act.SetField: 8, act.Move: 8, act.SetNwTtl: 8,
    act.SetMplsTtl: 8, act.SetQueue: 9, act.Group: 10, act.Output: 11,
}  # fmt: skip
"""The order of an action set (§5.10)."""


def written(write: tuple[Any, ...], action: Any) -> tuple[Any, ...]:
    """An action set with one action more: it takes the place of one of its kind, of its field (§5.10)."""
    slot = _slot(action)
    for i, held in enumerate(write):
        if _slot(held) == slot:
            return (*write[:i], action, *write[i + 1 :])
    return (*write, action)


def _slot(action: Any) -> tuple[type, str]:
    if isinstance(action, act.SetField):
        return act.SetField, action.field
    return type(action), action.target if isinstance(action, act.Move) else ""


def in_order(write: tuple[Any, ...]) -> tuple[Any, ...]:
    """An action set in the order of §5.10; a group makes its output void; set-fields go by OXM number."""
    if len(write) < 2:
        return write
    ordered = sorted(write, key=lambda a: (_RANK[type(a)], FIELDS[a.field].number if type(a) is act.SetField else 0))
    if any(type(action) is act.Group for action in ordered):
        return tuple(action for action in ordered if type(action) is not act.Output)
    return tuple(ordered)
