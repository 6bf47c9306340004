"""A proof in the making: a fabric, an intent, what was found out, and what is to be looked at again.

Must not know: how a proof starts over, processes.
"""

from __future__ import annotations

from collections.abc import Mapping

from clos.controller.intent.model import Intent
from clos.controller.verify.dataplane.edits import FreshProofNeeded, SwitchEdit
from clos.controller.verify.dataplane.memo import Dependent
from clos.controller.verify.dataplane.reachability import SymbolicFabric
from clos.controller.verify.proof.class_check import check, recheck
from clos.controller.verify.proof.compare import OutcomeComparison
from clos.controller.verify.proof.counterexamples import counterexample
from clos.controller.verify.proof.dead_entries import DeadEntries
from clos.controller.verify.proof.ingress_port import Hairpin, IngressPort, PortReading
from clos.controller.verify.proof.report import SHOWN, Findings
from clos.controller.verify.proof.rule_effects import GroupBehaviour, RuleEffect
from clos.controller.verify.proof.sender_class import Pair, RuleChange, SenderClass
from clos.controller.verify.proof.sender_classes import SenderClasses
from clos.controller.verify.proof.violations import Violations
from clos.controller.verify.spec.intent_delta import IntentDelta, detours, intent_deltas, merge
from clos.controller.verify.spec.intent_terms import route_terms, share_terms, tenant_terms
from clos.controller.verify.spec.specification import Specification
from clos.fabric.topology import PortRef


