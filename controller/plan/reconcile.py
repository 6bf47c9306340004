"""Bringing one switch, as it was read back, to what it should hold. Knows no sockets.

A switch that kept its rules while the controller was away gets an empty plan. Rules that no revision of
ours installed are *foreign*: reported, and left alone unless someone consents to their removal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clos.controller.plan.change import Plan
from clos.controller.plan.diff import diff
from clos.controller.plan.order import references
from clos.fabric.dataplane.action import Group
from clos.fabric.dataplane.rule import GroupEntry, Rule
from clos.fabric.dataplane.ruleset import Block, Placed, Ruleset, SwitchState

OWN_COOKIE, OWN_MASK = 0xC105 << 48, 0xFFFF << 48
"""Cookies of rules we install, under their mask."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """``plan`` brings the switch to the wanted state; ``foreign`` are the rules on it that are not ours.

    A foreign rule is in the plan only where we need its very place (table, priority and match), or with consent.
    """

    plan: Plan
    foreign: tuple[Rule, ...]


def diff_state(have: SwitchState, want: SwitchState, switch: str, *, consent: bool = False) -> Reconciliation:
    """What to send to ``switch``, which holds ``have``, so that it holds ``want``; nothing when they are equal.

    Groups and meters carry no cookie: those that foreign rules use are left alone like the rules, others are
    ours. The phases of what a switch holds are not known; on one switch the order of tables is enough.
    """
    ours, foreign = own(have, want, consent=consent)
    return Reconciliation(diff(_ruleset(switch, ours), _ruleset(switch, want)), foreign)


def own(have: SwitchState, want: SwitchState, *, consent: bool = False) -> tuple[SwitchState, tuple[Rule, ...]]:
    """What of ``have`` is ours to change on the way to ``want``, and the rules that are foreign."""
    foreign = tuple(rule for rule in have.rules if rule.cookie & OWN_MASK != OWN_COOKIE)
    if not foreign:
        return have, ()
    wanted = {rule.key for rule in want.rules}
    spared = () if consent else tuple(rule for rule in foreign if rule.key not in wanted)
    return _less(have, want, spared), foreign


def _ruleset(switch: str, state: SwitchState) -> Ruleset:
    return Ruleset((switch,), {"": {"": Placed(Block(*state), (switch,))}})


def _less(have: SwitchState, want: SwitchState, spared: tuple[Rule, ...]) -> SwitchState:
    """``have`` without the spared rules, and without the groups and meters that only they need."""
    rules = frozenset(spared)
    groups = _used(spared, have.groups) - {group.group for group in want.groups}
    meters = {rule.instructions.meter for rule in spared} - {meter.meter for meter in want.meters}
    return SwitchState(
        tuple(rule for rule in have.rules if rule not in rules),
        tuple(group for group in have.groups if group.group not in groups),
        tuple(meter for meter in have.meters if meter.meter not in meters),
    )


def _used(rules: Iterable[Rule], groups: Iterable[GroupEntry]) -> set[int]:
    """Numbers of the groups that rules send to, directly or through other groups."""
    entries = {group.group: group for group in groups}
    actions = (act for rule in rules for act in (*rule.instructions.apply, *rule.instructions.write))
    pending = {act.group for act in actions if isinstance(act, Group)}
    found: set[int] = set()
    while pending:
        number = pending.pop()
        found.add(number)
        if number in entries:
            pending |= references(entries[number]) - found
    return found
