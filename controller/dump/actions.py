"""Actions that every form of dump names alike, but for upper case: with one number as argument, or with none.

Lives here: their names and widths. Must not know: how a form writes an argument, or fields and ports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clos.controller.dump.words import number
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.action import Action


def _numbered(make: Callable[[int], Action], bits: int) -> Callable[[str], Action]:
    return lambda inside: make(number(inside, bits, "argument"))


NUMBERED: Mapping[str, Callable[[str], Action]] = {
    "group": _numbered(act.Group, 32),
    "push_vlan": _numbered(act.PushVlan, 16),
    "push_mpls": _numbered(act.PushMpls, 16),
    "pop_mpls": _numbered(act.PopMpls, 16),
    "push_pbb": _numbered(act.PushPbb, 16),
    "set_mpls_ttl": _numbered(act.SetMplsTtl, 8),
    "set_nw_ttl": _numbered(act.SetNwTtl, 8),
    "set_queue": _numbered(act.SetQueue, 32),
}
"""By name what reads the argument (OpenFlow 1.3.5 §5.12). It raises Unread."""
PLAIN: Mapping[str, Action] = {
    str(action): action
    for action in (
        act.PopVlan(),
        act.PopPbb(),
        act.DecMplsTtl(),
        act.DecNwTtl(),
        act.CopyTtlOut(),
        act.CopyTtlIn(),
    )
}
"""Actions without an argument."""
