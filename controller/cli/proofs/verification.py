"""Answers of the prover with the places behind them: what reports are made of.

Lives here: stages of a verification, and which lines of which files a counterexample leads to. Must not know: how
states came about, forms of reports.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from clos.controller.cli.answer import FAILED, OK, UNCHECKED
from clos.controller.compile import Origin, origins
from clos.controller.compile.cookie import cookie as cookie_of
from clos.controller.compile.cookie import node_path, policy_path, share_path, switch_path
from clos.controller.explain.policy_reasons import speaks
from clos.controller.intent.model import NOWHERE, PROTOCOL_NAMES, Intent, Policy, Where
from clos.controller.intent.reach import End, Flow, Ruling, has, passage
from clos.controller.verify import CLAIMS, Counterexample, Proof, Report
from clos.controller.verify.proof.invariants import INVARIANTS, Reach
from clos.fabric.dataplane.rule import Rule
from clos.fabric.packet.build import Packet, PacketError
from clos.fabric.topology import PortRef, Topology

PROVED, REFUTED, COULD_NOT = OK, FAILED, UNCHECKED
"""What ``clos verify`` exits with: every claim holds; one does not; no answer."""

SAYS: Mapping[str, str] = {**CLAIMS, **INVARIANTS}
"""What each claim says."""

Places = Callable[[str, Rule], Where]
"""Where a dump has a rule of a switch; NOWHERE for one that is in none."""
Failing = Mapping[str, list[str]]
"""``broken``: what is; ``alike``: failures that are the same up to symmetry; ``cut_off``: hosts that it tears off."""
Ours = Callable[[str], Collection[Rule]]
"""The rules that the intents compile to, by switch."""


class Cause(NamedTuple):
    """Something that a counterexample leads to: an object of the intents, or a rule of a dump. ``role`` says how."""

    path: str
    where: Where
    role: str

    def __str__(self) -> str:
        place = "" if self.where == NOWHERE else f"{self.where} "
        return f"{place}{self.path} {self.role}"


class Met(NamedTuple):
    """A rule that the packet meets, and what caused it, where that is known."""

    switch: str
    rule: Rule
    origin: Origin | None


class Refutation(NamedTuple):
    """A counterexample; ``causes``: what to look at, the likeliest first."""

    found: Counterexample
    causes: tuple[Cause, ...]
    met: tuple[Met, ...]

    @property
    def place(self) -> Where:
        """The line to look at first; NOWHERE when no file has any."""
        return next((cause.where for cause in self.causes if cause.where != NOWHERE), NOWHERE)


class ProvedState(NamedTuple):
    """One state of the fabric and the answers about it, in ``seconds``. ``proofs``: of the claims asked for.

    ``failure``: what is broken in it, as names by role, where something is.
    """

    title: str
    proofs: tuple[Proof, ...]
    refutations: tuple[Refutation, ...]
    refused: str
    more: int
    seconds: float
    failure: Failing | None = None

    @property
    def code(self) -> int:
        if self.refused:
            return COULD_NOT
        return REFUTED if self.refutations else PROVED

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that have an answer, in the order of reports."""
        answered = {one.claim for one in self.proofs} | {one.found.claim for one in self.refutations}
        return tuple(claim for claim in SAYS if claim in answered)


class Verification(NamedTuple):
    """All stages. ``reach``: who reaches whom, where no intent says; ``notes``: what none of this speaks of;
    ``strange``: what a dump names and the topology lacks; ``hosts``: all that there are, by name. ``foreign``: what is
    not modelled, each kind once; ``partly``: packets meet it, and of these there is no answer."""

    subject: str
    stages: tuple[ProvedState, ...]
    reach: Reach | None = None
    notes: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    partly: bool = False

    @property
    def unreached(self) -> tuple[str, ...]:
        """The hosts at which no packet arrives, where that was asked."""
        reached = {host for found in (self.reach or {}).values() for host in found}
        return tuple(host for host in self.hosts if host not in reached) if self.reach is not None else ()

    @property
    def code(self) -> int:
        """REFUTED as soon as one claim is; else COULD_NOT where there is no answer."""
        codes = {stage.code for stage in self.stages}
        if REFUTED in codes:
            return REFUTED
        return COULD_NOT if self.partly else max(codes, default=COULD_NOT)

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)


