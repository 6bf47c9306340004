"""Which packets of a class a change concerns, by what was looked at of them before.

Must not know: how packets are checked.
"""

from __future__ import annotations

from collections.abc import Iterable

from clos.controller.verify.dataplane.priority_level import atom_of
from clos.controller.verify.headerspace.header_space import ETH_DST, IP_DST, VID
from clos.controller.verify.proof.sender_class import Pair, RuleChange, SenderClass
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.controller.verify.spec.intent_delta import IntentDelta

Scope = dict[tuple[int, int, int], int]
"""Atoms by table, number of looks and slot."""


def recheck_scope(
    sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair, reasons: Iterable[RuleChange | IntentDelta]
) -> Scope | None:
    """The packets that the reasons concern; None when that cannot be told."""
    parts: Scope = {}
    for reason in reasons:
        some = (
            _rules(sender_class, pair, reason)
            if isinstance(reason, RuleChange)
            else _profiles(sender_classes, sender_class, pair, reason)
        )
        if some is None:
            return None
        for key, atoms in some.items():
            parts[key] = parts.get(key, 0) | atoms
    return parts


def _rules(sender_class: SenderClass, pair: Pair, reason: RuleChange) -> Scope | None:
    """The atoms of packets that changed rules concern, by table, looks and slot."""
    found: Scope = {}
    for key, table_visit in sender_class.visits[pair].items():
        if table_visit.cell is reason.cell:
            levels = [level for level in table_visit.cell.candidates.levels if level.key_field is not None]
            slot = max(levels, key=lambda level: len(level.rules)).key_field if levels else None
            atoms = [atom_of(one, slot) for one in reason.changed]
            if slot is None or slot == VID or table_visit.state.frame.rewrites or not all(atoms):
                return None
            for atom in atoms:
                found[*key, slot] = found.get((*key, slot), 0) | atom
    return found or None


def _profiles(sender_classes: SenderClasses, sender_class: SenderClass, pair: Pair, delta: IntentDelta) -> Scope | None:
    """The atoms of packets that changed requirements concern, by table, looks and slot."""
    profile = pair[0]
    if delta.everything or profile is None or pair[1] != profile:
        return None
    routers = {each.router(profile) for each in sender_classes.expectations}
    many = sender_classes.now.many if any(each.broadcasts(profile) for each in sender_classes.expectations) else 0
    found: Scope = {}
    routed = False
    for key, table_visit in sender_class.visits[pair].items():
        if profile.kind != "ip":
            found[*key, IP_DST] = delta.ips
        elif table_visit.state.box[ETH_DST] in routers:
            found[*key, IP_DST] = delta.ips
            routed = True
        else:
            found[*key, ETH_DST] = delta.macs | many
    return found if routed or profile.kind != "ip" else None
