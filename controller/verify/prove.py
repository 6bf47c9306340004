"""Every claim about an intent, for all packets at every host's port, over the rules that switches hold.

The rules say what becomes of every packet, the intent says what must: where the two differ, a packet is picked and
told. Where they never differ, that is the proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from controller.intent.model import Intent
from controller.verify.claims import (
    ADMITTED,
    CLAIMS,
    FAITHFUL,
    ISOLATED,
    LOOP_FREE,
    POLICY,
    QUIET,
    REACHABLE,
    Counterexample,
    Proof,
    Refused,
    Report,
)
from controller.verify.domain import Unmodelled
from controller.verify.expect import Choice, Expectation, Wanted, intent_terms, spread
from controller.verify.frame import Frame, canonical, source
from controller.verify.outcome import LOOP, Alternative, Filter, Gated, Outcome, plain
from controller.verify.reach import Fabric, terms_of
from controller.verify.space import SHAPE, Box, Space, minus, within
from controller.verify.witness import Witness, witness
from fabric.action import CONTROLLER
from fabric.rule import Rule
from fabric.ruleset import Ruleset, SwitchState
from fabric.topology import PortRef, Topology

SHOWN = 5
"""Counterexamples told in full, per claim."""

Place = tuple[str, Frame]


def verify(intent: Intent, topology: Topology, ruleset: Ruleset, down: frozenset[PortRef] = frozenset()) -> Report:
    """Prove every claim or refute it, with the ports ``down`` (and those cabled to them) dead."""
    states = {name: ruleset.state(name) for name in ruleset.switches}
    return verify_states(intent, topology, states, down)


def verify_states(
    intent: Intent,
    topology: Topology,
    states: Mapping[str, SwitchState],
    down: frozenset[PortRef] = frozenset(),
) -> Report:
    """The same for states by switch, wherever they come from: a switch that is not named holds nothing."""
    held = {name: states.get(name, SwitchState((), (), ())) for name in topology.switches}
    try:
        space = Space(terms_of(held.values()) | intent_terms(intent))
        return _Proving(intent, topology, Fabric(topology, held, space, down)).report()
    except Unmodelled as why:
        return Report((), (), Refused(str(why)))


class _Proving:
    """A verdict in the making."""

    def __init__(self, intent: Intent, topology: Topology, fabric: Fabric) -> None:
        self.intent, self.topology, self.fabric, self.space = intent, topology, fabric, fabric.space
        self.expectation = Expectation(intent, topology, fabric.space)
        self.hosts = topology.host_at
        self.cut_off = frozenset(h.name for h in topology.hosts.values() if set(h.ports) <= fabric.down)
        self.homes: dict[str, set[str]] = {}
        for tenant in intent.tenants.values():
            for endpoint in tenant.endpoints.values():
                self.homes.setdefault(endpoint.host, set()).add(tenant.name)
        self.counts: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.told: list[Counterexample] = []
        self.alike: dict[tuple[int, int], bool] = {}
        self.kept: list[object] = []  # what ``alike`` knows by identity lives on

    def report(self) -> Report:
        for at in sorted(self.hosts):
            if at not in self.fabric.down:
                self._port(at)
        proofs = tuple(self._proof(claim) for claim in CLAIMS if claim not in self.broken)
        order = list(CLAIMS)
        told = tuple(sorted(self.told, key=lambda one: order.index(one.claim)))
        return Report(proofs, told, None, sum(self.broken.values()))

    def _proof(self, claim: str) -> Proof:
        ports, pieces, wanted = (self.counts[key] for key in ("ports", "pieces", "wanted"))
        vacuous = None
        if not ports:
            vacuous = "no host's port is up"
        elif claim in (REACHABLE, FAITHFUL) and not wanted:
            vacuous = "the intent permits no packet"
        covered = f"all packets at {ports} ports, in {pieces} sets" + (
            f", {wanted} of them permitted" if wanted else ""
        )
        return Proof(claim, covered, vacuous)

    def _port(self, at: PortRef) -> None:
        """Compare what becomes of all packets at a port with what must."""
        self.counts["ports"] += 1
        for every in self.space.everything():
            for box, outcome in self.fabric.entering(at, every):
                for part, want in self.expectation.at(at, box):
                    self._compare(at, part, outcome, want)

    def _compare(self, at: PortRef, box: Box, outcome: Outcome | Gated, want: Wanted | Choice) -> None:
        """Judge the packets of a box; together, when policy's filter is the very set of packets that are permitted."""
        if isinstance(outcome, Gated) and isinstance(want, Choice) and self._alike(outcome.filter, want):
            self.counts["pieces"] += 2
            self.counts["wanted"] += 1
            if not want.permits or next(self._faults(box, outcome.kept, want.yes), None) is None:
                return
        for part, found in plain([(box, outcome)]):
            for each, wanted in spread(part, want):
                self.counts["pieces"] += 1
                self.counts["wanted"] += bool(wanted.arrivals)
                self._judge(at, each, found, wanted)

    def _alike(self, sieve: Filter, choice: Choice) -> bool:
        """Whether the filter keeps exactly the IPv4 packets that the choice permits."""
        key = id(sieve), id(choice.permits)
        if key not in self.alike:
            every = within(self.space.full, ((SHAPE, self.space.shapes.ip4),)) or self.space.full
            kept = [part for limits, keeps in sieve.rows if keeps and (part := within(every, limits))]
            permitted = [part for limits in choice.permits if (part := within(every, limits))]
            self.alike[key] = not _beyond(kept, permitted) and not _beyond(permitted, kept)
            self.kept += [sieve, choice.permits]
        return self.alike[key]

    def _judge(self, at: PortRef, box: Box, outcome: Outcome, wanted: Wanted) -> None:
        if not any(outcome) and not wanted.arrivals:
            return
        for claim, host, alternative in self._faults(box, outcome, wanted):
            self.broken[claim] += 1
            if sum(one.claim == claim for one in self.told) < SHOWN:
                self.told.append(self._counterexample(claim, at, box, wanted, host, alternative))

    def _faults(self, box: Box, outcome: Outcome, wanted: Wanted) -> Iterator[tuple[str, str, Alternative]]:
        """The claims that an outcome breaks, each once: (claim, host concerned, what happens)."""
        must = self._must(box, wanted)
        seen: set[str] = set()
        for alternative in sorted(outcome):
            for claim, host in self._broken(box, alternative, wanted, must):
                if claim not in seen:
                    seen.add(claim)
                    yield claim, host, alternative

    def _must(self, box: Box, wanted: Wanted) -> Counter[Place]:
        arrivals = ((host, canonical(self.space, box, frame)) for host, frame in wanted.arrivals)
        return Counter(place for place in arrivals if place[0] not in self.cut_off)

    def _broken(
        self, box: Box, alternative: Alternative, wanted: Wanted, must: Counter[Place]
    ) -> Iterator[tuple[str, str]]:
        does: Counter[Place] = Counter()
        for switch, port, frame in alternative:
            if switch == LOOP:
                yield LOOP_FREE, ""
            elif port == CONTROLLER:
                yield QUIET, switch
            else:
                host = self.hosts[PortRef(switch, port)]
                does[host, canonical(self.space, box, frame)] += host != wanted.free
        if does == must:
            return
        due, got = ({host for host, _ in places} for places in (must, +does))
        for host in sorted(got - due):
            yield self._leak(host, wanted), host
        for host in sorted(due - got):
            yield REACHABLE, host
        if due == got:
            yield FAITHFUL, min((host for host, _ in (does - must) + (must - does)), default="")

    def _leak(self, host: str, wanted: Wanted) -> str:
        """Which claim is broken when the host gets a packet that it must not get."""
        if wanted.sender is None:
            return ADMITTED
        return POLICY if wanted.sender[0] in self.homes.get(host, ()) else ISOLATED

    def _counterexample(
        self, claim: str, at: PortRef, box: Box, wanted: Wanted, host: str, alternative: Alternative
    ) -> Counterexample:
        picked = self._pick(box, alternative, wanted)
        lines: list[str] = []
        rules: list[tuple[str, Rule]] = []
        self.fabric.entering(at, picked.box, _Telling(lines, rules))
        sender = f"{'/'.join(wanted.sender)} on " if wanted.sender else ""
        text = f"a packet of {sender}{self.hosts[at]} {_HAPPENS[claim].format(host)}; {wanted.why}"
        return Counterexample(
            claim, at, self.hosts[at], text, picked.data, picked.scapy, tuple(lines), tuple(dict.fromkeys(rules))
        )

    def _pick(self, box: Box, alternative: Alternative, wanted: Wanted) -> Witness:
        """A packet of the box on which the difference shows: one that is not by chance as it should be."""
        for chosen in self._tries(box, alternative, wanted):
            found = witness(self.space, chosen)
            if any(self._broken(found.box, alternative, wanted, self._must(found.box, wanted))):
                return found
        return witness(self.space, box)

    def _tries(self, box: Box, alternative: Alternative, wanted: Wanted) -> Iterator[Box]:
        yield box
        frames = [frame for _, _, frame in alternative] + [frame for _, frame in wanted.arrivals]
        for frame in frames:
            for slot, _ in frame.over:
                for other in frames:
                    yield from _apart(self.space, box, slot, source(other, slot))


