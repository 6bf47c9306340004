"""Every claim about an intent, for all packets at every host's port, over the rules that switches hold.

The rules say what becomes of every packet, the intent says what must: where the two differ, a packet is picked and
told. Where they never differ, that is the proof. A ``Prover`` keeps what it found out, so that a change costs what it
touches.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

from controller.intent.model import Intent, Tenant
from controller.verify.claims import (
    CLAIMS,
    FAITHFUL,
    NO_WAYPOINT,
    REACHABLE,
    WAYPOINTED,
    Counterexample,
    Proof,
    Refused,
    Report,
)
from controller.verify.crowd import Crowd, Crowds, Dirty, Job, Pair, Rules, Worth
from controller.verify.domain import Unmodelled
from controller.verify.entrance import Entrance, Fault, Special
from controller.verify.expect import Expectation, intent_terms, share_terms, tenant_terms
from controller.verify.judge import Judge, Unmet
from controller.verify.pipeline import Touch
from controller.verify.reach import Edit, Fabric, StartOver, terms_of
from controller.verify.space import ETH_DST, IP_DST, Space
from controller.verify.tell import told
from fabric.rule import Rule
from fabric.ruleset import Ruleset, SwitchState
from fabric.topology import PortRef, Topology

SHOWN = 5
"""Counterexamples told in full, per claim."""
ENOUGH = 40
"""Faults of a claim that are looked for sender by sender; more are only counted."""


def verify(intent: Intent, topology: Topology, ruleset: Ruleset, down: frozenset[PortRef] = frozenset()) -> Report:
    """Prove every claim or refute it, with the ports ``down`` (and those cabled to them) dead."""
    return verify_states(intent, topology, states_of(ruleset), down)


def verify_states(
    intent: Intent,
    topology: Topology,
    states: Mapping[str, SwitchState],
    down: frozenset[PortRef] = frozenset(),
) -> Report:
    """The same for states by switch, wherever they come from: a switch that is not named holds nothing."""
    with _no_collection():
        return Prover(intent, topology, states, down).report()


def states_of(ruleset: Ruleset) -> dict[str, SwitchState]:
    """What every switch holds, in no order."""
    return {
        name: SwitchState(
            tuple(chain.from_iterable([block.rules for block in blocks])),
            tuple(chain.from_iterable([block.groups for block in blocks])),
            (),
        )
        for name, blocks in ruleset.by_switch().items()
    }


class Prover:
    """What is proved of a fabric, and what is needed to prove it again after a change.

    ``change`` gives the verdict on what a fresh proof of the changed fabric would be about, at the cost of what the
    change can touch. With ``during`` (or ``before``, to begin with) a change is under way: each packet may be treated
    as the new intent says or as the one before says.
    """

    def __init__(
        self,
        intent: Intent,
        topology: Topology,
        states: Mapping[str, SwitchState],
        down: frozenset[PortRef] = frozenset(),
        before: Intent | None = None,
    ) -> None:
        self.topology, self.down = topology, down
        self.intent, self._before = intent, before
        self._refused: Refused | None = None
        self._begin({name: states.get(name, SwitchState((), (), ())) for name in topology.switches})

    def _begin(self, states: Mapping[str, SwitchState]) -> None:
        """Start over from what switches hold."""
        self._held = states
        self._proving: _Proving | None = None
        try:
            terms = terms_of(states.values()) | intent_terms(self.intent)
            if self._before is not None:
                terms |= intent_terms(self._before)
            with _no_collection():
                fabric = Fabric(self.topology, states, Space(terms), self.down)
                self._proving = _Proving(fabric, self.intent, self._before)
            self._held = {}
            self._refused = None
        except Unmodelled as why:
            self._refused = Refused(str(why))

    def report(self) -> Report:
        """The answers to all claims."""
        if self._proving is not None:
            try:
                with _no_collection():
                    self._proving.work()
                return self._proving.report()
            except Unmodelled as why:
                self._held = self._proving.fabric.states()
                self._proving, self._refused = None, Refused(str(why))
        return Report((), (), self._refused)

    def change(self, edits: Mapping[str, Edit], intent: Intent | None = None, during: bool = False) -> Report:
        """The answers after switches were edited and the intent became ``intent`` (default: it stays).

        ``during``: the intent that holds is either this or the last one that held alone.
        """
        new = self.intent if intent is None else intent
        last = self.intent if self._before is None else self._before
        before = last if during and new is not last else None
        if self._proving is None:
            self.intent, self._before = new, before
            self._begin(_edited(self._held, edits))
            return self.report()
        try:
            self._proving.edit(edits)
            self._proving.turn(new, before)
            self.intent, self._before = new, before
        except StartOver:
            self.intent, self._before = new, before
            self._begin(_edited(self._proving.fabric.states(), edits))
        except Unmodelled as why:
            self.intent, self._before = new, before
            self._held = _edited(self._proving.fabric.states(), edits)
            self._proving, self._refused = None, Refused(str(why))
        return self.report()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without cyclic garbage collection: nothing here makes cycles that die, and there is much to walk through."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _edited(states: Mapping[str, SwitchState], edits: Mapping[str, Edit]) -> dict[str, SwitchState]:
    found = dict(states)
    for name, edit in edits.items():
        rules = {rule.key: rule for rule in states[name].rules}
        for rule in edit.gone:
            rules.pop(rule.key, None)
        rules.update((rule.key, rule) for rule in edit.come)
        groups = {entry.group: entry for entry in states[name].groups}
        for number, entry in edit.groups.items():
            if entry is None:
                groups.pop(number, None)
            else:
                groups[number] = entry
        found[name] = SwitchState(tuple(rules.values()), tuple(groups.values()), ())
    return found


def edit_between(old: SwitchState, new: SwitchState) -> Edit:
    """What turns one state into the other."""
    before: dict[tuple[object, ...], Rule] = {rule.key: rule for rule in old.rules}
    after: dict[tuple[object, ...], Rule] = {rule.key: rule for rule in new.rules}
    groups = {entry.group: entry for entry in new.groups}
    known = {entry.group: entry for entry in old.groups}
    return Edit(
        tuple(rule for key, rule in before.items() if after.get(key) != rule),
        tuple(rule for key, rule in after.items() if before.get(key) != rule),
        {
            number: groups.get(number)
            for number in known.keys() | groups.keys()
            if known.get(number) != groups.get(number)
        },
    )


class _Proving:
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
            self.crowds.loose = self._differences(old, self.crowds.now)
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
                _merge(dirty, self._differences(some, now))
        crowds.now, crowds.old = now, old
        crowds.spared.clear()
        crowds.loose = {} if old is None else self._differences(old, now)
        _merge(dirty, crowds.loose)
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

    def _differences(self, old: Expectation, new: Expectation) -> dict[str, Dirty]:
        """What differs between two intents, by the tenant whose packets it concerns."""
        found: dict[str, Dirty] = {}
        if old is new:
            return found
        before, after = old.intent.tenants, new.intent.tenants
        for name in (*before, *(name for name in after if name not in before)):
            one, other = before.get(name), after.get(name)
            if one is not other and one != other:
                found[name] = self._difference(one, other)
        if old.intent.agreed != new.intent.agreed:
            for share, _, importer in {*old.intent.agreed, *new.intent.agreed}:
                for name in (share.tenant, importer):
                    found.setdefault(name, Dirty()).everything = True
        for name, dirty in list(found.items()):
            for partner in {*old.partners(name), *new.partners(name)} - {name}:
                theirs = found.setdefault(partner, Dirty())
                theirs.everything |= dirty.everything
                theirs.macs |= dirty.macs
                theirs.ips |= dirty.ips
                theirs.hosts |= dirty.hosts
        return found

    def _difference(self, one: Tenant | None, other: Tenant | None) -> Dirty:
        dirty = Dirty()
        if one is None or other is None:
            dirty.everything = True
        else:
            same = (one.networks, one.groups, one.policies, one.imports)
            dirty.everything = same != (other.networks, other.groups, other.policies, other.imports)
        held = [tenant.endpoints if tenant is not None else {} for tenant in (one, other)]
        # Where a waypoint is, and whose packets it passes on, concerns packets for others.
        dirty.everything |= held[0] != held[1] and any(tenant and has_detours(tenant) for tenant in (one, other))
        mac, ip = self.space.domain[ETH_DST], self.space.domain[IP_DST]
        for name in held[0].keys() | held[1].keys():
            ends = [some.get(name) for some in held]
            if ends[0] == ends[1]:
                continue
            for end in ends:
                if end is not None:
                    dirty.macs |= mac.of(end.mac)
                    dirty.ips |= ip.of(end.ip)
                    dirty.hosts.add(end.host)
        return dirty

    # -- work ----------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Look at all that is to be looked at again."""
        while self._todo or self._crowds or self._specials:
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
            crowds, self._crowds = self._crowds, {}
            for (crowd, pair), reasons in crowds.items():
                unmet = None
                if pair in crowd.members:
                    unmet = None if reasons is None else self.crowds.glance(crowd, pair, reasons)
                    unmet = self.crowds.check(crowd, pair) if unmet is None else unmet
                self._unmet.pop((crowd, pair), None)
                if unmet:
                    self._look_closely(crowd, pair, unmet)
            specials, self._specials = self._specials, {}
            for special in specials:
                special.look()
                self._note(special.entrance)

    def _note(self, entrance: Entrance) -> None:
        if entrance.faults or any(special.faults for special in entrance.specials):
            self._faulty[entrance] = None
        else:
            self._faulty.pop(entrance, None)

    def _look_closely(self, crowd: Crowd, pair: Pair, some: list[Unmet]) -> None:
        """Where a crowd is not as it should be, look at its senders one by one."""
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
                if found:
                    for fault in found:
                        broken[fault.claim] = broken.get(fault.claim, 0) + 1
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

    def report(self) -> Report:
        faults = list(self._faults())
        broken = {fault.claim for fault in faults}
        shown: list[Counterexample] = []
        for claim in CLAIMS:
            some = [fault for fault in faults if fault.claim == claim]
            some.sort(key=lambda fault: (fault.at, fault.host))
            shown += [told(self.fabric, self.judge, fault) for fault in some[:SHOWN]]
        found = len(faults) + sum(more for _, more in self._unmet.values())
        counted = self.crowds.counted()
        proofs = tuple(self._proof(claim, *counted) for claim in CLAIMS if claim not in broken)
        return Report(proofs, tuple(shown), None, found)

    def _proof(self, claim: str, judged: int, wanted: int) -> Proof:
        sets = judged + self._sets
        vacuous = None
        if not self.entrances:
            vacuous = "no host's port is up"
        elif claim in (REACHABLE, FAITHFUL) and not wanted:
            vacuous = "the intent permits no packet"
        elif claim == WAYPOINTED and not any(detours(each.intent) for each in self.crowds.expectations):
            vacuous = NO_WAYPOINT
        covered = f"all packets at {len(self.entrances)} ports, in {sets} sets"
        return Proof(claim, covered + (f", {wanted} of them permitted" if wanted else ""), vacuous)


def detours(intent: Intent) -> bool:
    """Whether any policy sends packets by a waypoint."""
    return any(map(has_detours, intent.tenants.values()))


def has_detours(tenant: Tenant) -> bool:
    """Whether any policy of the tenant does."""
    return any(policy.via is not None for policy in tenant.policies)


def _merge(into: dict[str, Dirty], more: Mapping[str, Dirty]) -> None:
    for name, dirty in more.items():
        held = into.setdefault(name, Dirty())
        held.everything |= dirty.everything
        held.macs |= dirty.macs
        held.ips |= dirty.ips
        held.hosts |= dirty.hosts
