"""What dumps give: the state of each switch, and the line that every rule was read from.

Lives here: putting entries together, and what is wrong with them as a whole. Must not know: any dump's form.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from clos.controller.dump.calls import Calling, without_calls
from clos.controller.dump.conjunctions import expanded
from clos.controller.dump.foreign import Kind, Kinds, blinded, is_blind
from clos.controller.dump.ovs_flow import FlowRule
from clos.controller.dump.words import NotModelled
from clos.controller.intent.model import NOWHERE, Where
from clos.controller.intent.problem import Finding, Problem, conclude
from clos.fabric.dataplane.action import Action, Group
from clos.fabric.dataplane.match import Match
from clos.fabric.dataplane.rule import GroupEntry, Instructions, Meter, Rule
from clos.fabric.dataplane.ruleset import Block, SwitchState, state_of

Entry = Rule | GroupEntry | Meter
RuleKey = tuple[int, int, Match]


class Dump(NamedTuple):
    """``states`` by switch; ``places``: where each rule was read, by switch and rule key; ``ports``: those that are
    described, by switch and number; ``foreign``: what is not modelled."""

    states: Mapping[str, SwitchState]
    places: Mapping[tuple[str, RuleKey], Where]
    ports: Mapping[tuple[str, int], Where]
    foreign: tuple[Kind, ...] = ()

    def where(self, switch: str, rule: Rule) -> Where:
        """The place a rule was read from; NOWHERE for one that was not."""
        return self.places.get((switch, rule.key), NOWHERE)


class Gathering:
    """Entries and findings, as they are read. ``dpids``: datapath id of each switch that is known."""

    def __init__(self, dpids: Mapping[str, int]) -> None:
        self.dpids = dpids
        self._held: dict[str, dict[Hashable, tuple[Entry, Where]]] = {}
        self._findings: list[Finding] = []
        self._unread = 0
        self._ports: dict[tuple[str, int], Where] = {}
        self.kinds = Kinds()
        """What is not modelled."""
        self._then: dict[str, Calling] = {}
        self._clauses: dict[str, list[FlowRule]] = {}
        self._taken: dict[str, list[tuple[FlowRule, Where]]] = {}

    def described(self, switch: str, port: int, where: Where) -> None:
        """A port of a switch is described there."""
        self._ports.setdefault((switch, port), where)

    def opened(self, switch: str) -> None:
        """There is a dump of this switch, if only an empty one."""
        self._held.setdefault(switch, {})

    def add_flow(self, switch: str, flow: FlowRule, where: Where) -> None:
        """A flow of a switch, which may take more than a rule to say."""
        if flow.clauses:
            self.opened(switch)
            self._clauses.setdefault(switch, []).append(flow)
            return
        if flow.conj_id is not None:
            self.opened(switch)
            self._taken.setdefault(switch, []).append((flow, where))
            return
        if flow.then:
            self._then.setdefault(switch, {})[flow.rule.key] = flow.then
        self.add(switch, flow.rule, where, free=flow.called or bool(flow.then))

    def add(self, switch: str, entry: Entry, where: Where, *, free: bool = False) -> None:
        """An entry of a switch. One that is there already, from another dump of the switch, must be the same.

        ``free``: it may lead to earlier tables, too, as a call may.
        """
        goto = entry.instructions.goto if isinstance(entry, Rule) else None
        if isinstance(entry, Rule) and goto is not None and goto <= entry.table and not free:
            self.say(
                where, f"table {entry.table} leads to table {goto}: a switch takes only rules that lead to later ones"
            )
            return
        held = self._held.setdefault(switch, {})
        key = (type(entry), entry.key if isinstance(entry, Rule) else entry[0])
        before, place = held.setdefault(key, (entry, where))
        if before != entry and isinstance(entry, Rule) and isinstance(before, Rule):
            if is_blind(before):
                return
            if is_blind(entry):
                held[key] = entry, where
                return
        if before != entry:
            what = f"t{entry.table}#{entry.priority} {entry.match}" if isinstance(entry, Rule) else f"{entry}"
            self.say(where, f"{switch} has two of these that differ: {what}; the other is at {place}")

    def say(self, where: Where, message: object, path: str = "") -> None:
        """Something is wrong there. Of what Clos has no model of, one finding speaks for all of the kind."""
        if isinstance(message, NotModelled):
            self.kinds.end(message.what, where, path)
            self._unread += 1
        else:
            self._findings.append(Finding(where, (path,) if path else (), str(message)))

    def concluded(
        self, files: str, whole: bool = True, partial: bool = False
    ) -> tuple[Dump | None, tuple[Problem, ...]]:
        """The dump, or everything that is wrong with it. ``files``: what was read, for what has no line.

        ``whole``: all switches must be there, each with the groups it sends packets to. ``partial``: what is not
        modelled is no problem, but an end that packets may come to.
        """
        self._join()
        if partial:
            self._blind()
        if not partial or self._unread:
            for kind in self.kinds:
                (where, path), count = kind.places[0], len(kind.places)
                more = f" ({count:,} times, here first)" if count > 1 else ""
                self._findings.append(Finding(where, (path,) if path else (), f"{NotModelled(kind.what)}{more}"))
        if whole and not self._findings:
            for switch in sorted(self.dpids):
                for message in self._incomplete(switch):
                    self.say(Where(files, 1, 1), message)
        if self._findings:
            return None, conclude(self._findings)
        states, places = _split(self._held)
        return Dump(states, places, self._ports, tuple(self.kinds)), ()

    def _blind(self) -> None:
        """Put blind ends where the prover does not follow."""
        for held in self._held.values():
            for key, (entry, where) in list(held.items()):
                if not isinstance(entry, Rule):
                    continue
                made = blinded(entry, self.kinds, where)
                if made is not entry:
                    del held[key]
                    held[Rule, made.key] = made, where

    def _join(self) -> None:
        """Put together what flows say together: conjunctive matches, and tables that are called."""
        for switch, taken in self._taken.items():
            for flow, where in taken:
                try:
                    for one in list(expanded(flow, self._clauses.get(switch, []))):
                        self.add_flow(switch, one, where)
                except NotModelled as why:
                    end = self.kinds.end(why.what, where)
                    self.add(switch, flow.rule._replace(instructions=Instructions(apply=(end,))), where)
        for switch, calling in self._then.items():
            held = self._held.get(switch, {})
            rules = [entry for entry, _ in held.values() if isinstance(entry, Rule)]
            try:
                made = list(without_calls(rules, calling))
            except NotModelled as why:
                for rule in [rule for rule in rules if rule.key in calling]:
                    where = held[Rule, rule.key][1]
                    end = self.kinds.end(why.what, where)
                    held[Rule, rule.key] = rule._replace(instructions=Instructions(apply=(end,))), where
                continue
            before = dict(held)
            for rule in rules:
                del held[Rule, rule.key]
            for new, old in made:
                _, where = before.get((Rule, old.key), (old, NOWHERE))
                held[Rule, new.key] = new, where

    def _incomplete(self, switch: str) -> Iterator[str]:
        if switch not in self._held:
            yield f"no dump of {switch}: add it, even when the switch holds nothing (an empty file {switch}.flows)"
            return
        entries = [entry for entry, _ in self._held[switch].values()]
        there = {entry.group for entry in entries if isinstance(entry, GroupEntry)}
        for number in sorted(_groups_used(entries) - there):
            yield f"{switch} sends packets to group {number}, which no dump of it has: add its dump-groups (groupdesc)"


def _groups_used(entries: Iterable[Entry]) -> set[int]:
    return {action.group for entry in entries for action in _actions(entry) if isinstance(action, Group)}


def _actions(entry: Entry) -> Iterator[Action]:
    if isinstance(entry, Rule):
        yield from entry.instructions.apply
        yield from entry.instructions.write
    elif isinstance(entry, GroupEntry):
        for bucket in entry.buckets:
            yield from bucket.actions


def _split(
    held: Mapping[str, Mapping[Hashable, tuple[Entry, Where]]],
) -> tuple[dict[str, SwitchState], dict[tuple[str, RuleKey], Where]]:
    states, places = {}, {}
    for switch, found in held.items():
        rules = [(entry, where) for entry, where in found.values() if isinstance(entry, Rule)]
        groups = [entry for entry, _ in found.values() if isinstance(entry, GroupEntry)]
        meters = [entry for entry, _ in found.values() if isinstance(entry, Meter)]
        states[switch] = state_of((Block((rule for rule, _ in rules), groups, meters),))
        places.update({(switch, rule.key): where for rule, where in rules})
    return states, places