class Sources(NamedTuple):
    """Where causes are looked up.

    ``intent`` None: nobody says what the rules are for. ``places`` and ``ours`` None: the rules are no dump's, and are
    those that the intents compile to.
    """

    topology: Topology
    intent: Intent | None = None
    places: Places | None = None
    ours: Ours | None = None

    def stage(
        self, title: str, report: Report, wanted: Collection[str], seconds: float, failure: Failing | None = None
    ) -> ProvedState:
        """The answers of a report to the claims that are wanted (none: to all that the intents have to do with)."""
        chosen = wanted or SAYS
        proofs = tuple(one for one in report.proofs if one.claim in chosen and (wanted or not one.idle))
        told = {(one.claim, one.at, one.text, one.data): one for one in report.counterexamples if one.claim in chosen}
        known = self.origins() if told else {}
        refutations = tuple(self._refutation(one, known) for one in told.values())
        more = report.found - len(report.counterexamples) if not wanted else 0
        return ProvedState(title, proofs, refutations, str(report.refused or ""), max(0, more), seconds, failure)

    def origins(self) -> dict[int, Origin]:
        """What caused a rule, by its cookie."""
        paths = [*map(switch_path, self.topology.switches), *map(node_path, self.topology.nodes)]
        known = {cookie_of(path): Origin(path, NOWHERE) for path in paths}
        return known | (origins(self.intent) if self.intent is not None else {})

    def _refutation(self, found: Counterexample, known: Mapping[int, Origin]) -> Refutation:
        met = tuple(Met(switch, rule, known.get(rule.cookie)) for switch, rule in found.rules)
        ends = tuple(one for one in met if (one.switch, one.rule) in found.ends)
        ranked = [
            *self._said(found),
            *self._met(
                ends or met, found.at.switch, "is one of the last rules it matches" if ends else "is a rule it matches"
            ),
        ]
        causes: dict[tuple[str, Where], Cause] = {}
        for _, cause in sorted(ranked, key=lambda pair: pair[0]):
            causes.setdefault((cause.path, cause.where), cause)
        return Refutation(found, tuple(causes.values()), met)

    def _said(self, found: Counterexample) -> Iterator[tuple[int, Cause]]:
        """The line of the intents that decides on such packets, whatever the rules do with them."""
        decided = None if self.intent is None else decision(self.intent, self.topology, found.at, found.data)
        by = None if decided is None else decided.ruling.by
        if decided is None or by is None:
            return
        path = (
            policy_path(decided.source.tenant.name, by.name)
            if isinstance(by, Policy)
            else share_path(by.tenant, by.name)
        )
        verdict = "permits it" if decided.ruling.allowed else "forbids it"
        reply = ", as a reply" if decided.ruling.reply else ""
        yield MEANT, Cause(path, by.where, f"{verdict}{reply}: {speaks(by, decided.ruling.allowed)}")

    def _met(self, met: tuple[Met, ...], first: str, how: str) -> Iterator[tuple[int, Cause]]:
        """What is behind the rules it met; of one switch, the last rule first."""
        strange = self._strange(met)
        for switch, rule, origin in reversed(met):
            near = switch == first
            where = self.places(switch, rule) if self.places is not None else NOWHERE
            if where != NOWHERE:
                place = f"{switch} table {rule.table} priority {rule.priority}"
                odd = (switch, rule) in strange
                role = "is not what the intents compile to" if odd else how
                rank = STRANGE if near else STRANGE_FAR
                yield rank if odd else DUMPED if near else FAR, Cause(place, where, role)
            if origin is not None:
                policy = origin.path.startswith("shares.") or ".policies." in origin.path
                rank = POLICY if policy else OBJECT if near and origin.where != NOWHERE else FAR
                yield rank, Cause(origin.path, origin.where, f"causes a rule it matches on {switch}")

    def _strange(self, met: tuple[Met, ...]) -> set[tuple[str, Rule]]:
        """The rules that the intents do not compile to; none where they are all strange: another program's, then, or
        compiled under other numbers."""
        if self.ours is None:
            return set()
        found = {(one.switch, one.rule) for one in met if one.rule not in self.ours(one.switch)}
        return found if len(found) * 2 <= len(met) else set()


STRANGE, STRANGE_FAR, MEANT, POLICY, DUMPED, OBJECT, FAR = range(7)
"""Causes by how likely they are the one to look at: a rule that is not the compiler's, where the packet comes in or
elsewhere; what the intents say of it; a policy whose rule it meets; where it comes in, the rules as dumped and then the
objects that cause them; what it meets elsewhere."""


class Decision(NamedTuple):
    """What the intents say of a packet from one endpoint to another."""

    source: End
    target: End
    flow: Flow
    ruling: Ruling


def decision(intent: Intent, topology: Topology, at: PortRef, data: bytes) -> Decision | None:
    """The intents' decision on an IPv4 packet that comes in at a port; None when it is of no endpoint, or for none."""
    try:
        packet = Packet(data)
        outer = packet.headers()
        tagged = outer["vlan_vid"] != 0
        headers = packet.pop_vlan().headers() if tagged else outer
    except (PacketError, KeyError):
        return None
    here = _ends(intent, headers.get("ipv4_src"), topology.host_at.get(at))
    source = next((end for end in here if end.endpoint.mac == headers["eth_src"]), None)
    target = next(iter(_ends(intent, headers.get("ipv4_dst"), None)), None)
    if source is None or target is None or source == target:
        return None
    if tagged != (topology.hosts[source.endpoint.host].tagged):
        return None
    proto = PROTOCOL_NAMES.get(headers["ip_proto"], "")
    ports = headers.get(f"{proto}_src"), headers.get(f"{proto}_dst")
    flow = Flow(headers["ip_proto"], *ports)
    return Decision(source, target, flow, passage(intent, source, target, flow, topology.legacy))


def _ends(intent: Intent, ip: int | None, host: str | None) -> list[End]:
    """The endpoints with an address, on a host or on any."""
    return [
        End(tenant, endpoint)
        for tenant in intent.tenants.values()
        for endpoint in tenant.everyone.values()
        if ip is not None and host in (None, endpoint.host) and has(tenant, endpoint, ip)
    ]