def _beyond(some: list[Box], others: list[Box]) -> list[Box]:
    """What is in some of these boxes and in none of the others."""
    for other in others:
        some = [part for box in some for part in minus(box, other)]
    return some


def _apart(space: Space, box: Box, slot: int, found: int) -> Iterator[Box]:
    """The part of the box in which the slot does not hold what the source gives."""
    atoms = space.domain[slot].atom(found) if found >= 0 else box[~found] & -box[~found]
    left = box[slot] & ~atoms
    if left:
        yield (*box[:slot], left, *box[slot + 1 :])


_HAPPENS = {
    ADMITTED: "arrives at {}",
    ISOLATED: "arrives at {}, which is another tenant's",
    POLICY: "arrives at {}",
    REACHABLE: "does not arrive at {}",
    FAITHFUL: "arrives at {} not as it should",
    LOOP_FREE: "goes round in a loop",
    QUIET: "is sent to the controller by {}",
}


class _Telling:
    """Hears what happens to a packet: lines, and the rules it meets."""

    def __init__(self, lines: list[str], rules: list[tuple[str, Rule]]) -> None:
        self.lines, self.rules, self.switch = lines, rules, ""

    def __call__(self, text: str, switch: str = "", rule: Rule | None = None) -> None:
        self.lines.append(text)
        if rule is not None:
            self.rules.append((switch, rule))
