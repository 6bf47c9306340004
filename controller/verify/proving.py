"""A proof in the making: a fabric, an intent, what was found out, and what is to be looked at again.

Must not know: how a proof starts over, processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.intent.model import Intent
from controller.verify.check import check, glance
from controller.verify.claims import CLAIMS, Counterexample
from controller.verify.crowd import Crowd, Crowds, Job, Pair, Rules, Worth
from controller.verify.entrance import Entrance, Fault, Special
from controller.verify.expect import Expectation
from controller.verify.findings import SHOWN, Findings
from controller.verify.judge import Judge, Unmet
from controller.verify.reach import Edit, Fabric, StartOver
from controller.verify.switch import Touch
from controller.verify.tell import told
from controller.verify.terms import share_terms, tenant_terms
from controller.verify.turn import Dirty, detours, differences, merge
from fabric.topology import PortRef

ENOUGH = 40
"""Faults of a claim that are looked for sender by sender; more are only counted."""


class Proving:
    """A fabric, an intent, and all that was found out."""

    def __init__(self, fabric: Fabric, intent: Intent, before: Intent | None) -> None:
        self.fabric, self.space, self.topology = fabric, fabric.space, fabric.topology
        hosts = self.topology.host_at
        cut_off = frozenset(h.name for h in self.topology.hosts.values() if set(h.ports) <= fabric.down)
        self.judge = Judge(self.space, hosts, cut_off)
        self.crowds = Crowds(fabric, self.judge)
        old = None if before is None else Expectation(before, self.topology, self.space)
        self.crowds.now, self.crowds.old = Expectation(intent, self.topology, self.space, old), old
        if old is not None:
            self.crowds.loose = differences(old, self.crowds.now)
        self.entrances = {at: Entrance(at, self.crowds) for at in sorted(hosts) if at not in fabric.down}
        self.by_host: dict[str, list[Entrance]] = {}
        for at, entrance in self.entrances.items():
            self.by_host.setdefault(hosts[at], []).append(entrance)
        self._todo: dict[Entrance, None] = dict.fromkeys(self.entrances.values())
        self._crowds: dict[tuple[Crowd, Pair], list[Rules | Dirty] | None] = {}
        self._specials: dict[Special, None] = {}
        self._unmet: dict[tuple[Crowd, Pair], tuple[list[Fault], int]] = {}
        self._faulty: dict[Entrance, None] = {}
        self._sets = 0

    # -- changes -----------------------------------------------------------------------------------------------------

    def edit(self, edits: Mapping[str, Edit]) -> None:
        """Edit switches; what that can touch is to be looked at again."""
        before = {name: self.fabric.models[name].layout() for name in edits}
        self._again(self.fabric.edit(edits))
        for name, edit in edits.items():
            self.crowds.edited(name)
            ports = {v for rule in (*edit.gone, *edit.come) for field, v, _ in rule.match if field == "in_port"}
            for at in (PortRef(name, port) for port in ports):
                if at in self.entrances:
                    self._todo[self.entrances[at]] = None
        for name, layout in before.items():
            if self.fabric.models[name].layout() != layout:
                self._todo.update((each, None) for at, each in self.entrances.items() if at.switch == name)

    def _again(self, touches: list[Touch]) -> None:
        waiting = list(touches)
        while waiting:
            reader, cell, changed = waiting.pop()
            if isinstance(reader, Entrance):
                self._todo[reader] = None
            elif isinstance(reader, Special):
                self._specials[reader] = None
            elif isinstance(reader, Crowd):
                reason = None if cell is None or changed is None else Rules(cell, changed)
                for pair in reader.members:
                    self._check_again(reader, pair, reason)
            elif isinstance(reader, Worth):
                waiting += map(Touch, self.crowds.drop_worth(reader))
            elif isinstance(reader, Job):
                waiting += map(Touch, self.crowds.forget(reader))

    def _check_again(self, crowd: Crowd, pair: Pair, reason: Rules | Dirty | None = None) -> None:
        """A crowd is to be looked at again: for this reason only, or (None) all of it."""
        key = crowd, pair
        if reason is None or pair not in crowd.stands or key in self._unmet:
            self._crowds[key] = None
        else:
            reasons = self._crowds.setdefault(key, [])
            if reasons is not None:
                reasons.append(reason)

    def turn(self, intent: Intent, before: Intent | None) -> None:
        """Another intent holds from now on, or (``before``) either does. StartOver when the space cannot tell it."""
        crowds = self.crowds
        if intent is crowds.now.intent and before is (crowds.old.intent if crowds.old else None):
            return
        last = [each for each in (crowds.now, crowds.old) if each is not None]
        self._grow([each for each in (intent, before) if each is not None], [each.intent for each in last])
        now = next((each for each in last if each.intent is intent), None)
        now = now or Expectation(intent, self.topology, self.space, crowds.now)
        old = None
        if before is not None:
            old = next((each for each in last if each.intent is before), None)
            old = old or Expectation(before, self.topology, self.space, now)
        dirty: dict[str, Dirty] = {}
        for some in (crowds.now, crowds.old):
            if some is not None:
                merge(dirty, differences(some, now))
        crowds.now, crowds.old = now, old
        crowds.spared.clear()
        crowds.loose = {} if old is None else differences(old, now)
        merge(dirty, crowds.loose)
        for name, each in dirty.items():
            self._stir(name, each)

    def _grow(self, wanted: list[Intent], known: list[Intent]) -> None:
        for intent in wanted:
            for name, tenant in intent.tenants.items():
                if all(each.tenants.get(name) is not tenant for each in known):
                    old = next((each.tenants[name] for each in known if name in each.tenants), None)
                    if not self.space.grow(tenant_terms(tenant, old)):
                        raise StartOver
            if not self.space.grow(share_terms(intent)):
                raise StartOver

    def _stir(self, name: str, dirty: Dirty) -> None:
        """What a tenant wants has changed: look again at what that concerns."""
        self.crowds.loosen(name, dirty)
        for crowd, pair in self.crowds.of(name):
            self._check_again(crowd, pair, dirty)
        hosts = set(dirty.hosts)
        for expectation in (self.crowds.now, self.crowds.old):
            tenant = expectation.intent.tenants.get(name) if expectation is not None else None
            if tenant is None:
                continue
            if dirty.everything or any(network.broadcast for network in tenant.networks.values()):
                hosts |= {endpoint.host for endpoint in tenant.endpoints.values()}
        for host in hosts:
            self._todo.update((each, None) for each in self.by_host.get(host, ()))

    # -- work ----------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Look at all that is to be looked at again."""
        while self._todo or self._crowds or self._specials:
            self.enter()
            self._check_crowds()
            specials, self._specials = self._specials, {}
            for special in specials:
                special.look()
                self._note(special.entrance)

    def enter(self) -> None:
        """Look at ports: who may send what, and where that leads."""
        todo, self._todo = self._todo, {}
        for entrance in todo:
            self._sets -= entrance.sets
            before = entrance.leave()
            for crowd, pair in dict.fromkeys([*before, *entrance.look()]):
                if pair not in crowd.stands or (crowd, pair) in self._unmet:
                    self._check_again(crowd, pair)
            self._sets += entrance.sets
            self._specials.update((special, None) for special in entrance.specials)
            self._note(entrance)

    def _check_crowds(self) -> None:
        crowds, self._crowds = self._crowds, {}
        for (crowd, pair), reasons in crowds.items():
            unmet = None
            if pair in crowd.members:
                unmet = None if reasons is None else glance(self.crowds, crowd, pair, reasons)
                unmet = check(self.crowds, crowd, pair) if unmet is None else unmet
            self._unmet.pop((crowd, pair), None)
            if unmet:
                self._look_closely(crowd, pair, unmet)

    def only(self, part: int, of: int) -> None:
        """Of all there is to look at at first, look at one part only: some tenants' crowds, and the ports of their
        hosts. A port is the business of the part that has the first of its host's tenants."""
        names = dict.fromkeys(name for each in self.crowds.expectations for name in each.intent.tenants)
        mine = {name for i, name in enumerate(names) if i % of == part}
        own = {entrance for at, entrance in self.entrances.items() if self._owner(at) in mine}
        own |= {entrance for at, entrance in self.entrances.items() if part == 0 and self._owner(at) is None}
        self._todo = {each: None for at, each in self.entrances.items() if each in own or mine & self._tenants(at)}
        self.enter()
        for entrance in self.entrances.values():
            if entrance not in own:
                self._sets -= entrance.sets
                self._faulty.pop(entrance, None)
                entrance.sets, entrance.faults, entrance.specials = 0, [], []
        self._specials = {special: None for special in self._specials if special.entrance in own}
        self._crowds = {key: why for key, why in self._crowds.items() if _tenant(key[1]) in mine}

    def _tenants(self, at: PortRef) -> set[str]:
        """Whose endpoints a port's host has."""
        return {name for each in self.crowds.expectations for name in each.tenants_at(self.fabric.hosts[at])}

    def _owner(self, at: PortRef) -> str | None:
        return min(self._tenants(at), default=None)

    def _note(self, entrance: Entrance) -> None:
        if entrance.faults or any(special.faults for special in entrance.specials):
            self._faulty[entrance] = None
        else:
            self._faulty.pop(entrance, None)

    def _look_closely(self, crowd: Crowd, pair: Pair, some: list[Unmet]) -> None:
        """Where a crowd is not as it should be, look at its senders one by one, until every claim is seen to break."""
        faults: list[Fault] = []
        more = 0
        broken = self._broken()
        for unmet in some:
            claims = {claim for claim, _, _ in self.judge.faults(unmet, self.crowds.expectations)}
            if all(broken.get(claim, 0) >= ENOUGH for claim in claims):
                more += 1
                continue
            for at in crowd.members[pair]:
                found = list(self.entrances[at].exactly(unmet.box, crowd, pair))
                faults += found
                for fault in found:
                    broken[fault.claim] = broken.get(fault.claim, 0) + 1
                    claims.discard(fault.claim)
                if not claims:
                    break
        self._unmet[crowd, pair] = faults, more

    def _faults(self) -> Iterator[Fault]:
        for entrance in self._faulty:
            yield from entrance.faults
            for special in entrance.specials:
                yield from special.faults
        for faults, _ in self._unmet.values():
            yield from faults

    def _broken(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for faults, _ in self._unmet.values():
            for fault in faults:
                found[fault.claim] = found.get(fault.claim, 0) + 1
        return found

    # -- answers -------------------------------------------------------------------------------------------------------

    def findings(self) -> Findings:
        faults = list(self._faults())
        shown: list[Counterexample] = []
        for claim in CLAIMS:
            some = [fault for fault in faults if fault.claim == claim]
            some.sort(key=lambda fault: (fault.at, fault.host))
            shown += [told(self.fabric, self.judge, fault) for fault in some[:SHOWN]]
        found = len(faults) + sum(more for _, more in self._unmet.values())
        judged, wanted = self.crowds.counted()
        waypoints = any(detours(each.intent) for each in self.crowds.expectations)
        return Findings(len(self.entrances), judged + self._sets, wanted, found, tuple(shown), waypoints)


def _tenant(pair: Pair) -> str:
    """Whose packets a pair speaks of."""
    return next((wish.tenant for wish in pair if wish is not None), "")
