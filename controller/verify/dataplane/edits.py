"""Edits of switches, and which of them need a proof to start over.

Lives here: which parts of a packet matter once it is on a link. What becomes of packets there is worked out for these
parts alone, so that rules which come to look at others cannot be taken in. Must not know: what becomes of packets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.verify.dataplane.header_actions import touches
from clos.controller.verify.dataplane.prepared_rule import PreparedRule
from clos.controller.verify.dataplane.symbolic_switch import SymbolicSwitch
from clos.controller.verify.headerspace.header_layouts import ANY_LAYER
from clos.controller.verify.headerspace.header_space import FIELD, LAYOUT, TAG_SLOTS
from clos.fabric.dataplane import action as act
from clos.fabric.dataplane.rule import GroupEntry, Rule


class SwitchEdit(NamedTuple):
    """What is to change on a switch: rules that go (by table, priority and match) and come, groups (None: gone)."""

    gone: tuple[Rule, ...] = ()
    come: tuple[Rule, ...] = ()
    groups: Mapping[int, GroupEntry | None] = {}


class FreshProofNeeded(Exception):
    """An edit that needs packets told apart in ways that cannot be had without starting over."""


class LinkSlots:
    """The slots that decide what becomes of a packet once it is on a link. ``links``: by switch, the ports that lead to
    others."""

    def __init__(self, models: Mapping[str, SymbolicSwitch], links: Mapping[str, set[int]]) -> None:
        self._links = links
        self._reached: dict[str, set[int]] = {}
        slots: set[int] = set()
        for name, model in models.items():
            slots |= self._of_rules(name, model)
            slots |= _slots_of_groups(model.groups.entries.values())
        self.live: tuple[int, ...] = tuple(sorted(slots))

    def _of_rules(self, name: str, model: SymbolicSwitch) -> set[int]:
        """The slots that a switch's rules look at for packets that come in by links."""
        found: set[int] = set()
        waiting, reached = [0], {0}
        while waiting:
            for prepared in model.table(waiting.pop()).rules():
                if not self._on_link(name, prepared):
                    continue
                found |= _slots(prepared.rule)
                goto = prepared.rule.instructions.goto
                if goto is not None and goto not in reached:
                    reached.add(goto)
                    waiting.append(goto)
        self._reached[name] = reached
        return found

    def _on_link(self, name: str, prepared: PreparedRule) -> bool:
        return prepared.port is None or prepared.port in self._links[name]

    def check(self, name: str, come: list[PreparedRule], groups: Mapping[int, GroupEntry | None]) -> None:
        """FreshProofNeeded when rules and groups look, for packets on links, at slots that did not matter before."""
        found = _slots_of_groups(entry for entry in groups.values() if entry is not None)
        for prepared in come:
            if prepared.rule.table in self._reached[name] and self._on_link(name, prepared):
                found |= _slots(prepared.rule)
                if prepared.rule.instructions.goto not in (None, *self._reached[name]):
                    raise FreshProofNeeded
        if not found <= set(self.live):
            raise FreshProofNeeded


def _slots(rule: Rule) -> set[int]:
    """The slots that a rule looks at."""
    found: set[int] = set()
    for name, _, _ in rule.match:
        if name in FIELD:
            found.update((FIELD[name].slot,) if FIELD[name].layer == ANY_LAYER else (LAYOUT, FIELD[name].slot))
        elif name in ("eth_type", "ip_proto"):
            found.add(LAYOUT)
        elif name.startswith("vlan_"):
            found.update(TAG_SLOTS)
    return found | set(_touched((*rule.instructions.apply, *rule.instructions.write)))


def _slots_of_groups(groups: Iterable[GroupEntry]) -> set[int]:
    return set(_touched(action for entry in groups for bucket in entry.buckets for action in bucket.actions))


def _touched(actions: Iterable[object]) -> Iterator[int]:
    for action in actions:
        if not isinstance(action, act.Output | act.Group):
            yield from touches(action)