class ProofState:
    """A fabric, an intent, and all that was found out."""

    def __init__(self, fabric: SymbolicFabric, intent: Intent, before: Intent | None) -> None:
        self.fabric, self.space, self.topology = fabric, fabric.space, fabric.topology
        hosts = self.topology.host_at
        cut_off = frozenset(h.name for h in self.topology.hosts.values() if set(h.ports) <= fabric.down)
        self.judge = OutcomeComparison(self.space, hosts, cut_off)
        self.sender_classes = SenderClasses(fabric, self.judge)
        old = None if before is None else Specification(before, self.topology, self.space)
        self.sender_classes.now, self.sender_classes.old = Specification(intent, self.topology, self.space, old), old
        if old is not None:
            self.sender_classes.loose = intent_deltas(old, self.sender_classes.now)
        self.ingresses = {at: IngressPort(at, self.sender_classes) for at in sorted(hosts) if at not in fabric.down}
        self.by_host: dict[str, list[IngressPort]] = {}
        for at, ingress in self.ingresses.items():
            self.by_host.setdefault(hosts[at], []).append(ingress)
        self._todo: dict[IngressPort, None] = dict.fromkeys(self.ingresses.values())
        self._sender_classes: dict[tuple[SenderClass, Pair], list[RuleChange | IntentDelta] | None] = {}
        self._specials: dict[Hairpin, None] = {}
        self.violations = Violations(self.ingresses, self.sender_classes)
        self._sets = 0
        self.dead = DeadEntries(fabric, self.judge, self.sender_classes, self.ingresses.values())

    # -- changes -----------------------------------------------------------------------------------------------------

    def edit(self, edits: Mapping[str, SwitchEdit]) -> None:
        """Edit switches; what that can touch is to be looked at again."""
        before = {name: self.fabric.models[name].layout.signature() for name in edits}
        self._again(self.fabric.edit(edits))
        for name, edit in edits.items():
            self.sender_classes.effects.edited(name)
            ports = {v for rule in (*edit.gone, *edit.come) for field, v, _ in rule.match if field == "in_port"}
            for at in (PortRef(name, port) for port in ports):
                if at in self.ingresses:
                    self._todo[self.ingresses[at]] = None
        for name, layout in before.items():
            if self.fabric.models[name].layout.signature() != layout:
                self._todo.update((each, None) for at, each in self.ingresses.items() if at.switch == name)

    def _again(self, touches: list[Dependent]) -> None:
        waiting = list(touches)
        while waiting:
            reader, cell, changed = waiting.pop()
            if isinstance(reader, PortReading):
                if reader.ingress.reader is reader:
                    self._todo[reader.ingress] = None
            elif isinstance(reader, Hairpin):
                self._specials[reader] = None
            elif isinstance(reader, SenderClass):
                reason = None if cell is None or changed is None else RuleChange(cell, changed)
                for pair in reader.members:
                    self._check_again(reader, pair, reason)
            elif isinstance(reader, GroupBehaviour):
                waiting += map(Dependent, self.sender_classes.effects.drop_behaviour(reader))
            elif isinstance(reader, RuleEffect):
                waiting += map(Dependent, self.sender_classes.effects.forget(reader))

    def _check_again(
        self, sender_class: SenderClass, pair: Pair, reason: RuleChange | IntentDelta | None = None
    ) -> None:
        """A crowd is to be looked at again: for this reason only, or (None) all of it."""
        key = sender_class, pair
        if reason is None or pair not in sender_class.visits or key in self.violations.of_classes:
            self._sender_classes[key] = None
        else:
            reasons = self._sender_classes.setdefault(key, [])
            if reasons is not None:
                reasons.append(reason)

    def turn(self, intent: Intent, before: Intent | None) -> None:
        """Another intent holds from now on, or (``before``) either does. StartOver when the space cannot tell it."""
        sender_classes = self.sender_classes
        if intent is sender_classes.now.intent and before is (
            sender_classes.old.intent if sender_classes.old else None
        ):
            return
        last = [each for each in (sender_classes.now, sender_classes.old) if each is not None]
        self._grow([each for each in (intent, before) if each is not None], [each.intent for each in last])
        now = next((each for each in last if each.intent is intent), None)
        now = now or Specification(intent, self.topology, self.space, sender_classes.now)
        old = None
        if before is not None:
            old = next((each for each in last if each.intent is before), None)
            old = old or Specification(before, self.topology, self.space, now)
        delta: dict[str, IntentDelta] = {}
        for some in (sender_classes.now, sender_classes.old):
            if some is not None:
                merge(delta, intent_deltas(some, now))
        sender_classes.now, sender_classes.old = now, old
        sender_classes.checks.spared.clear()
        sender_classes.loose = {} if old is None else intent_deltas(old, now)
        merge(delta, sender_classes.loose)
        for name, each in delta.items():
            self._mark_changed(name, each)

    def _grow(self, wanted: list[Intent], known: list[Intent]) -> None:
        for intent in wanted:
            for name, tenant in intent.tenants.items():
                if all(each.tenants.get(name) is not tenant for each in known):
                    old = next((each.tenants[name] for each in known if name in each.tenants), None)
                    if not self.space.grow(tenant_terms(tenant, old)):
                        raise FreshProofNeeded
            if not self.space.grow(share_terms(intent) | route_terms(intent)):
                raise FreshProofNeeded

    def _mark_changed(self, name: str, delta: IntentDelta) -> None:
        """What a tenant wants has changed: look again at what that concerns."""
        self.sender_classes.checks.invalidate(name, delta)
        for sender_class, pair in self.sender_classes.of(name):
            self._check_again(sender_class, pair, delta)
        hosts = set(delta.hosts)
        for expectation in (self.sender_classes.now, self.sender_classes.old):
            tenant = expectation.intent.tenants.get(name) if expectation is not None else None
            if tenant is None:
                continue
            if delta.everything or any(network.broadcast for network in tenant.networks.values()):
                hosts |= {endpoint.host for endpoint in tenant.endpoints.values()}
        for host in hosts:
            self._todo.update((each, None) for each in self.by_host.get(host, ()))

    # -- work ----------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Look at all that is to be looked at again."""
        while self._todo or self._sender_classes or self._specials:
            self.enter()
            self._check_classes()
            specials, self._specials = self._specials, {}
            for special in specials:
                special.look()
            for ingress in dict.fromkeys(special.ingress for special in specials):
                self.violations.note(ingress)
        self.dead.drop_in_time()

    def enter(self) -> None:
        """Look at ports: who may send what, and where that leads."""
        todo, self._todo = self._todo, {}
        for ingress in todo:
            self._sets -= ingress.sets
            before = ingress.leave()
            for sender_class, pair in dict.fromkeys([*before, *ingress.look()]):
                if pair not in sender_class.visits or (sender_class, pair) in self.violations.of_classes:
                    self._check_again(sender_class, pair)
            self._sets += ingress.sets
            self._specials.update((special, None) for special in ingress.specials)
            self.violations.note(ingress)

    def _check_classes(self) -> None:
        sender_classes, self._sender_classes = self._sender_classes, {}
        for (sender_class, pair), reasons in sender_classes.items():
            mismatches = None
            if pair in sender_class.members:
                mismatches = None if reasons is None else recheck(self.sender_classes, sender_class, pair, reasons)
                mismatches = check(self.sender_classes, sender_class, pair) if mismatches is None else mismatches
            self.violations.settle(sender_class, pair, mismatches or [])

    def only(self, part: int, of: int) -> None:
        """Of all there is to look at at first, look at one part only: some tenants' crowds, and the ports of their
        hosts. A port is the business of the part that has the first of its host's tenants."""
        names = dict.fromkeys(name for each in self.sender_classes.expectations for name in each.intent.tenants)
        mine = {name for i, name in enumerate(names) if i % of == part}
        own = {ingress for at, ingress in self.ingresses.items() if self._owner(at) in mine}
        own |= {ingress for at, ingress in self.ingresses.items() if part == 0 and self._owner(at) is None}
        self._todo = {each: None for at, each in self.ingresses.items() if each in own or mine & self._tenants(at)}
        self.enter()
        for ingress in self.ingresses.values():
            if ingress not in own:
                self._sets -= ingress.sets
                self.violations.leave_out(ingress)
                ingress.sets, ingress.faults, ingress.specials = 0, [], []
        self._specials = {special: None for special in self._specials if special.ingress in own}
        self._sender_classes = {key: why for key, why in self._sender_classes.items() if _tenant(key[1]) in mine}

    def _tenants(self, at: PortRef) -> set[str]:
        """Whose endpoints a port's host has."""
        return {name for each in self.sender_classes.expectations for name in each.tenants_at(self.fabric.hosts[at])}

    def _owner(self, at: PortRef) -> str | None:
        return min(self._tenants(at), default=None)

    def findings(self) -> Findings:
        """What was found out, once there is no more work."""
        judged, wanted = self.sender_classes.checks.counted()
        shown = [counterexample(self.fabric, self.judge, violation) for violation in self.violations.shown(SHOWN)]
        waypoints = any(detours(each.intent) for each in self.sender_classes.expectations)
        sets = judged + self._sets
        return Findings(len(self.ingresses), sets, wanted, self.violations.count(), tuple(shown), waypoints)


def _tenant(pair: Pair) -> str:
    """Whose packets a pair speaks of."""
    return next((profile.tenant for profile in pair if profile is not None), "")
