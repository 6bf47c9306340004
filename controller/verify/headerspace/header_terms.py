"""The values of header fields that rules match or set: what header space must tell apart. Must not know: intents."""

from __future__ import annotations

from collections.abc import Iterable

from clos.controller.verify.headerspace.header_space import FIELD, Term
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.ruleset import SwitchState


def terms_of_rules(rules: Iterable[Rule]) -> set[Term]:
    """Every value that rules look for or set."""
    found: set[Term] = set()
    for rule in rules:
        found.update([term for term in rule.match if term[0] not in _REGISTERS])
        found |= _set_by((*rule.instructions.apply, *rule.instructions.write))
    return found


def terms_of_groups(groups: Iterable[GroupEntry]) -> set[Term]:
    """Every value that groups set."""
    return _set_by(action for entry in groups for bucket in entry.buckets for action in bucket.actions)


def terms_of(states: Iterable[SwitchState]) -> set[Term]:
    """Every value that rules look for or set: what header space must tell apart."""
    rules: dict[int, Rule] = {}
    found: set[Term] = set()
    for state in states:
        rules.update(zip(map(id, state.rules), state.rules, strict=True))
        found |= terms_of_groups(state.groups)
    return found | terms_of_rules(rules.values())


_REGISTERS = ("in_port", "in_phy_port", "metadata", "tunnel_id")


def _set_by(actions: Iterable[object]) -> set[Term]:
    return {(a.field, a.value, None) for a in actions if type(a) is act.SetField and _known(a)}


def _known(action: act.SetField) -> bool:
    return action.field in FIELD or action.field in ("vlan_vid", "vlan_pcp")
